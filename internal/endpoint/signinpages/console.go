package signinpages

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"time"

	"gatehouse/internal/arn"
	"gatehouse/internal/fault"
)

type consolePage struct {
	Console
	// RoleName is the role in the ARN.
	RoleName string
	// Left is how long until Expires, in words.
	Left string
}

// console shows who the person is in an embedded account. There is no console to sign in to: it is an account of this server.
func (p *pages) console(w http.ResponseWriter, r *http.Request) {
	who, ok := p.person(w, r)
	if !ok {
		return
	}
	q := r.URL.Query()
	account, role := q.Get("account_id"), q.Get("role_name")
	if !arn.IsAccountID(account) || role == "" || len(role) > 32 && !arn.IsRoleResource(role) {
		p.fail(w, r, fault.New(fault.Invalid, "The address needs account_id (12 digits) and role_name (the name of a permission set, or an account's own role as role/path/Name)."))
		return
	}
	c, err := p.Console(r.Context(), who, account, role)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	page := consolePage{Console: c, Left: inWords(c.Expires.Sub(p.Now()))}
	if parts := strings.Split(c.ARN, "/"); len(parts) == 3 {
		page.RoleName = parts[1]
	}
	p.show(w, r, http.StatusOK, "console", frame{Title: c.AccountName + " · " + cmp.Or(c.PermissionSet, page.RoleName), Person: &who.User, Page: page})
}

// inWords writes a duration as people say it, in hours and minutes.
func inWords(d time.Duration) string {
	m := int(d.Round(time.Minute) / time.Minute)
	switch {
	case m < 1:
		return "less than a minute"
	case m < 60:
		return count(m, "minute")
	case m%60 == 0:
		return count(m/60, "hour")
	}
	return count(m/60, "hour") + " and " + count(m%60, "minute")
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
