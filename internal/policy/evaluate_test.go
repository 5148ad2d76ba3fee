package policy

import (
	"strings"
	"testing"
)

var (
	alice = Principal{Kind: User, ARN: "arn:aws:iam::111122223333:user/alice", AccountID: "111122223333", ID: "AIDAALICEALICEALICE1"}
	bob   = Principal{Kind: RoleSession, ARN: "arn:aws:iam::111122223333:role/dev/Builder", SessionARN: "arn:aws:sts::111122223333:assumed-role/Builder/bob", AccountID: "111122223333", ID: "AROABUILDERBUILDER01"}
	carol = Principal{Kind: User, ARN: "arn:aws:iam::444455556666:user/carol", AccountID: "444455556666", ID: "AIDACAROLCAROLCAROL1"}
)

func doc(t testing.TB, use Use, text string) *Document {
	t.Helper()
	d, err := Parse([]byte(text), use)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return d
}

// identity makes an identity document of one statement.
func identity(t testing.TB, statement string) Named {
	t.Helper()
	return Named{"p", doc(t, ForIdentity, `{"Version":"2012-10-17","Statement":[{`+statement+`}]}`)}
}

const allowAll = `"Effect":"Allow","Action":"*","Resource":"*"`

func TestEvaluateOneStatement(t *testing.T) {
	t.Parallel()
	tests := []struct {
		statement, action, resource string
		want                        bool
	}{
		{allowAll, "s3:GetObject", "arn:aws:s3:::b/k", true},
		{`"Effect":"Allow","Action":"S3:getobject","Resource":"*"`, "s3:GetObject", "arn:aws:s3:::b/k", true},
		{`"Effect":"Allow","Action":"s3:Get*","Resource":"*"`, "s3:PutObject", "*", false},
		{`"Effect":"Allow","Action":"s3:Get?bject","Resource":"*"`, "s3:GetObject", "*", true},
		{`"Effect":"Allow","Action":["ec2:*","s3:*"],"Resource":"*"`, "s3:PutObject", "*", true},
		{`"Effect":"Allow","NotAction":"iam:*","Resource":"*"`, "s3:PutObject", "*", true},
		{`"Effect":"Allow","NotAction":["iam:*","sts:*"],"Resource":"*"`, "STS:GetCallerIdentity", "*", false},
		{`"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::b/*"`, "s3:GetObject", "arn:aws:s3:::b/k/l", true},
		{`"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::b/*"`, "s3:GetObject", "arn:aws:s3:::b", false},
		{`"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::B"`, "s3:ListBucket", "arn:aws:s3:::b", false},
		{`"Effect":"Allow","Action":"*","Resource":"arn:aws:iam:*:role/x"`, "iam:GetRole", "arn:aws:iam::111122223333:role/x", true},
		{`"Effect":"Allow","Action":"*","Resource":"arn:aws:iam:*:role/x"`, "iam:GetRole", "arn:aws:iam::111122223333:role/y", false},
		{`"Effect":"Allow","Action":"*","Resource":"arn:aws:sqs:eu-*:q"`, "sqs:SendMessage", "arn:aws:sqs:eu-west-1:111122223333:q", true},
		{`"Effect":"Allow","Action":"*","Resource":"arn:aws:sqs:us-*:q"`, "sqs:SendMessage", "arn:aws:sqs:eu-west-1:111122223333:q", false},
		{`"Effect":"Allow","Action":"*","Resource":"arn:aws:sqs:*-1:q"`, "sqs:SendMessage", "arn:aws:sqs:eu-west-1:111122223333:q", false},
		{`"Effect":"Allow","Action":"*","Resource":"arn:aws:logs:*:*:group:x"`, "logs:PutLogEvents", "arn:aws:logs:eu-west-1:111122223333:log:group:x", true},
		{`"Effect":"Allow","Action":"*","Resource":"arn:aws:logs:*:??:x"`, "logs:PutLogEvents", "arn:aws:logs:eu-west-1:111122223333:ab:x", true},
		{`"Effect":"Allow","Action":"*","Resource":"arn:aws:logs:?:x"`, "logs:PutLogEvents", "arn:aws:logs:a:b:x", false},
		{`"Effect":"Allow","Action":"*","Resource":"arn:aws:iam:${*}:role/x"`, "iam:GetRole", "arn:aws:iam::111122223333:role/x", false},
		{`"Effect":"Allow","Action":"*:*","Resource":"*"`, "iam:GetRole", "*", true},
		{`"Effect":"Allow","Action":"*","Resource":"arn:aws:iam::*:role/x"`, "iam:GetRole", "arn:aws:iam::111122223333:role/x", true},
		{`"Effect":"Allow","Action":"*","Resource":"arn:aws:iam::*x"`, "iam:GetRole", "arn:aws:iam::111122223333:role/x", false},
		{`"Effect":"Allow","Action":"*","Resource":"arn:aws:sqs"`, "sqs:SendMessage", "arn:aws:sqs:eu-west-1:111122223333:q", true},
		{`"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::b"`, "s3:ListAllMyBuckets", "*", false},
		{`"Effect":"Allow","Action":"*","NotResource":"arn:aws:s3:::secret/*"`, "s3:GetObject", "arn:aws:s3:::secret/k", false},
		{`"Effect":"Allow","Action":"*","NotResource":"arn:aws:s3:::secret/*"`, "s3:GetObject", "arn:aws:s3:::open/k", true},
		{`"Effect":"Deny","Action":"*","Resource":"*"`, "s3:GetObject", "*", false},
	}
	for _, tt := range tests {
		d := Evaluate(Policies{Identity: []Named{identity(t, tt.statement)}}, Request{Principal: alice, Action: tt.action, Resource: tt.resource})
		if d.Allowed != tt.want {
			t.Errorf("{%s} on %s %s: got %v, want %v", tt.statement, tt.action, tt.resource, d.Allowed, tt.want)
		}
	}
}

func TestEvaluateVariables(t *testing.T) {
	t.Parallel()
	ctx := Context{"aws:username": {"alice"}, "aws:PrincipalTag/Team": {"red"}, "x:star": {"*"}, "x:many": {"a", "b"}}
	tests := []struct {
		name, statement, resource string
		want                      bool
	}{
		{"replaced", `"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::home/${aws:username}/*"`, "arn:aws:s3:::home/alice/f", true},
		{"another's", `"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::home/${aws:username}/*"`, "arn:aws:s3:::home/bob/f", false},
		{"key in any case", `"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::${AWS:principaltag/TEAM}"`, "arn:aws:s3:::red", true},
		{"no value", `"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::${aws:PrincipalTag/none}*"`, "arn:aws:s3:::x", false},
		{"default", `"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::${aws:PrincipalTag/none, 'all'}"`, "arn:aws:s3:::all", true},
		{"default not used", `"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::${aws:PrincipalTag/team, 'all'}"`, "arn:aws:s3:::all", false},
		{"a star that comes in by a value is a star", `"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::${x:star}"`, "arn:aws:s3:::anything", false},
		{"several values", `"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::${x:many}"`, "arn:aws:s3:::a", false},
		{"literal star", `"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::${*}"`, "arn:aws:s3:::x", false},
		{"literal star matches itself", `"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::${*}"`, "arn:aws:s3:::*", true},
		{"missing value in NotResource of an Allow", `"Effect":"Allow","Action":"*","NotResource":"arn:aws:s3:::${aws:PrincipalTag/none}"`, "arn:aws:s3:::x", false},
		{"condition", `"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:username":"${aws:username}"}}`, "*", true},
		{"missing value in a negated condition of an Allow", `"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringNotEquals":{"aws:username":"${aws:PrincipalTag/none}"}}`, "*", false},
	}
	for _, tt := range tests {
		d := Evaluate(Policies{Identity: []Named{identity(t, tt.statement)}}, Request{Principal: alice, Action: "s3:GetObject", Resource: tt.resource, Context: ctx})
		if d.Allowed != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, d.Allowed, tt.want)
		}
	}
	old := Named{"old", doc(t, ForIdentity, `{"Version":"2008-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::${aws:username}"}}`)}
	if d := Evaluate(Policies{Identity: []Named{old}}, Request{Principal: alice, Action: "s3:x", Resource: "arn:aws:s3:::alice", Context: ctx}); d.Allowed {
		t.Error("a variable was replaced in a document of version 2008-10-17")
	}
}

func TestConditionOperators(t *testing.T) {
	t.Parallel()
	ctx := Context{
		"s:one": {"Red"}, "s:many": {"a", "b"}, "n:one": {"10"}, "n:bad": {"ten"}, "d:now": {"2026-03-01T12:00:00Z"}, "b:yes": {"true"},
		"i:v4": {"10.1.2.3"}, "i:v6": {"2001:db8::1"}, "i:mapped": {"::ffff:10.1.2.3"}, "a:role": {"arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Ops_0123456789abcdef"},
		"x:bin": {"AQID"}, "s:empty": {}, "n:age": {"3600.0"},
	}
	tests := []struct {
		condition string
		want      bool
	}{
		{`{"StringEquals":{"s:one":"Red"}}`, true},
		{`{"StringEquals":{"s:one":"red"}}`, false},
		{`{"StringEquals":{"s:one":["blue","Red"]}}`, true},
		{`{"StringEquals":{"S:ONE":"Red"}}`, true},
		{`{"StringEquals":{"s:none":"Red"}}`, false},
		{`{"StringEquals":{"s:empty":"Red"}}`, false},
		{`{"StringEquals":{"s:one":"R*"}}`, false},
		{`{"StringNotEquals":{"s:one":["blue","Red"]}}`, false},
		{`{"StringNotEquals":{"s:one":"red"}}`, true},
		{`{"StringNotEquals":{"s:none":"red"}}`, true},
		{`{"StringEqualsIgnoreCase":{"s:one":"RED"}}`, true},
		{`{"StringNotEqualsIgnoreCase":{"s:one":"RED"}}`, false},
		{`{"StringLike":{"s:one":"R?d"}}`, true},
		{`{"StringLike":{"s:one":"r*"}}`, false},
		{`{"StringNotLike":{"s:one":"R*"}}`, false},
		{`{"StringEqualsIfExists":{"s:none":"x"}}`, true},
		{`{"StringEqualsIfExists":{"s:one":"x"}}`, false},
		{`{"ForAnyValue:StringEquals":{"s:many":"b"}}`, true},
		{`{"ForAnyValue:StringEquals":{"s:many":"c"}}`, false},
		{`{"ForAnyValue:StringEquals":{"s:none":"c"}}`, false},
		{`{"ForAnyValue:StringEqualsIfExists":{"s:none":"c"}}`, true},
		{`{"ForAnyValue:StringNotEquals":{"s:many":"a"}}`, true},
		{`{"ForAnyValue:StringNotEquals":{"s:many":["a","b"]}}`, false},
		{`{"ForAllValues:StringEquals":{"s:many":["a","b","c"]}}`, true},
		{`{"ForAllValues:StringEquals":{"s:many":"a"}}`, false},
		{`{"ForAllValues:StringEquals":{"s:none":"a"}}`, true},
		{`{"ForAllValues:StringNotEquals":{"s:many":"c"}}`, true},
		{`{"ForAllValues:StringNotEquals":{"s:many":"a"}}`, false},
		{`{"ForAllValues:StringLike":{"s:many":"?"}}`, true},
		{`{"NumericEquals":{"n:one":10}}`, true},
		{`{"NumericEquals":{"n:age":"3600"}}`, true},
		{`{"NumericNotEquals":{"n:one":"10.0"}}`, false},
		{`{"NumericLessThan":{"n:one":"11"}}`, true},
		{`{"NumericLessThan":{"n:one":"10"}}`, false},
		{`{"NumericLessThanEquals":{"n:one":"10"}}`, true},
		{`{"NumericGreaterThan":{"n:one":"9"}}`, true},
		{`{"NumericGreaterThanEquals":{"n:one":"10.5"}}`, false},
		{`{"NumericEquals":{"n:bad":"10"}}`, false},
		{`{"NumericNotEquals":{"n:bad":"10"}}`, false}, // unreadable helps no Allow
		{`{"NumericLessThan":{"n:none":"10"}}`, false},
		{`{"DateEquals":{"d:now":"2026-03-01T12:00:00Z"}}`, true},
		{`{"DateNotEquals":{"d:now":"2026-03-01T13:00:00+01:00"}}`, false},
		{`{"DateLessThan":{"d:now":"2026-03-02"}}`, true},
		{`{"DateLessThan":{"d:now":"2026"}}`, false},
		{`{"DateGreaterThan":{"d:now":"2026-03-01T11:59:59.999Z"}}`, true},
		{`{"DateGreaterThanEquals":{"d:now":1772366400}}`, true},
		{`{"DateLessThanEquals":{"d:now":"1772366399"}}`, false},
		{`{"Bool":{"b:yes":true}}`, true},
		{`{"Bool":{"b:yes":"False"}}`, false},
		{`{"Bool":{"b:none":"false"}}`, false},
		{`{"BoolIfExists":{"b:none":"false"}}`, true},
		{`{"BinaryEquals":{"x:bin":"AQID"}}`, true},
		{`{"BinaryEquals":{"x:bin":"AQIE"}}`, false},
		{`{"IpAddress":{"i:v4":"10.0.0.0/8"}}`, true},
		{`{"IpAddress":{"i:v4":["192.168.0.0/16","10.1.2.3"]}}`, true},
		{`{"IpAddress":{"i:mapped":"10.0.0.0/8"}}`, true},
		{`{"IpAddress":{"i:v6":"2001:db8::/32"}}`, true},
		{`{"IpAddress":{"i:v6":"10.0.0.0/8"}}`, false},
		{`{"NotIpAddress":{"i:v4":"10.0.0.0/8"}}`, false},
		{`{"NotIpAddress":{"i:v4":"11.0.0.0/8"}}`, true},
		{`{"ArnLike":{"a:role":"arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/*AWSReservedSSO_Ops_*"}}`, true},
		{`{"ArnLike":{"a:role":"arn:aws:iam::*:*/AWSReservedSSO_Op_*"}}`, false},
		{`{"ArnEquals":{"a:role":"arn:aws:iam::*:role/aws-reserved/*"}}`, true},
		{`{"ArnNotLike":{"a:role":"arn:*:iam::*:role/*"}}`, false},
		{`{"ArnNotEquals":{"a:role":"arn:aws:iam::*:user/*"}}`, true},
		{`{"ArnLike":{"s:one":"arn:aws:iam::*:role/*"}}`, false},
		{`{"Null":{"s:one":"false"}}`, true},
		{`{"Null":{"s:one":true}}`, false},
		{`{"Null":{"s:none":"true"}}`, true},
		{`{"Null":{"s:empty":"true"}}`, true},
		{`{"StringEquals":{"s:one":"Red","s:none":"x"}}`, false},
		{`{"StringEquals":{"s:one":"Red"},"NumericLessThan":{"n:one":5}}`, false},
	}
	for _, tt := range tests {
		p := identity(t, allowAll+`,"Condition":`+tt.condition)
		d := Evaluate(Policies{Identity: []Named{p}}, Request{Principal: alice, Action: "s3:x", Resource: "*", Context: ctx})
		if d.Allowed != tt.want {
			t.Errorf("%s: got %v, want %v", tt.condition, d.Allowed, tt.want)
		}
	}
}

func TestDenyHoldsWhereAValueIsUnreadable(t *testing.T) {
	t.Parallel()
	deny := identity(t, `"Effect":"Deny","Action":"*","Resource":"*","Condition":{"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}}`)
	d := Evaluate(Policies{Identity: []Named{identity(t, allowAll), deny}}, Request{Principal: alice, Action: "s3:x", Resource: "*", Context: Context{"aws:SourceIp": {"unknown"}}})
	if d.Allowed || !d.Explicit {
		t.Errorf("got %+v, want an explicit deny", d)
	}
}

// The order of AWS's policy evaluation logic, with the clause that AWS answers.
func TestEvaluateOrder(t *testing.T) {
	t.Parallel()
	all, none := identity(t, allowAll), identity(t, `"Effect":"Allow","Action":"ec2:*","Resource":"*"`)
	deny := identity(t, `"Sid":"No","Effect":"Deny","Action":"s3:*","Resource":"*"`)
	tests := []struct {
		name     string
		policies Policies
		want     string // the clause; empty: allowed
		layer    Layer
	}{
		{"nothing at all", Policies{}, "because no identity-based policy allows the s3:GetObject action", LayerIdentity},
		{"identity allows", Policies{Identity: []Named{none, all}}, "", LayerIdentity},
		{"deny in identity", Policies{Identity: []Named{all, deny}}, "with an explicit deny in an identity-based policy", LayerIdentity},
		{"boundary allows nothing", Policies{Identity: []Named{all}, Boundary: &none}, "because no permissions boundary allows the s3:GetObject action", LayerBoundary},
		{"boundary alone", Policies{Boundary: &all}, "because no identity-based policy allows the s3:GetObject action", LayerIdentity},
		{"deny in boundary", Policies{Identity: []Named{all}, Boundary: &deny}, "with an explicit deny in a permissions boundary", LayerBoundary},
		{"session policy allows nothing", Policies{Identity: []Named{all}, Session: []Named{none}}, "because no session policy allows the s3:GetObject action", LayerSession},
		{"one of two session policies", Policies{Identity: []Named{all}, Session: []Named{none, all}}, "", LayerIdentity},
		{"deny in session policy", Policies{Identity: []Named{all}, Session: []Named{all, deny}}, "with an explicit deny in a session policy", LayerSession},
		{"every level of the organization", Policies{Identity: []Named{all}, Organization: [][]Named{{all}, {none, all}}}, "", LayerIdentity},
		{"one level allows nothing", Policies{Identity: []Named{all}, Organization: [][]Named{{all}, {none}}}, "because no service control policy allows the s3:GetObject action", LayerOrganization},
		{"deny of the organization", Policies{Identity: []Named{all}, Organization: [][]Named{{all, deny}}}, "with an explicit deny in a service control policy", LayerOrganization},
		{"organization grants nothing", Policies{Organization: [][]Named{{all}}}, "because no identity-based policy allows the s3:GetObject action", LayerIdentity},
	}
	for _, tt := range tests {
		d := Evaluate(tt.policies, Request{Principal: alice, Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k"})
		if d.Allowed != (tt.want == "") || d.Reason != tt.want || d.Layer != tt.layer {
			t.Errorf("%s: got %+v, want %q in layer %v", tt.name, d, tt.want, tt.layer)
		}
	}
}

func TestEvaluateNamesTheStatement(t *testing.T) {
	t.Parallel()
	p := Named{"Ops", doc(t, ForIdentity, `{"Statement":[{"Sid":"A","Effect":"Allow","Action":"ec2:*","Resource":"*"},{"Sid":"B","Effect":"Deny","Action":"s3:*","Resource":"*"}]}`)}
	d := Evaluate(Policies{Identity: []Named{p}}, Request{Principal: alice, Action: "s3:GetObject", Resource: "*"})
	if d.Policy != "Ops" || d.Statement != 1 || d.Sid != "B" || !d.Explicit {
		t.Errorf("got %+v", d)
	}
	want := "User: arn:aws:iam::111122223333:user/alice is not authorized to perform: s3:GetObject on resource: * with an explicit deny in an identity-based policy"
	if got := Denial(Request{Principal: alice, Action: "s3:GetObject", Resource: "*"}, d); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Resource-based policies, in one account and across accounts.
func TestEvaluateTrust(t *testing.T) {
	t.Parallel()
	const role = "arn:aws:iam::111122223333:role/Target"
	all := identity(t, allowAll)
	trust := func(principal string) *Named {
		return &Named{"trust", doc(t, ForTrust, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["sts:AssumeRole","sts:AssumeRoleWithSAML"],`+principal+`}}`)}
	}
	none := identity(t, `"Effect":"Allow","Action":"ec2:*","Resource":"*"`)
	saml := Principal{Kind: Federated, ARN: "arn:aws:iam::111122223333:saml-provider/P", AccountID: "111122223333"}
	tests := []struct {
		name      string
		principal Principal
		trust     *Named
		policies  Policies
		want      bool
	}{
		{"account named, identity allows", alice, trust(`"Principal":{"AWS":"111122223333"}`), Policies{Identity: []Named{all}}, true},
		{"account named, identity silent", alice, trust(`"Principal":{"AWS":"arn:aws:iam::111122223333:root"}`), Policies{}, false},
		{"user named, identity silent", alice, trust(`"Principal":{"AWS":"arn:aws:iam::111122223333:user/alice"}`), Policies{}, true},
		{"user named, identity denies", alice, trust(`"Principal":{"AWS":"arn:aws:iam::111122223333:user/alice"}`), Policies{Identity: []Named{identity(t, `"Effect":"Deny","Action":"sts:*","Resource":"*"`)}}, false},
		{"user named by id", alice, trust(`"Principal":{"AWS":"AIDAALICEALICEALICE1"}`), Policies{}, true},
		{"another user named", alice, trust(`"Principal":{"AWS":"arn:aws:iam::111122223333:user/eve"}`), Policies{}, false},
		{"role named, identity silent", bob, trust(`"Principal":{"AWS":"arn:aws:iam::111122223333:role/dev/Builder"}`), Policies{}, true},
		{"role named, session policy silent", bob, trust(`"Principal":{"AWS":"arn:aws:iam::111122223333:role/dev/Builder"}`), Policies{Session: []Named{none}}, false},
		{"session named, session policy silent", bob, trust(`"Principal":{"AWS":"arn:aws:sts::111122223333:assumed-role/Builder/bob"}`), Policies{Session: []Named{none}}, true},
		{"another session named", bob, trust(`"Principal":{"AWS":"arn:aws:sts::111122223333:assumed-role/Builder/eve"}`), Policies{}, false},
		{"role named, boundary silent", bob, trust(`"Principal":{"AWS":"arn:aws:iam::111122223333:role/dev/Builder"}`), Policies{Boundary: &none}, false},
		{"other account, both allow", carol, trust(`"Principal":{"AWS":"444455556666"}`), Policies{Identity: []Named{all}}, true},
		{"other account, identity silent", carol, trust(`"Principal":{"AWS":"arn:aws:iam::444455556666:user/carol"}`), Policies{}, false},
		{"other account, trust silent", carol, trust(`"Principal":{"AWS":"111122223333"}`), Policies{Identity: []Named{all}}, false},
		{"other account, no policy on the resource", carol, nil, Policies{Identity: []Named{all}}, false},
		{"same account, trust silent, identity allows", alice, trust(`"Principal":{"AWS":"444455556666"}`), Policies{Identity: []Named{all}}, false},
		{"everyone", carol, trust(`"Principal":"*"`), Policies{Identity: []Named{all}}, true},
		{"federated named", saml, trust(`"Principal":{"Federated":"arn:aws:iam::111122223333:saml-provider/P"}`), Policies{}, true},
		{"federated another", saml, trust(`"Principal":{"Federated":"arn:aws:iam::111122223333:saml-provider/Q"}`), Policies{}, false},
		{"federated through the account", saml, trust(`"Principal":{"AWS":"111122223333"}`), Policies{}, false},
		{"nobody", Principal{}, trust(`"Principal":{"AWS":"111122223333"}`), Policies{}, false},
		{"service named", Principal{Kind: Service, Service: "ec2.amazonaws.com"}, trust(`"Principal":{"Service":"ec2.amazonaws.com"}`), Policies{}, true},
		{"root of the account", Principal{Kind: Root, ARN: "arn:aws:iam::111122223333:root", AccountID: "111122223333"}, trust(`"Principal":{"AWS":"111122223333"}`), Policies{}, true},
		{"root of another account", Principal{Kind: Root, ARN: "arn:aws:iam::444455556666:root", AccountID: "444455556666"}, nil, Policies{}, false},
	}
	for _, tt := range tests {
		p := tt.policies
		p.Resource, p.Trust = tt.trust, true
		action := "sts:AssumeRole"
		if tt.principal.Kind == Federated {
			action = "sts:AssumeRoleWithSAML"
		}
		d := Evaluate(p, Request{Principal: tt.principal, Action: action, Resource: role, ResourceAccount: "111122223333"})
		if d.Allowed != tt.want {
			t.Errorf("%s: got %+v, want allowed=%v", tt.name, d, tt.want)
		}
	}
}

func TestNotPrincipal(t *testing.T) {
	t.Parallel()
	deny := &Named{"r", doc(t, ForResource, `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"},{"Effect":"Deny","NotPrincipal":{"AWS":["111122223333","arn:aws:iam::111122223333:user/alice"]},"Action":"s3:*","Resource":"*"}]}`)}
	allow := &Named{"r", doc(t, ForResource, `{"Statement":{"Effect":"Allow","NotPrincipal":{"AWS":"111122223333"},"Action":"s3:*","Resource":"*"}}`)}
	eve := Principal{Kind: User, ARN: "arn:aws:iam::111122223333:user/eve", AccountID: "111122223333"}
	for _, tt := range []struct {
		name   string
		who    Principal
		policy *Named
		want   bool
	}{{"spared by name", alice, deny, true}, {"only the account is spared", eve, deny, false}, {"Allow leaves the account out", eve, allow, false}} {
		d := Evaluate(Policies{Resource: tt.policy}, Request{Principal: tt.who, Action: "s3:GetObject", Resource: "arn:aws:s3:::b", ResourceAccount: "111122223333"})
		if d.Allowed != tt.want {
			t.Errorf("%s: got %+v, want allowed=%v", tt.name, d, tt.want)
		}
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	p := Named{"Ops", doc(t, ForIdentity, `{"Statement":[{"Sid":"A","Effect":"Allow","Action":"ec2:*","Resource":"*"},{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::other"},{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}},{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}]}`)}
	d, steps := Explain(Policies{Identity: []Named{p}}, Request{Principal: alice, Action: "s3:GetObject", Resource: "arn:aws:s3:::b"})
	if !d.Allowed || d.Statement != 3 || len(steps) != 4 {
		t.Fatalf("got %+v, %d steps", d, len(steps))
	}
	for i, want := range []string{"the action is another", "the resource is another", "condition Bool on aws:MultiFactorAuthPresent is not met: the request has no aws:MultiFactorAuthPresent", ""} {
		if steps[i].Why != want || steps[i].Applies != (want == "") {
			t.Errorf("step %d: got %+v, want %q", i, steps[i], want)
		}
	}
}

func TestExplainSaysWhereStatementsStand(t *testing.T) {
	t.Parallel()
	text := "{\"Version\":\"2012-10-17\",\n \"Id\":\"é\", \"Statement\":[\n  {\"Effect\":\"Allow\",\"Action\":\"s3:*\",\"Resource\":\"*\"},\n  {\"Effect\":\"Deny\",\n   \"Action\":\"s3:*\",\"Resource\":\"*\"\n  } ]}"
	_, steps := Explain(Policies{Identity: []Named{{"p", doc(t, ForIdentity, text)}}}, Request{Principal: alice, Action: "s3:GetObject", Resource: "*"})
	lines := strings.Split(text, "\n")
	at := func(p Position) string { return string([]rune(lines[p.Line-1])[p.Column-1:]) }
	if len(steps) != 2 || !strings.HasPrefix(at(steps[0].Start), `{"Effect":"Allow"`) || at(steps[0].End) != "," ||
		!strings.HasPrefix(at(steps[1].Start), `{"Effect":"Deny"`) || at(steps[1].End) != " ]}" {
		t.Errorf("got %+v", steps)
	}
	_, steps = Explain(Policies{Identity: []Named{{"p", doc(t, ForIdentity, `{"Id":"é","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)}}}, Request{Principal: alice, Action: "s3:GetObject", Resource: "*"})
	if want := (Position{1, 23}); steps[0].Start != want || steps[0].End.Column != 69 {
		t.Errorf("got %+v", steps[0])
	}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	tests := []struct {
		pattern, subject string
		want             bool
	}{
		{"", "", true}, {"", "a", false}, {"*", "", true}, {"*", "anything", true}, {"?", "", false}, {"?", "é", true}, {"??", "é", false},
		{"a*c", "abbbc", true}, {"a*c", "ac", true}, {"a*c", "acd", false}, {"*a*b*", "xxaxxbxx", true}, {"*ab", "aab", true}, {"a**b", "ab", true},
		{"*?", "", false}, {"*?", "x", true}, {"?*?", "x", false}, {"a?c", "abc", true}, {"*é", "éé", true},
	}
	for _, tt := range tests {
		if got := match(wild(tt.pattern), tt.subject); got != tt.want {
			t.Errorf("match(%q, %q) = %v", tt.pattern, tt.subject, got)
		}
	}
	long := strings.Repeat("*a", 1000) + "b" // a naive matcher takes for ever
	if match(wild(long), strings.Repeat("a", 2000)) {
		t.Error("the long pattern matched")
	}
	// Comparing character by character this would take hours.
	nearly := "*" + strings.Repeat("a", 1<<20) + "b"
	if subject := strings.Repeat("a", 1<<21); match(wild(nearly), subject) || match(wild(nearly+"*"), subject) {
		t.Error("the nearly fitting pattern matched")
	}
}
