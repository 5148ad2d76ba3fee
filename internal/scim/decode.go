package scim

// Profile says how strictly a directory speaks.
type Profile string

const (
	// RFC takes everything the RFCs allow and what real clients send besides.
	RFC Profile = "rfc"
	// AWS has the limits and the error bodies of AWS's own SCIM endpoint.
	AWS Profile = "aws"
)

// DecodeUser reads the body of a POST or PUT of a user. userName is the only attribute that SCIM requires
// (RFC 7643 §4.1.1); the AWS profile asks for more.
func DecodeUser(p Profile, body []byte) (User, error) {
	in, err := parseMessage(body)
	if err != nil {
		return User{}, err
	}
	if p == AWS {
		if err := checkAWSBody(in); err != nil {
			return User{}, err
		}
	}
	o, err := userType.normalise(in)
	if err != nil {
		return User{}, err
	}
	u := UserOf(o)
	if u.UserName == "" {
		return User{}, refuse(InvalidValue, "\"userName\" is required").At("userName")
	}
	return u, p.CheckUser(u)
}

// PatchUser applies a PATCH to a user. changed is false when it asks for what is already so.
func PatchUser(p Profile, u User, patch Patch) (after User, changed bool, err error) {
	if p == AWS {
		if err := patch.checkAWS(); err != nil {
			return User{}, false, err
		}
	}
	before := u
	// What follows from elsewhere is not there to be changed, nor to look like a change.
	before.Groups, before.Meta, before.Enterprise.ManagerRef = nil, Meta{}, ""
	o, changed, err := patch.Apply(userType, before.Object())
	if err != nil {
		return User{}, false, err
	}
	after = UserOf(o)
	after.Groups, after.Meta = u.Groups, u.Meta
	return after, changed, p.CheckUser(after)
}

// DecodeGroup reads the body of a POST or PUT of a group.
func DecodeGroup(p Profile, body []byte) (Group, error) {
	in, err := parseMessage(body)
	if err != nil {
		return Group{}, err
	}
	var rest object
	var g Group
	for _, m := range in {
		if r := groupType.resolve(m.name); r.attr == nil || r.attr.Name != "members" || r.sub != nil {
			rest = append(rest, m)
			continue
		}
		if g.MembersGiven {
			return Group{}, refuse(InvalidSyntax, "the attribute \"members\" is given twice")
		}
		ids, err := memberIDs(m.value)
		if err != nil {
			return Group{}, err
		}
		g.MembersGiven = m.value != nil
		for _, id := range ids {
			g.Members = append(g.Members, Link{ID: id})
		}
	}
	o, err := groupType.normalise(rest)
	if err != nil {
		return Group{}, err
	}
	g.DisplayName, g.ExternalID = o.text("displayName"), o.text("externalId")
	if g.DisplayName == "" {
		return Group{}, refuse(InvalidValue, "\"displayName\" is required").At("displayName")
	}
	return g, p.checkMembers(len(g.Members))
}
