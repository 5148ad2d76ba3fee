package apply

import (
	"fmt"
	"slices"
	"testing"

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
