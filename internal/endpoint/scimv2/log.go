package scimv2

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
	"gatehouse/internal/scim"
	"gatehouse/internal/scimlog"
)

// Recorder takes note of requests; it is a [scimlog.Recorder].
type Recorder interface {
	NewID(at time.Time) string
	Record(scimlog.Draft)
}

// trace is what a handler says of its request for the log.
type trace struct {
	resource scimlog.Resource
	// change is nil when nothing was changed.
	change func() scimlog.Change
	// reads says that the request could change nothing, whatever its method.
	reads bool
	// operations, failed and changed are counts of a bulk request's operations.
	operations, failed, changed int
}

func (t *trace) sawUser(q *request, u directory.User) {
	t.resource = scimlog.Resource{Kind: scimlog.KindUser, ID: u.ID, ExternalID: u.ExternalID(q.source.Issuer()), Name: u.UserName}
}

func (t *trace) sawGroup(q *request, g directory.Group) {
	t.resource = scimlog.Resource{Kind: scimlog.KindGroup, ID: g.ID, ExternalID: g.ExternalID(q.source.Issuer()), Name: g.DisplayName}
}

// asked notes whom a filter asks for.
func (t *trace) asked(kind string, f *scim.Filter) {
	t.resource.Kind, t.reads = kind, true
	name := "userName"
	if kind == scimlog.KindGroup {
		name = "displayName"
	}
	t.resource.ID, _ = f.Value("id")
	t.resource.ExternalID, _ = f.Value("externalId")
	t.resource.Name, _ = f.Value(name)
}

// changedUser notes that a user is another than before: one of the two is zero when she was created or deleted. The entry is found by the new name.
func (t *trace) changedUser(q *request, before, after directory.User, groups []string) {
	if after.ID != "" {
		t.sawUser(q, after)
	}
	t.change = func() scimlog.Change {
		c := scimlog.Change{Action: action(before.ID, after.ID)}
		if before.ID != "" || q.spellOut() {
			c.Attributes = differences(q.userObject(before), q.userObject(after))
		}
		if len(groups) > 0 {
			was, _ := json.Marshal(groups) // texts
			c.Attributes = append(c.Attributes, scimlog.Difference{Attribute: "groups", Before: was})
		}
		return c
	}
}

func (q *request) userObject(u directory.User) scim.Object {
	if u.ID == "" {
		return nil
	}
	return q.wireUser(u).Object()
}

// changedGroup is the same for a group.
func (t *trace) changedGroup(q *request, before, after directory.Group, moves directory.MemberMoves) {
	if after.ID != "" {
		t.sawGroup(q, after)
	}
	t.change = func() scimlog.Change {
		c := scimlog.Change{
			Action: action(before.ID, after.ID), Added: scimlog.MembersOf(moves.Added, moves.AddedGroups), Removed: scimlog.MembersOf(moves.Removed, moves.RemovedGroups),
		}
		if before.ID != "" || q.spellOut() {
			c.Attributes = differences(q.groupObject(before), q.groupObject(after))
		}
		return c
	}
}

func (q *request) groupObject(g directory.Group) scim.Object {
	if g.ID == "" {
		return nil
	}
	return q.wireGroup(g).Object()
}

// spellOut says that the attributes of what is created are listed. In the log they are in the body beside it, if that is kept, and to find them once more
// would cost every creation.
func (q *request) spellOut() bool { return q.rehearsed || len(q.body) > scimlog.MaxBody }

func action(before, after string) string {
	switch {
	case before == "":
		return "created"
	case after == "":
		return "deleted"
	}
	return "changed"
}

func differences(before, after scim.Object) []scimlog.Difference {
	var out []scimlog.Difference
	for _, d := range scim.Differences(before, after) {
		out = append(out, scimlog.Difference{Attribute: d.Attribute, Before: d.Before, After: d.After})
	}
	return out
}

// outcome says what became of a request that was answered with a status.
func (t *trace) outcome(method string, status int) scimlog.Outcome {
	switch {
	case t.change != nil, t.changed > 0:
		return scimlog.Changed
	case status >= http.StatusInternalServerError && status != http.StatusNotImplemented, status < http.StatusContinue:
		return scimlog.Failed
	case status >= http.StatusBadRequest, t.operations > 0 && t.failed == t.operations:
		return scimlog.Refused
	case method == http.MethodGet, method == http.MethodHead, t.reads:
		return scimlog.Read
	}
	return scimlog.Unchanged
}

// record puts a request into the log. e is nil when it was not refused.
func (d *door) record(r *http.Request, q *request, status int, e *refusal, took time.Duration) {
	if d.Requests == nil {
		return
	}
	o := audit.OriginOf(r.Context())
	draft := scimlog.Draft{
		Entry: scimlog.Entry{
			ID: q.entry, Directory: q.source.ID, At: q.at, RequestID: o.RequestID, TokenID: q.token, ClientAddr: o.ClientAddr, UserAgent: r.UserAgent(), Took: took,
			Request: scimlog.Request{
				Method: r.Method, Path: r.URL.EscapedPath(), Query: r.URL.RawQuery, ContentType: r.Header.Get("Content-Type"), IfMatch: q.ifMatch, IfNoneMatch: q.ifNoneMatch,
			},
			Resource: q.trace.resource, Result: scimlog.Result{Status: status, Outcome: q.trace.outcome(r.Method, status)},
			Operations: q.trace.operations, FailedOperations: q.trace.failed,
		},
		Body: q.body, Secrets: q.secrets, Change: q.trace.change,
	}
	if e != nil {
		draft.Result.ScimType, draft.Result.Why = e.scimType, e.detail
	}
	if q.source.ID == "" {
		draft.Directory, draft.Result.Outcome = d.named(r), scimlog.Unauthenticated
	}
	d.Requests.Record(draft)
}

// named is the directory that a request without a valid token names, if there is one.
func (d *door) named(r *http.Request) string {
	if id, _, ok := split(r.URL); ok {
		if src, err := d.Directory.Source(r.Context(), id); err == nil {
			return src.ID
		}
	}
	return scimlog.Unknown
}

// recordOperation puts an operation of a bulk request into the log, with the number that it has there.
func (d *door) recordOperation(ctx context.Context, of, q *request, i int, method, path string, status int, e *refusal) {
	t := of.trace
	t.operations++
	if e != nil {
		t.failed++
	}
	if q.trace.change != nil {
		t.changed++
	}
	if d.Requests == nil {
		return
	}
	o, now := audit.OriginOf(ctx), d.Now()
	draft := scimlog.Draft{
		Entry: scimlog.Entry{
			ID: d.Requests.NewID(now), Directory: q.source.ID, At: now, RequestID: o.RequestID, TokenID: q.token, ClientAddr: o.ClientAddr, PartOf: of.entry, Operation: i,
			Request:  scimlog.Request{Method: method, Path: q.root + path, IfMatch: q.ifMatch},
			Resource: q.trace.resource, Result: scimlog.Result{Status: status, Outcome: q.trace.outcome(method, status)},
		},
		Body: q.body, Secrets: q.secrets, Change: q.trace.change,
	}
	if e != nil {
		draft.Result.ScimType, draft.Result.Why = e.scimType, e.detail
	}
	d.Requests.Record(draft)
}

// Rehearse answers requests of a source's client one after the other, as New's handler would, but for the token: it is about a token that is good. c.Directory
// must be over a store whose changes are undone afterwards; c.Requests is not used. It stops when enough says so, after one request at least.
func Rehearse(ctx context.Context, c Config, src directory.Source, trials []scimlog.Trial, enough func() bool) []scimlog.Rehearsal {
	var noted notebook
	c.Requests = &noted
	d := New(c).(*door)
	var out []scimlog.Rehearsal
	for i, t := range trials {
		if i > 0 && enough() {
			break
		}
		noted.drafts = nil
		d.rehearse(ctx, src, t)
		var r scimlog.Rehearsal
		for _, draft := range noted.drafts {
			if e := draft.Finish(); e.PartOf != "" {
				r.Operations = append(r.Operations, e)
			} else {
				r.Result, r.Resource = e.Result, e.Resource
			}
		}
		out = append(out, r)
	}
	return out
}

func (d *door) rehearse(ctx context.Context, src directory.Source, t scimlog.Trial) {
	ctx = audit.WithOrigin(ctx, audit.Origin{RequestID: audit.OriginOf(ctx).RequestID, ClientAddr: t.ClientAddr})
	address := t.Path
	if t.Query != "" {
		address += "?" + t.Query
	}
	u, unreadable := url.ParseRequestURI(address)
	if unreadable != nil {
		u = &url.URL{Path: "/scim/" + src.ID}
	}
	r := (&http.Request{Method: t.Method, URL: u, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader([]byte(t.Body.Text)))}).WithContext(ctx)
	for name, value := range map[string]string{"Content-Type": t.ContentType, "If-Match": t.IfMatch, "If-None-Match": t.IfNoneMatch} {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	q := d.request(r)
	q.of(src, d.URL)
	q.rehearsed = true
	id, segments, ok := split(u)
	var a answer
	var err error = noEndpoint
	if ok && id == src.ID {
		err = nil
		if t.ClientAddr != "" {
			err = d.Directory.AdmitSCIM(ctx)
		}
	}
	if err == nil {
		a, err = d.answer(nil, r, q, segments)
	}
	status, e := a.status, (*refusal)(nil)
	if err != nil {
		e = d.wire(ctx, r.Method, r.URL.Path, err)
		status = e.status
	}
	d.record(r, q, max(status, http.StatusOK), e, 0)
}

// notebook is a recorder that keeps what it is given.
type notebook struct{ drafts []scimlog.Draft }

// NewID implements [Recorder]. The ids serve to tell operations from their request.
func (n *notebook) NewID(time.Time) string { return "rehearsed" }

// Record implements [Recorder].
func (n *notebook) Record(d scimlog.Draft) { n.drafts = append(n.drafts, d) }

// lostGroups lists some of the groups that a user who is about to be deleted is in, for the log: who made a mistake wants to know.
func (d *door) lostGroups(ctx context.Context, id string) []string {
	if d.Requests == nil {
		return nil
	}
	ms, err := d.Directory.MembershipsOf(ctx, id, "", scimlog.MaxMembers)
	if err != nil {
		return nil
	}
	var out []string
	for _, m := range ms {
		out = append(out, m.GroupID)
	}
	return out
}

// lostMembers lists some of the members of a group that is about to be deleted.
func (d *door) lostMembers(ctx context.Context, id string) []string {
	if d.Requests == nil {
		return nil
	}
	ms, err := d.Directory.MembersOf(ctx, id, "", scimlog.MaxMembers)
	if err != nil {
		return nil
	}
	var out []string
	for _, m := range ms {
		out = append(out, m.UserID)
	}
	return out
}
