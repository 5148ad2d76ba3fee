package admin

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
)

// guard is a source's guard: its setting, and what it has seen.
type guard struct {
	Off            bool       `json:"off" doc:"Whether everything is let through"`
	Share          int        `json:"share" doc:"How many of a hundred users, or groups, the directory's client may take away in a day"`
	Least          int        `json:"least" doc:"How many it may take away whatever share that is"`
	Held           bool       `json:"held" doc:"Whether removals are refused now"`
	Since          *time.Time `json:"since,omitempty" doc:"When the present day of counting began"`
	Users          int        `json:"users" doc:"How many users the directory had then"`
	Groups         int        `json:"groups"`
	UsersRemoved   int        `json:"usersRemoved" doc:"How many were disabled or deleted since"`
	GroupsRemoved  int        `json:"groupsRemoved"`
	HeldAt         *time.Time `json:"heldAt,omitempty" doc:"When the first removal was refused"`
	Refused        int        `json:"refused" doc:"How many removals were refused since; one that is asked for again counts again"`
	ConfirmedUntil *time.Time `json:"confirmedUntil,omitempty" doc:"Until when everything is let through"`
}

func shownTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func (d *door) guardOf(ctx context.Context, id string) (*struct{ Body guard }, error) {
	src, err := d.Directory.Source(ctx, id)
	if err != nil {
		return nil, err
	}
	st, err := d.Directory.GuardState(ctx, id)
	if err != nil {
		return nil, err
	}
	share, least := src.Guard.Figures()
	return &struct{ Body guard }{guard{
		Off: src.Guard.Off, Share: share, Least: least, Held: st.Held(d.Now()) && !src.Guard.Off, Since: shownTime(st.Since), Users: st.Users, Groups: st.Groups,
		UsersRemoved: st.UsersRemoved, GroupsRemoved: st.GroupsRemoved, HeldAt: shownTime(st.HeldAt), Refused: st.Refused, ConfirmedUntil: shownTime(st.ConfirmedUntil),
	}}, nil
}

type guardSettingIn struct {
	SourcePath
	Body struct {
		Off   bool `json:"off,omitempty" doc:"Let everything through"`
		Share int  `json:"share,omitempty" minimum:"0" maximum:"100" doc:"The default, 20, when 0"`
		Least int  `json:"least,omitempty" minimum:"0" maximum:"1000000" doc:"The default, 20, when 0"`
	}
}

type confirmIn struct {
	SourcePath
	Body struct {
		Minutes int `json:"minutes" minimum:"1" maximum:"10080" doc:"For how long everything is let through"`
	}
}

func (d *door) registerGuard(api huma.API) {
	forAdmin(api, d, operation{http.MethodGet, "/directories/{id}/guard", "GetGuard", "What a directory's client has taken away, and whether more is held", 0},
		func(ctx context.Context, _ audit.Actor, in *SourcePath) (*struct{ Body guard }, error) {
			return d.guardOf(ctx, in.ID)
		})
	forAdmin(api, d, operation{http.MethodPut, "/directories/{id}/guard", "SetGuard", "How much a directory's client may take away in a day", 0},
		func(ctx context.Context, a audit.Actor, in *guardSettingIn) (*struct{ Body guard }, error) {
			_, err := d.Directory.UpdateSource(ctx, a, in.ID, func(s *directory.Source) error {
				s.Guard = directory.Guard{Off: in.Body.Off, Share: in.Body.Share, Least: in.Body.Least}
				return nil
			})
			if err != nil {
				return nil, err
			}
			return d.guardOf(ctx, in.ID)
		})
	forAdmin(api, d, operation{http.MethodPost, "/directories/{id}/guard/confirm", "ConfirmRemovals", "Let a directory's client take away what it wants for a while: it is meant", 0},
		func(ctx context.Context, a audit.Actor, in *confirmIn) (*struct{ Body guard }, error) {
			if _, err := d.Directory.ConfirmRemovals(ctx, a, in.ID, time.Duration(in.Body.Minutes)*time.Minute); err != nil {
				return nil, err
			}
			return d.guardOf(ctx, in.ID)
		})
	forAdmin(api, d, operation{http.MethodPost, "/directories/{id}/guard/forget", "ForgetRemovals", "Begin to count anew: what was held was a mistake and is mended", 0},
		func(ctx context.Context, a audit.Actor, in *SourcePath) (*struct{ Body guard }, error) {
			if _, err := d.Directory.ForgetRemovals(ctx, a, in.ID); err != nil {
				return nil, err
			}
			return d.guardOf(ctx, in.ID)
		})
}
