package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// errEnough ends a measurement whose material is used up.
var errEnough = errors.New("enough")

// measure runs op from all clients for a while and prints a line.
func measure(name string, op func(client, n int) error) error {
	if !strings.Contains(name, *only) {
		return nil
	}
	span := *each
	if span == 0 && *quick {
		span = time.Second
	}
	if span == 0 {
		span = 5 * time.Second
	}
	var mu sync.Mutex
	var took []time.Duration
	var failed error
	var wg sync.WaitGroup
	begin, cpu := time.Now(), spent()
	for c := range *clients {
		wg.Go(func() {
			var mine []time.Duration
			for n := 0; time.Since(begin) < span; n++ {
				t := time.Now()
				err := op(c, n)
				if errors.Is(err, errEnough) {
					break
				}
				if err != nil {
					mu.Lock()
					failed = err
					mu.Unlock()
					return
				}
				mine = append(mine, time.Since(t))
			}
			mu.Lock()
			took = append(took, mine...)
			mu.Unlock()
		})
	}
	wg.Wait()
	if failed != nil {
		return fmt.Errorf("%s: %w", name, failed)
	}
	line(name, took, time.Since(begin), spent()-cpu)
	return nil
}

// spent is the CPU time this process has used: server and clients together.
func spent() time.Duration {
	var r syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &r) != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

func line(name string, took []time.Duration, span, cpu time.Duration) {
	if len(took) == 0 {
		fmt.Printf("%-52s nothing was answered\n", name)
		return
	}
	slices.Sort(took)
	at := func(q float64) time.Duration {
		return took[min(len(took)-1, int(q*float64(len(took))))].Round(10 * time.Microsecond)
	}
	fmt.Printf("%-52s %10.0f %14.0f %10s %10s\n", name, float64(len(took))/span.Seconds(), float64(len(took))/cpu.Seconds(), at(0.50), at(0.99))
}
