package apply

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"gatehouse/internal/plan"
	"gatehouse/internal/plan/estate"
)

// TestProvisioned: one request for all accounts, or one for each where that is less or the only way.
func TestProvisioned(t *testing.T) {
	t.Parallel()
	e := &estate.Estate{Sets: make([]estate.Set, 2)}
	for i := range 4000 {
		e.Accounts = append(e.Accounts, estate.Account{ID: fmt.Sprint(i)})
		e.Assignments = append(e.Assignments, estate.Assignment{Account: int32(i), Set: 0})
		if i < 3500 {
			e.Assignments = append(e.Assignments, estate.Assignment{Account: int32(i), Set: 1})
		}
	}
	r := &run{plan: &plan.Plan{Before: e, After: e}}
	if ids := r.provisioned(plan.Provision{Set: 0}); len(ids) != 4000 || ids[3999] != "3999" {
		t.Errorf("%d requests for a set in 4,000 accounts", len(ids))
	}
	for _, c := range []struct {
		p    plan.Provision
		want []string
	}{{plan.Provision{Set: 1}, []string{""}}, {plan.Provision{Set: 1, Accounts: []string{"1", "2"}}, []string{"1", "2"}}, {plan.Provision{Set: 1, Accounts: []string{"1", "2", "3", "4"}}, []string{""}},
		{plan.Provision{Set: 0, Accounts: []string{"1", "2", "3", "4"}}, []string{"1", "2", "3", "4"}}} {
		if got := r.provisioned(c.p); !slices.Equal(got, c.want) {
			t.Errorf("%+v: %v", c.p, got)
		}
	}
}

// TestAStandstillTeachesNothing: when the service stood still and goes on, what was learned of how long requests take is soon what it was; and a request that hangs while
// others pass does not count.
func TestAStandstillTeachesNothing(t *testing.T) {
	t.Parallel()
	f := &flow{takes: time.Second}
	for range 20 {
		f.learn(time.Second-time.Millisecond, time.Second)
	}
	for age := 2 * time.Second; age < 5*time.Minute; age = age * 3 / 2 { // nothing ends
		f.learn(age, -1)
	}
	for range 12 { // all have, and from now on they take a second
		if f.takes >= time.Second {
			f.learn(0, f.takes)
		} else {
			f.learn(f.takes, -1)
		}
	}
	if f.takes > 2*time.Second {
		t.Errorf("a request is thought to take %s", f.takes)
	}
	for range 50 {
		f.learn(time.Hour, time.Second)
	}
	if f.low > 3*f.high || f.high-(f.low-f.high)/4 < 0 {
		t.Errorf("from %s to %s", f.high, f.low)
	}
}

// TestSpread: requests of one account are as far from each other as can be.
func TestSpread(t *testing.T) {
	t.Parallel()
	var jobs []*job
	for a := range 3 {
		for s := range 3 - a {
			jobs = append(jobs, &job{account: fmt.Sprint(a), set: int32(s)})
		}
	}
	got := ""
	for _, j := range spread(jobs) {
		got += fmt.Sprint(j.account, j.set, " ")
	}
	if want := "00 10 20 01 11 02 "; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
