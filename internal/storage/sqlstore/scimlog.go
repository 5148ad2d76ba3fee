package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"gatehouse/internal/directory"
	"gatehouse/internal/scimlog"
)

// SCIMLog is the log of SCIM requests' [scimlog.Store].
type SCIMLog struct{ db *DB }

var _ scimlog.Store = (*SCIMLog)(nil)

// SCIMLog returns the log's Store.
func (db *DB) SCIMLog() *SCIMLog { return &SCIMLog{db} }

// entryDoc is the stored shape of an entry, but for the columns.
type entryDoc struct {
	At          stamp           `json:"at,omitzero"`
	RequestID   string          `json:"request,omitzero"`
	TokenID     string          `json:"token,omitzero"`
	ClientAddr  string          `json:"client,omitzero"`
	UserAgent   string          `json:"agent,omitzero"`
	Took        int64           `json:"tookMicros,omitzero"`
	Path        string          `json:"path,omitzero"`
	Query       string          `json:"query,omitzero"`
	ContentType string          `json:"contentType,omitzero"`
	IfMatch     string          `json:"ifMatch,omitzero"`
	IfNoneMatch string          `json:"ifNoneMatch,omitzero"`
	Body        string          `json:"body,omitzero"`
	BodySize    int             `json:"bodySize,omitzero"`
	BodyCut     bool            `json:"bodyCut,omitzero"`
	BodyProblem string          `json:"bodyProblem,omitzero"`
	Name        string          `json:"name,omitzero"`
	ScimType    string          `json:"scimType,omitzero"`
	Why         string          `json:"why,omitzero"`
	Action      string          `json:"action,omitzero"`
	Attributes  []differenceDoc `json:"attributes,omitempty"`
	Added       membersDoc      `json:"added,omitzero"`
	Removed     membersDoc      `json:"removed,omitzero"`
	ChangeCut   bool            `json:"changeCut,omitzero"`
	PartOf      string          `json:"partOf,omitzero"`
	Operation   int             `json:"operation,omitzero"`
	Operations  int             `json:"operations,omitzero"`
	Failed      int             `json:"failed,omitzero"`
	Lost        int             `json:"lost,omitzero"`
}

type differenceDoc struct {
	Attribute string `json:"a"`
	Before    string `json:"b,omitzero"`
	After     string `json:"n,omitzero"`
}

type membersDoc struct {
	Count int      `json:"n"`
	IDs   []string `json:"ids,omitempty"`
}

func newEntryDoc(e scimlog.Entry) entryDoc {
	q, c := e.Request, e.Result.Change
	return entryDoc{
		At: stamp{e.At}, RequestID: e.RequestID, TokenID: e.TokenID, ClientAddr: e.ClientAddr, UserAgent: e.UserAgent, Took: e.Took.Microseconds(), Path: q.Path, Query: q.Query,
		ContentType: q.ContentType, IfMatch: q.IfMatch, IfNoneMatch: q.IfNoneMatch, Body: q.Body.Text, BodySize: q.Body.Size, BodyCut: q.Body.Cut, BodyProblem: q.Body.Problem,
		Name: e.Resource.Name, ScimType: e.Result.ScimType, Why: e.Result.Why, Action: c.Action,
		Attributes: mapped(c.Attributes, func(d scimlog.Difference) differenceDoc {
			return differenceDoc{d.Attribute, string(d.Before), string(d.After)}
		}),
		Added: membersDoc(c.Added), Removed: membersDoc(c.Removed), ChangeCut: c.Cut, PartOf: e.PartOf, Operation: e.Operation, Operations: e.Operations, Failed: e.FailedOperations, Lost: e.Lost,
	}
}

const entryColumns = `source, id, outcome, method, kind, status, resource_id, external_id, doc`

func scanEntry(r row) (scimlog.Entry, error) {
	var e scimlog.Entry
	var doc string
	if err := r.Scan(&e.Directory, &e.ID, &e.Result.Outcome, &e.Request.Method, &e.Resource.Kind, &e.Result.Status, &e.Resource.ID, &e.Resource.ExternalID, &doc); err != nil {
		return e, err
	}
	d, err := decode[entryDoc](doc)
	e.At, e.RequestID, e.TokenID, e.ClientAddr, e.UserAgent, e.Took = d.At.Time, d.RequestID, d.TokenID, d.ClientAddr, d.UserAgent, time.Duration(d.Took)*time.Microsecond
	e.Request = scimlog.Request{
		Method: e.Request.Method, Path: d.Path, Query: d.Query, ContentType: d.ContentType, IfMatch: d.IfMatch, IfNoneMatch: d.IfNoneMatch,
		Body: scimlog.Body{Text: d.Body, Size: d.BodySize, Cut: d.BodyCut, Problem: d.BodyProblem},
	}
	e.Resource.Name, e.Result.ScimType, e.Result.Why = d.Name, d.ScimType, d.Why
	e.Result.Change = scimlog.Change{
		Action: d.Action, Added: scimlog.Members(d.Added), Removed: scimlog.Members(d.Removed), Cut: d.ChangeCut,
		Attributes: mapped(d.Attributes, func(d differenceDoc) scimlog.Difference {
			return scimlog.Difference{Attribute: d.Attribute, Before: jsonOrNil(d.Before), After: jsonOrNil(d.After)}
		}),
	}
	e.PartOf, e.Operation, e.Operations, e.FailedOperations, e.Lost = d.PartOf, d.Operation, d.Operations, d.Failed, d.Lost
	return e, err
}

func jsonOrNil(s string) json.RawMessage {
	if s == "" {
		return nil
	}
	return json.RawMessage(s)
}

// AppendRequests implements [scimlog.Store].
func (s *SCIMLog) AppendRequests(ctx context.Context, entries []scimlog.Entry) error {
	rows := make([][]any, len(entries))
	for i, e := range entries {
		doc, err := encode(newEntryDoc(e))
		if err != nil {
			return err
		}
		rows[i] = []any{e.Directory, e.ID, string(e.Result.Outcome), e.Request.Method, e.Resource.Kind, e.Result.Status, e.PartOf != "", e.Resource.ID, e.Resource.ExternalID,
			directory.Fold(e.Resource.Name), doc}
	}
	return s.db.write(ctx, func(c conn) error {
		_, err := c.insertRows(`INSERT INTO scim_requests (source, id, outcome, method, kind, status, part, resource_id, external_id, name_fold, doc) VALUES`, `ON CONFLICT DO NOTHING`, rows)
		return err
	})
}

// Request implements [scimlog.Store].
func (s *SCIMLog) Request(ctx context.Context, source, id string) (scimlog.Entry, error) {
	e, err := one(s.db.read(ctx), scanEntry, `SELECT `+entryColumns+` FROM scim_requests WHERE source = $1 AND id = $2`, source, id)
	return e, s.db.lookup(err, scimlog.ResourceRequest, id)
}

// RequestsByID implements [scimlog.Store].
func (s *SCIMLog) RequestsByID(ctx context.Context, source string, ids []string) ([]scimlog.Entry, error) {
	if err := atMost(len(ids), 1000); err != nil || len(ids) == 0 {
		return nil, err
	}
	es, err := all(s.db.read(ctx), scanEntry, `SELECT `+entryColumns+` FROM scim_requests WHERE source = $1 AND id IN {list $2} ORDER BY id`, source, list(ids))
	return es, s.db.fault(err)
}

// looked is what of an entry is looked at when it is searched for.
type looked struct {
	id, outcome, method, kind        string
	status, part                     int
	resourceID, externalID, nameFold string
}

func scanLooked(r row) (l looked, err error) {
	return l, r.Scan(&l.id, &l.outcome, &l.method, &l.kind, &l.status, &l.part, &l.resourceID, &l.externalID, &l.nameFold)
}

// FindRequests implements [scimlog.Store]. An index gives those of one resource or outcome in order; the filter's other conditions are looked for among them.
func (s *SCIMLog) FindRequests(ctx context.Context, source string, f scimlog.Filter, p scimlog.Page) (scimlog.Found, error) {
	query, args := findQuery(source, f, p)
	seen, err := all(s.db.read(ctx), scanLooked, query, args...)
	if err != nil {
		return scimlog.Found{}, s.db.fault(err)
	}
	var found scimlog.Found
	fold := directory.Fold(f.Name)
	for i, l := range seen {
		if l.admitted(f, fold) {
			found.IDs = append(found.IDs, l.id)
		}
		if len(found.IDs) == p.Limit && i < len(seen)-1 {
			found.Next = l.id
			return found, nil
		}
	}
	if len(seen) == examined(f, p) {
		found.Next = seen[len(seen)-1].id
	}
	return found, nil
}

// examined is how many rows are read: one more than is wanted where all of them are.
func examined(f scimlog.Filter, p scimlog.Page) int {
	if only, _ := f.Key(); f == (scimlog.Filter{Since: f.Since, Until: f.Until}) || only == "outcome" && f == (scimlog.Filter{Since: f.Since, Until: f.Until, Outcome: f.Outcome}) {
		return min(p.Limit+1, p.Examine)
	}
	return p.Examine
}

// columnsOf are the columns of what a filter has an index for.
var columnsOf = map[string]string{"resource": "resource_id", "externalId": "external_id", "name": "name_fold", "outcome": "outcome"}

func findQuery(source string, f scimlog.Filter, p scimlog.Page) (string, []any) {
	from, to := f.Bounds()
	order := "DESC"
	switch {
	case p.OldestFirst:
		order = "ASC"
		if p.Before >= from {
			from = p.Before + "~" // behind it
		}
	case p.Before != "" && p.Before < to:
		to = p.Before
	}
	args := []any{source, from, to, examined(f, p)}
	var and strings.Builder
	if key, value := f.Key(); key != "" {
		column := columnsOf[key]
		if key == "name" {
			value = directory.Fold(value)
		}
		args = append(args, value)
		and.WriteString(" AND " + column + " = $5")
		if key != "outcome" {
			and.WriteString(" AND " + column + " <> ''") // the index has no others
		}
	}
	return `SELECT id, outcome, method, kind, status, part, resource_id, external_id, name_fold FROM scim_requests
		WHERE source = $1 AND id >= $2 AND id < $3` + and.String() + ` ORDER BY id ` + order + ` LIMIT $4`, args
}

// admitted holds an entry against all of a filter's conditions.
func (l looked) admitted(f scimlog.Filter, nameFold string) bool {
	switch {
	case f.Outcome != "" && l.outcome != string(f.Outcome), f.Method != "" && l.method != f.Method, f.Kind != "" && l.kind != f.Kind, f.Status != 0 && l.status != f.Status,
		f.ResourceID != "" && l.resourceID != f.ResourceID, f.ExternalID != "" && l.externalID != f.ExternalID, f.Name != "" && l.nameFold != nameFold:
		return false
	}
	return !f.Requests || l.part == 0 && l.outcome != string(scimlog.Gap) && l.outcome != string(scimlog.Unauthenticated)
}

// LoggedDirectories implements [scimlog.Store], by a seek for each.
func (s *SCIMLog) LoggedDirectories(ctx context.Context) (out []string, err error) {
	for last := ""; ; {
		last, err = s.last(ctx, `SELECT source FROM scim_requests WHERE source > $1 ORDER BY source LIMIT 1`, last)
		if err != nil || last == "" {
			return out, err
		}
		out = append(out, last)
	}
}

// pruneChunk is how many entries one transaction removes.
const pruneChunk = 500

// PruneRequests implements [scimlog.Store].
func (s *SCIMLog) PruneRequests(ctx context.Context, source string, before time.Time, most, strangers int) (int, error) {
	_, expired := scimlog.Filter{Until: before}.Bounds()
	oldest, err := s.last(ctx, `SELECT id FROM scim_requests WHERE source = $1 ORDER BY id DESC LIMIT 1 OFFSET $2`, source, most-1)
	if err != nil {
		return 0, err
	}
	removed, err := s.remove(ctx, `DELETE FROM scim_requests WHERE source = $1 AND id IN (SELECT id FROM scim_requests WHERE source = $1 AND id < $2 ORDER BY id LIMIT $3)`,
		source, max(expired, oldest))
	for _, outcome := range []scimlog.Outcome{scimlog.Unauthenticated, scimlog.Gap} {
		if err != nil {
			break
		}
		oldest, err = s.last(ctx, `SELECT id FROM scim_requests WHERE source = $1 AND outcome = $2 ORDER BY id DESC LIMIT 1 OFFSET $3`, source, string(outcome), strangers-1)
		if err != nil || oldest == "" {
			continue
		}
		var n int
		n, err = s.remove(ctx, `DELETE FROM scim_requests WHERE source = $1 AND id IN (SELECT id FROM scim_requests WHERE source = $1 AND outcome = $4 AND id < $2 ORDER BY id LIMIT $3)`,
			source, oldest, string(outcome))
		removed += n
	}
	return removed, err
}

// last returns an id, or "" when there is none.
func (s *SCIMLog) last(ctx context.Context, query string, args ...any) (string, error) {
	id, err := one(s.db.read(ctx), column[string], query, args...)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return id, s.db.fault(err)
}

// remove deletes what is before an id, a little at a time, so that nobody waits for long.
func (s *SCIMLog) remove(ctx context.Context, query, source, before string, more ...any) (removed int, err error) {
	for {
		var n int64
		err := s.db.write(ctx, func(c conn) (err error) {
			n, err = c.exec(query, append([]any{source, before, pruneChunk}, more...)...)
			return err
		})
		if removed += int(n); err != nil || n < pruneChunk {
			return removed, err
		}
	}
}
