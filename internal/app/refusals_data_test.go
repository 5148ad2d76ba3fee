package app

import (
	"regexp"
	"slices"
	"strings"

	"gatehouse/internal/awswire/model"
)

// This file is what the descriptions of the APIs do not say about refusals: how each API names its errors, and what of an operation cannot be
// wrong, with the reason.

// manner is how an API refuses.
type manner struct {
	// invalid, malformed, unsigned, signature and denied are the codes for a value that breaks a constraint, for what cannot be read, and for
	// what the caller lacks.
	invalid, malformed, unsigned, signature, denied []string
	// absent matches the codes for what is not there, among the errors of an operation.
	absent *regexp.Regexp
	// words: a validation error names the member and the constraint as AWS does.
	words bool
	// common are the errors that every operation of the protocol has ("Common Errors" in AWS's references), with their HTTP status.
	common map[string]int
}

var (
	jsonCommon = map[string]int{
		"AccessDeniedException": 400, "IncompleteSignatureException": 400, "InvalidSignatureException": 400, "MissingAuthenticationTokenException": 400,
		"SerializationException": 400, "ThrottlingException": 400, "UnrecognizedClientException": 400, "ValidationException": 400, "ExpiredTokenException": 400,
	}
	restCommon = map[string]int{
		"AccessDeniedException": 403, "IncompleteSignatureException": 400, "InvalidSignatureException": 403, "MissingAuthenticationTokenException": 403,
		"SerializationException": 400, "ThrottlingException": 429, "UnrecognizedClientException": 403, "ValidationException": 400, "ExpiredTokenException": 403,
	}
	queryCommon = map[string]int{
		"AccessDenied": 403, "IncompleteSignature": 400, "InvalidClientTokenId": 403, "MalformedInput": 400, "MissingAuthenticationToken": 403,
		"SignatureDoesNotMatch": 403, "Throttling": 400, "ValidationError": 400, "ExpiredToken": 403,
	}
	jsonManner = manner{
		invalid: []string{"ValidationException"}, malformed: []string{"SerializationException"}, unsigned: []string{"MissingAuthenticationTokenException"},
		signature: []string{"InvalidSignatureException"}, denied: []string{"AccessDeniedException"}, absent: regexp.MustCompile(`^ResourceNotFoundException$`), words: true, common: jsonCommon,
	}
	queryManner = manner{
		invalid: []string{"ValidationError"}, malformed: []string{"MalformedInput"}, unsigned: []string{"MissingAuthenticationToken"},
		signature: []string{"SignatureDoesNotMatch"}, denied: []string{"AccessDenied"}, absent: regexp.MustCompile(`^NoSuchEntity$`), words: true, common: queryCommon,
	}
)

// manners are by service; a service that is not here has the manner of its protocol.
var manners = map[string]manner{
	"organizations": with(jsonManner, func(m *manner) {
		m.invalid, m.absent = []string{"InvalidInputException"}, regexp.MustCompile(`NotFoundException$|NotRegisteredException$`)
	}),
	"cloudformation": with(queryManner, func(m *manner) { m.absent = regexp.MustCompile(`^ChangeSetNotFound$`) }),
	// aws login reads a form of its own; what does not fit it is a validation error.
	"signin": with(jsonManner, func(m *manner) { m.malformed, m.common = []string{"ValidationException"}, restCommon }),
	"sso": {
		invalid: []string{"InvalidRequestException"}, malformed: []string{"InvalidRequestException"}, denied: []string{"ForbiddenException"},
		absent: regexp.MustCompile(`^ResourceNotFoundException$`), common: map[string]int{"ForbiddenException": 403},
	},
	"sso-oidc": {
		invalid: []string{"InvalidRequestException", "InvalidClientMetadataException"}, malformed: []string{"InvalidRequestException"}, denied: []string{"AccessDeniedException"},
		unsigned: []string{"MissingAuthenticationTokenException"}, signature: []string{"InvalidSignatureException"},
		absent: regexp.MustCompile(`^Invalid(Client|Grant)Exception$`), common: restCommon,
	},
}

func with(m manner, edit func(*manner)) manner {
	edit(&m)
	return m
}

func (a *api) manner() manner {
	if m, ok := manners[a.desc.Service]; ok {
		return m
	}
	switch {
	case a.query():
		return queryManner
	case a.rest():
		return with(jsonManner, func(m *manner) { m.common = restCommon })
	}
	return jsonManner
}

// notFound are the errors of an operation that say that something is not there. An operation that has none says that it may not be seen.
func (m manner) notFound(o *model.Operation) []string {
	var out []string
	for _, e := range o.Errors {
		code := strings.TrimSuffix(e, "Exception")
		if m.absent.MatchString(e) {
			out = append(out, e)
		} else if m.absent.MatchString(code) { // Query has names of its own on the wire
			out = append(out, code)
		}
	}
	if len(out) == 0 {
		return m.denied
	}
	return out
}

var tokenMembers = []string{"NextToken", "Marker", "nextToken"}

// fresh are members that name something which is to be made, or select by a name that need not exist; so nothing can be unknown about them.
// "service.Operation.Member" or "service.Member".
var fresh = []string{
	"iam.CreateUser.UserName", "iam.CreateGroup.GroupName", "iam.CreateRole.RoleName", "iam.CreateInstanceProfile.InstanceProfileName", "iam.CreatePolicy.PolicyName",
	"iam.PutUserPolicy.PolicyName", "iam.PutGroupPolicy.PolicyName", "iam.PutRolePolicy.PolicyName",
	"cloudformation.CreateStack.StackName", "cloudformation.CreateChangeSet.ChangeSetName", "sso-admin.AddRegion.RegionName",
	// AddClientID… adds, RemoveClientID… "does not fail" for one that is not there (IAM API reference).
	"iam.AddClientIDToOpenIDConnectProvider.ClientID", "iam.RemoveClientIDFromOpenIDConnectProvider.ClientID",
}

// answers are what an unknown or foreign reference gets where it is not what manner says.
var answers = map[string][]string{
	// The portal API looks at the token before anything else.
	"sso.accessToken": {"UnauthorizedException"}, "sso.accessToken missing member": {"UnauthorizedException"},
	// Whoever has nothing in an account learns nothing about it ("No access").
	"sso.accountId": {"ForbiddenException"}, "sso.roleName": {"ForbiddenException"},
	"sso-oidc.startUrl": {"InvalidRequestException"},
	// An application that is not there has no policy that lets anybody in.
	"sso-oidc.CreateTokenWithIAM.clientId": {"AccessDeniedException", "InvalidClientException"},
	// AssumeRole does not tell a role that is not there from one whose trust policy says no.
	"sts.RoleArn": {"AccessDenied"}, "sts.AssumeRoleWithWebIdentity.RoleArn": {"AccessDenied", "InvalidIdentityToken"}, "sts.AssumeRoleWithSAML.RoleArn": {"AccessDenied", "InvalidIdentityToken"}, "sts.PrincipalArn": {"AccessDenied", "InvalidIdentityToken"},
	// Not in the model, and what IAM says of a boundary that is not there ("Policy … does not exist or is not attachable").
	"iam.CreateRole.PermissionsBoundary": {"NoSuchEntity"},
	// CloudFormation's stacks that are not there are validation errors.
	"cloudformation.StackName": {"ValidationError"}, "cloudformation.LogicalResourceId": {"ValidationError"}, "cloudformation.ExportName": {"ValidationError"},
}

// excuses say why an operation has not a case. The key is "service.Operation mischief" or "service.Operation.Member mischief".
var excuses = map[string]string{
	"sso-admin.CreateApplication caller of a foreign account":           "an application belongs to the account that makes it",
	"sso-admin.DescribeApplicationProvider caller of a foreign account": "providers are everybody's",
	"sso-admin.ListApplicationProviders caller of a foreign account":    "providers are everybody's",
	"sso-admin.DescribeInstance caller of a foreign account":            "every account of the organization may see that the instance exists",
	"sso-admin.ListInstances caller of a foreign account":               "every account of the organization may see that the instance exists",
	"organizations.DescribeOrganization caller of a foreign account":    "every account may see the organization it is in",

	"sso-admin.ListAccountAssignmentsForPrincipal.AccountId unknown reference":   "a filter, which selects nothing",
	"sso.ListAccountRoles.accountId unknown reference":                           "answered with an empty list; docs/divergences.md, Sign-in",
	"iam.DeleteOpenIDConnectProvider.OpenIDConnectProviderArn unknown reference": "it does not fail for a provider that is not there (IAM API reference)",
	"iam.SimulatePrincipalPolicy.PolicyArn unknown reference":                    "PolicyExclusionList is refused whole; docs/divergences.md, Embedded accounts",
	"iam.SimulatePrincipalPolicy.PolicyArn foreign reference":                    "as above",
	"iam.SimulatePrincipalPolicy.PolicyName unknown reference":                   "as above",
	"account-access.ListApplications caller of a foreign account":                "it lists what the caller's own account has",
	"account-access.DeleteApplication.applicationArn unknown reference":          "deleting is idempotent (account access API reference)",
	"account-access.DeleteApplication.applicationArn foreign reference":          "as above",
	"account-access.DeleteEntitlement.entitlementId unknown reference":           "as above",
	"account-access.ListEntitlements.userId unknown reference":                   "a filter, which selects nothing",
	"account-access.ListEntitlements.groupId unknown reference":                  "as above",
	"cloudformation.DeleteChangeSet.ChangeSetName unknown reference":             "its model knows no ChangeSetNotFound; docs/divergences.md, CloudFormation",
	"cloudformation.DeleteStack.StackName unknown reference":                     "deleting a stack that is not there succeeds (CloudFormation API reference)",
}

// states are what valid requests get because of how the world is: the code, and why.
var states = map[string]string{
	"sso-admin.CreateInstance":                                    "ConflictException: one instance serves every account",
	"sso-admin.DeleteInstance":                                    "ConflictException: the server exists for its instance",
	"sso-admin.CreateInstanceAccessControlAttributeConfiguration": "ConflictException: the world has one, for the other operations on it",
	"organizations.EnablePolicyType":                              "PolicyTypeAlreadyEnabledException: the world has it on, for the other operations on policies",
	"organizations.RemoveAccountFromOrganization":                 "ConstraintViolationException: accounts cannot leave; docs/divergences.md, Embedded accounts",
	"iam.EnableOutboundWebIdentityFederation":                     "FeatureEnabled: the world has it on, for the tokens",
	"iam.GetDelegationRequest":                                    "NoSuchEntity: there are no partners who ask for delegated access",
	"iam.AcceptDelegationRequest":                                 "NoSuchEntity: there are no partners who ask for delegated access",
	"iam.AssociateDelegationRequest":                              "NoSuchEntity: there are no partners who ask for delegated access",
	"iam.RejectDelegationRequest":                                 "NoSuchEntity: there are no partners who ask for delegated access",
	"iam.SendDelegationToken":                                     "NoSuchEntity: there are no partners who ask for delegated access",
	"iam.UpdateDelegationRequest":                                 "NoSuchEntity: there are no partners who ask for delegated access",
	"iam.CreateDelegationRequest":                                 "InvalidInput: there are no partners who ask for delegated access",
	"iam.DeactivateMFADevice":                                     "NoSuchEntity: users of embedded accounts have none",
	"iam.DeleteSigningCertificate":                                "NoSuchEntity: users of embedded accounts have none",
	"iam.DeleteLoginProfile":                                      "NoSuchEntity: users of embedded accounts have none",
	"sso-oidc.CreateTokenWithIAM":                                 "InvalidGrantException: no application has a refresh token in this world; package propagation has tests with some",
	"sts.GetDelegatedAccessToken":                                 "ExpiredTradeInTokenException: there are no partners who ask for delegated access",
	"sts.AssumeRoleWithWebIdentity":                               "InvalidIdentityToken: nobody signs tokens in this world; package sts has tests with some",
	"signin.CreateOAuth2Token":                                    "ValidationException: it takes a proof of a key in a header; package awslogin has tests with some",
	"iam.GetAccountPasswordPolicy":                                "NoSuchEntity: there is none to be set",
	"iam.GetLoginProfile":                                         "NoSuchEntity: there is none to be set",
	"sts.AssumeRoleWithSAML":                                      "InvalidIdentityToken: nobody signs assertions in this world; package sts has tests with some",
	"cloudformation.ContinueUpdateRollback":                       "ValidationError: no stack's rollback has failed",
}

func (w *refusals) excused(a *api, o *model.Operation, kind mischief) string {
	switch {
	case o.Unsigned:
		return "whoever calls it shows a token or an assertion, no signature"
	case a.rows[o.Name] == "" && (kind == unauthorized || kind == denied || kind == stranger):
		return "it needs no permission"
	}
	key := a.desc.Service + "." + o.Name + " " + string(kind)
	if why, ok := excuses[key]; ok {
		w.used[key] = true
		return why
	}
	if why, ok := everyAccount[a.desc.Service]; ok && kind == stranger {
		return why
	}
	return ""
}

// everyAccount are the APIs that act in the caller's own account, so that no account is foreign to them.
var everyAccount = map[string]string{
	"iam":            "a caller's own account is what it acts on; references to another's are foreign references",
	"sts":            "as IAM",
	"cloudformation": "as IAM",
}

func (w *refusals) excusedAt(a *api, o *model.Operation, kind mischief, member string) bool {
	key := a.desc.Service + "." + o.Name + "." + member
	if slices.Contains(fresh, key) {
		w.used[key] = true
		return true
	}
	key += " " + string(kind)
	if _, ok := excuses[key]; ok {
		w.used[key] = true
		return true
	}
	return false
}

// refused are the codes that an unknown or foreign reference may get.
func (w *refusals) refused(a *api, o *model.Operation, member string) []string {
	for _, key := range []string{a.desc.Service + "." + o.Name + "." + member, a.desc.Service + "." + member} {
		if codes, ok := answers[key]; ok {
			w.used[key] = true
			for _, code := range codes {
				w.used[a.desc.Service+"."+o.Name+"."+code] = true
			}
			return codes
		}
	}
	return a.manner().notFound(o)
}

// unused are the lines of the data that nothing asked for.
func (w *refusals) unused() []string {
	var out []string
	for key := range excuses {
		if !w.used[key] {
			out = append(out, key)
		}
	}
	for _, key := range fresh {
		if !w.used[key] {
			out = append(out, key)
		}
	}
	slices.Sort(out)
	return out
}

// other is a well-formed reference that names nothing, or what is somebody else's.
func (w *refusals) other(a *api, o *model.Operation, kind mischief, member, shape string) (string, bool) {
	for _, key := range []string{a.desc.Service + "." + o.Name + "." + member, a.desc.Service + "." + member, a.desc.Service + ":" + shape} {
		if v, ok := w.names[kind][key]; ok {
			return v, v != ""
		}
	}
	return "", false
}
