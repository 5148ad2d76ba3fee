package storagetest

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gatehouse/internal/directory"
	"gatehouse/internal/storage/sqlstore"
)

// Benchmarks measures what a deployment waits for. Every operation is durable when it is counted.
func Benchmarks(b *testing.B, open func(testing.TB) *sqlstore.DB) {
	for _, have := range []int{0, 50_000, 200_000} {
		b.Run(fmt.Sprintf("CreateUser/clients=8/users=%d", have), func(b *testing.B) { benchCreateUser(b, open(b), have) })
	}
}

func benchCreateUser(b *testing.B, db *sqlstore.DB, have int) {
	Fill(b, db, have)
	concurrently(b, 8, func(i int) error {
		return Insert(b, db, have+i)
	})
}

// User is the n-th of many ordinary users.
func User(n int) directory.User { return sampleUser(n) }

// Insert inserts the n-th user.
func Insert(tb testing.TB, db *sqlstore.DB, n int) error {
	u := sampleUser(n)
	return db.Directory().InsertUser(tb.Context(), u, event("identitystore:CreateUser", u.ID))
}

// Fill inserts n users, 0 to n-1, with many clients, so that commits are shared.
func Fill(tb testing.TB, db *sqlstore.DB, n int) {
	tb.Helper()
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 128 {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if err := Insert(tb, db, i); err != nil {
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
