package postgres_test

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"gatehouse/internal/storage/postgres/pgtest"
	"gatehouse/internal/storage/sqlstore"
)

// recorded are the statements that an engine was given.
type recorded struct {
	mu      sync.Mutex
	queries map[string]bool
}

func (r *recorded) note(query string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.queries == nil {
		r.queries = map[string]bool{}
	}
	r.queries[query] = true
}

// recorder is an engine that notes every statement it is given.
type recorder struct {
	sqlstore.Engine
	*recorded
}

func (r recorder) Reader() sqlstore.Querier { return notingQuerier{r.Engine.Reader(), r.recorded} }

func (r recorder) Write(ctx context.Context, f func(context.Context, sqlstore.Querier) error) error {
	return r.Engine.Write(ctx, func(ctx context.Context, tx sqlstore.Querier) error { return f(ctx, notingQuerier{tx, r.recorded}) })
}

type notingQuerier struct {
	sqlstore.Querier
	*recorded
}

func (q notingQuerier) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	q.note(query)
	return q.Querier.ExecContext(ctx, query, args...)
}

func (q notingQuerier) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	q.note(query)
	return q.Querier.QueryContext(ctx, query, args...)
}

func (q notingQuerier) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	q.note(query)
	return q.Querier.QueryRowContext(ctx, query, args...)
}

// testPlans looks at PostgreSQL's generic plans for every statement of the suite, over tables of ten thousand rows, with
// scans forbidden, so that what is left of them is what no index spares. No table is read whole, no listing sorted, and no row read only to be
// thrown away, but for those named in excuses. So the cost of no query grows with what it does not return. Package sqlite holds the same for its plans.
func testPlans(t *testing.T, server *pgtest.Server, statements *recorded) {
	queries := statements.queries
	if len(queries) < 150 {
		t.Errorf("the suite ran %d different statements: it leaves something out", len(queries))
	}
	url := server.Database(t)
	openAt(t, url)
	c, err := raw(t, url).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fillTables(t, c)
	unique := uniqueKeys(t, c)
	settings(t, c, "plan_cache_mode = force_generic_plan", "enable_seqscan = off", "enable_bitmapscan = off", "enable_hashjoin = off", "enable_mergejoin = off")
	argued := map[string]bool{}
	for i, q := range slices.Sorted(maps.Keys(queries)) {
		text := strings.Join(strings.Fields(q), " ")
		if strings.Contains(q, "SAVEPOINT") || strings.HasPrefix(q, "SET ") {
			continue // no plan
		}
		for _, complaint := range complaintsAbout(t, c, unique, fmt.Sprintf("q%d", i), q) {
			if reason := excuse(text, complaint); reason != "" {
				argued[reason] = true
				continue
			}
			t.Errorf("%s\nfor: %s", complaint, text)
		}
	}
	for _, e := range excuses {
		if !argued[e.because] {
			t.Logf("the excuse %q, %q (%s) is not needed with this PostgreSQL", e.query, e.complaint, e.because)
		}
	}
}

func settings(t *testing.T, c *sql.Conn, all ...string) {
	t.Helper()
	for _, set := range all {
		if _, err := c.ExecContext(t.Context(), "SET "+set); err != nil {
			t.Fatal(err)
		}
	}
}

// fillTables puts rows into every table that can have more than one, because over empty ones all plans cost the same.
func fillTables(t *testing.T, c *sql.Conn) {
	t.Helper()
	settings(t, c, "session_replication_role = replica") // no foreign keys
	tables := strs(t, c, `SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_name <> 'goose_db_version'
		AND table_name NOT IN (SELECT table_name FROM information_schema.columns WHERE column_name = 'only_one') ORDER BY 1`)
	for _, table := range tables {
		// A column that ends a unique index has a value of its own in each row; of others there are a hundred values.
		last := strs(t, c, `SELECT DISTINCT a.attname::text FROM pg_index x JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = x.indkey[x.indnkeyatts - 1]
			WHERE x.indisunique AND x.indrelid = $1::regclass`, table)
		columns := strs(t, c, `SELECT column_name || ' ' || data_type FROM information_schema.columns WHERE table_name = $1 AND is_identity = 'NO' AND table_schema = 'public'`, table)
		var names, values []string
		for _, column := range columns {
			name, kind, _ := strings.Cut(column, " ")
			n := "g % 100"
			if slices.Contains(last, name) {
				n = "g"
			}
			names = append(names, name)
			values = append(values, cmp.Or(map[string]string{"text": "'v' || md5((" + n + ")::text)", "bytea": "decode(md5((" + n + ")::text), 'hex')"}[kind], n))
		}
		if _, err := c.ExecContext(t.Context(), "INSERT INTO "+table+" ("+strings.Join(names, ", ")+") SELECT "+strings.Join(values, ", ")+" FROM generate_series(1, 10000) g"); err != nil {
			t.Fatalf("%s: %v", table, err)
		}
	}
	if _, err := c.ExecContext(t.Context(), "ANALYZE"); err != nil {
		t.Fatal(err)
	}
}

// uniqueKeys returns, by table, the sets of columns of which a value is there once at most.
func uniqueKeys(t *testing.T, c *sql.Conn) map[string][][]string {
	t.Helper()
	out := map[string][][]string{}
	for _, line := range strs(t, c, `SELECT x.indrelid::regclass::text || ' ' || string_agg(a.attname, ' ') FROM pg_index x
		JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = ANY (x.indkey) WHERE x.indisunique GROUP BY x.indrelid, x.indexrelid`) {
		words := strings.Fields(line)
		out[words[0]] = append(out[words[0]], words[1:])
	}
	return out
}

func strs(t *testing.T, c *sql.Conn, query string, args ...any) (out []string) {
	t.Helper()
	rows, err := c.QueryContext(t.Context(), query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// excuses are the plans that may do what others may not: a part of the query, a part of the complaint, and why.
var excuses = []struct{ query, complaint, because string }{
	{"FROM organization", "organization", "there is one organization"},
	{"signin_settings", "signin_settings", "there is one row of settings"},
	{"FROM instances ORDER BY id", "instances_pkey", "there are few instances, and all are returned"},
	{"FROM sources ORDER BY id", "sources_pkey", "there are few identity sources, and all are returned"},
	{"scim_tokens", "scim_tokens", "an identity source has two valid tokens"},
	{"FROM scim_tokens", "Sort", "an identity source has two valid tokens, and all are returned"},
	{"COUNT(*) FROM scim_tokens", "Aggregate", "an identity source has two valid tokens to count"},
	{"INSERT INTO org_attachments", "is read", "switching policies on attaches one to every unit and account"},
	{"DELETE FROM org_attachments", "is read", "switching policies off detaches all"},
	{"FROM id_counts", "Aggregate", "there are 256 counts"},
	{"COUNT(*) FROM application_assignments", "Aggregate", "an application has as many groups as its quota allows, by default 100"},
	{"COUNT(*) FROM applications", "Aggregate", "an instance has as many applications as its quota allows"},
	{"COUNT(*) FROM permission_sets", "Aggregate", "an instance has as many permission sets as its quota allows"},
	{"COUNT(*) FROM token_issuers", "Aggregate", "an instance has as many trusted token issuers as its quota allows"},
	{"COUNT(*) FROM instance_regions", "Aggregate", "an instance has as many regions as its quota allows"},
	{"COUNT(*) FROM org_attachments WHERE target_id", "Aggregate", "a target has as many policies as its quota allows"},
	{"COUNT(*) FROM iam_access_keys", "", "a user has two access keys"},
	{"COUNT(*) FROM iam_identities", "Aggregate", "GetAccountSummary counts one account's things in an index"},
	{"MAX(before_at) FROM iam_revocations", "Aggregate", "the subjects asked for have a row each"},
	{"DELETE FROM instance_regions", "rows of instance_regions", "an instance has few regions"},
	{"FROM cfn_stacks", "live = 1", "the planner thinks that hardly a stack is deleted, and takes the index of all"},
	{"DELETE FROM signing_keys", "rows of signing_keys", "a scope has a few keys"},
	{"COUNT(*) FROM role_entitlements", "Aggregate", "a role has as many groups as its quota allows"},
	{"FROM role_entitlements a", "Unique", "the existing roles that one person is entitled to"},
	{"FROM role_entitlements a", "Sort", "the existing roles that one person is entitled to"},
	{"DELETE FROM memberships", "NOT (hashed SubPlan", "a group's members are replaced by others"},
	{"DELETE FROM nested_groups", "NOT (hashed SubPlan", "the groups in a group are replaced by others"},
	{"WITH RECURSIVE up (id", "Sort", "the groups that one person, or one group, is in"},
	{"WITH RECURSIVE up (id", "Aggregate", "the groups that one person, or one group, is in"},
	{"WITH RECURSIVE down (id", "Sort", "the groups that one group has in it"},
	{"WITH RECURSIVE down (id", "Aggregate", "the groups that one group has in it"},
	{"FROM nested_groups n JOIN groups g ON g.id = n.group_id WHERE g.source", "nested_groups", "an administrator forbids nesting, and all groups in groups are looked through for one of the source"},
	{"FROM groups WHERE id IN", "Sort", "the groups asked for, or above one, locked in order"},
	{"FROM requests", "rows of requests", "the open requests of one role"},
	{"UPDATE requests", "rows of requests", "the open requests of one role"},
	{"FROM cfn_exports WHERE stack_id", "Sort", "one stack's exports, locked in order"},
	{"FROM signin_sessions WHERE id IN", "Sort", "the sessions asked for, locked in order"},
	{"COUNT(*) FROM signin_sessions WHERE source_id", "Aggregate", "the sessions of a source are counted once, when they are about to be ended"},
	{"FROM users WHERE id IN", "Sort", "the users asked for, locked in order"},
	{"FROM iam_policies WHERE account_id = $1 AND arn IN", "Sort", "the policies asked for, locked in order"},
	{"FROM org_attachments WHERE target_id IN", "Sort", "the policies of the targets asked for"},
	{"substr(path, 1, length(", "substr(path", "a path prefix is looked for among one account's things of one kind, of which IAM's quotas allow some thousands"},
	{"FROM events WHERE 1 = 1 ORDER BY", "events_by_time", "newest first, with a limit"},
	{"WITH who (principal)", "SubPlan", "assignments to roles that are not there yet"},
	{"WITH who (principal)", "Sort", "a page of what one person reaches"},
	{"WITH who (principal)", "Unique", "a page of what one person reaches"},
	{"WITH who (principal)", "Aggregate", "a page of what one person reaches"},
	{"FROM iam_attachments a JOIN", "rows of iam_attachments", "who has a policy both ways comes once"},
	{"FROM iam_attachments a JOIN", "substr(path", "a path prefix is looked for among those who have the policy"},
	{"COUNT(*) FROM iam_attachments", "Aggregate", "how often one account's things have the policies asked for"},
}

func excuse(query, complaint string) string {
	for _, e := range excuses {
		if strings.Contains(query, e.query) && strings.Contains(complaint, e.complaint) {
			return e.because
		}
	}
	return ""
}

// node is one step of a plan.
type node struct {
	Type      string `json:"Node Type"`
	Relation  string `json:"Relation Name"`
	IndexName string `json:"Index Name"`
	IndexCond string `json:"Index Cond"`
	Filter    string `json:"Filter"`
	Plans     []node
}

// complaintsAbout says what the better of two plans, one of which may sort, does beyond seeking and returning.
func complaintsAbout(t *testing.T, c *sql.Conn, unique map[string][][]string, name, query string) []string {
	t.Helper()
	settings(t, c, "enable_sort = on")
	sorting := planOf(t, c, name+"s", query).complaints(unique)
	settings(t, c, "enable_sort = off")
	scanning := planOf(t, c, name, query).complaints(unique)
	if len(sorting) <= len(scanning) {
		return sorting
	}
	return scanning
}

func (n node) complaints(unique map[string][][]string) (out []string) {
	switch {
	case n.Type == "Seq Scan":
		out = append(out, "the whole of "+n.Relation+" is read")
	case strings.HasPrefix(n.Type, "Index") && n.IndexCond == "":
		out = append(out, "the whole index "+n.IndexName+" is read")
	case (strings.Contains(n.Type, "Sort") || n.Type == "Unique" || strings.Contains(n.Type, "Aggregate")) && n.gathers():
		out = append(out, n.Type)
	}
	if n.Filter != "" && n.Relation != "" && !n.single(unique) {
		out = append(out, "rows of "+n.Relation+" are read and left out unless "+n.Filter)
	}
	for _, p := range n.Plans {
		out = append(out, p.complaints(unique)...)
	}
	return out
}

// gathers reports whether what a step takes in comes from tables and has no limit.
func (n node) gathers() bool {
	for _, p := range n.Plans {
		if p.Type != "Limit" && (p.Relation != "" || p.gathers()) {
			return true
		}
	}
	return false
}

// single reports whether a step finds one row at most, because the whole of a unique key is given.
func (n node) single(unique map[string][][]string) bool {
	return slices.ContainsFunc(unique[n.Relation], func(key []string) bool {
		return !slices.ContainsFunc(key, func(column string) bool {
			return !regexp.MustCompile(`\b` + column + ` = `).MatchString(n.IndexCond)
		})
	})
}

var parameter = regexp.MustCompile(`\$(\d+)`)

func planOf(t *testing.T, c *sql.Conn, name, query string) node {
	t.Helper()
	params := 0
	for _, m := range parameter.FindAllStringSubmatch(query, -1) {
		n, err := strconv.Atoi(m[1])
		if err != nil {
			t.Fatal(err)
		}
		params = max(params, n)
	}
	if _, err := c.ExecContext(t.Context(), "PREPARE "+name+" AS "+query); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	explain := "EXPLAIN (FORMAT JSON) EXECUTE " + name
	if params > 0 {
		explain += "(" + strings.TrimSuffix(strings.Repeat("NULL, ", params), ", ") + ")"
	}
	var out string
	if err := c.QueryRowContext(t.Context(), explain).Scan(&out); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	var plans []struct{ Plan node }
	if err := json.Unmarshal([]byte(out), &plans); err != nil {
		t.Fatal(err)
	}
	return plans[0].Plan
}
