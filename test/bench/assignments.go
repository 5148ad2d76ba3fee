package main

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"gatehouse/internal/access"
	"gatehouse/internal/directory"
	"gatehouse/internal/signin"
	"gatehouse/test/process"
)

func assignments(ctx context.Context) error {
	s, err := start(ctx)
	if err != nil {
		return err
	}
	defer s.stop()
	people := 20_000
	if *quick {
		people = 2_000
	}
	if err := s.preload(ctx, people); err != nil {
		return err
	}
	var ids []string
	for after := ""; ; {
		us, err := s.Directory.Users(ctx, after, 1000)
		if err != nil {
			return err
		}
		for _, u := range us {
			ids = append(ids, u.ID)
		}
		if len(us) < 1000 {
			break
		}
		after = us[len(us)-1].ID
	}
	accounts, sets, err := s.estate(ctx)
	if err != nil {
		return err
	}
	c := s.client()
	var next atomic.Int64
	begin := time.Now()
	err = measure(fmt.Sprintf("CreateAccountAssignment, accepted, on %d roles", len(sets)), func(int, int) error {
		n := int(next.Add(1))
		return c.Call(ctx, process.SSOAdmin, "CreateAccountAssignment", map[string]string{"InstanceArn": s.env["GATEHOUSE_INSTANCE_ARN"],
			"PermissionSetArn": "arn:aws:sso:::permissionSet/" + s.Instance.ID + "/" + sets[n%len(sets)], "TargetId": accounts[0],
			"TargetType": "AWS_ACCOUNT", "PrincipalType": "USER", "PrincipalId": ids[(n/len(sets))%len(ids)]}, nil)
	})
	if err != nil {
		return err
	}
	if err := s.settled(ctx); err != nil {
		return err
	}
	fmt.Printf("%-52s %10s\n", fmt.Sprintf("  … and all %d finished after", next.Load()), time.Since(begin).Round(time.Millisecond))
	if err := s.provisioning(ctx, accounts, ids[0]); err != nil {
		return err
	}
	return s.credentials(ctx, accounts[0], ids[0])
}

// estate makes 40 accounts and 25 sets.
func (s *stage) estate(ctx context.Context) (accounts, sets []string, err error) {
	for i := range 40 {
		a, err := s.Organization.CreateAccount(ctx, bencher, fmt.Sprintf("Account %d", i), fmt.Sprintf("a%d@example.com", i), nil)
		if err != nil {
			return nil, nil, err
		}
		accounts = append(accounts, a.ID)
	}
	for i := range 25 {
		p, err := s.Access.CreateSet(ctx, bencher, access.PermissionSet{InstanceID: s.Instance.ID, Name: fmt.Sprintf("Set%d", i), ManagedPolicies: []string{"arn:aws:iam::aws:policy/ReadOnlyAccess"}})
		if err != nil {
			return nil, nil, err
		}
		sets = append(sets, p.ID)
	}
	return accounts, sets, nil
}

// settled waits until no assignment is in progress.
func (s *stage) settled(ctx context.Context) error {
	for {
		open, err := s.Access.Requests(ctx, access.CreateAssignment, access.InProgress, access.RequestCursor{}, 1)
		if err != nil || len(open) == 0 {
			return err
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// provisioning measures roles made from nothing: a user is assigned to many new roles at once.
func (s *stage) provisioning(ctx context.Context, accounts []string, user string) error {
	var keys []access.RoleKey
	for i := range 50 {
		p, err := s.Access.CreateSet(ctx, bencher, access.PermissionSet{InstanceID: s.Instance.ID, Name: fmt.Sprintf("New%d", i), ManagedPolicies: []string{"arn:aws:iam::aws:policy/ReadOnlyAccess"}})
		if err != nil {
			return err
		}
		for _, a := range accounts {
			keys = append(keys, access.RoleKey{AccountID: a, PermissionSetID: p.ID})
		}
	}
	begin := time.Now()
	var wg sync.WaitGroup
	var next atomic.Int64
	for range 32 {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(len(keys)); i = next.Add(1) {
				_, _ = s.Access.Assign(ctx, bencher, keys[i-1], access.Principal{Type: access.User, ID: user}) // settled shows what is missing
			}
		})
	}
	wg.Wait()
	if err := s.settled(ctx); err != nil {
		return err
	}
	took := time.Since(begin)
	fmt.Printf("%-52s %10.0f\n", fmt.Sprintf("roles provisioned (%d new roles, assignment included)", len(keys)), float64(len(keys))/took.Seconds())
	return nil
}

// signedIn returns an access token of a user, as `aws sso login` gets one.
func (s *stage) signedIn(ctx context.Context, u directory.User) (token string, err error) {
	o, err := s.SignIn.OpenSession(ctx, u, signin.Proof{Method: signin.SAML}, "")
	if err != nil {
		return "", err
	}
	client, secret, err := s.SignIn.RegisterClient(ctx, signin.Registration{Name: "bench", Type: "public", Scopes: []string{"sso:account:access"}})
	if err != nil {
		return "", err
	}
	d, err := s.SignIn.StartDevice(ctx, client.ID, secret, s.StartURL())
	if err != nil {
		return "", err
	}
	if _, err := s.SignIn.DecideDevice(ctx, signin.Identity{User: u, Session: o.Session}, d.UserCode, true); err != nil {
		return "", err
	}
	issued, err := s.SignIn.ExchangeDevice(ctx, client.ID, secret, d.DeviceCode)
	return issued.AccessToken, err
}

// credentials measures GetRoleCredentials with a real access token.
func (s *stage) credentials(ctx context.Context, account, userID string) error {
	u, err := s.Directory.User(ctx, userID)
	if err != nil {
		return err
	}
	token, err := s.signedIn(ctx, u)
	if err != nil {
		return err
	}
	hc := &http.Client{Transport: transport(*clients)}
	return measure("GetRoleCredentials", func(int, int) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/federation/credentials?role_name=New0&account_id="+account, nil)
		if err != nil {
			return err
		}
		req.Header.Set("x-amz-sso_bearer_token", token)
		_, err = deliver(hc, req)
		return err
	})
}
