package admin

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
)

// owners are a directory's owner rules.
type owners struct {
	Local       string            `json:"local" enum:"refuse,adopt" doc:"Users and groups made by hand: they do not exist for the directory's client, or become the directory's with its first change of them"`
	Directories map[string]string `json:"directories" doc:"The same for those of other directories, by id; those that are not named are refused"`
}

func ownersOf(o directory.Owners) owners {
	out := owners{Local: string(o.Local), Directories: map[string]string{}}
	if out.Local == "" {
		out.Local = string(directory.RuleRefuse)
	}
	for id, rule := range o.Directories {
		out.Directories[id] = string(rule)
	}
	return out
}

type ownersIn struct {
	SourcePath
	Body struct {
		Local       string            `json:"local,omitempty" enum:"refuse,adopt" doc:"refuse when left out"`
		Directories map[string]string `json:"directories,omitempty" doc:"refuse or adopt, by the id of another directory"`
	}
}

func (d *door) registerOwners(api huma.API) {
	type ownersOut struct{ Body owners }
	forAdmin(api, d, operation{http.MethodGet, "/directories/{id}/owners", "GetDirectoryOwners", "What a directory's client may take over from others", 0},
		func(ctx context.Context, _ audit.Actor, in *SourcePath) (*ownersOut, error) {
			s, err := d.Directory.Source(ctx, in.ID)
			return &ownersOut{ownersOf(s.Owners)}, err
		})
	forAdmin(api, d, operation{http.MethodPut, "/directories/{id}/owners", "PutDirectoryOwners", "Say what a directory's client may take over from others; replaces all of it", 0},
		func(ctx context.Context, a audit.Actor, in *ownersIn) (*ownersOut, error) {
			rules := directory.Owners{Local: directory.OwnerRule(in.Body.Local), Directories: map[string]directory.OwnerRule{}}
			for id, rule := range in.Body.Directories {
				rules.Directories[id] = directory.OwnerRule(rule)
			}
			s, err := d.Directory.SetOwners(ctx, a, in.ID, rules)
			return &ownersOut{ownersOf(s.Owners)}, err
		})
}
