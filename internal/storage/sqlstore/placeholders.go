package sqlstore

import (
	"iter"
	"slices"
	"strconv"
	"strings"
)

// placeholder is the n-th parameter, counted from 1.
func placeholder(n int) string { return "$" + strconv.Itoa(n) }

// insertRows inserts rows of equal width in statements of a few fixed sizes, so that the number of distinct statements stays
// small. head is "INSERT INTO t (a, b) VALUES", tail what follows the rows. It returns how many rows were inserted.
func (c conn) insertRows(head, tail string, rows [][]any) (total int64, err error) {
	for chunk, args := range chunks(rows) {
		n, err := c.exec(c.db.insertion(head, tail, len(chunk), len(rows[0])), args...)
		if err != nil {
			return total, err
		}
		total += n
	}
	return total, nil
}

// insertReturning is insertRows with a RETURNING clause at the end of tail; it returns what that returns.
func insertReturning[T any](c conn, scan func(row) (T, error), head, tail string, rows [][]any) (out []T, err error) {
	for chunk, args := range chunks(rows) {
		some, err := all(c, scan, c.db.insertion(head, tail, len(chunk), len(rows[0])), args...)
		if err != nil {
			return nil, err
		}
		out = append(out, some...)
	}
	return out, nil
}

// chunks divides rows into as few runs as fixed sizes allow, and yields each with its values in a line.
func chunks(rows [][]any) iter.Seq2[[][]any, []any] {
	return func(yield func([][]any, []any) bool) {
		for len(rows) > 0 {
			size := 1
			for _, s := range []int{64, 8} {
				if len(rows) >= s {
					size = s
					break
				}
			}
			if !yield(rows[:size], slices.Concat(rows[:size]...)) {
				return
			}
			rows = rows[size:]
		}
	}
}

// insertion is the text of a statement that inserts n rows of width columns; it is long, and put together once.
func (db *DB) insertion(head, tail string, n, width int) string {
	type key struct {
		head, tail string
		n, width   int
	}
	k := key{head, tail, n, width}
	if t, ok := db.insertions.Load(k); ok {
		return t.(string)
	}
	t := head + tuples(n, width) + tail
	db.insertions.Store(k, t)
	return t
}

// tuples writes n tuples of width placeholders: ($1, $2), ($3, $4).
func tuples(n, width int) string {
	var b strings.Builder
	for i := range n * width {
		switch {
		case i == 0:
			b.WriteString(" (")
		case i%width == 0:
			b.WriteString("), (")
		default:
			b.WriteString(", ")
		}
		b.WriteString(placeholder(i + 1))
	}
	b.WriteString(") ")
	return b.String()
}
