package tenant

import (
	"slices"

	"gatehouse/internal/fault"
)

// Group is a security group of the tenant.
type Group struct {
	// ID is the objectId, a lower-case UUID.
	ID          string `json:"id"`
	DisplayName string `json:"displayName"`
	Description string `json:"description,omitempty"`
	// Members are objectIds of users and of nested groups, in the order in which they joined. The
	// provisioning job and the assignment check look at direct members only, as Entra does.
	Members []string `json:"members"`
}

// groupRecord is a group as stored.
type groupRecord struct {
	Group
	Rev uint64 `json:"rev"`
}

// Groups returns every group in order of creation.
func (t *Tenant) Groups() []Group {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make([]Group, len(t.st.Groups))
	for i, g := range t.st.Groups {
		out[i] = g.clone()
	}
	return out
}

func (g *groupRecord) clone() Group {
	c := g.Group
	c.Members = append([]string{}, g.Members...)
	return c
}

// Group returns the group with that objectId or display name (in any case).
func (t *Tenant) Group(key string) (Group, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	g, err := t.st.group(key)
	if err != nil {
		return Group{}, err
	}
	return g.clone(), nil
}

// AddGroup stores a new group. Members may be given as objectIds, user principal names or group names.
// Display names are unique here (Entra allows twins, but then matching by displayName fails at the application).
// Faults: Invalid, Conflict, NotFound (a member).
func (t *Tenant) AddGroup(g Group) (Group, error) {
	var made Group
	err := t.change(func(st *state) error {
		r, err := t.newGroup(st, g)
		if err == nil {
			made = r.clone()
		}
		return err
	})
	return made, err
}

func (t *Tenant) newGroup(st *state, g Group) (*groupRecord, error) {
	r := &groupRecord{Group: Group{ID: t.uuid(), DisplayName: g.DisplayName, Description: g.Description, Members: []string{}}}
	if err := st.checkGroup(r); err != nil {
		return nil, err
	}
	st.Groups = append(st.Groups, r)
	r.Rev = st.bump()
	for _, m := range g.Members {
		if err := st.addMember(r, m); err != nil {
			st.Groups = st.Groups[:len(st.Groups)-1]
			return nil, err
		}
	}
	return r, nil
}

func (st *state) checkGroup(r *groupRecord) error {
	if r.DisplayName == "" {
		return fault.New(fault.Invalid, "displayName is required.").At("displayName")
	}
	for field, s := range map[string]string{"displayName": r.DisplayName, "description": r.Description} {
		if err := validText(field, s); err != nil {
			return err
		}
	}
	if o, err := st.group(r.DisplayName); err == nil && o.ID != r.ID {
		return fault.New(fault.Conflict, "A group named %s exists already.", r.DisplayName).At("displayName")
	}
	return nil
}

// UpdateGroup changes name and description; nil leaves a member as it is.
func (t *Tenant) UpdateGroup(key string, name, description *string) (Group, error) {
	var now Group
	err := t.change(func(st *state) error {
		g, err := st.group(key)
		if err != nil {
			return err
		}
		next := &groupRecord{Group: g.Group}
		if name != nil {
			next.DisplayName = *name
		}
		if description != nil {
			next.Description = *description
		}
		if err := st.checkGroup(next); err != nil {
			return err
		}
		g.DisplayName, g.Description, g.Rev = next.DisplayName, next.Description, st.bump()
		now = g.clone()
		return nil
	})
	return now, err
}

// DeleteGroup removes a group for good (security groups have no bin); the next cycle sends DELETE.
func (t *Tenant) DeleteGroup(key string) error {
	return t.change(func(st *state) error {
		g, err := st.group(key)
		if err != nil {
			return err
		}
		st.touchMembers(g) // they may leave the scope with it
		st.leaveTombstone(g.ID, kindGroup, g.DisplayName, true)
		st.Groups = slices.DeleteFunc(st.Groups, func(o *groupRecord) bool { return o == g })
		for _, o := range st.Groups {
			if i := slices.Index(o.Members, g.ID); i >= 0 {
				o.Members, o.Rev = slices.Delete(o.Members, i, i+1), st.bump()
			}
		}
		st.App.dropAssignment(g.ID)
		return nil
	})
}

// AddMember adds a user or a group, given by objectId, user principal name or group name. Adding twice is
// not an error. Faults: NotFound, Invalid (a group inside itself).
func (t *Tenant) AddMember(group, member string) error {
	return t.change(func(st *state) error {
		g, err := st.group(group)
		if err != nil {
			return err
		}
		return st.addMember(g, member)
	})
}

func (st *state) addMember(g *groupRecord, member string) error {
	if u, err := st.user(member); err == nil {
		if slices.Contains(g.Members, u.ID) {
			return nil
		}
		g.Members, g.Rev = append(g.Members, u.ID), st.bump()
		u.Rev = g.Rev // the user may come into scope
		return nil
	}
	n, err := st.group(member)
	if err != nil {
		return fault.New(fault.NotFound, "No user and no group %q.", member).At("member")
	}
	if n == g || st.contains(n, g.ID, 0) {
		return fault.New(fault.Invalid, "%s would contain itself.", g.DisplayName).At("member")
	}
	if !slices.Contains(g.Members, n.ID) {
		g.Members, g.Rev = append(g.Members, n.ID), st.bump()
	}
	return nil
}

// contains reports whether id is somewhere below g. The depth is bounded by the number of groups because
// addMember never lets a cycle come to be; the check is there for a state file edited by hand.
func (st *state) contains(g *groupRecord, id string, depth int) bool {
	if depth > len(st.Groups) {
		return true
	}
	for _, m := range g.Members {
		if m == id {
			return true
		}
		if n := st.groupByID(m); n != nil && st.contains(n, id, depth+1) {
			return true
		}
	}
	return false
}

// RemoveMember removes a direct member. Faults: NotFound.
func (t *Tenant) RemoveMember(group, member string) error {
	return t.change(func(st *state) error {
		g, err := st.group(group)
		if err != nil {
			return err
		}
		id := member
		if u, err := st.user(member); err == nil {
			id = u.ID
		} else if n, err := st.group(member); err == nil {
			id = n.ID
		}
		i := slices.Index(g.Members, id)
		if i < 0 {
			return fault.New(fault.NotFound, "%s is not a member of %s.", member, g.DisplayName).At("member")
		}
		g.Members, g.Rev = slices.Delete(g.Members, i, i+1), st.bump()
		if u := st.userByID(id); u != nil {
			u.Rev = g.Rev // the user may leave the scope
		}
		return nil
	})
}

// touchMembers marks the direct user members of g as changed: their scope may be another.
func (st *state) touchMembers(g *groupRecord) {
	rev := st.bump()
	for _, m := range g.Members {
		if u := st.userByID(m); u != nil {
			u.Rev = rev
		}
	}
}
