package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"gatehouse/internal/access"
	"gatehouse/internal/app"
	"gatehouse/internal/application"
	"gatehouse/internal/arn"
	"gatehouse/internal/directory"
	"gatehouse/internal/localiam"
	"gatehouse/internal/organization"
)

// size is how large an estate is.
type size struct {
	users, groups, accounts, sets, assignments int
	// crowd is the size of the largest group, busy in how many groups the busiest user is, wide how many users are assigned to the widest role.
	crowd, busy, wide int
	// iam counts users and roles of the management account.
	iam int
}

func estateSize() size {
	if *quick {
		return size{users: 4_000, groups: 2_000, accounts: 300, sets: 200, assignments: 30_000, crowd: 3_000, busy: 200, wide: 2_000, iam: 300}
	}
	return size{users: 200_000, groups: 100_000, accounts: 7_000, sets: 3_500, assignments: 1_000_000, crowd: 100_000, busy: 1_000, wide: 20_000, iam: 1_000}
}

// estate is what the measurements must know of a store: what is listed, by id.
type estate struct {
	size
	users, groups, accounts, sets []string
	// busiest is the user with the most groups; she is in the crowd too.
	busiest     string
	application application.Application
}

// largeEstate builds a store of the size that docs/performance.md names, and measures its listings.
//
// Users, groups, accounts, permission sets and everything in IAM are made by the services, under their rules. Assignments with their roles,
// requests and events are inserted by SQL in bulk (bulk.go): by the rules a million of them would take a quarter of an hour.
func largeEstate(ctx context.Context) error {
	dir := *keep
	if dir == "" {
		d, err := os.MkdirTemp("", "gatehouse-estate-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(d)
		dir = d
	}
	if _, err := os.Stat(filepath.Join(dir, "complete")); errors.Is(err, fs.ErrNotExist) {
		if err := buildEstate(ctx, dir); err != nil {
			return fmt.Errorf("build: %w", err)
		}
	}
	s, err := startIn(ctx, dir)
	if err != nil {
		return err
	}
	defer s.stop()
	e, err := s.readEstate(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("\nlarge estate: %d users, %d groups, %d accounts, %d permission sets, %d assignments\n", len(e.users), len(e.groups), len(e.accounts), len(e.sets), e.assignments)
	return s.listings(ctx, e)
}

func buildEstate(ctx context.Context, dir string) error {
	began := time.Now()
	s, err := startIn(ctx, dir)
	if err != nil {
		return err
	}
	err = s.fillByRules(ctx, estateSize())
	var e estate
	if err == nil {
		e, err = s.readEstate(ctx)
	}
	s.stop()
	if err != nil {
		return err
	}
	byRules := time.Since(began)
	if err := fillInBulk(ctx, filepath.Join(dir, "data", "gatehouse.db"), s.Instance.ID, e); err != nil {
		return err
	}
	fmt.Printf("\nlarge estate built: %s by the rules, %s in bulk\n", byRules.Round(time.Second), (time.Since(began) - byRules).Round(time.Second))
	return os.WriteFile(filepath.Join(dir, "complete"), nil, 0o600)
}

// many runs f for 0 … n-1, 64 at a time, and returns the first error.
func many(n int, f func(int) error) error {
	var next atomic.Int64
	var failed atomic.Pointer[error]
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && failed.Load() == nil; i = int(next.Add(1)) - 1 {
				if err := f(i); err != nil {
					failed.CompareAndSwap(nil, &err)
				}
			}
		})
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}

func (s *stage) fillByRules(ctx context.Context, z size) error {
	if err := s.preload(ctx, z.users); err != nil {
		return err
	}
	users, err := everything(func(after string) ([]directory.User, error) { return s.Directory.Users(ctx, after, 1000) }, func(u directory.User) string { return u.ID })
	if err != nil {
		return err
	}
	// The first group is the crowd; the busiest user is in the groups after it.
	err = many(z.groups, func(i int) error {
		members := []string{users[(3*i+1)%len(users)], users[(3*i+2)%len(users)]}
		switch {
		case i == 0:
			members = users[len(users)-z.crowd:]
		case i <= z.busy:
			members = append(members, users[len(users)/2])
		}
		members = slicesUnique(members)
		_, err := s.Directory.CreateGroup(ctx, bencher, directory.Group{DisplayName: groupName(i), Source: app.DefaultSource}, members)
		return err
	})
	if err != nil {
		return err
	}
	err = many(z.accounts-1, func(i int) error { // the management account is there
		_, err := s.Organization.CreateAccount(ctx, bencher, fmt.Sprintf("Account %d", i), fmt.Sprintf("account-%d@example.com", i), map[string]string{"number": fmt.Sprint(i)})
		return err
	})
	if err != nil {
		return err
	}
	err = many(z.sets, func(i int) error {
		_, err := s.Access.CreateSet(ctx, bencher, access.PermissionSet{InstanceID: s.Instance.ID, Name: fmt.Sprintf("Set%d", i), Description: "A set of the large estate", ManagedPolicies: []string{"arn:aws:iam::aws:policy/ReadOnlyAccess"}})
		return err
	})
	if err != nil {
		return err
	}
	if err := s.fillOrganization(ctx, z); err != nil {
		return err
	}
	if err := s.fillApplications(ctx, z, users); err != nil {
		return err
	}
	return s.fillIAM(ctx, z)
}

func groupName(i int) string { return fmt.Sprintf("Group %d", i) }

func slicesUnique(in []string) (out []string) {
	seen := make(map[string]bool, len(in))
	for _, v := range in {
		if !seen[v] {
			seen[v] = true
			out = append(out, v)
		}
	}
	return out
}

// fillOrganization makes units, and switches service control policies on, so that every account has one attached.
func (s *stage) fillOrganization(ctx context.Context, z size) error {
	o, err := s.Organization.Organization(ctx)
	if err != nil {
		return err
	}
	if err := many(z.sets/10, func(i int) error {
		_, err := s.Organization.CreateUnit(ctx, bencher, o.RootID, fmt.Sprintf("Unit %d", i), nil)
		return err
	}); err != nil {
		return err
	}
	return s.Organization.SwitchControl(ctx, bencher, o.RootID, true)
}

// fillApplications makes applications, the first of which has many users.
func (s *stage) fillApplications(ctx context.Context, z size, users []string) error {
	var first application.Application
	for i := range z.accounts {
		a, err := s.Applications.Create(ctx, bencher, application.Application{
			InstanceID: s.Instance.ID, AccountID: s.Instance.OwnerAccountID, Provider: "custom", Name: fmt.Sprintf("Application %d", i),
			Portal: application.Portal{Origin: application.FromApplication, URL: "https://app.example"},
		}, "")
		if err != nil {
			return err
		}
		if i == 0 {
			first = a
		}
		if i == z.iam {
			break
		}
	}
	return many(z.wide, func(i int) error {
		return s.Applications.Assign(ctx, bencher, arn.InInstance{AccountID: first.AccountID, InstanceID: first.InstanceID, ID: first.ID}, application.Principal{Type: application.User, ID: users[i]})
	})
}

// fillIAM fills the management account, whose key the client has.
func (s *stage) fillIAM(ctx context.Context, z size) error {
	account := s.Instance.OwnerAccountID
	const document = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}`
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + account + `"},"Action":"sts:AssumeRole"}]}`
	p, err := s.IAM.CreatePolicy(ctx, bencher, localiam.ManagedPolicy{AccountID: account, Name: "Everybodys"}, document)
	if err != nil {
		return err
	}
	if _, err := s.IAM.CreateGroup(ctx, bencher, localiam.Group{Identity: localiam.Identity{AccountID: account, Name: "everybody"}}); err != nil {
		return err
	}
	return many(z.iam, func(i int) error {
		user, role := fmt.Sprintf("user-%05d", i), fmt.Sprintf("role-%05d", i)
		if _, err := s.IAM.CreateUser(ctx, bencher, localiam.User{Identity: localiam.Identity{AccountID: account, Name: user}}); err != nil {
			return err
		}
		if err := s.IAM.AddToGroup(ctx, bencher, localiam.Membership{AccountID: account, Group: "everybody", User: user}); err != nil {
			return err
		}
		if _, err := s.IAM.CreateRole(ctx, bencher, localiam.Role{Identity: localiam.Identity{AccountID: account, Name: role}, TrustPolicy: trust}); err != nil {
			return err
		}
		if err := s.IAM.Attach(ctx, bencher, localiam.RoleRef(account, role), p.ARN()); err != nil {
			return err
		}
		_, err := s.IAM.CreatePolicy(ctx, bencher, localiam.ManagedPolicy{AccountID: account, Name: fmt.Sprintf("Policy-%05d", i)}, document)
		return err
	})
}

// everything reads a listing to its end and returns the ids.
func everything[T any](page func(after string) ([]T, error), id func(T) string) (ids []string, err error) {
	for after := ""; ; {
		xs, err := page(after)
		if err != nil || len(xs) == 0 {
			return ids, err
		}
		for _, x := range xs {
			ids = append(ids, id(x))
		}
		after = ids[len(ids)-1]
	}
}

// readEstate finds again what was built.
func (s *stage) readEstate(ctx context.Context) (e estate, err error) {
	e.size = estateSize()
	e.users, err = everything(func(after string) ([]directory.User, error) { return s.Directory.Users(ctx, after, 1000) }, func(u directory.User) string { return u.ID })
	if err != nil {
		return e, err
	}
	e.busiest = e.users[len(e.users)/2]
	e.groups, err = everything(func(after string) ([]directory.Group, error) { return s.Directory.Groups(ctx, after, 1000) }, func(g directory.Group) string { return g.ID })
	if err != nil {
		return e, err
	}
	// The crowd comes first.
	crowd, err := s.Directory.GroupByName(ctx, groupName(0))
	if err != nil {
		return e, err
	}
	for i, id := range e.groups {
		if id == crowd.ID {
			e.groups[0], e.groups[i] = e.groups[i], e.groups[0]
		}
	}
	e.accounts, err = everything(func(after string) ([]organization.Account, error) { return s.Organization.Accounts(ctx, after, 1000) }, func(a organization.Account) string { return a.ID })
	if err != nil {
		return e, err
	}
	e.sets, err = everything(func(after string) ([]access.PermissionSet, error) {
		return s.Access.Sets(ctx, s.Instance.ID, after, 1000)
	}, func(p access.PermissionSet) string { return p.ID })
	if err != nil {
		return e, err
	}
	apps, err := everything(func(after string) ([]application.Application, error) {
		return s.Applications.Applications(ctx, application.Filter{InstanceID: s.Instance.ID}, after, 1000)
	}, func(a application.Application) string { return a.ID })
	if err != nil || len(apps) == 0 {
		return e, err
	}
	for _, id := range apps { // the one that people are assigned to
		n := arn.InInstance{AccountID: s.Instance.OwnerAccountID, InstanceID: s.Instance.ID, ID: id}
		as, err := s.Applications.Assignments(ctx, n, application.Principal{}, 1)
		if err != nil {
			return e, err
		}
		if len(as) > 0 {
			e.application, err = s.Applications.Application(ctx, n)
			return e, err
		}
	}
	return e, nil
}
