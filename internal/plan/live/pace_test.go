package live

import (
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gatehouse/internal/plan/estate"
)

// TestPacerKeepsToTheLimit: whatever comes at once or in bursts, no second has more calls than the limit, and a long run loses next to nothing.
func TestPacerKeepsToTheLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPacer(20)
		var mu sync.Mutex
		var times []time.Time
		var wg sync.WaitGroup
		call := func() {
			defer wg.Done()
			if p.acquire(t.Context()) != nil {
				return
			}
			mu.Lock()
			times = append(times, time.Now())
			mu.Unlock()
			time.Sleep(100 * time.Millisecond)
			p.release(false)
		}
		began := time.Now()
		for range 200 {
			wg.Add(1)
			go call()
		}
		wg.Wait()
		if took := time.Since(began); took > 10500*time.Millisecond {
			t.Errorf("200 calls at 20 a second took %s", took)
		}
		time.Sleep(time.Minute)
		for range 40 {
			wg.Add(1)
			go call()
		}
		wg.Wait()
		for i := 20; i < len(times); i++ {
			if d := times[i].Sub(times[i-20]); d < time.Second {
				t.Fatalf("21 calls within %s", d)
			}
		}
	})
}

// TestPacerSlowsDown: one refusal in a hundred changes nothing, many of them do, and then the pace comes back.
func TestPacerSlowsDown(t *testing.T) {
	t.Parallel()
	p := newPacer(20)
	for i := range 1000 {
		p.release(i%100 == 0)
	}
	if p.rate != 20 || p.places < 8 {
		t.Errorf("rate %v, places %v with one in a hundred refused", p.rate, p.places)
	}
	for i := range 100 {
		p.release(i%3 == 0)
	}
	if p.rate > 12 || p.rate < 1 || p.places > 4 {
		t.Errorf("rate %v, places %v with one in three refused", p.rate, p.places)
	}
	for range 300 {
		p.release(false)
	}
	if p.rate != 20 {
		t.Errorf("rate %v after all went well", p.rate)
	}
}

func TestParseLimits(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]*Limits{"": nil, "auto": nil, "aws": {20, 15, 3, 8}, "none": {}, "40": {40, 15, 3, 8}, "0.5,1": {0.5, 1, 3, 8}} {
		got, err := ParseLimits(s)
		if err != nil || (got == nil) != (want == nil) || got != nil && *got != *want {
			t.Errorf("%q: %+v %v", s, got, err)
		}
	}
	for _, s := range []string{"fast", "-1", "0", "NaN", "Inf", "20,", "20,0", "20,x", ",3", "1e9", "20,15,3"} {
		if l, err := ParseLimits(s); err == nil || !strings.Contains(err.Error(), "auto, aws, none") {
			t.Errorf("%q: %+v %v", s, l, err)
		}
	}
}

func TestDurations(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]time.Duration{"": 0, "PT1H": time.Hour, "PT90M": 90 * time.Minute, "PT1H30M": 90 * time.Minute, "PT3600S": time.Hour, "P1D": 24 * time.Hour, "PT12H": 12 * time.Hour, "PT1.5S": time.Second} {
		if d, err := parseDuration(s); err != nil || d != want {
			t.Errorf("%q: %s %v", s, d, err)
		}
	}
	for _, s := range []string{"P", "PT", "1H", "PT1", "-PT1H", "PT1H ", "P1Y", "PT99999999999999999999S"} {
		if d, err := parseDuration(s); err == nil {
			t.Errorf("%q is %s", s, d)
		}
	}
	for d, want := range map[time.Duration]string{time.Hour: "PT1H", 90 * time.Minute: "PT1H30M", 45 * time.Second: "PT45S", 0: "PT0S"} {
		if got := formatDuration(d); got != want {
			t.Errorf("%s: %s, want %s", d, got, want)
		}
	}
}

// TestChoose: the instance of the organization is taken among those that the caller sees, unless one is named.
func TestChoose(t *testing.T) {
	t.Parallel()
	own, org := estate.Instance{ARN: "own", Owner: "2"}, estate.Instance{ARN: "org", Owner: "1"}
	for _, c := range []struct {
		named string
		found []estate.Instance
		want  string
	}{{"", []estate.Instance{own, org}, "org"}, {"own", []estate.Instance{own, org}, "own"}, {"", []estate.Instance{own}, "belongs to account 2"}, {"", nil, "no Identity Center instance in region x"}, {"other", []estate.Instance{own}, "cannot see instance other"}} {
		cl := &Client{opts: Options{Instance: c.named}}
		cl.cfg.Region = "x"
		i, err := cl.choose(c.found, "1")
		if err != nil && !strings.Contains(err.Error(), c.want) || err == nil && i.ARN != c.want {
			t.Errorf("%+v: %v %v", c, i, err)
		}
	}
}
