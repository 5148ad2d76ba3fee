package estate

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// A file of an estate is one JSON object. Members: format and version; taken, caller, instance, pending; units, accounts, users, groups, sets, attributes,
// applications, assignments, missing, unchecked. People, groups, sets and accounts are named by id (sets by ARN) everywhere; assignments are grouped by account and
// set. A reader may meet the members in any order, and is quick and thrifty in the order that [Write] has.
const (
	fileFormat  = "gatehouse-estate"
	fileVersion = 1
	// mostBytes is how long a file may be, without compression: ten times what the largest estate that AWS's quotas allow has.
	mostBytes = 8 << 30
)

// fileGroup and fileApplication are what a file has where an estate has indices.
type fileGroup struct {
	Group
	Members []string `json:"members,omitzero"` // absent: they were not read
}

// fileSet has the session in seconds.
type fileSet struct {
	Set
	Seconds int64 `json:"session_seconds,omitzero"`
}

type fileApplication struct {
	Application
	Groups []string `json:"groups,omitempty"`
	Users  []string `json:"users,omitempty"`
}

// Write writes an estate that [Read] reads.
func Write(w io.Writer, e *Estate) error {
	out := bufio.NewWriterSize(w, 64<<10)
	enc := jsontext.NewEncoder(out, json.Deterministic(true))
	f := &fileWriter{enc: enc, e: e}
	f.token(jsontext.BeginObject)
	f.member("format", fileFormat)
	f.member("version", fileVersion)
	f.member("taken", e.Taken)
	f.member("caller", e.Caller)
	f.member("instance", e.Instance)
	f.member("pending", e.Pending)
	list(f, "units", e.Units)
	list(f, "accounts", e.Accounts)
	list(f, "users", e.Users)
	f.groups()
	f.sets()
	if e.Attributes != nil {
		list(f, "attributes", e.Attributes)
	}
	f.applications()
	f.assignments()
	list(f, "missing", e.Missing)
	list(f, "unchecked", e.Unchecked)
	f.token(jsontext.EndObject)
	if f.err != nil {
		return f.err
	}
	return out.Flush()
}

// fileWriter writes until the first error.
type fileWriter struct {
	enc *jsontext.Encoder
	e   *Estate
	err error
}

func (f *fileWriter) token(t jsontext.Token) {
	if f.err == nil {
		f.err = f.enc.WriteToken(t)
	}
}

func (f *fileWriter) value(v any) {
	if f.err == nil {
		f.err = json.MarshalEncode(f.enc, v)
	}
}

func (f *fileWriter) member(name string, v any) {
	f.token(jsontext.String(name))
	f.value(v)
}

func list[T any](f *fileWriter, name string, vs []T) {
	f.token(jsontext.String(name))
	f.token(jsontext.BeginArray)
	for i := range vs {
		f.value(&vs[i])
	}
	f.token(jsontext.EndArray)
}

func (f *fileWriter) groups() {
	out := make([]fileGroup, len(f.e.Groups))
	for i, g := range f.e.Groups {
		out[i].Group = g
		if !g.MembersRead {
			continue
		}
		out[i].Members = make([]string, len(g.Members))
		for k, m := range g.Members {
			out[i].Members[k] = f.e.Users[m].ID
		}
	}
	list(f, "groups", out)
}

func (f *fileWriter) sets() {
	out := make([]fileSet, len(f.e.Sets))
	for i, s := range f.e.Sets {
		out[i] = fileSet{s, int64(s.Session / time.Second)}
	}
	list(f, "sets", out)
}

func (f *fileWriter) applications() {
	out := make([]fileApplication, len(f.e.Applications))
	for i, a := range f.e.Applications {
		out[i].Application = a
		for _, p := range a.Principals {
			if p.IsUser() {
				out[i].Users = append(out[i].Users, f.e.Users[p.Index()].ID)
			} else {
				out[i].Groups = append(out[i].Groups, f.e.Groups[p.Index()].ID)
			}
		}
	}
	list(f, "applications", out)
}

// assignments writes [{"account": id, "sets": [{"set": arn, "groups": [id, …], "users": [id, …]}, …]}, …].
func (f *fileWriter) assignments() {
	f.token(jsontext.String("assignments"))
	f.token(jsontext.BeginArray)
	as := f.e.Assignments
	for len(as) > 0 {
		n := prefix(as, func(a Assignment) bool { return a.Account == as[0].Account })
		f.token(jsontext.BeginObject)
		f.member("account", f.e.Accounts[as[0].Account].ID)
		f.token(jsontext.String("sets"))
		f.token(jsontext.BeginArray)
		f.setsOf(as[:n])
		f.token(jsontext.EndArray)
		f.token(jsontext.EndObject)
		as = as[n:]
	}
	f.token(jsontext.EndArray)
}

func (f *fileWriter) setsOf(as []Assignment) {
	for len(as) > 0 {
		n := prefix(as, func(a Assignment) bool { return a.Set == as[0].Set })
		f.token(jsontext.BeginObject)
		f.member("set", f.e.Sets[as[0].Set].ARN)
		// Users come first: their numbers are negative.
		users := prefix(as[:n], func(a Assignment) bool { return a.Principal.IsUser() })
		f.ids("users", as[:users])
		f.ids("groups", as[users:n])
		f.token(jsontext.EndObject)
		as = as[n:]
	}
}

func (f *fileWriter) ids(name string, as []Assignment) {
	if len(as) == 0 {
		return
	}
	f.token(jsontext.String(name))
	f.token(jsontext.BeginArray)
	for _, a := range as {
		if a.Principal.IsUser() {
			f.token(jsontext.String(f.e.Users[a.Principal.Index()].ID))
		} else {
			f.token(jsontext.String(f.e.Groups[a.Principal.Index()].ID))
		}
	}
	f.token(jsontext.EndArray)
}

// prefix is how many of the first are so.
func prefix(as []Assignment, so func(Assignment) bool) int {
	for i, a := range as {
		if !so(a) {
			return i
		}
	}
	return len(as)
}

// Read reads what [Write] wrote, compressed with gzip or not. Whatever does not fit together is refused: an id that is there twice, or that is named
// and not there, a unit before its parent.
func Read(r io.Reader) (*Estate, error) {
	in := bufio.NewReaderSize(r, 64<<10)
	if magic, _ := in.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, fmt.Errorf("the estate file: %w", err)
		}
		in = bufio.NewReaderSize(z, 64<<10)
	}
	f := &fileReader{e: &Estate{}, later: map[string]jsontext.Value{}, read: map[string]bool{}, units: index{}, accounts: index{}, users: index{}, groups: index{}, sets: index{}, apps: index{}}
	f.dec = jsontext.NewDecoder(&limited{in, mostBytes})
	if err := f.file(); err != nil {
		return nil, fmt.Errorf("the estate file: %w", err)
	}
	return f.e, nil
}

// limited reads so many bytes and not one more.
type limited struct {
	r    io.Reader
	left int64
}

func (l *limited) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, errors.New("it is longer than any estate")
	}
	n, err := l.r.Read(p[:min(int64(len(p)), l.left)])
	l.left -= int64(n)
	return n, err
}

// index gives ids their place in a list.
type index map[string]int32

func (x index) add(what, id string) error {
	if id == "" {
		return fmt.Errorf("%s %d has no id", what, len(x)+1)
	}
	if _, twice := x[id]; twice {
		return fmt.Errorf("%s %q is there twice", what, id)
	}
	x[id] = int32(len(x))
	return nil
}

func (x index) find(what, id string) (int32, error) {
	i, ok := x[id]
	if !ok {
		return 0, fmt.Errorf("%s %q is named and is not there", what, id)
	}
	return i, nil
}

type fileReader struct {
	e                                          *Estate
	dec                                        *jsontext.Decoder
	read                                       map[string]bool           // members that were read
	later                                      map[string]jsontext.Value // members that came too early
	units, accounts, users, groups, sets, apps index
}

// needs is what must be read before a member can be.
var needs = map[string][]string{
	"accounts": {"units"}, "groups": {"users"}, "applications": {"users", "groups"}, "assignments": {"accounts", "sets", "users", "groups"},
}

func (f *fileReader) ready(name string) bool {
	return !slices.ContainsFunc(needs[name], func(n string) bool { return !f.read[n] })
}

func (f *fileReader) file() error {
	if t, err := f.dec.ReadToken(); err != nil || t.Kind() != '{' {
		return cmpErr(err, errors.New("it is not a JSON object"))
	}
	for f.dec.PeekKind() != '}' {
		t, err := f.dec.ReadToken()
		if err != nil {
			return err
		}
		name := t.String()
		if !f.ready(name) {
			v, err := f.dec.ReadValue()
			if err != nil {
				return err
			}
			f.later[name] = v.Clone()
			continue
		}
		if err := f.one(name); err != nil {
			return err
		}
	}
	if _, err := f.dec.ReadToken(); err != nil {
		return err
	}
	if _, err := f.dec.ReadToken(); err != io.EOF {
		return cmpErr(err, errors.New("something follows the JSON object"))
	}
	if !f.read["version"] || !f.read["format"] {
		return errors.New("it does not say which format and version it has; `gatehouse export` writes one that does")
	}
	return f.rest()
}

func cmpErr(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

// rest reads what came too early. A list that is not in the file at all is empty.
func (f *fileReader) rest() error {
	for _, name := range []string{"units", "accounts", "users", "groups", "sets", "applications", "assignments"} {
		v, waiting := f.later[name]
		if !waiting {
			f.read[name] = true
			continue
		}
		f.dec = jsontext.NewDecoder(bytes.NewReader(v))
		if err := f.one(name); err != nil {
			return err
		}
	}
	return nil
}

// one reads the value of a member.
func (f *fileReader) one(name string) error {
	err := f.value(name)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	f.read[name] = true
	return nil
}

func (f *fileReader) value(name string) error {
	e := f.e
	switch name {
	case "format":
		var got string
		if err := f.into(&got); err != nil || got == fileFormat {
			return err
		}
		return fmt.Errorf("it is %q, and that of an estate is %q", got, fileFormat)
	case "version":
		var got int
		if err := f.into(&got); err != nil || got == fileVersion {
			return err
		}
		return fmt.Errorf("it is %d, and this program reads %d", got, fileVersion)
	case "taken":
		return f.into(&e.Taken)
	case "caller":
		return f.into(&e.Caller)
	case "instance":
		return f.into(&e.Instance)
	case "pending":
		return f.into(&e.Pending)
	case "units":
		return items(f, func(u *Unit) error {
			if u.Parent != "" {
				if _, err := f.units.find("the parent of "+u.ID+",", u.Parent); err != nil {
					return fmt.Errorf("%w before it", err)
				}
			}
			e.Units = append(e.Units, *u)
			return f.units.add("unit", u.ID)
		})
	case "accounts":
		return items(f, func(a *Account) error {
			if a.Unit != "" {
				if _, err := f.units.find("unit", a.Unit); err != nil {
					return err
				}
			}
			e.Accounts = append(e.Accounts, *a)
			return f.accounts.add("account", a.ID)
		})
	case "users":
		return items(f, func(u *User) error {
			e.Users = append(e.Users, *u)
			return f.users.add("user", u.ID)
		})
	case "groups":
		return items(f, f.group)
	case "sets":
		return items(f, func(s *fileSet) error {
			if s.Seconds < 0 || s.Seconds > 1<<30 {
				return fmt.Errorf("a session of permission set %q lasts %d seconds", s.ARN, s.Seconds)
			}
			s.Session = time.Duration(s.Seconds) * time.Second
			e.Sets = append(e.Sets, s.Set)
			return f.sets.add("permission set", s.ARN)
		})
	case "attributes":
		e.Attributes = []Attribute{}
		return f.into(&e.Attributes)
	case "applications":
		return items(f, f.application)
	case "assignments":
		if err := items(f, f.assigned); err != nil {
			return err
		}
		return f.sorted()
	case "missing":
		return f.into(&e.Missing)
	case "unchecked":
		return f.into(&e.Unchecked)
	}
	return errors.New("no estate file has such a member")
}

var strict = json.JoinOptions(json.RejectUnknownMembers(true))

func (f *fileReader) into(v any) error { return json.UnmarshalDecode(f.dec, v, strict) }

// items reads an array one by one.
func items[T any](f *fileReader, add func(*T) error) error {
	t, err := f.dec.ReadToken()
	if err != nil {
		return err
	}
	if t.Kind() != '[' {
		return errors.New("it is not an array")
	}
	for f.dec.PeekKind() != ']' {
		var v T
		if err := f.into(&v); err != nil {
			return err
		}
		if err := add(&v); err != nil {
			return err
		}
	}
	_, err = f.dec.ReadToken()
	return err
}

func (f *fileReader) group(g *fileGroup) error {
	g.MembersRead = g.Members != nil
	for _, id := range g.Members {
		u, err := f.users.find("member", id)
		if err != nil {
			return err
		}
		g.Group.Members = append(g.Group.Members, u)
	}
	slices.Sort(g.Group.Members)
	if n := len(g.Group.Members); n != len(slices.Compact(g.Group.Members)) {
		return fmt.Errorf("group %q has a member twice", g.ID)
	}
	f.e.Groups = append(f.e.Groups, g.Group)
	return f.groups.add("group", g.ID)
}

func (f *fileReader) application(a *fileApplication) error {
	for _, id := range a.Users {
		u, err := f.users.find("user", id)
		if err != nil {
			return err
		}
		a.Principals = append(a.Principals, UserPrincipal(int(u)))
	}
	for _, id := range a.Groups {
		g, err := f.groups.find("group", id)
		if err != nil {
			return err
		}
		a.Principals = append(a.Principals, GroupPrincipal(int(g)))
	}
	slices.Sort(a.Principals)
	if n := len(a.Principals); n != len(slices.Compact(a.Principals)) {
		return fmt.Errorf("application %q has somebody twice", a.ARN)
	}
	f.e.Applications = append(f.e.Applications, a.Application)
	return f.apps.add("application", a.ARN)
}

// fileAssignments are the assignments of an account.
type fileAssignments struct {
	Account string `json:"account"`
	Sets    []struct {
		Set    string   `json:"set"`
		Users  []string `json:"users,omitempty"`
		Groups []string `json:"groups,omitempty"`
	} `json:"sets"`
}

func (f *fileReader) assigned(in *fileAssignments) error {
	account, err := f.accounts.find("account", in.Account)
	if err != nil {
		return err
	}
	for _, s := range in.Sets {
		set, err := f.sets.find("permission set", s.Set)
		if err != nil {
			return err
		}
		for _, id := range s.Users {
			u, err := f.users.find("user", id)
			if err != nil {
				return err
			}
			f.e.Assignments = append(f.e.Assignments, Assignment{account, set, UserPrincipal(int(u))})
		}
		for _, id := range s.Groups {
			g, err := f.groups.find("group", id)
			if err != nil {
				return err
			}
			f.e.Assignments = append(f.e.Assignments, Assignment{account, set, GroupPrincipal(int(g))})
		}
	}
	return nil
}

// sorted puts the assignments into their order, in which none may be there twice.
func (f *fileReader) sorted() error {
	as := f.e.Assignments
	if !slices.IsSortedFunc(as, Assignment.Compare) {
		slices.SortFunc(as, Assignment.Compare)
	}
	for i := 1; i < len(as); i++ {
		if as[i] == as[i-1] {
			return fmt.Errorf("account %q has set %q twice for the same principal", f.e.Accounts[as[i].Account].ID, f.e.Sets[as[i].Set].Name)
		}
	}
	return nil
}
