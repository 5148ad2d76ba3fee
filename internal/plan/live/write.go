package live

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/identitystore"
	"github.com/aws/aws-sdk-go-v2/service/identitystore/document"
	people "github.com/aws/aws-sdk-go-v2/service/identitystore/types"
	"github.com/aws/aws-sdk-go-v2/service/ssoadmin"
	"github.com/aws/aws-sdk-go-v2/service/ssoadmin/types"

	"gatehouse/internal/plan/estate"
)

// Every method here makes one change, and is content if it is in effect already: what is to be made is there, what is to be removed is gone. So each can
// be made again after a crash, or after an answer was lost.

// already is nil for the error that says that there is nothing to do.
func already(err error, code string) error {
	if Code(err) == code {
		return nil
	}
	return err
}

// CreateGroup makes a group and returns its id.
func (c *Client) CreateGroup(ctx context.Context, g estate.Group) (string, error) {
	in := &identitystore.CreateGroupInput{IdentityStoreId: &c.instance.IdentityStoreID, DisplayName: &g.Name, Description: some(g.Description)}
	out, err := do(ctx, c.center, c.store.CreateGroup, in)
	if err == nil {
		return aws.ToString(out.GroupId), nil
	}
	if Code(err) != conflict {
		return "", err
	}
	found, lookup := do(ctx, c.center, c.store.GetGroupId, &identitystore.GetGroupIdInput{IdentityStoreId: &c.instance.IdentityStoreID, AlternateIdentifier: unique("displayName", g.Name)})
	if lookup != nil {
		return "", err
	}
	return aws.ToString(found.GroupId), c.UpdateGroup(ctx, aws.ToString(found.GroupId), g)
}

func some(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// UpdateGroup gives a group its name and description.
func (c *Client) UpdateGroup(ctx context.Context, id string, g estate.Group) error {
	name, about := "displayName", "description"
	ops := []people.AttributeOperation{{AttributePath: &name, AttributeValue: document.NewLazyDocument(g.Name)}, {AttributePath: &about}} // no value: removed
	if g.Description != "" {
		ops[1].AttributeValue = document.NewLazyDocument(g.Description)
	}
	_, err := do(ctx, c.center, c.store.UpdateGroup, &identitystore.UpdateGroupInput{IdentityStoreId: &c.instance.IdentityStoreID, GroupId: &id, Operations: ops})
	return err
}

// DeleteGroup removes a group.
func (c *Client) DeleteGroup(ctx context.Context, id string) error {
	_, err := do(ctx, c.center, c.store.DeleteGroup, &identitystore.DeleteGroupInput{IdentityStoreId: &c.instance.IdentityStoreID, GroupId: &id})
	return already(err, notFound)
}

// AddMember puts a user into a group.
func (c *Client) AddMember(ctx context.Context, group, user string) error {
	_, err := do(ctx, c.center, c.store.CreateGroupMembership, &identitystore.CreateGroupMembershipInput{IdentityStoreId: &c.instance.IdentityStoreID, GroupId: &group, MemberId: member(user)})
	return already(err, conflict)
}

func member(user string) *people.MemberIdMemberUserId {
	return &people.MemberIdMemberUserId{Value: user}
}

// RemoveMember takes a user out of a group; the membership's id is asked for first.
func (c *Client) RemoveMember(ctx context.Context, group, user string) error {
	out, err := do(ctx, c.center, c.store.GetGroupMembershipId, &identitystore.GetGroupMembershipIdInput{IdentityStoreId: &c.instance.IdentityStoreID, GroupId: &group, MemberId: member(user)})
	if err != nil {
		return already(err, notFound)
	}
	_, err = do(ctx, c.center, c.store.DeleteGroupMembership, &identitystore.DeleteGroupMembershipInput{IdentityStoreId: &c.instance.IdentityStoreID, MembershipId: out.MembershipId})
	return already(err, notFound)
}

// CreateSet makes a permission set with all its parts and returns its ARN, also if a part failed.
func (c *Client) CreateSet(ctx context.Context, s estate.Set) (string, error) {
	out, err := do(ctx, c.center, c.admin.CreatePermissionSet, &ssoadmin.CreatePermissionSetInput{
		InstanceArn: &c.instance.ARN, Name: &s.Name, Description: some(s.Description), RelayState: some(s.RelayState), SessionDuration: session(s), Tags: tagList(s.Tags),
	})
	switch {
	case err == nil:
		made := estate.Set{ARN: aws.ToString(out.PermissionSet.PermissionSetArn), Name: s.Name, Description: s.Description, RelayState: s.RelayState, Session: s.Session, Tags: s.Tags}
		return made.ARN, c.UpdateSet(ctx, made, s)
	case Code(err) == conflict:
		there, lookup := c.findSet(ctx, s.Name)
		if lookup != nil {
			return "", lookup
		}
		if there == nil {
			return "", err
		}
		return there.ARN, c.UpdateSet(ctx, *there, s)
	}
	return "", err
}

func session(s estate.Set) *string {
	if s.Session == 0 {
		return nil
	}
	return aws.String(formatDuration(s.Session))
}

// findSet reads the set of a name, which takes a call for each set: it is only for one that came into being since the estate was read.
func (c *Client) findSet(ctx context.Context, name string) (*estate.Set, error) {
	r := &reader{Client: c, steps: &steps{}, wanted: map[string]bool{name: true}}
	arns, err := r.setARNs(ctx)
	if err != nil {
		return nil, err
	}
	for _, arn := range arns {
		if s, err := r.set(ctx, arn); err != nil || s.Name == name {
			return &s, err
		}
	}
	return nil, nil
}

// UpdateSet makes a set what it is to be, touching only what differs. The set's roles do not change by it; see [Client.Provision].
func (c *Client) UpdateSet(ctx context.Context, is, want estate.Set) error {
	arn := &is.ARN
	if is.Description != want.Description || is.RelayState != want.RelayState || is.Session != want.Session {
		// What is left out is cleared, so all three are always said.
		if _, err := do(ctx, c.center, c.admin.UpdatePermissionSet, &ssoadmin.UpdatePermissionSetInput{
			InstanceArn: &c.instance.ARN, PermissionSetArn: arn, Description: some(want.Description), RelayState: some(want.RelayState), SessionDuration: session(want),
		}); err != nil {
			return err
		}
	}
	// Policies go before others come: a set holds only so many.
	for _, p := range without(is.AWSPolicies, want.AWSPolicies, sameARN) {
		_, err := do(ctx, c.center, c.admin.DetachManagedPolicyFromPermissionSet, &ssoadmin.DetachManagedPolicyFromPermissionSetInput{InstanceArn: &c.instance.ARN, PermissionSetArn: arn, ManagedPolicyArn: &p})
		if already(err, notFound) != nil {
			return err
		}
	}
	for _, p := range without(is.CustomerPolicies, want.CustomerPolicies, estate.PolicyRef.Same) {
		_, err := do(ctx, c.center, c.admin.DetachCustomerManagedPolicyReferenceFromPermissionSet, &ssoadmin.DetachCustomerManagedPolicyReferenceFromPermissionSetInput{InstanceArn: &c.instance.ARN, PermissionSetArn: arn, CustomerManagedPolicyReference: toReference(p)})
		if already(err, notFound) != nil {
			return err
		}
	}
	if err := c.attach(ctx, is, want); err != nil {
		return err
	}
	if err := c.updateInline(ctx, is, want); err != nil {
		return err
	}
	if err := c.updateBoundary(ctx, is, want); err != nil {
		return err
	}
	return c.retag(ctx, is.ARN, is.Tags, want.Tags)
}

// attach adds the policies that are missing. A conflict says that one is there already, or that somebody else is at work on the set: the set is looked at then.
func (c *Client) attach(ctx context.Context, is, want estate.Set) error {
	var refused error
	for _, p := range without(want.AWSPolicies, is.AWSPolicies, sameARN) {
		_, err := do(ctx, c.center, c.admin.AttachManagedPolicyToPermissionSet, &ssoadmin.AttachManagedPolicyToPermissionSetInput{InstanceArn: &c.instance.ARN, PermissionSetArn: &is.ARN, ManagedPolicyArn: &p})
		if already(err, conflict) != nil {
			return err
		}
		refused = cmp.Or(err, refused)
	}
	for _, p := range without(want.CustomerPolicies, is.CustomerPolicies, estate.PolicyRef.Same) {
		_, err := do(ctx, c.center, c.admin.AttachCustomerManagedPolicyReferenceToPermissionSet, &ssoadmin.AttachCustomerManagedPolicyReferenceToPermissionSetInput{InstanceArn: &c.instance.ARN, PermissionSetArn: &is.ARN, CustomerManagedPolicyReference: toReference(p)})
		if already(err, conflict) != nil {
			return err
		}
		refused = cmp.Or(err, refused)
	}
	if refused == nil {
		return nil
	}
	there := estate.Set{ARN: is.ARN}
	if err := (&reader{Client: c, steps: &steps{}}).parts(ctx, &there); err != nil {
		return err
	}
	if len(without(want.AWSPolicies, there.AWSPolicies, sameARN)) > 0 || len(without(want.CustomerPolicies, there.CustomerPolicies, estate.PolicyRef.Same)) > 0 {
		return refused
	}
	return nil
}

// without is what of a is not in b.
func without[T any](a, b []T, same func(T, T) bool) (out []T) {
	for _, v := range a {
		if !slices.ContainsFunc(b, func(w T) bool { return same(v, w) }) {
			out = append(out, v)
		}
	}
	return out
}

func sameARN(a, b string) bool { return a == b }

func (c *Client) updateInline(ctx context.Context, is, want estate.Set) error {
	switch {
	case is.Inline == want.Inline:
		return nil
	case want.Inline == "":
		_, err := do(ctx, c.center, c.admin.DeleteInlinePolicyFromPermissionSet, &ssoadmin.DeleteInlinePolicyFromPermissionSetInput{InstanceArn: &c.instance.ARN, PermissionSetArn: &is.ARN})
		return already(err, notFound)
	}
	_, err := do(ctx, c.center, c.admin.PutInlinePolicyToPermissionSet, &ssoadmin.PutInlinePolicyToPermissionSetInput{InstanceArn: &c.instance.ARN, PermissionSetArn: &is.ARN, InlinePolicy: &want.Inline})
	return err
}

func (c *Client) updateBoundary(ctx context.Context, is, want estate.Set) error {
	b := want.Boundary
	switch {
	case sameBoundary(is.Boundary, b):
		return nil
	case b == nil:
		_, err := do(ctx, c.center, c.admin.DeletePermissionsBoundaryFromPermissionSet, &ssoadmin.DeletePermissionsBoundaryFromPermissionSetInput{InstanceArn: &c.instance.ARN, PermissionSetArn: &is.ARN})
		return already(err, notFound)
	}
	boundary := &types.PermissionsBoundary{ManagedPolicyArn: some(b.AWS)}
	if b.Customer != nil {
		boundary.CustomerManagedPolicyReference = toReference(*b.Customer)
	}
	_, err := do(ctx, c.center, c.admin.PutPermissionsBoundaryToPermissionSet, &ssoadmin.PutPermissionsBoundaryToPermissionSetInput{InstanceArn: &c.instance.ARN, PermissionSetArn: &is.ARN, PermissionsBoundary: boundary})
	return err
}

func sameBoundary(a, b *estate.Boundary) bool {
	if a == nil || b == nil {
		return a == b
	}
	if a.Customer == nil || b.Customer == nil {
		return a.AWS == b.AWS && a.Customer == b.Customer
	}
	return a.Customer.Same(*b.Customer)
}

func tagList(tags map[string]string) (out []types.Tag) {
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, types.Tag{Key: &k, Value: aws.String(tags[k])})
	}
	return out
}

func (c *Client) retag(ctx context.Context, arn string, is, want map[string]string) error {
	var gone []string
	fresh := map[string]string{}
	for k := range is {
		if _, stays := want[k]; !stays {
			gone = append(gone, k)
		}
	}
	for k, v := range want {
		if had, ok := is[k]; !ok || had != v {
			fresh[k] = v
		}
	}
	if len(gone) > 0 {
		slices.Sort(gone)
		if _, err := do(ctx, c.center, c.admin.UntagResource, &ssoadmin.UntagResourceInput{InstanceArn: &c.instance.ARN, ResourceArn: &arn, TagKeys: gone}); err != nil {
			return err
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	_, err := do(ctx, c.center, c.admin.TagResource, &ssoadmin.TagResourceInput{InstanceArn: &c.instance.ARN, ResourceArn: &arn, Tags: tagList(fresh)})
	return err
}

// DeleteSet removes a permission set, which must not be provisioned anywhere.
func (c *Client) DeleteSet(ctx context.Context, arn string) error {
	_, err := do(ctx, c.center, c.admin.DeletePermissionSet, &ssoadmin.DeletePermissionSetInput{InstanceArn: &c.instance.ARN, PermissionSetArn: &arn})
	return already(err, notFound)
}

// Provision begins to bring a set's roles up to date, in an account or ("") in all that have it, and returns the request's id and status.
func (c *Client) Provision(ctx context.Context, set, account string) (string, Status, error) {
	in := &ssoadmin.ProvisionPermissionSetInput{InstanceArn: &c.instance.ARN, PermissionSetArn: &set, TargetType: types.ProvisionTargetTypeAllProvisionedAccounts}
	if account != "" {
		in.TargetType, in.TargetId = types.ProvisionTargetTypeAwsAccount, &account
	}
	out, err := do(ctx, c.center, c.admin.ProvisionPermissionSet, in)
	if err != nil {
		return "", "", err
	}
	return aws.ToString(out.PermissionSetProvisioningStatus.RequestId), Status(out.PermissionSetProvisioningStatus.Status), nil
}

// Grant is an assignment by ids.
type Grant struct {
	Set, Account, Principal string
	User                    bool
}

func (g Grant) kind() types.PrincipalType {
	if g.User {
		return types.PrincipalTypeUser
	}
	return types.PrincipalTypeGroup
}

// Assign begins to make an assignment, and returns the request's id and status.
func (c *Client) Assign(ctx context.Context, g Grant) (string, Status, error) {
	out, err := do(ctx, c.center, c.admin.CreateAccountAssignment, &ssoadmin.CreateAccountAssignmentInput{
		InstanceArn: &c.instance.ARN, PermissionSetArn: &g.Set, TargetId: &g.Account, TargetType: types.TargetTypeAwsAccount, PrincipalId: &g.Principal, PrincipalType: g.kind(),
	})
	if err != nil {
		return "", "", err
	}
	return aws.ToString(out.AccountAssignmentCreationStatus.RequestId), Status(out.AccountAssignmentCreationStatus.Status), nil
}

// Unassign begins to end an assignment. One that is not there is at its end: the status is Succeeded, without an id.
func (c *Client) Unassign(ctx context.Context, g Grant) (string, Status, error) {
	out, err := do(ctx, c.center, c.admin.DeleteAccountAssignment, &ssoadmin.DeleteAccountAssignmentInput{
		InstanceArn: &c.instance.ARN, PermissionSetArn: &g.Set, TargetId: &g.Account, TargetType: types.TargetTypeAwsAccount, PrincipalId: &g.Principal, PrincipalType: g.kind(),
	})
	switch {
	case Code(err) == notFound:
		return "", Succeeded, nil
	case err != nil:
		return "", "", err
	}
	return aws.ToString(out.AccountAssignmentDeletionStatus.RequestId), Status(out.AccountAssignmentDeletionStatus.Status), nil
}

// PutAttributes replaces the attributes for access control; nil disables them.
func (c *Client) PutAttributes(ctx context.Context, as []estate.Attribute) error {
	if as == nil {
		_, err := do(ctx, c.center, c.admin.DeleteInstanceAccessControlAttributeConfiguration, &ssoadmin.DeleteInstanceAccessControlAttributeConfigurationInput{InstanceArn: &c.instance.ARN})
		return already(err, notFound)
	}
	config := &types.InstanceAccessControlAttributeConfiguration{AccessControlAttributes: []types.AccessControlAttribute{}}
	for _, a := range as {
		config.AccessControlAttributes = append(config.AccessControlAttributes, types.AccessControlAttribute{Key: &a.Key, Value: &types.AccessControlAttributeValue{Source: a.Source}})
	}
	_, err := do(ctx, c.center, c.admin.UpdateInstanceAccessControlAttributeConfiguration, &ssoadmin.UpdateInstanceAccessControlAttributeConfigurationInput{InstanceArn: &c.instance.ARN, InstanceAccessControlAttributeConfiguration: config})
	if Code(err) == notFound { // they are not enabled yet
		_, err = do(ctx, c.center, c.admin.CreateInstanceAccessControlAttributeConfiguration, &ssoadmin.CreateInstanceAccessControlAttributeConfigurationInput{InstanceArn: &c.instance.ARN, InstanceAccessControlAttributeConfiguration: config})
	}
	return err
}

// CreateApplication makes an application and returns its ARN, also if who may use it could not be set. Names of applications are not unique: a
// token sees to it that a repeated call does not make a second one.
func (c *Client) CreateApplication(ctx context.Context, a estate.Application) (string, error) {
	in := &ssoadmin.CreateApplicationInput{
		InstanceArn: &c.instance.ARN, ApplicationProviderArn: &a.Provider, Name: &a.Name, Description: some(a.Description), Status: status(a), Tags: tagList(a.Tags),
		PortalOptions: &types.PortalOptions{Visibility: types.ApplicationVisibilityDisabled, SignInOptions: signIn(a)},
	}
	if a.Visible {
		in.PortalOptions.Visibility = types.ApplicationVisibilityEnabled
	}
	out, err := do(ctx, c.center, c.admin.CreateApplication, in) // the SDK writes the token into the input, which all attempts share
	if err != nil {
		return "", err
	}
	arn := aws.ToString(out.ApplicationArn)
	if !a.AnyoneMayUse {
		return arn, nil
	}
	return arn, c.requireAssignment(ctx, arn, false)
}

func status(a estate.Application) types.ApplicationStatus {
	if a.Disabled {
		return types.ApplicationStatusDisabled
	}
	return types.ApplicationStatusEnabled
}

func signIn(a estate.Application) *types.SignInOptions {
	if a.URL == "" {
		return &types.SignInOptions{Origin: types.SignInOriginIdentityCenter}
	}
	return &types.SignInOptions{Origin: types.SignInOriginApplication, ApplicationUrl: &a.URL}
}

func (c *Client) requireAssignment(ctx context.Context, arn string, required bool) error {
	_, err := do(ctx, c.center, c.admin.PutApplicationAssignmentConfiguration, &ssoadmin.PutApplicationAssignmentConfigurationInput{ApplicationArn: &arn, AssignmentRequired: &required})
	return err
}

// UpdateApplication makes an application what it is to be, touching only what differs. Whether the portal shows it cannot be changed by any call.
func (c *Client) UpdateApplication(ctx context.Context, is, want estate.Application) error {
	if is.Visible != want.Visible {
		return fmt.Errorf("whether the portal shows application %q can only be said when it is made; delete it first, or change that in the console", is.Name)
	}
	in := &ssoadmin.UpdateApplicationInput{ApplicationArn: &is.ARN}
	if is.Name != want.Name {
		in.Name = &want.Name
	}
	if is.Description != want.Description {
		in.Description = &want.Description
	}
	if is.Disabled != want.Disabled {
		in.Status = status(want)
	}
	if is.URL != want.URL {
		in.PortalOptions = &types.UpdateApplicationPortalOptions{SignInOptions: signIn(want)}
	}
	if in.Name != nil || in.Description != nil || in.Status != "" || in.PortalOptions != nil {
		if _, err := do(ctx, c.center, c.admin.UpdateApplication, in); err != nil {
			return err
		}
	}
	if is.AnyoneMayUse != want.AnyoneMayUse {
		if err := c.requireAssignment(ctx, is.ARN, !want.AnyoneMayUse); err != nil {
			return err
		}
	}
	return c.retag(ctx, is.ARN, is.Tags, want.Tags)
}

// DeleteApplication removes an application.
func (c *Client) DeleteApplication(ctx context.Context, arn string) error {
	_, err := do(ctx, c.center, c.admin.DeleteApplication, &ssoadmin.DeleteApplicationInput{ApplicationArn: &arn})
	return already(err, notFound)
}

// AllowUse lets a principal use an application, and DenyUse takes that away.
func (c *Client) AllowUse(ctx context.Context, application string, g Grant) error {
	_, err := do(ctx, c.center, c.admin.CreateApplicationAssignment, &ssoadmin.CreateApplicationAssignmentInput{ApplicationArn: &application, PrincipalId: &g.Principal, PrincipalType: g.kind()})
	return already(err, conflict)
}

// DenyUse takes an application from a principal.
func (c *Client) DenyUse(ctx context.Context, application string, g Grant) error {
	_, err := do(ctx, c.center, c.admin.DeleteApplicationAssignment, &ssoadmin.DeleteApplicationAssignmentInput{ApplicationArn: &application, PrincipalId: &g.Principal, PrincipalType: g.kind()})
	return already(err, notFound)
}
