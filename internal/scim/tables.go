package scim

// URNs of the schemas and messages (RFC 7643 §8.7, RFC 7644 §8.2).
const (
	UserURN       = "urn:ietf:params:scim:schemas:core:2.0:User"
	GroupURN      = "urn:ietf:params:scim:schemas:core:2.0:Group"
	EnterpriseURN = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	listURN       = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
	patchURN      = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
	searchURN     = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
	bulkURN       = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
	bulkAnswerURN = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"
	errorURN      = "urn:ietf:params:scim:api:messages:2.0:Error"
	configURN     = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
	typeURN       = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
	schemaURN     = "urn:ietf:params:scim:schemas:core:2.0:Schema"
)

// Users returns the User resource type with its enterprise extension.
func Users() *ResourceType { return userType }

// Groups returns the Group resource type.
func Groups() *ResourceType { return groupType }

// The tables are built once and never written to.
var (
	userType = &ResourceType{
		Name: "User", Endpoint: "/Users", Description: "A person in the identity store",
		Core: userSchema, Extensions: []*Schema{enterpriseSchema},
	}
	groupType = &ResourceType{
		Name: "Group", Endpoint: "/Groups", Description: "A named set of users",
		Core: groupSchema,
	}
)

// text is a plain readable and writable string, the commonest row.
func text(name, description string) Attribute {
	return Attribute{Name: name, Description: description, Type: String, Mutability: ReadWrite, Returned: "default", Uniqueness: "none"}
}

func (a Attribute) exact() Attribute     { a.CaseExact = true; return a }
func (a Attribute) readOnly() Attribute  { a.Mutability = ReadOnly; return a }
func (a Attribute) immutable() Attribute { a.Mutability = Immutable; return a }
func (a Attribute) of(t Type) Attribute  { a.Type = t; return a }
func (a Attribute) unique() Attribute    { a.Uniqueness = "server"; return a }
func (a Attribute) required() Attribute  { a.Required = true; return a }
func (a Attribute) to(r ...string) Attribute {
	a.Type, a.References, a.CaseExact = Reference, r, true
	return a
}

func complexOf(name, description string, sub ...Attribute) Attribute {
	a := text(name, description).of(Complex)
	a.Sub = sub
	return a
}

// many is a multi-valued complex attribute with the default sub-attributes value, type and primary (RFC
// 7643 §2.4); types are the canonical values of its type.
func many(name, description string, value Attribute, types []string, more ...Attribute) Attribute {
	kind := text("type", "What the value is for")
	kind.Canonical = types
	a := complexOf(name, description, append([]Attribute{value, kind, primary()}, more...)...)
	a.Multi = true
	return a
}

func primary() Attribute {
	return text("primary", "Whether this is the preferred value; true at most once").of(Boolean)
}

func display() Attribute { return text("display", "A name for people to read") }

// common are the attributes that every resource has (RFC 7643 §3.1). They belong to no schema.
var common = []Attribute{
	{Name: "id", Description: "The identifier given by the server", Type: String, CaseExact: true, Mutability: ReadOnly, Returned: "always", Uniqueness: "global"},
	text("externalId", "The identifier given by the client").exact(),
	complexOf("meta", "About the resource itself",
		text("resourceType", "The name of the resource type").exact().readOnly(),
		text("created", "When the resource was made").of(DateTime).readOnly(),
		text("lastModified", "When the resource last changed").of(DateTime).readOnly(),
		text("location", "The address of the resource").to("uri").readOnly(),
		text("version", "The entity tag of the resource").exact().readOnly(),
	).readOnly(),
}

var userSchema = &Schema{
	ID: UserURN, Name: "User", Description: "A person in the identity store",
	Attributes: []Attribute{
		text("userName", "The name a person signs in with, unique in any case").required().unique(),
		complexOf("name", "The parts of the person's name",
			text("formatted", "The whole name as written"),
			text("familyName", "The family name"),
			text("givenName", "The given name"),
			text("middleName", "The middle names"),
			text("honorificPrefix", "A title before the name"),
			text("honorificSuffix", "A suffix after the name"),
		),
		text("displayName", "The name shown to others"),
		text("nickName", "What the person is called"),
		text("profileUrl", "A page about the person").to("external"),
		text("title", "The person's job title"),
		text("userType", "The person's relation to the organization"),
		text("preferredLanguage", "The language the person prefers to read"),
		text("locale", "How dates and numbers are written for the person"),
		text("timezone", "The person's time zone"),
		text("active", "Whether the person may sign in").of(Boolean),
		many("emails", "E-mail addresses", text("value", "The address"), []string{"work", "home", "other"}, display()),
		many("phoneNumbers", "Telephone numbers", text("value", "The number"), []string{"work", "home", "mobile", "fax", "pager", "other"}, display()),
		many("ims", "Instant messaging addresses", text("value", "The address"), []string{"aim", "gtalk", "icq", "xmpp", "msn", "skype", "qq", "yahoo"}, display()),
		many("photos", "Pictures of the person", text("value", "Where the picture is").to("external"), []string{"photo", "thumbnail"}, display()),
		addresses(),
		many("entitlements", "What the person is entitled to elsewhere", text("value", "The entitlement"), nil, display()),
		many("roles", "The person's roles elsewhere", text("value", "The role"), nil, display()),
		groupsOfUser(),
	},
}

// addresses is the one multi-valued attribute without a "value" (RFC 7643 §4.1.2).
func addresses() Attribute {
	kind := text("type", "What the address is for")
	kind.Canonical = []string{"work", "home", "other"}
	a := complexOf("addresses", "Postal addresses",
		text("formatted", "The whole address as written"),
		text("streetAddress", "Street and number"),
		text("locality", "City or town"),
		text("region", "State or region"),
		text("postalCode", "Postal code"),
		text("country", "Country"),
		kind, primary(),
	)
	a.Multi = true
	return a
}

// groupsOfUser is read-only: memberships change through groups (RFC 7643 §4.1.2).
func groupsOfUser() Attribute {
	kind := text("type", "Whether the person is a member herself, or is in a group that is").readOnly()
	kind.Canonical = []string{"direct", "indirect"}
	a := complexOf("groups", "The groups the person belongs to, changed through the groups",
		text("value", "The id of the group").exact().readOnly(),
		text("$ref", "The address of the group").to("Group").readOnly(),
		text("display", "The name of the group").readOnly(),
		kind,
	).readOnly()
	a.Multi = true
	return a
}

var enterpriseSchema = &Schema{
	ID: EnterpriseURN, Name: "EnterpriseUser", Description: "What an employer says about a person",
	Attributes: []Attribute{
		text("employeeNumber", "The number the employer knows the person by"),
		text("costCenter", "The cost centre"),
		text("organization", "The organization"),
		text("division", "The division"),
		text("department", "The department"),
		complexOf("manager", "The person's manager",
			text("value", "The id of the manager").exact(),
			text("$ref", "The address of the manager").to("User").readOnly(),
		),
	},
}

var groupSchema = &Schema{
	ID: GroupURN, Name: "Group", Description: "A named set of users",
	Attributes: []Attribute{
		text("displayName", "The name of the group, unique in any case").required().unique(),
		membersOfGroup(),
	},
}

func membersOfGroup() Attribute {
	kind := text("type", "The kind of the member").immutable()
	kind.Canonical = []string{"User", "Group"}
	a := complexOf("members", "The users, and where the directory allows it the groups, that belong to the group",
		text("value", "The id of the member").exact().immutable(),
		text("$ref", "The address of the member").to("User", "Group").immutable(),
		kind,
		text("display", "The name of the member").readOnly(),
	)
	a.Multi = true
	return a
}
