package iam

import (
	"context"
	"strings"

	"gatehouse/internal/awswire"
	"gatehouse/internal/fault"
	"gatehouse/internal/localiam"
)

func (d *Door) providerRows() []awswire.Operation[localiam.Caller] {
	return []awswire.Operation[localiam.Caller]{
		row(d, "ListSAMLProviders", func(*empty) touch { return touch{} }, d.listSAMLProviders),
		row(d, "GetSAMLProvider", func(in *GetSAMLProviderRequest) touch { return touch{arn: in.SAMLProviderArn} }, d.getSAMLProvider),
		row(d, "CreateSAMLProvider", func(in *CreateSAMLProviderRequest) touch {
			return touch{fresh: "saml-provider/" + *in.Name, tags: in.Tags, tagging: "TagSAMLProvider"}
		}, d.createSAMLProvider),
		row(d, "UpdateSAMLProvider", func(in *UpdateSAMLProviderRequest) touch { return touch{arn: in.SAMLProviderArn} }, d.updateSAMLProvider),
		row(d, "DeleteSAMLProvider", func(in *DeleteSAMLProviderRequest) touch { return touch{arn: in.SAMLProviderArn} }, d.deleteSAMLProvider),
		row(d, "TagSAMLProvider", func(in *TagSAMLProviderRequest) touch { return touch{arn: in.SAMLProviderArn, tags: in.Tags} }, d.tagSAMLProvider),
		row(d, "UntagSAMLProvider", func(in *UntagSAMLProviderRequest) touch { return touch{arn: in.SAMLProviderArn, tagKeys: in.TagKeys} }, d.untagSAMLProvider),
		row(d, "ListSAMLProviderTags", func(in *ListSAMLProviderTagsRequest) touch { return touch{arn: in.SAMLProviderArn} }, d.listSAMLProviderTags),

		row(d, "ListOpenIDConnectProviders", func(*ListOpenIDConnectProvidersRequest) touch { return touch{} }, d.listOIDCProviders),
		row(d, "GetOpenIDConnectProvider", func(in *GetOpenIDConnectProviderRequest) touch { return touch{arn: in.OpenIDConnectProviderArn} }, d.getOIDCProvider),
		row(d, "CreateOpenIDConnectProvider", func(in *CreateOpenIDConnectProviderRequest) touch {
			return touch{fresh: "oidc-provider/" + strings.TrimSuffix(strings.TrimPrefix(*in.Url, "https://"), "/"), tags: in.Tags, tagging: "TagOpenIDConnectProvider"}
		}, d.createOIDCProvider),
		row(d, "DeleteOpenIDConnectProvider", func(in *DeleteOpenIDConnectProviderRequest) touch { return touch{arn: in.OpenIDConnectProviderArn} }, d.deleteOIDCProvider),
		row(d, "AddClientIDToOpenIDConnectProvider", func(in *AddClientIDToOpenIDConnectProviderRequest) touch {
			return touch{arn: in.OpenIDConnectProviderArn}
		}, d.addClientID),
		row(d, "RemoveClientIDFromOpenIDConnectProvider", func(in *RemoveClientIDFromOpenIDConnectProviderRequest) touch {
			return touch{arn: in.OpenIDConnectProviderArn}
		}, d.removeClientID),
		row(d, "UpdateOpenIDConnectProviderThumbprint", func(in *UpdateOpenIDConnectProviderThumbprintRequest) touch {
			return touch{arn: in.OpenIDConnectProviderArn}
		}, d.setThumbprints),
		row(d, "TagOpenIDConnectProvider", func(in *TagOpenIDConnectProviderRequest) touch {
			return touch{arn: in.OpenIDConnectProviderArn, tags: in.Tags}
		}, d.tagOIDCProvider),
		row(d, "UntagOpenIDConnectProvider", func(in *UntagOpenIDConnectProviderRequest) touch {
			return touch{arn: in.OpenIDConnectProviderArn, tagKeys: in.TagKeys}
		}, d.untagOIDCProvider),
		row(d, "ListOpenIDConnectProviderTags", func(in *ListOpenIDConnectProviderTagsRequest) touch {
			return touch{arn: in.OpenIDConnectProviderArn}
		}, d.listOIDCProviderTags),
	}
}

// listSAMLProviders answers all of an account's providers: the API has no pages here.
func (d *Door) listSAMLProviders(ctx context.Context, c *call, _ *empty) (*ListSAMLProvidersResponse, error) {
	out := &ListSAMLProvidersResponse{SAMLProviderList: []SAMLProviderListEntry{}}
	for after := ""; ; {
		batch, err := d.iam.SAMLProviders(ctx, c.Principal.AccountID, localiam.Page{After: after, Limit: maxPage})
		if err != nil || len(batch) == 0 {
			return out, err
		}
		for _, p := range batch {
			after = p.Name
			out.SAMLProviderList = append(out.SAMLProviderList, SAMLProviderListEntry{new(p.ARN()), awswire.At(p.ValidUntil), awswire.At(p.CreatedAt)})
		}
	}
}

func (d *Door) getSAMLProvider(ctx context.Context, c *call, in *GetSAMLProviderRequest) (*GetSAMLProviderResponse, error) {
	p, err := d.iam.SAMLProvider(ctx, c.Principal.AccountID, *in.SAMLProviderArn)
	return &GetSAMLProviderResponse{SAMLMetadataDocument: &p.Metadata, CreateDate: awswire.At(p.CreatedAt), ValidUntil: awswire.At(p.ValidUntil), Tags: wireTags(p.Tags)}, err
}

// encryption refuses encrypted assertions, which are not read here.
func encryption(mode, key *string) error {
	if awswire.Val(mode) == "Required" || awswire.Val(key) != "" {
		return fault.New(fault.Invalid, "Gatehouse does not read encrypted assertions.").At("AssertionEncryptionMode")
	}
	return nil
}

func (d *Door) createSAMLProvider(ctx context.Context, c *call, in *CreateSAMLProviderRequest) (*CreateSAMLProviderResponse, error) {
	if err := encryption(in.AssertionEncryptionMode, in.AddPrivateKey); err != nil {
		return nil, err
	}
	t, err := tags(in.Tags)
	if err != nil {
		return nil, err
	}
	p, err := d.iam.CreateSAMLProvider(ctx, c.Actor, localiam.SAMLProvider{AccountID: c.Principal.AccountID, Name: *in.Name, Metadata: *in.SAMLMetadataDocument, Tags: t})
	return &CreateSAMLProviderResponse{SAMLProviderArn: new(p.ARN()), Tags: wireTags(p.Tags)}, err
}

func (d *Door) updateSAMLProvider(ctx context.Context, c *call, in *UpdateSAMLProviderRequest) (*UpdateSAMLProviderResponse, error) {
	if err := encryption(in.AssertionEncryptionMode, in.AddPrivateKey); err != nil {
		return nil, err
	}
	out := &UpdateSAMLProviderResponse{SAMLProviderArn: in.SAMLProviderArn}
	if in.SAMLMetadataDocument == nil {
		_, err := d.iam.SAMLProvider(ctx, c.Principal.AccountID, *in.SAMLProviderArn)
		return out, err
	}
	return out, d.iam.UpdateSAMLProvider(ctx, c.Actor, policyRef(c, in.SAMLProviderArn), *in.SAMLMetadataDocument)
}

func (d *Door) deleteSAMLProvider(ctx context.Context, c *call, in *DeleteSAMLProviderRequest) (*empty, error) {
	return nil, d.iam.DeleteSAMLProvider(ctx, c.Actor, policyRef(c, in.SAMLProviderArn))
}

func (d *Door) tagSAMLProvider(ctx context.Context, c *call, in *TagSAMLProviderRequest) (*empty, error) {
	t, err := tags(in.Tags)
	if err != nil {
		return nil, err
	}
	return nil, d.iam.TagSAMLProvider(ctx, c.Actor, policyRef(c, in.SAMLProviderArn), localiam.Retag{Set: t})
}

func (d *Door) untagSAMLProvider(ctx context.Context, c *call, in *UntagSAMLProviderRequest) (*empty, error) {
	return nil, d.iam.TagSAMLProvider(ctx, c.Actor, policyRef(c, in.SAMLProviderArn), localiam.Retag{Remove: in.TagKeys})
}

func (d *Door) listSAMLProviderTags(ctx context.Context, c *call, in *ListSAMLProviderTagsRequest) (*ListSAMLProviderTagsResponse, error) {
	p, err := d.iam.SAMLProvider(ctx, c.Principal.AccountID, *in.SAMLProviderArn)
	if err != nil {
		return nil, err
	}
	out := &ListSAMLProviderTagsResponse{}
	out.Tags, out.IsTruncated, out.Marker, err = tagPage(p.Tags, list{nil, in.Marker, in.MaxItems}, *in.SAMLProviderArn)
	return out, err
}

// listOIDCProviders answers all of an account's providers: the API has no pages here.
func (d *Door) listOIDCProviders(ctx context.Context, c *call, _ *ListOpenIDConnectProvidersRequest) (*ListOpenIDConnectProvidersResponse, error) {
	out := &ListOpenIDConnectProvidersResponse{OpenIDConnectProviderList: []OpenIDConnectProviderListEntry{}}
	for after := ""; ; {
		batch, err := d.iam.OIDCProviders(ctx, c.Principal.AccountID, localiam.Page{After: after, Limit: maxPage})
		if err != nil || len(batch) == 0 {
			return out, err
		}
		for _, p := range batch {
			after = p.URL
			out.OpenIDConnectProviderList = append(out.OpenIDConnectProviderList, OpenIDConnectProviderListEntry{new(p.ARN())})
		}
	}
}

func (d *Door) getOIDCProvider(ctx context.Context, c *call, in *GetOpenIDConnectProviderRequest) (*GetOpenIDConnectProviderResponse, error) {
	p, err := d.iam.OIDCProvider(ctx, c.Principal.AccountID, *in.OpenIDConnectProviderArn)
	return &GetOpenIDConnectProviderResponse{
		Url: &p.URL, ClientIDList: append([]string{}, p.ClientIDs...), ThumbprintList: append([]string{}, p.Thumbprints...), CreateDate: awswire.At(p.CreatedAt), Tags: wireTags(p.Tags),
	}, err
}

func (d *Door) createOIDCProvider(ctx context.Context, c *call, in *CreateOpenIDConnectProviderRequest) (*CreateOpenIDConnectProviderResponse, error) {
	t, err := tags(in.Tags)
	if err != nil {
		return nil, err
	}
	p, err := d.iam.CreateOIDCProvider(ctx, c.Actor, localiam.OIDCProvider{AccountID: c.Principal.AccountID, URL: *in.Url, ClientIDs: in.ClientIDList, Thumbprints: in.ThumbprintList, Tags: t})
	return &CreateOpenIDConnectProviderResponse{OpenIDConnectProviderArn: new(p.ARN()), Tags: wireTags(p.Tags)}, err
}

func (d *Door) deleteOIDCProvider(ctx context.Context, c *call, in *DeleteOpenIDConnectProviderRequest) (*empty, error) {
	return nil, d.iam.DeleteOIDCProvider(ctx, c.Actor, policyRef(c, in.OpenIDConnectProviderArn))
}

func (d *Door) addClientID(ctx context.Context, c *call, in *AddClientIDToOpenIDConnectProviderRequest) (*empty, error) {
	return nil, d.iam.AddClientID(ctx, c.Actor, policyRef(c, in.OpenIDConnectProviderArn), *in.ClientID)
}

func (d *Door) removeClientID(ctx context.Context, c *call, in *RemoveClientIDFromOpenIDConnectProviderRequest) (*empty, error) {
	return nil, d.iam.RemoveClientID(ctx, c.Actor, policyRef(c, in.OpenIDConnectProviderArn), *in.ClientID)
}

func (d *Door) setThumbprints(ctx context.Context, c *call, in *UpdateOpenIDConnectProviderThumbprintRequest) (*empty, error) {
	return nil, d.iam.SetThumbprints(ctx, c.Actor, policyRef(c, in.OpenIDConnectProviderArn), in.ThumbprintList)
}

func (d *Door) tagOIDCProvider(ctx context.Context, c *call, in *TagOpenIDConnectProviderRequest) (*empty, error) {
	t, err := tags(in.Tags)
	if err != nil {
		return nil, err
	}
	return nil, d.iam.TagOIDCProvider(ctx, c.Actor, policyRef(c, in.OpenIDConnectProviderArn), localiam.Retag{Set: t})
}

func (d *Door) untagOIDCProvider(ctx context.Context, c *call, in *UntagOpenIDConnectProviderRequest) (*empty, error) {
	return nil, d.iam.TagOIDCProvider(ctx, c.Actor, policyRef(c, in.OpenIDConnectProviderArn), localiam.Retag{Remove: in.TagKeys})
}

func (d *Door) listOIDCProviderTags(ctx context.Context, c *call, in *ListOpenIDConnectProviderTagsRequest) (*ListOpenIDConnectProviderTagsResponse, error) {
	p, err := d.iam.OIDCProvider(ctx, c.Principal.AccountID, *in.OpenIDConnectProviderArn)
	if err != nil {
		return nil, err
	}
	out := &ListOpenIDConnectProviderTagsResponse{}
	out.Tags, out.IsTruncated, out.Marker, err = tagPage(p.Tags, list{nil, in.Marker, in.MaxItems}, *in.OpenIDConnectProviderArn)
	return out, err
}
