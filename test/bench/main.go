// Command bench measures Gatehouse over HTTP: durable writes, look-ups, assignments, provisioning and credentials, with several
// clients at a time, on SQLite in a temporary directory. Server and clients share the machine, so the figures are lower bounds; compare
// them as ratios on one machine. It is not a test: nothing here passes or fails by time.
//
// # Reading it
//
// Each line is a scenario, how many operations a second were answered, how many for each second of CPU that server and clients used
// together (which other load on the machine disturbs less), and the 50th and 99th percentile of the time to an answer.
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"gatehouse/internal/access"
	"gatehouse/internal/app"
	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
	"gatehouse/internal/signin"
	"gatehouse/test/process"
)

var (
	clients = flag.Int("clients", 8, "how many clients ask at the same time")
	quick   = flag.Bool("quick", false, "one second per scenario and small stores")
	each    = flag.Duration("each", 0, "how long to measure each scenario (default: five seconds, or one with --quick)")
	only    = flag.String("only", "", "a part of a scenario's name: measure only those")
	profile = flag.String("cpuprofile", "", "write a CPU profile of all of it to this file")
)

func main() {
	flag.Parse()
	if *profile != "" {
		f, err := os.Create(*profile)
		if err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		_ = pprof.StartCPUProfile(f) // it fails only when one is running
		defer pprof.StopCPUProfile()
	}
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	fmt.Printf("%d cores, %s %s/%s, SQLite with synchronous=FULL, %d clients in the same process\n\n", runtime.NumCPU(), runtime.Version(), runtime.GOOS, runtime.GOARCH, *clients)
	fmt.Printf("%-52s %10s %14s %10s %10s\n", "scenario", "per second", "per CPU second", "p50", "p99")
	sizes := []int{0, 50_000, 200_000}
	if *quick {
		sizes = []int{0, 5_000}
	}
	for _, n := range sizes {
		if err := users(ctx, n, n == sizes[len(sizes)-1]); err != nil {
			return err
		}
	}
	return assignments(ctx)
}

// stage is a running server.
type stage struct {
	*app.App
	url  string
	env  app.Environment
	dir  string
	stop func()
}

func start(ctx context.Context) (*stage, error) {
	dir, err := os.MkdirTemp("", "gatehouse-bench-")
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	cfg := app.Config{Listen: l.Addr().String(), Data: filepath.Join(dir, "data")}
	a, err := app.New(ctx, cfg, app.Surroundings{Now: time.Now, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	env, err := app.ReadEnvironment(cfg.Data)
	if err != nil {
		return nil, err
	}
	run, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- a.Run(run, l) }()
	return &stage{a, "http://" + l.Addr().String(), env, dir, func() {
		stop()
		<-done
		a.Close()
		os.RemoveAll(dir)
	}}, nil
}

func (s *stage) client() *process.Client {
	return &process.Client{URL: s.url, Region: s.env["AWS_REGION"], Key: s.env["AWS_ACCESS_KEY_ID"], Secret: s.env["AWS_SECRET_ACCESS_KEY"],
		HTTP: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: *clients}}}
}

var bencher = audit.Actor{Kind: audit.System, Name: "bench"}

// preload makes n users through the service, many at a time.
func (s *stage) preload(ctx context.Context, n int) error {
	var next atomic.Int64
	var wg sync.WaitGroup
	errs := make(chan error, 64)
	for range 64 {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(n); i = next.Add(1) {
				name := fmt.Sprintf("preloaded-%d@example.com", i)
				u := directory.User{UserName: name, DisplayName: name, Active: true, Name: directory.Name{GivenName: "Given", FamilyName: "Family"},
					Emails: []directory.Value{{Value: name, Type: "work", Primary: true}}}
				if _, err := s.Directory.CreateUser(ctx, bencher, u); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	wg.Wait()
	select {
	case err := <-errs:
		return err
	default:
		return nil
	}
}

// measure runs op from all clients for a while and prints a line.
func measure(name string, op func(client, n int) error) error {
	if !strings.Contains(name, *only) {
		return nil
	}
	span := *each
	if span == 0 && *quick {
		span = time.Second
	}
	if span == 0 {
		span = 5 * time.Second
	}
	var mu sync.Mutex
	var took []time.Duration
	var failed error
	var wg sync.WaitGroup
	begin, cpu := time.Now(), spent()
	for c := range *clients {
		wg.Go(func() {
			var mine []time.Duration
			for n := 0; time.Since(begin) < span; n++ {
				t := time.Now()
				if err := op(c, n); err != nil {
					mu.Lock()
					failed = err
					mu.Unlock()
					return
				}
				mine = append(mine, time.Since(t))
			}
			mu.Lock()
			took = append(took, mine...)
			mu.Unlock()
		})
	}
	wg.Wait()
	if failed != nil {
		return fmt.Errorf("%s: %w", name, failed)
	}
	line(name, took, time.Since(begin), spent()-cpu)
	return nil
}

// spent is the CPU time this process has used: server and clients together.
func spent() time.Duration {
	var r syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &r) != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

func line(name string, took []time.Duration, span, cpu time.Duration) {
	if len(took) == 0 {
		fmt.Printf("%-52s nothing was answered\n", name)
		return
	}
	slices.Sort(took)
	at := func(q float64) time.Duration {
		return took[min(len(took)-1, int(q*float64(len(took))))].Round(10 * time.Microsecond)
	}
	fmt.Printf("%-52s %10.0f %14.0f %10s %10s\n", name, float64(len(took))/span.Seconds(), float64(len(took))/cpu.Seconds(), at(0.50), at(0.99))
}

func users(ctx context.Context, n int, last bool) error {
	s, err := start(ctx)
	if err != nil {
		return err
	}
	defer s.stop()
	if err := s.preload(ctx, n); err != nil {
		return err
	}
	c := s.client()
	err = measure(fmt.Sprintf("CreateUser, durable, at %d users", n), func(client, i int) error {
		name := fmt.Sprintf("new-%d-%d@example.com", client, i)
		return c.Call(ctx, process.IdentityStore, "CreateUser", map[string]any{"IdentityStoreId": s.Instance.IdentityStoreID, "UserName": name, "DisplayName": name,
			"Name": map[string]string{"GivenName": "A", "FamilyName": "B"}, "Emails": []map[string]any{{"Value": name, "Type": "work", "Primary": true}}}, nil)
	})
	if err != nil || !last {
		return err
	}
	err = measure(fmt.Sprintf("GetUserId by name, at %d users", n), func(client, i int) error {
		name := fmt.Sprintf("preloaded-%d@example.com", 1+(client*7919+i*104729)%n)
		return c.Call(ctx, process.IdentityStore, "GetUserId", map[string]any{"IdentityStoreId": s.Instance.IdentityStoreID,
			"AlternateIdentifier": map[string]any{"UniqueAttribute": map[string]string{"AttributePath": "userName", "AttributeValue": name}}}, nil)
	})
	if err != nil {
		return err
	}
	return scim(ctx, s, n)
}

// scim measures what Entra does most.
func scim(ctx context.Context, s *stage, n int) error {
	_, token, err := s.Directory.CreateToken(ctx, bencher, app.DefaultSource, 0)
	if err != nil {
		return err
	}
	hc := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: *clients}}
	send := func(method, path, body string) (string, error) {
		req, err := http.NewRequestWithContext(ctx, method, s.url+"/scim/"+app.DefaultSource+"/v2"+path, bytes.NewReader([]byte(body)))
		if err != nil {
			return "", err
		}
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("Content-Type", "application/scim+json")
		res, err := hc.Do(req)
		if err != nil {
			return "", err
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err == nil && res.StatusCode >= 300 {
			err = fmt.Errorf("HTTP %d %s", res.StatusCode, b)
		}
		return string(b), err
	}
	err = measure(fmt.Sprintf("SCIM POST /Users, at %d users", n), func(client, i int) error {
		name := fmt.Sprintf("scim-%d-%d@example.com", client, i)
		_, err := send("POST", "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"externalId":"`+name+`","userName":"`+name+`","active":true,"displayName":"A B","emails":[{"primary":true,"type":"work","value":"`+name+`"}],"name":{"familyName":"B","givenName":"A"}}`)
		return err
	})
	if err != nil {
		return err
	}
	us, err := s.Directory.Users(ctx, "", 1000)
	if err != nil {
		return err
	}
	err = measure(fmt.Sprintf("SCIM PATCH /Users/{id}, at %d users", n), func(client, i int) error {
		u := us[(client*131+i*17)%len(us)]
		_, err := send("PATCH", "/Users/"+u.ID, fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Replace","path":"title","value":"t%d-%d"}]}`, client, i))
		return err
	})
	if err != nil {
		return err
	}
	return members(ctx, s, send, us)
}

// members adds and removes one member of a small and of a large group.
func members(ctx context.Context, s *stage, send func(method, path, body string) (string, error), us []directory.User) error {
	all := 100_000
	if *quick {
		all = 4_000
	}
	ids := []string{}
	for after := ""; len(ids) < all; {
		page, err := s.Directory.Users(ctx, after, 1000)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, u := range page {
			ids = append(ids, u.ID)
		}
		after = page[len(page)-1].ID
	}
	for _, size := range []int{10, len(ids)} {
		g, err := s.Directory.CreateGroup(ctx, bencher, directory.Group{DisplayName: fmt.Sprintf("Group of %d", size)}, ids[:size])
		if err != nil {
			return err
		}
		err = measure(fmt.Sprintf("SCIM PATCH one member, group of %d", size), func(client, i int) error {
			op := []string{"Add", "Remove"}[i%2]
			_, err := send("PATCH", "/Groups/"+g.ID, fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"%s","path":"members","value":[{"$ref":null,"value":"%s"}]}]}`, op, us[len(us)-1-client].ID))
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

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

// credentials measures GetRoleCredentials with a real access token.
func (s *stage) credentials(ctx context.Context, account, userID string) error {
	u, err := s.Directory.User(ctx, userID)
	if err != nil {
		return err
	}
	o, err := s.SignIn.OpenSession(ctx, u, signin.Proof{Method: signin.SAML}, "")
	if err != nil {
		return err
	}
	client, secret, err := s.SignIn.RegisterClient(ctx, signin.Registration{Name: "bench", Type: "public", Scopes: []string{"sso:account:access"}})
	if err != nil {
		return err
	}
	d, err := s.SignIn.StartDevice(ctx, client.ID, secret, s.StartURL())
	if err != nil {
		return err
	}
	if _, err := s.SignIn.DecideDevice(ctx, signin.Identity{User: u, Session: o.Session}, d.UserCode, true); err != nil {
		return err
	}
	issued, err := s.SignIn.ExchangeDevice(ctx, client.ID, secret, d.DeviceCode)
	if err != nil {
		return err
	}
	hc := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: *clients}}
	return measure("GetRoleCredentials", func(int, int) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/federation/credentials?role_name=New0&account_id="+account, nil)
		if err != nil {
			return err
		}
		req.Header.Set("x-amz-sso_bearer_token", issued.AccessToken)
		res, err := hc.Do(req)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err == nil && res.StatusCode != http.StatusOK {
			err = fmt.Errorf("HTTP %d %s", res.StatusCode, b)
		}
		return err
	})
}
