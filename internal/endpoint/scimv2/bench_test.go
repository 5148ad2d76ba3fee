package scimv2_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"gatehouse/internal/directory"
	"gatehouse/internal/endpoint/scimv2"
)

// What the log of requests costs: one client after the other waits for the disk, many at once for the processor.
func BenchmarkCreateUser(b *testing.B) {
	for _, clients := range []int{1, 32} {
		for _, logged := range []bool{false, true} {
			b.Run(fmt.Sprintf("clients=%d/logged=%v", clients, logged), func(b *testing.B) {
				w := start(b, directory.ProfileRFC)
				if !logged {
					w.handler = scimv2.New(scimv2.Config{Directory: w.service, URL: "http://gatehouse.test", Now: time.Now, Log: slog.New(slog.DiscardHandler)})
				}
				ctx, stop := context.WithCancel(b.Context())
				done := make(chan struct{})
				go func() { w.requests.Recorder().Run(ctx); close(done) }()
				var n atomic.Int64
				b.ResetTimer()
				b.SetParallelism(clients)
				if clients == 1 {
					for b.Loop() {
						w.user(fmt.Sprint("u", n.Add(1)))
					}
				} else {
					b.RunParallel(func(p *testing.PB) {
						for p.Next() {
							w.user(fmt.Sprint("u", n.Add(1)))
						}
					})
				}
				stop()
				<-done // what was still to be written is part of the cost
			})
		}
	}
}

func BenchmarkPatchUser(b *testing.B) {
	w := start(b, directory.ProfileRFC)
	path := "/Users/" + w.user("ann")
	n := 0
	for b.Loop() {
		n++
		w.must(200, "PATCH", path, patch(fmt.Sprintf(`{"op":"Replace","path":"name.familyName","value":"F%d"}`, n)))
	}
}

// One member added and removed must cost the same in a small group and in a large one.
func BenchmarkPatchMember(b *testing.B) {
	for _, size := range []int{10, 10_000} {
		b.Run(fmt.Sprint("of", size), func(b *testing.B) {
			w := start(b, directory.ProfileRFC)
			one := w.user("one")
			ids := make([]string, size)
			for i := range ids {
				u, err := w.service.CreateUser(b.Context(), admin, directory.User{UserName: fmt.Sprint("u", i), Source: w.id})
				if err != nil {
					b.Fatal(err)
				}
				ids[i] = u.ID
			}
			path := "/Groups/" + w.group("G", ids...)
			b.ResetTimer()
			for b.Loop() {
				w.must(204, "PATCH", path, patch(`{"op":"Add","path":"members","value":[{"value":"`+one+`"}]}`))
				w.must(204, "PATCH", path, patch(`{"op":"Remove","path":"members","value":[{"value":"`+one+`"}]}`))
			}
		})
	}
}

func BenchmarkFindUser(b *testing.B) {
	w := start(b, directory.ProfileRFC)
	w.crowd(1000)
	for name, filter := range map[string]string{"byName": "userName+eq+%22USER500%22", "byScan": "title+pr"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				w.must(200, "GET", "/Users?filter="+filter, "")
			}
		})
	}
}
