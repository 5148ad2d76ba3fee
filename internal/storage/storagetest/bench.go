package storagetest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gatehouse/internal/access"
	"gatehouse/internal/directory"
	"gatehouse/internal/storage/sqlstore"
)

// Benchmarks measures what a deployment waits for. Every write is durable when it is counted.
func Benchmarks(b *testing.B, open func(testing.TB) *sqlstore.DB) {
	for _, have := range []int{0, 50_000, 200_000} {
		b.Run(fmt.Sprintf("Users=%d", have), func(b *testing.B) {
			db := open(b)
			Fill(b, db, have)
			benchUsers(b, db, have)
		})
	}
	b.Run("Access", func(b *testing.B) { benchAccess(b, open(b)) })
}

func benchUsers(b *testing.B, db *sqlstore.DB, have int) {
	s, next := db.Directory(), have
	var mu sync.Mutex
	version := map[int]int64{}
	b.Run("CreateUser/clients=8", func(b *testing.B) {
		from := next
		next += b.N
		concurrently(b, 8, func(i int) error { return Insert(b, db, from+i) })
	})
	b.Run("UserByName/clients=8", func(b *testing.B) {
		concurrently(b, 8, func(i int) error { return second(s.UserByName(b.Context(), sampleUser(i*7919%next).UserName)) })
	})
	b.Run("CountUsers", func(b *testing.B) {
		concurrently(b, 1, func(int) error { return second(s.CountUsers(b.Context())) })
	})
	b.Run("LastPageOf100", func(b *testing.B) {
		concurrently(b, 1, func(int) error { return second(s.UsersFrom(b.Context(), next-100, 100)) })
	})
	b.Run("UpdateUser/clients=8", func(b *testing.B) {
		concurrently(b, 8, func(i int) error {
			n := i % next // long before the same user comes again
			u := sampleUser(n)
			mu.Lock()
			u.Version = version[n] + 2
			version[n]++
			mu.Unlock()
			u.Title = fmt.Sprint(i)
			return s.UpdateUser(b.Context(), u, u.Version-1, event("identitystore:UpdateUser", u.ID))
		})
	})
}

func benchAccess(b *testing.B, db *sqlstore.DB) {
	s, next := db.Access(), 0
	for n := range 5 {
		if err := s.InsertSet(b.Context(), set(n), event("x", "x")); err != nil {
			b.Fatal(err)
		}
	}
	// Every assignment is new; a role has many of them.
	key := func(i int) access.RoleKey { return roleKey(i/5%1000, i%5) }
	for _, clients := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("Assign/clients=%d", clients), func(b *testing.B) {
			from := next
			next += b.N
			concurrently(b, clients, func(i int) error { return assign(s, b, from+i, key(from+i), group((from+i)/5000), epoch()) })
		})
	}
	made := 0
	b.Run("ClaimAndFinish/workers=4", func(b *testing.B) {
		from := made
		made += b.N
		assigned := atOnce(128, func(client int) error {
			for i := from + client; i < made; i += 128 {
				k := access.RoleKey{AccountID: account(1_000_000 + i), PermissionSetID: set(0).ID}
				if err := assign(s, b, fmt.Sprint("work", i), k, group(1), epoch()); err != nil {
					return err
				}
			}
			return nil
		})
		if err := errors.Join(assigned...); err != nil {
			b.Fatal(err)
		}
		benchWork(b, s)
	})
	principals := []access.Principal{user(1), group(0), group(1), group(2), group(3)}
	b.Run("Assigned/clients=8", func(b *testing.B) {
		concurrently(b, 8, func(i int) error { return second(s.Assigned(b.Context(), key(i), principals)) })
	})
	b.Run("RolesOf1000", func(b *testing.B) {
		concurrently(b, 1, func(int) error { return second(s.RolesOf(b.Context(), principals, access.RoleKey{}, 1000)) })
	})
}

// benchWork finishes b.N pieces of work, claimed in batches.
func benchWork(b *testing.B, s *sqlstore.Access) {
	var mu sync.Mutex
	var claimed []access.RoleWork
	take := func() (w access.RoleWork, err error) {
		mu.Lock()
		defer mu.Unlock()
		if len(claimed) == 0 {
			if claimed, err = s.ClaimWork(b.Context(), worker, epoch(), after(3600), 32); err != nil || len(claimed) == 0 {
				return w, errors.Join(errors.New("no work"), err)
			}
		}
		w, claimed = claimed[0], claimed[1:]
		return w, nil
	}
	concurrently(b, 4, func(int) error {
		w, err := take()
		if err != nil {
			return err
		}
		return s.FinishWork(b.Context(), worker, w, access.Outcome{Role: role(w.RoleKey, epoch()), At: epoch()}, event("provision:ApplyRole", w.AccountID))
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
