package scim

// GroupChange is what a PATCH asks of a group. Its size depends on the request, never on the group: that is
// why members are a delta.
type GroupChange struct {
	// DisplayName and ExternalID are the new values; nil leaves them. An empty ExternalID unassigns it.
	DisplayName, ExternalID *string
	// ReplaceMembers makes AddMembers the whole membership.
	ReplaceMembers bool
	// AddMembers and RemoveMembers are ids of users and groups without duplicates, and disjoint.
	AddMembers, RemoveMembers []string
}

// Empty reports whether the change asks for nothing.
func (g GroupChange) Empty() bool {
	return g.DisplayName == nil && g.ExternalID == nil && !g.ChangesMembers()
}

// ChangesMembers reports whether memberships are concerned.
func (g GroupChange) ChangesMembers() bool {
	return g.ReplaceMembers || len(g.AddMembers) > 0 || len(g.RemoveMembers) > 0
}

// PatchGroup folds the operations of a PATCH into one change of a group. On an error nothing is asked for.
func PatchGroup(p Patch) (GroupChange, error) {
	f := groupFold{add: newIDSet(), remove: newIDSet()}
	for i, op := range p.operations {
		if err := f.operation(op); err != nil {
			return GroupChange{}, inOperation(i, err)
		}
	}
	f.change.AddMembers, f.change.RemoveMembers = f.add.list(), f.remove.list()
	return f.change, nil
}

// groupFold is the state after some of the operations.
type groupFold struct {
	change      GroupChange
	add, remove *idSet
}

func (f *groupFold) operation(op operation) error {
	cs, err := op.changes(groupType)
	if err != nil {
		return err
	}
	for _, c := range cs {
		if err := f.apply(c); err != nil {
			return err
		}
	}
	return nil
}

func (f *groupFold) apply(c change) error {
	a := c.target.attr
	switch {
	case a == nil:
		return nil // an attribute we do not keep
	case a.Mutability == ReadOnly:
		if c.pathless {
			return nil
		}
		return refuse(Mutability, "%q cannot be written", c.target.name())
	case a.Name == "members":
		return f.members(c)
	}
	return f.text(c)
}

// text changes displayName or externalId.
func (f *groupFold) text(c change) error {
	a := c.target.attr
	if c.kind == "remove" && keep(a) {
		return refuse(Mutability, "%q cannot be removed", a.Name)
	}
	value := c.value
	if c.kind == "remove" {
		value = nil
	}
	v, err := coerceOne(a, value)
	if err != nil {
		return err
	}
	s, _ := v.(string)
	switch {
	case s == "" && c.kind == "add":
		return nil
	case s == "" && keep(a):
		return refuse(InvalidValue, "%q must have a value", a.Name)
	case a.Name == "displayName":
		f.change.DisplayName = &s
	default:
		f.change.ExternalID = &s
	}
	return nil
}

// members folds one change of the membership.
func (f *groupFold) members(c change) error {
	if c.target.filter != nil {
		return f.chosenMembers(c)
	}
	if c.target.sub != nil && c.target.sub.Name != "value" {
		return f.ignoreOrRefuse(c)
	}
	if c.kind == "remove" && c.value == nil {
		f.replaceAll(nil)
		return nil
	}
	ids, err := memberIDs(c.value)
	if err != nil {
		return err
	}
	switch c.kind {
	case "add":
		f.addAll(ids)
	case "replace":
		f.replaceAll(ids)
	default:
		f.removeAll(ids)
	}
	return nil
}

// ignoreOrRefuse handles members.display and the like, which follow from the member itself.
func (f *groupFold) ignoreOrRefuse(c change) error {
	if c.pathless {
		return nil
	}
	return refuse(Mutability, "%q follows from the member and cannot be written", c.target.name())
}

// chosenMembers handles members[value eq "…"], the RFC's way to remove one member. Other filters would need
// the whole membership to be read, which no client asks for.
func (f *groupFold) chosenMembers(c change) error {
	ids, ok := chosenIDs(c.target.filter)
	if !ok {
		return refuse(InvalidFilter, "members can only be chosen by value eq, joined by or")
	}
	if c.target.sub != nil && c.target.sub.Name != "value" {
		return f.ignoreOrRefuse(c)
	}
	switch c.kind {
	case "remove":
		f.removeAll(ids)
		return nil
	case "add":
		f.addAll(ids)
		return nil
	}
	with, err := memberIDs(c.value)
	if err != nil {
		return err
	}
	f.removeAll(ids)
	f.addAll(with)
	return nil
}

func chosenIDs(e expr) ([]string, bool) {
	switch e := e.(type) {
	case or:
		l, ok1 := chosenIDs(e.left)
		r, ok2 := chosenIDs(e.right)
		return append(l, r...), ok1 && ok2
	case compare:
		s, ok := e.value.(string)
		return []string{s}, ok && e.op == "eq" && e.ref.attr != nil && e.ref.attr.Name == "value"
	}
	return nil, false
}

func (f *groupFold) addAll(ids []string) {
	for _, id := range ids {
		f.add.put(id)
		f.remove.drop(id)
	}
}

func (f *groupFold) removeAll(ids []string) {
	for _, id := range ids {
		f.add.drop(id)
		if !f.change.ReplaceMembers {
			f.remove.put(id)
		}
	}
}

func (f *groupFold) replaceAll(ids []string) {
	f.change.ReplaceMembers = true
	f.add, f.remove = newIDSet(), newIDSet()
	f.addAll(ids)
}

// memberIDs reads members in every form clients use: an array of objects or of strings, one of either, and
// an array wrapped in an object ({"members": […]}).
func memberIDs(value any) ([]string, error) {
	if o, ok := value.(object); ok {
		if wrapped, ok := o.get("members"); ok {
			value = wrapped
		}
	}
	list, ok := value.([]any)
	if !ok {
		if value == nil {
			return nil, nil
		}
		list = []any{value}
	}
	ids := newIDSet()
	for _, v := range list {
		id, err := memberID(v)
		if err != nil {
			return nil, err
		}
		ids.put(id)
	}
	return ids.list(), nil
}

func memberID(v any) (string, error) {
	var id any = v
	if o, ok := v.(object); ok {
		if kind, _ := o.get("type"); kind != nil {
			if s, _ := kind.(string); s != "" && !foldEqual(s, "User") && !foldEqual(s, "Group") {
				return "", refuse(InvalidValue, "only users and groups can be members")
			}
		}
		id, _ = o.get("value")
	}
	s, ok := id.(string)
	if !ok || s == "" || !printable(s) {
		return "", refuse(InvalidValue, "a member needs the id of a user or group as its \"value\"")
	}
	return s, nil
}

// idSet is a set that remembers the order of insertion, so that the same request always gives the same change.
type idSet struct {
	at    map[string]int
	order []string
}

func newIDSet() *idSet { return &idSet{at: map[string]int{}} }

func (s *idSet) put(id string) {
	if _, ok := s.at[id]; !ok {
		s.at[id] = len(s.order)
		s.order = append(s.order, id)
	}
}

// drop leaves a hole in the order, which list skips.
func (s *idSet) drop(id string) {
	if i, ok := s.at[id]; ok {
		delete(s.at, id)
		s.order[i] = ""
	}
}

func (s *idSet) list() []string {
	var out []string
	for _, id := range s.order {
		if id != "" {
			out = append(out, id)
		}
	}
	return out
}
