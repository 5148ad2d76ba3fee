package apply_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/localiam"
	"gatehouse/internal/plan"
	"gatehouse/internal/plan/apply"
	"gatehouse/internal/plan/estate"
	"gatehouse/internal/plan/live"
	"gatehouse/internal/plan/livetest"
)

const first = `
permission_sets:
  Plain: {}
  Full:
    description: All parts
    session: 4h
    relay_state: https://example.com/
    aws_policies: [ReadOnlyAccess, ViewOnlyAccess]
    customer_policies: [{name: Own, path: /team/}]
    inline_policy: {Version: 2012-10-17, Statement: {Effect: Allow, Action: "iam:GetUser", Resource: "*"}}
    boundary: {aws: PowerUserAccess}
    tags: {team: a, old: b}
groups:
  New Team: {description: First, members: [ann, bob]}
attributes: {Dept: "${path:enterprise.department}"}
applications:
  Wiki: {description: Pages, url: "https://wiki.example.com", groups: [New Team], users: [ann]}
assignments:
  - {groups: New Team, permission_sets: [Full, Plain], accounts: all}
  - {users: [bob], permission_sets: Plain, accounts: [account-000]}
`

const second = `
manage: {permission_sets: exclusive, groups: exclusive, applications: exclusive}
permission_sets:
  Full:
    description: Fewer parts
    aws_policies: [ViewOnlyAccess, SecurityAudit]
    boundary: {customer: {name: Own, path: /team/}}
    tags: {team: b, new: c}
groups:
  Other Team: {members: [bob]}
  New Team: {description: Second, members: [bob]}
assignments:
  - {groups: Other Team, permission_sets: Full, accounts: [account-001]}
`

func (w *world) people() {
	for _, n := range []string{"ann", "bob"} {
		w.User(n)
	}
	for _, a := range w.accounts {
		livetest.Must(w.IAM.CreatePolicy(context.Background(), livetest.Tester, localiam.ManagedPolicy{AccountID: a, Name: "Own", Path: "/team/"}, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:GetUser","Resource":"*"}}`))(w)
	}
}

// TestApplyBringsAboutWhatFilesWant makes one of everything, changes everything, and takes everything away; each time the next plan is empty.
func TestApplyBringsAboutWhatFilesWant(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, 3, 0, 0)
		w.people()
		c := w.Open(nil, live.Limits{})
		w.bring(c, first)
		e := w.read(c)
		if len(e.Assignments) != 7 || len(e.Applications) != 1 || len(e.Applications[0].Principals) != 2 || len(e.Attributes) != 1 {
			t.Errorf("%d assignments, applications %+v, attributes %v", len(e.Assignments), e.Applications, e.Attributes)
		}
		r := w.bring(c, second)
		if r.Calls["sso:ProvisionPermissionSet"] != 1 || r.Calls["sso:PutInlinePolicyToPermissionSet"] != 0 || r.Calls["sso:AttachManagedPolicyToPermissionSet"] != 1 || r.Calls["sso:DetachManagedPolicyFromPermissionSet"] != 1 {
			t.Errorf("more than what differs was touched: %v", r.Calls)
		}
		if e = w.read(c); len(e.Assignments) != 1 || len(e.Sets) != 1 || len(e.Groups) != 2 || len(e.Applications) != 0 || len(e.Sets[0].Behind) != 0 {
			t.Errorf("%+v", e)
		}
		// The roles are what the set is.
		roles := livetest.Must(w.IAM.Roles(t.Context(), w.accounts[1], localiam.Page{Limit: 100}))(w)
		if !slices.ContainsFunc(roles, func(r localiam.Role) bool {
			return strings.HasPrefix(r.Name, "AWSReservedSSO_Full_") && r.Description == "Fewer parts"
		}) {
			t.Error("the role was not brought up to date")
		}
	})
}

// A customer managed policy without a path of its own is the same policy however its path is written: it stays where it is when another part of its set changes.
func TestApplyLeavesPoliciesWhereTheyAre(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, 1, 0, 0)
		c := w.Open(nil, live.Limits{})
		set := "permission_sets: {Team: {session: %s, customer_policies: [Base], boundary: {customer: Edge}}}\n"
		w.bring(c, strings.ReplaceAll(set, "%s", "1h"))
		r := w.bring(c, strings.ReplaceAll(set, "%s", "2h"))
		for _, op := range []string{"DetachCustomerManagedPolicyReferenceFromPermissionSet", "AttachCustomerManagedPolicyReferenceToPermissionSet", "PutPermissionsBoundaryToPermissionSet"} {
			if r.Calls["sso:"+op] != 0 {
				t.Errorf("%s was called", op)
			}
		}
		if r.Calls["sso:UpdatePermissionSet"] != 1 {
			t.Errorf("%v", r.Calls)
		}
	})
}

// TestApplyGoesOnPastFailures: what depends on something that failed is left with the reason, what replaces something that could not be made is not taken away, and
// the rest is done.
func TestApplyGoesOnPastFailures(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, 3, 1, 2)
		c := w.Open(nil, live.Limits{})
		w.Assign(w.accounts[0], w.sets[0], "GROUP", w.groups[0])
		w.Assign(w.accounts[0], w.sets[0], "GROUP", w.groups[1])
		w.Settle()
		yaml := `
manage: {assignments: exclusive}
permission_sets:
  Set-00: {}
  Good: {}
  Bad: {aws_policies: [NoSuchPolicyAtAll]}
  NoRole: {customer_policies: [NotThere]}
assignments:
  - {groups: Group 00, permission_sets: [Bad, Good], accounts: [account-000]}
  - {groups: Group 01, permission_sets: [NoRole], accounts: [account-001]}
`
		p := w.planFor(c, yaml)
		r := livetest.Must(apply.Run(t.Context(), p, c, apply.Options{}))(t)
		got := map[string]string{}
		for _, x := range r.Results { // no two changes have the same words
			got[x.What] = string(x.Outcome) + ": " + x.Reason
			if (x.Outcome == apply.Done) != (x.Advice == "") {
				t.Errorf("%s: %s, advice %q", x.What, x.Outcome, x.Advice)
			}
		}
		for what, want := range map[string]string{
			`create permission set "Good"`: "done", `create permission set "Bad"`: "failed: AttachManagedPolicyToPermissionSet: ResourceNotFoundException",
			`assign permission set "Good" in account account-000`: "done", `assign permission set "Bad" in account account-000`: `skipped: permission set "Bad" is not what it is to be`,
			`assign permission set "NoRole" in account account-001`:                                                            "failed: ",
			`end the assignment of permission set "Set-00" in account account-000 (` + w.accounts[0] + `) to group "Group 00"`: "skipped: what takes its place",
			`end the assignment of permission set "Set-00" in account account-000 (` + w.accounts[0] + `) to group "Group 01"`: "done",
		} {
			n := 0
			for k, v := range got {
				if strings.HasPrefix(k, what) {
					n++
					if !strings.HasPrefix(v, want) {
						t.Errorf("%s: %s, want %s", k, v, want)
					}
				}
			}
			if n != 1 {
				t.Errorf("%d results of %s: %v", n, what, got)
			}
		}
		if r.OK() || r.Count(apply.Skipped) != 2 || r.Count(apply.Failed) != 2 {
			t.Errorf("%+v", got)
		}
	})
}

// TestApplyOneRoleAtATime: many principals on one role are assigned one after the other, and a role on which somebody else is at work is tried again.
func TestApplyOneRoleAtATime(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, 2, 1, 20)
		p := aws(w, 2*time.Second, 0.5)
		p.Conflicting = 0.2
		e := w.read(w.Open(nil, live.Limits{}))
		r := livetest.Must(apply.Run(t.Context(), planOf(e, every(e, 40)), w.Open(p, live.AWS), apply.Options{}))(t)
		if s := p.Stats(); !r.OK() || s.SameRole > 0 || s.Random == 0 {
			t.Errorf("%d of %d done, %+v", r.Count(apply.Done), len(r.Results), s)
		}
		w.exactly(every(e, 40), e, p.Stats())
	})
}

// TestApplyGivesUp: a request that never ends fails with its reason after the patience, and does not hold up the others.
func TestApplyGivesUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, 3, 1, 1)
		p := aws(w, 24*time.Hour, 0)
		e := w.read(w.Open(nil, live.Limits{}))
		r := livetest.Must(apply.Run(t.Context(), planOf(e, every(e, 3)), w.Open(p, live.AWS), apply.Options{Patience: time.Minute}))(t)
		if r.Count(apply.Failed) != 3 || !strings.Contains(r.Results[0].Reason, "still under way after 1m0s") {
			t.Errorf("%+v", r.Results)
		}
		// The next run waits for them, and says so when it has waited enough.
		if _, err := apply.Run(t.Context(), planOf(e, every(e, 3)), w.Open(p, live.AWS), apply.Options{Patience: time.Minute}); err == nil || !strings.Contains(err.Error(), "3 requests from before are still under way") {
			t.Errorf("a second run: %v", err)
		}
	})
}

// TestApplyIsEnded: when its context ends, nothing more is begun, what is under way is waited for a little, and the report tells all three apart.
func TestApplyIsEnded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, 30, 2, 1)
		p := aws(w, 3*time.Second, 0)
		e := w.read(w.Open(nil, live.Limits{}))
		ctx, stop := context.WithTimeout(t.Context(), 5*time.Second)
		defer stop()
		began := time.Now()
		r := livetest.Must(apply.Run(ctx, planOf(e, every(e, 60)), w.Open(p, live.AWS), apply.Options{}))(t)
		s := p.Stats()
		if took := time.Since(began); took > 10*time.Second || r.Count(apply.Done) < 10 || r.Count(apply.Done)+r.Count(apply.Unfinished) != 60 || len(s.Assigned) < r.Count(apply.Done) || len(s.Assigned) > r.Count(apply.Done)+1 {
			t.Errorf("after %s %d done, %d unfinished, %d were accepted", took, r.Count(apply.Done), r.Count(apply.Unfinished), len(s.Assigned))
		}
	})
}

// TestApplySurvivesKills: killed at any call, with or without the answer lost, a run that begins anew brings about what is wanted, and nothing is there twice.
func TestApplySurvivesKills(t *testing.T) {
	for seed := range uint64(6) {
		t.Run("", func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newWorld(t, 4, 0, 0)
				w.people()
				random := rand.New(rand.NewPCG(seed, 3))
				for _, yaml := range []string{first, second} {
					for kills := 0; ; kills++ {
						p := aws(w, time.Second, 0.3)
						p.Random = rand.New(rand.NewPCG(seed, uint64(kills)))
						ctx, kill := context.WithCancel(t.Context())
						at := 20 + random.IntN(120)
						if kills == 4 {
							at = 1e9
						}
						p.Kill = func(n int) bool {
							if n >= at {
								kill()
							}
							return n >= at
						}
						c := w.Open(p, live.AWS)
						if apply.Settle(ctx, c, apply.Options{}) != nil {
							continue
						}
						e, err := c.Read(ctx, live.Want{All: true}, nil)
						if err != nil {
							continue // killed while reading
						}
						r, err := apply.Run(ctx, planIn(w, yaml, e), c, apply.Options{Grace: time.Nanosecond})
						kill()
						if err == nil && r.OK() {
							break
						}
						if kills >= 4 {
							t.Fatalf("not killed, and yet: %v %+v", err, r)
						}
					}
					w.Settle()
					c := w.Open(nil, live.Limits{})
					if p := w.planFor(c, yaml); !p.Empty() {
						t.Fatalf("left: %+v", p.Lines())
					}
					e := w.read(c)
					if apps := slices.Compact(slices.Collect(func(yield func(string) bool) {
						for _, a := range e.Applications {
							if !yield(a.Name) {
								return
							}
						}
					})); len(apps) != len(e.Applications) {
						t.Errorf("an application is there twice: %v", e.Applications)
					}
				}
			})
		})
	}
}

// TestOnly applies a part.
func TestOnly(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, 3, 0, 0)
		w.people()
		c := w.Open(nil, live.Limits{})
		r := livetest.Must(apply.Run(t.Context(), w.planFor(c, first), c, apply.Options{Only: []apply.Kind{apply.Groups, apply.Assignments}}))(t)
		for _, x := range r.Results {
			switch {
			case x.Kind == apply.Groups && x.Outcome == apply.Done:
			case x.Kind == apply.Assignments && x.Outcome == apply.Skipped && strings.Contains(x.Reason, "is not there"):
			default:
				t.Errorf("%+v", x)
			}
		}
		if _, err := apply.Run(t.Context(), &plan.Plan{Before: &estate.Estate{}, After: &estate.Estate{}}, c, apply.Options{Only: []apply.Kind{"everything"}}); err == nil {
			t.Error("a kind that is not there was taken")
		}
	})
}

// TestOnlyTakesNothingAway: a group that takes the place of another, and was not made because that was not asked for, leaves everything with the other. Nor is a group deleted that
// is assigned.
func TestOnlyTakesNothingAway(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, 2, 2, 2)
		ann, bob := w.User("ann"), w.User("bob")
		old := w.Group("Old", ann)
		w.Assign(w.accounts[0], w.sets[0], "GROUP", old)
		w.Assign(w.accounts[0], w.sets[1], "GROUP", w.groups[0]) // nobody is in it
		w.Assign(w.accounts[1], w.sets[0], "USER", bob)
		w.Settle()
		c := w.Open(nil, live.Limits{})
		const yaml = `
manage: {groups: exclusive}
permission_sets: {Set-00: {}, Set-01: {}}
groups:
  New: {members: [ann]}
  Group 01: {members: [bob]}
assignments:
  - {groups: New, permission_sets: Set-00, accounts: account-000}
  - {groups: Group 01, permission_sets: Set-01, accounts: account-001}
`
		before := w.read(c)
		for n, k := range append([]apply.Kind{apply.Assignments}, apply.Kinds...) {
			e := w.read(c)
			r := livetest.Must(apply.Run(t.Context(), planIn(w, yaml, e), c, apply.Options{Only: []apply.Kind{k}}))(t)
			for _, x := range r.Results {
				if takes := strings.Contains(x.What, "end the assignment") || strings.HasPrefix(x.What, "delete"); takes && strings.Contains(x.What, `"Old"`) && (x.Outcome != apply.Skipped || !strings.Contains(x.Reason, "takes its place") && !strings.Contains(x.Reason, "still assigned")) {
					t.Errorf("--only %s: %s: %s %s", k, x.What, x.Outcome, x.Reason)
				}
				if strings.Contains(x.What, "end the assignment") && strings.Contains(x.What, `group "Group 00"`) && x.Outcome != apply.Done {
					t.Errorf("--only %s: %s: %s %s", k, x.What, x.Outcome, x.Reason)
				}
			}
			if n == 0 && len(w.Assignments(w.accounts[1], w.sets[0])) != 1 {
				t.Error("bob lost his own assignment before he was in the group that has one")
			}
			if k == apply.Groups || k == apply.Members { // what they made is taken back, so that each kind begins with the same
				for _, g := range w.read(c).Groups {
					if !slices.ContainsFunc(before.Groups, func(b estate.Group) bool { return b.ID == g.ID }) {
						w.OK(c.DeleteGroup(t.Context(), g.ID))
					}
				}
			}
		}
		if got := w.Assignments(w.accounts[0], w.sets[0]); len(got) != 1 {
			t.Errorf("ann lost what nothing took the place of: %v", got)
		}
		// Everything together moves them.
		if r := livetest.Must(apply.Run(t.Context(), w.planFor(c, yaml), c, apply.Options{}))(t); !r.OK() {
			t.Errorf("%+v", r.Results)
		}
		if p := w.planFor(c, yaml); !p.Empty() {
			t.Errorf("%+v", p.Lines())
		}
	})
}

// TestUnrelatedRemovalsGoOn: what somebody did not get in one account keeps nobody's access in another, and nobody in a group that has nothing there.
func TestUnrelatedRemovalsGoOn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, 2, 1, 0)
		ann, bob := w.User("ann"), w.User("bob")
		here, there, both := w.Group("Here", ann, bob), w.Group("There", ann, bob), w.Group("Both", bob)
		for _, g := range []string{here, both} {
			w.Assign(w.accounts[0], w.sets[0], "GROUP", g)
		}
		w.Assign(w.accounts[1], w.sets[0], "GROUP", there)
		w.Assign(w.accounts[1], w.sets[0], "USER", ann)
		w.Assign(w.accounts[0], w.sets[0], "USER", ann)
		w.Settle()
		c := w.Open(nil, live.Limits{})
		const yaml = `
permission_sets:
  Set-00: {}
  Bad: {aws_policies: [NoSuchPolicyAtAll]}
groups: {Here: {members: [bob]}, There: {members: [bob]}}
assignments:
  - {groups: Here, permission_sets: Set-00, accounts: account-000}
  - {groups: There, permission_sets: Set-00, accounts: account-001}
  - {users: ann, permission_sets: Bad, accounts: account-000}
`
		r := livetest.Must(apply.Run(t.Context(), w.planFor(c, yaml), c, apply.Options{}))(t)
		got := map[string]apply.Outcome{}
		for _, x := range r.Results {
			what, _, _ := strings.Cut(x.What, " (")
			if _, whom, ok := strings.Cut(x.What, ") to "); ok {
				what += " to " + whom
			}
			got[what] = x.Outcome
		}
		for what, want := range map[string]apply.Outcome{
			`take "ann" out of group "Here"`:  apply.Skipped,
			`take "ann" out of group "There"`: apply.Done,
			`end the assignment of permission set "Set-00" in account account-000 to user "ann"`:   apply.Skipped,
			`end the assignment of permission set "Set-00" in account account-001 to user "ann"`:   apply.Done,
			`end the assignment of permission set "Set-00" in account account-000 to group "Both"`: apply.Done,
		} {
			if got[what] != want {
				t.Errorf("%s: %s, want %s", what, got[what], want)
			}
		}
	})
}

// TestApplyIsEndedWithinAChange: a set that was provisioned in some of the accounts is not done.
func TestApplyIsEndedWithinAChange(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, 3, 1, 1)
		free := w.Open(nil, live.Limits{})
		e := w.read(free)
		livetest.Must(apply.Run(t.Context(), planOf(e, every(e, 3)), free, apply.Options{}))(t)
		e = w.read(free)
		p := aws(w, 4*time.Second, 0)
		p.Throttled = 0
		limits := live.AWS
		limits.Provisioning = 1
		ctx, stop := context.WithTimeout(t.Context(), 6*time.Second)
		defer stop()
		r := livetest.Must(apply.Run(ctx, &plan.Plan{Before: e, After: e, Provision: []plan.Provision{{Set: 0, Accounts: w.accounts}}}, w.Open(p, limits), apply.Options{}))(t)
		if n := p.Stats().Calls["ProvisionPermissionSet"]; n != 2 || r.Results[0].Outcome != apply.Unfinished {
			t.Errorf("after %d requests: %+v", n, r.Results)
		}
	})
}

// TestApplyOutlivesTheService: one that is away for a minute is waited for; one that is away for good ends the run soon, however much is left, and to apply again does the rest.
func TestApplyOutlivesTheService(t *testing.T) {
	for name, away := range map[string]time.Duration{"for a minute": time.Minute, "for good": 1e6 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newWorld(t, 40, 5, 3)
				p := aws(w, 2*time.Second, 0.2)
				p.Throttled = 0
				began := time.Now()
				p.Kill = func(int) bool {
					after := time.Since(began)
					return after > 10*time.Second && after < 10*time.Second+away
				}
				e := w.read(w.Open(nil, live.Limits{}))
				pl := planOf(e, every(e, 600))
				pl.Groups = []plan.GroupChange{{Action: plan.Update, Group: 0, Before: &e.Groups[0], After: &e.Groups[0]}}
				r := livetest.Must(apply.Run(t.Context(), pl, w.Open(p, live.AWS), apply.Options{}))(t)
				took := time.Since(began)
				if away == time.Minute {
					if !r.OK() {
						t.Errorf("%d of %d done", r.Count(apply.Done), len(r.Results))
					}
					w.exactly(every(e, 600), e, livetest.Stats{})
					return
				}
				if took > 5*time.Minute || r.Count(apply.Unfinished) < 400 || r.Count(apply.Failed) != 0 {
					t.Errorf("after %s: %d done, %d failed, %d unfinished", took, r.Count(apply.Done), r.Count(apply.Failed), r.Count(apply.Unfinished))
				}
				for _, x := range r.Results {
					if x.Outcome == apply.Unfinished && !strings.Contains(x.Reason, "does not answer any more") && !strings.Contains(x.Reason, "could not be read") {
						t.Errorf("%s: %s", x.What, x.Reason)
						break
					}
				}
				w.Settle()
				e = w.read(w.Open(nil, live.Limits{}))
				if r := livetest.Must(apply.Run(t.Context(), planOf(e, every(e, 600)), w.Open(nil, live.Limits{}), apply.Options{}))(t); !r.OK() {
					t.Errorf("%d of %d done", r.Count(apply.Done), len(r.Results))
				}
			})
		})
	}
}

// TestAdvice: reasons as they come, of AWS and of Gatehouse, lead to something that can be done.
func TestAdvice(t *testing.T) {
	t.Parallel()
	for reason, want := range map[string]string{
		"AttachManagedPolicyToPermissionSet: ResourceNotFoundException: no policy arn:aws:iam::aws:policy/X":                     "correct the file",
		"CreateGroup: AccessDeniedException: User is not authorized":                                                             "permission for this operation",
		"Received a 404 status error: Permission set provision not found in AWS account 123456789012.":                           "customer managed policies",
		"Received a 404 status error: Policy arn:aws:iam::1:policy/Own does not exist or is not attachable.":                     "of that name and path",
		"Received a 403 status error: Access denied by IAM. Please check your policy, or wait for role propagation to complete.": "service control policies",
		"An unexpected internal service exception was encountered":                                                               "the service failed",
		"request 1 is still under way after 10m0s":                                                                               "describe-account-assignment",
		"something new": "the reason names",
	} {
		if got := apply.Advice(apply.Result{Outcome: apply.Failed, Reason: reason}); !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", reason, got, want)
		}
	}
}

// TestApplyProvisions: sets that changed are provisioned, no more at a time than the service allows; where only a few accounts are behind, only those are.
func TestApplyProvisions(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, 5, 7, 1)
		free := w.Open(nil, live.Limits{})
		e := w.read(free)
		livetest.Must(apply.Run(t.Context(), planOf(e, every(e, 35)), free, apply.Options{}))(t)
		p := aws(w, 2*time.Second, 0.3)
		p.Throttled = 0
		yaml := "permission_sets:\n"
		for i := range 6 {
			yaml += "  Set-0" + string(rune('0'+i)) + ": {description: new}\n"
		}
		c := w.Open(p, live.AWS)
		plan := planIn(w, yaml+"manage: {assignments: additive}\n", w.read(free))
		r := livetest.Must(apply.Run(t.Context(), plan, c, apply.Options{}))(t)
		if s := p.Stats(); !r.OK() || s.Calls["ProvisionPermissionSet"] != 6 || s.TooMany > 0 {
			t.Errorf("%+v %+v", r.Results, s)
		}
		if e = w.read(free); slices.ContainsFunc(e.Sets, func(s estate.Set) bool { return s.Behind != nil }) {
			t.Errorf("%+v", e.Sets)
		}
	})
}

// TestApplyWaitsForWhatIsNew: a group that was just made may not be known to every part of the service; one that was there and is not found is gone.
func TestApplyWaitsForWhatIsNew(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, 3, 1, 1)
		for yaml, ok := range map[string]bool{
			"groups: {New: {}}\nassignments: [{groups: New, permission_sets: Set-00, accounts: all}]":                    true,
			"manage: {assignments: additive}\nassignments: [{groups: Group 00, permission_sets: Set-00, accounts: all}]": false,
		} {
			p := aws(w, time.Second, 0)
			p.Throttled, p.NotYet = 0, 3
			c := w.Open(p, live.AWS)
			if r := livetest.Must(apply.Run(t.Context(), planIn(w, yaml, w.read(w.Open(nil, live.Limits{}))), c, apply.Options{}))(t); r.OK() != ok || p.Stats().Random != 3 {
				t.Errorf("%s: %+v", yaml, r.Results)
			}
		}
	})
}

// TestApplyPassesAStuckRequest: one that takes hundreds of times longer than the others holds up none of them, and is not asked for all the time.
func TestApplyPassesAStuckRequest(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, 30, 5, 1)
		p := aws(w, time.Second, 0.2)
		p.Stuck = 5 * time.Minute
		e := w.read(w.Open(nil, live.Limits{}))
		began, rest := time.Now(), time.Duration(0)
		r := livetest.Must(apply.Run(t.Context(), planOf(e, every(e, 150)), w.Open(p, live.AWS), apply.Options{Progress: func(_ string, done, _ int) {
			if done == 149 && rest == 0 {
				rest = time.Since(began)
			}
		}}))(t)
		took, s := time.Since(began), p.Stats()
		if !r.OK() || rest > 20*time.Second || took > 5*time.Minute+10*time.Second || s.Total() > 150+600 {
			t.Errorf("%d done; all but one after %s, the last after %s, %d calls", r.Count(apply.Done), rest, took, s.Total())
		}
		t.Logf("all but one after %s, the last after %s, %d calls", rest, took, s.Total())
	})
}
