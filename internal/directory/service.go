package directory

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
)

// Resource names used in faults, as the Identity Store API spells them.
const (
	ResourceUser       = "USER"
	ResourceGroup      = "GROUP"
	ResourceMembership = "GROUP_MEMBERSHIP"
	ResourceStore      = "IDENTITY_STORE"
	ResourceSource     = "SOURCE"
	ResourceToken      = "TOKEN"
)

// Fold returns the form in which names and addresses are compared: Unicode case folding of the NFC form.
// It is done here, never by a database, so that both engines agree.
func Fold(s string) string {
	ascii := true
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 {
			ascii = false
			break
		}
	}
	if ascii {
		return strings.ToLower(s)
	}
	return norm.NFC.String(cases.Fold().String(norm.NFC.String(s)))
}

// Service holds the rules. All of its methods are safe for concurrent use.
type Service struct {
	store   Store
	storeID string
	now     func() time.Time
	rand    io.Reader
	seen    touched

	keys     Keys
	metadata func(ctx context.Context, url string, signers [][]byte) (SAMLSettings, error)
	sessions Sessions
}

// Sessions are what stands on the word of identity sources.
type Sessions interface {
	// CountVouched returns how many sessions a source signed people in to.
	CountVouched(ctx context.Context, sourceID string) (int, error)
	// EndVouched ends some of them, with what else came of them, when the source vouches no more ([Service.Vouches]), and reports whether more are left.
	EndVouched(ctx context.Context, a audit.Actor, sourceID string) (more bool, err error)
}

// Config is what a Service is made of.
type Config struct {
	Store Store
	// IdentityStoreID is "d-…"; it prefixes the ids that are minted.
	IdentityStoreID string
	Now             func() time.Time
	Rand            io.Reader
	// Keys is optional: without it nothing is signed.
	Keys Keys
	// Metadata fetches and reads an identity provider's metadata; where signers are given one of them must have signed it. What is wrong with it is a
	// fault of kind Invalid or Unauthenticated. Optional: without it metadata is not refreshed.
	Metadata func(ctx context.Context, url string, signers [][]byte) (SAMLSettings, error)
	// Sessions is optional: without it nothing stands on a source's word.
	Sessions Sessions
}

// NewService returns a Service. Every field of c is required that is not said to be optional.
func NewService(c Config) *Service {
	return &Service{store: c.Store, storeID: c.IdentityStoreID, now: c.Now, rand: c.Rand, keys: c.Keys, metadata: c.Metadata, sessions: c.Sessions}
}

// IdentityStoreID returns the id of the identity store, "d-…".
func (s *Service) IdentityStoreID() string { return s.storeID }

// CheckStore answers fault.NotFound unless id names this identity store.
func (s *Service) CheckStore(id string) error {
	if id != s.storeID {
		return fault.New(fault.NotFound, "IdentityStore not found: %s", id).About(ResourceStore, id)
	}
	return nil
}

// maxRetries bounds the re-reading of a row that others keep changing under a caller who named no version.
const maxRetries = 20

// again reports whether to try once more after a change that came between reading and writing. It waits a little, longer each
// time and not always the same, so that many who change one row do not keep meeting each other.
func again(ctx context.Context, err error, try int) bool {
	if !isVersion(err) || try >= maxRetries {
		return false
	}
	most := time.Millisecond << min(try, 6)
	select {
	case <-ctx.Done():
		return false
	case <-time.After(rand.N(most)):
		return true
	}
}

// CreateUser adds a user. ID, Version and the times are set here; what the caller put there is ignored.
//
// Faults: Invalid for a rule of the attributes; Conflict "uniqueness" for a taken name or external id.
func (s *Service) CreateUser(ctx context.Context, a audit.Actor, u User) (User, error) {
	now := s.now()
	u.ID, u.Version = arn.NewPrincipalID(s.rand, s.storeID), 1
	u.CreatedAt, u.UpdatedAt, u.CreatedBy, u.UpdatedBy = now, now, a.ID, a.ID
	if err := checkUser(&u); err != nil {
		return User{}, err
	}
	e := audit.New(ctx, now, a, "identitystore:CreateUser", arn.User(u.ID)).With("userName", u.UserName)
	if err := s.store.InsertUser(ctx, u, e); err != nil {
		return User{}, err
	}
	return u, nil
}

// UpdateUser reads the user, lets change edit it, checks it and writes it back. ifVersion 0 means any
// version: a concurrent change is then re-read and change is called again. Otherwise another version is fault.Conflict
// "version". A directory's client that has disabled too many is refused with fault.Denied "held" (see [Guard]). An edit that changes nothing writes nothing. ID, version and times are not change's to set, and
// Source is not a directory's client's: what it may adopt becomes its own with its first change (see [Owners]).
func (s *Service) UpdateUser(ctx context.Context, a audit.Actor, id string, ifVersion int64, change func(*User) error) (User, error) {
	guarded := false // however often it is tried, it is one removal
	for try := 0; ; try++ {
		old, err := s.store.User(ctx, id)
		if err != nil {
			return User{}, err
		}
		if ifVersion != 0 && old.Version != ifVersion {
			return User{}, versionConflict(ResourceUser, id)
		}
		src, isClient, err := s.changer(ctx, a, ResourceUser, id, old.Source)
		if err != nil {
			return User{}, err
		}
		u := old.clone()
		if err := change(&u); err != nil {
			return User{}, err
		}
		if isClient {
			u.Source = old.Source
		}
		u.ID, u.Version, u.CreatedAt, u.CreatedBy = old.ID, old.Version, old.CreatedAt, old.CreatedBy
		u.UpdatedAt, u.UpdatedBy, u.DisabledAt = old.UpdatedAt, old.UpdatedBy, old.DisabledAt
		if err := checkUser(&u); err != nil {
			return User{}, err
		}
		if same(u, old) {
			return old, nil
		}
		u.Version, u.UpdatedAt, u.UpdatedBy = old.Version+1, s.now(), a.ID
		if isClient {
			u.Source = src.ID
		}
		if u.Source != old.Source {
			u.ExternalIDs = adopted(u.ExternalIDs, old.Source)
		}
		if old.Active && !u.Active {
			if !guarded {
				if err := s.guard(ctx, a, removeUser); err != nil {
					return User{}, err
				}
				guarded = true
			}
			u.DisabledAt = u.UpdatedAt
		}
		e := audit.New(ctx, u.UpdatedAt, a, "identitystore:UpdateUser", arn.User(id)).With("userName", u.UserName)
		e = ownership(e, a, "User", old.Source, u.Source)
		if u.Active != old.Active {
			e = e.With("active", strconv.FormatBool(u.Active))
		}
		err = s.store.UpdateUser(ctx, u, old.Version, e)
		if ifVersion == 0 && again(ctx, err, try) {
			continue
		}
		if err != nil {
			return User{}, err
		}
		return u, nil
	}
}

func versionConflict(resource, id string) error {
	return fault.New(fault.Conflict, "%s %s has been changed by someone else; read it again and repeat the change", strings.ToLower(resource), id).For("version").About(resource, id)
}

func isVersion(err error) bool {
	return err != nil && fault.Is(err, fault.Conflict) && fault.Of(err).Reason == "version"
}

// DeleteUser removes a user and her memberships. ifVersion 0 means any version. A directory's client that has taken away too
// many is refused with fault.Denied "held" (see [Guard]), here and in DeleteGroup.
func (s *Service) DeleteUser(ctx context.Context, a audit.Actor, id string, ifVersion int64) error {
	u, err := s.store.User(ctx, id)
	if err != nil {
		return err
	}
	if err := s.mayDelete(ctx, a, ResourceUser, id, u.Source); err != nil {
		return err
	}
	if u.Active { // one who is disabled was counted then
		if err := s.guard(ctx, a, removeUser); err != nil {
			return err
		}
	}
	return s.store.DeleteUser(ctx, id, ifVersion, audit.New(ctx, s.now(), a, "identitystore:DeleteUser", arn.User(id)))
}

// User returns the user with the id.
func (s *Service) User(ctx context.Context, id string) (User, error) { return s.store.User(ctx, id) }

// UsersByID returns those of up to 1,000 ids that exist, in no order.
func (s *Service) UsersByID(ctx context.Context, ids []string) ([]User, error) {
	return s.store.UsersByID(ctx, ids)
}

// UsersAmong returns those of the ids that are users of one of the owners, in no order, each once. At most 1,000 ids.
func (s *Service) UsersAmong(ctx context.Context, owners, ids []string) ([]string, error) {
	return s.store.UsersAmong(ctx, owners, ids)
}

// UserByName returns the user whose name folds to the same as userName.
func (s *Service) UserByName(ctx context.Context, userName string) (User, error) {
	return s.store.UserByName(ctx, userName)
}

// UserByExternalID returns the user that an issuer knows by an id.
func (s *Service) UserByExternalID(ctx context.Context, x ExternalID) (User, error) {
	return s.store.UserByExternalID(ctx, x)
}

// UsersByEmail returns the users that have an address, by id, at most limit.
func (s *Service) UsersByEmail(ctx context.Context, address string, limit int) ([]User, error) {
	return s.store.UsersByEmail(ctx, address, limit)
}

// Users lists by id, after the given one.
func (s *Service) Users(ctx context.Context, after string, limit int) ([]User, error) {
	return s.store.Users(ctx, after, limit)
}

// UsersFrom lists by id, skipping users: SCIM's index paging.
func (s *Service) UsersFrom(ctx context.Context, skip, limit int) ([]User, error) {
	return s.store.UsersFrom(ctx, skip, limit)
}

// UsersOf lists what a source owns ("": users made by hand) by id, after the given one.
func (s *Service) UsersOf(ctx context.Context, source, after string, limit int) ([]User, error) {
	return s.store.UsersOf(ctx, source, after, limit)
}

// UsersOfFrom lists what a source owns by id, skipping users: SCIM's index paging.
func (s *Service) UsersOfFrom(ctx context.Context, source string, skip, limit int) ([]User, error) {
	return s.store.UsersOfFrom(ctx, source, skip, limit)
}

// CountsOf returns how many users and groups a source owns ("": those made by hand).
func (s *Service) CountsOf(ctx context.Context, source string) (users, groups int, err error) {
	return s.store.CountsOf(ctx, source)
}

// CountUsers returns how many users there are.
func (s *Service) CountUsers(ctx context.Context) (int, error) { return s.store.CountUsers(ctx) }

// CreateGroup adds a group with its first members: users and, where the group's owner is set to that, groups.
func (s *Service) CreateGroup(ctx context.Context, a audit.Actor, g Group, members []string, groups ...string) (Group, error) {
	now := s.now()
	g.ID, g.Version = arn.NewPrincipalID(s.rand, s.storeID), 1
	g.CreatedAt, g.UpdatedAt, g.CreatedBy, g.UpdatedBy = now, now, a.ID, a.ID
	if err := checkGroup(&g); err != nil {
		return Group{}, err
	}
	e := audit.New(ctx, now, a, "identitystore:CreateGroup", arn.Group(g.ID)).With("displayName", g.DisplayName)
	if err := s.mayNest(ctx, g.Source, groups); err != nil {
		return Group{}, err
	}
	e = memberDetail(e, MemberChange{Add: members, AddGroups: groups})
	if err := s.store.InsertGroup(ctx, g, MembershipChange{Add: s.mint(g.ID, members, now, a), AddGroups: mintNested(g.ID, groups, now, a)}, e); err != nil {
		return Group{}, err
	}
	return g, nil
}

// mint makes membership rows for user ids, each id once.
func (s *Service) mint(groupID string, users []string, now time.Time, a audit.Actor) []Membership {
	seen := make(map[string]bool, len(users))
	out := make([]Membership, 0, len(users))
	for _, u := range users {
		if !seen[u] {
			seen[u] = true
			out = append(out, Membership{ID: arn.NewPrincipalID(s.rand, s.storeID), GroupID: groupID, UserID: u, CreatedAt: now, CreatedBy: a.ID})
		}
	}
	return out
}

// summary is what the audit trail keeps of a list of ids: all of a short one, the start of a long one.
func summary(ids []string) string {
	const most = 20
	if len(ids) > most {
		return strings.Join(ids[:most], " ") + fmt.Sprintf(" … (%d in all)", len(ids))
	}
	return strings.Join(ids, " ")
}

// UpdateGroup edits a group and its members in one transaction; see [Service.UpdateUser] for ifVersion. The
// member change costs what the change costs, however large the group is.
func (s *Service) UpdateGroup(ctx context.Context, a audit.Actor, id string, ifVersion int64, change func(*Group) (MemberChange, error)) (Group, error) {
	g, _, err := s.ChangeGroup(ctx, a, id, ifVersion, change)
	return g, err
}

// ChangeGroup is UpdateGroup that also tells who became a member and who ceased to be one, which is less than what was asked for where that was so
// already.
func (s *Service) ChangeGroup(ctx context.Context, a audit.Actor, id string, ifVersion int64, change func(*Group) (MemberChange, error)) (Group, MemberMoves, error) {
	guarded := false
	for try := 0; ; try++ {
		old, err := s.store.Group(ctx, id)
		if err != nil {
			return Group{}, MemberMoves{}, err
		}
		if ifVersion != 0 && old.Version != ifVersion {
			return Group{}, MemberMoves{}, versionConflict(ResourceGroup, id)
		}
		src, isClient, err := s.changer(ctx, a, ResourceGroup, id, old.Source)
		if err != nil {
			return Group{}, MemberMoves{}, err
		}
		g := old.clone()
		mc, err := change(&g)
		if err != nil {
			return Group{}, MemberMoves{}, err
		}
		if isClient {
			g.Source = old.Source
		}
		g.ID, g.Version, g.CreatedAt, g.CreatedBy = old.ID, old.Version, old.CreatedAt, old.CreatedBy
		g.UpdatedAt, g.UpdatedBy = old.UpdatedAt, old.UpdatedBy
		if err := checkGroup(&g); err != nil {
			return Group{}, MemberMoves{}, err
		}
		if mc.Empty() && same(g, old) {
			return old, MemberMoves{}, nil
		}
		owner := old.Source
		if isClient {
			owner = src.ID
		}
		if err := s.mayNest(ctx, owner, mc.AddGroups); err != nil {
			return Group{}, MemberMoves{}, err
		}
		if !guarded {
			if err := s.guardNesting(ctx, a, id, mc); err != nil {
				return Group{}, MemberMoves{}, err
			}
			if isClient {
				if err := s.guardEmptying(ctx, a, id, src.Sight(), mc); err != nil {
					return Group{}, MemberMoves{}, err
				}
			}
			guarded = true
		}
		now := s.now()
		g.Version, g.UpdatedAt, g.UpdatedBy = old.Version+1, now, a.ID
		rows := MembershipChange{
			Replace: mc.Replace, Add: s.mint(id, without(mc.Add, mc.Remove), now, a), Remove: mc.Remove,
			AddGroups: mintNested(id, without(mc.AddGroups, mc.RemoveGroups), now, a), RemoveGroups: mc.RemoveGroups,
		}
		if isClient {
			g.Source, rows.Owners = src.ID, src.Sight()
		}
		if g.Source != old.Source {
			g.ExternalIDs = adopted(g.ExternalIDs, old.Source)
		}
		e := audit.New(ctx, now, a, "identitystore:UpdateGroup", arn.Group(id)).With("displayName", g.DisplayName)
		e = memberDetail(ownership(e, a, "Group", old.Source, g.Source), mc)
		moves, err := s.store.UpdateGroup(ctx, g, old.Version, rows, e)
		if ifVersion == 0 && again(ctx, err, try) {
			continue
		}
		if err != nil {
			return Group{}, MemberMoves{}, err
		}
		return g, moves, nil
	}
}

func memberDetail(e audit.Event, mc MemberChange) audit.Event {
	if mc.Replace {
		e = e.With("replaced", strconv.Itoa(len(mc.Add)))
	}
	if len(mc.Add) > 0 {
		e = e.With("added", summary(mc.Add))
	}
	if len(mc.Remove) > 0 {
		e = e.With("removed", summary(mc.Remove))
	}
	if len(mc.AddGroups) > 0 {
		e = e.With("addedGroups", summary(mc.AddGroups))
	}
	if len(mc.RemoveGroups) > 0 {
		e = e.With("removedGroups", summary(mc.RemoveGroups))
	}
	return e
}

func without(add, remove []string) []string {
	if len(remove) == 0 {
		return add
	}
	gone := make(map[string]bool, len(remove))
	for _, id := range remove {
		gone[id] = true
	}
	out := make([]string, 0, len(add))
	for _, id := range add {
		if !gone[id] {
			out = append(out, id)
		}
	}
	return out
}

// DeleteGroup removes a group and its memberships. ifVersion 0 means any version.
func (s *Service) DeleteGroup(ctx context.Context, a audit.Actor, id string, ifVersion int64) error {
	g, err := s.store.Group(ctx, id)
	if err != nil {
		return err
	}
	if err := s.mayDelete(ctx, a, ResourceGroup, id, g.Source); err != nil {
		return err
	}
	if err := s.guard(ctx, a, removeGroup); err != nil {
		return err
	}
	return s.store.DeleteGroup(ctx, id, ifVersion, audit.New(ctx, s.now(), a, "identitystore:DeleteGroup", arn.Group(id)))
}

// Group returns the group with the id.
func (s *Service) Group(ctx context.Context, id string) (Group, error) { return s.store.Group(ctx, id) }

// GroupsByID returns those of up to 1,000 ids that exist, in no order.
func (s *Service) GroupsByID(ctx context.Context, ids []string) ([]Group, error) {
	return s.store.GroupsByID(ctx, ids)
}

// GroupByName returns the group whose name folds to the same as displayName.
func (s *Service) GroupByName(ctx context.Context, displayName string) (Group, error) {
	return s.store.GroupByName(ctx, displayName)
}

// GroupByExternalID returns the group that an issuer knows by an id.
func (s *Service) GroupByExternalID(ctx context.Context, x ExternalID) (Group, error) {
	return s.store.GroupByExternalID(ctx, x)
}

// Groups lists by id, after the given one.
func (s *Service) Groups(ctx context.Context, after string, limit int) ([]Group, error) {
	return s.store.Groups(ctx, after, limit)
}

// GroupsFrom lists by id, skipping groups: SCIM's index paging.
func (s *Service) GroupsFrom(ctx context.Context, skip, limit int) ([]Group, error) {
	return s.store.GroupsFrom(ctx, skip, limit)
}

// GroupsOf lists what a source owns ("": groups made by hand) by id, after the given one.
func (s *Service) GroupsOf(ctx context.Context, source, after string, limit int) ([]Group, error) {
	return s.store.GroupsOf(ctx, source, after, limit)
}

// GroupsOfFrom lists what a source owns by id, skipping groups: SCIM's index paging.
func (s *Service) GroupsOfFrom(ctx context.Context, source string, skip, limit int) ([]Group, error) {
	return s.store.GroupsOfFrom(ctx, source, skip, limit)
}

// CountGroups returns how many groups there are.
func (s *Service) CountGroups(ctx context.Context) (int, error) { return s.store.CountGroups(ctx) }

// AddMember makes one membership. One that is there already is fault.Conflict "uniqueness", as with the
// Identity Store API; SCIM, which repeats itself, uses UpdateGroup.
func (s *Service) AddMember(ctx context.Context, a audit.Actor, groupID, userID string) (Membership, error) {
	if _, err := s.store.User(ctx, userID); err != nil {
		return Membership{}, err
	}
	if m, err := s.store.MembershipOf(ctx, groupID, userID); err == nil {
		return Membership{}, fault.New(fault.Conflict, "User %s is already a member of group %s", userID, groupID).For("uniqueness").About(ResourceMembership, m.ID)
	}
	_, err := s.UpdateGroup(ctx, a, groupID, 0, func(*Group) (MemberChange, error) {
		return MemberChange{Add: []string{userID}}, nil
	})
	if err != nil {
		return Membership{}, err
	}
	return s.store.MembershipOf(ctx, groupID, userID)
}

// DeleteMembership ends one membership by its id.
func (s *Service) DeleteMembership(ctx context.Context, a audit.Actor, id string) error {
	now := s.now()
	return s.store.DeleteMembership(ctx, id, now, audit.New(ctx, now, a, "identitystore:DeleteGroupMembership", arn.Membership(id)))
}

// Membership returns the membership with the id.
func (s *Service) Membership(ctx context.Context, id string) (Membership, error) {
	return s.store.Membership(ctx, id)
}

// MembershipOf returns the membership of a user in a group, or fault.NotFound.
func (s *Service) MembershipOf(ctx context.Context, groupID, userID string) (Membership, error) {
	return s.store.MembershipOf(ctx, groupID, userID)
}

// MembersOf lists a group's memberships by user id. The group must exist.
func (s *Service) MembersOf(ctx context.Context, groupID, afterUserID string, limit int) ([]Membership, error) {
	if _, err := s.store.Group(ctx, groupID); err != nil {
		return nil, err
	}
	return s.store.MembersOf(ctx, groupID, afterUserID, limit)
}

// MembersOwnedBy lists those of a group's memberships whose users belong to one of the owners, by user id.
func (s *Service) MembersOwnedBy(ctx context.Context, groupID string, owners []string, afterUserID string, limit int) ([]Membership, error) {
	return s.store.MembersOwnedBy(ctx, groupID, owners, afterUserID, limit)
}

// MembershipsOf lists a user's memberships by group id. The user must exist.
func (s *Service) MembershipsOf(ctx context.Context, userID, afterGroupID string, limit int) ([]Membership, error) {
	if _, err := s.store.User(ctx, userID); err != nil {
		return nil, err
	}
	return s.store.MembershipsOf(ctx, userID, afterGroupID, limit)
}

// GroupIDsOf returns the ids of a user's effective groups, by id: those she is a member of, those that these are members of, and so on. It is by these
// that entitlements are computed.
func (s *Service) GroupIDsOf(ctx context.Context, userID string) ([]string, error) {
	return s.store.GroupIDsOf(ctx, userID)
}
