package target_test

import (
	"strings"
	"testing"
	"time"

	"gatehouse/internal/fault"
	"gatehouse/internal/target"
)

var noon = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

func add(t *testing.T, r target.Revocations, name string, at time.Time) {
	t.Helper()
	if err := r.Add(name, at); err != nil {
		t.Fatal(err)
	}
}

func document(t *testing.T, r target.Revocations, room int) string {
	t.Helper()
	text, err := r.Document(room)
	if err != nil {
		t.Fatal(err)
	}
	back, err := target.ParseRevocations(text)
	if err != nil || len(back) != len(r) {
		t.Errorf("%s comes back as %v, %v", text, back, err)
	}
	return text
}

func TestRevocationsDocument(t *testing.T) {
	t.Parallel()
	r := target.Revocations{}
	if got := document(t, r, 10); got != "" {
		t.Errorf("nothing is %q", got)
	}
	add(t, r, "mary@example.com", noon.Add(1))
	add(t, r, "mary@example.com", noon.Add(-time.Hour)) // an earlier one takes nothing back
	add(t, r, "bob", noon.Add(time.Minute))
	add(t, r, "ann", noon.Add(time.Minute))
	statement := func(at string, who string) string {
		return `{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"DateLessThan":{"aws:TokenIssueTime":"` + at + `"}` + who + `}}`
	}
	policy := func(ss ...string) string {
		return `{"Version":"2012-10-17","Statement":[` + strings.Join(ss, ",") + `]}`
	}
	full := policy(statement("2026-11-01T12:00:01Z", `,"StringLike":{"aws:userid":["*:mary@example.com"]}`), statement("2026-11-01T12:01:00Z", `,"StringLike":{"aws:userid":["*:ann","*:bob"]}`))
	if got := document(t, r, len(full)); got != full {
		t.Errorf("got  %s\nwant %s", got, full)
	}
	// With less room all get the latest time, then everybody does, and then there is none.
	one := policy(statement("2026-11-01T12:01:00Z", `,"StringLike":{"aws:userid":["*:ann","*:bob","*:mary@example.com"]}`))
	if got := document(t, r, len(full)-1); got != one {
		t.Errorf("got  %s\nwant %s", got, one)
	}
	everybody := policy(statement("2026-11-01T12:01:00Z", ""))
	if got := document(t, r, len(one)-1); got != everybody {
		t.Errorf("got  %s\nwant %s", got, everybody)
	}
	if _, err := r.Document(len(everybody) - 1); !fault.Is(err, fault.Quota) {
		t.Errorf("without room: %v", err)
	}
	// Who is denied with everybody needs no denial of her own until a later one, for which there may be no room: then it is everybody again, later.
	add(t, r, "mary@example.com", noon)
	if len(r) != 1 {
		t.Errorf("%v", r)
	}
	add(t, r, "mary@example.com", noon.Add(time.Hour))
	if got := document(t, r, len(everybody)); got != strings.Replace(everybody, "12:01:00", "13:00:00", 1) {
		t.Errorf("got %s", got)
	}
	r.Forget(noon.Add(13*time.Hour - 1))
	if len(r) != 1 {
		t.Error("forgotten too early")
	}
	if r.Forget(noon.Add(13 * time.Hour)); document(t, r, 0) != "" {
		t.Error("not forgotten")
	}
}

// TestRevocationsRefuse: a name that would mean more sessions than one person's, and a policy that is not ours.
func TestRevocationsRefuse(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "x", "*", "ann*", "ann?", "a:b", "a b", "ann\"", "${aws:username}", strings.Repeat("x", 65)} {
		r := target.Revocations{}
		if err := r.Add(name, noon); !fault.Is(err, fault.Invalid) || len(r) != 0 {
			t.Errorf("%q: %v, %v", name, r, err)
		}
	}
	r := target.Revocations{}
	add(t, r, "ann", noon)
	ours := document(t, r, 1000)
	for _, other := range []string{
		"{", "[]", `{}`, ours + " ", strings.Replace(ours, "Deny", "Allow", 1), strings.Replace(ours, `"*:ann"`, `"*"`, 1), strings.Replace(ours, "aws:userid", "aws:username", 1),
		strings.Replace(ours, "2026-11-01T12:00:00Z", "2026-11-01", 1), strings.Replace(ours, `"Effect"`, `"Sid":"x","Effect"`, 1),
	} {
		if got, err := target.ParseRevocations(other); !fault.Is(err, fault.Conflict) {
			t.Errorf("%s: %v, %v", other, got, err)
		}
	}
}

func FuzzParseRevocations(f *testing.F) {
	f.Add(`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"DateLessThan":{"aws:TokenIssueTime":"2026-11-01T12:00:00Z"},"StringLike":{"aws:userid":["*:ann"]}}}]}`)
	f.Fuzz(func(t *testing.T, document string) {
		r, err := target.ParseRevocations(document)
		if err != nil || len(r) == 0 {
			return
		}
		if text, err := r.Document(1 << 20); err != nil || text == "" {
			t.Errorf("%q is read as %v and written as %q, %v", document, r, text, err)
		}
	})
}
