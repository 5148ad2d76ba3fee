package scim

import (
	"testing"

	"gatehouse/internal/fault"

	"github.com/go-json-experiment/json/jsontext"
)

// refusedProperly demands that hostile bytes are the client's fault and never ours.
func refusedProperly(t *testing.T, err error) {
	t.Helper()
	if f := fault.Of(err); f != nil && (f.Kind != fault.Invalid || f.Reason == "" || f.Message == "") {
		t.Fatalf("refused with %v %q %q", f.Kind, f.Reason, f.Message)
	}
}

func FuzzFilter(f *testing.F) {
	for _, s := range []string{
		`userName eq "a"`, `emails[type eq "work"].value eq "x"`, `not (title pr) and (active eq "True" or meta.created gt "2026-01-01T00:00:00Z")`,
		`urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value eq "m"`, `a eq "\u0041\"" and b lt -1.5e3`, `((`, `"`, `emails[`, `$ref pr`,
	} {
		f.Add(s)
	}
	o := userObject(f, sampleUser)
	f.Fuzz(func(t *testing.T, s string) {
		for _, rt := range []*ResourceType{Users(), Groups()} {
			got, err := ParseFilter(rt, s)
			refusedProperly(t, err)
			if err != nil {
				continue
			}
			matched := got.Match(o)
			for _, k := range got.Keys() {
				// What a key answers must follow from the filter: taking it away can only match more.
				if matched && !got.Without(k).Match(o) {
					t.Fatalf("%q without %v does not match, but with it does", s, k)
				}
			}
		}
	})
}

func FuzzPath(f *testing.F) {
	for _, s := range []string{`title`, `name.givenName`, `emails[type eq "work"].value`, `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department`, `members[value eq "x"]`, `emails[`, `]`, `a.b.c`, `:`, `[x pr]`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, rt := range []*ResourceType{Users(), Groups()} {
			p, err := parsePath(rt, s)
			refusedProperly(t, err)
			if err == nil && p.filter != nil && (p.attr == nil || !p.attr.Multi) && p.known() {
				t.Fatalf("%q: a filter on %q", s, p.name())
			}
		}
	})
}

func FuzzDecodeUser(f *testing.F) {
	for _, s := range []string{sampleUser, awsUser + `}`, `{"userName":"a","emails":"x","roles":["{\"value\":\"r\"}"]}`, `{}`, `null`, `{"userName":"\ud800"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, p := range []Profile{RFC, AWS} {
			u, err := DecodeUser(p, body)
			refusedProperly(t, err)
			if err != nil {
				continue
			}
			text := Encode(Users(), u.Object())
			if !jsontext.Value(text).IsValid() {
				t.Fatalf("encoded as %s", text)
			}
			again, err := DecodeUser(p, text)
			if err != nil || !again.Object().equal(u.Object()) {
				t.Fatalf("does not come back: %s: %v", text, err)
			}
		}
		_, err := DecodeGroup(RFC, body)
		refusedProperly(t, err)
	})
}

func FuzzPatch(f *testing.F) {
	for _, tc := range userPatches {
		f.Add([]byte(patchOf(tc.ops)))
	}
	for _, tc := range groupPatches {
		f.Add([]byte(patchOf(tc.ops)))
	}
	o := userObject(f, sampleUser)
	f.Fuzz(func(t *testing.T, body []byte) {
		p, err := DecodePatch(body)
		refusedProperly(t, err)
		if err != nil {
			return
		}
		before := o.clone()
		after, _, err := p.Apply(Users(), o)
		refusedProperly(t, err)
		if !o.equal(before) {
			t.Fatal("the original changed")
		}
		if err == nil {
			if after.text("userName") == "" {
				t.Fatal("a user without a name")
			}
			again, _, err := p.Apply(Users(), after)
			_ = again
			refusedProperly(t, err)
		}
		g, err := PatchGroup(p)
		refusedProperly(t, err)
		removed := map[string]bool{}
		for _, id := range g.RemoveMembers {
			removed[id] = true
		}
		for _, id := range g.AddMembers {
			if removed[id] || id == "" {
				t.Fatalf("%q is both added and removed, or empty", id)
			}
		}
	})
}
