package admin

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"gatehouse/internal/audit"
	"gatehouse/internal/credential"
	"gatehouse/internal/signin"
)

type device struct {
	ID         string     `json:"id"`
	Name       string     `json:"name"`
	Kind       string     `json:"kind" enum:"totp,passkey"`
	CreatedAt  time.Time  `json:"createdAt"`
	LastUsedAt *time.Time `json:"lastUsedAt,omitempty"`
}

type userCredentials struct {
	PasswordSetAt *time.Time `json:"passwordSetAt,omitempty" doc:"Left out when there is no password"`
	OneTimeUntil  *time.Time `json:"oneTimeUntil,omitempty" doc:"Until when a one-time password works that was not used yet"`
	Devices       []device   `json:"devices"`
	RecoveryCodes int        `json:"recoveryCodes" doc:"How many are left"`
	BreakGlass    bool       `json:"breakGlass" doc:"Whether she may sign in when the built-in directory is off and whatever her e-mail domain says"`
}

// moment leaves a zero time out.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func credentialsOf(s credential.Summary) userCredentials {
	out := userCredentials{PasswordSetAt: moment(s.PasswordSetAt), OneTimeUntil: moment(s.OneTimeUntil), Devices: []device{}, RecoveryCodes: s.RecoveryCodes, BreakGlass: s.BreakGlass}
	for _, d := range s.Devices {
		out.Devices = append(out.Devices, device{d.ID, d.Name, d.Kind, d.CreatedAt, moment(d.LastUsedAt)})
	}
	return out
}

// registerCredentials is what an administrator may do about what people sign in with at the built-in directory.
func (d *door) registerCredentials(api huma.API) {
	type credentialsOut struct{ Body userCredentials }
	show := func(ctx context.Context, id string) (*credentialsOut, error) {
		s, err := d.BuiltIn.Summary(ctx, id)
		return &credentialsOut{credentialsOf(s)}, err
	}
	// about registers an operation on one user that answers her record.
	about := func(o operation, do func(context.Context, audit.Actor, string) error) {
		forAdmin(api, d, o, func(ctx context.Context, a audit.Actor, in *UserPath) (*credentialsOut, error) {
			u, err := d.user(ctx, in.User)
			if err == nil {
				err = do(ctx, a, u.ID)
			}
			if err != nil {
				return nil, err
			}
			return show(ctx, u.ID)
		})
	}
	about(operation{http.MethodGet, "/users/{user}/credentials", "GetUserCredentials", "What a user signs in with at the built-in directory", 0},
		func(context.Context, audit.Actor, string) error { return nil })
	about(operation{http.MethodDelete, "/users/{user}/password", "RemovePassword", "Leave a user without a password; her sessions end", 0}, d.BuiltIn.RemovePassword)
	about(operation{http.MethodPost, "/users/{user}/unlock", "UnlockUser", "Forget the wrong guesses about a user", 0}, d.BuiltIn.Unlock)
	for on, o := range map[bool]operation{
		true:  {http.MethodPut, "/users/{user}/break-glass", "GiveBreakGlass", "Make a user a break-glass administrator, whom no directory can touch", 0},
		false: {http.MethodDelete, "/users/{user}/break-glass", "TakeBreakGlass", "Make her an ordinary user of the built-in directory", 0},
	} {
		about(o, func(ctx context.Context, a audit.Actor, id string) error {
			return d.BuiltIn.SetBreakGlass(ctx, a, id, on)
		})
	}
	type removeDeviceIn struct {
		UserPath
		Device string `path:"device" format:"uuid"`
	}
	forAdmin(api, d, operation{http.MethodDelete, "/users/{user}/devices/{device}", "RemoveDevice", "Remove a second factor that a user has lost", 0},
		func(ctx context.Context, a audit.Actor, in *removeDeviceIn) (*credentialsOut, error) {
			u, err := d.user(ctx, in.User)
			if err == nil {
				err = d.BuiltIn.RemoveDevice(ctx, a, u.ID, in.Device)
			}
			if err != nil {
				return nil, err
			}
			return show(ctx, u.ID)
		})
	d.registerPasswords(api)
	d.registerSessions(api)
}

func (d *door) registerPasswords(api huma.API) {
	type oneTimePasswordOut struct {
		Body struct {
			Password string    `json:"password" doc:"Shown once; it must be replaced at its first use"`
			Expires  time.Time `json:"expires"`
		}
	}
	forAdmin(api, d, operation{http.MethodPost, "/users/{user}/password", "GiveOneTimePassword", "Give a user a one-time password; her sessions end", http.StatusCreated},
		func(ctx context.Context, a audit.Actor, in *UserPath) (*oneTimePasswordOut, error) {
			u, err := d.user(ctx, in.User)
			if err != nil {
				return nil, err
			}
			out := &oneTimePasswordOut{}
			out.Body.Password, out.Body.Expires, err = d.BuiltIn.GiveOneTime(ctx, a, u.ID)
			return out, err
		})
	type inviteUserIn struct {
		UserPath
		Body struct {
			Kind string `json:"kind,omitempty" enum:"invitation,reset" default:"invitation" doc:"An invitation works for a week, a reset for an hour"`
			Show bool   `json:"show,omitempty" doc:"Answer the link instead of mailing it"`
		}
	}
	type inviteUserOut struct {
		Body struct {
			SentTo  string    `json:"sentTo,omitempty"`
			URL     string    `json:"url,omitempty" doc:"Whoever has it sets the password; shown once"`
			Expires time.Time `json:"expires"`
		}
	}
	forAdmin(api, d, operation{http.MethodPost, "/users/{user}/invitation", "InviteUser", "Send a user a link by which she sets a password", http.StatusCreated},
		func(ctx context.Context, a audit.Actor, in *inviteUserIn) (*inviteUserOut, error) {
			u, err := d.user(ctx, in.User)
			if err != nil {
				return nil, err
			}
			sent, err := d.BuiltIn.Invite(ctx, a, u.ID, in.Body.Kind, in.Body.Show)
			out := &inviteUserOut{}
			out.Body.SentTo, out.Body.URL, out.Body.Expires = sent.To, sent.URL, sent.ExpiresAt
			return out, err
		})
}

type sessionView struct {
	ID         string    `json:"id"`
	Method     string    `json:"method" doc:"How she signed in: saml, password, password+mfa, passkey"`
	Source     string    `json:"source" doc:"The identity source that vouched"`
	CreatedAt  time.Time `json:"createdAt"`
	LastSeenAt time.Time `json:"lastSeenAt"`
	ExpiresAt  time.Time `json:"expiresAt"`
	Current    bool      `json:"current,omitempty" doc:"Whether it is the one that asks"`
}

func sessionOf(s signin.Session) sessionView {
	return sessionView{s.ID, string(s.Proof.Method), s.Proof.SourceID, s.CreatedAt, s.LastSeenAt, s.ExpiresAt, false}
}

func (d *door) registerSessions(api huma.API) {
	d.registerOwnSessions(api)
	type listSessionsIn struct {
		UserPath
		PageQuery
	}
	type listSessionsOut struct {
		Body struct {
			Sessions []sessionView `json:"sessions"`
			Next     string        `json:"next" doc:"The next page's after; empty on the last"`
		}
	}
	forAdmin(api, d, operation{http.MethodGet, "/users/{user}/sessions", "ListSessions", "A user's open sessions by id", 0},
		func(ctx context.Context, _ audit.Actor, in *listSessionsIn) (*listSessionsOut, error) {
			u, err := d.user(ctx, in.User)
			if err != nil {
				return nil, err
			}
			ss, err := d.SignIn.Sessions(ctx, u.ID, in.After, in.Limit)
			out := &listSessionsOut{}
			out.Body.Sessions = []sessionView{}
			for _, s := range ss {
				out.Body.Sessions = append(out.Body.Sessions, sessionOf(s))
			}
			if len(ss) > 0 { // a page may be shorter than asked for, so the last one is the empty one
				out.Body.Next = ss[len(ss)-1].ID
			}
			return out, err
		})
	type endSessionIn struct {
		UserPath
		Session string `path:"session" format:"uuid"`
	}
	forAdmin(api, d, operation{http.MethodDelete, "/users/{user}/sessions/{session}", "EndSession", "End one session of a user, with its tokens", http.StatusNoContent},
		func(ctx context.Context, a audit.Actor, in *endSessionIn) (*none, error) {
			u, err := d.user(ctx, in.User)
			if err != nil {
				return nil, err
			}
			return nil, d.SignIn.EndSession(ctx, a, u.ID, in.Session)
		})
}
