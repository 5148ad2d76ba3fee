package admin

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
)

type user struct {
	ID          string    `json:"id"`
	UserName    string    `json:"userName"`
	DisplayName string    `json:"displayName"`
	GivenName   string    `json:"givenName"`
	FamilyName  string    `json:"familyName"`
	Email       string    `json:"email"`
	Active      bool      `json:"active"`
	Source      string    `json:"source" doc:"The identity source that owns the user; empty for one made by hand"`
	CreatedAt   time.Time `json:"createdAt"`
	UpdatedAt   time.Time `json:"updatedAt"`
}

func userOf(u directory.User) user {
	return user{u.ID, u.UserName, u.DisplayName, u.Name.GivenName, u.Name.FamilyName, u.PrimaryEmail(), u.Active, u.Source, u.CreatedAt, u.UpdatedAt}
}

type group struct {
	ID          string    `json:"id"`
	DisplayName string    `json:"displayName"`
	Description string    `json:"description"`
	Source      string    `json:"source"`
	CreatedAt   time.Time `json:"createdAt"`
	UpdatedAt   time.Time `json:"updatedAt"`
}

func groupOf(g directory.Group) group {
	return group{g.ID, g.DisplayName, g.Description, g.Source, g.CreatedAt, g.UpdatedAt}
}

// user finds a user by id or name: people know names, scripts know ids.
func (d *door) user(ctx context.Context, key string) (directory.User, error) {
	if arn.IsPrincipalID(key) {
		return d.Directory.User(ctx, key)
	}
	return d.Directory.UserByName(ctx, key)
}

func (d *door) group(ctx context.Context, key string) (directory.Group, error) {
	if arn.IsPrincipalID(key) {
		return d.Directory.Group(ctx, key)
	}
	return d.Directory.GroupByName(ctx, key)
}

// PageQuery asks for a page of a listing by key.
type PageQuery struct {
	Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	After string `query:"after" maxLength:"64" doc:"The last id of the page before"`
}

type userOut struct{ Body user }

// UserPath names a user.
type UserPath struct {
	User string `path:"user" maxLength:"1024" doc:"A user's id or user name"`
}

func (d *door) registerUsers(api huma.API) {
	type usersOut struct {
		Body struct {
			Users []user `json:"users"`
			Next  string `json:"next" doc:"The next page's after; empty on the last"`
		}
	}
	forAdmin(api, d, operation{http.MethodGet, "/users", "ListUsers", "Users by id", 0},
		func(ctx context.Context, _ audit.Actor, in *PageQuery) (*usersOut, error) {
			us, err := d.Directory.Users(ctx, in.After, in.Limit)
			out := &usersOut{}
			out.Body.Users = []user{}
			for _, u := range us {
				out.Body.Users = append(out.Body.Users, userOf(u))
			}
			if len(us) == in.Limit {
				out.Body.Next = us[len(us)-1].ID
			}
			return out, err
		})
	type createUserIn struct {
		Body struct {
			UserName    string `json:"userName"`
			DisplayName string `json:"displayName,omitempty"`
			GivenName   string `json:"givenName,omitempty"`
			FamilyName  string `json:"familyName,omitempty"`
			Email       string `json:"email,omitempty"`
		}
	}
	forAdmin(api, d, operation{http.MethodPost, "/users", "CreateUser", "Make a user by hand", http.StatusCreated},
		func(ctx context.Context, a audit.Actor, in *createUserIn) (*userOut, error) {
			b := in.Body
			u := directory.User{UserName: b.UserName, DisplayName: b.DisplayName, Active: true, Name: directory.Name{GivenName: b.GivenName, FamilyName: b.FamilyName}}
			if b.Email != "" {
				u.Emails = []directory.Value{{Value: b.Email, Type: "work", Primary: true}}
			}
			u, err := d.Directory.CreateUser(ctx, a, u)
			return &userOut{userOf(u)}, err
		})
	forAdmin(api, d, operation{http.MethodGet, "/users/{user}", "GetUser", "One user", 0},
		func(ctx context.Context, _ audit.Actor, in *UserPath) (*userOut, error) {
			u, err := d.user(ctx, in.User)
			return &userOut{userOf(u)}, err
		})
	d.registerUserState(api)
}

func (d *door) registerUserState(api huma.API) {
	setActive := func(active bool) func(context.Context, audit.Actor, *UserPath) (*userOut, error) {
		return func(ctx context.Context, a audit.Actor, in *UserPath) (*userOut, error) {
			u, err := d.user(ctx, in.User)
			if err != nil {
				return nil, err
			}
			u, err = d.Directory.UpdateUser(ctx, a, u.ID, 0, func(u *directory.User) error { u.Active = active; return nil })
			if err == nil && !active {
				_, err = d.SignIn.EndSessions(ctx, a, u.ID)
			}
			return &userOut{userOf(u)}, err
		}
	}
	forAdmin(api, d, operation{http.MethodPost, "/users/{user}/disable", "DisableUser", "Bar a user from signing in; ends her sessions", 0}, setActive(false))
	forAdmin(api, d, operation{http.MethodPost, "/users/{user}/enable", "EnableUser", "Let a user sign in again", 0}, setActive(true))
	forAdmin(api, d, operation{http.MethodDelete, "/users/{user}", "DeleteUser", "Remove a user with her memberships", http.StatusNoContent},
		func(ctx context.Context, a audit.Actor, in *UserPath) (*none, error) {
			u, err := d.user(ctx, in.User)
			if err != nil {
				return nil, err
			}
			return nil, d.Directory.DeleteUser(ctx, a, u.ID, 0)
		})
	type endedOut struct {
		Body struct {
			Ended int `json:"ended"`
		}
	}
	forAdmin(api, d, operation{http.MethodDelete, "/users/{user}/sessions", "EndSessions", "Sign a user out everywhere; her role credentials end too", 0},
		func(ctx context.Context, a audit.Actor, in *UserPath) (*endedOut, error) {
			u, err := d.user(ctx, in.User)
			if err != nil {
				return nil, err
			}
			// The sessions first: with one of them she could get new credentials.
			out := &endedOut{}
			if out.Body.Ended, err = d.SignIn.EndSessions(ctx, a, u.ID); err != nil {
				return nil, err
			}
			return out, d.Revoke(ctx, a, u.ID)
		})
}

// GroupPath names a group.
type GroupPath struct {
	Group string `path:"group" maxLength:"1024" doc:"A group's id or display name"`
}

type groupOut struct{ Body group }

func (d *door) registerGroups(api huma.API) {
	type groupsOut struct {
		Body struct {
			Groups []group `json:"groups"`
			Next   string  `json:"next"`
		}
	}
	forAdmin(api, d, operation{http.MethodGet, "/groups", "ListGroups", "Groups by id", 0},
		func(ctx context.Context, _ audit.Actor, in *PageQuery) (*groupsOut, error) {
			gs, err := d.Directory.Groups(ctx, in.After, in.Limit)
			out := &groupsOut{}
			out.Body.Groups = []group{}
			for _, g := range gs {
				out.Body.Groups = append(out.Body.Groups, groupOf(g))
			}
			if len(gs) == in.Limit {
				out.Body.Next = gs[len(gs)-1].ID
			}
			return out, err
		})
	type createGroupIn struct {
		Body struct {
			DisplayName string `json:"displayName"`
			Description string `json:"description,omitempty"`
		}
	}
	forAdmin(api, d, operation{http.MethodPost, "/groups", "CreateGroup", "Make a group by hand", http.StatusCreated},
		func(ctx context.Context, a audit.Actor, in *createGroupIn) (*groupOut, error) {
			g, err := d.Directory.CreateGroup(ctx, a, directory.Group{DisplayName: in.Body.DisplayName, Description: in.Body.Description}, nil)
			return &groupOut{groupOf(g)}, err
		})
	forAdmin(api, d, operation{http.MethodDelete, "/groups/{group}", "DeleteGroup", "Remove a group", http.StatusNoContent},
		func(ctx context.Context, a audit.Actor, in *GroupPath) (*none, error) {
			g, err := d.group(ctx, in.Group)
			if err != nil {
				return nil, err
			}
			return nil, d.Directory.DeleteGroup(ctx, a, g.ID, 0)
		})
	d.registerMembers(api)
	d.registerNested(api)
}

func (d *door) registerMembers(api huma.API) {
	type memberIn struct {
		GroupPath
		UserPath
	}
	member := func(change func(id string) directory.MemberChange) func(context.Context, audit.Actor, *memberIn) (*none, error) {
		return func(ctx context.Context, a audit.Actor, in *memberIn) (*none, error) {
			g, err := d.group(ctx, in.Group)
			if err != nil {
				return nil, err
			}
			u, err := d.user(ctx, in.User)
			if err != nil {
				return nil, err
			}
			_, err = d.Directory.UpdateGroup(ctx, a, g.ID, 0, func(*directory.Group) (directory.MemberChange, error) { return change(u.ID), nil })
			return nil, err
		}
	}
	forAdmin(api, d, operation{http.MethodPut, "/groups/{group}/members/{user}", "AddMember", "Put a user into a group", http.StatusNoContent},
		member(func(id string) directory.MemberChange { return directory.MemberChange{Add: []string{id}} }))
	forAdmin(api, d, operation{http.MethodDelete, "/groups/{group}/members/{user}", "RemoveMember", "Take a user out of a group", http.StatusNoContent},
		member(func(id string) directory.MemberChange { return directory.MemberChange{Remove: []string{id}} }))
	type membersOut struct {
		Body struct {
			Users []user `json:"users"`
			Next  string `json:"next"`
		}
	}
	type membersIn struct {
		GroupPath
		PageQuery
	}
	forAdmin(api, d, operation{http.MethodGet, "/groups/{group}/members", "ListMembers", "A group's users by id", 0},
		func(ctx context.Context, _ audit.Actor, in *membersIn) (*membersOut, error) {
			g, err := d.group(ctx, in.Group)
			if err != nil {
				return nil, err
			}
			ms, err := d.Directory.MembersOf(ctx, g.ID, in.After, in.Limit)
			if err != nil {
				return nil, err
			}
			ids := make([]string, len(ms))
			for i, m := range ms {
				ids[i] = m.UserID
			}
			us, err := d.Directory.UsersByID(ctx, ids)
			out := &membersOut{}
			out.Body.Users = []user{}
			for _, u := range us {
				out.Body.Users = append(out.Body.Users, userOf(u))
			}
			if len(ms) == in.Limit {
				out.Body.Next = ids[len(ids)-1]
			}
			return out, err
		})
}
