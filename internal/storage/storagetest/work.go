package storagetest

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"gatehouse/internal/access"
	"gatehouse/internal/fault"
	"gatehouse/internal/storage/sqlstore"
)

func testClaims(t *testing.T, db *sqlstore.DB) {
	ctx, s := t.Context(), db.Access()
	ok(t, s.InsertSet(ctx, set(1), event("x", "x")))
	if _, has, err := s.NextWork(ctx); has || err != nil {
		t.Errorf("next work of nothing: %v, %v, want none", has, err)
	}
	k, lost := roleKey(1, 1), want{fault.Conflict, "claim-lost", "", "ROLE", ""}
	ok(t, assign(s, t, "a", k, group(1), after(10)))
	next := func() time.Time {
		due, has, err := s.NextWork(ctx)
		if err != nil || !has {
			t.Fatalf("next work: %v, %v, want some", has, err)
		}
		return due
	}
	same(t, "due", next(), after(10))
	same(t, "claimed before it is due", must(s.ClaimWork(ctx, worker, after(9), after(99), 10))(t), []access.RoleWork{})
	w := claim(s, t, worker, after(10), after(70))
	same(t, "claim", w, access.RoleWork{RoleKey: k, Seq: 1, Attempt: 1, ClaimedUntil: after(70)})
	same(t, "claimed while claimed", must(s.ClaimWork(ctx, "worker-2", after(69), after(99), 10))(t), []access.RoleWork{})
	same(t, "claimable", next(), after(70))
	ok(t, s.PlanRole(ctx, worker, k, "suffix"))
	lost.check(t, s.PlanRole(ctx, "worker-2", k, "other"))

	// It lapses: another worker has it, and the first one can do nothing with it any more.
	w2 := claim(s, t, "worker-2", after(70), after(130))
	same(t, "second claim", w2, access.RoleWork{RoleKey: k, Seq: 1, Attempt: 2, PlannedSuffix: "suffix", ClaimedUntil: after(130)})
	lost.check(t, s.FinishWork(ctx, worker, w, access.Outcome{At: after(71)}, event("x", "x")))
	lost.check(t, s.RetryWork(ctx, worker, w, after(71)))
	lost.check(t, s.PlanRole(ctx, worker, k, "mine"))
	same(t, "status after a lost claim", status(s, t, "a").Status, access.InProgress)

	ok(t, s.RetryWork(ctx, "worker-2", w2, after(200)))
	lost.check(t, s.RetryWork(ctx, "worker-2", w2, after(201)))
	lost.check(t, s.PlanRole(ctx, "", k, "nobody's"))
	same(t, "due again", next(), after(200))
	ok(t, assign(s, t, "b", k, group(2), after(150)))
	same(t, "due after another request: the delay stays", next(), after(200))
	// The same worker claims again what it lost: its old claim is not its new one.
	old := claim(s, t, worker, after(200), after(201))
	w3 := claim(s, t, worker, after(202), after(300))
	same(t, "third claim", w3, access.RoleWork{RoleKey: k, Seq: 2, Attempt: 4, PlannedSuffix: "suffix", ClaimedUntil: after(300)})
	lost.check(t, s.FinishWork(ctx, worker, old, access.Outcome{At: after(203)}, event("x", "x")))

	ok(t, assign(s, t, "c", k, group(3), after(205))) // comes while the claim is held
	finish(s, t, w3, access.Outcome{Role: role(k, after(206)), At: after(206)})
	for name, want := range map[string]access.Status{"a": access.Succeeded, "b": access.Succeeded, "c": access.InProgress} {
		same(t, "status of "+name, status(s, t, name).Status, want)
	}
	same(t, "finished at", status(s, t, "a").FinishedAt, after(206))
	same(t, "due at once for what came meanwhile", next(), after(206))
	w4 := claim(s, t, worker, after(206), after(300))
	same(t, "fourth claim", w4, access.RoleWork{RoleKey: k, Seq: 3, Attempt: 1, ClaimedUntil: after(300)})
	finish(s, t, w4, access.Outcome{Role: role(k, after(207)), At: after(207)})
	if _, has, _ := s.NextWork(ctx); has {
		t.Error("work is left after everything was finished")
	}
	lost.check(t, s.FinishWork(ctx, worker, w4, access.Outcome{At: after(208)}, event("x", "x")))
	same(t, "role", must(s.Role(ctx, k))(t), *role(k, after(207)))
}

// testTakeBack: a failed create request takes its assignment back, and nobody else's.
func testTakeBack(t *testing.T, db *sqlstore.DB) {
	ctx, s := t.Context(), db.Access()
	ok(t, s.InsertSet(ctx, set(1), event("x", "x")))
	failed := access.Outcome{Failure: "the policy P does not exist in the account", At: after(9)}
	assigned := func(k access.RoleKey) (ids []string) {
		return keys(must(s.AssignmentsOfRole(ctx, k, access.Principal{}, 10))(t), func(a access.Assignment) string { return a.Principal.ID })
	}
	t.Run("one that was new goes, one that was there stays", func(t *testing.T) {
		k := roleKey(1, 1)
		provisioned(s, t, "old", k, group(1))
		ok(t, assign(s, t, "repeated", k, group(1), epoch()))
		ok(t, assign(s, t, "new", k, group(2), epoch()))
		finish(s, t, claim(s, t, worker, epoch(), after(60)), access.Outcome{Role: role(k, epoch()), Failure: failed.Failure, At: after(9)})
		same(t, "assigned", assigned(k), []string{group(1).ID})
		r := status(s, t, "new")
		if r.Status != access.Failed || r.FailureReason != failed.Failure {
			t.Errorf("got %+v, want FAILED with the reason", r)
		}
	})
	t.Run("one that was removed and made again while the claim was held stays", func(t *testing.T) {
		k := roleKey(2, 1)
		ok(t, assign(s, t, "2a", k, group(1), epoch()))
		w := claim(s, t, worker, epoch(), after(60))
		ok(t, unassign(s, t, "2b", k, group(1), epoch()))
		ok(t, assign(s, t, "2c", k, group(1), epoch()))
		finish(s, t, w, failed)
		same(t, "assigned", assigned(k), []string{group(1).ID})
		finish(s, t, claim(s, t, worker, after(9), after(60)), failed)
		same(t, "assigned after its own failure", assigned(k), []string{})
		same(t, "the deletion failed too", status(s, t, "2b").Status, access.Failed)
	})
	t.Run("one that is asked for again while the claim is held passes to the later request", func(t *testing.T) {
		k := roleKey(3, 1)
		ok(t, assign(s, t, "3a", k, group(1), epoch()))
		w := claim(s, t, worker, epoch(), after(60))
		ok(t, assign(s, t, "3b", k, group(1), epoch()))
		finish(s, t, w, failed)
		same(t, "assigned", assigned(k), []string{group(1).ID})
		same(t, "the later request made it now", status(s, t, "3b").CreatedAssignment, true)
		finish(s, t, claim(s, t, worker, after(9), after(60)), failed)
		same(t, "assigned after both failed", assigned(k), []string{})
	})
	t.Run("unassigned is unassigned, whatever the target says", func(t *testing.T) {
		k := roleKey(4, 1)
		provisioned(s, t, "4a", k, group(1))
		ok(t, unassign(s, t, "4b", k, group(1), epoch()))
		same(t, "assigned", assigned(k), []string{})
		finish(s, t, claim(s, t, worker, epoch(), after(60)), access.Outcome{Role: role(k, epoch()), Failure: "denied", At: after(9)})
		same(t, "assigned", assigned(k), []string{})
		same(t, "can use it", must(s.Assigned(ctx, k, []access.Principal{group(1)}))(t), false)
	})
}

func testProvision(t *testing.T, db *sqlstore.DB) {
	ctx, s := t.Context(), db.Access()
	for n := range 3 {
		ok(t, s.InsertSet(ctx, set(n), event("x", "x")))
	}
	start := func(name string, k access.RoleKey) {
		ok(t, s.StartProvision(ctx, request(access.Provision, name, k, access.Principal{}, epoch()), childIDs(name), event("sso:ProvisionPermissionSet", k.PermissionSetID)))
	}
	start("nothing to do", access.RoleKey{PermissionSetID: set(1).ID})
	done := status(s, t, "nothing to do")
	if done.Status != access.Succeeded || !done.FinishedAt.Equal(epoch()) {
		t.Errorf("provisioning a set without roles: %+v, want SUCCEEDED at once", done)
	}
	for n := range 5 {
		provisioned(s, t, n, roleKey(n, 1), group(1))
	}
	provisioned(s, t, "another set", roleKey(1, 2), group(1))
	start("all", access.RoleKey{PermissionSetID: set(1).ID})
	start("all again", access.RoleKey{PermissionSetID: set(1).ID})
	ws := must(s.ClaimWork(ctx, worker, epoch(), after(60), 100))(t)
	if len(ws) != 5 || !ws[0].Reprovision || ws[0].Seq != 2 {
		t.Fatalf("claimed %+v, want five roles to provision again, each for two requests", ws)
	}
	for i, w := range ws {
		same(t, "parent while children are left", status(s, t, "all").Status, access.InProgress)
		same(t, "no reason yet", status(s, t, "all").FailureReason, "")
		o := access.Outcome{Role: role(w.RoleKey, after(i)), At: after(i)}
		if i == 2 {
			o.Failure = "boundary missing"
		}
		finish(s, t, w, o)
	}
	parent := status(s, t, "all")
	wantReason := "Account " + ws[2].AccountID + ": boundary missing"
	if parent.Status != access.Failed || parent.FailureReason != wantReason || !parent.FinishedAt.Equal(after(4)) {
		t.Errorf("parent %+v, want FAILED with %q at the last child's end", parent, wantReason)
	}
	same(t, "the other parent", status(s, t, "all again").Status, access.Failed)
	children := 0
	for n := 1; n <= 5; n++ {
		c := must(s.Request(ctx, id("child", "all", n)))(t)
		if c.ParentID == id("request", "all") && c.Status != access.InProgress {
			children++
		}
	}
	same(t, "children ended", children, 5)

	k := roleKey(1, 2)
	start("one", k)
	ok(t, assign(s, t, "beside", k, group(9), epoch()))
	w := claim(s, t, worker, epoch(), after(60))
	same(t, "provision again", w.Reprovision, true)
	start("while it is claimed", k)
	finish(s, t, w, access.Outcome{Role: role(k, epoch()), At: epoch()})
	same(t, "one", status(s, t, "one").Status, access.Succeeded)
	w = claim(s, t, worker, epoch(), after(60))
	same(t, "provision again for what came meanwhile", w.Reprovision, true)
	finish(s, t, w, access.Outcome{Role: role(k, epoch()), At: epoch()})
	ok(t, assign(s, t, "after", k, group(10), epoch()))
	same(t, "provision again without having been asked", claim(s, t, worker, epoch(), after(60)).Reprovision, false)
}

// testWorkers: many workers and many who assign; no role is ever held twice, every request ends, and each has its outcome.
func testWorkers(t *testing.T, db *sqlstore.DB) {
	ctx, s := t.Context(), db.Access()
	ok(t, s.InsertSet(ctx, set(1), event("x", "x")))
	const roles, perRole, workers = 6, 15, 8
	var held sync.Map // role → worker
	var finished sync.WaitGroup
	stop := make(chan struct{})
	work := func(name string) error {
		for {
			ws, err := s.ClaimWork(ctx, name, epoch(), after(3600), 2)
			if err != nil {
				return err
			}
			for _, w := range ws {
				if other, taken := held.LoadOrStore(w.RoleKey, name); taken {
					return fmt.Errorf("%s holds %v while %v does", name, w.RoleKey, other)
				}
				time.Sleep(time.Millisecond)
				held.Delete(w.RoleKey)
				if err := s.FinishWork(ctx, name, w, access.Outcome{Role: role(w.RoleKey, epoch()), At: epoch()}, event("x", "x")); err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
			}
			select {
			case <-stop:
				if len(ws) == 0 {
					return nil
				}
			default:
			}
		}
	}
	errs := make([]error, workers)
	for i := range workers {
		finished.Go(func() { errs[i] = work(fmt.Sprint("worker-", i)) })
	}
	for _, err := range atOnce(roles*perRole, func(i int) error { return assign(s, t, i, roleKey(i%roles, 1), group(i), epoch()) }) {
		ok(t, err)
	}
	close(stop)
	finished.Wait()
	for _, err := range errs {
		ok(t, err)
	}
	rest := must(s.Requests(ctx, access.CreateAssignment, access.InProgress, access.RequestCursor{}, 10))(t)
	same(t, "requests left", rest, []access.Request{})
	same(t, "requests", len(must(s.Requests(ctx, access.CreateAssignment, access.Succeeded, access.RequestCursor{}, 1000))(t)), roles*perRole)
	if _, has, _ := s.NextWork(ctx); has {
		t.Error("work is left")
	}
	ids := keys(must(s.RolesOfSet(ctx, set(1).ID, "", 100))(t), func(r access.ProvisionedRole) string { return r.AccountID })
	if len(ids) != roles || !slices.IsSorted(ids) {
		t.Errorf("roles in %v, want %d by account", ids, roles)
	}
}
