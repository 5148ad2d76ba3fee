package estate

import (
	"cmp"
	"slices"
	"strings"
)

// Index finds things of an estate by name. It is made for one state of the estate: what is appended afterwards must be told to it.
type Index struct {
	e        *Estate
	accounts map[string]int   // by id
	named    map[string][]int // accounts by name
	groups   map[string]int   // by folded name
	users    map[string]int   // by folded user name
	emails   map[string][]int // by folded address
	sets     map[string]int   // by name
	units    map[string]int   // by id
	chains   [][]int          // for each account the units it stands in, nearest first
	paths    map[string][]int // units by path
}

// NewIndex reads the estate once.
func NewIndex(e *Estate) *Index {
	x := &Index{e: e, accounts: make(map[string]int, len(e.Accounts)), named: make(map[string][]int, len(e.Accounts)), groups: make(map[string]int, len(e.Groups)),
		users: make(map[string]int, len(e.Users)), emails: map[string][]int{}, sets: make(map[string]int, len(e.Sets)), units: map[string]int{}, paths: map[string][]int{}}
	for i, u := range e.Units {
		x.units[u.ID] = i
	}
	for i := range e.Units {
		path := x.Path(i)
		x.paths[path] = append(x.paths[path], i)
	}
	for i := range e.Accounts {
		a := &e.Accounts[i]
		x.accounts[a.ID] = i
		x.named[a.Name] = append(x.named[a.Name], i)
		x.chains = append(x.chains, x.chain(a.Unit))
	}
	for i := range e.Groups {
		x.AddGroup(i)
	}
	for i := range e.Users {
		x.AddUser(i)
	}
	for i := range e.Sets {
		x.AddSet(i)
	}
	return x
}

// AddGroup tells of a group that was appended.
func (x *Index) AddGroup(i int) { x.groups[fold(x.e.Groups[i].Name)] = i }

// AddSet tells of a permission set that was appended.
func (x *Index) AddSet(i int) { x.sets[x.e.Sets[i].Name] = i }

// AddUser tells of a user that was appended.
func (x *Index) AddUser(i int) {
	u := &x.e.Users[i]
	if u.Name != "" {
		x.users[fold(u.Name)] = i
	}
	for _, m := range u.Emails {
		if key := fold(m); !slices.Contains(x.emails[key], i) {
			x.emails[key] = append(x.emails[key], i)
		}
	}
}

// fold makes names comparable: the identity store tells none apart by case.
func fold(s string) string { return strings.ToLower(s) }

// chain is the units from one up to the root. A circle, which no organization has, ends it.
func (x *Index) chain(id string) (out []int) {
	for id != "" {
		i, ok := x.units[id]
		if !ok || slices.Contains(out, i) {
			break
		}
		out = append(out, i)
		id = x.e.Units[i].Parent
	}
	return out
}

// Path is a unit's names from the root on, with slashes between; the root is "/". A slash in a name is written \/.
func (x *Index) Path(unit int) string {
	chain := x.chain(x.e.Units[unit].ID)
	if len(chain) <= 1 {
		return "/"
	}
	names := make([]string, 0, len(chain))
	for _, i := range slices.Backward(chain[:len(chain)-1]) {
		names = append(names, strings.ReplaceAll(x.e.Units[i].Name, "/", `\/`))
	}
	return strings.Join(names, "/")
}

// Unit finds a unit by its path; leading and trailing slashes mean nothing.
func (x *Index) Unit(path string) (int, bool) {
	if path = strings.Trim(path, "/"); path == "" {
		path = "/"
	}
	found := x.paths[path]
	if len(found) == 0 {
		return 0, false
	}
	return found[0], true
}

// Paths are the paths of all units.
func (x *Index) Paths() []string {
	var out []string
	for i := range x.e.Units {
		out = append(out, x.Path(i))
	}
	return out
}

// Chain is the units that an account stands in, the nearest first.
func (x *Index) Chain(account int) []int { return x.chains[account] }

// Account by id.
func (x *Index) Account(id string) (int, bool) { i, ok := x.accounts[id]; return i, ok }

// AccountsNamed have exactly this name.
func (x *Index) AccountsNamed(name string) []int { return x.named[name] }

// Group by name, in whatever case.
func (x *Index) Group(name string) (int, bool) { i, ok := x.groups[fold(name)]; return i, ok }

// Set by name.
func (x *Index) Set(name string) (int, bool) { i, ok := x.sets[name]; return i, ok }

// Users who have this user name, or else this e-mail address; more than one only by address.
func (x *Index) Users(name string) []int {
	if i, ok := x.users[fold(name)]; ok {
		return []int{i}
	}
	return x.emails[fold(name)]
}

// Gone tells whether a principal was deleted: of whoever was, nothing is left but the id.
func (e *Estate) Gone(p Principal) bool {
	if p.IsUser() {
		u := &e.Users[p.Index()]
		return u.Name == "" && u.Display == "" && len(u.Emails) == 0
	}
	return e.Groups[p.Index()].Name == ""
}

// ID of a principal.
func (e *Estate) ID(p Principal) string {
	if p.IsUser() {
		return e.Users[p.Index()].ID
	}
	return e.Groups[p.Index()].ID
}

// Name of a principal, and whether it has one: what was deleted has only its id.
func (e *Estate) Name(p Principal) string {
	name := ""
	if i := p.Index(); p.IsUser() {
		name = e.Users[i].Name
	} else {
		name = e.Groups[i].Name
	}
	return cmp.Or(name, e.ID(p))
}
