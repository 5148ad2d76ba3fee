package fault

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestNothingOfAnInternalErrorIsShown(t *testing.T) {
	t.Parallel()
	secret := errors.New("password=hunter2")
	for _, err := range []error{secret, fmt.Errorf("wrapped: %w", secret), New(Internal, "token %s", "hunter2"), New(Internal, "x").Because(secret)} {
		if s := Shown(err); strings.Contains(s, "hunter2") {
			t.Errorf("%v shows %q", err, s)
		}
		if !Is(err, Internal) {
			t.Errorf("%v is not Internal", err)
		}
	}
}

func TestTheCauseIsForLogsOnly(t *testing.T) {
	t.Parallel()
	cause := errors.New("constraint users_name")
	err := fmt.Errorf("creating: %w", New(Conflict, "the name is taken").For("uniqueness").At("userName").About("USER", "u").Because(cause))
	f := Of(err)
	if f.Kind != Conflict || f.Reason != "uniqueness" || f.Field != "userName" || f.Resource != "USER" || f.ID != "u" || Shown(err) != "the name is taken" {
		t.Errorf("got %+v", f)
	}
	if !errors.Is(err, cause) || !strings.Contains(err.Error(), "constraint") {
		t.Error("the cause is lost for the log")
	}
	if Of(nil) != nil || Is(nil, Internal) || Shown(nil) != "" {
		t.Error("no error is a fault")
	}
}

func TestWithersDoNotChangeTheOriginal(t *testing.T) {
	t.Parallel()
	f := New(Denied, "no")
	_, _, _, _ = f.Because(errors.New("x")), f.At("a"), f.About("b", "c"), f.For("d")
	if f.cause != nil || f.Field != "" || f.Resource != "" || f.Reason != "" {
		t.Errorf("got %+v", f)
	}
}

func TestEveryKindHasAName(t *testing.T) {
	t.Parallel()
	for k := Internal; k <= Unavailable; k++ {
		if strings.HasPrefix(k.String(), "Kind(") {
			t.Errorf("kind %d has no name", k)
		}
	}
}
