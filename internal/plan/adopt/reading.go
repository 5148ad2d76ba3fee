package adopt

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"gatehouse/internal/plan/estate"
	"gatehouse/internal/plan/file"
	"gatehouse/internal/plan/source"
)

// Reading is what the configurations of other tools describe, gathered from as many files as there are: a permission set may be in one of them and its assignments in
// another. They name people, groups and accounts by id; [Reading.Estate] gives them names.
type Reading struct {
	// Problems are what was not understood (errors) and what is left out (warnings).
	Problems source.Problems

	sets        map[string]*foundSet // by ARN, or by what a template calls it
	parts       []part
	groups      map[string]*foundGroup
	users       map[string]*estate.User
	accounts    map[string]*estate.Account
	whole       bool // accounts are all there are
	assignments []grant
	attributes  []estate.Attribute
	apps        map[string]*estate.Application
	uses        []grant
	required    map[string]bool   // application → whether an assignment is required
	stores      map[string]place  // identity stores that groups and users are of
	instances   map[string]place  // instances that templates name
	used        map[string]string // parameters of templates, and which of them
	told        map[string]bool
}

// NewReading is of nothing.
func NewReading() *Reading {
	return &Reading{sets: map[string]*foundSet{}, groups: map[string]*foundGroup{}, users: map[string]*estate.User{}, accounts: map[string]*estate.Account{},
		apps: map[string]*estate.Application{}, required: map[string]bool{}, stores: map[string]place{}, instances: map[string]place{}, used: map[string]string{}, told: map[string]bool{}}
}

// place is where something is described: a file, and what it is called there.
type place struct{ file, name string }

type foundSet struct {
	estate.Set
	at place
}

type foundGroup struct {
	estate.Group
	at      place
	ours    bool // described, not only named
	members []string
	filled  bool // memberships are described
}

// part is something of a permission set that stands by itself. Apply puts it in, or names what of the set is different already.
type part struct {
	set   string
	at    place
	apply func(*estate.Set) (differs string)
}

// grant is an assignment of a permission set or an application.
type grant struct {
	what, principal, account string
	user                     bool
	at                       place
}

func (r *Reading) fail(code string, at place, advice, format string, args ...any) {
	r.Problems.Add(code, source.Position{File: at.file}, at.name, advice, format, args...)
}

// once warns of something one time.
func (r *Reading) once(key, code string, at place, advice, format string, args ...any) {
	if !r.told[key] {
		r.told[key] = true
		r.Problems.Warn(code, source.Position{File: at.file}, at.name, advice, format, args...)
	}
}

// duplicate tells of something that is described twice, and not in the same way.
func (r *Reading) duplicate(at place, format string, args ...any) {
	r.fail("duplicate", at, "keep one of the two", "%s: "+format, append([]any{at.name}, args...)...)
}

// set describes a permission set, or names it when there are no details.
func (r *Reading) set(key string, s estate.Set, at place) {
	was := r.sets[key]
	switch {
	case s.DetailsRead && s.Name == "":
		r.fail("nameless", at, "", "%s: the permission set has no name", at.name)
	case was == nil || !was.DetailsRead:
		r.sets[key] = &foundSet{s, at}
	case s.DetailsRead && !reflect.DeepEqual(was.Set, s):
		r.duplicate(at, "the permission set %q is described differently by %s in %s", s.Name, was.at.name, was.at.file)
	}
}

// describe describes a group.
func (r *Reading) describe(id, name, description string, at place) {
	g := r.group(id)
	switch {
	case name == "":
		r.fail("nameless", at, "", "%s: the group has no name", at.name)
	case g.ours && (g.Name != name || g.Description != description):
		r.duplicate(at, "the group %q is described differently by %s in %s", name, g.at.name, g.at.file)
	default:
		g.Name, g.Description, g.ours, g.at = name, description, true, at
	}
}

func (r *Reading) app(key string, a *estate.Application, at place) {
	if was := r.apps[key]; was != nil && !reflect.DeepEqual(was, a) {
		r.duplicate(at, "the application %q is described differently already", a.Name)
		return
	}
	r.apps[key] = a
}

// attribute describes all attributes for access control.
func (r *Reading) attribute(all []estate.Attribute, at place) {
	slices.SortFunc(all, func(a, b estate.Attribute) int { return strings.Compare(a.Key, b.Key) })
	if r.attributes != nil && !reflect.DeepEqual(r.attributes, all) {
		r.duplicate(at, "the attributes for access control are described differently already")
		return
	}
	r.attributes = all
}

// kind tells whether a principal is a user.
func (r *Reading) kind(at place, s string) (user, ok bool) {
	if s != "GROUP" && s != "USER" {
		r.fail("principal", at, "", "%s: %q is neither GROUP nor USER", at.name, s)
		return false, false
	}
	return s == "USER", true
}

func (r *Reading) group(id string) *foundGroup {
	if r.groups[id] == nil {
		r.groups[id] = &foundGroup{Group: estate.Group{ID: id}}
	}
	return r.groups[id]
}

func (r *Reading) member(group, user string, at place) {
	g := r.group(group)
	if !g.ours && !g.filled {
		g.at = at
	}
	g.members, g.filled = append(g.members, user), true
}

func (r *Reading) user(u estate.User) {
	if u.ID != "" && (r.users[u.ID] == nil || r.users[u.ID].Name == "") {
		r.users[u.ID] = &u
	}
}

// account adds what is said of an account to what was said before. Units and tags are not among it: those of some accounts would choose others, of which they are not known.
func (r *Reading) account(a estate.Account) {
	if a.ID == "" {
		return
	}
	if was := r.accounts[a.ID]; was != nil {
		a.Name, a.Email, a.Status = cmp.Or(was.Name, a.Name), cmp.Or(was.Email, a.Email), cmp.Or(was.Status, a.Status)
		a.Management = a.Management || was.Management
	}
	r.accounts[a.ID] = &a
}

// policy is a document in compact form.
func (r *Reading) policy(at place, document []byte) (string, bool) {
	v := jsontext.Value(document)
	if err := v.Compact(); err != nil {
		r.fail("policy", at, "", "%s: the policy document is not JSON: %v", at.name, err)
		return "", false
	}
	return string(v), true
}

func (r *Reading) session(at place, s string) time.Duration {
	if s == "" {
		return time.Hour
	}
	d, ok := file.Duration(s)
	if !ok {
		r.fail("duration", at, "", "%s: %q is no duration", at.name, s)
	}
	return d
}

// Described is an estate that a reading describes, ready to be written.
type Described struct {
	*estate.Estate
	// Groups are those that are described, by index; the others are only named.
	Groups []bool
	// Whole says that the accounts are all there are: otherwise nothing but names and ids may choose them.
	Whole bool
}

// Options are o, with what the description allows.
func (d *Described) Options(o Options) Options {
	o.Groups = d.Groups
	if !d.Whole {
		o.Selectors = []Kind{}
	}
	return o
}

// Estate gives everything its name: from the reading itself, and from an estate that is known to be there (nil: none), whose accounts and units it takes over. What
// stays without a name is a problem: an error when nothing is known, since it can be looked up, and otherwise a warning, since it is gone.
func (r *Reading) Estate(known *estate.Estate) *Described {
	n := &naming{Reading: r, known: known, out: &Described{Estate: &estate.Estate{}, Whole: r.whole || known != nil},
		account: map[string]int32{}, user: map[string]int32{}, group: map[string]int32{}, set: map[string]int32{}}
	n.takeOver()
	n.instance()
	n.nameAccounts()
	n.nameUsers()
	n.nameGroups()
	n.nameSets()
	n.fillGroups()
	n.assign()
	n.nameApplications()
	if r.attributes != nil {
		n.out.Attributes = r.attributes
	}
	return n.out
}

// naming is a reading on its way to an estate: places by id.
type naming struct {
	*Reading
	known                     *estate.Estate
	elsewhere                 bool // what is described is of another instance than known: ids mean nothing there, names do
	x                         *estate.Index
	out                       *Described
	account, user, group, set map[string]int32
}

// unmade tells ids that a template stands for from those that the service gave.
func unmade(id string) bool { return strings.Contains(id, "#") }

// byName tells whether something that is not known by its id may be looked up by its name. What had an id in this very instance is gone, and access of it must not come
// up for somebody else who is called the same.
func (n *naming) byName(id string) bool { return n.known == nil || n.elsewhere || unmade(id) }

// nameless tells of something that has no name; every id once.
func (n *naming) nameless(what, id string, at place) {
	key := "nameless\x00" + what + id
	if n.told[key] {
		return
	}
	n.told[key] = true
	switch {
	case n.known == nil:
		n.fail("nameless", at, "name the instance (--profile, --region, --data) or an export of it (--estate), where names are looked up", "%s: nothing says what the %s %s is called", at.name, what, id)
	default:
		n.once(key+"gone", "gone", at, "take it out there, too", "%s is left out: there is no %s %s any more", at.name, what, id)
	}
}

// takeOver begins with what is known to be there.
func (n *naming) takeOver() {
	k, e := n.known, n.out.Estate
	if k == nil {
		n.x = estate.NewIndex(e)
		return
	}
	e.Instance, e.Units, e.Accounts, e.Users = k.Instance, k.Units, slices.Clone(k.Accounts), slices.Clone(k.Users)
	e.Groups = slices.Clone(k.Groups)
	for i := range e.Groups {
		e.Groups[i].Members, e.Groups[i].MembersRead = nil, false
		n.group[e.Groups[i].ID] = int32(i)
	}
	for i := range e.Accounts {
		n.account[e.Accounts[i].ID] = int32(i)
	}
	for i := range e.Users {
		n.user[e.Users[i].ID] = int32(i)
	}
	n.x = estate.NewIndex(e)
}

// instance tells when what is described is of several instances, or of another one than that in which names are looked up.
func (n *naming) instance() {
	type named struct {
		arn string
		at  place
	}
	var all []named
	for _, key := range slices.Sorted(maps.Keys(n.sets)) {
		all = append(all, named{key, n.sets[key].at})
	}
	for _, arn := range slices.Sorted(maps.Keys(n.instances)) {
		all = append(all, named{arn, n.instances[arn]})
	}
	for _, p := range n.parts {
		all = append(all, named{p.set, p.at})
	}
	for _, g := range slices.Concat(n.assignments, n.uses) {
		all = append(all, named{g.what, g.at})
	}
	of := ""
	for _, x := range all {
		id := instanceOf(x.arn)
		if of = cmp.Or(of, id); id != "" && id != of {
			n.fail("instance", x.at, "read the configurations of one instance at a time", "%s is of the instance %s, and others are of %s", x.at.name, id, of)
			return
		}
	}
	stores := slices.Sorted(maps.Keys(n.stores))
	if len(stores) > 1 {
		at := n.stores[stores[1]]
		n.fail("instance", at, "read the configurations of one instance at a time", "%s is of the identity store %s, and others are of %s", at.name, stores[1], stores[0])
		return
	}
	if n.known == nil {
		return
	}
	const advice = "name the instance that the configuration is of, unless the files are to be used with another one"
	if there := n.known.Instance.ARN; of != "" && there != "" && !strings.HasSuffix(there, "/"+of) {
		n.elsewhere = true
		n.once("instance", "instance", place{}, advice, "what is described is of the instance %s, and names are looked up in %s, where its ids mean nothing", of, there[strings.LastIndex(there, "/")+1:])
	} else if there := n.known.Instance.IdentityStoreID; len(stores) > 0 && there != "" && there != stores[0] {
		n.elsewhere = true
		n.once("instance", "instance", place{}, advice, "what is described is of the identity store %s, and names are looked up in %s, where its ids mean nothing", stores[0], there)
	}
}

// instanceOf is the id of the instance in its ARN, or in that of a permission set or an application, or "".
func instanceOf(arn string) string {
	for _, kind := range []string{":permissionSet/", ":application/", ":::instance/"} {
		if _, rest, ok := strings.Cut(arn, kind); ok {
			id, _, _ := strings.Cut(rest, "/")
			return id
		}
	}
	return ""
}

func (n *naming) nameAccounts() {
	e := n.out.Estate
	for _, id := range slices.Sorted(maps.Keys(n.accounts)) {
		a := n.accounts[id]
		if _, there := n.account[id]; there {
			continue
		}
		if n.known != nil {
			// Only one that has no id yet is known by its name. Of one that has, access must not come up in another account of that name.
			if found := n.x.AccountsNamed(a.Name); len(found) == 1 && !onlyDigits.MatchString(id) {
				n.account[id] = int32(found[0])
			}
			continue
		}
		if !onlyDigits.MatchString(id) { // not made yet: its name is all that there is
			a.ID = ""
		}
		n.account[id] = int32(len(e.Accounts))
		e.Accounts = append(e.Accounts, *a)
	}
}

func (n *naming) nameUsers() {
	e := n.out.Estate
	for _, id := range slices.Sorted(maps.Keys(n.users)) {
		u := n.users[id]
		if _, there := n.user[id]; there || !n.byName(id) {
			continue
		}
		if n.known != nil {
			// A user name that is somebody else's e-mail address would be that person in files.
			found := n.x.Users(u.Name)
			if len(found) == 1 && strings.EqualFold(e.Users[found[0]].Name, u.Name) {
				n.user[id] = int32(found[0])
			}
			if len(found) > 0 || u.Name == "" {
				continue
			}
			u = &estate.User{ID: id, Name: u.Name}
		}
		n.user[id] = int32(len(e.Users))
		e.Users = append(e.Users, *u)
	}
}

func (n *naming) nameGroups() {
	e := n.out.Estate
	ids := slices.SortedFunc(maps.Keys(n.groups), func(a, b string) int { // those of templates are found among the others by their names
		if unmade(a) != unmade(b) {
			return cmp.Compare(strings.Count(a, "#"), strings.Count(b, "#"))
		}
		return strings.Compare(a, b)
	})
	ours := map[int32]*foundGroup{}
	for _, id := range ids {
		g := n.groups[id]
		i, there := n.group[id]
		found, taken := n.x.Group(g.Name)
		taken = taken && g.Name != ""
		switch {
		case there && e.Groups[i].Name == "": // nothing but assignments is left of it
			if g.ours || g.filled {
				n.nameless("group", id, g.at)
			}
			continue
		case there && g.ours && e.Groups[i].Name != g.Name:
			n.once("renamed\x00"+id, "renamed", g.at, "name it so there, too", "%s: the group %q is called %q now", g.at.name, g.Name, e.Groups[i].Name)
		case there:
		case taken && n.known == nil && !unmade(id):
			n.fail("duplicate", g.at, "read the configurations of one instance at a time", "%s: another group is called %q, too", cmp.Or(g.at.name, id), g.Name)
			continue
		case taken && n.byName(id):
			i = int32(found)
		case g.Name == "" || taken || !g.ours && !n.byName(id):
			n.nameless("group", id, g.at)
			continue
		default:
			i = int32(len(e.Groups))
			e.Groups = append(e.Groups, g.Group)
			n.x.AddGroup(int(i))
		}
		n.group[id] = i
		if !g.ours {
			continue
		}
		if was := ours[i]; was != nil && was.Description != g.Description {
			n.duplicate(g.at, "the group %q is described differently by %s in %s", g.Name, was.at.name, was.at.file)
		}
		ours[i], e.Groups[i].Description = g, g.Description
	}
	n.out.Groups = make([]bool, len(e.Groups))
}

// fillGroups puts members into groups whose memberships are described.
func (n *naming) fillGroups() {
	e := n.out.Estate
	for _, id := range slices.Sorted(maps.Keys(n.groups)) {
		g := n.groups[id]
		i, there := n.group[id]
		if !there || n.out.Estate.Groups[i].Name == "" || !g.ours && !g.filled {
			continue
		}
		n.out.Groups[i] = true
		if !g.filled {
			continue
		}
		to := &e.Groups[i]
		to.MembersRead = true
		for _, m := range g.members {
			if u, there := n.user[m]; there {
				to.Members = append(to.Members, u)
			} else {
				n.nameless("user", m, g.at)
			}
		}
		slices.Sort(to.Members)
		to.Members = slices.Compact(to.Members)
	}
}

func (n *naming) nameSets() {
	for _, p := range n.parts {
		if s := n.sets[p.set]; s != nil && s.DetailsRead {
			if differs := p.apply(&s.Set); differs != "" {
				n.duplicate(p.at, "the permission set %q has another %s already", s.Name, differs)
			}
		} else {
			n.once("part\x00"+p.set, "part", p.at, "describe the permission set by hand, or import it from the instance", "%s is left out: the permission set it is a part of is not described", p.at.name)
		}
	}
	for _, g := range n.assignments {
		if n.sets[g.what] == nil {
			n.sets[g.what] = &foundSet{Set: estate.Set{ARN: g.what}, at: g.at}
		}
	}
	names, there, taken := map[string]place{}, map[string]bool{}, map[string]bool{}
	if n.known != nil {
		for i := range n.known.Sets {
			k := &n.known.Sets[i]
			there[k.ARN], taken[k.Name] = true, true
			if s := n.sets[k.ARN]; s != nil && s.Name == "" {
				s.Name = k.Name
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(n.sets)) {
		s := n.sets[key]
		if s.Name == "" || !there[key] && !n.byName(key) && (taken[s.Name] || !s.DetailsRead) {
			n.nameless("permission set", key, s.at)
			continue
		}
		if first, twice := names[s.Name]; twice {
			n.fail("duplicate", s.at, "keep one of the two", "%s: another permission set is called %q, too: %s in %s", s.at.name, s.Name, first.name, first.file)
			continue
		}
		names[s.Name] = s.at
		slices.Sort(s.AWSPolicies)
		s.AWSPolicies = slices.Compact(s.AWSPolicies)
		s.ARN, s.AssignmentsRead = key, true
		n.set[key] = int32(len(n.out.Sets))
		n.out.Sets = append(n.out.Sets, s.Set)
	}
}

// who is the principal of a grant.
func (n *naming) who(g grant) (estate.Principal, bool) {
	if g.user {
		i, there := n.user[g.principal]
		if !there {
			n.nameless("user", g.principal, g.at)
		}
		return estate.UserPrincipal(int(i)), there
	}
	i, there := n.group[g.principal]
	if !there {
		n.nameless("group", g.principal, g.at)
	}
	return estate.GroupPrincipal(int(i)), there
}

func (n *naming) assign() {
	e := n.out.Estate
	for _, g := range n.assignments {
		set, known := n.set[g.what]
		who, named := n.who(g)
		where, there := n.account[g.account]
		if a := n.accounts[g.account]; !there && a != nil && unmade(g.account) {
			n.fail("account", g.at, "put the account's id there", "%s: %d accounts are called %q", g.at.name, len(n.x.AccountsNamed(a.Name)), a.Name)
			continue
		}
		if !there {
			if n.known != nil || !onlyDigits.MatchString(g.account) {
				n.nameless("account", g.account, g.at)
				continue
			}
			where, there = int32(len(e.Accounts)), true
			n.account[g.account] = where
			e.Accounts = append(e.Accounts, estate.Account{ID: g.account})
		}
		if known && named {
			e.Assignments = append(e.Assignments, estate.Assignment{Account: where, Set: set, Principal: who})
		}
	}
	e.Assignments = estate.Sort(e.Assignments)
}

func (n *naming) nameApplications() {
	at, there, taken := map[string]int{}, map[string]bool{}, map[string]bool{}
	if n.known != nil {
		for i := range n.known.Applications {
			there[n.known.Applications[i].ARN], taken[n.known.Applications[i].Name] = true, true
		}
	}
	for _, key := range slices.Sorted(maps.Keys(n.apps)) {
		a := *n.apps[key]
		a.ARN = key
		if taken[a.Name] && !there[key] && !n.byName(key) {
			n.once("app\x00"+key, "gone", place{name: a.Name}, "take it out there, too", "the application %q is left out: there is no %s any more, and another has its name", a.Name, key)
			continue
		}
		if required, said := n.required[key]; said {
			a.AnyoneMayUse = !required
		}
		at[key] = len(n.out.Applications)
		n.out.Applications = append(n.out.Applications, a)
	}
	for _, g := range n.uses {
		i, described := at[g.what]
		if !described {
			n.once("use\x00"+g.what, "part", g.at, "describe the application by hand, or import it from the instance", "%s is left out: the application is not described", g.at.name)
			continue
		}
		if who, named := n.who(g); named {
			n.out.Applications[i].Principals = append(n.out.Applications[i].Principals, who)
		}
	}
	for i := range n.out.Applications {
		ps := n.out.Applications[i].Principals
		slices.Sort(ps)
		n.out.Applications[i].Principals = slices.Compact(ps)
	}
}
