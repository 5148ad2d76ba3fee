package sqlstore

import (
	"context"
	"crypto/rand"
	"strings"
	"time"

	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
)

// Events reads the audit log. It is written by every changing store method, in that method's transaction.
type Events struct{ db *DB }

// Events returns the reader of the audit log.
func (db *DB) Events() *Events { return &Events{db} }

// EventFilter narrows a listing of events; empty members do not narrow.
type EventFilter struct {
	// ActorID and Resource are compared exactly.
	ActorID, Resource string
	// Action is compared exactly, or by its beginning when it ends in "*" ("scim:*").
	Action string
	// Outcome is "success" or a fault kind's name.
	Outcome string
	// Since is inclusive, Until exclusive.
	Since, Until time.Time
}

// EventCursor is a place in a newest-first listing of events; the zero value is the start.
type EventCursor struct {
	At  time.Time
	Seq int64
}

// StoredEvent is an event and its place in the log.
type StoredEvent struct {
	audit.Event
	Cursor EventCursor
}

// Events lists events newest first, those that come before the cursor, at most limit. Filters by actor, by resource and by
// time seek an index; filters by action and outcome look through what the others leave.
func (s *Events) Events(ctx context.Context, before EventCursor, f EventFilter, limit int) ([]StoredEvent, error) {
	var q strings.Builder
	var args []any
	q.WriteString(`SELECT at, seq, doc FROM events WHERE 1 = 1`)
	and := func(cond string, arg any) {
		args = append(args, arg)
		q.WriteString(" AND " + strings.ReplaceAll(cond, "?", placeholder(len(args))))
	}
	if f.ActorID != "" {
		and("actor_id = ?", f.ActorID)
	}
	if f.Resource != "" {
		and("resource = ?", f.Resource)
	}
	if prefix, ok := strings.CutSuffix(f.Action, "*"); ok {
		and("substr(action, 1, length(?)) = ?", prefix)
	} else if f.Action != "" {
		and("action = ?", f.Action)
	}
	if f.Outcome != "" {
		and("outcome = ?", f.Outcome)
	}
	if !f.Since.IsZero() {
		and("at >= ?", f.Since)
	}
	if !f.Until.IsZero() {
		and("at < ?", f.Until)
	}
	if before != (EventCursor{}) {
		args = append(args, before.At, before.Seq)
		q.WriteString(" AND (at, seq) < (" + placeholder(len(args)-1) + ", " + placeholder(len(args)) + ")")
	}
	args = append(args, limit)
	q.WriteString(" ORDER BY at DESC, seq DESC LIMIT " + placeholder(len(args)))
	out, err := all(s.db.read(ctx), scanEvent, q.String(), args...)
	return out, s.db.fault(err)
}

func scanEvent(r row) (StoredEvent, error) {
	var e StoredEvent
	var doc string
	if err := r.Scan(into(&e.Cursor.At), &e.Cursor.Seq, &doc); err != nil {
		return e, err
	}
	d, err := decode[eventDoc](doc)
	e.Event = audit.Event{
		ID: d.ID, At: e.Cursor.At, Actor: audit.Actor{Kind: d.Kind, ID: d.ActorID, Name: d.Name, AccountID: d.Account},
		Action: d.Action, Resource: d.Resource, Outcome: d.Outcome, RequestID: d.Request, ClientAddr: d.Client, Detail: d.Detail,
	}
	return e, err
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
