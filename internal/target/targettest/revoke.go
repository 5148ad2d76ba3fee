package targettest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/target"
)

// revoker returns the target as one that can revoke, with the role in place; a target that cannot is not tested further.
func (p Place) revoker(t *testing.T) target.Revoker {
	t.Helper()
	r, ok := p.Target.(target.Revoker)
	if !ok {
		t.Skip("this target revokes nothing")
	}
	must(t, p.Target.Apply(t.Context(), actor, p.open()))
	return r
}

// open is a role that may read.
func (p Place) open() target.Role {
	r := p.role()
	r.InlinePolicy = ""
	return r
}

func (p Place) issue(t *testing.T, name string) target.Credentials {
	t.Helper()
	s := p.session()
	s.SessionName, s.Duration = name, 12*time.Hour
	c, err := p.Target.Credentials(t.Context(), s)
	must(t, err)
	return c
}

func (p Place) revoke(t *testing.T, r target.Revoker, name string, at time.Time) {
	t.Helper()
	must(t, r.RevokeIssuedBefore(t.Context(), actor, target.Revocation{AccountID: p.AccountID, RoleName: p.role().Name, SessionName: name, Before: at}))
}

func (p Place) want(t *testing.T, when string, wanted map[string]bool, all map[string]target.Credentials) {
	t.Helper()
	for which, want := range wanted {
		if got := p.May(t, all[which]); got != want {
			t.Errorf("%s: the session %q may: %v, want %v", when, which, got, want)
		}
	}
}

const mary, maria, odd = "mary@example.com", "maria@example.com", "söm ebody"

// revocations: what was issued to the person before is denied, what comes after is allowed, another person's is not touched, and
// applying the role changes nothing in that.
func revocations(t *testing.T, p Place) {
	r := p.revoker(t)
	all := map[string]target.Credentials{"mary's": p.issue(t, mary), "maria's": p.issue(t, maria), "xmary's": p.issue(t, "x"+mary), "odd": p.issue(t, odd)}
	p.want(t, "before", map[string]bool{"mary's": true, "maria's": true, "xmary's": true, "odd": true}, all)
	p.revoke(t, r, mary, p.Move(0)) // in the very second in which it was issued
	p.revoke(t, r, odd, p.Move(0))
	after := map[string]bool{"mary's": false, "maria's": true, "xmary's": true, "odd": false}
	p.want(t, "after", after, all)
	p.Move(2 * time.Second)
	all["mary's next"], after["mary's next"] = p.issue(t, mary), true
	p.want(t, "signed in again", after, all)
	more := p.open()
	more.Description = "changed"
	must(t, p.Target.Apply(t.Context(), actor, more))
	must(t, p.Target.Apply(t.Context(), actor, more))
	p.want(t, "after the role was applied", after, all)
	p.revoke(t, r, mary, p.Move(2*time.Second))
	after["mary's next"] = false
	p.revoke(t, r, mary, p.Move(0).Add(-time.Hour)) // an earlier one takes nothing back
	p.want(t, "revoked again", after, all)
	must(t, r.RevokeIssuedBefore(t.Context(), actor, target.Revocation{AccountID: p.AccountID, RoleName: "AWSReservedSSO_None_0123456789abcdef", SessionName: mary, Before: p.Move(0)}))
}

// revocationsEnd: the policy goes when no session that it means can be alive, be it by asking, by the next revocation or by the next application.
func revocationsEnd(t *testing.T, p Place) {
	r := p.revoker(t)
	has := func() bool { return strings.Contains(fmt.Sprint(p.look(t).Inline), mary) }
	for way, end := range map[string]func(now time.Time){
		"asked":   func(now time.Time) { must(t, r.ForgetRevocations(t.Context(), actor, p.AccountID, p.role().Name, now)) },
		"revoked": func(now time.Time) { p.revoke(t, r, maria, now) },
		"applied": func(time.Time) { must(t, p.Target.Apply(t.Context(), actor, p.open())) },
	} {
		p.revoke(t, r, mary, p.Move(0))
		end(p.Move(target.MaxSessionDuration - time.Minute))
		if !has() {
			t.Errorf("%s: forgotten while a session may be alive", way)
		}
		if end(p.Move(2 * time.Minute)); has() {
			t.Errorf("%s: not forgotten", way)
		}
	}
	must(t, r.ForgetRevocations(t.Context(), actor, p.AccountID, p.role().Name, p.Move(2*target.MaxSessionDuration)))
	if inline := p.look(t).Inline; len(inline) != 0 {
		t.Errorf("left over: %v", inline)
	}
	must(t, r.ForgetRevocations(t.Context(), actor, p.AccountID, "AWSReservedSSO_None_0123456789abcdef", p.Move(0)))
}

// revocationsFit: however many people there are, all of them are denied, and the role's policies stay within IAM's quota.
func revocationsFit(t *testing.T, p Place) {
	r := p.revoker(t)
	var all []target.Credentials
	name := func(i int) string { return fmt.Sprintf("person.number.%04d.with.a.long.name@example.com", i) }
	for i := range 8 {
		all = append(all, p.issue(t, name(i*40)))
	}
	for i := range 300 {
		p.revoke(t, r, name(i), p.Move(2*time.Second))
	}
	for i, c := range all {
		if p.May(t, c) {
			t.Errorf("person %d may still", i*40)
		}
	}
	size := 0
	for _, document := range p.look(t).Inline {
		size += len(document)
	}
	if size == 0 || size > 10240 {
		t.Errorf("the inline policies have %d characters", size)
	}
	p.Move(2 * time.Second)
	if !p.May(t, p.issue(t, name(1))) {
		t.Error("a new session is denied")
	}
}
