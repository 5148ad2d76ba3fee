package live_test

import (
	"strings"
	"testing"

	"gatehouse/internal/localiam"
	"gatehouse/internal/plan/live"
	"gatehouse/internal/plan/livetest"
)

// TestOpen: the limits are AWS's unless an endpoint is given, in whichever way; without a region nothing is opened.
func TestOpen(t *testing.T) {
	for _, name := range []string{"AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_CONFIG_FILE", "/dev/null")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
	limits := func(o live.Options) live.Limits {
		t.Helper()
		c, err := live.Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		return c.Limits()
	}
	if l := limits(live.Options{Region: "eu-west-1"}); l != live.AWS {
		t.Errorf("of AWS: %+v", l)
	}
	if l := limits(live.Options{Region: "eu-west-1", Endpoint: "http://127.0.0.1:1"}); l != (live.Limits{}) {
		t.Errorf("of an endpoint: %+v", l)
	}
	if l := limits(live.Options{Region: "eu-west-1", Endpoint: "http://127.0.0.1:1", Limits: &live.AWS}); l != live.AWS {
		t.Errorf("given: %+v", l)
	}
	if _, err := live.Open(t.Context(), live.Options{}); err == nil || !strings.Contains(err.Error(), "--region") {
		t.Errorf("no region: %v", err)
	}
	t.Setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
	t.Setenv("AWS_REGION", "eu-west-1")
	if l := limits(live.Options{}); l != (live.Limits{}) {
		t.Errorf("of the environment's endpoint: %+v", l)
	}
}

// TestAssumedRole: the role that is named is assumed first, with its external id.
func TestAssumedRole(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := livetest.Start(t)
		ctx, owner := t.Context(), w.Instance.OwnerAccountID
		r := livetest.Must(w.IAM.CreateRole(ctx, livetest.Tester, localiam.Role{Identity: localiam.Identity{AccountID: owner, Name: "Planner", Path: "/"},
			TrustPolicy: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + owner + `:root"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"of-the-plan"}}}}`}))(t)
		w.OK(w.IAM.Attach(ctx, livetest.Tester, localiam.RoleRef(owner, "Planner"), "arn:aws:iam::aws:policy/AdministratorAccess"))
		o := w.Options(nil, live.Limits{})
		o.Role, o.Session = r.ARN(), "nightly"
		if _, err := livetest.Must(live.Open(ctx, o))(t).Find(ctx); err == nil || !strings.Contains(err.Error(), "AssumeRole") {
			t.Errorf("without its external id: %v", err)
		}
		o.ExternalID = "of-the-plan"
		e := livetest.Must(livetest.Must(live.Open(ctx, o))(t).Read(ctx, live.Want{}, nil))(t)
		if want := "arn:aws:sts::" + owner + ":assumed-role/Planner/nightly"; e.Caller != want {
			t.Errorf("%s, want %s", e.Caller, want)
		}
	})
}
