package organizations

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"gatehouse/internal/audit"
	"gatehouse/internal/awswire"
	"gatehouse/internal/fault"
	"gatehouse/internal/organization"
	"gatehouse/internal/policy"
	"gatehouse/internal/storage/sqlite"
	"gatehouse/internal/storage/sqlite/sqlitetest"
)

const secret = "the secret of every key in these tests"

// bench is the door over the real organization in a real SQLite, spoken to as clients do: signed, over HTTP.
type bench struct {
	t      *testing.T
	org    organization.Organization
	router http.Handler
	asked  recorder
	opened []string
}

// recorder authenticates key "AKIA" + account as that account's administrator and records what was asked of the
// authorizer; an action in denied is refused.
type recorder struct {
	denied string
	asked  []awswire.Access
}

func (*recorder) Credential(_ context.Context, keyID, _ string) (awswire.Credential[string], error) {
	account := strings.TrimPrefix(keyID, "AKIA")
	arn := "arn:aws:iam::" + account + ":user/admin"
	return awswire.Credential[string]{Secret: secret, Principal: arn, Actor: audit.Actor{Kind: audit.Principal, ID: arn, Name: "admin", AccountID: account}}, nil
}

func (r *recorder) Authorize(_ context.Context, principal string, a awswire.Access) error {
	r.asked = append(r.asked, a)
	if a.Action == r.denied {
		return fault.New(fault.Denied, "User: %s is not authorized to perform: %s", principal, a.Action)
	}
	return nil
}

func newBench(t *testing.T) *bench {
	t.Helper()
	ctx := context.Background()
	db, err := sqlite.Open(ctx, sqlitetest.Path(t), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	b := &bench{t: t}
	opened := func(_ context.Context, _ audit.Actor, _ string, a organization.Account) error {
		b.opened = append(b.opened, a.ID)
		return nil
	}
	org := organization.NewService(organization.Config{Store: db.Organization(), Now: time.Now, Rand: rand.Reader, Opened: opened, CheckPolicy: func(document string) error {
		_, err := policy.Parse([]byte(document), policy.ForOrganization)
		return err
	}})
	if b.org, err = org.Create(ctx, audit.Gatehouse, "Management", "management@example.com"); err != nil {
		t.Fatal(err)
	}
	b.router, err = awswire.NewRouter(awswire.Config[string]{
		Verifier:   &awswire.Verifier[string]{Authenticator: &b.asked, Regions: []string{"us-east-1"}, Now: time.Now},
		Authorizer: &b.asked, Random: rand.Reader, Log: slog.New(slog.DiscardHandler),
	}, New[string](org).Service())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// as sends one request from an account's administrator and returns the status and the answer.
func (b *bench) as(account, operation, body string) (int, map[string]any) {
	b.t.Helper()
	r := httptest.NewRequest("POST", "http://gatehouse.test/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "AWSOrganizationsV20161128."+operation)
	if err := awswire.Sign(r, []byte(body), awswire.Key{ID: "AKIA" + account, Secret: secret}, "us-east-1", "organizations", time.Now()); err != nil {
		b.t.Fatal(err)
	}
	w := httptest.NewRecorder()
	b.router.ServeHTTP(w, r)
	var out map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
		b.t.Fatalf("%s: the answer is not JSON: %s", operation, w.Body)
	}
	return w.Code, out
}

// do sends a request that must succeed.
func (b *bench) do(operation, body string) map[string]any {
	b.t.Helper()
	status, out := b.as(b.org.ManagementAccountID, operation, body)
	if status != 200 {
		b.t.Fatalf("%s %s: %d %v", operation, body, status, out)
	}
	return out
}

// refused sends a request that must fail with the code, and returns the error.
func (b *bench) refused(code, operation, body string) map[string]any {
	b.t.Helper()
	status, out := b.as(b.org.ManagementAccountID, operation, body)
	if status == 200 || out["__type"] != code {
		b.t.Errorf("%s %s: %d %v, want %s", operation, body, status, out, code)
	}
	return out
}

func (b *bench) account(name string) string {
	b.t.Helper()
	out := b.do("CreateAccount", `{"AccountName":"`+name+`","Email":"`+name+`@example.com"}`)
	return in[string](b.t, out, "CreateAccountStatus", "AccountId")
}

func (b *bench) unit(parent, name string) string {
	b.t.Helper()
	return in[string](b.t, b.do("CreateOrganizationalUnit", `{"ParentId":"`+parent+`","Name":"`+name+`"}`), "OrganizationalUnit", "Id")
}

// in walks into nested objects and returns what is there.
func in[T any](t *testing.T, v any, path ...string) T {
	t.Helper()
	for _, p := range path {
		m, ok := v.(map[string]any)
		if !ok {
			t.Fatalf("no object at %s in %v", p, v)
		}
		v = m[p]
	}
	out, ok := v.(T)
	if !ok {
		t.Fatalf("got %v (%T) at %v", v, v, path)
	}
	return out
}

func TestOrganizationAndRoot(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	member := b.account("one")
	status, out := b.as(member, "DescribeOrganization", ``)
	o := in[map[string]any](t, out, "Organization")
	prefix := "arn:aws:organizations::" + b.org.ManagementAccountID + ":"
	want := map[string]any{"Id": b.org.ID, "Arn": prefix + "organization/" + b.org.ID, "FeatureSet": "ALL", "MasterAccountId": b.org.ManagementAccountID,
		"MasterAccountArn": prefix + "account/" + b.org.ID + "/" + b.org.ManagementAccountID, "MasterAccountEmail": "management@example.com", "AvailablePolicyTypes": []any{}}
	if diff := cmp.Diff(want, o); status != 200 || diff != "" {
		t.Errorf("DescribeOrganization by a member: %d (-want +got):\n%s", status, diff)
	}
	roots := b.do("ListRoots", `{}`)["Roots"]
	if diff := cmp.Diff([]any{map[string]any{"Id": b.org.RootID, "Arn": prefix + "root/" + b.org.ID + "/" + b.org.RootID, "Name": "Root", "PolicyTypes": []any{}}}, roots); diff != "" {
		t.Errorf("ListRoots (-want +got):\n%s", diff)
	}
}

func TestAccountLife(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	status := in[map[string]any](t, b.do("CreateAccount", `{"AccountName":"One","Email":"one@example.com","RoleName":"OrganizationAccountAccessRole","Tags":[{"Key":"env","Value":"dev"}]}`), "CreateAccountStatus")
	id := in[string](t, status, "AccountId")
	if status["State"] != "IN_PROGRESS" || !slices.Contains(b.opened, id) {
		t.Errorf("CreateAccount = %v, opened %v", status, b.opened)
	}
	again := b.do("DescribeCreateAccountStatus", `{"CreateAccountRequestId":"`+in[string](t, status, "Id")+`"}`)["CreateAccountStatus"]
	status["State"], status["CompletedTimestamp"] = "SUCCEEDED", status["RequestedTimestamp"]
	if diff := cmp.Diff(any(status), again); diff != "" {
		t.Errorf("DescribeCreateAccountStatus (-want +got):\n%s", diff)
	}
	ou := b.unit(b.org.RootID, "Workloads")
	inner := b.unit(ou, "Prod")
	b.do("MoveAccount", `{"AccountId":"`+id+`","SourceParentId":"`+b.org.RootID+`","DestinationParentId":"`+inner+`"}`)
	got := in[map[string]any](t, b.do("DescribeAccount", `{"AccountId":"`+id+`"}`), "Account")
	if _, number := got["JoinedTimestamp"].(float64); !number {
		t.Errorf("JoinedTimestamp = %v", got["JoinedTimestamp"])
	}
	delete(got, "JoinedTimestamp")
	want := map[string]any{"Id": id, "Arn": "arn:aws:organizations::" + b.org.ManagementAccountID + ":account/" + b.org.ID + "/" + id, "Email": "one@example.com", "Name": "One",
		"Status": "ACTIVE", "State": "ACTIVE", "JoinedMethod": "CREATED", "Paths": []any{b.org.ID + "/" + b.org.RootID + "/" + ou + "/" + inner + "/" + id + "/"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("DescribeAccount (-want +got):\n%s", diff)
	}
	if out := b.do("ListParents", `{"ChildId":"`+id+`"}`); !cmp.Equal(out["Parents"], []any{map[string]any{"Id": inner, "Type": "ORGANIZATIONAL_UNIT"}}) {
		t.Errorf("ListParents = %v", out)
	}
	if out := b.do("ListParents", `{"ChildId":"`+ou+`"}`); !cmp.Equal(out["Parents"], []any{map[string]any{"Id": b.org.RootID, "Type": "ROOT"}}) {
		t.Errorf("ListParents = %v", out)
	}
	if out := b.do("ListAccountsForParent", `{"ParentId":"`+inner+`"}`); len(in[[]any](t, out, "Accounts")) != 1 {
		t.Errorf("ListAccountsForParent = %v", out)
	}
	failed := in[map[string]any](t, b.do("CreateAccount", `{"AccountName":"Two","Email":"ONE@example.com"}`), "CreateAccountStatus")
	if failed["State"] != "IN_PROGRESS" || failed["AccountId"] != nil {
		t.Errorf("a taken address: %v", failed)
	}
	became := in[map[string]any](t, b.do("DescribeCreateAccountStatus", `{"CreateAccountRequestId":"`+in[string](t, failed, "Id")+`"}`), "CreateAccountStatus")
	if became["State"] != "FAILED" || became["FailureReason"] != "EMAIL_ALREADY_EXISTS" || became["AccountId"] != nil {
		t.Errorf("a taken address became %v", became)
	}
	if list := in[[]any](t, b.do("ListCreateAccountStatus", `{"States":["FAILED"]}`), "CreateAccountStatuses"); len(list) != 1 || !cmp.Equal(list[0], any(became)) {
		t.Errorf("ListCreateAccountStatus = %v", list)
	}
	if list := in[[]any](t, b.do("ListCreateAccountStatus", `{}`), "CreateAccountStatuses"); len(list) != 2 {
		t.Errorf("ListCreateAccountStatus = %v", list)
	}
	b.refused("InvalidInputException", "CreateAccount", `{"AccountName":"Two","Email":"two@example.com","RoleName":"Mine"}`)
	b.refused("AccountNotFoundException", "DescribeAccount", `{"AccountId":"000000000001"}`)
	b.refused("CreateAccountStatusNotFoundException", "DescribeCreateAccountStatus", `{"CreateAccountRequestId":"car-000000000001"}`)
	b.refused("SourceParentNotFoundException", "MoveAccount", `{"AccountId":"`+id+`","SourceParentId":"`+b.org.RootID+`","DestinationParentId":"`+ou+`"}`)
	b.refused("DestinationParentNotFoundException", "MoveAccount", `{"AccountId":"`+id+`","SourceParentId":"`+inner+`","DestinationParentId":"ou-`+b.org.RootID[2:]+`-00000000"}`)
	b.refused("DuplicateAccountException", "MoveAccount", `{"AccountId":"`+id+`","SourceParentId":"`+inner+`","DestinationParentId":"`+inner+`"}`)
	b.refused("ChildNotFoundException", "ListParents", `{"ChildId":"000000000001"}`)
}

func TestUnitLife(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ou := b.unit(b.org.RootID, "A")
	b.refused("DuplicateOrganizationalUnitException", "CreateOrganizationalUnit", `{"ParentId":"`+b.org.RootID+`","Name":"A"}`)
	if out := b.do("UpdateOrganizationalUnit", `{"OrganizationalUnitId":"`+ou+`","Name":"B"}`); in[string](t, out, "OrganizationalUnit", "Name") != "B" {
		t.Errorf("UpdateOrganizationalUnit = %v", out)
	}
	child := b.unit(ou, "C")
	got := in[map[string]any](t, b.do("DescribeOrganizationalUnit", `{"OrganizationalUnitId":"`+child+`"}`), "OrganizationalUnit")
	want := map[string]any{"Id": child, "Name": "C", "Arn": "arn:aws:organizations::" + b.org.ManagementAccountID + ":ou/" + b.org.ID + "/" + child, "Path": b.org.ID + "/" + b.org.RootID + "/" + ou + "/" + child + "/"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("DescribeOrganizationalUnit (-want +got):\n%s", diff)
	}
	b.refused("OrganizationalUnitNotEmptyException", "DeleteOrganizationalUnit", `{"OrganizationalUnitId":"`+ou+`"}`)
	b.do("DeleteOrganizationalUnit", `{"OrganizationalUnitId":"`+child+`"}`)
	b.refused("OrganizationalUnitNotFoundException", "DescribeOrganizationalUnit", `{"OrganizationalUnitId":"`+child+`"}`)
	b.refused("ParentNotFoundException", "ListOrganizationalUnitsForParent", `{"ParentId":"`+child+`"}`)
	b.refused("ParentNotFoundException", "ListChildren", `{"ParentId":"`+child+`","ChildType":"ACCOUNT"}`)
	b.refused("InvalidInputException", "ListChildren", `{"ParentId":"`+ou+`","ChildType":"ROOT"}`)
	deep := b.org.RootID
	for i := range organization.MaxDepth {
		deep = b.unit(deep, fmt.Sprintf("level %d", i+1))
	}
	if e := b.refused("ConstraintViolationException", "CreateOrganizationalUnit", `{"ParentId":"`+deep+`","Name":"too deep"}`); e["Reason"] != "OU_DEPTH_LIMIT_EXCEEDED" {
		t.Errorf("too deep: %v", e)
	}
}

func TestListsPageThroughAll(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const n = 23
	for i := range n {
		b.account(fmt.Sprintf("a%02d", i))
		if i < 3 {
			b.unit(b.org.RootID, fmt.Sprintf("u%d", i))
		}
	}
	for _, l := range []struct {
		op, input, member, id string
		want                  int
	}{
		{"ListAccounts", `{`, "Accounts", "Id", n + 1},
		{"ListAccounts", `{"MaxResults":5,`, "Accounts", "Id", n + 1},
		{"ListAccountsForParent", `{"MaxResults":7,"ParentId":"` + b.org.RootID + `",`, "Accounts", "Id", n + 1},
		{"ListChildren", `{"MaxResults":2,"ChildType":"ORGANIZATIONAL_UNIT","ParentId":"` + b.org.RootID + `",`, "Children", "Id", 3},
		{"ListChildren", `{"ChildType":"ACCOUNT","ParentId":"` + b.org.RootID + `",`, "Children", "Id", n + 1},
		{"ListOrganizationalUnitsForParent", `{"MaxResults":1,"ParentId":"` + b.org.RootID + `",`, "OrganizationalUnits", "Id", 3},
	} {
		seen := map[string]bool{}
		token, rows := "", 0
		for pages := 0; pages <= n+1; pages++ {
			out := b.do(l.op, strings.TrimSuffix(l.input+token, ",")+`}`)
			for _, row := range in[[]any](t, out, l.member) {
				seen[in[string](t, row, l.id)], rows = true, rows+1
			}
			next, more := out["NextToken"].(string)
			if !more {
				break
			}
			token = `"NextToken":"` + next + `"`
		}
		if len(seen) != l.want || rows != l.want {
			t.Errorf("%s %s: %d rows, %d of them different, want %d", l.op, l.input, rows, len(seen), l.want)
		}
	}
	if e := b.refused("InvalidInputException", "ListAccounts", `{"NextToken":"made-up"}`); e["Reason"] != "INVALID_NEXT_TOKEN" {
		t.Errorf("a made-up token: %v", e)
	}
}

func TestTags(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, id := range []string{b.account("one"), b.unit(b.org.RootID, "A"), b.org.RootID, b.policy("P", allowAll)} {
		on := `{"ResourceId":"` + id + `"`
		b.do("TagResource", on+`,"Tags":[{"Key":"b","Value":""},{"Key":"a","Value":"1"}]}`)
		b.do("UntagResource", on+`,"TagKeys":["b"]}`)
		if diff := cmp.Diff(map[string]any{"Tags": []any{map[string]any{"Key": "a", "Value": "1"}}}, b.do("ListTagsForResource", on+`}`)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", id, diff)
		}
	}
	if e := b.refused("InvalidInputException", "TagResource", `{"ResourceId":"`+b.org.RootID+`","Tags":[{"Key":"a","Value":"1"},{"Key":"a","Value":"2"}]}`); e["Reason"] != "DUPLICATE_TAG_KEY" {
		t.Errorf("a key twice: %v", e)
	}
	b.refused("InvalidInputException", "TagResource", `{"ResourceId":"p-FullAWSAccess","Tags":[{"Key":"a","Value":"1"}]}`)
	b.refused("TargetNotFoundException", "TagResource", `{"ResourceId":"000000000001","Tags":[{"Key":"a","Value":"1"}]}`)
	b.refused("TargetNotFoundException", "ListTagsForResource", `{"ResourceId":"r-zzzzzzzz"}`)
}

func TestWhoMayCall(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	member := b.account("one")
	for op, body := range map[string]string{"ListAccounts": `{}`, "DescribeAccount": `{"AccountId":"` + member + `"}`, "CreateAccount": `{"AccountName":"Two","Email":"two@example.com"}`} {
		if status, out := b.as(member, op, body); status == 200 || out["__type"] != "AccessDeniedException" {
			t.Errorf("%s by a member account: %d %v", op, status, out)
		}
	}
	b.asked.denied, b.asked.asked = "organizations:MoveAccount", nil
	ou := b.unit(b.org.RootID, "A")
	b.asked.asked = nil
	b.refused("AccessDeniedException", "MoveAccount", `{"AccountId":"`+member+`","SourceParentId":"`+b.org.RootID+`","DestinationParentId":"`+ou+`"}`)
	prefix := "arn:aws:organizations::" + b.org.ManagementAccountID + ":"
	want := []string{prefix + "account/" + b.org.ID + "/" + member, prefix + "root/" + b.org.ID + "/" + b.org.RootID, prefix + "ou/" + b.org.ID + "/" + ou}
	if !slices.Equal(b.asked.asked[0].Resources, want) {
		t.Errorf("asked %v, want %v", b.asked.asked[0].Resources, want)
	}
	b.refused("UnsupportedOperationException", "LeaveOrganization", `{}`)
}

// TestNoOperationTakesGarbage sends every operation of the model malformed inputs: none succeeds unless it
// has no input at all, none answers 500.
func TestNoOperationTakesGarbage(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, o := range model.Operations {
		for _, body := range []string{`{"ParentId":`, `[]`, `null`, `{"ParentId":"x","ParentId":"x"}`, "{\"\xff\":1}"} {
			if status, out := b.as(b.org.ManagementAccountID, o.Name, body); status != 400 {
				t.Errorf("%s %s: %d %v", o.Name, body, status, out)
			}
		}
		if status, out := b.as(b.org.ManagementAccountID, o.Name, `{"MaxResults":0,"AccountId":"x","ParentId":"é","ChildId":"","ResourceId":"arn:x","OrganizationalUnitId":"ou-","NextToken":"x"}`); status >= 500 || status == 200 && o.Name != "DescribeOrganization" {
			t.Errorf("%s with wrong values: %d %v", o.Name, status, out)
		}
	}
}
