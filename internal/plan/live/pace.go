package live

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Limits are what a service lets one caller do. Zero is: no limit.
type Limits struct {
	// Rate is how many calls a second sso-admin and the identity store take together.
	Rate float64
	// Outstanding is how many assignment requests may be under way, Provisioning how many requests to provision a set.
	Outstanding, Provisioning int
	// Organizations is how many calls a second AWS Organizations takes, and each other service beside Identity Center.
	Organizations float64
}

// AWS are the limits of AWS IAM Identity Center ("Quotas" in its user guide): 20 calls a second, 15 assignment requests and 3 provisioning
// requests. Those of Organizations are not given for all operations; 8 is a careful figure that was not measured.
var AWS = Limits{Rate: 20, Outstanding: 15, Provisioning: 3, Organizations: 8}

// ParseLimits reads a choice of limits: "aws" are those of AWS, "none" are none, "auto" (or nothing) is nil: AWS's unless an endpoint is given. "40" is a rate of
// 40 calls a second, and "40,30" with 30 assignment requests under way, for an account whose quotas AWS has raised.
func ParseLimits(s string) (*Limits, error) {
	switch s {
	case "", "auto":
		return nil, nil
	case "aws":
		l := AWS
		return &l, nil
	case "none":
		return &Limits{}, nil
	}
	l := AWS
	rate, outstanding, both := strings.Cut(s, ",")
	var err error
	if l.Rate, err = strconv.ParseFloat(rate, 64); err == nil && both {
		l.Outstanding, err = strconv.Atoi(outstanding)
	}
	if err != nil || !(l.Rate >= 0.1 && l.Rate <= 1e6) || l.Outstanding < 1 || l.Outstanding > 100_000 {
		return nil, fmt.Errorf("%q are no limits; there are auto, aws, none, a number of calls a second (20), and that with a number of assignment requests under way (20,15)", s)
	}
	return &l, nil
}

// pacer lets calls of one family of services go as fast as a limit allows, and slower when the service says that it is too fast. It is the one
// authority over when a call is made.
//
// Two things hold a call: a place among those that are under way, of which there are more while all goes well and fewer after a refusal;
// and the clock. The clock allows short bursts, but never more calls in a span of one second's worth than the limit has.
type pacer struct {
	mu      sync.Mutex
	places  float64 // how many calls may be under way
	most    float64
	busy    int
	waiting []chan struct{}

	limit    float64 // calls a second as they were given; 0: no limit
	rate     float64 // calls a second now
	due      time.Time
	recent   []time.Time // when the last calls were let go, a ring
	next     int
	refusals float64 // share of calls that were refused, lately
}

const (
	burst = 10
	// margin is how much longer a span is taken to be than it is: calls do not travel equally fast.
	margin = 1.01
	// window is how many calls are looked at together.
	window = 20
)

func newPacer(limit float64) *pacer {
	p := &pacer{places: 8, most: 64, limit: limit, rate: limit}
	if limit > 0 {
		p.recent = make([]time.Time, window)
		p.most = 32
	}
	return p
}

// acquire waits for a place and for the time. Every acquire that succeeds needs a release.
func (p *pacer) acquire(ctx context.Context) error {
	p.mu.Lock()
	if p.busy < int(p.places) {
		p.busy++
		p.mu.Unlock()
	} else {
		turn := make(chan struct{})
		p.waiting = append(p.waiting, turn)
		p.mu.Unlock()
		select {
		case <-turn:
		case <-ctx.Done():
			p.leave(turn)
			return ctx.Err()
		}
	}
	if err := Sleep(ctx, time.Until(p.slot())); err != nil {
		p.release(false)
		return err
	}
	return nil
}

// leave gives up waiting, or gives back the place that came in the same moment.
func (p *pacer) leave(turn chan struct{}) {
	p.mu.Lock()
	for i, w := range p.waiting {
		if w == turn {
			p.waiting = append(p.waiting[:i], p.waiting[i+1:]...)
			p.mu.Unlock()
			return
		}
	}
	p.mu.Unlock()
	p.release(false)
}

// slot is the next moment at which a call may be made.
func (p *pacer) slot() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if p.rate <= 0 {
		return now
	}
	each := time.Duration(float64(time.Second) / p.rate)
	at := now
	if t := p.due.Add(-(burst - 1) * each); t.After(at) {
		at = t
	}
	if t := p.recent[p.next].Add(time.Duration(margin * window * float64(time.Second) / p.limit)); t.After(at) {
		at = t
	}
	if p.due.Before(at) {
		p.due = at
	}
	p.due = p.due.Add(each)
	p.recent[p.next] = at
	p.next = (p.next + 1) % len(p.recent)
	return at
}

// release gives the place back and learns from the outcome. One refusal in a hundred is noise, of which only the refused call takes notice; more
// than that means that somebody else uses up the same limit, and everything slows down.
func (p *pacer) release(refused bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.busy--
	if refused {
		p.places = math.Max(1, p.places*0.75)
		p.refusals += 0.02 * (1 - p.refusals)
	} else {
		p.places = math.Min(p.most, p.places+1/p.places)
		p.refusals *= 0.98
		p.rate = math.Min(p.limit, p.rate+p.limit/200)
	}
	if p.refusals > 0.07 {
		p.rate = math.Max(p.limit/20, p.rate*0.8)
		p.refusals = 0.03
	}
	for len(p.waiting) > 0 && p.busy < int(p.places) {
		p.busy++
		close(p.waiting[0])
		p.waiting = p.waiting[1:]
	}
}

// backoff is how long to wait before an attempt is repeated: a random time below a bound that doubles.
func (p *pacer) backoff(attempt int) time.Duration {
	base := 20 * time.Millisecond
	if p.limit > 0 {
		base = time.Duration(4 * float64(time.Second) / p.limit)
	}
	bound := min(base<<min(attempt-1, 8), 50*base)
	return time.Duration(rand.Int64N(int64(bound))) + bound/4
}

// Sleep waits, or returns why ctx ended meanwhile.
func Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
