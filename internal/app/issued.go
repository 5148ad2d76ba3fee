package app

import (
	"context"
	"sync"
	"time"

	"gatehouse/internal/access"
	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/signin"
	"gatehouse/internal/target"
)

// noteAgain is how long one event stands for all the credentials that the same session gets for the same role from the same address. See
// docs/decisions/0005-issued-credentials-are-noted.md.
const noteAgain = 15 * time.Minute

// issue is what one event stands for.
type issue struct{ session, account, role, addr string }

// noted remembers what was noted lately, in two generations, so that its size is bounded; what is forgotten is noted once more.
type noted struct {
	mu       sync.Mutex
	new, old map[issue]time.Time
}

// notedKeys is how many issues one generation holds.
const notedKeys = 16384

// due reports whether the issue is to be noted at now, and remembers that it was.
func (n *noted) due(k issue, now time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	at, ok := n.new[k]
	if !ok {
		at, ok = n.old[k]
	}
	if ok && now.Sub(at) < noteAgain {
		return false
	}
	if n.new == nil || len(n.new) >= notedKeys {
		n.old, n.new = n.new, map[issue]time.Time{}
	}
	n.new[k] = now
	return true
}

// forget makes the next issue be noted again.
func (n *noted) forget(k issue) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.new, k)
	delete(n.old, k)
}

// note records that a person was given credentials: each time in the log, and in the audit trail unless the same was noted a short
// while ago. Credentials that cannot be accounted for are not handed out.
func (a *App) note(ctx context.Context, who signin.Identity, of access.Entitlement, c target.Credentials) error {
	origin := audit.OriginOf(ctx)
	a.log.InfoContext(ctx, "role credentials issued", "requestId", origin.RequestID, "userId", who.User.ID, "userName", who.User.UserName, "session", who.Session.ID,
		"role", c.RoleARN, "accessKeyId", c.AccessKeyID, "expires", c.Expires, "client", origin.ClientAddr)
	k := issue{who.Session.ID, of.Account.ID, of.Name(), origin.ClientAddr}
	if !a.noted.due(k, a.now()) {
		return nil
	}
	e := audit.New(ctx, a.now(), who.Actor(), "sso:GetRoleCredentials", c.RoleARN).
		With("account", of.Account.ID).With("session", who.Session.ID).With("accessKeyId", c.AccessKeyID)
	if of.Existing != nil {
		e = e.With("role", arn.IAM(of.Account.ID, of.Existing.Name)).With("manager", of.Manager.String())
	} else {
		e = e.With("permissionSet", of.Set.Name)
	}
	if err := a.SignIn.Note(ctx, e); err != nil {
		a.noted.forget(k)
		return err
	}
	return nil
}
