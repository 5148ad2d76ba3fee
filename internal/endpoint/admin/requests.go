package admin

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
	"gatehouse/internal/scimlog"
)

// scimRequest is an entry of the log of SCIM requests.
type scimRequest struct {
	ID          string     `json:"id"`
	DirectoryID string     `json:"directory"`
	At          *time.Time `json:"at,omitempty"`
	RequestID   string     `json:"requestId,omitempty" doc:"What was answered as X-Amzn-Requestid; the audit trail has it too"`
	TokenID     string     `json:"tokenId,omitempty" doc:"The id of the SCIM token that was shown"`
	ClientAddr  string     `json:"clientAddress,omitempty"`
	UserAgent   string     `json:"userAgent,omitempty"`
	Took        float64    `json:"milliseconds" doc:"How long the answer took"`
	Method      string     `json:"method,omitempty"`
	Path        string     `json:"path,omitempty"`
	Query       string     `json:"query,omitempty" doc:"Secrets are masked"`
	ContentType string     `json:"contentType,omitempty"`
	IfMatch     string     `json:"ifMatch,omitempty"`
	IfNoneMatch string     `json:"ifNoneMatch,omitempty"`
	Body        string     `json:"body,omitempty" doc:"JSON with secrets masked; in a listing it is left out"`
	BodySize    int        `json:"bodySize,omitempty" doc:"How many bytes were sent"`
	BodyCut     bool       `json:"bodyCut,omitempty" doc:"Whether the body is only its beginning"`
	BodyProblem string     `json:"bodyProblem,omitempty" doc:"Why the body was not kept"`
	scimResource
	scimResult
	PartOf           string `json:"partOf,omitempty" doc:"The bulk request whose operation this is"`
	Operation        int    `json:"operation,omitempty" doc:"Its place there, from 0"`
	Operations       int    `json:"operations,omitempty" doc:"How many operations a bulk request did"`
	FailedOperations int    `json:"failedOperations,omitempty"`
	Lost             int    `json:"lost,omitempty" doc:"How many requests a gap stands for"`
}

type scimResource struct {
	Kind       string `json:"kind,omitempty" enum:"User,Group"`
	ResourceID string `json:"resourceId,omitempty"`
	ExternalID string `json:"externalId,omitempty"`
	Name       string `json:"name,omitempty" doc:"The userName, or the displayName of a group"`
}

type scimResult struct {
	Status   int         `json:"status" doc:"The HTTP status; 0 of a gap, and where the server broke down"`
	Outcome  string      `json:"outcome" enum:"changed,unchanged,read,refused,failed,unauthenticated,gap"`
	ScimType string      `json:"scimType,omitempty"`
	Why      string      `json:"why,omitempty" doc:"Why it was refused, as it was answered"`
	Change   *scimChange `json:"change,omitempty" doc:"What was changed; in a listing only the action and the numbers"`
}

type scimChange struct {
	Action     string           `json:"action" enum:"created,changed,deleted"`
	Attributes []scimDifference `json:"attributes,omitempty" doc:"What differs; of what was created it is in the body, if that is kept whole"`
	Added      int              `json:"added,omitempty" doc:"How many users and groups became members"`
	AddedIDs   []string         `json:"addedIds,omitempty" doc:"The first of them"`
	Removed    int              `json:"removed,omitempty" doc:"How many ceased to be members"`
	RemovedIDs []string         `json:"removedIds,omitempty"`
	Cut        bool             `json:"cut,omitempty" doc:"Whether something was left out because it was too long"`
}

type scimDifference struct {
	Attribute string          `json:"attribute"`
	Before    json.RawMessage `json:"before,omitempty" doc:"Absent where there was none"`
	After     json.RawMessage `json:"after,omitempty" doc:"Absent where there is none any more"`
}

func requestOf(e scimlog.Entry) scimRequest {
	q := e.Request
	return scimRequest{
		ID: e.ID, DirectoryID: e.Directory, At: shownTime(e.At), RequestID: e.RequestID, TokenID: e.TokenID, ClientAddr: e.ClientAddr, UserAgent: e.UserAgent, Took: float64(e.Took.Microseconds()) / 1000,
		Method: q.Method, Path: q.Path, Query: q.Query, ContentType: q.ContentType, IfMatch: q.IfMatch, IfNoneMatch: q.IfNoneMatch,
		Body: q.Body.Text, BodySize: q.Body.Size, BodyCut: q.Body.Cut, BodyProblem: q.Body.Problem, scimResource: resourceOf(e.Resource), scimResult: resultOf(e.Result),
		PartOf: e.PartOf, Operation: e.Operation, Operations: e.Operations, FailedOperations: e.FailedOperations, Lost: e.Lost,
	}
}

func resourceOf(r scimlog.Resource) scimResource {
	return scimResource{Kind: r.Kind, ResourceID: r.ID, ExternalID: r.ExternalID, Name: r.Name}
}

func resultOf(r scimlog.Result) scimResult {
	out := scimResult{Status: r.Status, Outcome: string(r.Outcome), ScimType: r.ScimType, Why: r.Why}
	if c := r.Change; c.Action != "" {
		out.Change = &scimChange{Action: c.Action, Added: c.Added.Count, AddedIDs: c.Added.IDs, Removed: c.Removed.Count, RemovedIDs: c.Removed.IDs, Cut: c.Cut}
		for _, d := range c.Attributes {
			out.Change.Attributes = append(out.Change.Attributes, scimDifference(d))
		}
	}
	return out
}

// listed leaves out what a listing does not show.
func (r scimRequest) listed() scimRequest {
	r.Body = ""
	if r.Change != nil {
		r.Change = &scimChange{Action: r.Change.Action, Added: r.Change.Added, Removed: r.Change.Removed, Cut: r.Change.Cut}
	}
	return r
}

// scimReplay is a request and what would become of it now.
type scimReplay struct {
	ID      string `json:"id,omitempty" doc:"The logged request; absent for one that was given"`
	Method  string `json:"method"`
	Path    string `json:"path"`
	Skipped string `json:"skipped,omitempty" doc:"Why it was not replayed; then there is no now"`
	// Then is absent for a request that was given.
	Then *scimResult    `json:"then,omitempty" doc:"What became of it when it came"`
	Now  *scimRehearsal `json:"now,omitempty" doc:"What would become of it"`
	Same bool           `json:"same" doc:"Whether status and outcome are the same then and now"`
}

type scimRehearsal struct {
	scimResource
	scimResult
	Operations []scimRequest `json:"operations,omitempty" doc:"Those of a bulk request, in the order in which they would be done"`
}

func replayOf(r scimlog.Replay) scimReplay {
	out := scimReplay{ID: r.Of.ID, Method: r.Of.Request.Method, Path: r.Of.Request.Path, Skipped: r.Skipped}
	if r.Of.ID != "" {
		then := resultOf(r.Of.Result)
		out.Then = &then
	}
	if r.Skipped == "" {
		out.Now = &scimRehearsal{scimResource: resourceOf(r.Now.Resource), scimResult: resultOf(r.Now.Result)}
		for _, o := range r.Now.Operations {
			shown := requestOf(o)
			shown.ID, shown.PartOf, shown.At = "", "", nil
			out.Now.Operations = append(out.Now.Operations, shown)
		}
		out.Same = out.Then != nil && out.Then.Status == out.Now.Status && out.Then.Outcome == out.Now.Outcome
	}
	return out
}

// RequestFilter is what requests are looked for by.
type RequestFilter struct {
	Outcome    string    `query:"outcome" enum:"changed,unchanged,read,refused,failed,unauthenticated,gap"`
	Resource   string    `query:"resource" maxLength:"60" doc:"The id of a user or group"`
	ExternalID string    `query:"externalId" maxLength:"1024"`
	Name       string    `query:"name" maxLength:"1024" doc:"A userName, or the displayName of a group, in any case"`
	Method     string    `query:"method" maxLength:"16"`
	Kind       string    `query:"kind" enum:"User,Group"`
	Status     int       `query:"status" minimum:"0" maximum:"599"`
	Since      time.Time `query:"since" doc:"Not before this time"`
	Until      time.Time `query:"until" doc:"Before this time"`
}

func (f RequestFilter) filter() scimlog.Filter {
	return scimlog.Filter{
		Outcome: scimlog.Outcome(f.Outcome), ResourceID: f.Resource, ExternalID: f.ExternalID, Name: f.Name, Method: f.Method, Kind: f.Kind, Status: f.Status, Since: f.Since, Until: f.Until,
	}
}

type requestsIn struct {
	SourcePath
	RequestFilter
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Before string `query:"before" maxLength:"40" doc:"The next of the page before"`
}

type requestsOut struct {
	Body struct {
		Requests []scimRequest `json:"requests"`
		Next     string        `json:"next" doc:"The next page's before; empty on the last. A page that a filter leaves little of can be short, or empty, and not the last"`
	}
}

type replayIn struct {
	SourcePath
	Body struct {
		IDs   []string `json:"ids,omitempty" maxItems:"100" doc:"Logged requests; they are replayed in the order in which they came"`
		Range *struct {
			Since   time.Time `json:"since" doc:"Not before this time"`
			Until   time.Time `json:"until,omitempty" doc:"Before this time; now, when it is left out"`
			Outcome string    `json:"outcome,omitempty" enum:"changed,unchanged,read,refused,failed" doc:"Only requests of that outcome"`
			After   string    `json:"after,omitempty" maxLength:"40" doc:"The next of the answer before"`
		} `json:"range,omitempty" doc:"The logged requests of a time, oldest first, a hundred at most"`
		Try []scimTry `json:"try,omitempty" maxItems:"100" doc:"Requests that were never made, one after the other"`
	}
}

type scimTry struct {
	Method      string          `json:"method" minLength:"1" maxLength:"16"`
	Path        string          `json:"path" minLength:"1" maxLength:"512" doc:"Below the directory's SCIM address: /Users"`
	Query       string          `json:"query,omitempty" maxLength:"4096"`
	IfMatch     string          `json:"ifMatch,omitempty" maxLength:"100"`
	IfNoneMatch string          `json:"ifNoneMatch,omitempty" maxLength:"100"`
	Body        json.RawMessage `json:"body,omitempty" doc:"Any JSON"`
}

type replayOut struct {
	Body struct {
		Replays []scimReplay `json:"replays"`
		Next    string       `json:"next" doc:"The next range's after; empty when there is no more"`
	}
}

func (d *door) replay(ctx context.Context, in *replayIn) (replays []scimlog.Replay, next string, err error) {
	b := in.Body
	given := 0
	for _, is := range []bool{len(b.IDs) > 0, b.Range != nil, len(b.Try) > 0} {
		if is {
			given++
		}
	}
	switch {
	case given != 1:
		return nil, "", fault.New(fault.Invalid, "give one of ids, range and try").At("body")
	case b.Range != nil:
		return d.Requests.ReplayRange(ctx, in.ID, scimlog.Filter{Since: b.Range.Since, Until: b.Range.Until, Outcome: scimlog.Outcome(b.Range.Outcome)}, b.Range.After)
	case len(b.IDs) > 0:
		replays, err = d.Requests.ReplayRequests(ctx, in.ID, b.IDs)
	default:
		tries := make([]scimlog.Request, len(b.Try))
		for i, t := range b.Try {
			tries[i] = scimlog.Request{Method: t.Method, Path: t.Path, Query: t.Query, IfMatch: t.IfMatch, IfNoneMatch: t.IfNoneMatch, Body: scimlog.Body{Text: string(t.Body)}}
		}
		replays, err = d.Requests.Try(ctx, in.ID, tries)
	}
	return replays, "", err
}

func (d *door) registerRequests(api huma.API) {
	forAdmin(api, d, operation{http.MethodGet, "/directories/{id}/scim-requests", "ListScimRequests", "SCIM requests of a directory's client, newest first; of the directory _, those for directories that do not exist", 0},
		func(ctx context.Context, _ audit.Actor, in *requestsIn) (*requestsOut, error) {
			entries, next, err := d.Requests.Requests(ctx, in.ID, in.filter(), in.Before, in.Limit)
			out := &requestsOut{}
			out.Body.Requests, out.Body.Next = []scimRequest{}, next
			for _, e := range entries {
				out.Body.Requests = append(out.Body.Requests, requestOf(e).listed())
			}
			return out, err
		})
	type oneIn struct {
		SourcePath
		Request string `path:"request" maxLength:"40"`
	}
	forAdmin(api, d, operation{http.MethodGet, "/directories/{id}/scim-requests/{request}", "GetScimRequest", "One SCIM request with its body, secrets masked, and what it changed", 0},
		func(ctx context.Context, _ audit.Actor, in *oneIn) (*struct{ Body scimRequest }, error) {
			e, err := d.Requests.Request(ctx, in.ID, in.Request)
			return &struct{ Body scimRequest }{requestOf(e)}, err
		})
	forAdmin(api, d, operation{http.MethodPost, "/directories/{id}/scim-requests/replay", "ReplayScimRequests", "What would become of SCIM requests now, logged ones or given ones; nothing is changed", 0},
		func(ctx context.Context, _ audit.Actor, in *replayIn) (*replayOut, error) {
			replays, next, err := d.replay(ctx, in)
			out := &replayOut{}
			out.Body.Replays, out.Body.Next = []scimReplay{}, next
			for _, r := range replays {
				out.Body.Replays = append(out.Body.Replays, replayOf(r))
			}
			return out, err
		})
}
