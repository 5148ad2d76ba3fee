package scim

// Group is a group as SCIM shows one.
type Group struct {
	ID, ExternalID, DisplayName string
	// Members are the users and groups that belong to the group. What a client sends has only their IDs: clients leave the type out, or have it
	// wrong, and an id says by itself what it is of.
	Members []Link
	// MembersGiven says that the client spoke of members at all: a PUT that does not leaves them alone
	// when this is false, and empties the group when it is true and Members is empty.
	MembersGiven bool
	Meta         Meta
}

// Object returns the group as the tables see it.
func (g Group) Object() Object {
	o := Object{}
	o.put("id", g.ID)
	o.put("externalId", g.ExternalID)
	o.put("displayName", g.DisplayName)
	o.putLinks("members", g.Members)
	o.putObject("meta", g.Meta.object("Group"))
	return o
}

// MemberIDs lists the ids of the members.
func (g Group) MemberIDs() []string {
	ids := make([]string, len(g.Members))
	for i, m := range g.Members {
		ids[i] = m.ID
	}
	return ids
}
