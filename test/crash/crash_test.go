package crash

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"gatehouse/test/process"
)

// rounds is how often the server is killed.
const rounds = 8

// answered is what the server said it did, by one round's clients.
type answered struct {
	mu       sync.Mutex
	users    map[string]string // name → id
	requests map[string]string // request id → user id
}

type world struct {
	t       *testing.T
	server  *process.Server
	said    answered
	set     string
	account string
}

// TestKillLosesNothingAnswered needs the built binary: `make build`.
func TestKillLosesNothingAnswered(t *testing.T) {
	if testing.Short() {
		t.Skip("drives the built binary")
	}
	binary, err := process.Binary()
	if err != nil {
		t.Fatal(err)
	}
	address, err := process.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, server: &process.Server{Binary: binary, Data: filepath.Join(t.TempDir(), "data"), Listen: address}}
	w.said.users, w.said.requests = map[string]string{}, map[string]string{}
	if err := w.server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.prepare()
	for round := range rounds {
		w.loadAndKill(round)
		if err := w.server.Start(t.Context()); err != nil {
			t.Fatalf("after kill %d: %v", round, err)
		}
		w.check(round)
	}
	if len(w.said.users) < rounds || len(w.said.requests) < rounds {
		t.Errorf("only %d users and %d requests were answered: the test did not test much", len(w.said.users), len(w.said.requests))
	}
	t.Logf("%d users and %d requests were answered in %d rounds", len(w.said.users), len(w.said.requests), rounds)
	if err := w.server.Stop(); err != nil {
		t.Errorf("the server did not end cleanly when asked: %v", err)
	}
}

func (w *world) prepare() {
	c := w.server.Client()
	var set struct {
		PermissionSet struct{ PermissionSetArn string }
	}
	if err := c.Call(w.t.Context(), process.SSOAdmin, "CreatePermissionSet", map[string]any{"InstanceArn": w.server.Env["GATEHOUSE_INSTANCE_ARN"], "Name": "Crash"}, &set); err != nil {
		w.t.Fatal(err)
	}
	var org struct {
		Organization struct{ MasterAccountId string }
	}
	if err := c.Call(w.t.Context(), process.Organizations, "DescribeOrganization", struct{}{}, &org); err != nil {
		w.t.Fatal(err)
	}
	w.set, w.account = set.PermissionSet.PermissionSetArn, org.Organization.MasterAccountId
}

// loadAndKill lets six clients create users and assign them, and kills the server in the midst of it.
func (w *world) loadAndKill(round int) {
	ctx, stop := context.WithCancel(w.t.Context())
	defer stop()
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() { w.client(ctx, fmt.Sprintf("r%d-c%d", round, i)) })
	}
	time.Sleep(time.Duration(100+rand.IntN(400)) * time.Millisecond)
	w.server.Kill()
	stop()
	wg.Wait()
}

func (w *world) client(ctx context.Context, name string) {
	c := w.server.Client()
	for n := 0; ctx.Err() == nil; n++ {
		userName := fmt.Sprintf("%s-%d@example.com", name, n)
		var u struct{ UserId string }
		err := c.Call(ctx, process.IdentityStore, "CreateUser", map[string]any{
			"IdentityStoreId": w.server.Env["GATEHOUSE_IDENTITY_STORE_ID"], "UserName": userName, "DisplayName": userName,
			"Name": map[string]string{"GivenName": "A", "FamilyName": "B"},
		}, &u)
		if w.gone(err) {
			return
		}
		w.said.mu.Lock()
		w.said.users[userName] = u.UserId
		w.said.mu.Unlock()
		var r struct {
			AccountAssignmentCreationStatus struct{ RequestId string }
		}
		if w.gone(c.Call(ctx, process.SSOAdmin, "CreateAccountAssignment", w.assignment(u.UserId), &r)) {
			return
		}
		w.said.mu.Lock()
		w.said.requests[r.AccountAssignmentCreationStatus.RequestId] = u.UserId
		w.said.mu.Unlock()
	}
}

func (w *world) assignment(user string) map[string]string {
	return map[string]string{"InstanceArn": w.server.Env["GATEHOUSE_INSTANCE_ARN"], "PermissionSetArn": w.set, "TargetId": w.account,
		"TargetType": "AWS_ACCOUNT", "PrincipalType": "USER", "PrincipalId": user}
}

// gone reports whether the server is dead; a refusal is a fault of the server, because nothing here is wrong.
func (w *world) gone(err error) bool {
	var r *process.Refused
	if errors.As(err, &r) {
		w.t.Errorf("refused: %v", err)
	}
	return err != nil
}

// check looks for everything that was answered, in all rounds.
func (w *world) check(round int) {
	c := w.server.Client()
	for name, id := range w.said.users {
		var u struct{ UserName string }
		err := c.Call(w.t.Context(), process.IdentityStore, "DescribeUser", map[string]string{"IdentityStoreId": w.server.Env["GATEHOUSE_IDENTITY_STORE_ID"], "UserId": id}, &u)
		if err != nil || u.UserName != name {
			w.t.Errorf("round %d: user %s, who was answered, is %q, %v", round, name, u.UserName, err)
		}
	}
	end := time.Now().Add(90 * time.Second) // a claim of the dead server lapses after ten seconds
	for id := range w.said.requests {
		for {
			var s struct {
				AccountAssignmentCreationStatus struct{ Status, FailureReason string }
			}
			err := c.Call(w.t.Context(), process.SSOAdmin, "DescribeAccountAssignmentCreationStatus",
				map[string]string{"InstanceArn": w.server.Env["GATEHOUSE_INSTANCE_ARN"], "AccountAssignmentCreationRequestId": id}, &s)
			if err == nil && s.AccountAssignmentCreationStatus.Status == "SUCCEEDED" {
				break
			}
			if err != nil || s.AccountAssignmentCreationStatus.Status == "FAILED" || time.Now().After(end) {
				w.t.Fatalf("round %d: request %s, which was answered: %+v, %v", round, id, s, err)
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
	w.assigned(round)
}

// assigned checks that every answered assignment is listed.
func (w *world) assigned(round int) {
	c := w.server.Client()
	listed := map[string]bool{}
	for token := ""; ; {
		in := map[string]any{"InstanceArn": w.server.Env["GATEHOUSE_INSTANCE_ARN"], "PermissionSetArn": w.set, "AccountId": w.account, "MaxResults": 100}
		if token != "" {
			in["NextToken"] = token
		}
		var page struct {
			AccountAssignments []struct{ PrincipalId string }
			NextToken          string
		}
		if err := c.Call(w.t.Context(), process.SSOAdmin, "ListAccountAssignments", in, &page); err != nil {
			w.t.Fatal(err)
		}
		for _, a := range page.AccountAssignments {
			listed[a.PrincipalId] = true
		}
		if token = page.NextToken; token == "" {
			break
		}
	}
	for _, user := range w.said.requests {
		if !listed[user] {
			w.t.Errorf("round %d: the assignment of %s, which was answered, is not listed", round, user)
		}
	}
}
