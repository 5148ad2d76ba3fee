package access

import (
	"strconv"
	"strings"
	"time"

	"gatehouse/internal/fault"
)

// ParseDuration reads the ISO 8601 duration of a session: hours, minutes and seconds, and days and weeks, whose length is fixed. Years and months
// have none and are refused, with Invalid. Whether it is one that a session may have is not asked.
func ParseDuration(s string) (time.Duration, error) {
	bad := fault.New(fault.Invalid, "SessionDuration must be an ISO 8601 duration between PT1H and PT12H, not %q", s).At("SessionDuration")
	rest, ok := strings.CutPrefix(s, "P")
	if !ok {
		return 0, bad
	}
	date, clock, timed := strings.Cut(rest, "T")
	if timed == (clock == "") {
		return 0, bad
	}
	days, ok1 := units(date, "WD", 3, map[byte]time.Duration{'W': 7 * 24 * time.Hour, 'D': 24 * time.Hour})
	hours, ok2 := units(clock, "HMS", 6, map[byte]time.Duration{'H': time.Hour, 'M': time.Minute, 'S': time.Second})
	if !ok1 || !ok2 || rest == "" {
		return 0, bad
	}
	if total := days + hours; total > 0 {
		return total, nil
	}
	return 0, bad
}

// units adds up number-and-letter pairs whose letters follow the given order, each at most once, with so many digits at most: all together are less than what a
// [time.Duration] holds.
func units(s, order string, digits int, length map[byte]time.Duration) (time.Duration, bool) {
	var total time.Duration
	for s != "" {
		i := strings.IndexAny(s, order)
		if i < 1 || i > digits {
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
