package scimv2

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
	"gatehouse/internal/scim"
	"gatehouse/internal/scimlog"
)

// request is what every handler needs of a request, checked.
type request struct {
	source  directory.Source
	profile scim.Profile
	actor   audit.Actor
	// root is the path of the directory's SCIM root, base its address.
	root, base string
	// id is the second segment, of an item.
	id   string
	body []byte
	// query has each known parameter at most once.
	query map[string]string
	// ifMatch and ifNoneMatch are the headers; empty when absent.
	ifMatch, ifNoneMatch string
	// at, entry, token, secrets and trace are for the log: when it began, the entry's id, the token's id, what the client proved itself with, and what
	// handlers say.
	at           time.Time
	entry, token string
	secrets      []string
	trace        *trace
	// rehearsed says that nothing of it stays.
	rehearsed bool
}

// request begins a request. Until it is known to be of a source's client, it speaks RFC.
func (d *door) request(r *http.Request) *request {
	q := &request{profile: scim.RFC, at: d.Now(), secrets: scimlog.Presented(r.Header.Values("Authorization")), trace: &trace{}}
	q.ifMatch, q.ifNoneMatch = r.Header.Get("If-Match"), r.Header.Get("If-None-Match")
	if d.Requests != nil {
		q.entry = d.Requests.NewID(q.at)
	}
	return q
}

// of makes the request one of a source's client.
func (q *request) of(src directory.Source, url string) {
	q.source, q.profile, q.root = src, profileOf(src), "/scim/"+src.ID+"/v2"
	q.base = url + q.root
	q.actor = audit.Actor{Kind: audit.Directory, ID: src.ID, Name: src.Name}
}

// parameters that mean something; others (?aadOptscim062020) are tolerated.
var parameters = [...]string{"filter", "attributes", "excludedAttributes", "sortBy", "sortOrder", "startIndex", "count", "cursor"}

func (q *request) read(w http.ResponseWriter, r *http.Request) error {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return invalid(scim.InvalidValue, "the query cannot be read")
	}
	q.query = map[string]string{}
	for name, vs := range values {
		for _, p := range parameters {
			if !strings.EqualFold(name, p) {
				continue
			}
			if _, twice := q.query[p]; twice || len(vs) > 1 {
				return invalid(scim.InvalidValue, "the query parameter "+p+" is given twice")
			}
			q.query[p] = vs[0]
		}
	}
	switch r.Method {
	case http.MethodPost, http.MethodPut, http.MethodPatch:
		return q.readBody(w, r)
	}
	return nil
}

func invalid(scimType, detail string) error {
	return fault.New(fault.Invalid, "%s", detail).For(scimType)
}

// readBody reads at most scim.MaxBody bytes of JSON. A missing Content-Type is taken for JSON.
func (q *request) readBody(w http.ResponseWriter, r *http.Request) error {
	if ct := r.Header.Get("Content-Type"); ct != "" {
		kind, params, err := mime.ParseMediaType(ct)
		charset := params["charset"]
		if err != nil || kind != "application/scim+json" && kind != "application/json" || charset != "" && !strings.EqualFold(charset, "utf-8") {
			return &refusal{status: http.StatusUnsupportedMediaType, scimType: scim.InvalidSyntax, detail: "send application/scim+json or application/json in UTF-8"}
		}
	}
	if enc := r.Header.Get("Content-Encoding"); enc != "" && !strings.EqualFold(enc, "identity") {
		return &refusal{status: http.StatusUnsupportedMediaType, scimType: scim.InvalidSyntax, detail: "send the body without a content encoding"}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, scim.MaxBody))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return &refusal{status: http.StatusRequestEntityTooLarge, scimType: scim.TooMany, detail: "the request body is larger than " + strconv.Itoa(scim.MaxBody) + " bytes"}
	}
	if err != nil {
		return fault.New(fault.Invalid, "the request body ended early").For(scim.InvalidSyntax).Because(err)
	}
	q.body = body
	return nil
}

// number reads a query parameter that is an integer; ok is false when it is absent.
func (q *request) number(name string) (n int, ok bool, err error) {
	s, ok := q.query[name]
	if !ok || s == "" {
		return 0, false, nil
	}
	n, err = strconv.Atoi(s)
	if err != nil {
		return 0, false, invalid(scim.InvalidValue, name+" must be an integer")
	}
	return n, true, nil
}

func (q *request) projection(rt *scim.ResourceType) scim.Projection {
	return scim.ParseProjection(rt, q.query["attributes"], q.query["excludedAttributes"])
}

func (q *request) filter(rt *scim.ResourceType) (*scim.Filter, error) {
	s, ok := q.query["filter"]
	if !ok {
		return nil, nil
	}
	f, err := scim.ParseFilter(rt, s)
	if err != nil {
		return nil, err
	}
	return f, q.profile.CheckFilter(f)
}

// order reads sortBy and sortOrder, which AWS's endpoint ignores.
func (q *request) order(rt *scim.ResourceType, p paging) (scim.Sort, error) {
	if q.profile == scim.AWS {
		return scim.Sort{}, nil
	}
	s, err := scim.ParseSort(rt, q.query["sortBy"], q.query["sortOrder"])
	if err == nil && s.Given() && p.byCursor {
		err = invalid(scim.InvalidValue, "a sorted list is paged by startIndex, not by cursor")
	}
	return s, err
}

// ifVersion holds the If-Match header against the present version and returns the version that the change
// may be made to: 0, any, when the client named none (RFC 7644 §3.14).
func (q *request) ifVersion(present int64) (int64, error) {
	if q.ifMatch == "" {
		return 0, nil
	}
	if !scim.ETagMatches(q.ifMatch, present) {
		return 0, &refusal{status: http.StatusPreconditionFailed, detail: "the resource has changed since; read it again"}
	}
	return present, nil
}

// lost turns a lost race of a conditional change into the answer the client asked for.
func (q *request) lost(err error) error {
	if f := fault.Of(err); q.ifMatch != "" && f != nil && f.Kind == fault.Conflict && f.Reason == "version" {
		return &refusal{status: http.StatusPreconditionFailed, detail: "the resource has changed since; read it again"}
	}
	return err
}

// unchanged is the answer 304 when the client has this version already.
func (q *request) unchanged(version int64) error {
	if q.ifNoneMatch != "" && scim.ETagMatches(q.ifNoneMatch, version) {
		return &refusal{status: http.StatusNotModified, etag: scim.ETag(version)}
	}
	return nil
}

// seesUser reports whether the user exists for this client: its source owns her, or may adopt her.
func (q *request) seesUser(u directory.User) bool { return q.source.Sees(u.Source) }

// seesGroup is the same rule for groups.
func (q *request) seesGroup(g directory.Group) bool { return q.source.Sees(g.Source) }

// seesOwnOnly reports whether what the source owns is all that exists for this client.
func (q *request) seesOwnOnly() bool { return len(q.source.Sight()) == 1 }
