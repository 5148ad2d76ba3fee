// Package organizations is the door of the AWS Organizations API (AWS JSON 1.1, target
// AWSOrganizationsV20161128): the organization, its roots and units, its accounts and their tags, service control policies,
// trusted services and delegated administrators.
//
// It owns nothing. It turns wire shapes into nouns of package organization and back, and lets
// organization.Service decide.
// What is the API's own, and therefore here: ARNs and paths; page tokens; names of errors.
//
// Only principals of the management account get in, except that every account may ask which organization it
// belongs to (DescribeOrganization), and that delegated administrators may read.
//
// Start reading at [Door.Service], the table. Operations of the API without a row answer that they are not
// implemented.
package organizations

import (
	"context"
	"strings"

	"gatehouse/internal/awswire"
	"gatehouse/internal/fault"
	"gatehouse/internal/organization"
)

// Door answers the Organizations API. P is the type of an authenticated principal.
type Door[P any] struct{ org *organization.Service }

// New returns a door.
func New[P any](org *organization.Service) *Door[P] { return &Door[P]{org: org} }

// Service returns the table of operations: name, the ids it touches, handler.
func (d *Door[P]) Service() awswire.Service[P] {
	rows := append(d.treeRows(), d.policyRows()...)
	return awswire.Service[P]{Model: &model, Errors: wireError, Operations: append(rows, d.delegateRows()...)}
}

// treeRows are the operations on the organization, its tree and its accounts.
func (d *Door[P]) treeRows() []awswire.Operation[P] {
	return []awswire.Operation[P]{
		awswire.Op("DescribeOrganization", "organizations:DescribeOrganization", nil, d.describeOrganization),
		row(d, "ListRoots", func(*ListRootsRequest) ids { return nil }, d.listRoots),

		row(d, "ListAccounts", func(*ListAccountsRequest) ids { return nil }, d.listAccounts),
		row(d, "DescribeAccount", func(in *DescribeAccountRequest) ids { return ids{in.AccountId} }, d.describeAccount),
		row(d, "ListAccountsForParent", func(in *ListAccountsForParentRequest) ids { return ids{in.ParentId} }, d.listAccountsForParent),
		row(d, "CreateAccount", func(*CreateAccountRequest) ids { return nil }, d.createAccount),
		row(d, "DescribeCreateAccountStatus", func(*DescribeCreateAccountStatusRequest) ids { return nil }, d.describeCreateAccountStatus),
		row(d, "ListCreateAccountStatus", func(*ListCreateAccountStatusRequest) ids { return nil }, d.listCreateAccountStatus),
		row(d, "CloseAccount", func(in *CloseAccountRequest) ids { return ids{in.AccountId} }, d.closeAccount),
		row(d, "RemoveAccountFromOrganization", func(in *RemoveAccountFromOrganizationRequest) ids { return ids{in.AccountId} }, d.removeAccount),
		row(d, "MoveAccount", func(in *MoveAccountRequest) ids { return ids{in.AccountId, in.SourceParentId, in.DestinationParentId} }, d.moveAccount),

		row(d, "ListOrganizationalUnitsForParent", func(in *ListOrganizationalUnitsForParentRequest) ids { return ids{in.ParentId} }, d.listUnitsForParent),
		row(d, "DescribeOrganizationalUnit", func(in *DescribeOrganizationalUnitRequest) ids { return ids{in.OrganizationalUnitId} }, d.describeUnit),
		row(d, "CreateOrganizationalUnit", func(in *CreateOrganizationalUnitRequest) ids { return ids{in.ParentId} }, d.createUnit),
		row(d, "UpdateOrganizationalUnit", func(in *UpdateOrganizationalUnitRequest) ids { return ids{in.OrganizationalUnitId} }, d.updateUnit),
		row(d, "DeleteOrganizationalUnit", func(in *DeleteOrganizationalUnitRequest) ids { return ids{in.OrganizationalUnitId} }, d.deleteUnit),
		row(d, "ListChildren", func(in *ListChildrenRequest) ids { return ids{in.ParentId} }, d.listChildren),
		row(d, "ListParents", func(in *ListParentsRequest) ids { return ids{in.ChildId} }, d.listParents),

		row(d, "TagResource", func(in *TagResourceRequest) ids { return ids{in.ResourceId} }, d.tag),
		row(d, "UntagResource", func(in *UntagResourceRequest) ids { return ids{in.ResourceId} }, d.untag),
		row(d, "ListTagsForResource", func(in *ListTagsForResourceRequest) ids { return ids{in.ResourceId} }, d.listTags),
	}
}

// ids names roots, units and accounts that an operation touches.
type ids []*string

// tagged is an input that brings tags or names them.
type tagged interface {
	tags() (set []Tag, keys []string)
}

func (in *CreateAccountRequest) tags() ([]Tag, []string)            { return in.Tags, nil }
func (in *CreateOrganizationalUnitRequest) tags() ([]Tag, []string) { return in.Tags, nil }
func (in *TagResourceRequest) tags() ([]Tag, []string)              { return in.Tags, nil }
func (in *UntagResourceRequest) tags() ([]Tag, []string)            { return nil, in.TagKeys }

// row is an operation for the management account. Its action bears its name.
func row[P, In, Out any, I interface {
	*In
	awswire.Checker
}](d *Door[P], name string, touches func(I) ids, handle func(context.Context, *awswire.Call[P], I) (*Out, error)) awswire.Operation[P] {
	target := func(ctx context.Context, c *awswire.Call[P], in I) (awswire.Target, error) {
		o, err := d.org.Organization(ctx)
		if err != nil {
			return awswire.Target{}, err
		}
		may := c.Actor.AccountID == o.ManagementAccountID
		if !may && open(name) {
			if may, err = d.org.IsDelegate(ctx, c.Actor.AccountID, ""); err != nil {
				return awswire.Target{}, err
			}
		}
		if !may {
			return awswire.Target{}, fault.New(fault.Denied, "%s is not authorized to perform organizations:%s: only the management account may", c.Actor.ID, name)
		}
		var t awswire.Target
		for _, id := range touches(in) {
			t.Resources = append(t.Resources, names{o}.arn(*id))
		}
		if name == "CreatePolicy" {
			t.Resources, t.Fresh = []string{names{o}.fresh(name)}, true
		}
		t.Context = map[string][]string{}
		if in, ok := any(in).(tagged); ok {
			t.Context = tagKeys(in.tags())
		}
		if in, ok := any(in).(typed); ok {
			t.Context["organizations:PolicyType"] = []string{*in.policyType()}
		}
		if in, ok := any(in).(serving); ok && in.service() != nil {
			t.Context["organizations:ServicePrincipal"] = []string{*in.service()}
		}
		if set := tagsOfNew(name, in); len(set) > 0 {
			of := awswire.Target{Resources: []string{names{o}.fresh(name)}, Context: t.Context, Fresh: true}
			t.Further = append(t.Further, awswire.Further{Action: "organizations:TagResource", On: of})
		}
		return t, nil
	}
	return awswire.Op(name, "organizations:"+name, target, handle)
}

// tagsOfNew are the tags that something is made with: that is to tag it too.
func tagsOfNew(operation string, in any) []Tag {
	t, ok := in.(tagged)
	if !ok || operation == "TagResource" {
		return nil
	}
	set, _ := t.tags()
	return set
}

func tagKeys(set []Tag, keys []string) map[string][]string {
	c := map[string][]string{}
	for _, t := range set {
		keys = append(keys, *t.Key)
		c["aws:RequestTag/"+*t.Key] = []string{*t.Value}
	}
	if len(keys) > 0 {
		c["aws:TagKeys"] = keys
	}
	return c
}

// names writes the ARNs of an organization's parts: all of them name the management account.
type names struct{ organization.Organization }

func (n names) arn(id string) string {
	kind := "account"
	switch {
	case strings.HasPrefix(id, "ou-"):
		kind = "ou"
	case strings.HasPrefix(id, "r-"):
		kind = "root"
	case id == organization.FullAccessID:
		return "arn:aws:organizations::aws:policy/service_control_policy/" + id
	case strings.HasPrefix(id, "p-"):
		return n.prefix() + "policy/" + n.ID + "/service_control_policy/" + id
	}
	return n.prefix() + kind + "/" + n.ID + "/" + id
}

// fresh stands for whatever an operation makes.
func (n names) fresh(operation string) string {
	switch operation {
	case "CreatePolicy":
		return n.prefix() + "policy/" + n.ID + "/service_control_policy/*"
	case "CreateOrganizationalUnit":
		return n.prefix() + "ou/" + n.ID + "/*"
	default:
		return n.prefix() + "account/" + n.ID + "/*"
	}
}

func (n names) prefix() string { return "arn:aws:organizations::" + n.ManagementAccountID + ":" }

// wireError names what AWS Organizations tells apart.
func wireError(operation string, err error, e awswire.WireError) awswire.WireError {
	f := fault.Of(err)
	switch f.Kind {
	case fault.Internal, fault.Unavailable:
		e.Code = "ServiceException"
	case fault.Throttled:
		e.Code = "TooManyRequestsException"
		e = e.With("Type", "TooManyRequests")
	case fault.Invalid:
		e.Code = "InvalidInputException"
		switch f.Reason {
		case "malformed-policy":
			e.Code = "MalformedPolicyDocumentException"
		case "policy-type":
			e.Code = "PolicyTypeNotAvailableForOrganizationException"
		default:
			e = e.With("Reason", invalidReason(f))
		}
	case fault.Quota:
		e.Code = "ConstraintViolationException"
		e = e.With("Reason", constraints[f.Reason])
	case fault.NotFound:
		e.Code = notFound(operation, f)
	case fault.Conflict:
		e.Code = conflict(f)
	}
	return e
}

// constraints are the reasons of a ConstraintViolationException.
var constraints = map[string]string{
	"depth":               "OU_DEPTH_LIMIT_EXCEEDED",
	"content":             "POLICY_CONTENT_LIMIT_EXCEEDED",
	"most":                "MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED",
	"least":               "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED",
	"cannot-leave":        "ACCOUNT_CANNOT_LEAVE_ORGANIZATION",
	"close-management":    "CANNOT_CLOSE_MANAGEMENT_ACCOUNT",
	"remove-delegate":     "CANNOT_REMOVE_DELEGATED_ADMINISTRATOR_FROM_ORG",
	"delegates":           "MAX_DELEGATED_ADMINISTRATORS_FOR_SERVICE_LIMIT_EXCEEDED",
	"delegate-management": "CANNOT_REGISTER_MASTER_AS_DELEGATED_ADMINISTRATOR",
	"delegate-suspended":  "CANNOT_REGISTER_SUSPENDED_ACCOUNT_AS_DELEGATED_ADMINISTRATOR",
	"delegate-exists":     "DELEGATED_ADMINISTRATOR_EXISTS_FOR_THIS_SERVICE",
	"":                    "MAX_TAG_LIMIT_EXCEEDED",
}

func invalidReason(f *fault.Fault) string {
	switch f.Reason {
	case "immutable":
		return "IMMUTABLE_POLICY"
	case "service-principal":
		return "UNRECOGNIZED_SERVICE_PRINCIPAL"
	case "duplicate-tag":
		return "DUPLICATE_TAG_KEY"
	}
	switch f.Field {
	case "NextToken":
		return "INVALID_NEXT_TOKEN"
	case "Email":
		return "INVALID_EMAIL_ADDRESS_TARGET"
	case "RoleName":
		return "INVALID_ROLE_NAME"
	case "ResourceId":
		return "TARGET_NOT_SUPPORTED"
	}
	return "INVALID_PATTERN"
}

func notFound(operation string, f *fault.Fault) string {
	switch operation {
	case "TagResource", "UntagResource", "ListTagsForResource":
		return "TargetNotFoundException"
	case "ListParents":
		return "ChildNotFoundException"
	case "DescribeCreateAccountStatus":
		return "CreateAccountStatusNotFoundException"
	}
	switch f.Reason {
	case "root":
		return "RootNotFoundException"
	case "not-attached":
		return "PolicyNotAttachedException"
	case "not-registered":
		return "AccountNotRegisteredException"
	case "source-parent":
		return "SourceParentNotFoundException"
	case "destination-parent":
		return "DestinationParentNotFoundException"
	}
	switch f.Resource {
	case organization.ResourceAccount:
		return "AccountNotFoundException"
	case organization.ResourceUnit:
		return "OrganizationalUnitNotFoundException"
	case organization.ResourcePolicy:
		return "PolicyNotFoundException"
	case organization.ResourceTarget:
		return "TargetNotFoundException"
	case organization.ResourceParent:
		return "ParentNotFoundException"
	}
	return "AWSOrganizationsNotInUseException"
}

func conflict(f *fault.Fault) string {
	switch f.Reason {
	case "duplicate-name":
		return "DuplicateOrganizationalUnitException"
	case "not-empty":
		return "OrganizationalUnitNotEmptyException"
	case "same-parent":
		return "DuplicateAccountException"
	case "duplicate-policy":
		return "DuplicatePolicyException"
	case "policy-in-use":
		return "PolicyInUseException"
	case "attached":
		return "DuplicatePolicyAttachmentException"
	case "type-on":
		return "PolicyTypeAlreadyEnabledException"
	case "type-off":
		return "PolicyTypeNotEnabledException"
	case "registered":
		return "AccountAlreadyRegisteredException"
	case "closed":
		return "AccountAlreadyClosedException"
	case "management":
		return "MasterCannotLeaveOrganizationException"
	}
	return "ConcurrentModificationException"
}
