package directory

import (
	"context"
	"time"

	"gatehouse/internal/audit"
)

// Store is what the identity store needs of a database. Every changing method is one transaction that
// also writes the event. Reads of one thing answer fault.NotFound (with Resource and ID) when it is not
// there. Listings are by key: they return at most limit rows whose key is greater than after, in key
// order, and cost the same on the last page as on the first.
type Store interface {
	UserStore
	GroupStore
	MembershipStore
	SourceStore
	GuardStore
	NetworkStore
}

// UserStore keeps users. Names and addresses are compared in [Fold]ed form, which the store computes with
// that function, never with the database's collation.
type UserStore interface {
	// InsertUser adds u (Version 1). A taken name or external id is fault.Conflict with Reason
	// "uniqueness" and Field "userName" or "externalId"; nothing is then written.
	InsertUser(ctx context.Context, u User, e audit.Event) error
	// UpdateUser replaces the user whose Version is ifVersion; u.Version is the new one. Another version is
	// fault.Conflict with Reason "version", a missing user fault.NotFound, a clash as InsertUser.
	UpdateUser(ctx context.Context, u User, ifVersion int64, e audit.Event) error
	// DeleteUser removes the user and her memberships. ifVersion 0 means any version.
	DeleteUser(ctx context.Context, id string, ifVersion int64, e audit.Event) error
	User(ctx context.Context, id string) (User, error)
	// UsersByID returns those of the ids that exist, in no order. At most 1,000 ids.
	UsersByID(ctx context.Context, ids []string) ([]User, error)
	// UsersAmong returns those of the ids that are users of one of the owners, in no order, each once. At most 1,000 ids.
	UsersAmong(ctx context.Context, owners, ids []string) ([]string, error)
	UserByName(ctx context.Context, userName string) (User, error)
	UserByExternalID(ctx context.Context, x ExternalID) (User, error)
	// UsersByEmail returns users having the address, by id.
	UsersByEmail(ctx context.Context, address string, limit int) ([]User, error)
	// Users lists by id.
	Users(ctx context.Context, after string, limit int) ([]User, error)
	// UsersFrom lists by id, skipping the first skip users: SCIM's index paging, which has no other form.
	UsersFrom(ctx context.Context, skip, limit int) ([]User, error)
	// UsersOf lists a source's users ("": those made by hand) by id; UsersOfFrom skips the first ones of them.
	UsersOf(ctx context.Context, source, after string, limit int) ([]User, error)
	UsersOfFrom(ctx context.Context, source string, skip, limit int) ([]User, error)
	// CountUsers returns the number of users at a cost that does not grow with it.
	CountUsers(ctx context.Context) (int, error)
}

// GroupStore keeps groups. Faults are as for users, with Field "displayName".
type GroupStore interface {
	// InsertGroup adds g with its first members, those that first adds; an unknown one is fault.NotFound with Resource "USER" or "GROUP".
	InsertGroup(ctx context.Context, g Group, first MembershipChange, e audit.Event) error
	// UpdateGroup replaces the group whose Version is ifVersion and applies the member change, in one
	// transaction whose cost depends on the change and not on the group (except for Replace). Memberships to add
	// that exist already keep their id; members to remove are named by user or group id. A group that would come to be in itself, or more than
	// [MaxNesting] below another, is fault.Invalid "nesting"; more than [MaxNestedGroups] in one are fault.Quota.
	// It returns who became a member, and who ceased to be one.
	UpdateGroup(ctx context.Context, g Group, ifVersion int64, c MembershipChange, e audit.Event) (MemberMoves, error)
	// DeleteGroup removes the group and its memberships. ifVersion 0 means any version.
	DeleteGroup(ctx context.Context, id string, ifVersion int64, e audit.Event) error
	Group(ctx context.Context, id string) (Group, error)
	GroupsByID(ctx context.Context, ids []string) ([]Group, error)
	GroupByName(ctx context.Context, displayName string) (Group, error)
	GroupByExternalID(ctx context.Context, x ExternalID) (Group, error)
	Groups(ctx context.Context, after string, limit int) ([]Group, error)
	GroupsFrom(ctx context.Context, skip, limit int) ([]Group, error)
	// GroupsOf and GroupsOfFrom are as for users.
	GroupsOf(ctx context.Context, source, after string, limit int) ([]Group, error)
	GroupsOfFrom(ctx context.Context, source string, skip, limit int) ([]Group, error)
	CountGroups(ctx context.Context) (int, error)
}

// MembershipChange is a MemberChange with the rows to add minted.
type MembershipChange struct {
	Replace bool
	Add     []Membership
	Remove  []string
	// AddGroups are groups that become members, RemoveGroups the ids of those that are none any more.
	AddGroups    []NestedGroup
	RemoveGroups []string
	// Owners, when not nil, bounds Replace, Remove and RemoveGroups to users and groups of these owners; other members stay.
	Owners []string
}

// MemberMoves says which users became members of a group, and which are members no more, in no order; and which groups.
type MemberMoves struct{ Added, Removed, AddedGroups, RemovedGroups []string }

// MembershipStore reads memberships; they are written through groups.
type MembershipStore interface {
	Membership(ctx context.Context, id string) (Membership, error)
	MembershipOf(ctx context.Context, groupID, userID string) (Membership, error)
	// MembersOf lists a group's memberships by user id.
	MembersOf(ctx context.Context, groupID, afterUserID string, limit int) ([]Membership, error)
	// MembersOwnedBy lists those of a group's memberships whose users belong to one of the owners, by user id.
	MembersOwnedBy(ctx context.Context, groupID string, owners []string, afterUserID string, limit int) ([]Membership, error)
	// MembershipsOf lists a user's memberships by group id.
	MembershipsOf(ctx context.Context, userID, afterGroupID string, limit int) ([]Membership, error)
	// GroupIDsOf returns the ids of a user's effective groups, by id: those she is in, those that these are in, and so on.
	GroupIDsOf(ctx context.Context, userID string) ([]string, error)
	// EffectiveMembershipsOf lists them as memberships by group id; one that comes of another has the id of the direct membership it hangs on.
	EffectiveMembershipsOf(ctx context.Context, userID, afterGroupID string, limit int) ([]Membership, error)
	// NestedIn lists the groups in a group by member id, NestedUnder those a group is in by group id.
	NestedIn(ctx context.Context, groupID, after string, limit int) ([]NestedGroup, error)
	NestedUnder(ctx context.Context, memberID, after string, limit int) ([]NestedGroup, error)
	// GroupsBelow returns the id of a group and of all groups in it, in these, and so on, by id.
	GroupsBelow(ctx context.Context, groupID string) ([]string, error)
	// NestingOf returns the id of a group of a source that has groups as members; fault.NotFound when there is none.
	NestingOf(ctx context.Context, sourceID string) (string, error)
	// DeleteMembership removes one membership and raises the group's version.
	DeleteMembership(ctx context.Context, id string, at time.Time, e audit.Event) error
}

// SourceStore keeps identity sources and their SCIM tokens.
type SourceStore interface {
	// PutSource inserts (ifVersion 0; a taken id is fault.Conflict "uniqueness") or replaces a source.
	PutSource(ctx context.Context, s Source, ifVersion int64, e audit.Event) error
	// DeleteSource removes a source with its tokens, guard and checks. While it still owns a user or a group that is fault.Conflict "in-use". A
	// user or a group of a source that is gone is not made any more: fault.NotFound with Resource "SOURCE".
	DeleteSource(ctx context.Context, id string, e audit.Event) error
	Source(ctx context.Context, id string) (Source, error)
	// Sources lists all, by id; there are few.
	Sources(ctx context.Context) ([]Source, error)
	// ClaimMetadataCheck notes that a source's metadata is asked for at at, unless it was after ifNotAfter, and returns the last check. Of two
	// at the same time one is told true. It writes no event; the change that comes of it does.
	ClaimMetadataCheck(ctx context.Context, id string, at, ifNotAfter time.Time) (MetadataCheck, bool, error)
	// PutMetadataCheck keeps what came of it; it writes no event.
	PutMetadataCheck(ctx context.Context, c MetadataCheck) error
	// MetadataCheck answers a zero one when there is none.
	MetadataCheck(ctx context.Context, id string) (MetadataCheck, error)
	// InsertToken adds t unless the source already has max tokens that expire after t.CreatedAt:
	// fault.Quota. The check and the insert are one transaction.
	InsertToken(ctx context.Context, t Token, max int, e audit.Event) error
	DeleteToken(ctx context.Context, sourceID, id string, e audit.Event) error
	// Tokens lists a source's tokens, newest first.
	Tokens(ctx context.Context, sourceID string) ([]Token, error)
	// TokenByHash finds a token, expired or not.
	TokenByHash(ctx context.Context, hash []byte) (Token, error)
	// TouchToken notes the last use; it writes no event.
	TouchToken(ctx context.Context, id string, at time.Time) error
}

// GuardStore keeps what guards have seen.
type GuardStore interface {
	// GuardState returns the state of a source; one that is not stored has Version 0.
	GuardState(ctx context.Context, sourceID string) (GuardState, error)
	// CountsOf returns how many users and groups a source has ("": those made by hand), at a cost that does not grow with them.
	CountsOf(ctx context.Context, sourceID string) (users, groups int, err error)
	// PutGuardState stores the state if the stored one's Version is one less (none is stored, for 1); else it is fault.Conflict "version".
	PutGuardState(ctx context.Context, st GuardState, e audit.Event) error
	// NoteGuardState is the same for mere counting: it writes no event.
	NoteGuardState(ctx context.Context, st GuardState) error
}
