package ssoadmin

import (
	"fmt"
	"time"

	"gatehouse/internal/access"
)

// Session durations are ISO 8601 durations on the wire ("PT8H") and time.Duration inside. What comes back is the spelling that came in, because
// Terraform compares spellings; where none did, the shortest in hours, minutes and seconds.

// parseDuration reads a duration; nil gives zero, the default.
func parseDuration(s *string) (time.Duration, error) {
	if s == nil {
		return 0, nil
	}
	return access.ParseDuration(*s)
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
