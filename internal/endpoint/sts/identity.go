package sts

import (
	"context"
	"strconv"
	"time"

	"gatehouse/internal/awswire"
	"gatehouse/internal/localiam"
)

// onSelf is what a policy names for GetWebIdentityToken: the caller's own place in STS. The condition keys are those of the request
// (Service Authorization Reference, «AWS Security Token Service»). Tags need a permission of their own.
func (d *Door) onSelf(_ context.Context, c *call, in *GetWebIdentityTokenRequest) (awswire.Target, error) {
	duration := awswire.Val(in.DurationSeconds)
	if duration == 0 {
		duration = int32(localiam.DefaultIdentityToken / time.Second)
	}
	t := awswire.On("arn:aws:sts::" + c.Principal.AccountID + ":self")
	t.Context = map[string][]string{
		"sts:IdentityTokenAudience": in.Audience, "sts:SigningAlgorithm": {*in.SigningAlgorithm}, "sts:DurationSeconds": {strconv.Itoa(int(duration))},
	}
	if len(in.Tags) == 0 {
		return t, nil
	}
	for _, tag := range in.Tags {
		t.Context["aws:RequestTag/"+*tag.Key] = []string{*tag.Value}
		t.Context["aws:TagKeys"] = append(t.Context["aws:TagKeys"], *tag.Key)
	}
	t.Further = []awswire.Further{{Action: "sts:TagGetWebIdentityToken", On: awswire.Target{Resources: t.Resources, Context: t.Context}}}
	return t, nil
}

func (d *Door) getWebIdentityToken(ctx context.Context, c *call, in *GetWebIdentityTokenRequest) (*GetWebIdentityTokenResponse, error) {
	tags, err := tagMap(in.Tags)
	if err != nil {
		return nil, err
	}
	want := localiam.IdentityRequest{Audiences: in.Audience, Algorithm: *in.SigningAlgorithm, Duration: seconds(in.DurationSeconds), Tags: tags}
	if sig, err := awswire.ParseSignature(c.Request); err == nil { // it was verified
		want.Region = sig.Region
	}
	token, expires, err := d.iam.WebIdentityToken(ctx, c.Principal, want)
	return &GetWebIdentityTokenResponse{WebIdentityToken: &token, Expiration: awswire.At(expires)}, err
}

// assumeRoleWithWebIdentity believes a token of an OIDC provider.
func (d *Door) assumeRoleWithWebIdentity(ctx context.Context, _ *call, in *AssumeRoleWithWebIdentityRequest) (*AssumeRoleWithWebIdentityResponse, error) {
	out, who, err := d.iam.AssumeRoleWithWebIdentity(ctx, localiam.WebIdentityRequest{
		RoleARN: *in.RoleArn, SessionName: *in.RoleSessionName, Token: *in.WebIdentityToken, ProviderID: awswire.Val(in.ProviderId), Duration: seconds(in.DurationSeconds),
		Policy: awswire.Val(in.Policy), PolicyARNs: arns(in.PolicyArns),
	})
	return &AssumeRoleWithWebIdentityResponse{
		Credentials: credentials(out), AssumedRoleUser: &AssumedRoleUser{AssumedRoleId: &out.UserID, Arn: &out.ARN}, PackedPolicySize: awswire.Opt(int32(out.PackedPolicySize)),
		SubjectFromWebIdentityToken: &who.Subject, Provider: &who.Issuer, Audience: &who.Audience, SourceIdentity: awswire.Opt(out.SourceIdentity),
	}, err
}
