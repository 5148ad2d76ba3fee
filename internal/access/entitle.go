package access

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"gatehouse/internal/arn"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
	"gatehouse/internal/organization"
)

// Entitlement is a role a person may act as now: that of a permission set, or one that the account made itself.
type Entitlement struct {
	Account organization.Account
	// Set is the permission set, if Existing is nil.
	Set PermissionSet
	// Existing is the account's own role to which an entitlement of account access leads.
	Existing *OwnRole
	// Manager is the account access manager that leads to an existing role.
	Manager arn.Manager
}

// Name is what the role is asked for by, beside its account: the permission set's name, or "role/path/Name".
func (e Entitlement) Name() string {
	if e.Existing != nil {
		return e.Existing.Name
	}
	return e.Set.Name
}

// Place is where the entitlement stands in a listing.
func (e Entitlement) Place() Place {
	if e.Existing != nil {
		return Place{e.Account.ID, e.Existing.Name}
	}
	return Place{e.Account.ID, e.Set.ID}
}

// Place is where a listing of what a person reaches stands. Role is the id of a permission set ("ps-…") or the resource part of an
// existing role's ARN ("role/…"), which come in this order.
type Place struct{ AccountID, Role string }

// lastRole sorts after every permission set id and every role (they are of letters, digits and +=,.@_-/), so that a listing
// continues with the next account.
const lastRole = "~"

// holder is a person as the rules see her: everyone an assignment or entitlement to whom reaches her.
type holder struct {
	// principals are the active user herself and all the groups she is in.
	principals []Principal
	// manager is the account access manager that she may use; zero if there is none.
	manager Manager
}

func (s *Service) holder(ctx context.Context, userID string) (h holder, err error) {
	if h.principals, err = s.principals(ctx, userID); err != nil {
		return holder{}, err
	}
	h.manager, err = s.admittedBy(ctx, userID)
	return h, err
}

// admittedBy returns the account access manager whose application lets the person in now; zero if none does. There is one instance, and
// it has one at most.
func (s *Service) admittedBy(ctx context.Context, userID string) (Manager, error) {
	ms, err := s.store.Managers(ctx, "", "", 1)
	if err != nil || len(ms) == 0 {
		return Manager{}, err
	}
	ok, err := s.applications.Admits(ctx, ms[0].Application(), userID)
	if err != nil || !ok {
		return Manager{}, err
	}
	return ms[0], nil
}

// principals returns the active user with all the groups she is in: everyone an assignment to whom reaches her.
func (s *Service) principals(ctx context.Context, userID string) ([]Principal, error) {
	u, err := s.people.User(ctx, userID)
	if err != nil {
		return nil, err
	}
	if !u.Active {
		return nil, fault.New(fault.Denied, "the user is disabled").About(directory.ResourceUser, userID).For("disabled")
	}
	groups, err := s.people.GroupIDsOf(ctx, userID)
	if err != nil {
		return nil, err
	}
	ps := make([]Principal, 0, len(groups)+1)
	ps = append(ps, Principal{User, userID})
	for _, g := range groups {
		ps = append(ps, Principal{Group, g})
	}
	return ps, nil
}

// Entitled answers whether a person may act in an account now as a permission set (by name) or as an existing role ("role/path/Name"). The
// provisioned role is that of a set. No is fault.Denied, always with the same sentence, so that the answer does not tell what exists.
func (s *Service) Entitled(ctx context.Context, instanceID, userID, accountID, name string) (Entitlement, ProvisionedRole, error) {
	no := fault.New(fault.Denied, "No access")
	h := holder{}
	var err error
	if h.principals, err = s.principals(ctx, userID); err != nil {
		return Entitlement{}, ProvisionedRole{}, hide(err, no)
	}
	acct, err := s.accounts.Account(ctx, accountID)
	if err != nil {
		return Entitlement{}, ProvisionedRole{}, hide(err, no)
	}
	if acct.Status != organization.Active {
		return Entitlement{}, ProvisionedRole{}, no
	}
	if arn.IsRoleResource(name) {
		if h.manager, err = s.admittedBy(ctx, userID); err != nil {
			return Entitlement{}, ProvisionedRole{}, err
		}
		own, err := s.entitledExisting(ctx, h, accountID, name)
		if err != nil || own == nil {
			return Entitlement{}, ProvisionedRole{}, cmp.Or(err, error(no))
		}
		return Entitlement{Account: acct, Existing: own, Manager: h.manager.Name()}, ProvisionedRole{}, nil
	}
	set, err := s.store.SetByName(ctx, instanceID, name)
	if err != nil {
		return Entitlement{}, ProvisionedRole{}, hide(err, no)
	}
	k := RoleKey{accountID, set.ID}
	ok, err := s.store.Assigned(ctx, k, h.principals)
	if err != nil {
		return Entitlement{}, ProvisionedRole{}, err
	}
	if !ok {
		return Entitlement{}, ProvisionedRole{}, no
	}
	role, err := s.store.Role(ctx, k)
	if err != nil {
		return Entitlement{}, ProvisionedRole{}, hide(err, no)
	}
	return Entitlement{Account: acct, Set: set}, role, nil
}

// entitledExisting returns the existing role with that very name to which the person is entitled; nil if she is not.
func (s *Service) entitledExisting(ctx context.Context, h holder, accountID, role string) (*OwnRole, error) {
	if h.manager.ID == "" {
		return nil, nil
	}
	found, err := s.held(ctx, h, HeldRole{AccountID: accountID, Role: role}, 1)
	if err != nil || len(found) == 0 || found[0].Place != (Place{accountID, role}) {
		return nil, err
	}
	return s.live(ctx, found[0])
}

// hide turns «not there» and «disabled» into one refusal and leaves outages as they are.
func hide(err error, no *fault.Fault) error {
	if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Denied) {
		return no.Because(err)
	}
	return err
}

// reached is something a person may act as, if it is (still) there.
type reached struct {
	Place
	// roleIDs are the unique ids that entitlements to an existing role mean; none for a permission set.
	roleIDs []string
}

func (r reached) existing() bool { return len(r.roleIDs) > 0 }

// reachable returns what a person's assignments and entitlements lead to, in order, after a place: the first n of both listings together are
// among the first n of each. within stops at the place's account.
func (s *Service) reachable(ctx context.Context, h holder, after Place, within bool, n int) ([]reached, error) {
	list := s.store.RolesOf
	if within {
		list = s.store.RolesIn
	}
	keys, err := list(ctx, h.principals, RoleKey{after.AccountID, after.Role}, n)
	if err != nil {
		return nil, err
	}
	out := make([]reached, 0, len(keys))
	for _, k := range keys {
		out = append(out, reached{Place: Place{k.AccountID, k.PermissionSetID}})
	}
	if h.manager.ID == "" {
		return out, nil
	}
	held, err := s.held(ctx, h, HeldRole{after.AccountID, after.Role, lastRole}, n)
	if within {
		held = slices.DeleteFunc(held, func(r reached) bool { return r.AccountID != after.AccountID })
	}
	if err != nil || len(held) == 0 {
		return out, err
	}
	out = append(out, held...)
	slices.SortFunc(out, func(a, b reached) int {
		return cmp.Or(strings.Compare(a.AccountID, b.AccountID), strings.Compare(a.Role, b.Role))
	})
	return out[:min(n, len(out))], nil
}

// held returns up to n existing roles to which a person is entitled, each once with all the ids that are meant.
func (s *Service) held(ctx context.Context, h holder, after HeldRole, n int) ([]reached, error) {
	var out []reached
	for {
		page, err := s.store.HeldRoles(ctx, h.manager.ID, h.principals, after, n)
		if err != nil {
			return nil, err
		}
		for _, r := range page {
			at := Place{r.AccountID, r.Role}
			if last := len(out) - 1; last >= 0 && out[last].Place == at {
				out[last].roleIDs = append(out[last].roleIDs, r.RoleID)
				continue
			}
			if len(out) == n { // the role before is complete
				return out, nil
			}
			out = append(out, reached{at, []string{r.RoleID}})
		}
		if len(page) < n {
			return out, nil
		}
		after = page[len(page)-1]
	}
}

// live returns the existing role if the one that bears the name now is one that was meant; else nil.
func (s *Service) live(ctx context.Context, r reached) (*OwnRole, error) {
	own, err := s.roles.OwnRole(ctx, r.AccountID, r.Role)
	if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Invalid) {
		return nil, nil
	}
	if err != nil || !slices.Contains(r.roleIDs, own.ID) {
		return nil, err
	}
	return &own, nil
}

// EntitledAccounts lists the accounts in which a person has any role, by account id after the given one.
func (s *Service) EntitledAccounts(ctx context.Context, userID, after string, limit int) ([]organization.Account, error) {
	h, err := s.holder(ctx, userID)
	if err != nil {
		return nil, err
	}
	var out []organization.Account
	at := Place{}
	if after != "" {
		at = Place{after, lastRole}
	}
	for len(out) < limit {
		ids, next, err := s.accountIDs(ctx, h, at, limit-len(out))
		if err != nil {
			return nil, err
		}
		accts, err := s.active(ctx, ids)
		if err != nil {
			return nil, err
		}
		out = append(out, accts...)
		if next == (Place{}) {
			break
		}
		at = next
	}
	return out, nil
}

// accountIDs collects up to n account ids after at; next is where to go on, zero at the end.
func (s *Service) accountIDs(ctx context.Context, h holder, at Place, n int) (ids []string, next Place, err error) {
	page := min(8*n, 1000) // most people have a few roles in an account
	found, err := s.reachable(ctx, h, at, false, page)
	if err != nil {
		return nil, Place{}, err
	}
	for _, r := range found {
		if len(ids) > 0 && ids[len(ids)-1] == r.AccountID {
			continue
		}
		if len(ids) == n {
			return ids, Place{ids[n-1], lastRole}, nil
		}
		if r.existing() {
			if role, err := s.live(ctx, r); err != nil {
				return nil, Place{}, err
			} else if role == nil {
				continue
			}
		}
		ids = append(ids, r.AccountID)
	}
	if len(found) == page {
		next = found[page-1].Place
		if len(ids) > 0 && ids[len(ids)-1] == next.AccountID {
			next.Role = lastRole
		}
	}
	return ids, next, nil
}

// active returns the active accounts of the ids, by id.
func (s *Service) active(ctx context.Context, ids []string) ([]organization.Account, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	accts, err := s.accounts.AccountsByID(ctx, ids)
	if err != nil {
		return nil, err
	}
	accts = slices.DeleteFunc(accts, func(a organization.Account) bool { return a.Status != organization.Active })
	slices.SortFunc(accts, func(a, b organization.Account) int { return strings.Compare(a.ID, b.ID) })
	return accts, nil
}

// EntitledRoles lists what a person may act as in one account, after the given role of a [Place]. An account where she has nothing gives
// an empty list.
func (s *Service) EntitledRoles(ctx context.Context, userID, accountID, after string, limit int) ([]Entitlement, error) {
	h, err := s.holder(ctx, userID)
	if err != nil {
		return nil, err
	}
	var out []Entitlement
	for at := (Place{accountID, after}); len(out) < limit; {
		es, err := s.someEntitlements(ctx, h, at, true, limit-len(out))
		if err != nil || len(es) == 0 {
			return out, err
		}
		for _, e := range es {
			out, at = append(out, e), e.Place()
		}
	}
	return out, nil
}

// Entitlements lists everything a person may act as, after the given place, at most limit (up to 1,000). Roles in suspended accounts and
// existing roles that are gone are left out, so that a page may be shorter; the end is reached when
// the list is empty.
func (s *Service) Entitlements(ctx context.Context, userID string, after Place, limit int) ([]Entitlement, error) {
	h, err := s.holder(ctx, userID)
	if err != nil {
		return nil, err
	}
	return s.someEntitlements(ctx, h, after, false, limit)
}

// someEntitlements returns the first entitlements after a place, some of at most limit roles there; none at the end.
func (s *Service) someEntitlements(ctx context.Context, h holder, after Place, within bool, limit int) ([]Entitlement, error) {
	for {
		found, err := s.reachable(ctx, h, after, within, limit)
		if err != nil || len(found) == 0 {
			return nil, err
		}
		es, err := s.entitlements(ctx, h, found)
		if err != nil || len(es) > 0 {
			return es, err
		}
		after = found[len(found)-1].Place
	}
}

func (s *Service) entitlements(ctx context.Context, h holder, found []reached) ([]Entitlement, error) {
	var acctIDs, setIDs []string
	for _, r := range found {
		acctIDs = append(acctIDs, r.AccountID)
		if !r.existing() {
			setIDs = append(setIDs, r.Role)
		}
	}
	slices.Sort(setIDs)
	accts, err := s.active(ctx, slices.Compact(acctIDs)) // they come sorted by account
	if err != nil {
		return nil, err
	}
	sets, err := s.store.SetsByID(ctx, slices.Compact(setIDs))
	if err != nil {
		return nil, err
	}
	byAcct := make(map[string]organization.Account, len(accts))
	for _, a := range accts {
		byAcct[a.ID] = a
	}
	bySet := make(map[string]PermissionSet, len(sets))
	for _, p := range sets {
		bySet[p.ID] = p
	}
	out := make([]Entitlement, 0, len(found))
	for _, r := range found {
		e := Entitlement{Account: byAcct[r.AccountID], Set: bySet[r.Role]}
		if r.existing() && e.Account.ID != "" {
			e.Manager = h.manager.Name()
			if e.Existing, err = s.live(ctx, r); err != nil {
				return nil, err
			}
		}
		if e.Account.ID != "" && (e.Existing != nil || e.Set.ID != "") {
			out = append(out, e)
		}
	}
	return out, nil
}

// Reach is one way in which a user reaches a role: directly or through a group, by an assignment or by an entitlement.
type Reach struct {
	User    directory.User
	Account organization.Account
	// Set is the permission set of an assignment, Role the resource part of the ARN of the existing role of an entitlement.
	Set  PermissionSet
	Role string
	// Via is the id of the group to which the role was given, empty for what was given to the user herself.
	Via string
	// Path leads to it: the ids of a group of which she is a direct member, of one that has that as a member, and so on up to Via. Of several
	// ways it is a shortest.
	Path []string
}

// Who lists everyone who can reach an account now, each way once. It is an auditor's question and reads as much
// as it answers.
func (s *Service) Who(ctx context.Context, accountID string) ([]Reach, error) {
	acct, err := s.accounts.Account(ctx, accountID)
	if err != nil || acct.Status != organization.Active {
		return nil, err
	}
	var out []Reach
	const page = 500
	for after := ""; ; {
		roles, err := s.store.RolesOfAccount(ctx, accountID, after, page)
		if err != nil {
			return nil, err
		}
		for _, r := range roles {
			reach, err := s.whoHas(ctx, acct, r.RoleKey)
			if err != nil {
				return nil, err
			}
			out = append(out, reach...)
		}
		if len(roles) < page {
			existing, err := s.whoIsEntitled(ctx, acct)
			return append(out, existing...), err
		}
		after = roles[len(roles)-1].PermissionSetID
	}
}

// whoIsEntitled lists who reaches existing roles of the account.
func (s *Service) whoIsEntitled(ctx context.Context, acct organization.Account) ([]Reach, error) {
	ms, err := s.store.Managers(ctx, "", "", 1)
	if err != nil || len(ms) == 0 {
		return nil, err
	}
	var out []Reach
	admitted := map[string]bool{}
	const page = 500
	for after := (EntitlementPlace{}); ; {
		ens, err := s.store.Entitlements(ctx, ms[0].ID, EntitlementFilter{AccountID: acct.ID}, after, page)
		if err != nil {
			return nil, err
		}
		for _, en := range ens {
			reach, err := s.whoComesBy(ctx, ms[0], en, admitted)
			if err != nil {
				return nil, err
			}
			for _, r := range reach {
				r.Account = acct
				out = append(out, r)
			}
		}
		if len(ens) < page {
			return out, nil
		}
		last := ens[len(ens)-1]
		after = EntitlementPlace{last.AccountID, last.Role, last.Principal}
	}
}

// whoComesBy lists who reaches a role by one entitlement. admitted remembers whom the manager's application lets in.
func (s *Service) whoComesBy(ctx context.Context, m Manager, en RoleEntitlement, admitted map[string]bool) ([]Reach, error) {
	role, err := s.live(ctx, reached{Place{en.AccountID, en.Role}, []string{en.RoleID}})
	if err != nil || role == nil {
		return nil, err
	}
	reach, err := s.people1(ctx, en.Principal)
	if err != nil {
		return nil, err
	}
	var out []Reach
	for _, r := range reach {
		in, known := admitted[r.User.ID]
		if !known {
			if in, err = s.applications.Admits(ctx, m.Application(), r.User.ID); err != nil {
				return nil, err
			}
			admitted[r.User.ID] = in
		}
		if in {
			r.Role = en.Role
			out = append(out, r)
		}
	}
	return out, nil
}

func (s *Service) whoHas(ctx context.Context, acct organization.Account, k RoleKey) ([]Reach, error) {
	set, err := s.store.Set(ctx, k.PermissionSetID)
	if err != nil {
		return nil, err
	}
	var out []Reach
	const page = 500
	for after := (Principal{}); ; {
		as, err := s.store.AssignmentsOfRole(ctx, k, after, page)
		if err != nil {
			return nil, err
		}
		for _, a := range as {
			reach, err := s.people1(ctx, a.Principal)
			if err != nil {
				return nil, err
			}
			for _, r := range reach {
				r.Account, r.Set = acct, set
				out = append(out, r)
			}
		}
		if len(as) < page {
			return out, nil
		}
		after = as[len(as)-1].Principal
	}
}

// What lists every way in which a user reaches a role now, in the order of [Place], then the direct way before those through
// groups. A disabled user is refused with fault.Denied. Like Who it reads as much as it answers.
func (s *Service) What(ctx context.Context, userID string) ([]Reach, error) {
	u, err := s.people.User(ctx, userID)
	if err != nil {
		return nil, err
	}
	h, err := s.holder(ctx, userID)
	if err != nil {
		return nil, err
	}
	ways, err := s.waysOf(ctx, h)
	if err != nil {
		return nil, err
	}
	paths, err := s.pathsUp(ctx, userID)
	if err != nil {
		return nil, err
	}
	var out []Reach
	for after := (Place{}); ; {
		es, err := s.Entitlements(ctx, userID, after, 1000)
		if err != nil || len(es) == 0 {
			return out, err
		}
		for _, e := range es {
			after = e.Place()
			r := Reach{User: u, Account: e.Account, Set: e.Set}
			k := HeldRole{AccountID: after.AccountID, Role: after.Role}
			if e.Existing != nil {
				r.Role, k.RoleID = e.Existing.Name, e.Existing.ID
			}
			via := ways[k]
			slices.Sort(via)
			for _, r.Via = range via {
				r.Path = pathTo(paths, r.Via)
				out = append(out, r)
			}
		}
	}
}

// waysOf returns through whom each of a person's assignments and entitlements comes: the ids of groups, and an empty one for herself. The
// role of an assignment is the permission set, and has no unique id.
func (s *Service) waysOf(ctx context.Context, h holder) (map[HeldRole][]string, error) {
	ways := map[HeldRole][]string{}
	for _, p := range h.principals {
		via := ""
		if p.Type == Group {
			via = p.ID
		}
		const page = 500
		for after, more := (RoleKey{}), true; more; {
			as, err := s.store.AssignmentsOfPrincipal(ctx, p, after, page)
			if err != nil {
				return nil, err
			}
			for _, a := range as {
				k := HeldRole{AccountID: a.AccountID, Role: a.PermissionSetID}
				ways[k], after = append(ways[k], via), a.RoleKey
			}
			more = len(as) == page
		}
		for after, more := (EntitlementPlace{}), h.manager.ID != ""; more; {
			ens, err := s.store.Entitlements(ctx, h.manager.ID, EntitlementFilter{Principal: p}, after, page)
			if err != nil {
				return nil, err
			}
			for _, en := range ens {
				k := HeldRole{en.AccountID, en.Role, en.RoleID}
				ways[k], after = append(ways[k], via), EntitlementPlace{en.AccountID, en.Role, en.Principal}
			}
			more = len(ens) == page
		}
	}
	return ways, nil
}

// people1 returns the active users behind one principal, and by which groups they come to it.
func (s *Service) people1(ctx context.Context, p Principal) ([]Reach, error) {
	if p.Type == User {
		us, err := s.people.UsersByID(ctx, []string{p.ID})
		return coming(activeUsers(us), "", nil), err
	}
	// A group that is gone has nothing below it; its assignment reaches nobody.
	paths := map[string][]string{p.ID: {p.ID}}
	var out []Reach
	seen := map[string]bool{}
	for at := []string{p.ID}; len(at) > 0; at = at[1:] { // the nearer groups first, so that the path is a shortest
		users, err := s.addMembers(ctx, nil, at[0], seen)
		if err != nil {
			return nil, err
		}
		out = append(out, coming(users, p.ID, paths[at[0]])...)
		below, err := edges(ctx, s.people.NestedIn, at[0])
		if err != nil {
			return nil, err
		}
		for _, n := range below {
			if paths[n.MemberID] == nil {
				paths[n.MemberID] = append([]string{n.MemberID}, paths[at[0]]...)
				at = append(at, n.MemberID)
			}
		}
	}
	return out, nil
}

func coming(users []directory.User, via string, path []string) []Reach {
	out := make([]Reach, 0, len(users))
	for _, u := range users {
		out = append(out, Reach{User: u, Via: via, Path: path})
	}
	return out
}

// pathsUp returns a shortest path from a user into each of her groups, by the group's id.
func (s *Service) pathsUp(ctx context.Context, userID string) (map[string][]string, error) {
	paths := map[string][]string{}
	var at []string
	const page = 500
	for after, more := "", true; more; {
		ms, err := s.people.MembershipsOf(ctx, userID, after, page)
		if err != nil {
			return nil, err
		}
		for _, m := range ms {
			after = m.GroupID
			paths[after], at = []string{after}, append(at, after)
		}
		more = len(ms) == page
	}
	for ; len(at) > 0; at = at[1:] {
		above, err := edges(ctx, s.people.NestedUnder, at[0])
		if err != nil {
			return nil, err
		}
		for _, n := range above {
			if paths[n.GroupID] == nil {
				paths[n.GroupID] = append(slices.Clone(paths[at[0]]), n.GroupID)
				at = append(at, n.GroupID)
			}
		}
	}
	return paths, nil
}

// pathTo is the path to a group. If she came into it since the paths were looked up, the group alone is named.
func pathTo(paths map[string][]string, via string) []string {
	if path := paths[via]; path != nil || via == "" {
		return path
	}
	return []string{via}
}

// edges reads all edges of a group in one direction.
func edges(ctx context.Context, list func(ctx context.Context, id, after string, limit int) ([]directory.NestedGroup, error), id string) ([]directory.NestedGroup, error) {
	const page = 500
	var out []directory.NestedGroup
	for after := ""; ; {
		ns, err := list(ctx, id, after, page)
		if err != nil {
			return nil, err
		}
		out = append(out, ns...)
		if len(ns) < page {
			return out, nil
		}
		if after = ns[len(ns)-1].MemberID; after == id { // the other end is what they are listed by
			after = ns[len(ns)-1].GroupID
		}
	}
}

// addMembers adds a group's own active members who were not seen in another.
func (s *Service) addMembers(ctx context.Context, users []directory.User, group string, seen map[string]bool) ([]directory.User, error) {
	const page = 500
	for after := ""; ; {
		ms, err := s.people.MembersOf(ctx, group, after, page)
		if fault.Is(err, fault.NotFound) { // deleted meanwhile
			return users, nil
		}
		if err != nil {
			return nil, err
		}
		var ids []string
		for _, m := range ms {
			if after = m.UserID; !seen[after] {
				seen[after] = true
				ids = append(ids, after)
			}
		}
		us, err := s.people.UsersByID(ctx, ids)
		if err != nil {
			return nil, err
		}
		users = append(users, activeUsers(us)...)
		if len(ms) < page {
			return users, nil
		}
	}
}

func activeUsers(us []directory.User) []directory.User {
	return slices.DeleteFunc(us, func(u directory.User) bool { return !u.Active })
}
