// Package scimv2 is the SCIM 2.0 door: /scim/{directory}/v2/Users, /Groups and the discovery endpoints
// (RFC 7644), by which Entra ID and others push people and groups.
//
// # What it owns
//
// HTTP: paths, verbs, tokens' place in the request, sizes, content types, entity tags, paging, and the one table that
// turns faults into SCIM errors (errors.go). What bodies, filters and patches mean is package scim's; what a valid
// user is, is package directory's. The operation table below is the index of the rest.
//
// # Whose resources
//
// A directory's client sees and changes what its identity source owns (users as directory.Source.Owns says,
// groups likewise): what it made, what sign-in made for it, and what was made by hand where the source is set to take
// local users. Everything else does not exist for it (404, absent from lists), except that names are unique in the whole
// identity store (409). What it creates carries its source, and its externalId is kept under the source's issuer.
//
// # One request
//
//	token, address → operation → query and body → directory.Service → encode → log
//
// Nothing is answered before the token is known to be this directory's, discovery included: nothing is open
// by default (RFC 7644 §4 would allow it).
//
// # Lists
//
// A filter that demands a key (id, userName, externalId, an e-mail address, a membership) costs what its few
// candidates cost; any other reads the store in order of id, at most maxExamined resources, after which an index
// page is refused with tooMany and a cursor page ends early with a cursor to go on by.
//
// # The log
//
// Every request leaves an entry in package scimlog's log, whatever became of it, and so does every operation of a bulk request. [Rehearse] answers logged
// requests again over a store whose changes are undone.
//
// Mount the handler on "/scim/" outside of http.ServeMux: the mux redirects doubled slashes, which some
// clients send and cannot follow with a body.
//
// Start reading at [New], then users.go.
package scimv2

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
	"gatehouse/internal/scim"
)

// Config is what the door is made of; every field is required that is not said to be optional.
type Config struct {
	Directory *directory.Service
	// URL is the server's own, without a trailing slash; resources' addresses begin with it.
	URL string
	Now func() time.Time
	Log *slog.Logger
	// Requests is optional: without it requests are answered and not recorded.
	Requests Recorder
}

// New returns the handler of everything below /scim/.
func New(c Config) http.Handler {
	return &door{Config: c, turns: newTurns(), operations: operations()}
}

type door struct {
	Config
	turns      *turns
	operations []operation
}

// operation is a row of the table: a verb on a collection, or on one of its items.
type operation struct {
	method, collection string
	item               bool
	// notAWS says that AWS's endpoint has no such operation, and neither has the profile.
	notAWS bool
	handle func(*door, context.Context, *request) (answer, error)
}

// operations is the table.
func operations() []operation {
	return []operation{
		{"POST", "Users", false, false, (*door).createUser},
		{"GET", "Users", false, false, (*door).listUsers},
		{"POST", "Users/.search", false, true, searching((*door).listUsers)},
		{"GET", "Users", true, false, (*door).getUser},
		{"PUT", "Users", true, false, (*door).putUser},
		{"PATCH", "Users", true, false, (*door).patchUser},
		{"DELETE", "Users", true, false, (*door).deleteUser},
		{"POST", "Groups", false, false, (*door).createGroup},
		{"GET", "Groups", false, false, (*door).listGroups},
		{"POST", "Groups/.search", false, true, searching((*door).listGroups)},
		{"GET", "Groups", true, false, (*door).getGroup},
		{"PUT", "Groups", true, true, (*door).putGroup},
		{"PATCH", "Groups", true, false, (*door).patchGroup},
		{"DELETE", "Groups", true, false, (*door).deleteGroup},
		{"GET", "", false, true, (*door).listAll},
		{"POST", ".search", false, true, searching((*door).listAll)},
		{"POST", "Bulk", false, true, (*door).bulk},
		{"GET", "Me", false, true, (*door).me},
		{"POST", "Me", false, true, (*door).me},
		{"PUT", "Me", false, true, (*door).me},
		{"PATCH", "Me", false, true, (*door).me},
		{"DELETE", "Me", false, true, (*door).me},
		{"GET", "ServiceProviderConfig", false, false, (*door).config},
		{"GET", "ResourceTypes", false, false, (*door).resourceTypes},
		{"GET", "ResourceTypes", true, false, (*door).resourceTypes},
		{"GET", "Schemas", false, false, (*door).schemas},
		{"GET", "Schemas", true, false, (*door).schemas},
	}
}

// answer is what a handler has to say. Status 0 is 200.
type answer struct {
	status int
	body   []byte
	// location is set for resources, version (with its entity tag) too.
	location string
	version  int64
}

// ServeHTTP implements [http.Handler].
func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began, q := time.Now(), d.request(r)
	var a answer
	var e *refusal
	defer func() { d.record(r, q, a.status, e, time.Since(began)) }() // a panic too leaves an entry, with status 0
	a, err := d.serve(w, r, q)
	if err != nil {
		e = d.wire(r.Context(), r.Method, r.URL.Path, err)
		a.status = e.status
		d.refuse(w, r, q.profile, e)
		return
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	if a.location != "" {
		h.Set("Location", a.location)
	}
	if a.version != 0 {
		h.Set("ETag", scim.ETag(a.version))
	}
	if a.status == 0 {
		a.status = http.StatusOK
	}
	if len(a.body) > 0 {
		h.Set("Content-Type", contentType(q.profile))
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // a client that went away is nobody's fault
}

// contentType: AWS's endpoint answers plain JSON.
func contentType(p scim.Profile) string {
	if p == scim.AWS {
		return "application/json"
	}
	return "application/scim+json; charset=utf-8"
}

// serve answers a request.
func (d *door) serve(w http.ResponseWriter, r *http.Request, q *request) (answer, error) {
	id, segments, ok := split(r.URL)
	if !ok {
		return answer{}, noEndpoint
	}
	src, token, err := d.authenticate(r, id)
	if err != nil {
		return answer{}, err
	}
	q.of(src, d.URL)
	q.token = token.ID
	// After the token, so that a stranger learns nothing of which addresses are let in.
	if err := d.Directory.AdmitSCIM(r.Context()); err != nil {
		return answer{}, err
	}
	return d.answer(w, r, q, segments)
}

// answer answers a request of a source's client.
func (d *door) answer(w http.ResponseWriter, r *http.Request, q *request, segments []string) (answer, error) {
	op, err := d.find(r.Method, segments, q.profile)
	if err != nil {
		return answer{}, err
	}
	if len(segments) > 1 {
		q.id = segments[1]
	}
	if err := q.read(w, r); err != nil {
		return answer{}, err
	}
	return op.handle(d, r.Context(), q)
}

func profileOf(s directory.Source) scim.Profile {
	if s.Profile == directory.ProfileAWS {
		return scim.AWS
	}
	return scim.RFC
}

// split takes /scim/{directory}/v2/a/b apart. Empty segments, from doubled and trailing slashes, do not count.
func split(u *url.URL) (id string, segments []string, ok bool) {
	var all []string
	for _, s := range strings.Split(u.EscapedPath(), "/") {
		if s == "" {
			continue
		}
		plain, err := url.PathUnescape(s)
		if err != nil {
			return "", nil, false
		}
		all = append(all, plain)
	}
	if len(all) < 3 || all[0] != "scim" || all[2] != "v2" {
		return "", nil, false
	}
	return all[1], all[3:], true
}

// authenticate finds the source that the bearer token opens. The token must be the one of the directory in
// the path; every refusal of a token looks the same.
func (d *door) authenticate(r *http.Request, id string) (directory.Source, directory.Token, error) {
	headers := r.Header.Values("Authorization")
	if len(headers) != 1 {
		return directory.Source{}, directory.Token{}, unauthenticated
	}
	scheme, secret, ok := strings.Cut(headers[0], " ")
	if secret = strings.TrimSpace(secret); !ok || !strings.EqualFold(scheme, "Bearer") || secret == "" {
		return directory.Source{}, directory.Token{}, unauthenticated
	}
	return d.Directory.Authenticate(r.Context(), id, secret)
}

// find looks the operation up. A known address with another verb is 405 and says which verbs there are.
func (d *door) find(method string, segments []string, p scim.Profile) (operation, error) {
	if len(segments) > 2 {
		return operation{}, noEndpoint
	}
	segments = append(segments, "")[:max(1, len(segments))] // the root is the collection without a name
	if method == http.MethodHead {
		method = http.MethodGet // net/http leaves the body out
	}
	var allow []string
	collection, item := segments[0], len(segments) == 2
	if item && segments[1] == ".search" {
		collection, item = segments[0]+"/.search", false
	}
	for _, op := range d.operations {
		if op.collection != collection || op.item != item || op.notAWS && p == scim.AWS {
			continue
		}
		if op.method == method {
			return op, nil
		}
		allow = append(allow, op.method)
	}
	if len(allow) == 0 {
		return operation{}, noEndpoint
	}
	return operation{}, &refusal{status: http.StatusMethodNotAllowed, detail: "this address does not know " + method, allow: strings.Join(allow, ", ")}
}

// wire finds the answer for an error, and logs it when it is ours.
func (d *door) wire(ctx context.Context, method, path string, err error) *refusal {
	e := wireError(err)
	id := audit.OriginOf(ctx).RequestID
	if e.status >= http.StatusInternalServerError && e.status != http.StatusNotImplemented && !errors.Is(err, context.Canceled) {
		d.Log.Error("scim request failed", "requestId", id, "method", method, "path", path, "error", err)
	} else {
		d.Log.Debug("scim request refused", "requestId", id, "method", method, "path", path, "status", e.status, "reason", e.detail)
	}
	return e
}

// errorBody is the body of an error's answer.
func (d *door) errorBody(ctx context.Context, p scim.Profile, e *refusal) []byte {
	return scim.ErrorBody{Status: e.status, ScimType: e.scimType, Detail: e.detail, RequestID: audit.OriginOf(ctx).RequestID, At: d.Now()}.Encode(p)
}

// refuse writes an error.
func (d *door) refuse(w http.ResponseWriter, r *http.Request, p scim.Profile, e *refusal) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	if e.status == http.StatusNotModified {
		h.Set("ETag", e.etag)
		w.WriteHeader(e.status)
		return
	}
	for name, value := range map[string]string{"Allow": e.allow, "WWW-Authenticate": e.challenge, "Retry-After": e.retryAfter} {
		if value != "" {
			h.Set(name, value)
		}
	}
	h.Set("Content-Type", contentType(p))
	w.WriteHeader(e.status)
	_, _ = w.Write(d.errorBody(r.Context(), p, e))
}

// notFound is the answer for what is not there, and for what belongs to somebody else.
func notFound(resource, id string) error {
	return fault.New(fault.NotFound, "Resource %s not found", id).About(resource, id)
}
