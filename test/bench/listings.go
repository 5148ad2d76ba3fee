package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"gatehouse/internal/app"
	"gatehouse/internal/arn"
	"gatehouse/internal/directory"
	"gatehouse/internal/organization"
	"gatehouse/test/process"
)

// listing is a list operation: page asks for one page, the first when after is empty, and returns what leads to the next.
type listing struct {
	name string
	page func(ctx context.Context, after string) (next string, err error)
}

// listings walks every listing to its end, and then measures its first and its last full page in turns.
func (s *stage) listings(ctx context.Context, e estate) error {
	all, err := s.everyListing(ctx, e)
	if err != nil {
		return err
	}
	fmt.Printf("\n%-58s %8s %10s %10s %10s %10s %10s\n", "listing", "pages", "first p50", "last p50", "first p99", "last p99", "last/first")
	for _, l := range all {
		if !strings.Contains(l.name, *only) {
			continue
		}
		if err := l.measure(ctx); err != nil {
			return fmt.Errorf("%s: %w", l.name, err)
		}
	}
	return nil
}

func (l listing) measure(ctx context.Context) error {
	pages, last := 0, ""
	for at := ""; ; {
		next, err := l.page(ctx, at)
		if err != nil {
			return fmt.Errorf("page %d: %w", pages+1, err)
		}
		pages++
		if next == "" {
			break
		}
		last, at = at, next
	}
	rounds := 200
	if *quick {
		rounds = 40
	}
	var took [2][]time.Duration
	for range rounds {
		for i, at := range []string{"", last} {
			begin := time.Now()
			if _, err := l.page(ctx, at); err != nil {
				return err
			}
			took[i] = append(took[i], time.Since(begin))
		}
	}
	quantile := func(i int, q float64) time.Duration {
		return took[i][int(q*float64(len(took[i])-1))].Round(10 * time.Microsecond)
	}
	slices.Sort(took[0])
	slices.Sort(took[1])
	fmt.Printf("%-58s %8d %10s %10s %10s %10s %10.2f\n", l.name, pages, quantile(0, 0.5), quantile(1, 0.5), quantile(0, 0.99), quantile(1, 0.99),
		float64(quantile(1, 0.5))/float64(quantile(0, 0.5)))
	return nil
}

func (s *stage) everyListing(ctx context.Context, e estate) ([]listing, error) {
	o, err := s.Organization.Organization(ctx)
	if err != nil {
		return nil, err
	}
	busy, err := s.Directory.User(ctx, e.busiest)
	if err != nil {
		return nil, err
	}
	token, err := s.signedIn(ctx, busy)
	if err != nil {
		return nil, err
	}
	old, err := s.Directory.Tokens(ctx, app.DefaultSource)
	if err != nil {
		return nil, err
	}
	for _, t := range old { // a kept estate has those of earlier runs
		if err := s.Directory.DeleteToken(ctx, bencher, app.DefaultSource, t.ID); err != nil {
			return nil, err
		}
	}
	_, scimToken, err := s.Directory.CreateToken(ctx, bencher, app.DefaultSource, 0)
	if err != nil {
		return nil, err
	}
	return slices.Concat(s.ssoAdmin(e), s.identityStore(e), s.organizations(o), s.iam(), s.portal(e, token), s.scimLists(e, busy, scimToken), s.adminLists()), nil
}

// asJSON is a listing of an AWS JSON service.
func (s *stage) asJSON(target, operation, note string, in map[string]any) listing {
	c := s.client()
	return listing{operation + note, func(ctx context.Context, after string) (string, error) {
		body := map[string]any{}
		for k, v := range in {
			body[k] = v
		}
		if after != "" {
			body["NextToken"] = after
		}
		var out struct{ NextToken string }
		err := c.Call(ctx, target, operation, body, &out)
		return out.NextToken, err
	}}
}

func (s *stage) ssoAdmin(e estate) []listing {
	instance := arn.Instance(s.Instance.ID)
	list := func(operation, note string, in map[string]any) listing {
		body := map[string]any{"InstanceArn": instance, "MaxResults": 100}
		for k, v := range in {
			body[k] = v
		}
		return s.asJSON(process.SSOAdmin, operation, note, body)
	}
	set := func(i int) string { return arn.PermissionSet(s.Instance.ID, e.sets[i]) }
	out := []listing{
		list("ListPermissionSets", "", nil),
		list("ListAccountAssignments", " (20,000 users)", map[string]any{"AccountId": e.accounts[1], "PermissionSetArn": set(1)}),
		list("ListAccountAssignmentsForPrincipal", " (a group everywhere)", map[string]any{"PrincipalType": "GROUP", "PrincipalId": e.groups[2]}),
		list("ListAccountAssignmentsForPrincipal", " (a user with 1,000 groups)", map[string]any{"PrincipalType": "USER", "PrincipalId": e.busiest}),
		list("ListAccountsForProvisionedPermissionSet", " (everywhere)", map[string]any{"PermissionSetArn": set(0)}),
		list("ListPermissionSetsProvisionedToAccount", " (500 sets)", map[string]any{"AccountId": e.accounts[2]}),
		list("ListAccountAssignmentCreationStatus", "", nil),
		list("ListAccountAssignmentCreationStatus", " (succeeded)", map[string]any{"Filter": map[string]any{"Status": "SUCCEEDED"}}),
		list("ListApplications", "", nil),
	}
	if e.application.ID != "" {
		out = append(out, s.asJSON(process.SSOAdmin, "ListApplicationAssignments", " (20,000 users)", map[string]any{"ApplicationArn": e.application.ARN(), "MaxResults": 100}))
	}
	return out
}

func (s *stage) identityStore(e estate) []listing {
	list := func(operation, note string, in map[string]any) listing {
		body := map[string]any{"IdentityStoreId": s.Instance.IdentityStoreID, "MaxResults": 100}
		for k, v := range in {
			body[k] = v
		}
		return s.asJSON(process.IdentityStore, operation, note, body)
	}
	return []listing{
		list("ListUsers", "", nil),
		list("ListGroups", "", nil),
		list("ListGroupMemberships", " (100,000 members)", map[string]any{"GroupId": e.groups[0]}),
		list("ListGroupMembershipsForMember", " (1,000 groups)", map[string]any{"MemberId": map[string]string{"UserId": e.busiest}}),
	}
}

func (s *stage) organizations(o organization.Organization) []listing {
	list := func(operation string, in map[string]any) listing {
		return s.asJSON(process.Organizations, operation, "", in)
	}
	return []listing{
		list("ListAccounts", nil),
		list("ListAccountsForParent", map[string]any{"ParentId": o.RootID}),
		list("ListOrganizationalUnitsForParent", map[string]any{"ParentId": o.RootID}),
		list("ListChildren", map[string]any{"ParentId": o.RootID, "ChildType": "ACCOUNT"}),
		list("ListTargetsForPolicy", map[string]any{"PolicyId": organization.FullAccessID}),
	}
}

var marker = regexp.MustCompile(`<Marker>([^<]*)</Marker>`)

// iam are listings of the Query protocol.
func (s *stage) iam() []listing {
	c := s.client()
	list := func(operation, note string, in map[string]string) listing {
		return listing{operation + note, func(ctx context.Context, after string) (string, error) {
			form := url.Values{"Action": {operation}, "Version": {"2010-05-08"}, "MaxItems": {"100"}}
			for k, v := range in {
				form.Set(k, v)
			}
			if after != "" {
				form.Set("Marker", after)
			}
			body := []byte(form.Encode())
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL+"/", bytes.NewReader(body))
			if err != nil {
				return "", err
			}
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
			answer, err := signedRequest(ctx, c, req, body, "iam")
			if err != nil {
				return "", err
			}
			if m := marker.FindSubmatch(answer); m != nil {
				return string(m[1]), nil
			}
			return "", nil
		}}
	}
	everybodys := "arn:aws:iam::" + s.Instance.OwnerAccountID + ":policy/Everybodys"
	return []listing{
		list("iam ListUsers", "", map[string]string{"Action": "ListUsers"}),
		list("iam ListRoles", "", map[string]string{"Action": "ListRoles"}),
		list("iam ListPolicies", "", map[string]string{"Action": "ListPolicies", "Scope": "Local"}),
		list("iam GetGroup", " (1,000 users)", map[string]string{"Action": "GetGroup", "GroupName": "everybody"}),
		list("iam ListEntitiesForPolicy", " (1,000 roles)", map[string]string{"Action": "ListEntitiesForPolicy", "PolicyArn": everybodys}),
		list("iam GetAccountAuthorizationDetails", "", map[string]string{"Action": "GetAccountAuthorizationDetails"}),
	}
}

// signedRequest signs a request, sends it, and returns the body of a good answer.
func signedRequest(ctx context.Context, c *process.Client, req *http.Request, body []byte, service string) ([]byte, error) {
	sum := sha256.Sum256(body)
	cred := aws.Credentials{AccessKeyID: c.Key, SecretAccessKey: c.Secret}
	if err := v4.NewSigner().SignHTTP(ctx, cred, req, hex.EncodeToString(sum[:]), service, c.Region, time.Now()); err != nil {
		return nil, err
	}
	return deliver(c.HTTP, req)
}

// deliver sends a request and returns the body of a good answer.
func deliver(c *http.Client, req *http.Request) ([]byte, error) {
	res, err := c.Do(req)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(res.Body)
	if err = errors.Join(err, res.Body.Close()); err == nil && res.StatusCode >= 300 {
		err = fmt.Errorf("HTTP %d %s", res.StatusCode, b)
	}
	return b, err
}

// get is a listing by GET whose answer has the next page's token under a name.
func (s *stage) get(name, path, parameter, next string, header http.Header) listing {
	c := s.client()
	return listing{name, func(ctx context.Context, after string) (string, error) {
		at := path
		if after != "" {
			at = strings.TrimSuffix(at, "&cursor") + "&" + parameter + "=" + url.QueryEscape(after)
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+at, nil)
		if err != nil {
			return "", err
		}
		var b []byte
		if header != nil {
			req.Header = header
			b, err = deliver(c.HTTP, req)
		} else {
			b, err = signedRequest(ctx, c, req, nil, "gatehouse")
		}
		if err != nil {
			return "", err
		}
		out := map[string]any{}
		if err := json.Unmarshal(b, &out); err != nil {
			return "", err
		}
		token, _ := out[next].(string)
		return token, nil
	}}
}

// portal is what a person with very much sees.
func (s *stage) portal(e estate, token string) []listing {
	h := http.Header{"X-Amz-Sso_bearer_token": {token}}
	return []listing{
		s.get("sso ListAccounts (a person who reaches all of them)", "/assignment/accounts?max_result=100", "next_token", "nextToken", h),
		s.get("sso ListAccountRoles", "/assignment/roles?account_id="+e.accounts[2]+"&max_result=100", "next_token", "nextToken", h),
	}
}

func (s *stage) scimLists(e estate, busy directory.User, token string) []listing {
	h := http.Header{"Authorization": {"Bearer " + token}}
	at := "/scim/" + app.DefaultSource + "/v2"
	byIndex := func(name, path string, total int) listing {
		return listing{name, func(ctx context.Context, after string) (string, error) {
			start := 1
			if after != "" {
				start, _ = strconv.Atoi(after)
			}
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("%s%s&startIndex=%d", s.url+at, path, start), nil)
			if err != nil {
				return "", err
			}
			req.Header = h
			if _, err := deliver(http.DefaultClient, req); err != nil || start+100 > total {
				return "", err
			}
			if after == "" { // pages between are not walked: the client names any place it likes
				return strconv.Itoa(total - 199), nil
			}
			return strconv.Itoa(start + 100), nil
		}}
	}
	filter := url.QueryEscape(`userName eq "` + busy.UserName + `"`)
	return []listing{
		byIndex("SCIM GET /Users by index", "/Users?count=100", len(e.users)),
		byIndex("SCIM GET /Groups without members, by index", "/Groups?count=100&excludedAttributes=members", len(e.groups)),
		s.get("SCIM GET /Users by cursor", at+"/Users?count=100&cursor", "cursor", "nextCursor", h),
		s.get("SCIM GET /Users?filter=userName eq …", at+"/Users?filter="+filter, "", "", h),
		s.get("SCIM GET /Groups?filter=displayName eq …", at+"/Groups?excludedAttributes=members&filter="+url.QueryEscape(`displayName eq "`+groupName(7)+`"`), "", "", h),
	}
}

func (s *stage) adminLists() []listing {
	return []listing{
		s.get("admin GET /users", "/api/v1/users?limit=100", "after", "next", nil),
		s.get("admin GET /groups", "/api/v1/groups?limit=100", "after", "next", nil),
		s.get("admin GET /events", "/api/v1/events?limit=1000", "before", "next", nil),
	}
}
