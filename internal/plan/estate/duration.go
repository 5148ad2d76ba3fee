package estate

import (
	"regexp"
	"strconv"
	"time"
)

// durationForm is what sso-admin uses of ISO 8601.
var durationForm = regexp.MustCompile(`^P(?:(\d{1,4})D)?(?:T(?:(\d{1,5})H)?(?:(\d{1,6})M)?(?:(\d{1,8})(?:\.\d+)?S)?)?$`)

// ParseDuration reads the ISO 8601 duration of a session, such as PT8H or P1DT30M; parts of a second are dropped. A P or T that nothing follows is none.
func ParseDuration(s string) (time.Duration, bool) {
	m := durationForm.FindStringSubmatch(s)
	if m == nil || s[len(s)-1] == 'P' || s[len(s)-1] == 'T' {
		return 0, false
	}
	var d time.Duration
	for i, unit := range []time.Duration{24 * time.Hour, time.Hour, time.Minute, time.Second} {
		n, _ := strconv.ParseInt("0"+m[i+1], 10, 64) // digits only
		d += time.Duration(n) * unit
	}
	return d, true
}
