package policy

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// genDocument draws a small random document out of words that often meet the drawn requests.
func genDocument(t *rapid.T, label string, effects ...string) Named {
	n := rapid.IntRange(1, 4).Draw(t, label+"/n")
	var statements []any
	for i := range n {
		at := fmt.Sprintf("%s/%d", label, i)
		s := map[string]any{"Effect": rapid.SampledFrom(effects).Draw(t, at+"/effect")}
		s[rapid.SampledFrom([]string{"Action", "Action", "NotAction"}).Draw(t, at+"/a")] = rapid.SampledFrom([]string{"*", "s3:*", "s3:Get*", "iam:*", "s3:GetObject"}).Draw(t, at+"/action")
		s[rapid.SampledFrom([]string{"Resource", "Resource", "NotResource"}).Draw(t, at+"/r")] = rapid.SampledFrom([]string{"*", "arn:aws:s3:::a", "arn:aws:s3:::*", "arn:aws:s3:::${aws:username}", "arn:aws:s3:::${aws:PrincipalTag/t}"}).Draw(t, at+"/resource")
		if rapid.Bool().Draw(t, at+"/c") {
			op := rapid.SampledFrom([]string{"StringEquals", "StringNotEquals", "ForAllValues:StringLike", "ForAnyValue:StringNotLike", "StringEqualsIfExists"}).Draw(t, at+"/op")
			s["Condition"] = map[string]any{op: map[string]any{rapid.SampledFrom([]string{"aws:username", "aws:PrincipalTag/t"}).Draw(t, at+"/key"): rapid.SampledFrom([]string{"a", "*", "${aws:username}", "${aws:PrincipalTag/t}"}).Draw(t, at+"/value")}}
		}
		statements = append(statements, s)
	}
	raw, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": statements})
	if err != nil {
		t.Fatal(err)
	}
	d, err := Parse(raw, ForIdentity)
	if err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return Named{label, d}
}

func genRequest(t *rapid.T) Request {
	q := Request{Principal: alice, Context: Context{}}
	q.Action = rapid.SampledFrom([]string{"s3:GetObject", "s3:PutObject", "iam:GetRole"}).Draw(t, "action")
	q.Resource = rapid.SampledFrom([]string{"*", "arn:aws:s3:::a", "arn:aws:s3:::b"}).Draw(t, "resource")
	for _, key := range []string{"aws:username", "aws:principaltag/t"} {
		if v := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "*"}), 0, 2).Draw(t, key); len(v) > 0 {
			q.Context[key] = v
		}
	}
	return q
}

// Whatever one adds on the side of restriction, what was denied stays denied.
func TestRestrictionsNeverWidenAccess(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		q := genRequest(t)
		p := Policies{Identity: []Named{genDocument(t, "identity", "Allow", "Deny")}}
		if Evaluate(p, q).Allowed {
			return
		}
		more := genDocument(t, "more", "Deny")
		any := genDocument(t, "any", "Allow", "Deny")
		wider := map[string]Policies{
			"a Deny in the identity's policies": {Identity: append([]Named{more}, p.Identity...)},
			"a boundary":                        {Identity: p.Identity, Boundary: &any},
			"a session policy":                  {Identity: p.Identity, Session: []Named{any}},
			"a level of the organization":       {Identity: p.Identity, Organization: [][]Named{{any}}},
			"nothing":                           {},
		}
		for what, p := range wider {
			if Evaluate(p, q).Allowed {
				t.Fatalf("%s widened access", what)
			}
		}
	})
}

// Evaluate and Explain agree, and an explicit deny always has a statement to show.
func TestExplainAgrees(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		q := genRequest(t)
		b := genDocument(t, "boundary", "Allow", "Deny")
		p := Policies{Identity: []Named{genDocument(t, "identity", "Allow", "Deny")}, Boundary: &b}
		d, steps := Explain(p, q)
		denies := false
		for _, s := range steps {
			denies = denies || (s.Applies && s.Effect == Deny)
		}
		if d != Evaluate(p, q) || denies != d.Explicit || (d.Allowed && d.Policy == "") {
			t.Fatalf("decision %+v, steps %+v", d, steps)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(smallIdentity), uint8(0))
	f.Add([]byte(`{"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Deny","Principal":{"AWS":["*","111122223333"]},"NotAction":"s3:*","NotResource":["arn:aws:s3:::${aws:username, 'x'}/*"],"Condition":{"ForAllValues:StringNotLikeIfExists":{"aws:a":["b",1,true]}}}]}`), uint8(2))
	f.Add([]byte(`{"Statement":{"Effect":"Allow","Principal":{"Federated":"accounts.google.com"},"Action":"sts:AssumeRoleWithWebIdentity"}}`), uint8(1))
	f.Add([]byte(`{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"DateLessThan":{"aws:CurrentTime":1e300},"IpAddress":{"aws:SourceIp":"::1%eth0"},"BinaryEquals":{"a:b":"AA=="}}}`), uint8(0))
	f.Add([]byte("{\"a\":\"\\u0000\"}"), uint8(0))
	f.Fuzz(func(t *testing.T, document []byte, use uint8) {
		d, err := Parse(document, Use(use%4))
		if (d == nil) == (err == nil) {
			t.Fatal("neither a document nor an error, or both")
		}
		if err != nil {
			if !strings.Contains(err.Error(), "line") && len(document) <= MaxBytes {
				t.Fatalf("no position: %v", err)
			}
			return
		}
		n := Named{"f", d}
		ctx := Context{"aws:username": {"a"}, "aws:a": {"b", "c"}, "aws:CurrentTime": {"2026-01-01T00:00:00Z"}, "aws:SourceIp": {"1.2.3.4"}}
		for _, q := range []Request{{Principal: alice, Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k", Context: ctx}, {Principal: bob, Action: "x", Resource: "*", ResourceAccount: "444455556666"}} {
			got, _ := Explain(Policies{Identity: []Named{n}, Resource: &n, Boundary: &n, Session: []Named{n}}, q)
			if got.Allowed && got.Explicit {
				t.Fatal("allowed by a deny")
			}
		}
	})
}

func FuzzMatch(f *testing.F) {
	f.Add("*a*b?", "xaxbé")
	f.Add("arn:aws:s3:::*/?", "arn:aws:s3:::b/k")
	f.Add("", "")
	f.Add("**??", "\xff\xfe")
	f.Fuzz(func(t *testing.T, pattern, subject string) {
		if len(pattern) > 40 || len(subject) > 40 {
			return
		}
		if got, want := match(wild(pattern), subject), slowMatch([]rune(wild(pattern)), []rune(subject)); got != want && validText(pattern) && validText(subject) {
			t.Fatalf("match(%q, %q) = %v, want %v", pattern, subject, got, want)
		}
	})
}

func validText(s string) bool {
	return strings.ToValidUTF8(s, "") == s && !isWild(s)
}

// slowMatch is the definition, by a table.
func slowMatch(p, s []rune) bool {
	row := make([]bool, len(s)+1)
	row[0] = true
	for _, c := range p {
		next := make([]bool, len(s)+1)
		if c == anyRun {
			seen := false
			for j := range row {
				seen = seen || row[j]
				next[j] = seen
			}
		} else {
			for j := range s {
				next[j+1] = row[j] && (c == anyOne || c == s[j])
			}
		}
		row = next
	}
	return row[len(s)]
}

// A role with 20 policies of 5 statements, of which the last one allows.
func BenchmarkEvaluateTwentyPolicies(b *testing.B) {
	var p Policies
	for i := range 20 {
		var statements []string
		for j := range 5 {
			statements = append(statements, fmt.Sprintf(`{"Effect":"Allow","Action":["svc%d:Get*","svc%d:List*","iam:Get%d*"],"Resource":["arn:aws:s3:::bucket-%d/*","arn:aws:iam::*:role/team%d/*"],"Condition":{"StringEquals":{"aws:PrincipalTag/team":"t%d"}}}`, i, j, i, i, j, j))
		}
		p.Identity = append(p.Identity, Named{fmt.Sprint(i), doc(b, ForIdentity, `{"Version":"2012-10-17","Statement":[`+strings.Join(statements, ",")+`]}`)})
	}
	p.Identity = append(p.Identity, identity(b, `"Effect":"Allow","Action":"iam:GetRole","Resource":"*"`))
	q := Request{Principal: alice, Action: "iam:GetRole", Resource: "arn:aws:iam::111122223333:role/x/y", Context: Context{"aws:principaltag/team": {"red"}, "aws:currenttime": {"2026-01-01T00:00:00Z"}}}
	b.ReportAllocs()
	for b.Loop() {
		if !Evaluate(p, q).Allowed {
			b.Fatal("denied")
		}
	}
}

func BenchmarkEvaluateReadOnlyAccess(b *testing.B) {
	m, _ := Builtin().Find("arn:aws:iam::aws:policy/ReadOnlyAccess")
	p := Policies{Identity: []Named{{m.ARN, m.Document}}}
	q := Request{Principal: alice, Action: "xray:GetGroup", Resource: "*"}
	b.ReportAllocs()
	for b.Loop() {
		if !Evaluate(p, q).Allowed {
			b.Fatal("denied")
		}
	}
}

func BenchmarkParse(b *testing.B) {
	m, _ := Builtin().Find("arn:aws:iam::aws:policy/job-function/SystemAdministrator")
	b.SetBytes(int64(len(m.Text)))
	for b.Loop() {
		if _, err := Parse([]byte(m.Text), ForIdentity); err != nil {
			b.Fatal(err)
		}
	}
}
