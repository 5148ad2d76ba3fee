package sqlite

import (
	"errors"
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"gatehouse/internal/storage/sqlstore"
	"gatehouse/internal/storage/storagetest"
)

// TestEveryQuerySeeksAnIndex runs the suite, collects every statement it prepared, and looks at SQLite's plans: a table is never
// scanned and a listing never sorted, but for those named below. So the cost of no query grows with the tables.
func TestEveryQuerySeeksAnIndex(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	queries := map[string]bool{}
	t.Run("Suite", func(t *testing.T) {
		storagetest.Run(t, func(tb testing.TB) *sqlstore.DB {
			e, err := open(tb.Context(), freshFile(tb), slog.New(slog.DiscardHandler))
			if err != nil {
				tb.Fatal(err)
			}
			tb.Cleanup(func() {
				e.writer.stop()
				<-e.writer.ended
				mu.Lock()
				defer mu.Unlock()
				for q := range e.writer.conn.stmts {
					queries[q] = true
				}
				e.readers.stmts.Range(func(q, _ any) bool { queries[q.(string)] = true; return true })
				if err := errors.Join(e.readers.close(), e.writer.close()); err != nil {
					tb.Error(err)
				}
			})
			return sqlstore.New(e, slog.New(slog.DiscardHandler))
		})
	})
	if len(queries) < 150 {
		t.Errorf("the suite ran %d different statements: it leaves something out", len(queries))
	}
	e := testEngine(t)
	for _, q := range slices.Sorted(maps.Keys(queries)) {
		if strings.HasPrefix(q, "SAVEPOINT") || strings.HasPrefix(q, "RELEASE") || strings.HasPrefix(q, "ROLLBACK") || q == "COMMIT" || strings.HasPrefix(q, "BEGIN") {
			continue
		}
		for _, step := range plan(t, e, q) {
			if costly(q, step) {
				t.Errorf("%s\nfor: %s", step, strings.Join(strings.Fields(q), " "))
			}
		}
	}
}

// costly reports whether a step of a plan reads a whole table, or all of one owner, or sorts what it read.
func costly(query, step string) bool {
	switch {
	case strings.HasPrefix(step, "SCAN events") && !strings.Contains(query, "FROM events WHERE 1 = 1 ORDER BY"): // there is a filter, and it is not sought
		return true
	case strings.Contains(step, "_by_source (source=?)") && !strings.Contains(query, "LIMIT"): // all that one source has
		return true
	case strings.HasPrefix(step, "SCAN "):
		for _, fine := range []string{
			"SCAN json_each", "SCAN CONSTANT ROW", "SCAN 8-ROW VALUES", "SCAN 64-ROW VALUES", "SCAN due", "SCAN gone", // as long as what was asked for
			"SCAN sources", "SCAN instances", "SCAN organization", "SCAN signin_settings", // small by nature
			"SCAN open_ones", "SCAN good_ones", "SCAN bad_ones", "SCAN listed", "SCAN counted", "SCAN few", "SCAN child_units", "SCAN child_accounts", // subqueries with a limit
			"SCAN up", "SCAN way", "SCAN down", // the groups that one person, or one group, is in; those that one group has in it
			"SCAN every_unit", "SCAN every_account", // policies are switched on for all of them
			"SCAN events USING INDEX events_by_time", // newest first, with a limit
			"SCAN attached",                          // as many as are returned, and sought one by one
			"SCAN looked",                            // some thousand of these
		} {
			if strings.HasPrefix(step+" ", fine+" ") {
				return false
			}
		}
		return true
	case strings.Contains(step, "TEMP B-TREE"):
		for _, few := range []string{
			"WITH who (principal) AS",                // a page of what one person may do, once each
			"FROM groups WHERE id IN (SELECT group_", // the groups of one user
			"IN (SELECT value FROM json_each",        // a list that was given
			"FROM iam_attachments",                   // who has one policy
			"WITH RECURSIVE up (id",                  // the groups that one person, or one group, is in
			"WITH RECURSIVE down (id)",               // the groups that one group has in it
			"UNION ALL",                              // three limited lists
		} {
			if strings.Contains(query, few) {
				return false
			}
		}
		return true
	}
	return false
}

var parameter = regexp.MustCompile(`\$(\d+)`)

func plan(t *testing.T, e *engine, query string) (steps []string) {
	t.Helper()
	params := 0
	for _, m := range parameter.FindAllStringSubmatch(query, -1) {
		n, err := strconv.Atoi(m[1])
		if err != nil {
			t.Fatal(err)
		}
		params = max(params, n)
	}
	rows, err := e.readers.db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, make([]any, params)...)
	if err != nil {
		t.Fatalf("explain %s: %v", query, err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, detail)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return steps
}
