package access

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
	"gatehouse/internal/organization"
)

// Entitlement is a role a person may act as now.
type Entitlement struct {
	Account organization.Account
	Set     PermissionSet
}

// lastSet sorts after every permission set id (they are of letters, digits, dashes, dots and slashes), so that a listing
// continues with the next account.
const lastSet = "~"

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

// Entitled answers whether a person may act as a set (by name) in an account now, and as which role. No is
// fault.Denied, always with the same sentence, so that the answer does not tell what exists.
func (s *Service) Entitled(ctx context.Context, instanceID, userID, accountID, setName string) (Entitlement, ProvisionedRole, error) {
	no := fault.New(fault.Denied, "No access")
	ps, err := s.principals(ctx, userID)
	if err != nil {
		return Entitlement{}, ProvisionedRole{}, hide(err, no)
	}
	set, err := s.store.SetByName(ctx, instanceID, setName)
	if err != nil {
		return Entitlement{}, ProvisionedRole{}, hide(err, no)
	}
	k := RoleKey{accountID, set.ID}
	ok, err := s.store.Assigned(ctx, k, ps)
	if err != nil {
		return Entitlement{}, ProvisionedRole{}, err
	}
	if !ok {
		return Entitlement{}, ProvisionedRole{}, no
	}
	acct, err := s.accounts.Account(ctx, accountID)
	if err != nil {
		return Entitlement{}, ProvisionedRole{}, hide(err, no)
	}
	if acct.Status != organization.Active {
		return Entitlement{}, ProvisionedRole{}, no
	}
	role, err := s.store.Role(ctx, k)
	if err != nil {
		return Entitlement{}, ProvisionedRole{}, hide(err, no)
	}
	return Entitlement{acct, set}, role, nil
}

// hide turns «not there» and «disabled» into one refusal and leaves outages as they are.
func hide(err error, no *fault.Fault) error {
	if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Denied) {
		return no.Because(err)
	}
	return err
}

// EntitledAccounts lists the accounts in which a person has any role, by account id after the given one.
func (s *Service) EntitledAccounts(ctx context.Context, userID, after string, limit int) ([]organization.Account, error) {
	ps, err := s.principals(ctx, userID)
	if err != nil {
		return nil, err
	}
	var out []organization.Account
	at := RoleKey{}
	if after != "" {
		at = RoleKey{after, lastSet}
	}
	for len(out) < limit {
		ids, next, err := s.accountIDs(ctx, ps, at, limit-len(out))
		if err != nil {
			return nil, err
		}
		accts, err := s.active(ctx, ids)
		if err != nil {
			return nil, err
		}
		out = append(out, accts...)
		if next == (RoleKey{}) {
			break
		}
		at = next
	}
	return out, nil
}

// accountIDs collects up to n account ids after at; next is where to go on, zero at the end.
func (s *Service) accountIDs(ctx context.Context, ps []Principal, at RoleKey, n int) (ids []string, next RoleKey, err error) {
	const page = 1000
	keys, err := s.store.RolesOf(ctx, ps, at, page)
	if err != nil {
		return nil, RoleKey{}, err
	}
	for _, k := range keys {
		if len(ids) > 0 && ids[len(ids)-1] == k.AccountID {
			continue
		}
		if len(ids) == n {
			return ids, RoleKey{ids[n-1], lastSet}, nil
		}
		ids = append(ids, k.AccountID)
	}
	if len(keys) == page {
		next = RoleKey{ids[len(ids)-1], lastSet}
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

// EntitledRoles lists what a person may act as in one account, by permission set id after the given one. An account
// where she has nothing gives an empty list.
func (s *Service) EntitledRoles(ctx context.Context, userID, accountID, afterSetID string, limit int) ([]PermissionSet, error) {
	es, err := s.Entitlements(ctx, userID, RoleKey{accountID, afterSetID}, limit)
	if err != nil {
		return nil, err
	}
	var out []PermissionSet
	for _, e := range es {
		if e.Account.ID == accountID {
			out = append(out, e.Set)
		}
	}
	return out, nil
}

// Entitlements lists everything a person may act as, by (account, set) after the given key, at most limit (up to
// 1,000). Roles in suspended accounts are left out, so that a page may be shorter; the end is reached when
// the list is empty.
func (s *Service) Entitlements(ctx context.Context, userID string, after RoleKey, limit int) ([]Entitlement, error) {
	ps, err := s.principals(ctx, userID)
	if err != nil {
		return nil, err
	}
	for {
		keys, err := s.store.RolesOf(ctx, ps, after, limit)
		if err != nil || len(keys) == 0 {
			return nil, err
		}
		es, err := s.entitlements(ctx, keys)
		if err != nil || len(es) > 0 {
			return es, err
		}
		after = keys[len(keys)-1]
	}
}

func (s *Service) entitlements(ctx context.Context, keys []RoleKey) ([]Entitlement, error) {
	var acctIDs, setIDs []string
	for _, k := range keys {
		acctIDs, setIDs = append(acctIDs, k.AccountID), append(setIDs, k.PermissionSetID)
	}
	slices.Sort(setIDs)
	accts, err := s.active(ctx, slices.Compact(acctIDs)) // keys come sorted by account
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
	out := make([]Entitlement, 0, len(keys))
	for _, k := range keys {
		a, okA := byAcct[k.AccountID]
		p, okP := bySet[k.PermissionSetID]
		if okA && okP {
			out = append(out, Entitlement{a, p})
		}
	}
	return out, nil
}

// Reach is one way in which a user reaches a role: directly, or through a group.
type Reach struct {
	User    directory.User
	Account organization.Account
	Set     PermissionSet
	// Via is the group's id, empty for an assignment to the user herself.
	Via string
}

// Who lists everyone who can reach an account now, each way once. It is an auditor's question and reads as much
// as it answers.
func (s *Service) Who(ctx context.Context, accountID string) ([]Reach, error) {
	acct, err := s.accounts.Account(ctx, accountID)
	if err != nil {
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
			return out, nil
		}
		after = roles[len(roles)-1].PermissionSetID
	}
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
			users, via, err := s.people1(ctx, a.Principal)
			if err != nil {
				return nil, err
			}
			for _, u := range users {
				out = append(out, Reach{u, acct, set, via})
			}
		}
		if len(as) < page {
			return out, nil
		}
		after = as[len(as)-1].Principal
	}
}

// What lists every way in which a user reaches a role now, by (account, set), then the direct way before those through
// groups. A disabled user is refused with fault.Denied. Like Who it reads as much as it answers.
func (s *Service) What(ctx context.Context, userID string) ([]Reach, error) {
	u, err := s.people.User(ctx, userID)
	if err != nil {
		return nil, err
	}
	ps, err := s.principals(ctx, userID)
	if err != nil {
		return nil, err
	}
	ways := map[RoleKey][]string{}
	for _, p := range ps {
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
				ways[a.RoleKey] = append(ways[a.RoleKey], via)
				after = a.RoleKey
			}
			more = len(as) == page
		}
	}
	es, err := s.entitlements(ctx, slices.SortedFunc(maps.Keys(ways), compareRoles))
	if err != nil {
		return nil, err
	}
	var out []Reach
	for _, e := range es {
		via := ways[RoleKey{e.Account.ID, e.Set.ID}]
		slices.Sort(via)
		for _, v := range via {
			out = append(out, Reach{u, e.Account, e.Set, v})
		}
	}
	return out, nil
}

// compareRoles orders roles as listings do.
func compareRoles(a, b RoleKey) int {
	return cmp.Or(strings.Compare(a.AccountID, b.AccountID), strings.Compare(a.PermissionSetID, b.PermissionSetID))
}

// people1 returns the active users behind one principal, and the group they come through.
func (s *Service) people1(ctx context.Context, p Principal) (users []directory.User, via string, err error) {
	if p.Type == User {
		us, err := s.people.UsersByID(ctx, []string{p.ID})
		return activeUsers(us), "", err
	}
	const page = 500
	for after := ""; ; {
		ms, err := s.people.MembersOf(ctx, p.ID, after, page)
		if fault.Is(err, fault.NotFound) { // the group is gone; its assignment reaches nobody
			return nil, p.ID, nil
		}
		if err != nil {
			return nil, "", err
		}
		ids := make([]string, len(ms))
		for i, m := range ms {
			ids[i] = m.UserID
		}
		us, err := s.people.UsersByID(ctx, ids)
		if err != nil {
			return nil, "", err
		}
		users = append(users, activeUsers(us)...)
		if len(ms) < page {
			return users, p.ID, nil
		}
		after = ms[len(ms)-1].UserID
	}
}

func activeUsers(us []directory.User) []directory.User {
	return slices.DeleteFunc(us, func(u directory.User) bool { return !u.Active })
}
