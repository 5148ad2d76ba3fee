package admin

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
	"gatehouse/internal/signin"
)

// registerOwnSessions adds what a person may do about her own sessions. Whoever ends one has lost a device, or does not know whose it is; so the credentials
// of embedded accounts that she was given before end with it, all of them, because credentials do not tell by which session they were asked for; and so does what applications
// got on her behalf that hangs on no session.
func (d *door) registerOwnSessions(api huma.API) {
	type ownSessionsOut struct {
		Body struct {
			Sessions []sessionView `json:"sessions"`
		}
	}
	forPerson(api, d, operation{http.MethodGet, "/portal/sessions", "ListOwnSessions", "The person's open sessions", 0},
		func(ctx context.Context, id signin.Identity, _ *none) (*ownSessionsOut, error) {
			out := &ownSessionsOut{}
			out.Body.Sessions = []sessionView{}
			err := d.ownSessions(ctx, id, func(s signin.Session) error {
				v := sessionOf(s)
				v.Current = s.ID == id.Session.ID
				out.Body.Sessions = append(out.Body.Sessions, v)
				return nil
			})
			return out, err
		})
	type endOwnIn struct {
		Session string `path:"session" format:"uuid"`
	}
	forPerson(api, d, operation{http.MethodDelete, "/portal/sessions/{session}", "EndOwnSession", "End another of the person's sessions, and the credentials she was given before", http.StatusNoContent},
		func(ctx context.Context, id signin.Identity, in *endOwnIn) (*none, error) {
			if in.Session == id.Session.ID {
				return nil, fault.New(fault.Conflict, "this is the session that asks; sign out instead")
			}
			if err := d.SignIn.EndSession(ctx, herself(id), id.User.ID, in.Session); err != nil {
				return nil, err
			}
			return nil, d.Revoke(ctx, herself(id), id.User.ID)
		})
	type endedOthersOut struct {
		Body struct {
			Ended int `json:"ended"`
		}
	}
	forPerson(api, d, operation{http.MethodDelete, "/portal/sessions", "EndOtherSessions", "End all of the person's sessions but this one, and the credentials she was given before", 0},
		func(ctx context.Context, id signin.Identity, _ *none) (*endedOthersOut, error) {
			out := &endedOthersOut{}
			err := d.ownSessions(ctx, id, func(s signin.Session) error {
				if s.ID == id.Session.ID {
					return nil
				}
				out.Body.Ended++
				err := d.SignIn.EndSession(ctx, herself(id), id.User.ID, s.ID)
				if fault.Is(err, fault.NotFound) { // it ended meanwhile
					return nil
				}
				return err
			})
			if err != nil {
				return nil, err
			}
			return out, d.Revoke(ctx, herself(id), id.User.ID)
		})
}

// ownSessions visits the person's open sessions.
func (d *door) ownSessions(ctx context.Context, id signin.Identity, visit func(signin.Session) error) error {
	const page = 200
	for after := ""; ; {
		ss, err := d.SignIn.Sessions(ctx, id.User.ID, after, page)
		if err != nil || len(ss) == 0 {
			return err
		}
		for _, s := range ss {
			after = s.ID
			if err := visit(s); err != nil {
				return err
			}
		}
	}
}

func herself(id signin.Identity) audit.Actor {
	return audit.Actor{Kind: audit.Person, ID: id.User.ID, Name: id.User.UserName}
}
