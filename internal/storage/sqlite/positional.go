package sqlite

import (
	"strconv"
	"strings"
)

// positional writes the parameters of a statement as question marks, if they are $1, $2, $3 … in this order and each stands there once; another statement stays as
// it is. To SQLite "$1" is a name, and the driver asks for the name of each parameter whenever the statement is run: it is found by going through all
// of them, and copied. A statement that inserts 64 rows of eleven columns spent more on that than on the rows.
func positional(query string) string {
	var out strings.Builder
	from, n := 0, 0
	quoted := false
	for i := 0; i < len(query); i++ {
		switch {
		case query[i] == '\'':
			quoted = !quoted
		case query[i] == '$' && !quoted:
			end := i + 1
			for end < len(query) && '0' <= query[end] && query[end] <= '9' {
				end++
			}
			if n++; query[i+1:end] != strconv.Itoa(n) {
				return query
			}
			out.WriteString(query[from:i] + "?")
			from, i = end, end-1
		}
	}
	out.WriteString(query[from:])
	return out.String()
}
