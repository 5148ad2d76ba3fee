// Package storagetest is the suite that every database engine passes: each line of the contracts of the domain's stores,
// uniqueness, versions, listings by key, and what must hold when many write at once.
//
// An engine's test calls [Run]; its benchmark calls [Benchmarks].
package storagetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"gatehouse/internal/fault"
	"gatehouse/internal/storage/sqlstore"
)

// Open gives a fresh, empty database that is closed when the test ends.
type Open func(testing.TB) *sqlstore.DB

// Run runs the suite.
func Run(t *testing.T, open Open) {
	for _, c := range []struct {
		name string
		run  func(*testing.T, *sqlstore.DB)
	}{
		{"Users", testUsers},
		{"UserListings", testUserListings},
		{"UserConcurrency", testUserConcurrency},
		{"Groups", testGroups},
		{"GroupMembers", testGroupMembers},
		{"GroupConcurrency", testGroupConcurrency},
		{"Sources", testSources},
		{"Network", testNetwork},
		{"Guards", testGuards},
		{"Owners", testOwners},
		{"Nesting", testNesting},
		{"Organization", testOrganization},
		{"OrganizationPolicies", testOrganizationPolicies},
		{"Delegates", testDelegates},
		{"Sets", testSets},
		{"Assignments", testAssignments},
		{"Requests", testRequests},
		{"Claims", testClaims},
		{"TakeBack", testTakeBack},
		{"Provision", testProvision},
		{"Workers", testWorkers},
		{"IAMIdentities", testIAMIdentities},
		{"IAMUsers", testIAMUsers},
		{"IAMPolicies", testIAMPolicies},
		{"IAMProviders", testIAMProviders},
		{"IAMGroups", testIAMGroups},
		{"IAMRenames", testIAMRenames},
		{"IAMEntries", testIAMEntries},
		{"SignIns", testSignIns},
		{"Sessions", testSessions},
		{"SignInFailures", testFailures},
		{"Grants", testGrants},
		{"Tokens", testTokens},
		{"Sweep", testSweep},
		{"Credentials", testCredentials},
		{"CredentialLinks", testCredentialLinks},
		{"Attempts", testAttempts},
		{"Limits", testLimits},
		{"CredentialSweep", testCredentialSweep},
		{"Propagation", testPropagation},
		{"PropagationSweep", testPropagationSweep},
		{"Attributes", testAttributes},
		{"Regions", testRegions},
		{"Applications", testApplications},
		{"ApplicationAssignments", testApplicationAssignments},
		{"Issuers", testIssuers},
		{"AccountAccess", testAccountAccess},
		{"Entitlements", testEntitlements},
		{"ClientTokens", testClientTokens},
		{"Events", testEvents},
		{"SigningKeys", testSigningKeys},
		{"IAMSettings", testIAMSettings},
		{"Stacks", testStacks},
		{"StackWork", testStackWork},
		{"Trade", testTrade},
		{"ChangeSets", testChangeSets},
		{"SCIMLog", testSCIMLog},
		{"DryRun", testDryRun},
		{"HostileText", testHostileText},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(t, open(t))
		})
	}
}

// ok fails the test at once.
func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("got error %v, want none", err)
	}
}

// must returns v, failing the test on an error.
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		ok(t, err)
		return v
	}
}

// want is what a fault must say; empty members say nothing.
type want struct {
	kind                    fault.Kind
	reason, field, resource string
	id                      string
}

func (w want) check(t testing.TB, err error) {
	t.Helper()
	var f *fault.Fault
	if !errors.As(err, &f) {
		t.Errorf("got %v, want a fault of kind %v", err, w.kind)
		return
	}
	if f.Kind != w.kind || f.Reason != w.reason || w.field != "" && f.Field != w.field || w.resource != "" && f.Resource != w.resource || w.id != "" && f.ID != w.id {
		t.Errorf("got %v reason %q field %q resource %q id %q (%v), want %v reason %q field %q resource %q id %q",
			f.Kind, f.Reason, f.Field, f.Resource, f.ID, err, w.kind, w.reason, w.field, w.resource, w.id)
	}
}

// same compares with nil and empty lists and maps taken as one.
func same(t testing.TB, what string, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

// at once runs f n times at the same moment and returns the errors by number.
func atOnce(n int, f func(i int) error) []error {
	errs := make([]error, n)
	gate := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-gate
			errs[i] = f(i)
		})
	}
	close(gate)
	wg.Wait()
	return errs
}

// exactlyOne fails unless one of the errors is nil and every other is what w says.
func exactlyOne(t testing.TB, errs []error, w want) {
	t.Helper()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else {
			w.check(t, err)
		}
	}
	if won != 1 {
		t.Errorf("%d of %d succeeded at the same time, want exactly one", won, len(errs))
	}
}

// pages collects a listing in pages of the given size.
func pages[T any](t testing.TB, size int, key func(T) string, list func(after string, limit int) ([]T, error)) []T {
	t.Helper()
	var out []T
	after := ""
	for {
		page, err := list(after, size)
		ok(t, err)
		if len(page) > size {
			t.Fatalf("a page of %d rows, want at most %d", len(page), size)
		}
		out = append(out, page...)
		if len(page) < size {
			return out
		}
		after = key(page[len(page)-1])
		if len(out) > 1e6 {
			t.Fatal("the listing does not end")
		}
	}
}

func keys[T any](vs []T, key func(T) string) []string {
	out := make([]string, len(vs))
	for i, v := range vs {
		out[i] = key(v)
	}
	return out
}

func words(format string, n int) []string {
	out := make([]string, n)
	for i := range n {
		out[i] = fmt.Sprintf(format, i)
	}
	return out
}
