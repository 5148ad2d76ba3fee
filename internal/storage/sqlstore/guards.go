package sqlstore

import (
	"context"
	"database/sql"
	"errors"

	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
)

type guardDoc struct {
	Off   bool `json:"off,omitzero"`
	Share int  `json:"share,omitzero"`
	Least int  `json:"least,omitzero"`
}

type guardStateDoc struct {
	Since          stamp `json:"since,omitzero"`
	Users          int   `json:"users,omitzero"`
	Groups         int   `json:"groups,omitzero"`
	UsersRemoved   int   `json:"usersRemoved,omitzero"`
	GroupsRemoved  int   `json:"groupsRemoved,omitzero"`
	HeldAt         stamp `json:"heldAt,omitzero"`
	Refused        int   `json:"refused,omitzero"`
	ConfirmedUntil stamp `json:"confirmedUntil,omitzero"`
}

// GuardState implements [directory.GuardStore].
func (s *Directory) GuardState(ctx context.Context, sourceID string) (directory.GuardState, error) {
	st, err := one(s.db.read(ctx), scanGuardState, `SELECT source_id, version, doc FROM source_guards WHERE source_id = $1`, sourceID)
	if errors.Is(err, sql.ErrNoRows) {
		return directory.GuardState{SourceID: sourceID}, nil
	}
	return st, s.db.fault(err)
}

func scanGuardState(r row) (directory.GuardState, error) {
	var st directory.GuardState
	var doc string
	if err := r.Scan(&st.SourceID, &st.Version, &doc); err != nil {
		return st, err
	}
	d, err := decode[guardStateDoc](doc)
	st.Since, st.Users, st.Groups, st.UsersRemoved, st.GroupsRemoved = d.Since.Time, d.Users, d.Groups, d.UsersRemoved, d.GroupsRemoved
	st.HeldAt, st.Refused, st.ConfirmedUntil = d.HeldAt.Time, d.Refused, d.ConfirmedUntil.Time
	return st, err
}

// CountsOf implements [directory.GuardStore].
func (s *Directory) CountsOf(ctx context.Context, sourceID string) (users, groups int, err error) {
	if users, err = s.db.counted(ctx, ofSource(countUsers, sourceID)); err != nil {
		return 0, 0, err
	}
	groups, err = s.db.counted(ctx, ofSource(countGroups, sourceID))
	return users, groups, err
}

// PutGuardState implements [directory.GuardStore].
func (s *Directory) PutGuardState(ctx context.Context, st directory.GuardState, e audit.Event) error {
	put, err := putGuardState(st)
	if err != nil {
		return err
	}
	return s.db.change(ctx, e, put)
}

// NoteGuardState implements [directory.GuardStore].
func (s *Directory) NoteGuardState(ctx context.Context, st directory.GuardState) error {
	put, err := putGuardState(st)
	if err != nil {
		return err
	}
	return s.db.write(ctx, put)
}

func putGuardState(st directory.GuardState) (func(c conn) error, error) {
	doc, err := encode(guardStateDoc{stamp{st.Since}, st.Users, st.Groups, st.UsersRemoved, st.GroupsRemoved, stamp{st.HeldAt}, st.Refused, stamp{st.ConfirmedUntil}})
	return func(c conn) error {
		n, err := c.exec(`INSERT INTO source_guards (source_id, version, doc) VALUES ($1, $2, $3)
			ON CONFLICT (source_id) DO UPDATE SET version = excluded.version, doc = excluded.doc WHERE source_guards.version = excluded.version - 1`,
			st.SourceID, st.Version, doc)
		if err == nil && n == 0 {
			err = stale(directory.ResourceSource, st.SourceID)
		}
		return err
	}, err
}
