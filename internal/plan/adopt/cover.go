package adopt

import (
	"cmp"
	"math/bits"
	"regexp"
	"slices"
	"strings"

	"gatehouse/internal/plan/estate"
)

// Kind is a way of choosing accounts.
type Kind string

// Ways of choosing accounts besides their names. Each but the names says something of accounts that do not exist yet: they get the access, too.
const (
	All      Kind = "all"      // every active member account
	Units    Kind = "ou"       // organizational units
	Tags     Kind = "tags"     // a tag of the accounts
	Patterns Kind = "patterns" // a beginning of names, such as sandbox-*
)

// Kinds are all of them.
var Kinds = []Kind{All, Units, Tags, Patterns}

// DefaultSelectors are those that are used when nothing is said. Patterns are not among them: that names begin alike is too often an accident.
var DefaultSelectors = []Kind{All, Units, Tags}

// candidate is a selector that might be used.
type candidate struct {
	yaml    any
	members set
	count   int
	cost    float64
	rough   bool // it may be used with exceptions
}

// What a selector costs in reading, where the name of an account costs one. The more a selector could be an accident the more it costs; an
// exception costs more than a name, since it must be understood together with what it is an exception from.
const (
	costAll, costUnit, costDirect, costTag, costPattern = 1, 1, 1.5, 2, 2.2
	costException                                       = 1.5
	// mostExceptions is the share of a selector's accounts that may be excepted: beyond that it does not say what is meant.
	mostExceptions = 0.25
	fewTagged      = 3
	fewPatterned   = 3
)

// cover finds selectors for sets of accounts.
type cover struct {
	e          *estate.Estate
	x          *estate.Index
	members    set // active accounts but for the management account, which nothing but its name chooses
	management int // index, -1 when there is none
	candidates []candidate
}

func newCover(e *estate.Estate, x *estate.Index, kinds []Kind) *cover {
	c := &cover{e: e, x: x, members: newSet(len(e.Accounts)), management: -1}
	for i := range e.Accounts {
		switch a := &e.Accounts[i]; {
		case !a.Active():
		case a.Management:
			c.management = i
		default:
			c.members.add(i)
		}
	}
	if kinds == nil {
		kinds = DefaultSelectors
	}
	if slices.Contains(kinds, All) {
		c.offer(exact("all"), c.members, 2, costAll, true)
	}
	if slices.Contains(kinds, Units) {
		c.units()
	}
	if slices.Contains(kinds, Tags) {
		c.tags()
	}
	if slices.Contains(kinds, Patterns) {
		c.patterns()
	}
	return c
}

func (c *cover) offer(yaml any, members set, few int, cost float64, rough bool) {
	if n := members.count(); n >= few {
		c.candidates = append(c.candidates, candidate{yaml, members, n, cost, rough})
	}
}

// units offers every unit whose path means it alone: with what is below, and without where that differs. The root is not offered: what is
// everywhere is all, and the management account is to be named.
func (c *cover) units() {
	nested, direct := make([]set, len(c.e.Units)), make([]set, len(c.e.Units))
	for i := range c.e.Units {
		nested[i], direct[i] = newSet(len(c.e.Accounts)), newSet(len(c.e.Accounts))
	}
	for i := range c.e.Accounts {
		if !c.members.has(i) {
			continue
		}
		for depth, u := range c.x.Chain(i) {
			nested[u].add(i)
			if depth == 0 {
				direct[u].add(i)
			}
		}
	}
	for i := range c.e.Units {
		p := c.x.Path(i)
		if found, ok := c.x.Unit(p); !ok || found != i || p == "/" || len([]rune(p)) > 1024 {
			continue
		}
		c.offer(mapping{{key: "ou", value: text(p)}}, nested[i], 2, costUnit, true)
		if !slices.Equal(nested[i], direct[i]) {
			c.offer(mapping{{key: "ou", value: text(p)}, {key: "nested", value: exact("false")}}, direct[i], 2, costDirect, true)
		}
	}
}

// tags offers every tag that several accounts have, and whose value is no pattern. Where they say the same, the first key in the alphabet is taken.
func (c *cover) tags() {
	found := map[[2]string]set{}
	for i := range c.e.Accounts {
		if !c.members.has(i) {
			continue
		}
		for k, v := range c.e.Accounts[i].Tags {
			if v == "" || strings.ContainsAny(v, "*?") || strings.HasPrefix(k, "aws:") {
				continue
			}
			if found[[2]string{k, v}] == nil {
				found[[2]string{k, v}] = newSet(len(c.e.Accounts))
			}
			found[[2]string{k, v}].add(i)
		}
	}
	for _, kv := range sortedPairs(found) {
		c.offer(mapping{{key: "tags", value: exact("{" + scalar(text(kv[0])) + ": " + scalar(text(kv[1])) + "}")}}, found[kv], fewTagged, costTag, false)
	}
}

func sortedPairs(of map[[2]string]set) [][2]string {
	out := make([][2]string, 0, len(of))
	for kv := range of {
		out = append(out, kv)
	}
	slices.SortFunc(out, func(a, b [2]string) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) })
	return out
}

var wordEnd = regexp.MustCompile(`[-_. ]`)

// patterns offers beginnings of names that several accounts share, up to a hyphen, an underscore, a point or a space.
func (c *cover) patterns() {
	found := map[[2]string]set{}
	for i := range c.e.Accounts {
		name := c.e.Accounts[i].Name
		if !c.members.has(i) || strings.ContainsAny(name, "*?") {
			continue
		}
		for _, at := range wordEnd.FindAllStringIndex(name, -1) {
			if at[0] == 0 {
				continue
			}
			key := [2]string{name[:at[1]], ""}
			if found[key] == nil {
				found[key] = newSet(len(c.e.Accounts))
			}
			found[key].add(i)
		}
	}
	for _, kv := range sortedPairs(found) {
		if len(c.x.AccountsNamed(kv[0]+"*")) == 0 {
			c.offer(text(kv[0]+"*"), found[kv], fewPatterned, costPattern, false)
		}
	}
}

// chosen are selectors that choose exactly a set of accounts, and what they cost.
type chosen struct {
	any, except []any
	cost        float64
}

// find chooses accounts: the selector that spares the most reading first, until naming what is left is shorter.
func (c *cover) find(accounts []int32) chosen {
	want := newSet(len(c.e.Accounts))
	for _, a := range accounts {
		want.add(int(a))
	}
	var out chosen
	left := slices.Clone(want)
	if c.management >= 0 && left.has(c.management) {
		left.remove(c.management)
		out.any = append(out.any, exact("management"))
	}
	excepted := newSet(len(c.e.Accounts))
	for {
		best, spared, exceptions := -1, 0.0, chosen{}
		for i := range c.candidates {
			k := &c.candidates[i]
			covered := k.members.common(left)
			if covered < 2 || float64(covered)-k.cost <= spared {
				continue
			}
			cost, e := k.cost, chosen{}
			if extra := k.members.without(want).without(excepted); extra.any() {
				if !k.rough || float64(k.members.without(want).count()) > mostExceptions*float64(k.count) {
					continue
				}
				e = c.exactly(extra, want)
				cost += e.cost
			}
			if saving := float64(covered) - cost; saving > spared {
				best, spared, exceptions = i, saving, e
			}
		}
		if best < 0 {
			break
		}
		k := &c.candidates[best]
		out.any = append(out.any, k.yaml)
		out.except = append(out.except, exceptions.any...)
		excepted.join(k.members.without(want))
		left = left.without(k.members)
	}
	out.any = append(out.any, c.names(left)...)
	return out
}

// exactly chooses accounts for exceptions: never one of those that are wanted, others do not matter. Units and names alone do that: with the tag of an account an
// exception would go, and the access come.
func (c *cover) exactly(accounts, wanted set) (out chosen) {
	left := slices.Clone(accounts)
	for {
		best, spared := -1, 0.0
		for i := range c.candidates {
			k := &c.candidates[i]
			if saving := float64(k.members.common(left)) - k.cost; k.rough && saving > spared && k.members.common(wanted) == 0 {
				best, spared = i, saving
			}
		}
		if best < 0 {
			break
		}
		out.any, out.cost = append(out.any, c.candidates[best].yaml), out.cost+costException*c.candidates[best].cost
		left = left.without(c.candidates[best].members)
	}
	names := c.names(left)
	out.any, out.cost = append(out.any, names...), out.cost+costException*float64(len(names))
	return out
}

// names are accounts by name, in its order; by id, with the name beside it, where a name means none or several.
func (c *cover) names(accounts set) []any {
	var all []int
	for i := range c.e.Accounts {
		if accounts.has(i) {
			all = append(all, i)
		}
	}
	slices.SortFunc(all, func(a, b int) int {
		return cmp.Or(cmp.Compare(c.e.Accounts[a].Name, c.e.Accounts[b].Name), cmp.Compare(c.e.Accounts[a].ID, c.e.Accounts[b].ID))
	})
	out := make([]any, len(all))
	for n, i := range all {
		a := &c.e.Accounts[i]
		switch name := a.Name; {
		case c.means(name):
			out[n] = text(name)
		case name == "":
			out[n] = text(a.ID)
		default:
			out[n] = remarked{text(a.ID), comment(name)}
		}
	}
	return out
}

var onlyDigits = regexp.MustCompile(`^\d{12}$`)

// means tells whether a name in a file is that account and no other.
func (c *cover) means(name string) bool {
	return name != "" && name != "all" && name != "management" && len([]rune(name)) <= 256 && !onlyDigits.MatchString(name) && !strings.ContainsAny(name, "*?") &&
		len(c.x.AccountsNamed(name)) == 1
}

// set is a set of accounts by index.
type set []uint64

func newSet(n int) set { return make(set, (n+63)/64) }

func (s set) add(i int)      { s[i/64] |= 1 << (i % 64) }
func (s set) remove(i int)   { s[i/64] &^= 1 << (i % 64) }
func (s set) has(i int) bool { return s[i/64]>>(i%64)&1 == 1 }
func (s set) any() bool      { return slices.ContainsFunc(s, func(w uint64) bool { return w != 0 }) }

func (s set) count() (n int) {
	for _, w := range s {
		n += bits.OnesCount64(w)
	}
	return n
}

// common is how many two sets have in common.
func (s set) common(o set) (n int) {
	for i, w := range s {
		n += bits.OnesCount64(w & o[i])
	}
	return n
}

func (s set) without(o set) set {
	out := slices.Clone(s)
	for i := range out {
		out[i] &^= o[i]
	}
	return out
}

func (s set) join(o set) {
	for i := range s {
		s[i] |= o[i]
	}
}
