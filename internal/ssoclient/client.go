// Package ssoclient is a person's side of Gatehouse on the command line: it signs in by device code, keeps the token where the AWS CLI
// keeps it, lists accounts and roles and gets credentials, over the same public paths as `aws sso login`.
//
// A token that the AWS CLI obtained for the same session name is used as it is, and the other way round (the cache file is named by
// the SHA-1 of the session's name, as the CLI does it). Start reading at [Client.Token].
package ssoclient

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// Client speaks to one server for one person.
type Client struct {
	// URL is the server's address without a path; StartURL the AWS-looking one.
	URL, StartURL string
	// Region is what goes into the token cache, for the AWS CLI.
	Region string
	// Session is the sso-session's name.
	Session string
	// Cache is the AWS CLI's token cache directory (~/.aws/sso/cache).
	Cache string
	HTTP  *http.Client
	Now   func() time.Time
	// Sleep waits between polls; it returns early with an error when ctx ends.
	Sleep func(ctx context.Context, d time.Duration) error
	// Ask shows the person where to go and which code to compare.
	Ask func(address, code string)
}

// Refused is an error answer of the server.
type Refused struct {
	Status  int
	Type    string
	Message string
}

func (r *Refused) Error() string {
	if r.Message == "" {
		return fmt.Sprintf("the server answered %s (HTTP %d)", r.Type, r.Status)
	}
	return fmt.Sprintf("%s (HTTP %d)", r.Message, r.Status)
}

// Account is an account the person can reach.
type Account struct {
	ID   string `json:"accountId"`
	Name string `json:"accountName"`
}

// Credentials are those of a role.
type Credentials struct {
	AccessKeyID     string `json:"accessKeyId"`
	SecretAccessKey string `json:"secretAccessKey"`
	SessionToken    string `json:"sessionToken"`
	// Expiration is in milliseconds since 1970.
	Expiration int64 `json:"expiration"`
}

// call sends one request. token may be empty, in may be nil.
func (c *Client) call(ctx context.Context, method, path, token string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.URL, "/")+path, body)
	if err != nil {
		return err
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("x-amz-sso_bearer_token", token)
	}
	res, err := c.HTTP.Do(req)
	if err != nil {
		return fmt.Errorf("the server at %s does not answer: %w", c.URL, err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 16<<20))
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		r := &Refused{Status: res.StatusCode, Type: res.Header.Get("x-amzn-ErrorType")}
		var b struct {
			Message     string `json:"message"`
			Description string `json:"error_description"`
		}
		_ = json.Unmarshal(answer, &b) // the status and the header say enough
		if r.Message = b.Message; r.Message == "" {
			r.Message = b.Description
		}
		return r
	}
	return json.Unmarshal(answer, out)
}

// isRefused reports whether err is an answer of the given type.
func isRefused(err error, kind string) bool {
	var r *Refused
	return errors.As(err, &r) && r.Type == kind
}

// DiscoverStartURL asks the server for the AWS-looking start URL that stands for it (HEAD /start redirects to it).
func (c *Client) DiscoverStartURL(ctx context.Context) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, strings.TrimSuffix(c.URL, "/")+"/start", nil)
	if err != nil {
		return "", err
	}
	still := *c.HTTP
	still.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := still.Do(req)
	if err != nil {
		return "", fmt.Errorf("the server at %s does not answer: %w", c.URL, err)
	}
	res.Body.Close()
	at, err := res.Location()
	if err != nil || at.Scheme != "https" {
		return "", fmt.Errorf("the server at %s does not say its start URL; is it Gatehouse?", c.URL)
	}
	return at.String(), nil
}

// Accounts lists every account the person can reach.
func (c *Client) Accounts(ctx context.Context, token string) ([]Account, error) {
	as, err := pages(ctx, c, token, "/assignment/accounts?max_result=100", func(p struct {
		List []Account `json:"accountList"`
		Next string    `json:"nextToken"`
	}) ([]Account, string) {
		return p.List, p.Next
	})
	for _, a := range as {
		if !accountID.MatchString(a.ID) {
			return nil, fmt.Errorf("the server at %s names an account %q, which none can be called", c.URL, a.ID)
		}
	}
	return as, err
}

// What a server says goes into a configuration file, where a line more could be a command to run. These are the only forms that the ids of accounts
// and the names of permission sets and of an account's own roles ("role/path/Name") have.
var (
	accountID = regexp.MustCompile(`^[0-9]{12}$`)
	roleName  = regexp.MustCompile(`^(role/([\w+=,.@-]+/)*)?[\w+=,.@-]{1,64}$`)
)

// Roles lists the names of the permission sets, and of the account's own roles, that the person can use in an account.
func (c *Client) Roles(ctx context.Context, token, accountID string) ([]string, error) {
	type role struct {
		Name string `json:"roleName"`
	}
	rs, err := pages(ctx, c, token, "/assignment/roles?max_result=100&account_id="+url.QueryEscape(accountID), func(p struct {
		List []role `json:"roleList"`
		Next string `json:"nextToken"`
	}) ([]role, string) {
		return p.List, p.Next
	})
	names := make([]string, len(rs))
	for i, r := range rs {
		if !roleName.MatchString(r.Name) {
			return nil, fmt.Errorf("the server at %s names a role %q, which none can be called", c.URL, r.Name)
		}
		names[i] = r.Name
	}
	return names, err
}

// pages reads every page of a listing.
func pages[P, T any](ctx context.Context, c *Client, token, path string, split func(P) ([]T, string)) ([]T, error) {
	var all []T
	for next := ""; ; {
		var p P
		at := path
		if next != "" {
			at += "&next_token=" + url.QueryEscape(next)
		}
		if err := c.call(ctx, http.MethodGet, at, token, nil, &p); err != nil {
			return nil, err
		}
		items, more := split(p)
		all = append(all, items...)
		if more == "" {
			return all, nil
		}
		next = more
	}
}

// Credentials gets credentials of a role (a permission set by name) in an account.
func (c *Client) Credentials(ctx context.Context, token, accountID, role string) (Credentials, error) {
	var out struct {
		RoleCredentials Credentials `json:"roleCredentials"`
	}
	err := c.call(ctx, http.MethodGet, "/federation/credentials?account_id="+url.QueryEscape(accountID)+"&role_name="+url.QueryEscape(role), token, nil, &out)
	return out.RoleCredentials, err
}
