package app

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"gatehouse/internal/awswire/model"
)

// The tests of this file are made from the tables of the doors and the descriptions of the APIs (package model): per operation, everything that
// can be wrong with a request is wrong once. What an operation answers then is the API's documented error, and nothing has changed.
// refusals_data_test.go has what the descriptions do not say, each with its reason; refusals_world_test.go the world that requests are about.

// mischief is one thing that can be wrong.
type mischief string

const (
	missing      mischief = "missing member"
	tooLong      mischief = "too long"
	tooShort     mischief = "too short"
	pattern      mischief = "wrong pattern"
	enum         mischief = "wrong enum value"
	outOfRange   mischief = "number out of range"
	wrongType    mischief = "wrong type"
	union        mischief = "not one member of a union"
	unknown      mischief = "unknown reference"
	foreign      mischief = "foreign reference"
	stranger     mischief = "caller of a foreign account"
	unauthorized mischief = "caller without a policy"
	denied       mischief = "caller with an explicit deny"
	unsigned     mischief = "unsigned"
	badSignature mischief = "signature of another request"
	token        mischief = "page token"
)

// floors are how many cases of each kind there are at least: a generator that goes blind fails here. They may be raised, and are
// lowered only with an operation that goes.
var floors = map[mischief]int{
	missing: 520, tooLong: 600, tooShort: 500, pattern: 420, enum: 60, outOfRange: 160, wrongType: 800, union: 15, unknown: 340, foreign: 120,
	stranger: 130, unauthorized: 270, denied: 270, unsigned: 270, badSignature: 270, token: 250,
}

// faulty is a request with one thing wrong, and what must be answered.
type faulty struct {
	kind mischief
	// at is the member concerned, as people read it.
	at string
	in any
	// codes are the errors one of which must be the answer; says is a text that its message must have.
	codes []string
	says  string
	// by is who asks; nil for the administrator.
	by *caller
}

func TestEveryOperationRefusesWhatIsWrong(t *testing.T) {
	t.Parallel()
	w := newRefusalWorld(t)
	count, total := map[mischief]int{}, 0
	for _, a := range w.apis {
		done := map[string]bool{}
		for _, o := range a.desc.Operations {
			if _, there := a.rows[o.Name]; !there {
				continue
			}
			faults := w.faults(a, o) // this makes the denying policy
			before := w.lastEvent()
			tried := map[mischief]bool{}
			for _, f := range faults {
				w.try(a, o, f)
				count[f.kind]++
				total++
				tried[f.kind] = true
			}
			if after := w.lastEvent(); after != before {
				t.Errorf("%s %s: a refused request changed something: event %d after %d", a.desc.Service, o.Name, after, before)
				before = after
			}
			w.accounted(a, o, tried)
			done[o.Name] = true
		}
		if len(done) != len(a.rows) {
			t.Errorf("%s: %d of %d operations were tried", a.desc.Service, len(done), len(a.rows))
		}
	}
	for kind, least := range floors {
		if count[kind] < least {
			t.Errorf("only %d cases of %q, want %d at least", count[kind], kind, least)
		}
	}
	if testing.Short() {
		return
	}
	for _, left := range w.unused() {
		t.Errorf("refusals_data_test.go has a line about %s that nothing asked for", left)
	}
	t.Logf("%d requests: %v", total, count)
}

// TestEveryOperationSucceedsWhenNothingIsWrong: the requests that the refusals are made from are right but for their one fault. The world does not stay
// as it is, so reading goes before changing and changing before taking away.
func TestEveryOperationSucceedsWhenNothingIsWrong(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("an operation that is new has no values in the world yet; the whole run asks for them")
	}
	w := newRefusalWorld(t)
	type step struct {
		a *api
		o *model.Operation
	}
	turns := [4][]step{}
	for _, a := range w.apis {
		for _, o := range a.desc.Operations {
			if _, there := a.rows[o.Name]; there {
				turns[turn(o.Name)] = append(turns[turn(o.Name)], step{a, o})
			}
		}
	}
	slices.Reverse(turns[2]) // what is made of parts comes before its parts in most tables
	for _, s := range slices.Concat(turns[0], turns[1], turns[2], turns[3]) {
		ans := w.send(s.a, s.o, w.admin, w.request(s.a, s.o))
		key := s.a.desc.Service + "." + s.o.Name
		if want, ok := states[key]; ok {
			w.used[key] = true
			if code, _, _ := strings.Cut(want, ":"); ans.code != code {
				t.Errorf("%s: HTTP %d %s %q, want %s", key, ans.status, ans.code, ans.message, want)
			}
		} else if ans.status != 200 && ans.status != 204 {
			t.Errorf("%s: HTTP %d %s %q; give the world of refusals_world_test.go what it needs", key, ans.status, ans.code, ans.message)
		}
	}
	for key := range states {
		if !w.used[key] {
			t.Errorf("refusals_data_test.go has a line about %s that nothing asked for", key)
		}
	}
}

// turn is when an operation has its turn: 0 reads, 1 changes, 2 takes away, 3 takes away what others stand on.
func turn(operation string) int {
	for i, verbs := range [][]string{{"Describe", "Get", "List", "Is", "Decode", "Validate", "Simulate"}, nil, {"Delete", "Detach", "Remove", "Untag", "Deregister", "Close", "Logout"}, {"Disable"}} {
		if slices.ContainsFunc(verbs, func(v string) bool { return strings.HasPrefix(operation, v) }) {
			return i
		}
	}
	return 1
}

// accounted: an operation for which a caller-side case did not exist has a reason in the data.
func (w *refusals) accounted(a *api, o *model.Operation, tried map[mischief]bool) {
	w.t.Helper()
	for _, kind := range []mischief{unsigned, badSignature, unauthorized, denied, stranger} {
		if !tried[kind] && w.excused(a, o, kind) == "" {
			w.t.Errorf("%s %s: no case of %q, and no reason", a.desc.Service, o.Name, kind)
		}
	}
}

// try sends a faulty request.
func (w *refusals) try(a *api, o *model.Operation, f faulty) {
	w.t.Helper()
	by := w.admin
	if f.by != nil {
		by = f.by
	}
	ans := w.send(a, o, by, f.in)
	what := fmt.Sprintf("%s %s, %s %s", a.desc.Service, o.Name, f.kind, f.at)
	if ans.status < 400 || ans.status >= 500 {
		w.t.Errorf("%s: HTTP %d %s", what, ans.status, clipped(ans.body))
		return
	}
	if testing.Short() { // which error it is may need values that the world has not yet; the whole run asks for them
		return
	}
	if !slices.Contains(f.codes, ans.code) {
		w.t.Errorf("%s: %s %q, want one of %v", what, ans.code, ans.message, f.codes)
		return
	}
	if f.says != "" && !strings.Contains(ans.message, f.says) {
		w.t.Errorf("%s: %s says %q, want %q", what, ans.code, ans.message, f.says)
	}
	if ans.message == "" && ans.code != "" && a.desc.Service != "sso-oidc" {
		w.t.Errorf("%s: %s says nothing", what, ans.code)
	}
	if ans.requestID == "" {
		w.t.Errorf("%s: no request id", what)
	}
	want, documented := w.documented(a, o, ans.code)
	if !documented {
		w.t.Errorf("%s: %s is neither an error of the operation %v nor common to its protocol", what, ans.code, o.Errors)
	} else if want != ans.status {
		w.t.Errorf("%s: %s has HTTP status %d, want %d", what, ans.code, ans.status, want)
	}
}

// documented returns the status of an error code, if the operation or the protocol has it.
func (w *refusals) documented(a *api, o *model.Operation, code string) (int, bool) {
	for _, e := range a.desc.Errors {
		if e.Code == code && slices.Contains(o.Errors, e.Name) {
			return e.Status, true
		}
	}
	if status, ok := a.manner().common[code]; ok {
		return status, true
	}
	for _, e := range a.desc.Errors { // an error that the model has, but not for this operation: only where the data says so
		if e.Code == code && w.used[a.desc.Service+"."+o.Name+"."+code] {
			return e.Status, true
		}
	}
	return 0, false
}

func clipped(s string) string {
	if len(s) > 300 {
		return s[:300] + "…"
	}
	return s
}

// faults are all that can be wrong with a request of an operation.
func (w *refusals) faults(a *api, o *model.Operation) []faulty {
	m := a.manner()
	in := a.desc.Shape(o.In)
	valid := func() map[string]any { return w.request(a, o) }
	var out []faulty
	add := func(f faulty) { out = append(out, f) }

	if in != nil {
		wk := walk{w: w, a: a, o: o, add: add}
		wk.structure(in, nil, valid, map[string]bool{})
		for _, member := range in.Members {
			if slices.Contains(tokenMembers, member.Name) {
				for what, tok := range w.badTokens(a, o, member.Name) {
					req := valid()
					req[member.Name] = tok
					add(faulty{kind: token, at: what, in: req, codes: m.invalid})
				}
			}
		}
	}
	if !o.Unsigned && a.signs() {
		add(faulty{kind: unsigned, in: valid(), codes: m.unsigned, by: &caller{}})
		add(faulty{kind: badSignature, in: valid(), codes: m.signature, by: &caller{id: w.admin.id, key: w.admin.key, tampers: true}})
	}
	if a.rows[o.Name] != "" {
		add(faulty{kind: unauthorized, in: valid(), codes: m.denied, says: "is not authorized to perform: " + a.rows[o.Name], by: w.nobody})
		if w.excused(a, o, denied) == "" {
			add(faulty{kind: denied, in: valid(), codes: m.denied, says: "is not authorized to perform: " + a.rows[o.Name], by: w.denying(a.rows[o.Name])})
		}
		if w.excused(a, o, stranger) == "" {
			add(faulty{kind: stranger, in: valid(), codes: append(slices.Clone(m.denied), m.notFound(o)...), by: w.foreigner})
		}
	}
	return out
}

// walk makes the faults that the description knows of: at every member of the input, at any depth, once.
type walk struct {
	w   *refusals
	a   *api
	o   *model.Operation
	add func(faulty)
}

// step leads from a structure to something in it: a member's name, or 0 for the first item of a list.
type step any

// structure walks the members of a structure. root makes a fresh valid request in which the structure is present at path.
func (k walk) structure(s *model.Shape, path []step, root func() map[string]any, on map[string]bool) {
	if on[s.Name] {
		return
	}
	on = maps.Clone(on)
	on[s.Name] = true
	if s.Kind == "union" {
		k.union(s, path, root)
	}
	for _, m := range s.Members {
		at := append(slices.Clone(path), m.Name)
		if m.Required && m.Path == "" { // without its label a path is another path
			req := root()
			drop(req, at)
			if codes, ok := answers[k.a.desc.Service+"."+m.Name+" "+string(missing)]; ok {
				k.add(faulty{kind: missing, at: spelled(at), in: req, codes: codes})
			} else {
				k.invalid(missing, at, req, "Member must not be null")
			}
		}
		with := func() map[string]any {
			req := root()
			if s.Kind == "union" {
				put(req, path, map[string]any{m.Name: k.w.value(k.a, k.o, m)})
			} else if get(req, at) == nil {
				put(req, at, k.w.value(k.a, k.o, m))
			}
			return req
		}
		k.shape(k.a.desc.Shape(m.Shape), m, at, with, on)
	}
}

func (k walk) union(s *model.Shape, path []step, root func() map[string]any) {
	none, two := root(), root()
	put(none, path, map[string]any{})
	k.invalid(union, path, none, "Member must have exactly one of its members set")
	if len(s.Members) > 1 {
		both := map[string]any{}
		for _, m := range s.Members[:2] {
			both[m.Name] = k.w.value(k.a, k.o, m)
		}
		put(two, path, both)
		k.invalid(union, path, two, "Member must have exactly one of its members set")
	}
}

// shape walks what is at one place.
func (k walk) shape(s *model.Shape, m model.Member, at []step, root func() map[string]any, on map[string]bool) {
	set := func(v any) map[string]any {
		req := root()
		put(req, at, v)
		return req
	}
	if v := k.a.malformed(s, m); v != nil {
		k.add(faulty{kind: wrongType, at: spelled(at), in: set(v), codes: k.a.manner().malformed})
	}
	switch s.Kind {
	case "string":
		k.text(s, m, at, set)
		k.reference(s, at, set)
	case "enum":
		k.invalid(enum, at, set("NO_SUCH_VALUE"), "Member must satisfy enum value set: [")
	case "integer", "long":
		if s.Bounded {
			k.invalid(outOfRange, at, set(s.Min-1), fmt.Sprintf("Member must have value greater than or equal to %d", s.Min))
			if s.Max != model.NoMax && s.Max < 1<<31-1 {
				k.invalid(outOfRange, at, set(s.Max+1), fmt.Sprintf("Member must have value less than or equal to %d", s.Max))
			}
		}
	case "structure", "union":
		k.structure(s, at, root, on)
	case "list":
		item := k.a.desc.Shape(s.Item)
		one := k.w.sample(k.a, k.o, model.Member{Name: m.Name, Shape: s.Item}, item)
		if s.Bounded && s.Max != model.NoMax && s.Max <= 300 {
			many := make([]any, s.Max+1)
			for i := range many {
				many[i] = one
			}
			k.invalid(tooLong, at, set(many), fmt.Sprintf("Member must have length less than or equal to %d", s.Max))
		}
		if s.Bounded && s.Min > 0 && m.Query == "" && m.Header == "" { // outside the body an empty list is none
			k.invalid(tooShort, at, set([]any{}), fmt.Sprintf("Member must have length greater than or equal to %d", s.Min))
		}
		with := func() map[string]any {
			req := root()
			if l, _ := get(req, at).([]any); len(l) == 0 {
				put(req, at, []any{k.w.sample(k.a, k.o, model.Member{Name: m.Name, Shape: s.Item}, item)})
			}
			return req
		}
		k.shape(item, model.Member{Name: m.Name, Shape: s.Item, Query: m.Query, Header: m.Header}, append(slices.Clone(at), 0), with, on)
	}
}

func (k walk) text(s *model.Shape, m model.Member, at []step, set func(any) map[string]any) {
	if s.Bounded && s.Max != model.NoMax && s.Max < 900_000 { // a longer one does not fit into a request (awswire.MaxBody)
		k.invalid(tooLong, at, set(strings.Repeat("a", int(s.Max)+1)), fmt.Sprintf("Member must have length less than or equal to %d", s.Max))
	}
	if s.Bounded && s.Min > 0 && (m.Path == "" || s.Min > 1) {
		k.invalid(tooShort, at, set(strings.Repeat("a", int(s.Min)-1)), fmt.Sprintf("Member must have length greater than or equal to %d", s.Min))
	}
	if bad, ok := misfit(s); ok {
		k.invalid(pattern, at, set(bad), "Member must satisfy regular expression pattern: "+s.Pattern)
	}
}

// reference: what a member names is not there, or is somebody else's.
func (k walk) reference(s *model.Shape, at []step, set func(any) map[string]any) {
	name, _ := at[len(at)-1].(string)
	if name == "" {
		name, _ = at[len(at)-2].(string)
	}
	for _, kind := range []mischief{unknown, foreign} {
		v, ok := k.w.other(k.a, k.o, kind, name, s.Name)
		if !ok || k.w.excusedAt(k.a, k.o, kind, name) {
			continue
		}
		codes := k.w.refused(k.a, k.o, name)
		if kind == foreign { // what another account has is not told from what nobody has, or is not the caller's to touch
			codes = append(slices.Clone(codes), k.a.manner().denied...)
		}
		k.add(faulty{kind: kind, at: spelled(at), in: set(v), codes: codes})
	}
}

// invalid adds a fault whose answer is the validation error about that member in AWS's wording.
func (k walk) invalid(kind mischief, at []step, req any, constraint string) {
	m := k.a.manner()
	f := faulty{kind: kind, at: spelled(at), in: req, codes: m.invalid}
	if m.words {
		f.says = "alue at '" + wirePath(at) + "' failed to satisfy constraint: " + constraint
	}
	k.add(f)
}

// spelled is a path for people.
func spelled(at []step) string {
	var b strings.Builder
	for _, s := range at {
		fmt.Fprintf(&b, "/%v", s)
	}
	return b.String()
}

// wirePath is a path as validation errors spell it: tags.1.member.key.
func wirePath(at []step) string {
	var parts []string
	for _, s := range at {
		if name, ok := s.(string); ok {
			r, n := utf8.DecodeRuneInString(name)
			parts = append(parts, strings.ToLower(string(r))+name[n:])
		} else {
			parts = append(parts, "1", "member")
		}
	}
	return strings.Join(parts, ".")
}

// get, put and drop work on a request at a path.
func get(in map[string]any, at []step) any {
	var v any = in
	for _, s := range at {
		switch s := s.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[s]
		case int:
			l, _ := v.([]any)
			if len(l) == 0 {
				return nil
			}
			v = l[0]
		}
	}
	return v
}

func put(in map[string]any, at []step, v any) {
	holder := get(in, at[:len(at)-1])
	switch s := at[len(at)-1].(type) {
	case string:
		holder.(map[string]any)[s] = v
	case int:
		holder.([]any)[0] = v
	}
}

func drop(in map[string]any, at []step) {
	delete(get(in, at[:len(at)-1]).(map[string]any), at[len(at)-1].(string))
}
