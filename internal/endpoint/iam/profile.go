package iam

import (
	"context"

	"gatehouse/internal/awswire"
	"gatehouse/internal/fault"
	"gatehouse/internal/localiam"
)

func (d *Door) profileRows() []awswire.Operation[localiam.Caller] {
	return []awswire.Operation[localiam.Caller]{
		row(d, "CreateInstanceProfile", func(in *CreateInstanceProfileRequest) touch {
			return made("instance-profile", in.Path, *in.InstanceProfileName, in.Tags)
		}, d.createProfile),
		row(d, "GetInstanceProfile", func(in *GetInstanceProfileRequest) touch { return touch{profile: in.InstanceProfileName} }, d.getProfile),
		row(d, "ListInstanceProfiles", func(in *ListInstanceProfilesRequest) touch {
			return touch{fresh: "instance-profile" + path(in.PathPrefix)}
		}, d.listProfiles),
		row(d, "ListInstanceProfilesForRole", func(in *ListInstanceProfilesForRoleRequest) touch { return touch{role: in.RoleName} }, d.listProfilesForRole),
		row(d, "AddRoleToInstanceProfile", func(in *AddRoleToInstanceProfileRequest) touch { return touch{profile: in.InstanceProfileName} }, d.addRoleToProfile),
		row(d, "RemoveRoleFromInstanceProfile", func(in *RemoveRoleFromInstanceProfileRequest) touch { return touch{profile: in.InstanceProfileName} }, d.removeRoleFromProfile),
		row(d, "DeleteInstanceProfile", func(in *DeleteInstanceProfileRequest) touch { return touch{profile: in.InstanceProfileName} }, d.deleteProfile),
		row(d, "TagInstanceProfile", func(in *TagInstanceProfileRequest) touch {
			return touch{profile: in.InstanceProfileName, tags: in.Tags}
		}, d.tagProfile),
		row(d, "UntagInstanceProfile", func(in *UntagInstanceProfileRequest) touch {
			return touch{profile: in.InstanceProfileName, tagKeys: in.TagKeys}
		}, d.untagProfile),
		row(d, "ListInstanceProfileTags", func(in *ListInstanceProfileTagsRequest) touch { return touch{profile: in.InstanceProfileName} }, d.listProfileTags),
	}
}

func profileRef(c *call, name *string) localiam.ProfileRef {
	return localiam.ProfileRef{AccountID: c.Principal.AccountID, Name: *name}
}

// wireProfile writes an instance profile with the role in it.
func (d *Door) wireProfile(ctx context.Context, p localiam.InstanceProfile) (*InstanceProfile, error) {
	out := &InstanceProfile{Path: &p.Path, InstanceProfileName: &p.Name, InstanceProfileId: &p.ID, Arn: new(p.ARN()), CreateDate: awswire.At(p.CreatedAt), Roles: []Role{}, Tags: wireTags(p.Tags)}
	if p.RoleName == "" {
		return out, nil
	}
	r, err := d.iam.Role(ctx, p.AccountID, p.RoleName)
	if fault.Is(err, fault.NotFound) { // it went meanwhile
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	w, err := d.wireRole(ctx, r)
	if err != nil {
		return nil, err
	}
	w.Tags, w.PermissionsBoundary, w.RoleLastUsed, w.MaxSessionDuration = nil, nil, nil, nil
	out.Roles = []Role{*w}
	return out, nil
}

// profiles writes a page of instance profiles; those of lists have no tags.
func (d *Door) profiles(ctx context.Context, in []localiam.InstanceProfile) ([]InstanceProfile, error) {
	out := make([]InstanceProfile, 0, len(in))
	for _, p := range in {
		w, err := d.wireProfile(ctx, p)
		if err != nil {
			return nil, err
		}
		w.Tags = nil
		out = append(out, *w)
	}
	return out, nil
}

func profileName(p localiam.InstanceProfile) string { return p.Name }

func (d *Door) createProfile(ctx context.Context, c *call, in *CreateInstanceProfileRequest) (*CreateInstanceProfileResponse, error) {
	t, err := tags(in.Tags)
	if err != nil {
		return nil, err
	}
	p, err := d.iam.CreateProfile(ctx, c.Actor, localiam.InstanceProfile{AccountID: c.Principal.AccountID, Name: *in.InstanceProfileName, Path: path(in.Path), Tags: t})
	if err != nil {
		return nil, err
	}
	w, err := d.wireProfile(ctx, p)
	return &CreateInstanceProfileResponse{InstanceProfile: w}, err
}

func (d *Door) getProfile(ctx context.Context, c *call, in *GetInstanceProfileRequest) (*GetInstanceProfileResponse, error) {
	p, err := d.iam.Profile(ctx, c.Principal.AccountID, *in.InstanceProfileName)
	if err != nil {
		return nil, err
	}
	w, err := d.wireProfile(ctx, p)
	return &GetInstanceProfileResponse{InstanceProfile: w}, err
}

func (d *Door) listProfiles(ctx context.Context, c *call, in *ListInstanceProfilesRequest) (*ListInstanceProfilesResponse, error) {
	p, err := listing(in.Marker, in.MaxItems, "ListInstanceProfiles", path(in.PathPrefix))
	if err != nil {
		return nil, err
	}
	ps, err := d.iam.Profiles(ctx, c.Principal.AccountID, localiam.Page{PathPrefix: path(in.PathPrefix), After: p.after, Limit: p.limit + 1})
	if err != nil {
		return nil, err
	}
	out := &ListInstanceProfilesResponse{}
	ps, out.IsTruncated, out.Marker = cut(p, ps, profileName)
	out.InstanceProfiles, err = d.profiles(ctx, ps)
	return out, err
}

func (d *Door) listProfilesForRole(ctx context.Context, c *call, in *ListInstanceProfilesForRoleRequest) (*ListInstanceProfilesForRoleResponse, error) {
	p, err := listing(in.Marker, in.MaxItems, "ListInstanceProfilesForRole", *in.RoleName)
	if err != nil {
		return nil, err
	}
	ps, err := d.iam.ProfilesOf(ctx, c.Principal.AccountID, *in.RoleName, localiam.Page{After: p.after, Limit: p.limit + 1})
	if err != nil {
		return nil, err
	}
	out := &ListInstanceProfilesForRoleResponse{}
	ps, out.IsTruncated, out.Marker = cut(p, ps, profileName)
	out.InstanceProfiles, err = d.profiles(ctx, ps)
	return out, err
}

// addRoleToProfile needs iam:PassRole on the role as well: whoever fills a profile gives the role away.
func (d *Door) addRoleToProfile(ctx context.Context, c *call, in *AddRoleToInstanceProfileRequest) (*empty, error) {
	r, err := d.iam.Role(ctx, c.Principal.AccountID, *in.RoleName)
	if err != nil {
		return nil, err
	}
	to := awswire.On(r.ARN())
	to.Context = map[string][]string{"iam:PassedToService": {"ec2.amazonaws.com"}} // machines alone have profiles
	if err := c.Authorize(ctx, "iam:PassRole", to); err != nil {
		return nil, err
	}
	return nil, d.iam.PutRoleIntoProfile(ctx, c.Actor, profileRef(c, in.InstanceProfileName), *in.RoleName)
}

func (d *Door) removeRoleFromProfile(ctx context.Context, c *call, in *RemoveRoleFromInstanceProfileRequest) (*empty, error) {
	return nil, d.iam.TakeRoleFromProfile(ctx, c.Actor, profileRef(c, in.InstanceProfileName), *in.RoleName)
}

func (d *Door) deleteProfile(ctx context.Context, c *call, in *DeleteInstanceProfileRequest) (*empty, error) {
	return nil, d.iam.DeleteProfile(ctx, c.Actor, profileRef(c, in.InstanceProfileName))
}

func (d *Door) tagProfile(ctx context.Context, c *call, in *TagInstanceProfileRequest) (*empty, error) {
	t, err := tags(in.Tags)
	if err != nil {
		return nil, err
	}
	return nil, d.iam.TagProfile(ctx, c.Actor, profileRef(c, in.InstanceProfileName), localiam.Retag{Set: t})
}

func (d *Door) untagProfile(ctx context.Context, c *call, in *UntagInstanceProfileRequest) (*empty, error) {
	return nil, d.iam.TagProfile(ctx, c.Actor, profileRef(c, in.InstanceProfileName), localiam.Retag{Remove: in.TagKeys})
}

func (d *Door) listProfileTags(ctx context.Context, c *call, in *ListInstanceProfileTagsRequest) (*ListInstanceProfileTagsResponse, error) {
	p, err := d.iam.Profile(ctx, c.Principal.AccountID, *in.InstanceProfileName)
	if err != nil {
		return nil, err
	}
	out := &ListInstanceProfileTagsResponse{}
	out.Tags, out.IsTruncated, out.Marker, err = tagPage(p.Tags, list{nil, in.Marker, in.MaxItems}, "profile", p.Name)
	return out, err
}
