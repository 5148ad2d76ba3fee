package cloudformation

import (
	"testing"

	"gatehouse/internal/awswire"
	"gatehouse/internal/fault"
)

func TestErrorsHaveCloudFormationsCodes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want string
	}{
		{fault.New(fault.NotFound, "Stack with id x does not exist").About("STACK", "x"), "ValidationError"},
		{fault.New(fault.NotFound, "x").For("change-set"), "ChangeSetNotFound"},
		{fault.New(fault.Conflict, "x").For("exists"), "AlreadyExistsException"},
		{fault.New(fault.Conflict, "x").For("change-set-status"), "InvalidChangeSetStatus"},
		{fault.New(fault.Conflict, "x").For("version"), "ValidationError"},
		{fault.New(fault.Quota, "x"), "LimitExceededException"},
		{fault.New(fault.Invalid, "x").For("capabilities"), "InsufficientCapabilitiesException"},
		{fault.New(fault.Denied, "x"), "protocol's"},
		{fault.New(fault.Invalid, "x"), "protocol's"},
		{fault.New(fault.Internal, "x"), "protocol's"},
	} {
		if got := wireError("DescribeStacks", c.err, awswire.WireError{Code: "protocol's"}); got.Code != c.want {
			t.Errorf("%v: got %s, want %s", c.err, got.Code, c.want)
		}
	}
}

// TestInputsThatCannotBeHonouredAreRefused: none is silently ignored.
func TestInputsThatCannotBeHonouredAreRefused(t *testing.T) {
	t.Parallel()
	d := &Door{}
	body := new("Resources: {}")
	for field, g := range map[string]given{
		"TemplateURL":           {url: new("https://x")},
		"RoleARN":               {body: body, role: new("arn:x")},
		"StackPolicyBody":       {body: body, policies: []*string{nil, new("{}")}},
		"RollbackConfiguration": {body: body, monitored: &RollbackConfiguration{RollbackTriggers: []RollbackTrigger{{}}}},
		"TemplateBody":          {body: body, previous: new(true)},
		"Tags":                  {body: body, tags: []Tag{{Key: new("a"), Value: new("b")}, {Key: new("a"), Value: new("c")}}},
	} {
		if _, err := d.input(g); !fault.Is(err, fault.Invalid) || fault.Of(err).Field != field {
			t.Errorf("%s: got %v", field, err)
		}
	}
	if _, err := d.input(given{}); !fault.Is(err, fault.Invalid) {
		t.Errorf("no template: %v", err)
	}
	if in, err := d.input(given{body: body}); err != nil || !in.KeepTags {
		t.Errorf("a plain template: %+v, %v", in, err)
	}
}
