// Package targettest is the suite that every target passes: it says in code what the comments of target.Target say
// in words.
//
// A target's own test calls [Run] with a function that makes a fresh target with an account, and with the means to look inside and to put a customer
// managed policy there.
package targettest

import (
	"context"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
	"gatehouse/internal/target"
)

// Place is a target under test.
type Place struct {
	Target    target.Target
	AccountID string
	// Seen returns the role as the account's own IAM shows it; ok is false when there is none.
	Seen func(t *testing.T, name string) (r Seen, ok bool)
	// AddPolicy puts a customer managed policy into the account.
	AddPolicy func(t *testing.T, p target.PolicyRef)
	// AddRole puts a role of the account's own there, in the place of one of that name, and returns its ARN and unique id.
	AddRole func(t *testing.T, name, trust string, longest time.Duration) (roleARN, id string)
	// Move moves the place's clock and says what time it is then; May asks the account itself whether credentials may read an object now. Both are needed of a
	// target that is a target.Revoker.
	Move func(d time.Duration) time.Time
	May  func(t *testing.T, c target.Credentials) bool
}

// Seen is what can be seen of a role.
type Seen struct {
	Path, Description, Trust, Boundary string
	MaxSession                         time.Duration
	Attached                           []string
	Inline                             map[string]string
}

const (
	readOnly = "arn:aws:iam::aws:policy/ReadOnlyAccess"
	billing  = "arn:aws:iam::aws:policy/job-function/Billing"
	inline   = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:*","Resource":"*"}]}`
)

var actor = audit.Gatehouse

// Run runs the suite.
func Run(t *testing.T, fresh func(t *testing.T) Place) {
	for name, test := range map[string]func(*testing.T, Place){
		"ApplyMakesTheRoleExactlySo":       applyMakes,
		"ApplyTakesAwayWhatIsNotWanted":    applyTakesAway,
		"ApplyTwiceIsOnce":                 applyTwice,
		"AMissingCustomerPolicyIsNotFound": missingPolicy,
		"RemoveIsIdempotent":               remove,
		"CredentialsAreOfTheSession":       credentials,
		"VisitsAreOfTheVeryRole":           visits,
		"RevocationsAreOfOnePersonAndTime": revocations,
		"RevocationsEndWithWhatTheyMean":   revocationsEnd,
		"RevocationsFitTheQuota":           revocationsFit,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, fresh(t))
		})
	}
}

func (p Place) role() target.Role {
	return target.Role{
		AccountID: p.AccountID, Name: "AWSReservedSSO_T_0123456789abcdef", Path: "/aws-reserved/sso.amazonaws.com/", Description: "d",
		ManagedPolicies: []string{readOnly, billing}, InlinePolicy: inline, BoundaryARN: readOnly,
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (p Place) look(t *testing.T) Seen {
	t.Helper()
	s, ok := p.Seen(t, p.role().Name)
	if !ok {
		t.Fatal("the role is not there")
	}
	return s
}

func applyMakes(t *testing.T, p Place) {
	must(t, p.Target.Apply(t.Context(), actor, p.role()))
	s := p.look(t)
	if s.Path != p.role().Path || s.Description != "d" || s.MaxSession != 12*time.Hour || s.Boundary != readOnly {
		t.Errorf("got %+v", s)
	}
	if strings.Join(s.Attached, " ") != readOnly+" "+billing || len(s.Inline) != 1 || s.Inline["AwsSSOInlinePolicy"] != inline {
		t.Errorf("got policies %v and %v", s.Attached, s.Inline)
	}
	if !strings.Contains(s.Trust, ":saml-provider/AWSSSO_") || !strings.Contains(s.Trust, "https://signin.aws.amazon.com/saml") {
		t.Errorf("got trust %s", s.Trust)
	}
}

func applyTakesAway(t *testing.T, p Place) {
	must(t, p.Target.Apply(t.Context(), actor, p.role()))
	less := p.role()
	less.ManagedPolicies, less.InlinePolicy, less.BoundaryARN, less.Description = []string{billing}, "", "", ""
	must(t, p.Target.Apply(t.Context(), actor, less))
	s := p.look(t)
	if strings.Join(s.Attached, " ") != billing || len(s.Inline) != 0 || s.Boundary != "" || s.Description != "" {
		t.Errorf("got %+v", s)
	}
}

func applyTwice(t *testing.T, p Place) {
	must(t, p.Target.Apply(t.Context(), actor, p.role()))
	c, err := p.Target.Credentials(t.Context(), p.session())
	must(t, err)
	must(t, p.Target.Apply(t.Context(), actor, p.role()))
	again, err := p.Target.Credentials(t.Context(), p.session())
	must(t, err)
	if c.RoleARN != again.RoleARN {
		t.Errorf("the role became another: %s, %s", c.RoleARN, again.RoleARN)
	}
}

func missingPolicy(t *testing.T, p Place) {
	must(t, p.Target.Apply(t.Context(), actor, p.role()))
	before := p.look(t)
	ref := target.PolicyRef{Name: "Guard", Path: "/team/"}
	more := p.role()
	more.CustomerPolicies, more.Description = []target.PolicyRef{ref}, "changed"
	err := p.Target.Apply(t.Context(), actor, more)
	if !fault.Is(err, fault.NotFound) || !strings.Contains(fault.Shown(err), "Guard") {
		t.Errorf("got %v, want NotFound naming the policy", err)
	}
	if after := p.look(t); after.Description != before.Description || len(after.Attached) != len(before.Attached) {
		t.Errorf("a failed Apply changed the role: %+v", after)
	}
	p.AddPolicy(t, ref)
	more.BoundaryARN, more.BoundaryPolicy = "", &ref
	must(t, p.Target.Apply(t.Context(), actor, more))
	want := "arn:aws:iam::" + p.AccountID + ":policy/team/Guard"
	if s := p.look(t); s.Boundary != want || s.Attached[len(s.Attached)-1] != want {
		t.Errorf("got %+v", s)
	}
}

func remove(t *testing.T, p Place) {
	must(t, p.Target.Remove(t.Context(), actor, p.AccountID, p.role().Name))
	must(t, p.Target.Apply(t.Context(), actor, p.role()))
	must(t, p.Target.Remove(t.Context(), actor, p.AccountID, p.role().Name))
	must(t, p.Target.Remove(t.Context(), actor, p.AccountID, p.role().Name))
	if _, ok := p.Seen(t, p.role().Name); ok {
		t.Error("the role is still there")
	}
	if _, err := p.Target.Credentials(t.Context(), p.session()); !fault.Is(err, fault.NotFound) {
		t.Errorf("credentials of a role that is gone: %v", err)
	}
}

func (p Place) session() target.Session {
	return target.Session{AccountID: p.AccountID, RoleName: p.role().Name, SessionName: "mary@example.com", UserID: "0123456789-00000000-0000-4000-8000-000000000000", Duration: time.Hour}
}

func credentials(t *testing.T, p Place) {
	must(t, p.Target.Apply(t.Context(), actor, p.role()))
	c, err := p.Target.Credentials(context.Background(), p.session())
	must(t, err)
	if c.RoleARN != "arn:aws:sts::"+p.AccountID+":assumed-role/"+p.role().Name+"/mary@example.com" {
		t.Errorf("got %s", c.RoleARN)
	}
	if !strings.HasPrefix(c.AccessKeyID, "ASIA") || c.SecretAccessKey == "" || c.SessionToken == "" || c.Expires.IsZero() {
		t.Error("a part of the credentials is missing")
	}
}

func visits(t *testing.T, p Place) {
	const trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"account-access.amazonaws.com"},"Action":["sts:AssumeRole","sts:SetContext","sts:TagSession"],` +
		`"Condition":{"StringEquals":{"aws:SourceAccount":"999900001111","aws:SourceArn":"arn:aws:account-access:us-east-1:999900001111:application/aam-1"}}}]}`
	at, id := p.AddRole(t, "Deployer", trust, 3*time.Hour)
	v := target.Visit{
		RoleARN: at, RoleID: id, ManagerARN: "arn:aws:account-access:us-east-1:999900001111:application/aam-1", ManagerAccount: "999900001111",
		SessionName: "mary@example.com", UserID: p.session().UserID, Tags: map[string]string{"team": "red"},
	}
	c, err := p.Target.Visit(t.Context(), v)
	must(t, err)
	if left := time.Until(c.Expires); c.RoleARN != "arn:aws:sts::"+p.AccountID+":assumed-role/Deployer/mary@example.com" || left > 3*time.Hour || left < 2*time.Hour {
		t.Errorf("got %s until %s", c.RoleARN, c.Expires)
	}
	if !strings.HasPrefix(c.AccessKeyID, "ASIA") || c.SecretAccessKey == "" || c.SessionToken == "" {
		t.Error("a part of the credentials is missing")
	}
	other := v
	other.ManagerAccount = p.AccountID
	if _, err := p.Target.Visit(t.Context(), other); !fault.Is(err, fault.Denied) || fault.Of(err).Reason != "trust" {
		t.Errorf("from another account: %v", err)
	}
	must(t, p.Target.Apply(t.Context(), actor, p.role()))
	other = v
	other.RoleARN = "arn:aws:iam::" + p.AccountID + ":role" + p.role().Path + p.role().Name
	if _, err := p.Target.Visit(t.Context(), other); !fault.Is(err, fault.Invalid) {
		t.Errorf("a reserved role: %v", err)
	}
	_, next := p.AddRole(t, "Deployer", trust, time.Hour)
	if _, err := p.Target.Visit(t.Context(), v); !fault.Is(err, fault.NotFound) {
		t.Errorf("another role of that name: %v", err)
	}
	v.RoleID = next
	_, err = p.Target.Visit(t.Context(), v)
	must(t, err)
}
