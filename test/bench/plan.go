package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing/fstest"
	"time"

	"gatehouse/internal/access"
	"gatehouse/internal/directory"
	"gatehouse/internal/plan"
	"gatehouse/internal/plan/apply"
	"gatehouse/internal/plan/file"
	"gatehouse/internal/plan/live"
)

// planning measures access as code: the plan of 10,000 assignments of 60 sets in 300 accounts, and the application of a change of 1,000 of them.
func planning(ctx context.Context) error {
	s, err := start(ctx)
	if err != nil {
		return err
	}
	defer s.stop()
	const sets, accounts, each = 60, 300, 84 // accounts with a set, with two groups each
	var ids []string
	for i := range accounts {
		a, err := s.Organization.CreateAccount(ctx, bencher, fmt.Sprintf("Account %d", i), fmt.Sprintf("a%d@example.com", i), nil)
		if err != nil {
			return err
		}
		ids = append(ids, a.ID)
	}
	for i := range sets {
		if _, err := s.Access.CreateSet(ctx, bencher, access.PermissionSet{InstanceID: s.Instance.ID, Name: fmt.Sprintf("Set%d", i), ManagedPolicies: []string{"arn:aws:iam::aws:policy/ReadOnlyAccess"}}); err != nil {
			return err
		}
	}
	for i := range 40 {
		if _, err := s.Directory.CreateGroup(ctx, bencher, directory.Group{DisplayName: fmt.Sprintf("Group %d", i)}, nil); err != nil {
			return err
		}
	}
	// files are the access as code; the first of the sets have one group more.
	files := func(more int) string {
		var b strings.Builder
		b.WriteString("permission_sets:\n")
		for i := range sets {
			fmt.Fprintf(&b, "  Set%d: {aws_policies: [ReadOnlyAccess]}\n", i)
		}
		b.WriteString("assignments:\n")
		for i := range sets {
			groups := fmt.Sprintf("Group %d, Group %d", i%38, i%38+1)
			if i < more {
				groups += ", Group 39"
			}
			var in []string
			for k := range each {
				in = append(in, `"`+ids[(i*5+k)%accounts]+`"`)
			}
			fmt.Fprintf(&b, "  - {groups: [%s], permission_sets: Set%d, accounts: [%s]}\n", groups, i, strings.Join(in, ", "))
		}
		return b.String()
	}
	client := func() (*live.Client, error) {
		return live.Open(ctx, live.Options{Region: s.env["AWS_REGION"], Endpoint: s.url, Key: s.env["AWS_ACCESS_KEY_ID"], Secret: s.env["AWS_SECRET_ACCESS_KEY"]})
	}
	run := func(name, yaml string, changes int) error {
		c, err := client()
		if err != nil {
			return err
		}
		begin := time.Now()
		p, err := planFiles(ctx, c, yaml)
		if err != nil {
			return err
		}
		if len(p.Assignments) != changes {
			return fmt.Errorf("%s: %d changes of assignments, not %d", name, len(p.Assignments), changes)
		}
		fmt.Printf("%-52s %10s\n", fmt.Sprintf("plan: %s (%d calls)", name, total(c.Calls())), time.Since(begin).Round(time.Millisecond))
		if p.Empty() {
			return nil
		}
		r, err := apply.Run(ctx, p, c, apply.Options{})
		if err != nil {
			return err
		}
		if !r.OK() {
			i := slices.IndexFunc(r.Results, func(x apply.Result) bool { return x.Outcome != apply.Done })
			return fmt.Errorf("%s: %d of %d done; %+v", name, r.Count(apply.Done), len(r.Results), r.Results[i])
		}
		fmt.Printf("%-52s %10s\n", fmt.Sprintf("apply: %d changes (%d calls)", p.Count(), total(r.Calls)), r.Duration.Round(time.Millisecond))
		return nil
	}
	if err := run("an empty estate, 10,080 wanted", files(0), 2*sets*each); err != nil {
		return err
	}
	if err := run("10,080 assignments, nothing to do", files(0), 0); err != nil {
		return err
	}
	return run("10,080 assignments, 1,008 to make", files(12), 12*each)
}

func planFiles(ctx context.Context, c *live.Client, yaml string) (*plan.Plan, error) {
	src, err := file.FromFS(fstest.MapFS{"access.yaml": {Data: []byte(yaml)}})
	if err != nil {
		return nil, err
	}
	d, problems := file.Load([]*file.Source{src}, nil)
	if problems.Failed() {
		return nil, fmt.Errorf("%v", problems)
	}
	n := plan.NeedsOf(d)
	e, err := c.Read(ctx, live.Want{Sets: n.Sets, AllSets: n.AllSets, Groups: n.Groups, Users: n.Users, AllGroups: n.AllGroups, Members: n.Members, AllMembers: n.AllMembers, Tags: n.Tags, Attributes: n.Attributes, Applications: n.Applications}, nil)
	if err != nil {
		return nil, err
	}
	p := plan.Make(d, e, plan.Options{})
	if p.Problems.Failed() {
		return nil, fmt.Errorf("%v", p.Problems)
	}
	return p, nil
}

func total(calls map[string]int) (n int) {
	for _, k := range calls {
		n += k
	}
	return n
}
