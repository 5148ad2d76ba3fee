// Package admin is the door of the documented admin API, /api/v1: JSON over HTTP, described by
// /api/v1/openapi.json (OpenAPI 3.1), errors as application/problem+json (RFC 9457).
//
// Two kinds of caller come through it. A person in a browser shows her session cookie and may ask about
// herself (session.go, portal.go). An administrator signs requests with an AWS access key (SigV4, service
// "gatehouse") and may do what the policies of her identity allow, by the action named beside each operation
// ("gatehouse:CreateUser"). An operation names one or the other where it is registered; there is no third way,
// so an operation without a check cannot be written down.
//
// To add an operation: a row in the register function of its file, with typed input and output.
package admin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"gatehouse/internal/access"
	"gatehouse/internal/audit"
	"gatehouse/internal/credential"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
	"gatehouse/internal/localiam"
	"gatehouse/internal/organization"
	"gatehouse/internal/scimlog"
	"gatehouse/internal/signin"
	"gatehouse/internal/target"
)

// MaxBody is the largest request body taken, in bytes: identity provider metadata is the largest thing sent.
const MaxBody = 1 << 20

// Config is what the door is made of; every field is required.
type Config struct {
	Directory    *directory.Service
	Organization *organization.Service
	Access       *access.Service
	SignIn       *signin.Service
	BuiltIn      *credential.Service
	Requests     *scimlog.Service
	Instance     Instance
	// Caller verifies the SigV4 signature of a request whose body was read, for service "gatehouse".
	Caller func(r *http.Request, body []byte) (localiam.Caller, error)
	// Authorize decides by the caller's policies.
	Authorize func(ctx context.Context, c localiam.Caller, action, resource string) error
	// SessionSecret returns the secret in the request's session cookie, or "".
	SessionSecret func(r *http.Request) string
	// Credentials returns credentials of a role for a person who is entitled to it, else fault.Denied.
	Credentials func(ctx context.Context, id signin.Identity, accountID, setName string) (target.Credentials, error)
	// Revoke ends the role credentials that a person has now.
	Revoke func(ctx context.Context, a audit.Actor, userID string) error
	// ParseMetadata reads SAML metadata of an identity provider.
	ParseMetadata func(xml []byte) (directory.SAMLSettings, error)
	// Fetch gets and reads metadata from an address, with a size cap and a time limit. Where signers (certificates, DER) are given, one of them must
	// have signed it.
	Fetch func(ctx context.Context, url string, signers [][]byte) (directory.SAMLSettings, error)
	// Onward returns where the browser of somebody who has signed out is to go, so that she is signed out at her identity provider too; empty for
	// nowhere.
	Onward func(ctx context.Context, p signin.Proof) string
	// Events lists the audit trail, newest first. A page may be short, or empty, and there be more: until next is empty.
	Events func(ctx context.Context, before string, f audit.Filter, limit int) (es []audit.Event, next string, err error)
	Now    func() time.Time
	Log    *slog.Logger
}

// Instance is what a browser or a command line must know of this installation.
type Instance struct {
	Name            string `json:"name" doc:"The installation's name"`
	StartURL        string `json:"startUrl" doc:"The AWS-looking start URL that the AWS CLI accepts"`
	PortalURL       string `json:"portalUrl" doc:"This server's own address, without a trailing slash"`
	SSORegion       string `json:"ssoRegion" doc:"The home region"`
	IdentityStoreID string `json:"identityStoreId" doc:"The identity store, d-…"`
	InstanceARN     string `json:"instanceArn" doc:"The Identity Center instance"`

	ManagementAccountID string `json:"managementAccountId" doc:"The account whose roles administer by this API, if their policies allow it"`
}

type door struct{ Config }

// New returns the handler of /api/v1/.
func New(c Config) http.Handler {
	d := &door{c}
	mux := http.NewServeMux()
	hc := huma.DefaultConfig("Gatehouse admin API", "1")
	hc.OpenAPIPath, hc.DocsPath, hc.SchemasPath = "/openapi", "", ""
	hc.CreateHooks = nil // no $schema members in answers
	hc.Servers = []*huma.Server{{URL: "/api/v1"}}
	hc.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"sigv4":   {Type: "http", Scheme: "AWS4-HMAC-SHA256", Description: "AWS Signature Version 4 with service \"gatehouse\" and the home region, by an access key of the management account whose policies allow \"gatehouse:\" and the operation's id"},
		"session": {Type: "apiKey", In: "cookie", Name: signin.CookieName(c.Instance.PortalURL), Description: "The browser's session, from a sign-in"},
	}
	api := humago.NewWithPrefix(mux, "/api/v1", hc)
	d.registerSession(api)
	d.registerPortal(api)
	d.registerSources(api)
	d.registerUsers(api)
	d.registerCredentials(api)
	d.registerBuiltIn(api)
	d.registerGroups(api)
	d.registerAccess(api)
	d.registerSettings(api)
	d.registerFailures(api)
	d.registerRequests(api)
	mux.HandleFunc("/", notFound)
	return d.identify(mux)
}

// notFound answers in the API's own form: the standard mux would answer in plain text.
func notFound(w http.ResponseWriter, r *http.Request) {
	writeProblem(w, problem(fault.New(fault.NotFound, "there is no %s; /api/v1/openapi.json lists what there is", r.URL.Path)))
}

func writeProblem(w http.ResponseWriter, p *huma.ErrorModel) {
	b, err := jsonOf(p)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_, _ = w.Write(b)
}

// caller is who asks; one of the two is set, or neither.
type caller struct {
	admin  *localiam.Caller
	person *signin.Identity
	secret string
}

type callerKey struct{}

// identify finds out who asks before any operation runs. A signature that does not verify is refused at once; a
// missing one is no one, whom the operations refuse.
func (d *door) identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var c caller
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
		if err != nil {
			f := fault.New(fault.Invalid, "the request's body cannot be read").Because(err)
			p := problem(f)
			if big := (*http.MaxBytesError)(nil); errors.As(err, &big) {
				p.Status, p.Title = http.StatusRequestEntityTooLarge, http.StatusText(http.StatusRequestEntityTooLarge)
				p.Detail = fmt.Sprintf("a request's body has at most %d bytes", MaxBody)
			}
			writeProblem(w, p)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		switch {
		case strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-"):
			a, err := d.Caller(r, body)
			if err != nil {
				d.log(r.Context(), err)
				writeProblem(w, problem(err))
				return
			}
			c.admin = &a
		case r.Header.Get("Authorization") != "":
			writeProblem(w, problem(fault.New(fault.Unauthenticated, "this API takes AWS Signature Version 4 (service \"gatehouse\") or a browser's session cookie")))
			return
		default:
			c.secret = d.SessionSecret(r)
			id, err := d.SignIn.Authenticate(r.Context(), c.secret)
			if err == nil {
				c.person = &id
			} else if !fault.Is(err, fault.Unauthenticated) {
				d.log(r.Context(), err)
				writeProblem(w, problem(err))
				return
			}
		}
		w.Header().Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), callerKey{}, c)))
	})
}

// operation describes a row of the API.
type operation struct {
	method, path, id, summary string
	// status of success; 200 when zero.
	status int
}

// huma describes the row, with the check that every request passes before its input is looked at: who may not ask learns nothing of what
// may be asked.
func (o operation) huma(d *door, scheme string, may func(context.Context, caller) error) huma.Operation {
	return huma.Operation{
		OperationID: o.id, Method: o.method, Path: o.path, Summary: o.summary, DefaultStatus: o.status,
		MaxBodyBytes: -1, // identify has read it
		Errors:       []int{400, 401, 403, 404, 409, 413}, Security: []map[string][]string{{scheme: {}}},
		Middlewares: huma.Middlewares{func(ctx huma.Context, next func(huma.Context)) {
			c, _ := ctx.Context().Value(callerKey{}).(caller)
			if err := may(ctx.Context(), c); err != nil {
				d.log(ctx.Context(), err)
				_, w := humago.Unwrap(ctx)
				writeProblem(w, problem(err))
				return
			}
			next(ctx)
		}},
	}
}

// forPerson registers an operation for a signed-in person.
func forPerson[I, O any](api huma.API, d *door, o operation, do func(context.Context, signin.Identity, *I) (*O, error)) {
	may := func(_ context.Context, c caller) error {
		if c.person == nil {
			return fault.New(fault.Unauthenticated, "You are not signed in.")
		}
		return nil
	}
	huma.Register(api, o.huma(d, "session", may), func(ctx context.Context, in *I) (*O, error) {
		c, _ := ctx.Value(callerKey{}).(caller)
		out, err := do(ctx, *c.person, in)
		return out, d.answer(ctx, err)
	})
}

// forAdmin registers an operation for a signing caller. The action is "gatehouse:" and the operation's id.
func forAdmin[I, O any](api huma.API, d *door, o operation, do func(context.Context, audit.Actor, *I) (*O, error)) {
	may := func(ctx context.Context, c caller) error {
		if c.admin == nil {
			return fault.New(fault.Unauthenticated, "Sign the request with an administrator's access key (AWS Signature Version 4, service \"gatehouse\").")
		}
		return d.Authorize(ctx, *c.admin, "gatehouse:"+o.id, d.Instance.InstanceARN)
	}
	huma.Register(api, o.huma(d, "sigv4", may), func(ctx context.Context, in *I) (*O, error) {
		c, _ := ctx.Value(callerKey{}).(caller)
		out, err := do(ctx, actor(*c.admin), in)
		return out, d.answer(ctx, err)
	})
}

func actor(c localiam.Caller) audit.Actor {
	return audit.Actor{Kind: audit.Principal, ID: c.ARN, Name: c.ARN, AccountID: c.AccountID}
}

// answer turns an error into its problem document; the only place where an Internal one is logged.
func (d *door) answer(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	d.log(ctx, err)
	return problem(err)
}

func (d *door) log(ctx context.Context, err error) {
	if fault.Is(err, fault.Internal) {
		d.Log.ErrorContext(ctx, "admin API", "requestId", audit.OriginOf(ctx).RequestID, "error", err)
	}
}

// problem is the one table from kinds of fault to this protocol's errors.
func problem(err error) *huma.ErrorModel {
	f := fault.Of(err)
	status := map[fault.Kind]int{
		fault.Invalid: http.StatusBadRequest, fault.Unauthenticated: http.StatusUnauthorized, fault.Denied: http.StatusForbidden,
		fault.NotFound: http.StatusNotFound, fault.Conflict: http.StatusConflict, fault.Quota: http.StatusConflict,
		fault.Throttled: http.StatusTooManyRequests, fault.Unavailable: http.StatusServiceUnavailable,
	}[f.Kind]
	if status == 0 {
		status = http.StatusInternalServerError
	}
	p := &huma.ErrorModel{Status: status, Title: http.StatusText(status), Detail: fault.Shown(err)}
	if f.Field != "" {
		p.Errors = []*huma.ErrorDetail{{Location: f.Field, Message: fault.Shown(err)}}
	}
	return p
}
