package scimv2

import (
	"context"

	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
)

// claimed adds to the answer for a name that is taken whose it is, and what can be done about it. The reader is the administrator of a directory:
// of what another one owns the answer says nothing but that.
func (d *door) claimed(ctx context.Context, q *request, err error, name string) error {
	f := fault.Of(err)
	if f.Kind != fault.Conflict || f.Reason != "uniqueness" {
		return err
	}
	var owner string
	var unknown error
	switch f.Field {
	case "userName":
		var u directory.User
		u, unknown = d.Directory.UserByName(ctx, name)
		owner = u.Source
	case "displayName":
		var g directory.Group
		g, unknown = d.Directory.GroupByName(ctx, name)
		owner = g.Source
	default:
		return err
	}
	if unknown != nil || q.source.Owns(owner) { // it may have gone meanwhile
		return err
	}
	whose, rule := "belongs to the directory "+owner, "--directory "+owner+"=adopt"
	switch owner {
	case "":
		whose, rule = "was made by hand", "--local adopt"
	case directory.BuiltIn:
		whose, rule = "belongs to the built-in directory", ""
	}
	advice := ""
	switch {
	case q.source.Adopts(owner):
		advice = "; this directory may adopt it: find it and change it instead of making it"
	case rule != "":
		advice = "; an administrator can let this directory adopt such (gatehouse directory owners " + q.source.ID + " " + rule + ")"
	}
	return fault.New(fault.Conflict, "%s, and %s%s", fault.Shown(err), whose, advice).For(f.Reason).At(f.Field).About(f.Resource, f.ID).Because(err)
}
