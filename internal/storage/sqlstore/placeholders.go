package sqlstore

import (
	"strconv"
	"strings"
)

// placeholder is the n-th parameter, counted from 1.
func placeholder(n int) string { return "$" + strconv.Itoa(n) }

// insertRows inserts rows of equal width in statements of a few fixed sizes, so that the number of distinct statements stays
// small. head is "INSERT INTO t (a, b) VALUES", tail what follows the rows. It returns how many rows were inserted.
func (c conn) insertRows(head, tail string, rows [][]any) (int64, error) {
	var total int64
	for len(rows) > 0 {
		size := 1
		for _, s := range []int{64, 8} {
			if len(rows) >= s {
				size = s
				break
			}
		}
		var args []any
		for _, r := range rows[:size] {
			args = append(args, r...)
		}
		n, err := c.exec(head+tuples(size, len(rows[0]))+tail, args...)
		if err != nil {
			return total, err
		}
		total += n
		rows = rows[size:]
	}
	return total, nil
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
