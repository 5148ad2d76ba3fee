package storagetest

import (
	"fmt"
	"testing"
	"time"

	"gatehouse/internal/cloudformation"
	"gatehouse/internal/fault"
	"gatehouse/internal/storage/sqlstore"
)

func stackPlace() cloudformation.Place {
	return cloudformation.Place{AccountID: "111122223333", Region: "eu-central-1"}
}

// sampleStack is a stack with an operation and every member set.
func sampleStack(name string) cloudformation.Stack {
	rev := cloudformation.Revision{
		Template: "Resources: {}", Parameters: map[string]string{"A": "b"}, Tags: map[string]string{"k": "v"}, Capabilities: []string{"CAPABILITY_IAM"}, NotificationARNs: []string{"arn:x"},
	}
	return cloudformation.Stack{
		ID: "arn:aws:cloudformation:eu-central-1:111122223333:stack/" + name + "/1", Place: stackPlace(), Name: name, Status: cloudformation.CreateInProgress, Reason: "why",
		Description: "what", Revision: rev, Outputs: []cloudformation.Output{{Key: "K", Value: "V", Description: "D", Export: "E"}}, Protected: true, RollbackOff: true,
		ChangeSetID: "cs", CreatedAt: epoch(), UpdatedAt: epoch().Add(time.Second),
		Operation: &cloudformation.Operation{
			ID: "op", Token: "t", Actor: event("x", "x").Actor, Key: cloudformation.CallerKey{AccessKeyID: "ASIA", SessionToken: "sealed"}, Old: &rev,
			OldOutputs: []cloudformation.Output{{Key: "K", Value: "W"}}, OnFailure: cloudformation.Rollback, Retain: []string{"R"}, StartedAt: epoch(),
		},
	}
}

func testStacks(t *testing.T, db *sqlstore.DB) {
	ctx, s := t.Context(), db.CloudFormation()
	st := sampleStack("one")
	exactlyOne(t, atOnce(8, func(i int) error {
		c := st
		c.ID += fmt.Sprint(i)
		return s.InsertStack(ctx, c, nil, event("x", "x"))
	}), want{fault.Conflict, "exists", "", "STACK", "one"})
	got := must(s.StackByName(ctx, st.Place, "one"))(t)
	st.ID, st.Version = got.ID, 1
	same(t, "stack", got, st)
	same(t, "by id", must(s.Stack(ctx, st.ID))(t), st)
	want{kind: fault.NotFound, resource: "STACK"}.check(t, second(s.Stack(ctx, "none")))
	want{kind: fault.NotFound, resource: "STACK"}.check(t, second(s.StackByName(ctx, cloudformation.Place{AccountID: "111122223333", Region: "us-east-1"}, "one")))

	st.Protected = false
	ok(t, s.SaveStack(ctx, st, event("x", "x")))
	want{fault.Conflict, "version", "", "STACK", st.ID}.check(t, s.SaveStack(ctx, st, event("x", "x")))
	st.Version = 2
	st.Status, st.Operation = cloudformation.DeleteComplete, nil
	ok(t, s.SaveStack(ctx, st, event("x", "x")))
	want{kind: fault.NotFound, resource: "STACK"}.check(t, second(s.StackByName(ctx, st.Place, "one")))
	again := sampleStack("one")
	again.ID += "/again"
	ok(t, s.InsertStack(ctx, again, nil, event("x", "x"))) // the name is free again

	for i := range 7 {
		ok(t, s.InsertStack(ctx, sampleStack(fmt.Sprint("many", i)), []cloudformation.Event{{ID: "e", StackID: sampleStack(fmt.Sprint("many", i)).ID}}, event("x", "x")))
	}
	id := func(s cloudformation.Stack) string { return s.ID }
	for all, n := range map[bool]int{false: 8, true: 9} {
		found := pages(t, 3, id, func(after string, limit int) ([]cloudformation.Stack, error) {
			return s.Stacks(ctx, st.Place, all, after, limit)
		})
		if len(found) != n {
			t.Errorf("listing all=%v: %d stacks, want %d", all, len(found), n)
		}
	}
}

func testStackWork(t *testing.T, db *sqlstore.DB) {
	ctx, s, now := t.Context(), db.CloudFormation(), epoch()
	if _, found, err := s.NextStack(ctx); found || err != nil {
		t.Errorf("work in an empty store: %v, %v", found, err)
	}
	st := sampleStack("work")
	ok(t, s.InsertStack(ctx, st, nil, event("x", "x")))
	claims := make([]cloudformation.Claim, 8)
	won := 0
	for i, err := range atOnce(8, func(i int) error {
		c, found, err := s.ClaimStack(ctx, fmt.Sprint("w", i), now, now.Add(time.Minute))
		if found {
			claims[i] = c
		}
		return err
	}) {
		ok(t, err)
		if claims[i].StackID != "" {
			won++
			claims[0] = claims[i]
		}
	}
	if won != 1 {
		t.Fatalf("%d workers hold the claim, want 1", won)
	}
	c := claims[0]
	due, found, err := s.NextStack(ctx)
	if !found || err != nil || !due.Equal(now.Add(time.Minute)) {
		t.Errorf("next work at %v, %v, %v; want the claim's end", due, found, err)
	}
	lost := want{fault.Conflict, "claim-lost", "", "STACK", st.ID}
	stranger := c
	stranger.Worker = "stranger"
	lost.check(t, s.Record(ctx, stranger, cloudformation.Step{Done: true}))
	lost.check(t, s.RenewClaim(ctx, stranger, now))
	lost.check(t, s.ReleaseClaim(ctx, stranger, now))
	ok(t, s.RenewClaim(ctx, c, now.Add(2*time.Minute)))

	r := cloudformation.Resource{
		StackID: st.ID, LogicalID: "L", State: cloudformation.State{PhysicalID: "p", Type: "A::B::C", Properties: cloudformation.Properties{"N": cloudformation.Number("012"), "L": []any{"x", true}}, Attributes: map[string]string{"Arn": "a"}},
		Status: cloudformation.CreateComplete, Reason: "r", UpdatedAt: now, DependsOn: []string{"M"}, DeletionPolicy: "Retain", UpdateReplacePolicy: "Delete", OperationID: "op", StepToken: "tok", StepAt: now,
		Previous: &cloudformation.State{PhysicalID: "old", Type: "A::B::C", Properties: cloudformation.Properties{"M": map[string]any{"k": "v"}}}, New: true,
		Doomed: []cloudformation.State{{PhysicalID: "older", Type: "A::B::C"}},
	}
	r.Properties["N"] = cloudformation.Number("12")
	es := []cloudformation.Event{{ID: "1", StackID: st.ID, StackName: "work", LogicalID: "L", PhysicalID: "p", Type: "T", Status: "S", Reason: "R", Properties: "{}", Token: "t", At: now}, {ID: "2", StackID: st.ID}, {ID: "3", StackID: st.ID}}
	ok(t, s.Record(ctx, c, cloudformation.Step{Resources: []cloudformation.Resource{r}, Events: es}))
	same(t, "resource", must(s.Resources(ctx, st.ID))(t), []cloudformation.Resource{r})
	newest := must(s.Events(ctx, st.ID, 0, 2))(t)
	same(t, "newest events", keys(newest, func(e cloudformation.Event) string { return e.ID }), []string{"3", "2"})
	older := must(s.Events(ctx, st.ID, newest[1].Seq, 2))(t)
	es[0].Seq = older[0].Seq
	same(t, "the rest", older, es[:1])

	ok(t, s.ReleaseClaim(ctx, c, now.Add(time.Hour)))
	if _, found, _ := s.ClaimStack(ctx, "early", now, now.Add(time.Minute)); found {
		t.Error("work was claimed before it was due")
	}
	c, _, err = s.ClaimStack(ctx, "late", now.Add(time.Hour), now.Add(2*time.Hour))
	ok(t, err)
	if c.Attempt != 2 {
		t.Errorf("attempt %d, want 2", c.Attempt)
	}
	st.Version, st.Status, st.Operation = 1, cloudformation.CreateComplete, nil
	a := event("cloudformation:FinishOperation", st.ID)
	ok(t, s.Record(ctx, c, cloudformation.Step{Stack: &st, Remove: []string{"L"}, Done: true, Audit: &a}))
	same(t, "resources removed", must(s.Resources(ctx, st.ID))(t), []cloudformation.Resource{})
	if _, found, _ := s.NextStack(ctx); found {
		t.Error("finished work is still there")
	}
	want{fault.Conflict, "version", "", "STACK", st.ID}.check(t, s.BeginOperation(ctx, func() cloudformation.Stack { o := sampleStack("work"); o.Version = 1; return o }(), nil, event("x", "x")))
}

func testTrade(t *testing.T, db *sqlstore.DB) {
	ctx, s, now := t.Context(), db.CloudFormation(), epoch()
	trade := func(name string, tr cloudformation.Trade) error {
		st := must(s.StackByName(ctx, stackPlace(), name))(t)
		if st.Operation != nil {
			ok(t, s.BeginOperation(ctx, st, nil, event("x", "x")))
		}
		c, found, err := s.ClaimStack(ctx, "w/"+name, now, now.Add(time.Minute))
		ok(t, err)
		if !found || c.StackID != st.ID {
			t.Fatalf("claimed %v, want %s", c, st.ID)
		}
		err = s.Record(ctx, c, cloudformation.Step{Trade: &tr, Done: true})
		if err != nil {
			ok(t, s.Record(ctx, c, cloudformation.Step{Done: true}))
		}
		return err
	}
	export := func(of, value string) cloudformation.Export {
		return cloudformation.Export{Place: stackPlace(), Name: "net", Value: value, StackID: sampleStack(of).ID}
	}
	for _, name := range []string{"a", "b"} {
		ok(t, s.InsertStack(ctx, sampleStack(name), nil, event("x", "x")))
		ok(t, trade(name, cloudformation.Trade{}))
	}
	want{fault.Conflict, "export-gone", "", "EXPORT", "net"}.check(t, trade("b", cloudformation.Trade{Imports: []string{"net"}}))
	ok(t, trade("a", cloudformation.Trade{Exports: []cloudformation.Export{export("a", "1")}}))
	ok(t, trade("a", cloudformation.Trade{Exports: []cloudformation.Export{export("a", "2")}}))
	same(t, "export", must(s.Export(ctx, stackPlace(), "net"))(t), export("a", "2"))
	want{fault.Conflict, "export", "", "EXPORT", "net"}.check(t, trade("b", cloudformation.Trade{Exports: []cloudformation.Export{export("b", "3")}}))
	ok(t, trade("b", cloudformation.Trade{Imports: []string{"net"}}))
	same(t, "importers", must(s.Importers(ctx, stackPlace(), "net", "", 9))(t), []string{"b"})
	want{fault.Conflict, "export-in-use", "", "EXPORT", "net"}.check(t, trade("a", cloudformation.Trade{}))
	want{fault.Conflict, "export-in-use", "", "EXPORT", "net"}.check(t, trade("a", cloudformation.Trade{Exports: []cloudformation.Export{export("a", "4")}}))
	same(t, "exports", must(s.Exports(ctx, stackPlace(), "", 9))(t), []cloudformation.Export{export("a", "2")})
	ok(t, trade("b", cloudformation.Trade{}))
	ok(t, trade("a", cloudformation.Trade{}))
	want{kind: fault.NotFound, resource: "EXPORT"}.check(t, second(s.Export(ctx, stackPlace(), "net")))
}

func testChangeSets(t *testing.T, db *sqlstore.DB) {
	ctx, s := t.Context(), db.CloudFormation()
	st := sampleStack("sets")
	st.Status, st.Operation = cloudformation.ReviewInProgress, nil
	set := func(name string) cloudformation.ChangeSet {
		return cloudformation.ChangeSet{
			ID: "arn:cs/" + name, StackID: st.ID, StackName: st.Name, Name: name, Description: "d", Create: true, Status: cloudformation.ChangeSetReady, Reason: "r",
			Execution: cloudformation.Available, Revision: st.Revision, CreatedAt: epoch(), Changes: []cloudformation.Change{{Action: "Modify", LogicalID: "L", PhysicalID: "P", Type: "T", Replacement: "True",
				Properties: []cloudformation.PropertyChange{{Name: "N", Recreation: "Always", Dynamic: true}}}},
		}
	}
	ok(t, s.InsertChangeSet(ctx, set("a"), &st, nil, event("x", "x")))
	want{fault.Conflict, "exists", "", "CHANGE_SET", "a"}.check(t, s.InsertChangeSet(ctx, set("a"), nil, nil, event("x", "x")))
	for _, name := range []string{"b", "c"} {
		ok(t, s.InsertChangeSet(ctx, set(name), nil, nil, event("x", "x")))
	}
	same(t, "by id", must(s.ChangeSet(ctx, "arn:cs/a"))(t), set("a"))
	same(t, "by name", must(s.ChangeSetByName(ctx, st.ID, "b"))(t), set("b"))
	name := func(c cloudformation.ChangeSet) string { return c.Name }
	list := func() []string {
		return keys(pages(t, 2, name, func(after string, limit int) ([]cloudformation.ChangeSet, error) {
			return s.ChangeSets(ctx, st.ID, after, limit)
		}), name)
	}
	same(t, "listing", list(), []string{"a", "b", "c"})
	ok(t, s.DeleteChangeSet(ctx, "arn:cs/c", event("x", "x")))
	ok(t, s.DeleteChangeSet(ctx, "arn:cs/c", event("x", "x")))
	begun := sampleStack("sets")
	begun.Version = 1
	done := set("b")
	done.Execution = cloudformation.Executed
	exactlyOne(t, atOnce(4, func(int) error { return s.Execute(ctx, done, begun, nil, event("x", "x")) }), want{fault.Conflict, "version", "", "STACK", st.ID})
	same(t, "the one executed stays", list(), []string{"b"})
	want{kind: fault.NotFound, resource: "CHANGE_SET"}.check(t, s.Execute(ctx, set("a"), begun, nil, event("x", "x")))
}
