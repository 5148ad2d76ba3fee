// Package sts is the door of the STS API (AWS Query, version 2011-06-15): who the caller is, and temporary credentials.
//
// It owns nothing: package localiam issues credentials and decides who may have them. AssumeRole needs no action
// of its own in the table, because what allows it is the role's trust policy together with the caller's policies, and localiam asks
// both. GetCallerIdentity needs no permission, and no Deny takes it away, as with AWS. AssumeRoleWithSAML and
// AssumeRoleWithWebIdentity are unsigned: assertion and token speak for the caller.
//
// Start reading at [Door.Service], the table. Every operation of the API has a row.
package sts

import (
	"context"
	"time"

	"gatehouse/internal/awswire"
	"gatehouse/internal/fault"
	"gatehouse/internal/localiam"
)

// Door answers the STS API.
type Door struct{ iam *localiam.Service }

// New returns a door.
func New(iam *localiam.Service) *Door { return &Door{iam: iam} }

type call = awswire.Call[localiam.Caller]

// Service returns the table of operations.
func (d *Door) Service() awswire.Service[localiam.Caller] {
	return awswire.Service[localiam.Caller]{Model: &model, Errors: d.wireError, Operations: []awswire.Operation[localiam.Caller]{
		awswire.Op("GetCallerIdentity", "", nil, d.getCallerIdentity),
		awswire.Op("AssumeRole", "", nil, d.assumeRole),
		awswire.Op("AssumeRoleWithSAML", "", nil, d.assumeRoleWithSAML),
		awswire.Op("AssumeRoleWithWebIdentity", "", nil, d.assumeRoleWithWebIdentity),
		awswire.Op("AssumeRoot", "sts:AssumeRoot", d.onRoot, d.assumeRoot),
		awswire.Op("GetSessionToken", "", nil, d.getSessionToken),
		awswire.Op("GetFederationToken", "sts:GetFederationToken", d.onFederatedUser, d.getFederationToken),
		awswire.Op("DecodeAuthorizationMessage", "sts:DecodeAuthorizationMessage", nil, d.decodeMessage),
		awswire.Op("GetDelegatedAccessToken", "sts:GetDelegatedAccessToken", nil, d.getDelegatedAccessToken),
		awswire.Op("GetWebIdentityToken", "sts:GetWebIdentityToken", d.onSelf, d.getWebIdentityToken),
		awswire.Op("GetAccessKeyInfo", "sts:GetAccessKeyInfo", nil, d.getAccessKeyInfo),
	}}
}

// wireError chooses STS's codes where the protocol's own are too coarse.
func (d *Door) wireError(operation string, err error, e awswire.WireError) awswire.WireError {
	f := fault.Of(err)
	if details := d.iam.EncodedRefusal(err); details != "" {
		e.Message += ". Encoded authorization failure message: " + details
	}
	switch {
	case f.Kind == fault.Invalid && f.Reason == "authorization-message":
		e.Code = "InvalidAuthorizationMessageException"
	case f.Kind == fault.Invalid && f.Reason == "malformed-policy":
		e.Code = "MalformedPolicyDocument"
	case operation == "AssumeRole" && f.Kind == fault.Invalid && f.Reason == localiam.ReasonContextExpired:
		e.Code = "ExpiredTokenException"
	case f.Kind == fault.Quota && f.Reason == "packed-policy", f.Kind == fault.Quota && f.Reason == "policy-size":
		e.Code, e.Status = "PackedPolicyTooLarge", 400
	case f.Kind == fault.Invalid && f.Reason == localiam.ReasonIdentityToken:
		e.Code = "InvalidIdentityToken"
	case f.Kind == fault.Invalid && f.Reason == localiam.ReasonIdentityExpired:
		e.Code = "ExpiredTokenException"
	case f.Kind == fault.Invalid && f.Reason == localiam.ReasonIDPUnreachable:
		e.Code = "IDPCommunicationError"
	case f.Kind == fault.Denied && f.Reason == localiam.ReasonOutboundDisabled:
		e.Code = "OutboundWebIdentityFederationDisabledException"
	case f.Kind == fault.Denied && f.Reason == localiam.ReasonEscalation:
		e.Code = "SessionDurationEscalationException"
	case f.Kind == fault.Invalid && f.Reason == localiam.ReasonTradeIn:
		e.Code = "ExpiredTradeInTokenException"
	case f.Kind == fault.Invalid && f.Reason == localiam.ReasonTokenSize:
		e.Code = "JWTPayloadSizeExceededException"
	case f.Kind == fault.NotFound:
		e.Code, e.Status = "ValidationError", 400 // STS has no NoSuchEntity
	case operation == "AssumeRoleWithSAML" && f.Kind == fault.Invalid && f.Reason == "expired-assertion":
		e.Code = "ExpiredTokenException"
	case operation == "AssumeRoleWithSAML" && f.Kind == fault.Invalid && f.Field != "DurationSeconds" && f.Field != "RoleArn" && f.Reason != "constraint":
		e.Code = "InvalidIdentityToken"
	}
	return e
}

func (d *Door) getCallerIdentity(_ context.Context, c *call, _ *GetCallerIdentityRequest) (*GetCallerIdentityResponse, error) {
	return &GetCallerIdentityResponse{UserId: &c.Principal.UserID, Account: &c.Principal.AccountID, Arn: &c.Principal.ARN}, nil
}

func (d *Door) assumeRole(ctx context.Context, c *call, in *AssumeRoleRequest) (*AssumeRoleResponse, error) {
	if in.SerialNumber != nil || in.TokenCode != nil {
		return nil, fault.New(fault.Denied, "MultiFactorAuthentication failed: the users of this server's accounts have no MFA devices")
	}
	tags, err := tagMap(in.Tags)
	if err != nil {
		return nil, err
	}
	out, err := d.iam.AssumeRole(ctx, c.Principal, localiam.SessionRequest{
		RoleARN: *in.RoleArn, SessionName: *in.RoleSessionName, Duration: seconds(in.DurationSeconds), Policy: awswire.Val(in.Policy), PolicyARNs: arns(in.PolicyArns),
		Tags: tags, TransitiveTags: in.TransitiveTagKeys, ExternalID: awswire.Val(in.ExternalId), SourceIdentity: awswire.Val(in.SourceIdentity),
		Contexts: contexts(in.ProvidedContexts),
	})
	return &AssumeRoleResponse{
		Credentials: credentials(out), AssumedRoleUser: &AssumedRoleUser{AssumedRoleId: &out.UserID, Arn: &out.ARN},
		PackedPolicySize: awswire.Opt(int32(out.PackedPolicySize)), SourceIdentity: awswire.Opt(out.SourceIdentity),
	}, err
}

func (d *Door) assumeRoleWithSAML(ctx context.Context, _ *call, in *AssumeRoleWithSAMLRequest) (*AssumeRoleWithSAMLResponse, error) {
	out, said, err := d.iam.AssumeRoleWithSAML(ctx, localiam.FederationRequest{
		RoleARN: *in.RoleArn, ProviderARN: *in.PrincipalArn, Response: *in.SAMLAssertion, Duration: seconds(in.DurationSeconds),
		Policy: awswire.Val(in.Policy), PolicyARNs: arns(in.PolicyArns),
	})
	return &AssumeRoleWithSAMLResponse{
		Credentials: credentials(out), AssumedRoleUser: &AssumedRoleUser{AssumedRoleId: &out.UserID, Arn: &out.ARN},
		PackedPolicySize: awswire.Opt(int32(out.PackedPolicySize)), Subject: awswire.Opt(said.Subject), SubjectType: awswire.Opt(said.SubjectType),
		Issuer: awswire.Opt(said.Issuer), Audience: awswire.Opt(said.Audience), NameQualifier: awswire.Opt(said.NameQualifier), SourceIdentity: awswire.Opt(out.SourceIdentity),
	}, err
}

func (d *Door) getSessionToken(ctx context.Context, c *call, in *GetSessionTokenRequest) (*GetSessionTokenResponse, error) {
	if in.SerialNumber != nil || in.TokenCode != nil {
		return nil, fault.New(fault.Denied, "MultiFactorAuthentication failed: the users of this server's accounts have no MFA devices")
	}
	out, err := d.iam.SessionToken(ctx, c.Principal, seconds(in.DurationSeconds))
	return &GetSessionTokenResponse{Credentials: credentials(out)}, err
}

// onFederatedUser is what a policy names: the federated user to be. Tags need sts:TagSession too.
func (d *Door) onFederatedUser(_ context.Context, c *call, in *GetFederationTokenRequest) (awswire.Target, error) {
	t := awswire.On("arn:aws:sts::" + c.Principal.AccountID + ":federated-user/" + *in.Name)
	if len(in.Tags) == 0 {
		return t, nil
	}
	t.Context = map[string][]string{}
	for _, tag := range in.Tags {
		t.Context["aws:RequestTag/"+*tag.Key] = []string{*tag.Value}
		t.Context["aws:TagKeys"] = append(t.Context["aws:TagKeys"], *tag.Key)
	}
	t.Further = []awswire.Further{{Action: "sts:TagSession", On: awswire.Target{Resources: t.Resources, Context: t.Context}}}
	return t, nil
}

func (d *Door) getFederationToken(ctx context.Context, c *call, in *GetFederationTokenRequest) (*GetFederationTokenResponse, error) {
	tags, err := tagMap(in.Tags)
	if err != nil {
		return nil, err
	}
	out, err := d.iam.FederationToken(ctx, c.Principal, localiam.FederatedRequest{
		Name: *in.Name, Duration: seconds(in.DurationSeconds), Policy: awswire.Val(in.Policy), PolicyARNs: arns(in.PolicyArns), Tags: tags,
	})
	return &GetFederationTokenResponse{
		Credentials: credentials(out), FederatedUser: &FederatedUser{FederatedUserId: &out.UserID, Arn: &out.ARN}, PackedPolicySize: awswire.Opt(int32(out.PackedPolicySize)),
	}, err
}

// getDelegatedAccessToken refuses every token: no delegation request can exist here, so none was ever given out.
func (d *Door) getDelegatedAccessToken(context.Context, *call, *GetDelegatedAccessTokenRequest) (*GetDelegatedAccessTokenResponse, error) {
	return nil, localiam.NoTradeIn()
}

func (d *Door) decodeMessage(_ context.Context, c *call, in *DecodeAuthorizationMessageRequest) (*DecodeAuthorizationMessageResponse, error) {
	message, err := d.iam.DecodeRefusal(c.Principal.AccountID, *in.EncodedMessage)
	return &DecodeAuthorizationMessageResponse{DecodedMessage: &message}, err
}

// getAccessKeyInfo tells a key's account.
func (d *Door) getAccessKeyInfo(ctx context.Context, _ *call, in *GetAccessKeyInfoRequest) (*GetAccessKeyInfoResponse, error) {
	account, err := d.iam.KeyAccount(ctx, *in.AccessKeyId)
	if fault.Is(err, fault.NotFound) {
		return nil, fault.New(fault.Invalid, "The access key %s does not exist", *in.AccessKeyId).At("AccessKeyId")
	}
	return &GetAccessKeyInfoResponse{Account: &account}, err
}

func credentials(c localiam.Credentials) *Credentials {
	return &Credentials{AccessKeyId: &c.AccessKeyID, SecretAccessKey: &c.SecretAccessKey, SessionToken: &c.SessionToken, Expiration: awswire.At(c.Expires)}
}

func contexts(in []ProvidedContext) []localiam.ProvidedContext {
	var out []localiam.ProvidedContext
	for _, c := range in {
		out = append(out, localiam.ProvidedContext{ProviderARN: awswire.Val(c.ProviderArn), Assertion: awswire.Val(c.ContextAssertion)})
	}
	return out
}

func seconds(n *int32) time.Duration { return time.Duration(awswire.Val(n)) * time.Second }

func arns(in []PolicyDescriptorType) []string {
	out := make([]string, len(in))
	for i, p := range in {
		out[i] = awswire.Val(p.Arn) // one without ARN is refused as an unknown policy, and not left out
	}
	return out
}

// tagMap reads tags; a key that occurs twice is refused.
func tagMap(in []Tag) (map[string]string, error) {
	if len(in) == 0 {
		return nil, nil
	}
	out := make(map[string]string, len(in))
	for _, t := range in {
		if _, twice := out[*t.Key]; twice {
			return nil, fault.New(fault.Invalid, "Duplicate tag keys found. Please note that Tag keys are case insensitive.").At("Tags")
		}
		out[*t.Key] = *t.Value
	}
	return out, nil
}
