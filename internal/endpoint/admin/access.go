package admin

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"gatehouse/internal/access"
	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/signin"
)

type reach struct {
	UserID        string `json:"userId"`
	UserName      string `json:"userName"`
	PermissionSet string `json:"permissionSet,omitempty" doc:"The permission set of an assignment"`
	Role          string `json:"role,omitempty" doc:"The ARN of the account's own role, of an entitlement of account access"`
	AccountID     string `json:"accountId"`
	AccountName   string `json:"accountName"`
	ViaGroup      string `json:"viaGroup,omitempty" doc:"The group that it was given to; absent for what was given to the user herself"`

	Path []string `json:"path,omitempty" doc:"How she is in it: the group of which she is a direct member, the group that has that one as a member, and so on to the group that it was given to; a shortest way"`
}

type reachOut struct {
	Body struct {
		Access []reach `json:"access"`
	}
}

func (d *door) registerAccess(api huma.API) {
	forAdmin(api, d, operation{http.MethodGet, "/instance", "GetInstance", "What a command line must know of this installation", 0},
		func(context.Context, audit.Actor, *none) (*struct{ Body Instance }, error) {
			return &struct{ Body Instance }{d.Instance}, nil
		})
	type whoIn struct {
		Account string `query:"account" required:"true" pattern:"^[0-9]{12}$"`
	}
	forAdmin(api, d, operation{http.MethodGet, "/access/who", "WhoHasAccess", "Who can reach an account now, and through which groups", 0},
		func(ctx context.Context, _ audit.Actor, in *whoIn) (*reachOut, error) { return d.who(ctx, in.Account) })
	type whatIn struct {
		User string `query:"user" required:"true" maxLength:"1024" doc:"A user's id or user name"`
	}
	forAdmin(api, d, operation{http.MethodGet, "/access/what", "WhatCanBeReached", "Which accounts and roles a user can reach now, and through which groups", 0},
		func(ctx context.Context, _ audit.Actor, in *whatIn) (*reachOut, error) { return d.what(ctx, in.User) })
}

func (d *door) who(ctx context.Context, accountID string) (*reachOut, error) {
	rs, err := d.Access.Who(ctx, accountID)
	if err != nil {
		return nil, err
	}
	return d.reached(ctx, rs)
}

func (d *door) what(ctx context.Context, key string) (*reachOut, error) {
	u, err := d.user(ctx, key)
	if err != nil {
		return nil, err
	}
	if !u.Active {
		return d.reached(ctx, nil)
	}
	rs, err := d.Access.What(ctx, u.ID)
	if err != nil {
		return nil, err
	}
	return d.reached(ctx, rs)
}

// reached shows ways of reaching roles, with the names of the groups they lead through.
func (d *door) reached(ctx context.Context, rs []access.Reach) (*reachOut, error) {
	out := &reachOut{}
	out.Body.Access = []reach{}
	names := map[string]string{}
	name := func(id string) (string, error) {
		if _, known := names[id]; !known {
			g, err := d.Directory.Group(ctx, id)
			if err != nil {
				return "", err
			}
			names[id] = g.DisplayName
		}
		return names[id], nil
	}
	for _, r := range rs {
		shown := reach{
			UserID: r.User.ID, UserName: r.User.UserName, PermissionSet: r.Set.Name, Role: roleARN(r.Account.ID, r.Role), AccountID: r.Account.ID, AccountName: r.Account.Name,
		}
		for _, g := range r.Path { // it ends with the group that it was given to
			var err error
			if shown.ViaGroup, err = name(g); err != nil {
				return nil, err
			}
			shown.Path = append(shown.Path, shown.ViaGroup)
		}
		out.Body.Access = append(out.Body.Access, shown)
	}
	return out, nil
}

// roleARN is the ARN of an account's own role; empty for none.
func roleARN(accountID, role string) string {
	if role == "" {
		return ""
	}
	return arn.IAM(accountID, role)
}

type settings struct {
	SessionMinutes int   `json:"sessionMinutes" minimum:"15" maximum:"129600" doc:"How long a portal session lasts"`
	Version        int64 `json:"version" minimum:"0" doc:"Send the one you read; another means that someone changed it"`
}

type event struct {
	ID         string            `json:"id"`
	At         time.Time         `json:"at"`
	ActorKind  string            `json:"actorKind"`
	ActorID    string            `json:"actorId"`
	ActorName  string            `json:"actorName"`
	Action     string            `json:"action"`
	Resource   string            `json:"resource"`
	Outcome    string            `json:"outcome"`
	RequestID  string            `json:"requestId"`
	ClientAddr string            `json:"clientAddr"`
	Detail     map[string]string `json:"detail"`
}

func (d *door) registerSettings(api huma.API) {
	type settingsOut struct{ Body settings }
	show := func(v signin.Settings) *settingsOut {
		return &settingsOut{settings{int(v.SessionLength / time.Minute), v.Version}}
	}
	forAdmin(api, d, operation{http.MethodGet, "/settings/session", "GetSessionSettings", "How long portal sessions last", 0},
		func(ctx context.Context, _ audit.Actor, _ *none) (*settingsOut, error) {
			v, err := d.SignIn.Settings(ctx)
			return show(v), err
		})
	type putSettingsIn struct{ Body settings }
	forAdmin(api, d, operation{http.MethodPut, "/settings/session", "PutSessionSettings", "Change how long portal sessions last", 0},
		func(ctx context.Context, a audit.Actor, in *putSettingsIn) (*settingsOut, error) {
			v, err := d.SignIn.SetSettings(ctx, a, signin.Settings{SessionLength: time.Duration(in.Body.SessionMinutes) * time.Minute}, in.Body.Version)
			return show(v), err
		})
	d.registerNetwork(api)
	type eventsIn struct {
		Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
		Before string `query:"before" maxLength:"128" doc:"The cursor of the page before"`

		ActorID  string    `query:"actorId" maxLength:"2048" doc:"Who did it: the actorId of an event"`
		Action   string    `query:"action" maxLength:"256" doc:"What was done; scim:* is all of scim"`
		Resource string    `query:"resource" maxLength:"2048" doc:"To what it was done"`
		Outcome  string    `query:"outcome" maxLength:"64" doc:"success, or what it was refused as"`
		Since    time.Time `query:"since" doc:"Not before this time"`
		Until    time.Time `query:"until" doc:"Before this time"`
	}
	type eventsOut struct {
		Body struct {
			Events []event `json:"events"`
			Next   string  `json:"next" doc:"The cursor of the next page, empty on the last one. A page that is looked for by several filters may be short, or empty, and not be the last"`
		}
	}
	forAdmin(api, d, operation{http.MethodGet, "/events", "ListEvents", "The audit trail, newest first", 0},
		func(ctx context.Context, _ audit.Actor, in *eventsIn) (*eventsOut, error) {
			es, next, err := d.Events(ctx, in.Before, audit.Filter{ActorID: in.ActorID, Action: in.Action, Resource: in.Resource, Outcome: in.Outcome, Since: in.Since, Until: in.Until}, in.Limit)
			out := &eventsOut{}
			out.Body.Events, out.Body.Next = []event{}, next
			for _, e := range es {
				out.Body.Events = append(out.Body.Events, event{e.ID, e.At, string(e.Actor.Kind), e.Actor.ID, e.Actor.Name, e.Action, e.Resource, e.Outcome, e.RequestID, e.ClientAddr, e.Detail})
			}
			return out, err
		})
}
