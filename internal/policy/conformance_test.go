package policy

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestSetOperators goes through every set operator over every sort of key, as «Set operators for multivalued context keys» and «Condition
// operators: …IfExists» of the IAM user guide have it.
func TestSetOperators(t *testing.T) {
	t.Parallel()
	keys := []struct {
		name   string
		values []string
	}{{"absent", nil}, {"empty text", []string{""}}, {"a", []string{"a"}}, {"b", []string{"b"}}, {"a and b", []string{"a", "b"}}, {"b and c", []string{"b", "c"}}, {"two values of one key", []string{Ambiguous}}}
	tests := []struct {
		operator string
		want     string // a digit for each of keys: 1 holds
	}{
		//                               absent "" a b ab bc ambiguous
		{"StringEquals", "0010100"},
		{"StringEqualsIfExists", "1010100"},
		{"StringNotEquals", "1101010"},
		{"StringNotEqualsIfExists", "1101010"},
		{"ForAllValues:StringEquals", "1110000"},
		{"ForAllValues:StringEqualsIfExists", "1110000"},
		{"ForAllValues:StringNotEquals", "1101010"},
		{"ForAnyValue:StringEquals", "0010100"},
		{"ForAnyValue:StringEqualsIfExists", "1110100"},
		{"ForAnyValue:StringNotEquals", "0001110"},
		{"ForAnyValue:StringNotEqualsIfExists", "1101110"},
		{"Null", "0000000"},
	}
	for _, tt := range tests {
		value := `"a"`
		want := tt.want
		if tt.operator == "Null" {
			value, want = `"false"`, "0111111"
		}
		condition := `"Condition":{"` + tt.operator + `":{"x:y":` + value + `}}`
		for i, k := range keys {
			q := Request{Principal: alice, Action: "s3:GetObject", Resource: "*", Context: Context{}}
			if k.values != nil {
				q.Context.Set("x:y", k.values...)
			}
			allowed := Evaluate(Policies{Identity: []Named{identity(t, `"Effect":"Allow","Action":"*","Resource":"*",`+condition)}}, q).Allowed
			if allowed != (want[i] == '1') {
				t.Errorf("Allow with %s over a key that is %s: %v", tt.operator, k.name, allowed)
			}
			denied := Evaluate(Policies{Identity: []Named{identity(t, allowAll), identity(t, `"Effect":"Deny","Action":"*","Resource":"*",`+condition)}}, q).Explicit
			if k.name == keys[6].name && tt.operator != "Null" {
				if !denied { // what is not known hinders no Deny
					t.Errorf("a Deny with %s is evaded by a key with two values", tt.operator)
				}
			} else if denied != (want[i] == '1') {
				t.Errorf("Deny with %s over a key that is %s: %v", tt.operator, k.name, denied)
			}
		}
	}
}

// TestEveryOperator gives each operator of the language a value that it holds for and one it does not, by itself, with IfExists, and over
// an absent key; an operator that is not in this table fails the test.
func TestEveryOperator(t *testing.T) {
	t.Parallel()
	const arn = "arn:aws:iam::111122223333:role/x"
	cases := map[string]struct{ policy, holds, fails string }{
		"StringEquals":              {"Red", "Red", "red"},
		"StringNotEquals":           {"Red", "red", "Red"},
		"StringEqualsIgnoreCase":    {"Red", "rED", "blue"},
		"StringNotEqualsIgnoreCase": {"Red", "blue", "rED"},
		"StringLike":                {"R?d*", "Red car", "red"},
		"StringNotLike":             {"R?d*", "red", "Red car"},
		"ArnEquals":                 {"arn:aws:iam::*:role/*", arn, "arn:aws:iam::111122223333:user/x"},
		"ArnNotEquals":              {"arn:aws:iam::*:role/*", "arn:aws:iam::111122223333:user/x", arn},
		"ArnLike":                   {"arn:aws:iam::1111222233?3:role/?", arn, "arn:aws:iam::111122223333:role/xy"},
		"ArnNotLike":                {"arn:aws:iam::*:role/?", "arn:aws:iam::111122223333:role/xy", arn},
		"NumericEquals":             {"10", "10.0", "11"},
		"NumericNotEquals":          {"10", "11", "10"},
		"NumericLessThan":           {"10", "9.9", "10"},
		"NumericLessThanEquals":     {"10", "10", "10.1"},
		"NumericGreaterThan":        {"10", "10.1", "10"},
		"NumericGreaterThanEquals":  {"10", "10", "9.9"},
		"DateEquals":                {"2026-03-01T12:00:00Z", "2026-03-01T13:00:00+01:00", "2026-03-01T12:00:01Z"},
		"DateNotEquals":             {"2026-03-01T12:00:00Z", "2026-03-01T12:00:01Z", "2026-03-01T12:00:00Z"},
		"DateLessThan":              {"2026-03-01T12:00:00Z", "2026-03-01T11:59:59Z", "2026-03-01T12:00:00Z"},
		"DateLessThanEquals":        {"2026-03-01T12:00:00Z", "2026-03-01T12:00:00Z", "2026-03-01T12:00:01Z"},
		"DateGreaterThan":           {"2026-03-01T12:00:00Z", "2026-03-01T12:00:01Z", "2026-03-01T12:00:00Z"},
		"DateGreaterThanEquals":     {"2026-03-01T12:00:00Z", "1772366400", "2026-03-01T11:59:59Z"},
		"Bool":                      {"true", "TRUE", "false"},
		"BinaryEquals":              {"QmluYXJ5", "QmluYXJ5", "T3RoZXI="},
		"IpAddress":                 {"203.0.113.0/24", "203.0.113.7", "203.0.114.7"},
		"NotIpAddress":              {"2001:DB8:1234:5678::/64", "2001:db8:1234:5679::1", "2001:db8:1234:5678::1"},
	}
	for _, op := range operators {
		c, ok := cases[op.name]
		if !ok {
			t.Errorf("the operator %s is not tested", op.name)
			continue
		}
		ask := func(operator string, have ...string) bool {
			q := Request{Principal: alice, Action: "s3:GetObject", Resource: "*", Context: Context{}}
			if have != nil {
				q.Context.Set("X:Y", have...)
			}
			return Evaluate(Policies{Identity: []Named{identity(t, `"Effect":"Allow","Action":"*","Resource":"*","Condition":{"`+operator+`":{"x:y":"`+c.policy+`"}}`)}}, q).Allowed
		}
		for operator, absent := range map[string]bool{op.name: op.negated, op.name + "IfExists": true} {
			if !ask(operator, c.holds) || ask(operator, c.fails) || ask(operator) != absent {
				t.Errorf("%s: holds %v, fails %v, absent %v", operator, ask(operator, c.holds), ask(operator, c.fails), ask(operator))
			}
		}
	}
	if len(operators) != len(cases) {
		t.Errorf("%d operators, %d cases", len(operators), len(cases))
	}
}

// TestPrincipalForms: each way to name somebody, and who is meant by it.
func TestPrincipalForms(t *testing.T) {
	t.Parallel()
	fed := Principal{Kind: RoleSession, ARN: "arn:aws:sts::111122223333:federated-user/fay", SessionARN: "arn:aws:sts::111122223333:federated-user/fay", AccountID: "111122223333"}
	svc := Principal{Kind: Service, Service: "ec2.amazonaws.com"}
	saml := Principal{Kind: Federated, ARN: "arn:aws:iam::111122223333:saml-provider/P", AccountID: "111122223333"}
	for _, tt := range []struct {
		principal string
		named     string // who of alice bob carol fed svc saml nobody
	}{
		{`"*"`, "alice bob carol fed svc saml nobody"},
		{`{"AWS":"*"}`, "alice bob carol fed svc saml nobody"},
		{`{"AWS":"111122223333"}`, "alice bob fed saml"}, // whoever comes through the account's provider too, if only to be denied
		{`{"AWS":"arn:aws:iam::111122223333:root"}`, "alice bob fed saml"},
		{`{"AWS":"arn:aws:iam::111122223333:user/alice"}`, "alice"},
		{`{"AWS":"arn:aws:iam::111122223333:user/Alice"}`, ""},
		{`{"AWS":"AIDAALICEALICEALICE1"}`, "alice"},
		{`{"AWS":"arn:aws:iam::111122223333:role/dev/Builder"}`, "bob"},
		{`{"AWS":"arn:aws:iam::111122223333:role/Builder"}`, ""},
		{`{"AWS":"arn:aws:sts::111122223333:assumed-role/Builder/bob"}`, "bob"},
		{`{"AWS":"arn:aws:sts::111122223333:federated-user/fay"}`, "fed"},
		{`{"AWS":["444455556666","arn:aws:iam::111122223333:user/alice"]}`, "alice carol"},
		{`{"Service":"ec2.amazonaws.com"}`, "svc"},
		{`{"Service":["sso.amazonaws.com"]}`, ""},
		{`{"Federated":"arn:aws:iam::111122223333:saml-provider/P"}`, "saml"},
		{`{"Federated":"accounts.google.com"}`, ""},
		{`{"CanonicalUser":"79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"}`, ""},
	} {
		// A Deny: it holds for whoever is named, whatever else is needed for an Allow to count.
		r := Named{"r", doc(t, ForResource, `{"Statement":{"Effect":"Deny","Principal":`+tt.principal+`,"Action":"*","Resource":"*"}}`)}
		var named []string
		for _, who := range []struct {
			name string
			p    Principal
		}{{"alice", alice}, {"bob", bob}, {"carol", carol}, {"fed", fed}, {"svc", svc}, {"saml", saml}, {"nobody", Principal{}}} {
			if Evaluate(Policies{Resource: &r}, Request{Principal: who.p, Action: "s3:GetObject", Resource: "arn:aws:s3:::b"}).Explicit {
				named = append(named, who.name)
			}
		}
		if got := strings.Join(named, " "); got != tt.named {
			t.Errorf("%s names %q, want %q", tt.principal, got, tt.named)
		}
	}
}

// TestADenyOfNotPrincipalSparesNobodyWithABoundary (IAM JSON policy elements: NotPrincipal).
func TestADenyOfNotPrincipalSparesNobodyWithABoundary(t *testing.T) {
	t.Parallel()
	all := identity(t, allowAll)
	r := Named{"r", doc(t, ForResource, `{"Statement":{"Effect":"Deny","NotPrincipal":{"AWS":["111122223333","arn:aws:iam::111122223333:user/alice"]},"Action":"*","Resource":"*"}}`)}
	q := Request{Principal: alice, Action: "s3:GetObject", Resource: "arn:aws:s3:::b"}
	if d := Evaluate(Policies{Identity: []Named{all}, Resource: &r}, q); !d.Allowed {
		t.Errorf("spared: %+v", d)
	}
	if d := Evaluate(Policies{Identity: []Named{all}, Resource: &r, Boundary: &all}, q); !d.Explicit {
		t.Errorf("with a boundary: %+v", d)
	}
}

// TestVariables: where they are replaced and where not.
func TestVariables(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, document, resource string
		want                     bool
	}{
		{"in a condition key's name they are text", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/${aws:username}":"x"}}}}`, "*", false},
		{"a value's wildcards are text in a condition too", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringLike":{"aws:username":"${aws:PrincipalTag/star}"}}}}`, "*", false},
		{"a default's wildcards are text", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::${aws:PrincipalTag/none, '*'}"}}`, "arn:aws:s3:::b", false},
		{"a slash in a value is a slash", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::home/${aws:PrincipalTag/path}"}}`, "arn:aws:s3:::home/a/../b", true},
		{"a colon in a value does not reach into another part", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:sqs:${aws:PrincipalTag/colon}:q"}}`, "arn:aws:sqs:eu-west-1:111122223333:q", false},
		{"2008: text", `{"Version":"2008-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::${aws:username}"}}`, "arn:aws:s3:::alice", false},
		{"2008: matches itself", `{"Version":"2008-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::${aws:username}"}}`, "arn:aws:s3:::${aws:username}", true},
		{"2008: no literal star", `{"Version":"2008-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::${*}"}}`, "arn:aws:s3:::${anything}", true},
		{"a tag of two cases is no value", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::${aws:ResourceTag/team}*"}}`, "arn:aws:s3:::b", false},
	} {
		q := Request{Principal: alice, Action: "s3:GetObject", Resource: tt.resource, Context: Context{
			"aws:username": {"alice"}, "aws:PrincipalTag/star": {"*"}, "aws:PrincipalTag/path": {"a/../b"}, "aws:PrincipalTag/colon": {"eu-west-1:111122223333"},
			"aws:ResourceTag/team": {"b"}, "aws:ResourceTag/Team": {"c"},
		}}
		if d := Evaluate(Policies{Identity: []Named{{"p", doc(t, ForIdentity, tt.document)}}}, q); d.Allowed != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, d.Allowed, tt.want)
		}
	}
	for _, action := range []string{"s3:${aws:username}", "${aws:username}:Get", "s3:Get\u0130tem", "ѕ3:Get", "s3 :Get", "s3:Gеt"} {
		raw, err := json.Marshal(action)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Parse([]byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":`+string(raw)+`,"Resource":"*"}}`), ForIdentity); err == nil {
			t.Errorf("the action %s is accepted", action)
		}
	}
	// A request's action is compared as it is: what merely looks like it, or folds to it outside of ASCII, is another.
	deny := Policies{Identity: []Named{identity(t, `"Effect":"Allow","Action":"iam:ListUsers","Resource":"*"`)}}
	for action, want := range map[string]bool{"iam:ListUsers": true, "IAM:LISTUSERS": true, "iam:Lıstusers": false, "iam:ListUserſ": false, "iam:ListUsers ": false, "iam": false, "": false} {
		if d := Evaluate(deny, Request{Principal: alice, Action: action, Resource: "*"}); d.Allowed != want {
			t.Errorf("%q: got %v", action, d.Allowed)
		}
	}
}

// genResourcePolicy draws a resource-based policy about the principals of these tests.
func genResourcePolicy(t *rapid.T, label string) *Named {
	var statements []string
	for i := range rapid.IntRange(1, 3).Draw(t, label+"/n") {
		at := fmt.Sprintf("%s/%d", label, i)
		effect := rapid.SampledFrom([]string{"Allow", "Allow", "Deny"}).Draw(t, at+"/effect")
		element := rapid.SampledFrom([]string{"Principal", "Principal", "NotPrincipal"}).Draw(t, at+"/element")
		who := rapid.SampledFrom([]string{`{"AWS":"*"}`, `{"AWS":"111122223333"}`, `{"AWS":"arn:aws:iam::111122223333:user/alice"}`, `{"AWS":"arn:aws:sts::111122223333:assumed-role/Builder/bob"}`,
			`{"AWS":"arn:aws:iam::111122223333:role/dev/Builder"}`, `{"AWS":"444455556666"}`}).Draw(t, at+"/who")
		action := rapid.SampledFrom([]string{"*", "s3:*", "s3:GetObject"}).Draw(t, at+"/action")
		statements = append(statements, fmt.Sprintf(`{"Effect":%q,%q:%s,"Action":%q,"Resource":"*"}`, effect, element, who, action))
	}
	d, err := Parse([]byte(`{"Statement":[`+strings.Join(statements, ",")+`]}`), ForResource)
	if err != nil {
		t.Fatal(err)
	}
	return &Named{label, d}
}

// Whatever else there is, with a resource's policy too and across accounts: a Deny is never lost by adding statements, and service control
// policies and session policies only ever take away.
func TestNothingAddedIsMoreThanAllowed(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		q := genRequest(t)
		q.Principal = rapid.SampledFrom([]Principal{alice, bob, carol}).Draw(t, "principal")
		q.ResourceAccount = rapid.SampledFrom([]string{"", "111122223333", "444455556666"}).Draw(t, "account")
		p := Policies{Identity: []Named{genDocument(t, "identity", "Allow", "Deny")}, Trust: rapid.Bool().Draw(t, "trust")}
		if rapid.Bool().Draw(t, "resource") {
			p.Resource = genResourcePolicy(t, "resource")
		}
		before := Evaluate(p, q)
		more := genDocument(t, "more", "Allow", "Deny")
		if before.Explicit {
			for what, wider := range map[string]Policies{
				"a policy":                {Identity: []Named{p.Identity[0], more}, Resource: p.Resource, Trust: p.Trust},
				"a policy in front":       {Identity: []Named{more, p.Identity[0]}, Resource: p.Resource, Trust: p.Trust},
				"a session's policy":      {Identity: p.Identity, Session: []Named{more}, Resource: p.Resource, Trust: p.Trust},
				"a level of organization": {Identity: p.Identity, Organization: [][]Named{{more}}, Resource: p.Resource, Trust: p.Trust},
			} {
				if d := Evaluate(wider, q); !d.Explicit {
					t.Fatalf("%s lost a Deny: %+v", what, d)
				}
			}
		}
		if !before.Allowed {
			scp, session := p, p
			scp.Organization, session.Session = [][]Named{{more}}, []Named{more}
			if Evaluate(scp, q).Allowed || Evaluate(session, q).Allowed {
				t.Fatal("a service control policy or a session policy widened access")
			}
		}
		if d := Evaluate(Policies{Identity: p.Identity, Resource: p.Resource, Trust: p.Trust, Organization: [][]Named{{genDocument(t, "scp", "Deny")}}}, q); d.Allowed {
			t.Fatal("a level that allows nothing let something through")
		}
	})
}

// TestResourcesAgreeWithTheirDefinition: the matcher against regular expressions that say the same.
func TestResourcesAgreeWithTheirDefinition(t *testing.T) {
	t.Parallel()
	segment := func(s string, last bool) string {
		one, run := "[^:]", "[^:]*"
		if last {
			one, run = ".", ".*"
		}
		out := regexp.QuoteMeta(s)
		if strings.HasSuffix(s, "*") {
			out = strings.TrimSuffix(out, `\*`) + "\x00"
		}
		out = strings.ReplaceAll(strings.ReplaceAll(out, `\*`, run), `\?`, one)
		return strings.ReplaceAll(out, "\x00", run+"(:.*)?") // a star at the end reaches on
	}
	rapid.Check(t, func(t *rapid.T) {
		part := rapid.StringMatching(`[ab*?]{0,3}`)
		pattern := "arn:aws:svc"
		for i := range rapid.IntRange(0, 5).Draw(t, "parts") {
			pattern += ":" + part.Draw(t, fmt.Sprint("part", i))
		}
		resource := "arn:aws:svc:" + rapid.StringMatching(`[ab]{0,2}:[ab]{0,2}:[ab:]{0,5}`).Draw(t, "resource")
		d, err := Parse([]byte(`{"Statement":{"Effect":"Allow","Action":"*","Resource":"`+pattern+`"}}`), ForIdentity)
		if err != nil {
			t.Fatal(err)
		}
		written := strings.SplitN(pattern, ":", 6)
		var stretched, completed []string
		for i, s := range written {
			stretched = append(stretched, segment(s, i == len(written)-1))
			if i < 5 {
				s = strings.ReplaceAll(strings.ReplaceAll(regexp.QuoteMeta(s), `\*`, "[^:]*"), `\?`, "[^:]")
			} else {
				s = segment(s, true)
			}
			completed = append(completed, s)
		}
		for len(completed) < 6 {
			completed = append(completed, map[bool]string{true: ".*", false: "[^:]*"}[len(completed) == 5])
		}
		want := regexp.MustCompile("^(?s:" + strings.Join(completed, ":") + ")$").MatchString(resource)
		if strings.Contains(strings.Join(written[:len(written)-1], ":"), "*:") || strings.HasSuffix(strings.Join(written[:len(written)-1], ":"), "*") {
			want = want || regexp.MustCompile("^(?s:"+strings.Join(stretched, ":")+")$").MatchString(resource)
		}
		got := Evaluate(Policies{Identity: []Named{{"p", d}}}, Request{Principal: alice, Action: "s3:x", Resource: resource}).Allowed
		if got != want {
			t.Fatalf("%s on %s: got %v, want %v", pattern, resource, got, want)
		}
	})
}
