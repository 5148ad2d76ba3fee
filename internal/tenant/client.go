package tenant

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// client sends SCIM requests the way a product's provisioning does.
type client struct {
	base  string // the tenant URL up to its query, exactly as given
	token string
	http  *http.Client
	p     *product
	// agent is the User-Agent; none is sent when it is empty.
	agent string
	// sent counts requests.
	sent int
}

func (t *Tenant) newClient(s Settings, token string) *client {
	base, _, _ := strings.Cut(s.BaseURL, "?")
	c := &client{base: base, token: token, http: t.http, p: products[s.Dialect], agent: products[s.Dialect].agent}
	if s.Chaos.NoUserAgent {
		c.agent = ""
	}
	return c
}

// answer is what came back.
type answer struct {
	status int
	body   map[string]any // nil when the body is not a JSON object
	raw    string         // the beginning of the body, for the log
}

// maxAnswer caps how much of an answer is read.
const maxAnswer = 8 << 20

// failure is an export or look-up that did not work.
type failure struct {
	code   string
	status int // 0 when there was no answer
	detail string
}

// Error gives code and detail; the detail quotes the answer, never the request's headers.
func (f *failure) Error() string { return f.code + ": " + f.detail }

// errorPrefix begins the error codes of this connector in Entra's provisioning log.
const errorPrefix = "SystemForCrossDomainIdentityManagement"

// failed names what went wrong as the provisioning log does.
func failed(what string, a answer) *failure {
	code := map[int]string{
		400: "BadRequest", 401: "InvalidCredentials", 403: "Forbidden", 404: "NotFound", 409: "Conflict",
		429: "TooManyRequests", 500: "InternalServerError", 502: "BadGateway", 503: "ServiceUnavailable", 504: "GatewayTimeout",
	}[a.status]
	if code == "" {
		code = "BadResponse"
	}
	return &failure{code: errorPrefix + code, status: a.status, detail: fmt.Sprintf("%s: status %d: %s", what, a.status, a.raw)}
}

func incompatible(what string, a answer) *failure {
	return &failure{code: errorPrefix + "ServiceIncompatible", status: a.status, detail: fmt.Sprintf("%s: status %d is not a SCIM answer: %s", what, a.status, a.raw)}
}

// do sends one request. query is sent as it is. A nil body sends none and no Content-Type.
func (c *client) do(ctx context.Context, method, path, query string, body any) (answer, error) {
	addr := c.base + path
	if query != "" {
		addr += "?" + query
	}
	var rd io.Reader
	if body != nil {
		b, err := compact(body)
		if err != nil {
			return answer{}, err
		}
		rd = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, addr, rd)
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	req.Header.Set("Accept", "application/scim+json")
	req.Header.Set("User-Agent", c.agent) // an empty one is left out
	if body != nil || c.p.typed {
		req.Header.Set("Content-Type", c.p.mediaType)
	}
	c.sent++
	res, err := c.http.Do(req)
	if err != nil {
		var ue *url.Error // names method and address, without the token
		if errors.As(err, &ue) {
			err = ue.Err
		}
		return answer{}, &failure{code: errorPrefix + "ServiceUnavailable", detail: fmt.Sprintf("%s %s: %v", method, path, err)}
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return answer{}, &failure{code: errorPrefix + "ServiceUnavailable", detail: fmt.Sprintf("%s %s: the answer broke off: %v", method, path, err)}
	}
	a := answer{status: res.StatusCode, raw: clip(strings.ToValidUTF8(string(b), "?"), 400)}
	if json.Unmarshal(b, &a.body) != nil {
		a.body = nil
	}
	return a, nil
}

// find sends a filtered GET and returns the resources. extra goes before the filter, trailer after it.
func (c *client) find(ctx context.Context, kind, extra, filter, trailer string) ([]map[string]any, error) {
	q := extra + "filter=" + c.p.escape(filter) + trailer
	what := "GET /" + kind + "?" + q
	a, err := c.do(ctx, http.MethodGet, "/"+kind, q, nil)
	if err != nil {
		return nil, err
	}
	if a.status == http.StatusNotFound {
		return nil, incompatible(what, a) // a filtered query that finds nothing is 200 with an empty list
	}
	out, _, err := resources(what, a)
	return out, err
}

// resources reads a list, and how many there are in all.
func resources(what string, a answer) ([]map[string]any, int, error) {
	if a.status != http.StatusOK {
		return nil, 0, failed(what, a)
	}
	list, isList := a.body["Resources"].([]any)
	total, ok := a.body["totalResults"].(float64)
	if !ok || (!isList && a.body["Resources"] != nil) {
		return nil, 0, incompatible(what, a)
	}
	out := make([]map[string]any, 0, len(list))
	for _, r := range list {
		m, ok := r.(map[string]any)
		if id, _ := m["id"].(string); !ok || id == "" {
			return nil, 0, incompatible(what, a)
		}
		out = append(out, m)
	}
	return out, int(total), nil
}

// everything reads a collection page by page, as long as pages the application likes to give.
func (c *client) everything(ctx context.Context, kind string) ([]map[string]any, error) {
	var all []map[string]any
	for query := ""; ; query = fmt.Sprintf("startIndex=%d", len(all)+1) {
		a, err := c.do(ctx, http.MethodGet, "/"+kind, query, nil)
		if err != nil {
			return nil, err
		}
		page, total, err := resources("GET /"+kind, a)
		if err != nil {
			return nil, err
		}
		if all = append(all, page...); len(all) >= total || len(page) == 0 {
			return all, nil
		}
	}
}

// quote writes s as a filter literal.
func quote(s string) string { return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"` }

const withoutMembers = "excludedAttributes=members&"

func (c *client) findUsers(ctx context.Context, attr, val string) ([]map[string]any, error) {
	return c.find(ctx, "Users", "", attr+" eq "+quote(val), c.p.page)
}

func (c *client) findGroups(ctx context.Context, name string) ([]map[string]any, error) {
	extra := ""
	if c.p.asks { // who asks about members one by one does not want them listed
		extra = withoutMembers
	}
	return c.find(ctx, "Groups", extra, "displayName eq "+quote(name), c.p.page)
}

// hasMember asks whether user is in group, without asking for the members.
func (c *client) hasMember(ctx context.Context, group, user string) (bool, error) {
	l, err := c.find(ctx, "Groups", "", "id eq "+quote(group)+" and members eq "+quote(user), "&attributes=id")
	return len(l) > 0, err
}

// hasManager asks whether manager is user's manager.
func (c *client) hasManager(ctx context.Context, user, manager string) (bool, error) {
	l, err := c.find(ctx, "Users", "", "id eq "+quote(user)+" and manager eq "+quote(manager), "&attributes=id")
	return len(l) > 0, err
}

// get reads a resource by its cached identifier; nil without an error means that it is gone.
func (c *client) get(ctx context.Context, kind, id string) (map[string]any, error) {
	query := ""
	if kind == "Groups" && c.p.asks {
		query = strings.TrimSuffix(withoutMembers, "&")
	}
	a, err := c.do(ctx, http.MethodGet, "/"+kind+"/"+url.PathEscape(id), query, nil)
	switch {
	case err != nil:
		return nil, err
	case a.status == http.StatusNotFound:
		return nil, nil
	case a.status != http.StatusOK:
		return nil, failed("GET /"+kind+"/"+id, a)
	case a.body == nil:
		return nil, incompatible("GET /"+kind+"/"+id, a)
	}
	return a.body, nil
}

// create posts a resource and returns the identifier it was given.
func (c *client) create(ctx context.Context, kind string, body object) (string, error) {
	a, err := c.do(ctx, http.MethodPost, "/"+kind, "", body)
	if err != nil {
		return "", err
	}
	if a.status != http.StatusCreated && a.status != http.StatusOK {
		return "", failed("POST /"+kind, a)
	}
	id, _ := a.body["id"].(string)
	if id == "" {
		return "", incompatible("POST /"+kind, a)
	}
	return id, nil
}

func (c *client) patch(ctx context.Context, kind, id string, body object) error {
	return c.write(ctx, http.MethodPatch, kind, id, body)
}

func (c *client) put(ctx context.Context, kind, id string, body object) error {
	return c.write(ctx, http.MethodPut, kind, id, body)
}

// write changes a resource.
func (c *client) write(ctx context.Context, method, kind, id string, body object) error {
	a, err := c.do(ctx, method, "/"+kind+"/"+url.PathEscape(id), "", body)
	if err != nil {
		return err
	}
	if a.status != http.StatusOK && a.status != http.StatusNoContent {
		return failed(method+" /"+kind+"/"+id, a)
	}
	return nil
}

// remove deletes a resource; one that is gone already counts as deleted.
func (c *client) remove(ctx context.Context, kind, id string) error {
	a, err := c.do(ctx, http.MethodDelete, "/"+kind+"/"+url.PathEscape(id), "", nil)
	if err != nil {
		return err
	}
	if a.status != http.StatusNoContent && a.status != http.StatusOK && a.status != http.StatusNotFound {
		return failed("DELETE /"+kind+"/"+id, a)
	}
	return nil
}

// ask sends a GET whose answer must be good.
func (c *client) ask(ctx context.Context, path string) (answer, error) {
	p, query, _ := strings.Cut(path, "?")
	a, err := c.do(ctx, http.MethodGet, p, query, nil)
	if err == nil && a.status != http.StatusOK {
		err = failed("GET "+path, a)
	}
	return a, err
}

// probe is Entra's test of the connection: a look-up of a random name among users and, if they are mapped, groups.
func (c *client) probe(ctx context.Context, matching, random string, groups bool) error {
	if _, err := c.findUsers(ctx, matching, random); err != nil {
		return err
	}
	if !groups {
		return nil
	}
	_, err := c.findGroups(ctx, random)
	return err
}
