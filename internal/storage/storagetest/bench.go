package storagetest

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gatehouse/internal/storage/sqlstore"
)

// Benchmarks measures what a deployment waits for. Every operation is durable when it is counted.
func Benchmarks(b *testing.B, open func(testing.TB) *sqlstore.DB) {
	for _, have := range []int{0, 50_000, 200_000} {
		b.Run(fmt.Sprintf("CreateUser/clients=8/users=%d", have), func(b *testing.B) { benchCreateUser(b, open(b), have) })
	}
}

func benchCreateUser(b *testing.B, db *sqlstore.DB, have int) {
	fill(b, db, have)
	concurrently(b, 8, func(i int) error {
		u := sampleUser(have + i)
		return db.Directory().InsertUser(b.Context(), u, event("identitystore:CreateUser", u.ID))
	})
}

// fill inserts n sample users with many clients, so that commits are shared.
func fill(tb testing.TB, db *sqlstore.DB, n int) {
	tb.Helper()
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 128 {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				u := sampleUser(i)
				if err := db.Directory().InsertUser(tb.Context(), u, event("identitystore:CreateUser", u.ID)); err != nil {
					tb.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// concurrently runs f b.N times from n clients and reports the rate.
func concurrently(b *testing.B, n int, f func(i int) error) {
	b.Helper()
	var next atomic.Int64
	var wg sync.WaitGroup
	b.ReportAllocs()
	b.ResetTimer()
	began := time.Now()
	for range n {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(b.N); i = next.Add(1) - 1 {
				if err := f(int(i)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/time.Since(began).Seconds(), "ops/s")
}
