package sqlstore

import "context"

// Kinds of things that are counted by the beginning of their ids.
const (
	countUsers  = "users"
	countGroups = "groups"
)

// prefixLength is how much of an id tells where it is counted: the identity store's ten digits, a dash, and two digits of the UUID,
// which are random, so that there are 256 counts of about one size, and concurrent writers seldom wait for the same.
const prefixLength = 13

// count notes that ids were added or removed.
func (c conn) count(name, id string, delta int) error {
	return c.run(`INSERT INTO id_counts (name, prefix, n) VALUES ($1, $2, $3)
		ON CONFLICT (name, prefix) DO UPDATE SET n = id_counts.n + excluded.n`, name, id[:min(len(id), prefixLength)], delta)
}

// ofSource is the name under which what belongs to one source is counted ("": what was made by hand).
func ofSource(name, source string) string { return name + "@" + source }

// countOwned notes it among all and among the source's own.
func (c conn) countOwned(name, source, id string, delta int) error {
	if err := c.count(name, id, delta); err != nil {
		return err
	}
	return c.count(ofSource(name, source), id, delta)
}

// countMoved notes that one changed its owner.
func (c conn) countMoved(name, from, to, id string) error {
	if from == to {
		return nil
	}
	if err := c.count(ofSource(name, from), id, -1); err != nil {
		return err
	}
	return c.count(ofSource(name, to), id, 1)
}

// counted returns how many there are.
func (db *DB) counted(ctx context.Context, name string) (int, error) {
	n, err := one(db.read(ctx), column[int], `SELECT CAST(COALESCE(SUM(n), 0) AS BIGINT) FROM id_counts WHERE name = $1`, name)
	return n, db.fault(err)
}

// seek says where in the order of the ids a number of them are behind one: after skip ids that begin with prefix or are behind it. Index paging
// (SCIM's startIndex) would otherwise count its way through all that it leaves out.
func (c conn) seek(name string, n int) (prefix string, skip int, err error) {
	type counted struct {
		prefix string
		n      int
	}
	counts, err := all(c, func(r row) (k counted, err error) { return k, r.Scan(&k.prefix, &k.n) }, `SELECT prefix, n FROM id_counts WHERE name = $1 ORDER BY prefix`, name)
	for _, k := range counts {
		if n < k.n {
			return k.prefix, n, err
		}
		n -= k.n
		prefix = k.prefix + "~" // behind all of them, should it be the last
	}
	return prefix, n, err
}
