package sqlstore

import (
	"context"
	"math/rand/v2"
)

// Names of counters.
const (
	countUsers  = "users"
	countGroups = "groups"
)

// count changes a maintained counter. Which shard takes the change is drawn afresh each time: only the sum means anything.
func (c conn) count(name string, delta int) error {
	return c.run(`INSERT INTO counters (name, shard, n) VALUES ($1, $2, $3)
		ON CONFLICT (name, shard) DO UPDATE SET n = counters.n + excluded.n`, name, rand.IntN(c.db.dialect.Shards), delta)
}

func (db *DB) counted(ctx context.Context, name string) (int, error) {
	n, err := one(db.read(ctx), column[int], `SELECT CAST(COALESCE(SUM(n), 0) AS BIGINT) FROM counters WHERE name = $1`, name)
	return n, db.fault(err)
}
