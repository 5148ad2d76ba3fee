package organizations

import (
	"context"
	"maps"
	"slices"
	"strings"

	"gatehouse/internal/arn"
	"gatehouse/internal/awswire"
	"gatehouse/internal/fault"
	"gatehouse/internal/organization"
)

// listRoots has no second page: an organization has one root.
func (d *Door[P]) listRoots(ctx context.Context, _ *awswire.Call[P], in *ListRootsRequest) (*ListRootsResponse, error) {
	if _, err := awswire.Cursor(in.NextToken, "ListRoots"); err != nil {
		return nil, err
	}
	root, err := d.root(ctx)
	if err != nil {
		return nil, err
	}
	return &ListRootsResponse{Roots: []Root{*root}}, nil
}

func (d *Door[P]) listUnitsForParent(ctx context.Context, _ *awswire.Call[P], in *ListOrganizationalUnitsForParentRequest) (*ListOrganizationalUnitsForParentResponse, error) {
	what := []string{"ListOrganizationalUnitsForParent", *in.ParentId}
	after, err := awswire.Cursor(in.NextToken, what...)
	if err != nil {
		return nil, err
	}
	limit := limit(in.MaxResults)
	units, err := d.org.UnitsOf(ctx, *in.ParentId, after, limit+1)
	if err != nil {
		return nil, err
	}
	units, next := awswire.Page(units, limit, unitID)
	out := &ListOrganizationalUnitsForParentResponse{OrganizationalUnits: []OrganizationalUnit{}, NextToken: awswire.PageToken(next, what...)}
	for _, u := range units {
		w, err := d.unit(ctx, u)
		if err != nil {
			return nil, err
		}
		out.OrganizationalUnits = append(out.OrganizationalUnits, *w)
	}
	return out, nil
}

func unitID(u organization.Unit) string { return u.ID }

func (d *Door[P]) unit(ctx context.Context, u organization.Unit) (*OrganizationalUnit, error) {
	o, err := d.org.Organization(ctx)
	if err != nil {
		return nil, err
	}
	path, err := d.paths(o).of(ctx, u.ParentID)
	if err != nil {
		return nil, err
	}
	return &OrganizationalUnit{Id: &u.ID, Arn: new(names{o}.arn(u.ID)), Name: &u.Name, Path: new(path + u.ID + "/")}, nil
}

func (d *Door[P]) describeUnit(ctx context.Context, _ *awswire.Call[P], in *DescribeOrganizationalUnitRequest) (*DescribeOrganizationalUnitResponse, error) {
	u, err := d.org.Unit(ctx, *in.OrganizationalUnitId)
	if err != nil {
		return nil, err
	}
	w, err := d.unit(ctx, u)
	return &DescribeOrganizationalUnitResponse{OrganizationalUnit: w}, err
}

func (d *Door[P]) createUnit(ctx context.Context, c *awswire.Call[P], in *CreateOrganizationalUnitRequest) (*CreateOrganizationalUnitResponse, error) {
	tags, err := uniqueTags(in.Tags)
	if err != nil {
		return nil, err
	}
	u, err := d.org.CreateUnit(ctx, c.Actor, *in.ParentId, *in.Name, tags)
	if err != nil {
		return nil, err
	}
	w, err := d.unit(ctx, u)
	return &CreateOrganizationalUnitResponse{OrganizationalUnit: w}, err
}

// updateUnit renames a unit; without a name there is nothing to change.
func (d *Door[P]) updateUnit(ctx context.Context, c *awswire.Call[P], in *UpdateOrganizationalUnitRequest) (*UpdateOrganizationalUnitResponse, error) {
	u, err := d.org.Unit(ctx, *in.OrganizationalUnitId)
	if err != nil {
		return nil, err
	}
	if in.Name != nil {
		if u, err = d.org.RenameUnit(ctx, c.Actor, u.ID, *in.Name); err != nil {
			return nil, err
		}
	}
	w, err := d.unit(ctx, u)
	return &UpdateOrganizationalUnitResponse{OrganizationalUnit: w}, err
}

func (d *Door[P]) deleteUnit(ctx context.Context, c *awswire.Call[P], in *DeleteOrganizationalUnitRequest) (*awswire.Empty, error) {
	return nil, d.org.DeleteUnit(ctx, c.Actor, *in.OrganizationalUnitId)
}

func (d *Door[P]) listChildren(ctx context.Context, _ *awswire.Call[P], in *ListChildrenRequest) (*ListChildrenResponse, error) {
	what := []string{"ListChildren", *in.ParentId, *in.ChildType}
	after, err := awswire.Cursor(in.NextToken, what...)
	if err != nil {
		return nil, err
	}
	limit := limit(in.MaxResults)
	children := []Child{}
	if *in.ChildType == "ACCOUNT" {
		accts, err := d.org.AccountsOf(ctx, *in.ParentId, after, limit+1)
		if err != nil {
			return nil, err
		}
		for _, a := range accts {
			children = append(children, Child{Id: new(a.ID), Type: in.ChildType})
		}
	} else {
		units, err := d.org.UnitsOf(ctx, *in.ParentId, after, limit+1)
		if err != nil {
			return nil, err
		}
		for _, u := range units {
			children = append(children, Child{Id: new(u.ID), Type: in.ChildType})
		}
	}
	children, next := awswire.Page(children, limit, func(c Child) string { return *c.Id })
	return &ListChildrenResponse{Children: children, NextToken: awswire.PageToken(next, what...)}, nil
}

// listParents answers the one parent that an account or a unit has.
func (d *Door[P]) listParents(ctx context.Context, _ *awswire.Call[P], in *ListParentsRequest) (*ListParentsResponse, error) {
	if _, err := awswire.Cursor(in.NextToken, "ListParents", *in.ChildId); err != nil {
		return nil, err
	}
	var parent string
	if arn.IsAccountID(*in.ChildId) {
		a, err := d.org.Account(ctx, *in.ChildId)
		if err != nil {
			return nil, err
		}
		parent = a.ParentID
	} else {
		u, err := d.org.Unit(ctx, *in.ChildId)
		if err != nil {
			return nil, err
		}
		parent = u.ParentID
	}
	kind := "ORGANIZATIONAL_UNIT"
	if strings.HasPrefix(parent, "r-") {
		kind = "ROOT"
	}
	return &ListParentsResponse{Parents: []Parent{{Id: &parent, Type: &kind}}}, nil
}

// paths writes "o-…/r-…/ou-…/" for parents, each looked up once per request.
type paths struct {
	units interface {
		Unit(context.Context, string) (organization.Unit, error)
	}
	known map[string]string
}

func (d *Door[P]) paths(o organization.Organization) paths {
	return paths{d.org, map[string]string{o.RootID: o.ID + "/" + o.RootID + "/"}}
}

// of returns the path of the root or of a unit. The tree is finite: a unit's parent is older than the unit.
func (p paths) of(ctx context.Context, id string) (string, error) {
	if path, ok := p.known[id]; ok {
		return path, nil
	}
	u, err := p.units.Unit(ctx, id)
	if err != nil {
		return "", err
	}
	above, err := p.of(ctx, u.ParentID)
	if err != nil {
		return "", err
	}
	p.known[id] = above + id + "/"
	return p.known[id], nil
}

func (d *Door[P]) tag(ctx context.Context, c *awswire.Call[P], in *TagResourceRequest) (*awswire.Empty, error) {
	tags, err := uniqueTags(in.Tags)
	if err != nil {
		return nil, err
	}
	return nil, d.retag(ctx, c, *in.ResourceId, tags, nil)
}

func (d *Door[P]) untag(ctx context.Context, c *awswire.Call[P], in *UntagResourceRequest) (*awswire.Empty, error) {
	return nil, d.retag(ctx, c, *in.ResourceId, nil, in.TagKeys)
}

func (d *Door[P]) retag(ctx context.Context, c *awswire.Call[P], id string, set map[string]string, remove []string) error {
	switch {
	case arn.IsAccountID(id):
		return d.org.TagAccount(ctx, c.Actor, id, set, remove)
	case strings.HasPrefix(id, "ou-"):
		return d.org.TagUnit(ctx, c.Actor, id, set, remove)
	case strings.HasPrefix(id, "p-"):
		return d.org.TagPolicy(ctx, c.Actor, id, set, remove)
	case strings.HasPrefix(id, "r-"):
		return d.org.TagRoot(ctx, c.Actor, id, set, remove)
	}
	return unsupportedTarget(id)
}

func unsupportedTarget(id string) error {
	return fault.New(fault.Invalid, "%s has no tags here; the root, organizational units, accounts and policies have", id).At("ResourceId")
}

// listTags has no pages: a resource has at most fifty tags.
func (d *Door[P]) listTags(ctx context.Context, _ *awswire.Call[P], in *ListTagsForResourceRequest) (*ListTagsForResourceResponse, error) {
	id := *in.ResourceId
	if _, err := awswire.Cursor(in.NextToken, "ListTagsForResource", id); err != nil {
		return nil, err
	}
	tags, err := d.tagsOf(ctx, id)
	return &ListTagsForResourceResponse{Tags: toTags(tags)}, err
}

// tagsOf returns the tags of the root, a unit, an account or a policy.
func (d *Door[P]) tagsOf(ctx context.Context, id string) (map[string]string, error) {
	tags, err := d.org.TagsOf(ctx, id)
	if f := fault.Of(err); f != nil && f.Kind == fault.Invalid {
		err = unsupportedTarget(id)
	}
	return tags, err
}

// uniqueTags reads tags; a key that occurs twice is refused.
func uniqueTags(tags []Tag) (map[string]string, error) {
	if len(tags) == 0 {
		return nil, nil
	}
	out := make(map[string]string, len(tags))
	for _, t := range tags {
		if _, twice := out[*t.Key]; twice {
			return nil, fault.New(fault.Invalid, "The tag key %q is there twice.", *t.Key).For("duplicate-tag").At("Tags")
		}
		out[*t.Key] = *t.Value
	}
	return out, nil
}

func toTags(tags map[string]string) []Tag {
	out := make([]Tag, 0, len(tags))
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, Tag{Key: new(k), Value: new(tags[k])})
	}
	return out
}
