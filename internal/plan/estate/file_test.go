package estate

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// anyEstate draws an estate in which everything fits together.
func anyEstate(t *rapid.T) *Estate {
	text := rapid.StringN(0, 8, -1)
	count := func(name string) int { return rapid.IntRange(0, 5).Draw(t, name) }
	tags := rapid.Custom(func(t *rapid.T) map[string]string {
		return rapid.SampledFrom([]map[string]string{nil, {"a": "b"}, {"x": "", "ü": "é"}}).Draw(t, "tags")
	})
	e := &Estate{
		Taken: time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "taken"), 0).UTC(), Caller: text.Draw(t, "caller"), Pending: rapid.IntRange(0, 9).Draw(t, "pending"),
		Instance: Instance{ARN: "arn:instance", IdentityStoreID: "d-1", Owner: "1", Region: text.Draw(t, "region")},
	}
	for i := range count("units") {
		u := Unit{ID: fmt.Sprintf("u%d", i), Name: text.Draw(t, "unit")}
		if i > 0 {
			u.Parent = e.Units[rapid.IntRange(0, i-1).Draw(t, "parent")].ID
		}
		e.Units = append(e.Units, u)
	}
	for i := range count("accounts") {
		a := Account{ID: fmt.Sprintf("a%d", i), Name: text.Draw(t, "account"), Management: i == 0, Tags: tags.Draw(t, "tags"), Status: text.Draw(t, "status")}
		if len(e.Units) > 0 {
			a.Unit = rapid.SampledFrom(e.Units).Draw(t, "unit of").ID
		}
		e.Accounts = append(e.Accounts, a)
	}
	for i := range count("users") {
		e.Users = append(e.Users, User{ID: fmt.Sprintf("p%d", i), Name: text.Draw(t, "user"), Emails: rapid.SampledFrom([][]string{nil, {"a@b"}, {"a", "b"}}).Draw(t, "emails"), External: rapid.Bool().Draw(t, "external")})
	}
	some := func(n int) (out []int32) {
		for i := range n {
			if rapid.Bool().Draw(t, "in") {
				out = append(out, int32(i))
			}
		}
		return out
	}
	for i := range count("groups") {
		g := Group{ID: fmt.Sprintf("g%d", i), Name: text.Draw(t, "group"), Description: text.Draw(t, "about")}
		if g.MembersRead = rapid.Bool().Draw(t, "read"); g.MembersRead {
			g.Members = some(len(e.Users))
		}
		e.Groups = append(e.Groups, g)
	}
	principals := func() (out []Principal) {
		for i := len(e.Users) - 1; i >= 0; i-- {
			if rapid.Bool().Draw(t, "user in") {
				out = append(out, UserPrincipal(i))
			}
		}
		for _, g := range some(len(e.Groups)) {
			out = append(out, GroupPrincipal(int(g)))
		}
		return out
	}
	for i := range count("sets") {
		e.Sets = append(e.Sets, Set{
			ARN: fmt.Sprintf("s%d", i), Name: text.Draw(t, "set"), Session: time.Duration(rapid.IntRange(0, 43200).Draw(t, "session")) * time.Second, Tags: tags.Draw(t, "tags"), Inline: rapid.SampledFrom([]string{"", `{"a":"<&>"}`}).Draw(t, "inline"),
			Boundary:         rapid.SampledFrom([]*Boundary{nil, {AWS: "x"}, {Customer: &PolicyRef{Name: "n", Path: "/p/"}}}).Draw(t, "boundary"),
			CustomerPolicies: rapid.SampledFrom([][]PolicyRef{nil, {{Name: "n"}}}).Draw(t, "own"), DetailsRead: rapid.Bool().Draw(t, "details"), AssignmentsRead: true, Behind: rapid.SampledFrom([][]string{nil, {"a0"}}).Draw(t, "behind"),
		})
	}
	for a := range e.Accounts {
		for s := range e.Sets {
			for _, p := range principals() {
				e.Assignments = append(e.Assignments, Assignment{int32(a), int32(s), p})
			}
		}
	}
	e.Attributes = rapid.SampledFrom([][]Attribute{nil, {}, {{Key: "k", Source: []string{"${path:userName}"}}}}).Draw(t, "attributes")
	for i := range count("applications") {
		e.Applications = append(e.Applications, Application{ARN: fmt.Sprintf("app%d", i), Name: text.Draw(t, "app"), Principals: principals(), Visible: rapid.Bool().Draw(t, "visible"), Tags: tags.Draw(t, "tags")})
	}
	e.Missing = rapid.SampledFrom([][]MissingPolicy{nil, {{Account: "a", Policy: PolicyRef{Name: "n", Path: "/"}}}}).Draw(t, "missing")
	e.Unchecked = rapid.SampledFrom([][]string{nil, {"a9"}}).Draw(t, "unchecked")
	return e
}

// TestFileKeepsEverything: written and read again, also compressed, and with its members in any order, an estate is the same.
func TestFileKeepsEverything(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		e := anyEstate(t)
		var plain bytes.Buffer
		if err := Write(&plain, e); err != nil {
			t.Fatal(err)
		}
		var members map[string]jsontext.Value
		if err := json.Unmarshal(plain.Bytes(), &members); err != nil {
			t.Fatal(err)
		}
		names := rapid.Permutation(slices.Sorted(func(yield func(string) bool) {
			for n := range members {
				if !yield(n) {
					return
				}
			}
		})).Draw(t, "order")
		mixed := []byte("{")
		for i, n := range names {
			if i > 0 {
				mixed = append(mixed, ',')
			}
			mixed = append(append(append(mixed, '"'), n...), `":`...)
			mixed = append(mixed, members[n]...)
		}
		for name, b := range map[string][]byte{"as written": plain.Bytes(), "compressed": zip(plain.Bytes()), "mixed": append(mixed, '}')} {
			got, err := Read(bytes.NewReader(b))
			if err != nil {
				t.Fatalf("%s: %v\n%s", name, err, plain.Bytes())
			}
			if d := cmp.Diff(e, got, cmpopts.EquateEmpty()); d != "" || (e.Attributes == nil) != (got.Attributes == nil) {
				t.Fatalf("%s: %s", name, d)
			}
		}
	})
}

func zip(b []byte) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, _ = z.Write(b) // into memory
	_ = z.Close()
	return out.Bytes()
}

const head = `{"format":"gatehouse-estate","version":1,`

// TestFileRefuses: what does not fit together is told with its reason.
func TestFileRefuses(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]string{
		``:                                   "EOF",
		`[]`:                                 "not a JSON object",
		`{}`:                                 "does not say which format",
		`{"version":1}`:                      "does not say which format",
		`{"format":"terraform","version":1}`: `format: it is "terraform"`,
		`{"format":"gatehouse-estate","version":2}`:                                            "version: it is 2",
		head + `"users":[]} {}`:                                                                "follows",
		head + `"people":[]}`:                                                                  "people: no estate file",
		head + `"users":[],"users":[]}`:                                                        "duplicate",
		head + `"users":{}}`:                                                                   "not an array",
		head + `"users":[{"id":"u","nmae":"x"}]}`:                                              "nmae",
		head + `"users":[{"id":"u"},{"id":"u"}]}`:                                              `user "u" is there twice`,
		head + `"users":[{"name":"u"}]}`:                                                       "user 1 has no id",
		head + `"groups":[{"id":"g","members":["u"]}]}`:                                        `member "u" is named and is not there`,
		head + `"users":[{"id":"u"}],"groups":[{"id":"g","members":["u","u"]}]}`:               "twice",
		head + `"units":[{"id":"a","parent":"a"}]}`:                                            "before it",
		head + `"accounts":[{"id":"1","unit":"x"}]}`:                                           `unit "x" is named`,
		head + `"assignments":[{"account":"1","sets":[]}]}`:                                    `account "1" is named`,
		head + `"accounts":[{"id":"1"}],"assignments":[{"account":"1","sets":[{"set":"s"}]}]}`: `permission set "s" is named`,
		head + `"accounts":[{"id":"1"}],"sets":[{"arn":"s","name":"S"}],"groups":[{"id":"g"}],"assignments":[{"account":"1","sets":[{"set":"s","groups":["g","g"]}]}]}`: "twice for the same principal",
		head + `"groups":[{"id":"g"}],"applications":[{"arn":"a","groups":["g","g"]}]}`:                                                                                 "somebody twice",
		head + `"sets":[{"arn":"s","session_seconds":-1}]}`:                                                                                                             "lasts -1 seconds",
		"\x1f\x8b":                          "EOF",
		head + `"users":[{"id":"\ud800"}]}`: "surrogate",
	} {
		if _, err := Read(strings.NewReader(file)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", file, err, want)
		}
	}
	if _, err := Read(&limited{strings.NewReader(head), 5}); err == nil || !strings.Contains(err.Error(), "longer than any estate") {
		t.Errorf("a file without end: %v", err)
	}
}

// FuzzRead: any bytes are refused, or make an estate that can be written and read again.
func FuzzRead(f *testing.F) {
	f.Add([]byte(head + `"units":[{"id":"r","name":"Root"}],"accounts":[{"id":"1","unit":"r"}],"users":[{"id":"u"}],"groups":[{"id":"g","members":["u"]}],"sets":[{"arn":"s","name":"S","session_seconds":3600}],"attributes":[],"applications":[{"arn":"a","users":["u"]}],"assignments":[{"account":"1","sets":[{"set":"s","users":["u"],"groups":["g"]}]}]}`))
	f.Add(zip([]byte(head + `"assignments":[],"users":[]}`)))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := Read(bytes.NewReader(b))
		if err != nil {
			return
		}
		var out bytes.Buffer
		if err := Write(&out, e); err != nil {
			return // a time that no clock shows
		}
		again, err := Read(&out)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(e, again, cmpopts.EquateEmpty()); d != "" {
			t.Fatal(d)
		}
	})
}

// big is an estate of n assignments on 7,000 accounts.
func big(n int) *Estate {
	e := &Estate{Taken: time.Unix(1e9, 0).UTC()}
	id := func(kind string, i int) string {
		return fmt.Sprintf("%s9067729b3d-94f1e0b3-80c1-707f-60e3-%012d", kind, i)
	}
	for i := range 7000 {
		e.Accounts = append(e.Accounts, Account{ID: fmt.Sprintf("%012d", i), Name: fmt.Sprint("account ", i)})
	}
	for i := range 3500 {
		e.Sets = append(e.Sets, Set{ARN: id("arn:", i), Name: fmt.Sprint("Set", i), DetailsRead: true, AssignmentsRead: true})
	}
	for i := range 100_000 {
		e.Groups = append(e.Groups, Group{ID: id("", i), Name: fmt.Sprint("Group ", i)})
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range n {
		e.Assignments = append(e.Assignments, Assignment{int32(random.IntN(7000)), int32(random.IntN(3500)), GroupPrincipal(random.IntN(100_000))})
	}
	e.Assignments = Sort(e.Assignments)
	return e
}

// BenchmarkRead reads an estate of a million assignments, nearly each on a role of its own.
func BenchmarkRead(b *testing.B) {
	var file bytes.Buffer
	if err := Write(&file, big(1_000_000)); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(file.Len()))
	for b.Loop() {
		e, err := Read(bytes.NewReader(file.Bytes()))
		if err != nil {
			b.Fatal(err)
		}
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		b.ReportMetric(float64(m.Sys-uint64(file.Cap()))/(1<<20), "MiB")
		b.ReportMetric(float64(len(e.Assignments)), "assignments")
	}
}
