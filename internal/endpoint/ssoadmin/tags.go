package ssoadmin

import (
	"context"

	"gatehouse/internal/awswire"
)

// tags returns the tags of what an input names: of the application, issuer or permission set, else of the instance.
func (d *Door[P]) tags(ctx context.Context, p place) (map[string]string, error) {
	switch {
	case p.application.ID != "":
		a, err := d.Applications.Application(ctx, p.application)
		return a.Tags, err
	case p.issuer.ID != "":
		i, err := d.Applications.Issuer(ctx, p.issuer)
		return i.Tags, err
	case p.set != "":
		set, err := d.Access.Set(ctx, p.instance, p.set)
		return set.Tags, err
	case p.instance != "":
		i, err := d.Access.Instance(ctx, p.instance)
		return i.Tags, err
	}
	return nil, nil
}

func (d *Door[P]) tag(ctx context.Context, c *awswire.Call[P], p place, in *TagResourceRequest) (*TagResourceResponse, error) {
	return &TagResourceResponse{}, d.retag(ctx, c, p, fromTags(in.Tags), nil)
}

func (d *Door[P]) untag(ctx context.Context, c *awswire.Call[P], p place, in *UntagResourceRequest) (*UntagResourceResponse, error) {
	return &UntagResourceResponse{}, d.retag(ctx, c, p, nil, in.TagKeys)
}

func (d *Door[P]) retag(ctx context.Context, c *awswire.Call[P], p place, set map[string]string, remove []string) error {
	switch {
	case p.application.ID != "":
		return d.Applications.Tag(ctx, c.Actor, p.application, set, remove)
	case p.issuer.ID != "":
		return d.Applications.TagIssuer(ctx, c.Actor, p.issuer, set, remove)
	case p.set != "":
		return d.Access.TagSet(ctx, c.Actor, p.instance, p.set, set, remove)
	}
	return d.Access.TagInstance(ctx, c.Actor, p.instance, set, remove)
}

// listTags has no pages: a resource has at most fifty tags.
func (d *Door[P]) listTags(ctx context.Context, _ *awswire.Call[P], p place, in *ListTagsForResourceRequest) (*ListTagsForResourceResponse, error) {
	if _, err := awswire.Cursor(in.NextToken, "ListTagsForResource"); err != nil {
		return nil, err
	}
	tags, err := d.tags(ctx, p)
	if err != nil {
		return nil, err
	}
	return &ListTagsForResourceResponse{Tags: toTags(tags)}, nil
}
