package credential

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
	"gatehouse/internal/signin"
)

// Kinds of links.
const (
	Invitation = "invitation"
	Reset      = "reset"
)

// LinkPath is the page that a link leads to; the secret is its parameter «token».
const LinkPath = "/signin/link"

// Sent is a link that was made by an administrator.
type Sent struct {
	// To is the address that it was mailed to; empty when it was not mailed.
	To string
	// URL is set when it was not mailed: the administrator hands it over.
	URL       string
	ExpiresAt time.Time
}

// Invite makes a link by which a user sets a password, and mails it to her primary address, or, with show, gives it to the administrator. kind is Invitation or Reset.
//
// Faults: Conflict "off" when the built-in directory is switched off and she is no break-glass administrator, "inactive", "other-source", "no-mail"; Invalid when she has no address.
func (s *Service) Invite(ctx context.Context, a audit.Actor, userID, kind string, show bool) (Sent, error) {
	u, err := s.owned(ctx, userID)
	if err != nil {
		return Sent{}, err
	}
	set, err := s.usable(ctx, u)
	if err != nil {
		return Sent{}, err
	}
	if !show && u.PrimaryEmail() == "" {
		return Sent{}, fault.New(fault.Invalid, "the user %q has no e-mail address; give her one, or take the link yourself and hand it over", u.UserName).At("email")
	}
	life, to := InvitationLife, u.PrimaryEmail()
	if kind == Reset {
		life = ResetLife
	}
	if show {
		to = ""
	}
	url, l, err := s.link(ctx, a, u, kind, to, life)
	if err != nil || show {
		return Sent{URL: url, ExpiresAt: l.ExpiresAt}, err
	}
	if err := s.send(ctx, set, s.letter(u, l, url, "")); err != nil {
		return Sent{}, err
	}
	return Sent{To: to, ExpiresAt: l.ExpiresAt}, nil
}

// usable answers the settings if the user could sign in here with a password.
func (s *Service) usable(ctx context.Context, u directory.User) (Settings, error) {
	set, err := s.Settings(ctx)
	if err != nil {
		return set, err
	}
	p, err := s.store.Person(ctx, u.ID)
	switch {
	case err != nil:
		return set, err
	case !u.Active:
		return set, fault.New(fault.Conflict, "the user %q is disabled; enable her first", u.UserName).For("inactive")
	case !set.Enabled && !p.BreakGlass:
		return set, fault.New(fault.Conflict, "the built-in directory is switched off; switch it on first (gatehouse directory builtin --enable)").For("off")
	}
	return set, nil
}

// link makes a link that is mailed to an address, or to none.
func (s *Service) link(ctx context.Context, a audit.Actor, u directory.User, kind, to string, life time.Duration) (string, Link, error) {
	secret := s.secret()
	now := s.now()
	l := Link{Hash: signin.Hash(secret), UserID: u.ID, Kind: kind, Address: to, CreatedAt: now, ExpiresAt: now.Add(life)}
	e := audit.New(ctx, now, a, "credential:CreateLink", u.ID).With("kind", kind)
	return s.url + LinkPath + "?token=" + secret, l, s.store.InsertLink(ctx, l, e)
}

// letter writes the mail for a link. from is the address that asked for it.
func (s *Service) letter(u directory.User, l Link, url, from string) Message {
	name := u.DisplayName
	if name == "" {
		name = u.UserName
	}
	subject, why := "Your access to "+s.name, "you can sign in to "+s.name+" from now on. Choose a password first:"
	if l.Kind == Reset {
		subject, why = "A new password for "+s.name, "a new password was asked for your sign-in to "+s.name+". Choose one here:"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Hello %s,\n\n%s\n\n%s\n\nYour user name is %s. The link works once, until %s.\n", oneLine(name), why, url, u.UserName, l.ExpiresAt.UTC().Format("2 January 2006, 15:04 UTC"))
	if from != "" {
		fmt.Fprintf(&b, "It was asked for from the address %s. If that was not you, do nothing: your password stays what it is.\n", from)
	}
	return Message{To: u.PrimaryEmail(), Subject: oneLine(subject), Text: b.String()}
}

// oneLine keeps a name that somebody chose from adding lines to a letter.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// asked is somebody's wish for a link.
type asked struct {
	identifier string
	origin     audit.Origin
}

// AskReset takes the wish for a new password. It answers at once and the same for every name; whether there is somebody to mail to is
// found out by Run.
//
// Faults: Invalid for a text that cannot be a user name; Throttled for an address that asks too often; Denied "off"; Unavailable.
func (s *Service) AskReset(ctx context.Context, identifier string) error {
	identifier = strings.TrimSpace(identifier)
	if identifier == "" || utf8.RuneCountInString(identifier) > directory.MaxUserName || !utf8.ValidString(identifier) || strings.ContainsRune(identifier, 0) {
		return fault.New(fault.Invalid, "Enter your user name.").At("identifier")
	}
	set, err := s.Settings(ctx)
	if err != nil {
		return err
	}
	if !set.Enabled || !set.SelfReset {
		return fault.New(fault.Denied, "Passwords are not reset by e-mail here. Ask your administrator.").For("off")
	}
	said, _ := resetBuckets("", signin.Place(ctx))
	if err := s.spend(ctx, said); err != nil {
		return err
	}
	select {
	case s.asked <- asked{identifier, audit.OriginOf(ctx)}:
		return nil
	default:
		return fault.New(fault.Unavailable, "Too many people ask for a new password just now. Try again in a minute.")
	}
}

// Run mails the links that were asked for, until ctx ends. What is not mailed by then is asked for again by who needs it.
func (s *Service) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case w := <-s.asked:
			if err := s.grant(audit.WithOrigin(ctx, w.origin), w); err != nil && ctx.Err() == nil {
				s.log.ErrorContext(ctx, "a link for a new password could not be mailed", "requestId", w.origin.RequestID, "error", err)
			}
		}
	}
}

// grant mails a link if there is somebody to mail it to.
func (s *Service) grant(ctx context.Context, w asked) error {
	u, err := s.users.UserByName(ctx, w.identifier)
	if fault.Is(err, fault.NotFound) || err == nil && (!mayPassword(u) || u.PrimaryEmail() == "") {
		return nil
	}
	if err != nil {
		return err
	}
	_, silent := resetBuckets(u.ID, "")
	if wait, err := s.store.Spend(ctx, []Bucket{silent}, s.now()); err != nil || wait > 0 {
		return err
	}
	set, err := s.Settings(ctx)
	if err != nil {
		return err
	}
	url, l, err := s.link(ctx, anonymous, u, Reset, u.PrimaryEmail(), ResetLife)
	if err != nil {
		return err
	}
	return s.send(ctx, set, s.letter(u, l, url, w.origin.ClientAddr))
}

var errLink = fault.New(fault.Denied, "This link was used already, or its time is over. Ask for another one.").For("over")

// LinkOf returns whom a link is for, and the settings that her password must fit. It uses nothing up: mail programs look at links, too.
//
// Faults: Denied "over".
func (s *Service) LinkOf(ctx context.Context, token string) (directory.User, Settings, error) {
	u, _, set, err := s.linkOf(ctx, token)
	return u, set, err
}

func (s *Service) linkOf(ctx context.Context, token string) (directory.User, Link, Settings, error) {
	l, err := s.store.Link(ctx, signin.Hash(token))
	if fault.Is(err, fault.NotFound) || err == nil && !s.now().Before(l.ExpiresAt) {
		return directory.User{}, l, Settings{}, errLink
	}
	if err != nil {
		return directory.User{}, l, Settings{}, err
	}
	u, err := s.users.User(ctx, l.UserID)
	if fault.Is(err, fault.NotFound) || err == nil && (!mayPassword(u) || l.Address != "" && directory.Fold(l.Address) != directory.Fold(u.PrimaryEmail())) {
		return u, l, Settings{}, errLink
	}
	if err != nil {
		return u, l, Settings{}, err
	}
	set, err := s.usable(ctx, u)
	if fault.Is(err, fault.Conflict) {
		err = errLink.Because(err)
	}
	return u, l, set, err
}

// UseLink sets the password of whom the link is for. It signs nobody in: her second factor is asked for when she signs in. Her other links, sessions and
// remembered browsers end.
//
// Faults: Denied "over"; Invalid "password".
func (s *Service) UseLink(ctx context.Context, token, password string) (directory.User, error) {
	u, l, set, err := s.linkOf(ctx, token)
	if err != nil {
		return u, err
	}
	err = s.replace(ctx, u, set, password, Consequences{UseLink: l.Hash, DropLinks: true, ForgetBrowsers: true}, actorOf(u), l.Kind)
	if fault.Is(err, fault.Conflict) && fault.Of(err).Reason == "used" {
		err = errLink.Because(err)
	}
	if err != nil {
		return u, err
	}
	_, err = s.sessions.EndSessions(ctx, actorOf(u), u.ID)
	return u, err
}
