package tenant

import (
	"net/url"
	"slices"
	"strings"
)

// product is what tells the provisioning of one identity provider's product from another's: which requests it makes, in which order, and what is in
// them. Entra's is measured, authentik's follows its published source, Okta's its protocol reference; of the others what is known comes from
// reports of servers that they send to, and where nothing is known nothing is made up.
type product struct {
	// agent is the User-Agent; none is sent when it is empty, as Entra does and as is done for those whose own is not known.
	agent string
	// mediaType is the Content-Type of bodies; with typed, of requests without one too.
	mediaType string
	typed     bool
	// percent writes a space in a query as %20 rather than as +.
	percent bool
	// page follows the filter of a look-up.
	page string
	// hello are the requests by which a cycle begins and the connection is tested; without any, random names are looked up.
	hello []string
	// rehearses makes, changes and deletes a user and a group before an initial cycle and as the test of the connection.
	rehearses bool
	// discovers reads all users and groups before an initial cycle, and takes over those that it knows by name.
	discovers bool
	// postFirst creates without looking first, and looks when it is told that there is one (409).
	postFirst bool
	// reads reads a known user, readsGroups a known group, before deciding what to change.
	reads, readsGroups bool
	// asks asks the application about each membership and manager before it writes one.
	asks bool
	// managers exports managers.
	managers bool
	// usersOnly exports no groups.
	usersOnly bool

	// deletesLeavers deletes who is out of scope or deleted, instead of disabling; keepsUsers never deletes anybody.
	deletesLeavers, keepsUsers bool

	// user writes a whole user, without an id for POST.
	user func(r *run, vals []value, id string) object
	// changes writes a PATCH of what differs; nil: users are replaced by PUT.
	changes func(d Dialect, cs []change) object
	// activity writes the PATCH that enables or disables; nil: activity is an attribute like any other.
	activity func(active bool) object

	// group writes a whole group. rename writes the PATCH that names it; nil: groups are replaced by PUT, members and all.
	group  func(g *Group, id string, members []move) object
	rename func(g *Group, id string) object
	// withMembers creates groups with the members that are there already; the others create them empty.
	withMembers bool
	// members writes the operations of a PATCH that adds and removes members, at most batch of them.
	members func(d Dialect, moves []move) []object
	batch   int
	// together sends additions and removals in one request, additions first if addsFirst.
	together, addsFirst bool
	// renames sends the name before every change of members, fullPush replaces all members of a known group in an initial cycle, compares reads them then
	// and sends the difference, and repeats adds the present members again with every change.
	renames, fullPush, compares, repeats bool
}

// move is a member who joins or leaves.
type move struct {
	id     string // the tenant's
	target string // the application's
	name   string
	add    bool
}

const (
	scimUTF8 = "application/scim+json; charset=utf-8"
	scimJSON = "application/scim+json"
)

// products are the products by the name of their dialect.
var products = map[Dialect]*product{
	DialectDefault: &entraProduct, DialectFlag: &entraProduct, DialectMixed: &entraProduct,
	"okta":        &oktaProduct,
	"okta-wizard": oktaProduct.with(func(p *product) { p.activity, p.rename, p.members, p.renames = nil, nil, nil, false }),
	"authentik":   &authentikProduct,
	"authentik-aws": authentikProduct.with(func(p *product) {
		p.user = func(_ *run, vals []value, id string) object { return authentikUser(vals, id, false) }
		p.rename = renamePaths
	}),
	"jumpcloud": {
		mediaType: scimJSON, percent: true, rehearses: true, keepsUsers: true,
		user:  func(_ *run, vals []value, _ string) object { return jumpCloudUser(vals) },
		group: bareGroup, rename: renamePath, members: filterMembers, batch: 1, repeats: true,
	},
	"google": {
		mediaType: scimJSON, percent: true, usersOnly: true,
		user: func(_ *run, vals []value, id string) object { return plainUser(vals, id) }, activity: activityPath,
	},
	"onelogin": {
		mediaType: scimJSON, percent: true, usersOnly: true,
		user: func(_ *run, vals []value, id string) object { return oneLoginUser(vals, id) },
	},
	"ping": {
		mediaType: scimJSON, percent: true, reads: true,
		user: func(_ *run, vals []value, id string) object { return plainUser(vals, id) }, changes: lowerChanges,
		group: plainGroup, rename: renamePath, members: filterMembers, batch: memberBatch,
	},
}

var entraProduct = product{
	mediaType: scimUTF8, reads: true, readsGroups: true, asks: true, managers: true,
	user:    func(r *run, vals []value, _ string) object { return newUserBody(vals, r.set.Chaos) },
	changes: userPatch,
	group:   func(g *Group, _ string, _ []move) object { return newGroupBody(g) },
	members: memberOps, batch: memberBatch,
}

var oktaProduct = product{
	agent: "Okta SCIM Client 1.0.0", mediaType: scimUTF8, percent: true, page: "&startIndex=1&count=100", hello: []string{"/Users?startIndex=1&count=2"},
	reads: true, keepsUsers: true,
	user:     func(r *run, vals []value, id string) object { return oktaUser(vals, id, r.t.uuid()[:8]) },
	activity: activityPathless,
	group:    oktaGroup, withMembers: true,
	rename:  func(g *Group, id string) object { return pathless(object{{"id", id}, {"displayName", g.DisplayName}}) },
	members: oktaMembers, batch: memberBatch, together: true, renames: true, fullPush: true,
}

var authentikProduct = product{
	agent: "authentik@2026.8.0", mediaType: scimJSON, typed: true, hello: []string{"/ServiceProviderConfig"}, discovers: true, postFirst: true, deletesLeavers: true,
	user:    func(_ *run, vals []value, id string) object { return authentikUser(vals, id, true) },
	group:   authentikGroup,
	rename:  func(g *Group, id string) object { return pathless(authentikGroup(g, id, nil)) },
	members: singleMembers, together: true, addsFirst: true, compares: true,
}

func (p product) with(edit func(*product)) *product {
	edit(&p)
	return &p
}

// dialectNames lists the dialects, for messages.
func dialectNames() string {
	names := make([]string, 0, len(products))
	for d := range products {
		names = append(names, string(d))
	}
	slices.Sort(names)
	return strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
}

// escape writes a filter into a query.
func (p *product) escape(filter string) string {
	q := url.QueryEscape(filter)
	if p.percent {
		q = strings.ReplaceAll(q, "+", "%20") // a plus sign of the filter itself is %2B by now
	}
	return q
}

// memberGroups divides changes of membership into requests.
func (p *product) memberGroups(leave, join []move, batch int) [][]move {
	parts := [][]move{leave, join}
	if p.addsFirst {
		slices.Reverse(parts)
	}
	if p.together {
		parts = [][]move{slices.Concat(parts...)}
	}
	var out [][]move
	for _, part := range parts {
		if n := len(part); n > 0 {
			if batch > 0 {
				n = batch
			}
			out = slices.AppendSeq(out, slices.Chunk(part, n))
		}
	}
	return out
}
