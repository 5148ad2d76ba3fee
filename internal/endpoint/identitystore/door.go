// Package identitystore is the door of the Identity Store API (AWS JSON 1.1, target AWSIdentityStore):
// users, groups and memberships for programs that are signed in with an access key.
//
// It owns nothing. It turns wire shapes into nouns of package directory and back, and lets directory.Service decide.
// What is the API's own, and therefore here: ARNs are accepted wherever ids are; attribute paths of the Update
// operations; the profile that AWS demands of a user made through this API (a user name, a display name, a given
// and a family name); Revision, which is the directory's version; page tokens.
//
// Only principals of the account that owns the identity store get in, whatever their policies say: a
// member account's administrator administers his account, not who works here.
//
// Start reading at [Door.Service], the table.
package identitystore

import (
	"context"
	"strconv"
	"strings"

	"gatehouse/internal/arn"
	"gatehouse/internal/awswire"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
)

// Door answers the Identity Store API. P is the type of an authenticated principal.
type Door[P any] struct {
	people *directory.Service
	owner  string
	// delegate reports whether an account administers the identity store beside the owner.
	delegate func(ctx context.Context, accountID string) (bool, error)
}

// New returns a door to the identity store, which the account owner (12 digits) owns.
func New[P any](people *directory.Service, owner string) *Door[P] {
	return &Door[P]{people: people, owner: owner, delegate: func(context.Context, string) (bool, error) { return false, nil }}
}

// Delegated makes the door let in principals of other accounts too: those that delegate says administer the identity store.
func (d *Door[P]) Delegated(delegate func(ctx context.Context, accountID string) (bool, error)) *Door[P] {
	d.delegate = delegate
	return d
}

// Service returns the table of operations.
func (d *Door[P]) Service() awswire.Service[P] {
	return awswire.Service[P]{Model: &model, Errors: wireError, Operations: []awswire.Operation[P]{
		row(d, "CreateUser", d.createUser),
		row(d, "DescribeUser", d.describeUser),
		row(d, "UpdateUser", d.updateUser),
		row(d, "DeleteUser", d.deleteUser),
		row(d, "ListUsers", d.listUsers),
		row(d, "GetUserId", d.getUserID),

		row(d, "CreateGroup", d.createGroup),
		row(d, "DescribeGroup", d.describeGroup),
		row(d, "UpdateGroup", d.updateGroup),
		row(d, "DeleteGroup", d.deleteGroup),
		row(d, "ListGroups", d.listGroups),
		row(d, "GetGroupId", d.getGroupID),

		row(d, "CreateGroupMembership", d.createMembership),
		row(d, "DescribeGroupMembership", d.describeMembership),
		row(d, "DeleteGroupMembership", d.deleteMembership),
		row(d, "GetGroupMembershipId", d.getMembershipID),
		row(d, "IsMemberInGroups", d.isMemberInGroups),
		row(d, "ListGroupMemberships", d.listMembers),
		row(d, "ListGroupMembershipsForMember", d.listMemberships),

		row(d, "DescribeIdentityStore", d.describeStore),
		row(d, "UpdateIdentityStore", d.updateStore),
		awswire.Op("ListIdentityStores", "identitystore:ListIdentityStores", d.onAll, d.listStores),
	}}
}

// placed is an input that names an identity store and what it touches in it. Every input but that of
// ListIdentityStores does: see targets.go.
type placed interface {
	store() string
	touches() ([]string, error)
}

// row is an operation on one identity store. Its action bears its name.
func row[P, In, Out any, I interface {
	*In
	awswire.Checker
	placed
}](d *Door[P], name string, handle func(context.Context, *awswire.Call[P], I) (*Out, error)) awswire.Operation[P] {
	return awswire.Op(name, "identitystore:"+name, onStore[P, I](d), handle)
}

// onStore makes the target of an operation: the identity store and what the input touches in it. It refuses
// callers of other accounts and normalizes nothing: ARNs and ids mean the same.
func onStore[P any, I placed](d *Door[P]) func(context.Context, *awswire.Call[P], I) (awswire.Target, error) {
	return func(ctx context.Context, c *awswire.Call[P], in I) (awswire.Target, error) {
		if err := d.ours(ctx, c); err != nil {
			return awswire.Target{}, err
		}
		if err := d.checkStore(in.store()); err != nil {
			return awswire.Target{}, err
		}
		touched, err := in.touches()
		if err != nil {
			return awswire.Target{}, err
		}
		more, err := d.found(ctx, in)
		return awswire.On(append(append(touched, more...), d.storeARN())...), err
	}
}

func (d *Door[P]) onAll(ctx context.Context, c *awswire.Call[P], _ *ListIdentityStoresRequest) (awswire.Target, error) {
	return awswire.Target{}, d.ours(ctx, c)
}

// ours refuses a caller whose account neither owns nor administers the identity store, and one at an address from which
// the identity store is not to be reached. Who is no one of ours is told nothing of addresses.
func (d *Door[P]) ours(ctx context.Context, c *awswire.Call[P]) error {
	if c.Actor.AccountID == d.owner {
		return d.people.AdmitAPI(ctx)
	}
	ok, err := d.delegate(ctx, c.Actor.AccountID)
	if err == nil && !ok {
		err = fault.New(fault.Denied, "%s is not authorized to perform identitystore:%s: the identity store belongs to another account", c.Actor.ID, c.Operation)
	}
	if err != nil {
		return err
	}
	return d.people.AdmitAPI(ctx)
}

func (d *Door[P]) storeARN() string { return arn.IdentityStore(d.owner, d.people.IdentityStoreID()) }

// checkStore accepts the identity store's id or its ARN.
func (d *Door[P]) checkStore(s string) error {
	if s == d.storeARN() {
		return nil
	}
	return d.people.CheckStore(s)
}

// resource returns the id in s, which is an id or an ARN of the given kind ("user", "group", "membership").
// The model has checked the form of either; an ARN of another kind is Invalid.
func resource(member, kind string, s *string) (string, error) {
	v := awswire.Val(s)
	if !strings.HasPrefix(v, "arn:") {
		return v, nil
	}
	a, err := arn.Parse(v)
	if err != nil {
		return "", err
	}
	id, ok := strings.CutPrefix(a.Resource, kind+"/")
	if !ok {
		return "", fault.New(fault.Invalid, "%s must be the id or ARN of a %s; %q is neither", member, kind, v).At(member)
	}
	return id, nil
}

func userID(s *string) (string, error)       { return resource("UserId", "user", s) }
func groupID(s *string) (string, error)      { return resource("GroupId", "group", s) }
func membershipID(s *string) (string, error) { return resource("MembershipId", "membership", s) }

// memberID returns the user id in the union, whose one member the model has checked to be set.
func memberID(m *MemberId) (string, error) { return resource("MemberId.UserId", "user", m.UserId) }

// version turns a Revision into the directory's version; 0 means any. A revision that no version can have
// becomes one that never matches, so that the answer is a conflict and not "any".
func version(revision *string) int64 {
	if revision == nil {
		return 0
	}
	v, err := strconv.ParseInt(*revision, 10, 64)
	if err != nil || v == 0 {
		return -1
	}
	return v
}

func revision(version int64) *string { return new(strconv.FormatInt(version, 10)) }

// wireError adds what the Identity Store's errors carry beyond a message.
func wireError(_ string, err error, e awswire.WireError) awswire.WireError {
	f := fault.Of(err)
	switch f.Kind {
	case fault.NotFound:
		switch f.Resource {
		case directory.ResourceUser, directory.ResourceGroup, directory.ResourceMembership, directory.ResourceStore:
			e = e.With("ResourceType", f.Resource).With("ResourceId", f.ID)
		}
	case fault.Conflict:
		switch f.Reason {
		case "uniqueness":
			e = e.With("Reason", "UNIQUENESS_CONSTRAINT_VIOLATION")
		case "version":
			e = e.With("Reason", "CONCURRENT_MODIFICATION")
		}
	}
	return e.With("RequestId", e.RequestID)
}
