package signin

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"gatehouse/internal/audit"
)

// Place is where a request comes from, for limits: an IPv4 address, or the /64 network of an IPv6 address, because one
// subscriber has 2^64 addresses in it to choose from. What is no address counts as itself.
func Place(ctx context.Context) string {
	s := audit.OriginOf(ctx).ClientAddr
	a, err := netip.ParseAddr(s)
	if err != nil {
		return s
	}
	if a = a.Unmap().WithZone(""); a.Is6() {
		p, _ := a.Prefix(64) // an IPv6 address has one
		return p.String()
	}
	return a.String()
}

// limiter allows so many events a second for each key, with a burst. It forgets keys in two generations, so that its
// size is bounded however many keys there are.
type limiter struct {
	perSecond rate.Limit
	burst     int

	mu       sync.Mutex
	new, old map[string]*rate.Limiter
}

// limiterKeys is how many keys one generation holds.
const limiterKeys = 8192

func newLimiter(perSecond float64, burst int) *limiter {
	return &limiter{perSecond: rate.Limit(perSecond), burst: burst, new: map[string]*rate.Limiter{}}
}

// allow reports whether one more event of the key is allowed at now.
func (l *limiter) allow(key string, now time.Time) bool { return l.of(key).AllowN(now, 1) }

// try is allow for events that do not always count: call undo when this one does not.
func (l *limiter) try(key string, now time.Time) (undo func(), ok bool) {
	r := l.of(key).ReserveN(now, 1)
	undo = func() { r.CancelAt(now) }
	if !r.OK() || r.DelayFrom(now) > 0 {
		undo()
		return nil, false
	}
	return undo, true
}

func (l *limiter) of(key string) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.new[key]
	if r == nil {
		if r = l.old[key]; r == nil {
			r = rate.NewLimiter(l.perSecond, l.burst)
		}
		if len(l.new) >= limiterKeys {
			l.old, l.new = l.new, make(map[string]*rate.Limiter)
		}
		l.new[key] = r
	}
	return r
}
