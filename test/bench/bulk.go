package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	_ "modernc.org/sqlite" // the driver

	"gatehouse/internal/arn"
)

// grant is one assignment, by places in the estate's lists, which are in the order of the ids.
type grant struct {
	set, account int
	principal    string // as it is stored
}

// grants are the assignments of an estate: one set everywhere, one group with three sets everywhere, an account with as many sets as the quota
// allows, a role with very many users, and for the rest roles with four groups and a user each.
func (e estate) grants() []grant {
	group := func(i int) string { return "GROUP/" + e.groups[i] }
	user := func(i int) string { return "USER/" + e.users[i] }
	const full = 2 // the account with the most sets
	out := make([]grant, 0, e.assignments)
	for a := range e.accounts {
		out = append(out, grant{0, a, group(0)}, grant{2, a, group(2)}, grant{3, a, group(2)})
	}
	for u := range e.wide {
		out = append(out, grant{1, 1, user(u)})
	}
	for set := range min(500, len(e.sets)) {
		out = append(out, grant{set, full, group(1)})
	}
	for j := 0; ; j++ {
		for a := range e.accounts {
			if a == full {
				continue
			}
			set := 4 + (31*a+17*j)%(len(e.sets)-4)
			out = append(out, grant{set, a, user((911*a + 37*j) % len(e.users))})
			for p := range 4 {
				out = append(out, grant{set, a, group(3 + (7*a+13*j+1009*p)%(len(e.groups)-3))})
			}
			if len(out) >= e.assignments {
				return out[:e.assignments]
			}
		}
	}
}

// fillInBulk inserts assignments as the store would have left them when their roles were finished: the assignment, its request, the event, and
// one role for each account and set. The server is not running.
func fillInBulk(ctx context.Context, file, instanceID string, e estate) (err error) {
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)&_pragma=cache_size(-400000)")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	var failed error
	prepare := func(query string) *sql.Stmt {
		s, err := tx.PrepareContext(ctx, query)
		failed = cmp.Or(failed, err)
		return s
	}
	assignment := prepare(`INSERT INTO assignments (set_id, account_id, principal, created_at, request_id) VALUES (?, ?, ?, ?, ?)`)
	role := prepare(`INSERT INTO provisioned_roles (set_id, account_id, suffix, role_name, revision, provisioned_at) VALUES (?, ?, ?, ?, 1, ?)`)
	request := prepare(`INSERT INTO requests (id, kind, parent_id, account_id, set_id, principal, status, failure, created_assignment, created_at, finished_at, seq, pending)
		VALUES (?, 'CREATE', '', ?, ?, ?, 'SUCCEEDED', '', 1, ?, ?, 1, 0)`)
	event := prepare(`INSERT INTO events (at, actor_id, resource, action, outcome, doc) VALUES (?, '', ?, 'sso:CreateAccountAssignment', 'success', ?)`)
	if failed != nil {
		return failed
	}
	gs := e.grants()
	slices.SortFunc(gs, func(a, b grant) int {
		return cmp.Or(cmp.Compare(a.set, b.set), cmp.Compare(a.account, b.account), cmp.Compare(a.principal, b.principal))
	})
	now := time.Now().Add(-time.Hour).UnixMicro()
	run := func(s *sql.Stmt, args ...any) {
		if failed == nil {
			_, failed = s.ExecContext(ctx, args...)
		}
	}
	for i, g := range gs {
		at := now + int64(i)
		set, account, id := e.sets[g.set], e.accounts[g.account], arn.UUID(rand.Reader)
		if i == 0 || gs[i-1].set != g.set || gs[i-1].account != g.account {
			suffix := fmt.Sprintf("%016x", i)
			run(role, set, account, suffix, "AWSReservedSSO_Set_"+suffix, at)
		}
		run(assignment, set, account, g.principal, at, id)
		run(request, id, account, set, g.principal, at, at)
		run(event, at, arn.PermissionSet(instanceID, set), fmt.Sprintf(`{"id":"%s","kind":"system","name":"bench","action":"sso:CreateAccountAssignment","outcome":"success","detail":{"account":"%s","principal":"%s"}}`, arn.UUID(rand.Reader), account, g.principal))
		if failed != nil {
			return failed
		}
	}
	return tx.Commit()
}
