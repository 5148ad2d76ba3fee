package apply_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"gatehouse/internal/access"
	"gatehouse/internal/plan"
	"gatehouse/internal/plan/apply"
	"gatehouse/internal/plan/estate"
	"gatehouse/internal/plan/live"
	"gatehouse/internal/plan/livetest"
)

func bubble(t *testing.T, f func(*testing.T)) {
	t.Parallel()
	synctest.Test(t, f)
}

// world is an organization with accounts, sets and groups, and nothing assigned.
type world struct {
	*livetest.World
	accounts, sets, groups []string
}

func newWorld(t *testing.T, accounts, sets, groups int) *world {
	w := &world{World: livetest.Start(t)}
	for i := range accounts {
		w.accounts = append(w.accounts, w.Account("", fmt.Sprintf("account-%03d", i), nil))
	}
	for i := range sets {
		w.sets = append(w.sets, w.Set(access.PermissionSet{Name: fmt.Sprintf("Set-%02d", i)}))
	}
	for i := range groups {
		w.groups = append(w.groups, w.Group(fmt.Sprintf("Group %02d", i)))
	}
	return w
}

func (w *world) read(c *live.Client) *estate.Estate {
	w.Helper()
	return livetest.Must(c.Read(context.Background(), live.Want{All: true}, nil))(w)
}

// planOf is what is to be done so that exactly these are assigned.
func planOf(e *estate.Estate, want []estate.Assignment) *plan.Plan {
	p := &plan.Plan{Before: e, After: e}
	want = estate.Sort(slices.Clone(want))
	for _, a := range want {
		if _, there := slices.BinarySearchFunc(e.Assignments, a, estate.Assignment.Compare); !there {
			p.Assignments = append(p.Assignments, plan.AssignmentChange{Assignment: a})
		}
	}
	for _, a := range e.Assignments {
		if _, stays := slices.BinarySearchFunc(want, a, estate.Assignment.Compare); !stays {
			p.Assignments = append(p.Assignments, plan.AssignmentChange{Assignment: a, Remove: true})
		}
	}
	slices.SortFunc(p.Assignments, func(a, b plan.AssignmentChange) int { return a.Compare(b.Assignment) })
	return p
}

// every is n assignments of sets to groups in the member accounts.
func every(e *estate.Estate, n int) (out []estate.Assignment) {
	for g := range e.Groups {
		for s := range e.Sets {
			for a := range e.Accounts {
				if !e.Accounts[a].Management && len(out) < n {
					out = append(out, estate.Assignment{Account: int32(a), Set: int32(s), Principal: estate.GroupPrincipal(g)})
				}
			}
		}
	}
	return out
}

func aws(w *world, takes time.Duration, varies float64) *livetest.Proxy {
	return &livetest.Proxy{Next: w.Transport, Rate: 20, Outstanding: 15, Throttled: 0.01, Latency: 40 * time.Millisecond, Takes: takes, Varies: varies, Random: rand.New(rand.NewPCG(1, 7))}
}

// TestApplyTakesTheLeast: against AWS's limits, neither time nor calls are 15 % above the least that these allow, and everything is made once. Where requests
// take as unequally long as twice the one of the other, nobody can know when to look, and a little more is allowed.
func TestApplyTakesTheLeast(t *testing.T) {
	for _, c := range []struct {
		takes  time.Duration
		varies float64
		above  float64
		long   bool
	}{{100 * time.Millisecond, 0, 1.15, true}, {2 * time.Second, 0, 1.15, false}, {3 * time.Second, 0.2, 1.2, false}, {8 * time.Second, 0.1, 1.15, true}} {
		if testing.Short() && c.long {
			continue
		}
		t.Run(fmt.Sprint(c.takes, " ± ", c.varies), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				const n = 600
				w := newWorld(t, 40, 5, 3)
				p := aws(w, c.takes, c.varies)
				client := w.Open(p, live.AWS)
				e := w.read(w.Open(nil, live.Limits{}))
				began := time.Now()
				r := livetest.Must(apply.Run(t.Context(), planOf(e, every(e, n)), client, apply.Options{}))(t)
				took := time.Since(began)
				if !r.OK() {
					t.Fatalf("%d of %d done: %+v", r.Count(apply.Done), n, r.Results[0])
				}
				// One call for each; one for each fifteen that end, to notice it; one for each hundred to know how they ended; four to begin.
				calls := n + n/15 + n/100 + 4
				least := max(time.Duration(calls)*time.Second/20, n*(c.takes+p.Latency)/15) // a place is free again when a call has told so
				s := p.Stats()
				t.Logf("%s of %s (%.0f %%), %d calls of %d (%.0f %%)", took, least, 100*took.Seconds()/least.Seconds(), s.Total(), calls, 100*float64(s.Total())/float64(calls))
				if took.Seconds() > c.above*least.Seconds() {
					t.Errorf("took %s, and %s would do", took, least)
				}
				if float64(s.Total()) > c.above*float64(calls) {
					t.Errorf("%d calls, and %d would do", s.Total(), calls)
				}
				if s.TooFast+s.TooMany+s.SameRole > 0 {
					t.Errorf("limits were broken: %+v", s)
				}
				w.exactly(every(e, n), e, s)
			})
		})
	}
}

// exactly holds that what is assigned is what is wanted, and that each was accepted once.
func (w *world) exactly(want []estate.Assignment, e *estate.Estate, s livetest.Stats) {
	w.Helper()
	now := w.read(w.Open(nil, live.Limits{}))
	if !slices.Equal(now.Assignments, estate.Sort(slices.Clone(want))) {
		w.Errorf("%d assignments, want %d", len(now.Assignments), len(want))
	}
	for what, n := range s.Assigned {
		if n != 1 {
			w.Errorf("%s was assigned %d times", what, n)
		}
	}
}
