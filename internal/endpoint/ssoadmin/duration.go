package ssoadmin

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"gatehouse/internal/access"
	"gatehouse/internal/fault"
)

// Session durations are ISO 8601 durations on the wire ("PT8H") and time.Duration inside. What comes back is the spelling that came in, because
// Terraform compares spellings; where none did, the shortest in hours, minutes and seconds.

// parseDuration reads the hours, minutes and seconds of a duration, and days and weeks, whose length is
// fixed. Years and months have none and are refused. Nil gives zero, the default.
func parseDuration(s *string) (time.Duration, error) {
	if s == nil {
		return 0, nil
	}
	bad := fault.New(fault.Invalid, "SessionDuration must be an ISO 8601 duration between PT1H and PT12H, not %q", *s).At("SessionDuration")
	rest, ok := strings.CutPrefix(*s, "P")
	if !ok {
		return 0, bad
	}
	date, clock, timed := strings.Cut(rest, "T")
	if timed == (clock == "") {
		return 0, bad
	}
	days, ok1 := units(date, "WD", map[byte]time.Duration{'W': 7 * 24 * time.Hour, 'D': 24 * time.Hour})
	hours, ok2 := units(clock, "HMS", map[byte]time.Duration{'H': time.Hour, 'M': time.Minute, 'S': time.Second})
	if !ok1 || !ok2 || rest == "" {
		return 0, bad
	}
	if total := days + hours; total > 0 {
		return total, nil
	}
	return 0, bad
}

// units adds up number-and-letter pairs whose letters follow the given order, each at most once.
func units(s, order string, length map[byte]time.Duration) (time.Duration, bool) {
	var total time.Duration
	for s != "" {
		i := strings.IndexAny(s, order)
		if i < 1 || i > 6 { // six digits of seconds are eleven days: more than any session
			return 0, false
		}
		n, err := strconv.ParseUint(s[:i], 10, 32)
		if err != nil {
			return 0, false
		}
		total += time.Duration(n) * length[s[i]]
		order = order[strings.IndexByte(order, s[i])+1:]
		s = s[i+1:]
	}
	return total, true
}

// shownDuration is how a set's duration is told.
func shownDuration(s access.PermissionSet) string {
	if d, err := parseDuration(&s.SessionText); err == nil && d == s.SessionDuration {
		return s.SessionText
	}
	return formatDuration(s.SessionDuration)
}

func formatDuration(d time.Duration) string {
	h, m, s := int(d/time.Hour), int(d/time.Minute)%60, int(d/time.Second)%60
	out := "PT"
	for _, u := range []struct {
		n    int
		unit string
	}{{h, "H"}, {m, "M"}, {s, "S"}} {
		if u.n > 0 {
			out += fmt.Sprintf("%d%s", u.n, u.unit)
		}
	}
	return out
}
