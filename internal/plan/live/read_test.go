package live_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"gatehouse/internal/access"
	"gatehouse/internal/application"
	"gatehouse/internal/arn"
	"gatehouse/internal/localiam"
	"gatehouse/internal/plan/estate"
	"gatehouse/internal/plan/live"
	"gatehouse/internal/plan/livetest"
)

// company is an organization of 45 accounts in three units, 5 sets, 130 groups and 250 people.
type company struct {
	*livetest.World
	accounts, sets, groups, users []string
}

func newCompany(t *testing.T) *company {
	w := &company{World: livetest.Start(t)}
	workloads := w.Unit("", "Workloads")
	units := []string{w.Unit(workloads, "Prod"), w.Unit(workloads, "Test"), ""}
	w.Unit(units[0], "Empty")
	for i := range 44 {
		w.accounts = append(w.accounts, w.Account(units[i%3], fmt.Sprintf("account-%02d", i), map[string]string{"number": fmt.Sprint(i)}))
	}
	for i := range 250 {
		w.users = append(w.users, w.User(fmt.Sprintf("user-%03d", i)))
	}
	for i := range 130 {
		w.groups = append(w.groups, w.Group(fmt.Sprintf("Group %03d", i), w.users[i], w.users[i+1]))
	}
	ref := access.PolicyRef{Name: "Own", Path: "/team/"}
	for i, p := range []access.PermissionSet{
		{Name: "Admin", Description: "All", SessionDuration: 2 * time.Hour, ManagedPolicies: []string{"arn:aws:iam::aws:policy/SecurityAudit", "arn:aws:iam::aws:policy/ReadOnlyAccess"}, RelayState: "https://example.com/"},
		{Name: "Inline", InlinePolicy: "{ \"Version\": \"2012-10-17\",\n \"Statement\": {\"Effect\":\"Allow\",\"Action\":\"iam:GetUser\",\"Resource\":\"*\"} }", Tags: map[string]string{"team": "x"}},
		{Name: "Bounded", Boundary: &access.Boundary{ManagedPolicyARN: "arn:aws:iam::aws:policy/ReadOnlyAccess"}},
		{Name: "Other"}, {Name: "Unused", CustomerPolicies: []access.PolicyRef{ref}},
	} {
		w.sets = append(w.sets, w.Set(p))
		if i < 4 {
			for _, a := range w.accounts[:10] {
				w.Assign(a, w.sets[i], access.Group, w.groups[i])
				w.Assign(a, w.sets[i], access.User, w.users[200+i])
			}
		}
	}
	w.Settle()
	return w
}

// bubble runs a test where waiting takes no time.
func bubble(t *testing.T, f func(*testing.T)) {
	t.Parallel()
	synctest.Test(t, f)
}

func (w *company) read(want live.Want, transport http.RoundTripper, limits live.Limits) (*estate.Estate, *live.Client) {
	w.Helper()
	c := w.Open(transport, limits)
	return livetest.Must(c.Read(w.Context(), want, nil))(w), c
}

// TestReadTellsWhatIsThere reads everything and looks at each kind of thing.
func TestReadTellsWhatIsThere(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newCompany(t)
		ctx := t.Context()
		app := livetest.Must(w.Applications.Create(ctx, livetest.Tester, application.Application{InstanceID: w.Instance.ID, AccountID: w.Instance.OwnerAccountID, Provider: "custom", Name: "Wiki", Tags: map[string]string{"a": "b"},
			Portal: application.Portal{Origin: application.FromApplication, URL: "https://wiki.example.com"}}, ""))(w)
		w.OK(w.Applications.Assign(ctx, livetest.Tester, arn.InInstance{InstanceID: app.InstanceID, AccountID: app.AccountID, ID: app.ID}, application.Principal{Type: application.User, ID: w.users[7]}))
		w.OK(w.Access.EnableAttributes(ctx, livetest.Tester, w.Instance.ID, []access.Attribute{{Key: "Dept", Source: "${path:enterprise.department}"}}))
		w.OK(w.Access.PutInlinePolicy(ctx, livetest.Tester, w.Instance.ID, w.sets[3], `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}`))
		e, _ := w.read(live.Want{All: true}, nil, live.Limits{})

		if e.Instance.Owner != w.Instance.OwnerAccountID || !strings.Contains(e.Caller, "gatehouse-administrator") || len(e.Accounts) != 45 || len(e.Groups) != 130 || len(e.Users) != 250 || len(e.Assignments) != 80 || e.Pending != 0 {
			t.Errorf("%+v by %s: %d accounts, %d groups, %d users, %d assignments, %d pending", e.Instance, e.Caller, len(e.Accounts), len(e.Groups), len(e.Users), len(e.Assignments), e.Pending)
		}
		var units []string
		names := map[string]string{}
		for _, u := range e.Units {
			names[u.ID] = u.Name
			units = append(units, names[u.Parent]+"/"+u.Name)
		}
		if want := []string{"/Root", "Root/Workloads", "Workloads/Prod", "Prod/Empty", "Workloads/Test"}; !slices.Equal(units, want) {
			t.Errorf("units %v, want %v", units, want)
		}
		for i, a := range e.Accounts {
			if k := slices.Index(w.accounts, a.ID); a.Management != (k < 0) || !a.Active() || k >= 0 && (names[a.Unit] != []string{"Prod", "Test", "Root"}[k%3] || a.Tags["number"] != fmt.Sprint(k) || a.Email == "") {
				t.Errorf("account %d: %+v in %s", i, a, names[a.Unit])
			}
		}
		sets := map[string]estate.Set{}
		for _, s := range e.Sets {
			s.ARN = ""
			if !s.DetailsRead || !s.AssignmentsRead {
				t.Errorf("%s was not read whole", s.Name)
			}
			s.DetailsRead, s.AssignmentsRead = false, false
			sets[s.Name] = s
		}
		want := map[string]estate.Set{
			"Admin":   {Name: "Admin", Description: "All", Session: 2 * time.Hour, AWSPolicies: []string{"arn:aws:iam::aws:policy/ReadOnlyAccess", "arn:aws:iam::aws:policy/SecurityAudit"}, RelayState: "https://example.com/"},
			"Inline":  {Name: "Inline", Session: time.Hour, Inline: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:GetUser","Resource":"*"}}`, Tags: map[string]string{"team": "x"}},
			"Bounded": {Name: "Bounded", Session: time.Hour, Boundary: &estate.Boundary{AWS: "arn:aws:iam::aws:policy/ReadOnlyAccess"}},
			"Other":   {Name: "Other", Session: time.Hour, Inline: `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}`, Behind: slices.Sorted(slices.Values(w.accounts[:10]))},
			"Unused":  {Name: "Unused", Session: time.Hour, CustomerPolicies: []estate.PolicyRef{{Name: "Own", Path: "/team/"}}},
		}
		if d := cmp.Diff(want, sets); d != "" {
			t.Error(d)
		}
		if d := cmp.Diff([]estate.Attribute{{Key: "Dept", Source: []string{"${path:enterprise.department}"}}}, e.Attributes); d != "" {
			t.Error(d)
		}
		if len(e.Applications) != 1 || len(e.Applications[0].Principals) != 1 || e.Users[e.Applications[0].Principals[0].Index()].ID != w.users[7] || e.Applications[0].URL != "https://wiki.example.com" || e.Applications[0].Tags["a"] != "b" ||
			!e.Applications[0].Visible || e.Applications[0].Managed || e.Applications[0].Elsewhere || e.Applications[0].AnyoneMayUse {
			t.Errorf("applications: %+v", e.Applications)
		}
		for _, g := range e.Groups {
			i := slices.Index(w.groups, g.ID)
			if !g.MembersRead || len(g.Members) != 2 || e.Users[g.Members[0]].ID != w.users[i] || e.Users[g.Members[1]].ID != w.users[i+1] || g.Description == "" || g.External {
				t.Errorf("group %+v", g)
			}
		}
		for _, a := range e.Assignments {
			i := slices.Index([]string{"Admin", "Inline", "Bounded", "Other"}, e.Sets[a.Set].Name)
			id := ""
			if a.Principal.IsUser() {
				id = e.Users[a.Principal.Index()].ID
			} else {
				id = e.Groups[a.Principal.Index()].ID
			}
			if !slices.Contains(w.accounts[:10], e.Accounts[a.Account].ID) || i < 0 || id != w.groups[i] && id != w.users[200+i] {
				t.Errorf("assignment %+v", a)
			}
		}
	})
}

// plain is calls by operation, whatever their service.
func plain(calls map[string]int) map[string]int {
	sum := map[string]int{}
	for op, n := range calls {
		_, name, _ := strings.Cut(op, ":")
		sum[name] += n
	}
	return sum
}

// TestReadCountsItsCalls holds the formula that [live.Client.Read] gives.
func TestReadCountsItsCalls(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newCompany(t)
		base := map[string]int{
			"ListInstances": 1, "GetCallerIdentity": 1, "DescribeOrganization": 1,
			"ListAccounts": 3, "ListOrganizationalUnitsForParent": 2, // the root and Workloads; nobody is below Prod
			"ListPermissionSets": 1, "DescribePermissionSet": 5,
			"ListAccountAssignmentCreationStatus": 1, "ListAccountAssignmentDeletionStatus": 1, "ListPermissionSetProvisioningStatus": 1,
		}
		plus := func(more map[string]int) map[string]int {
			sum := maps.Clone(base)
			for op, n := range more {
				sum[op] += n
			}
			return sum
		}
		perSet := func(sets, pairs int) map[string]int {
			return map[string]int{"ListManagedPoliciesInPermissionSet": sets, "ListCustomerManagedPolicyReferencesInPermissionSet": sets, "GetInlinePolicyForPermissionSet": sets,
				"GetPermissionsBoundaryForPermissionSet": sets, "ListTagsForResource": sets, "ListAccountsForProvisionedPermissionSet": 2 * sets, "ListAccountAssignments": pairs}
		}
		for name, c := range map[string]struct {
			want  live.Want
			calls map[string]int
		}{
			"nothing":    {live.Want{}, base},
			"attributes": {live.Want{Attributes: true}, plus(map[string]int{"DescribeInstanceAccessControlAttributeConfiguration": 1})},
			"tags":       {live.Want{Tags: true}, plus(map[string]int{"ListTagsForResource": 45})},
			// A set that nobody has: one page of accounts, no assignment.
			"two sets":         {live.Want{Sets: []string{"Admin", "Other"}}, plus(perSet(2, 20))},
			"a set":            {live.Want{Sets: []string{"Unused", "Not there"}}, plus(perSet(1, 0))},
			"all groups":       {live.Want{AllGroups: true}, plus(map[string]int{"ListGroups": 2})},
			"one name, listed": {live.Want{Users: []string{"nobody"}}, plus(map[string]int{"ListUsers": 2, "GetUserId": 1})},
		} {
			_, client := w.read(c.want, nil, live.Limits{})
			calls := plain(client.Calls())
			if c.want.Sets != nil { // how they are found is another test's
				maps.DeleteFunc(calls, func(op string, _ int) bool {
					return slices.Contains([]string{"ListGroups", "ListUsers", "DescribeGroup", "DescribeUser"}, op)
				})
			}
			maps.DeleteFunc(c.calls, func(_ string, n int) bool { return n == 0 })
			if d := cmp.Diff(c.calls, calls); d != "" {
				t.Errorf("%s: %s", name, d)
			}
		}
	})
}

// TestSearchIsCheap: whichever way to find people is the cheaper one, no more than twice its calls are made.
func TestSearchIsCheap(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newCompany(t)
		for _, n := range []int{0, 1, 2, 3, 10, 50, 250} {
			var names []string
			for i := range n {
				names = append(names, strings.ToUpper(fmt.Sprintf("user-%03d", (i*37)%250)))
			}
			e, c := w.read(live.Want{Users: names}, nil, live.Limits{})
			calls := plain(c.Calls())
			spent := calls["ListUsers"] + calls["GetUserId"] + calls["DescribeUser"]
			if least := min(2*n, 3); spent > 2*least {
				t.Errorf("%d names took %d calls, the cheaper way takes %d", n, spent, least)
			}
			for _, name := range names {
				if !slices.ContainsFunc(e.Users, func(u estate.User) bool { return strings.EqualFold(u.Name, name) }) {
					t.Errorf("%s was not found", name)
				}
			}
		}
		// A user name comes before another's address, wherever in the list they stand.
		for i := range 20 {
			w.User(fmt.Sprintf("user-%03d@example.com", i))
		}
		for i := range 20 {
			name := fmt.Sprintf("user-%03d@example.com", i)
			if e, _ := w.read(live.Want{Users: []string{name}}, nil, live.Limits{}); !slices.ContainsFunc(e.Users, func(u estate.User) bool { return u.Name == name }) {
				t.Errorf("somebody else was taken for %s", name)
			}
		}
		// By e-mail address, and nobody.
		e, _ := w.read(live.Want{Users: []string{"user-249@example.com", "nobody@example.com"}}, nil, live.Limits{})
		if !slices.ContainsFunc(e.Users, func(u estate.User) bool { return u.Name == "user-249" }) || slices.ContainsFunc(e.Users, func(u estate.User) bool { return u.Name == "" }) {
			t.Errorf("%v", e.Users)
		}
	})
}

// TestReadLooksIntoAccounts: policies that sets refer to and accounts lack are found before anything is changed.
func TestReadLooksIntoAccounts(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newCompany(t)
		has := func(account, path, name string) {
			livetest.Must(w.IAM.CreatePolicy(t.Context(), livetest.Tester, localiam.ManagedPolicy{AccountID: account, Name: name, Path: path}, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:GetUser","Resource":"*"}}`))(w)
		}
		own, other := estate.PolicyRef{Name: "Own", Path: "/team/"}, estate.PolicyRef{Name: "Other"}
		has(w.accounts[0], "/team/", "Own")
		has(w.accounts[1], "/team/", "Own")
		has(w.accounts[1], "/", "Other")
		has(w.accounts[2], "/", "Own") // not the same path
		w.OK(w.IAM.Detach(t.Context(), livetest.Tester, localiam.RoleRef(w.accounts[3], "OrganizationAccountAccessRole"), "arn:aws:iam::aws:policy/AdministratorAccess"))
		w.OK(w.IAM.DeleteRole(t.Context(), livetest.Tester, w.accounts[3], "OrganizationAccountAccessRole"))
		e, c := w.read(live.Want{Policies: []live.NeededPolicy{{Policy: own, Accounts: w.accounts[:4]}, {Policy: other, Accounts: append([]string{w.Instance.OwnerAccountID}, w.accounts[1])}}}, nil, live.Limits{})
		other.Path = "/"
		want := []estate.MissingPolicy{{Account: w.accounts[2], Policy: own}, {Account: w.Instance.OwnerAccountID, Policy: other}}
		slices.SortFunc(want, func(a, b estate.MissingPolicy) int { return strings.Compare(a.Account, b.Account) })
		if d := cmp.Diff(want, e.Missing); d != "" {
			t.Error(d)
		}
		if !slices.Equal(e.Unchecked, w.accounts[3:4]) {
			t.Errorf("unchecked %v", e.Unchecked)
		}
		if calls := plain(c.Calls()); calls["AssumeRole"] != 4 || calls["GetPolicy"] != 3 || calls["ListPolicies"] != 1 {
			t.Errorf("%v", calls)
		}
	})
}

// TestReadTakesTheLeast: against AWS's limits, reading takes as long as its calls take at their rate, and 15 % more at the most; and no call is refused for
// being too fast.
func TestReadTakesTheLeast(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newCompany(t)
		_, free := w.read(live.Want{All: true}, nil, live.Limits{})
		p := &livetest.Proxy{Next: w.Transport, Rate: 20, Throttled: 0.01, Latency: 40 * time.Millisecond, Random: rand.New(rand.NewPCG(5, 6))}
		began := time.Now()
		e, c := w.read(live.Want{All: true}, p, live.AWS)
		took, s := time.Since(began), p.Stats()
		calls := 0
		for op, n := range free.Calls() {
			if strings.HasPrefix(op, "sso:") || strings.HasPrefix(op, "identitystore:") {
				calls += n
			}
		}
		least := time.Duration(calls) * time.Second / 20
		t.Logf("%s of %s, %d calls of %d", took, least, s.Total(), calls)
		if took.Seconds() > 1.15*least.Seconds() || float64(s.Total()) > 1.15*float64(calls) || s.TooFast > 0 || s.Random == 0 {
			t.Errorf("%s, where %s would do; %d calls, where %d would do; %+v", took, least, s.Total(), calls, s)
		}
		if len(e.Assignments) != 80 || len(c.Calls()) == 0 {
			t.Errorf("%d assignments", len(e.Assignments))
		}
	})
}

// TestReadSharesTheLimit: where somebody else uses up half of what is allowed, reading slows down and comes to its end.
func TestReadSharesTheLimit(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newCompany(t)
		p := &livetest.Proxy{Next: w.Transport, Rate: 10, Latency: 40 * time.Millisecond, Random: rand.New(rand.NewPCG(5, 6))}
		e, _ := w.read(live.Want{All: true}, p, live.AWS)
		if s := p.Stats(); len(e.Assignments) != 80 || s.TooFast == 0 || s.TooFast > s.Total()/3 {
			t.Errorf("%d assignments; %d of %d calls were too fast", len(e.Assignments), s.TooFast, s.Total())
		}
	})
}

// reply edits the answers of an operation.
type reply struct {
	next http.RoundTripper
	op   string
	edit func(body []byte) []byte
}

func (r reply) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := r.next.RoundTrip(req)
	if err != nil || !strings.HasSuffix(req.Header.Get("X-Amz-Target"), "."+r.op) {
		return res, err
	}
	b, err := io.ReadAll(res.Body)
	res.Body.Close()
	b = r.edit(b)
	res.Body, res.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
	res.Header.Set("Content-Length", fmt.Sprint(len(b)))
	return res, err
}

// TestReadWalksTheTree: where accounts do not tell their paths, the same estate is read by walking the organization.
func TestReadWalksTheTree(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newCompany(t)
		want, _ := w.read(live.Want{All: true}, nil, live.Limits{})
		paths := regexp.MustCompile(`"Paths":\[[^\]]*\],?`)
		got, c := w.read(live.Want{All: true}, reply{w.Transport, "ListAccounts", func(b []byte) []byte { return paths.ReplaceAll(b, nil) }}, live.Limits{})
		if calls := plain(c.Calls()); calls["ListRoots"] != 1 || calls["ListAccountsForParent"] != 5 || calls["ListAccounts"] != 1 {
			t.Errorf("%v", calls)
		}
		got.Taken = want.Taken
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
	})
}

// TestReadAsksAccounts: where accounts are fewer than wanted sets, it is accounts that are asked.
func TestReadAsksAccounts(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := livetest.Start(t)
		a, g := w.Account("", "one", nil), w.Group("Devs")
		for i := range 6 {
			s := w.Set(access.PermissionSet{Name: fmt.Sprintf("S%d", i)})
			if i%2 == 0 {
				w.Assign(a, s, access.Group, g)
			}
		}
		w.Settle()
		w.OK(w.Access.PutInlinePolicy(t.Context(), livetest.Tester, w.Instance.ID, livetest.Must(w.Access.SetByName(t.Context(), w.Instance.ID, "S2"))(t).ID, `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}`))
		c := w.Open(nil, live.Limits{})
		e := livetest.Must(c.Read(t.Context(), live.Want{AllSets: true}, nil))(t)
		calls := plain(c.Calls())
		if calls["ListPermissionSetsProvisionedToAccount"] != 4 || calls["ListAccountsForProvisionedPermissionSet"] != 0 || len(e.Assignments) != 3 || !slices.Equal(e.Sets[2].Behind, []string{a}) || e.Sets[0].Behind != nil {
			t.Errorf("%v; %+v, %+v", calls, e.Assignments, e.Sets)
		}
	})
}

// TestTagsOfSomeAccounts: those that are asked for, by a call each.
func TestTagsOfSomeAccounts(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newCompany(t)
		e, c := w.read(live.Want{}, nil, live.Limits{})
		before := plain(c.Calls())["ListTagsForResource"]
		w.OK(c.AccountTags(t.Context(), e, []string{w.accounts[3], w.accounts[7], "999999999999"}, nil))
		if n := plain(c.Calls())["ListTagsForResource"] - before; n != 2 {
			t.Errorf("%d calls", n)
		}
		for _, a := range e.Accounts {
			if want := slices.Contains([]string{w.accounts[3], w.accounts[7]}, a.ID); (a.Tags["number"] != "") != want {
				t.Errorf("%s %v", a.Name, a.Tags)
			}
		}
	})
}

// TestReadGivesUp: a service that refuses everything is asked a bounded number of times, ever more slowly, and the error says what it said.
func TestReadGivesUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := livetest.Start(t)
		p := &livetest.Proxy{Next: w.Transport, Throttled: 1, Random: rand.New(rand.NewPCG(1, 1))}
		began := time.Now()
		_, err := w.Open(p, live.AWS).Read(t.Context(), live.Want{}, nil)
		if n := p.Stats().Calls["ListInstances"]; live.Code(err) != "ThrottlingException" || n < 10 || n > 30 || time.Since(began) < 20*time.Second || time.Since(began) > 10*time.Minute {
			t.Errorf("after %s and %d calls: %v", time.Since(began), n, err)
		}
		// So is one that breaks off every connection.
		p = &livetest.Proxy{Next: w.Transport, Kill: func(int) bool { return true }, Random: rand.New(rand.NewPCG(1, 1))}
		if _, err := w.Open(p, live.AWS).Read(t.Context(), live.Want{}, nil); err == nil || p.Stats().Calls["ListInstances"] > 10 {
			t.Errorf("%d calls, %v", p.Stats().Calls["ListInstances"], err)
		}
	})
}

// hanging does not answer the first calls.
type hanging struct {
	next http.RoundTripper
	left *atomic.Int32
}

func (h hanging) RoundTrip(r *http.Request) (*http.Response, error) {
	if h.left.Add(-1) >= 0 {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	return h.next.RoundTrip(r)
}

// TestReadAsksAgain: a call that is not answered in a minute is made again; one that is ended by its caller is not.
func TestReadAsksAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := livetest.Start(t)
		h := hanging{w.Transport, new(atomic.Int32)}
		h.left.Store(3)
		if _, err := w.Open(h, live.Limits{}).Read(t.Context(), live.Want{}, nil); err != nil {
			t.Error(err)
		}
		h.left.Store(1000)
		ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
		defer stop()
		if _, err := w.Open(h, live.Limits{}).Read(ctx, live.Want{}, nil); !errors.Is(err, context.DeadlineExceeded) || h.left.Load() != 997 {
			t.Errorf("%v after %d calls", err, 1000-h.left.Load())
		}
	})
}
