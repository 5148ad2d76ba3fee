package adopt

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"gatehouse/internal/plan/estate"
)

// large is an estate of 7,000 accounts in 100 units, 3,500 permission sets and about so many assignments: most of them of a group in a whole unit, some of
// them in accounts here and there.
func large(assignments int) *estate.Estate {
	r := rand.New(rand.NewPCG(1, 2))
	e := &estate.Estate{Units: []estate.Unit{{ID: "r", Name: "Root"}}, Accounts: []estate.Account{{ID: "100000000000", Name: "Management", Management: true, Unit: "r"}}}
	for i := range 100 {
		e.Units = append(e.Units, estate.Unit{ID: fmt.Sprint("ou-", i), Parent: e.Units[i/5].ID, Name: fmt.Sprint("Unit ", i)})
	}
	for i := range 7000 {
		e.Accounts = append(e.Accounts, estate.Account{ID: fmt.Sprint(100000000001 + i), Name: fmt.Sprint("account-", i), Unit: fmt.Sprint("ou-", r.IntN(100)), Tags: map[string]string{"env": []string{"dev", "test", "prod"}[i%3], "owner": fmt.Sprint("team-", i%200)}})
	}
	for i := range 5000 {
		e.Groups = append(e.Groups, estate.Group{ID: fmt.Sprint("g-", i), Name: fmt.Sprint("Group ", i), External: true})
	}
	for i := range 3500 {
		e.Sets = append(e.Sets, estate.Set{ARN: fmt.Sprint("arn:", i), Name: fmt.Sprint("Set-", i), Session: time.Hour, DetailsRead: true, AssignmentsRead: true, AWSPolicies: []string{"arn:aws:iam::aws:policy/ReadOnlyAccess"}})
	}
	x := estate.NewIndex(e)
	below := make([][]int32, len(e.Units))
	for i := range e.Accounts {
		for _, u := range x.Chain(i) {
			below[u] = append(below[u], int32(i))
		}
	}
	for len(e.Assignments) < assignments {
		g, s := estate.GroupPrincipal(r.IntN(len(e.Groups))), int32(r.IntN(len(e.Sets)))
		if r.IntN(3) == 0 {
			for range 1 + r.IntN(5) {
				e.Assignments = append(e.Assignments, estate.Assignment{Account: int32(1 + r.IntN(7000)), Set: s, Principal: g})
			}
			continue
		}
		for _, a := range below[6+r.IntN(95)] {
			e.Assignments = append(e.Assignments, estate.Assignment{Account: a, Set: s, Principal: g})
		}
	}
	e.Assignments = estate.Sort(e.Assignments)
	return e
}

// BenchmarkFiles writes, and plans, an estate of a million assignments.
func BenchmarkFiles(b *testing.B) {
	e := large(1_000_000)
	b.ReportAllocs()
	for b.Loop() {
		w, err := Files(e, Options{})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(w.Rules), "rules")
		b.ReportMetric(float64(len(w.Files["assignments.yaml"])), "bytes")
	}
}
