package sqlite

import (
	"strconv"
	"strings"
	"testing"
)

func TestPositional(t *testing.T) {
	t.Parallel()
	many := make([]string, 704)
	for i := range many {
		many[i] = "?"
	}
	for query, want := range map[string]string{
		"":                             "",
		"SELECT 1":                     "SELECT 1",
		"SELECT a FROM t WHERE b = $1": "SELECT a FROM t WHERE b = ?",
		"INSERT INTO t VALUES ($1, $2), ($3, $4)": "INSERT INTO t VALUES (?, ?), (?, ?)",
		"UPDATE t SET a = $2 WHERE id = $1":       "UPDATE t SET a = $2 WHERE id = $1",
		"SELECT $1, $2, $1":                       "SELECT $1, $2, $1",
		"SELECT $2":                               "SELECT $2",
		"SELECT '$1', 'it''s $2', $1":             "SELECT '$1', 'it''s $2', ?",
		"SELECT $1, $x":                           "SELECT $1, $x",
		"SELECT $":                                "SELECT $",
		"SELECT " + numbered(704):                 "SELECT " + strings.Join(many, ", "),
	} {
		if got := positional(query); got != want {
			t.Errorf("%s: got %s, want %s", query, got, want)
		}
	}
}

func numbered(n int) string {
	var out []string
	for i := range n {
		out = append(out, "$"+strconv.Itoa(i+1))
	}
	return strings.Join(out, ", ")
}
