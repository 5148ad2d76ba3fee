package sqlstore

import (
	"context"
	"crypto/rand"
	"database/sql"
	"strings"
	"time"

	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
)

// Events reads the audit log. It is written by every changing store method, in that method's transaction.
type Events struct{ db *DB }

// Events returns the reader of the audit log.
func (db *DB) Events() *Events { return &Events{db} }

// EventCursor is a place in a newest-first listing of events; the zero value is its start.
type EventCursor struct {
	At  time.Time
	Seq int64
}

// EventPage is a part of a listing of events.
type EventPage struct {
	Events []audit.Event
	// Next is where the listing goes on; zero when nothing is left.
	Next EventCursor
}

// lookedThrough is how many events are looked through for one page where a filter has no index.
const lookedThrough = 5000

// Events lists events newest first, those that come before the cursor, at most limit. Of the filters the one that leaves the fewest seeks an index: the resource, an
// outcome other than success, the actor, or a whole action; the times narrow what it finds. What the others let through is looked for among that, in
// [lookedThrough] events for a page, which may then have fewer than limit, or none, and say nevertheless where to go on.
func (s *Events) Events(ctx context.Context, before EventCursor, f audit.Filter, limit int) (EventPage, error) {
	var args []any
	with := func(cond string, values ...any) string {
		for _, v := range values {
			args = append(args, v)
			cond = strings.Replace(cond, "?", placeholder(len(args)), 1)
		}
		return " AND " + cond
	}
	prefix, byPrefix := strings.CutSuffix(f.Action, "*")
	var found, look string
	switch {
	case f.Resource != "":
		found, f.Resource = with("resource = ?", f.Resource), ""
	case f.Outcome != "" && f.Outcome != audit.Success:
		found, f.Outcome = with("outcome <> '"+audit.Success+"' AND outcome = ?", f.Outcome), ""
	case f.ActorID != "":
		found, f.ActorID = with("actor_id = ?", f.ActorID), ""
	case f.Action != "" && !byPrefix:
		found, f.Action = with("action = ?", f.Action), ""
	}
	if !f.Since.IsZero() {
		found += with("at >= ?", f.Since)
	}
	switch { // one end, because an index is sought by one
	case before != (EventCursor{}) && (f.Until.IsZero() || before.At.Before(f.Until)):
		found += with("(at, seq) < (?, ?)", before.At, before.Seq)
	case !f.Until.IsZero():
		found += with("at < ?", f.Until)
	}
	if f.Outcome != "" {
		look += with("outcome = ?", f.Outcome)
	}
	if f.ActorID != "" {
		look += with("actor_id = ?", f.ActorID)
	}
	if byPrefix && prefix != "" {
		look += with("substr(action, 1, length(?)) = ?", prefix, prefix)
	} else if !byPrefix && f.Action != "" {
		look += with("action = ?", f.Action)
	}
	most := limit
	if look != "" {
		most = lookedThrough
	}
	args = append(args, most)
	query := ` FROM events WHERE 1 = 1` + found + ` ORDER BY at DESC, seq DESC LIMIT ` + placeholder(len(args))
	if look == "" {
		query = `SELECT at, seq, doc` + query
	} else {
		query = `SELECT at, seq, CASE WHEN 1 = 1` + look + ` THEN doc END FROM (SELECT at, seq, doc, actor_id, action, outcome` + query + `) looked ORDER BY at DESC, seq DESC`
	}
	rows, err := all(s.db.read(ctx), scanEvent, query, args...)
	if err != nil {
		return EventPage{}, s.db.fault(err)
	}
	var page EventPage
	for i, r := range rows {
		if r.doc.Valid {
			e, err := r.event()
			if err != nil {
				return EventPage{}, s.db.fault(err)
			}
			page.Events = append(page.Events, e)
		}
		if len(page.Events) == limit || i+1 == most {
			page.Next = r.EventCursor
			break
		}
	}
	return page, nil
}

// storedEvent is an event at its place, without its document where a filter did not let it through.
type storedEvent struct {
	EventCursor
	doc sql.NullString
}

func scanEvent(r row) (e storedEvent, err error) {
	return e, r.Scan(into(&e.At), &e.Seq, &e.doc)
}

func (e storedEvent) event() (audit.Event, error) {
	d, err := decode[eventDoc](e.doc.String)
	return audit.Event{
		ID: d.ID, At: e.At, Actor: audit.Actor{Kind: d.Kind, ID: d.ActorID, Name: d.Name, AccountID: d.Account},
		Action: d.Action, Resource: d.Resource, Outcome: d.Outcome, RequestID: d.Request, ClientAddr: d.Client, Detail: d.Detail,
	}, err
}

type eventDoc struct {
	ID       string            `json:"id"`
	Kind     audit.ActorKind   `json:"kind,omitzero"`
	ActorID  string            `json:"actor,omitzero"`
	Name     string            `json:"name,omitzero"`
	Account  string            `json:"account,omitzero"`
	Action   string            `json:"action"`
	Resource string            `json:"resource,omitzero"`
	Outcome  string            `json:"outcome,omitzero"`
	Request  string            `json:"request,omitzero"`
	Client   string            `json:"client,omitzero"`
	Detail   map[string]string `json:"detail,omitempty"`
}

// preparedEvent is an event ready to be written.
type preparedEvent struct {
	audit.Event
	doc string
}

func eventRow(e audit.Event) (preparedEvent, error) {
	if e.ID == "" {
		e.ID = arn.UUID(rand.Reader)
	}
	doc, err := encode(eventDoc{
		ID: e.ID, Kind: e.Actor.Kind, ActorID: e.Actor.ID, Name: e.Actor.Name, Account: e.Actor.AccountID,
		Action: e.Action, Resource: e.Resource, Outcome: e.Outcome, Request: e.RequestID, Client: e.ClientAddr, Detail: e.Detail,
	})
	return preparedEvent{e, doc}, err
}

const insertEvents = `INSERT INTO events (at, actor_id, resource, action, outcome, doc) VALUES`

func (e preparedEvent) values() []any {
	return []any{e.At, e.Actor.ID, e.Resource, e.Action, e.Outcome, e.doc}
}

func (c conn) insertEvent(e preparedEvent) error {
	return c.run(insertEvents+` ($1, $2, $3, $4, $5, $6)`, e.values()...)
}

func (c conn) insertEvents(es []preparedEvent) error {
	_, err := c.insertRows(insertEvents, ``, mapped(es, preparedEvent.values))
	return err
}
