package sqlstore

import "strings"

// Dialect names everything in which the engines' SQL differs.
type Dialect struct {
	// Name is "sqlite" or "postgres".
	Name string
	// Lock follows a SELECT whose rows are then updated; Share one whose rows must not be deleted before the commit, which
	// Lock allows and Exclusive, for rows that are then deleted, does not; Claim one that takes rows no other transaction
	// holds. All are empty where writers never run side by side.
	Lock, Exclusive, Share, Claim string
	// Yield begins a dry run: a statement by which its transaction gives way where it would make others wait. Empty where there is no need.
	Yield string
	// List gives the subquery that yields the elements of a list parameter such as "$1".
	List func(param string) string
	// ListArg encodes a list parameter.
	ListArg func([]string) any
	// Unique and Reference recognise violations of a unique and of a foreign key constraint.
	Unique, Reference func(error) bool
	// Outage recognises failures that may pass: a lost connection, a full disk.
	Outage func(error) bool
}

// text translates the tokens of a query: {list $1} {lock} {exclusive} {share} {claim}. The dollar sign is the placeholder of
// both engines, and so is nearly everything else.
func (db *DB) text(query string) string {
	if strings.IndexByte(query, '{') < 0 {
		return query
	}
	if t, ok := db.texts.Load(query); ok {
		return t.(string)
	}
	t := db.dialect.translate(query)
	db.texts.Store(query, t)
	return t
}

func (d Dialect) translate(query string) string {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(query, "{")
		out.WriteString(before)
		if !found {
			return out.String()
		}
		token, after, _ := strings.Cut(rest, "}")
		switch param, isList := strings.CutPrefix(token, "list "); {
		case isList:
			out.WriteString(d.List(param))
		case token == "lock":
			out.WriteString(d.Lock)
		case token == "exclusive":
			out.WriteString(d.Exclusive)
		case token == "share":
			out.WriteString(d.Share)
		case token == "claim":
			out.WriteString(d.Claim)
		default:
			out.WriteString("{" + token + "}") // unknown: the database refuses it, in the first test that runs it
		}
		query = after
	}
}
