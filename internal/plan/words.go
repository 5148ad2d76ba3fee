package plan

import (
	"fmt"
	"strings"
	"time"
)

// Human is a duration as people write it: 4h, 1h30m.
func Human(d time.Duration) string {
	if d == 0 {
		return ""
	}
	s := d.String()
	if d%time.Minute == 0 {
		s = strings.TrimSuffix(s, "0s")
	}
	if d%time.Hour == 0 {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// policyName is the name of an AWS managed policy, with its path, by its ARN.
func policyName(arn string) string {
	if _, name, ok := strings.Cut(arn, ":aws:policy/"); ok {
		return name
	}
	return arn
}

// few lists at most limit names and says how many there are beside them.
func few(names []string, limit int) string {
	if len(names) <= limit {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:limit], ", "), len(names)-limit)
}
