package admin

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
)

func (d *door) registerNesting(api huma.API) {
	type nestingIn struct {
		SourcePath
		Body struct {
			NestedGroups string `json:"nestedGroups" enum:"refuse,expand" doc:"Whether its groups may have groups as members; refuse is refused while any has"`
		}
	}
	forAdmin(api, d, operation{http.MethodPut, "/directories/{id}/nested-groups", "PutDirectoryNestedGroups", "Say whether a directory's groups may have groups as members", 0},
		func(ctx context.Context, a audit.Actor, in *nestingIn) (*sourceOut, error) {
			s, err := d.Directory.SetNesting(ctx, a, in.ID, directory.Nesting(in.Body.NestedGroups))
			return d.withState(ctx, s, err)
		})
}

// MemberGroupPath names the group that is, or becomes, a member of another.
type MemberGroupPath struct {
	Member string `path:"member" maxLength:"1024"`
}

// registerNested adds the operations on groups in groups.
func (d *door) registerNested(api huma.API) {
	type nestIn struct {
		GroupPath
		MemberGroupPath
	}
	nest := func(change func(id string) directory.MemberChange) func(context.Context, audit.Actor, *nestIn) (*none, error) {
		return func(ctx context.Context, a audit.Actor, in *nestIn) (*none, error) {
			g, err := d.group(ctx, in.Group)
			if err != nil {
				return nil, err
			}
			m, err := d.group(ctx, in.Member)
			if err != nil {
				return nil, err
			}
			_, err = d.Directory.UpdateGroup(ctx, a, g.ID, 0, func(*directory.Group) (directory.MemberChange, error) { return change(m.ID), nil })
			return nil, err
		}
	}
	forAdmin(api, d, operation{http.MethodPut, "/groups/{group}/groups/{member}", "NestGroup", "Put a group into a group", http.StatusNoContent},
		nest(func(id string) directory.MemberChange { return directory.MemberChange{AddGroups: []string{id}} }))
	forAdmin(api, d, operation{http.MethodDelete, "/groups/{group}/groups/{member}", "UnnestGroup", "Take a group out of a group", http.StatusNoContent},
		nest(func(id string) directory.MemberChange { return directory.MemberChange{RemoveGroups: []string{id}} }))
	type nestedIn struct {
		GroupPath
		PageQuery
	}
	type nestedOut struct {
		Body struct {
			Groups []group `json:"groups"`
			Next   string  `json:"next"`
		}
	}
	forAdmin(api, d, operation{http.MethodGet, "/groups/{group}/groups", "ListNestedGroups", "The groups in a group, by id", 0},
		func(ctx context.Context, _ audit.Actor, in *nestedIn) (*nestedOut, error) {
			g, err := d.group(ctx, in.Group)
			if err != nil {
				return nil, err
			}
			ns, err := d.Directory.NestedIn(ctx, g.ID, in.After, in.Limit)
			if err != nil {
				return nil, err
			}
			ids := make([]string, len(ns))
			for i, n := range ns {
				ids[i] = n.MemberID
			}
			gs, err := d.Directory.GroupsByID(ctx, ids)
			out := &nestedOut{}
			out.Body.Groups = []group{}
			for _, g := range gs {
				out.Body.Groups = append(out.Body.Groups, groupOf(g))
			}
			if len(ns) == in.Limit {
				out.Body.Next = ids[len(ids)-1]
			}
			return out, err
		})
}
