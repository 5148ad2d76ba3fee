package tenant

import (
	"net/url"
	"slices"
	"strings"

	"gatehouse/internal/fault"
)

// Application is the enterprise application: what the tenant knows of the one service it signs people in
// to and provisions.
type Application struct {
	// AppID is the application (client) id; federation metadata is asked for with it.
	AppID       string `json:"appId"`
	DisplayName string `json:"displayName"`
	// EntityID is the Identifier: AuthnRequests name it as Issuer, assertions as Audience.
	EntityID string `json:"entityId"`
	// ReplyURLs are the assertion consumer service URLs; the first is the default.
	ReplyURLs []string `json:"replyUrls"`
	// SignOnURL, when set, is where My Apps sends people (SP-initiated). Empty: My Apps posts an unsolicited response.
	SignOnURL string `json:"signOnUrl,omitempty"`
	// LogoutURL takes logout messages by redirect. Empty: none are sent.
	LogoutURL string `json:"logoutUrl,omitempty"`
	// RelayState goes with IdP-initiated responses.
	RelayState string `json:"relayState,omitempty"`
	// AssignmentRequired refuses sign-in to who is not assigned (AADSTS50105).
	AssignmentRequired bool `json:"appRoleAssignmentRequired"`
	// NameIDSource is the user attribute behind NameID: userPrincipalName (default) or mail.
	NameIDSource string `json:"nameIdSource"`
	// Sign says what of a response is signed: assertion (default), response or both.
	Sign string `json:"sign"`
	// GroupsClaim adds the objectIds of groups: none (default), all (direct and nested) or assigned.
	GroupsClaim string `json:"groupsClaim"`
	// SAMLDialect is whose shape metadata and responses have: entra (default), okta, authentik or jumpcloud. It changes the issuer, so the
	// application must get the metadata again.
	SAMLDialect string `json:"samlDialect,omitempty"`
	// SAMLChaos spoils responses.
	SAMLChaos SAMLChaos `json:"samlChaos,omitzero"`
	// Claims are further attributes: claim name to user attribute.
	Claims []Claim   `json:"claims,omitempty"`
	Roles  []AppRole `json:"appRoles"`
	// Assignments are in order of creation.
	Assignments []Assignment `json:"assignments"`
}

// Claim is one further attribute of the assertion.
type Claim struct {
	// Name is the attribute's name, such as https://aws.amazon.com/SAML/Attributes/AccessControl:Department.
	Name string `json:"name"`
	// Source is a user attribute or a mapping expression.
	Source string `json:"source"`
}

// AppRole is a role that the application publishes.
type AppRole struct {
	ID    string `json:"id"`
	Value string `json:"value"`
}

// Assignment assigns a user or a group to the application.
type Assignment struct {
	Principal string `json:"principalId"`
	Kind      string `json:"principalType"` // User or Group
	// Role is an app role id, or DefaultAccess.
	Role string `json:"appRoleId"`
}

// The roles that the gallery application of AWS IAM Identity Center publishes, and the role of none.
const (
	RoleUser      = "8774f594-1d59-4279-b9d9-59ef09a23530"
	RoleMSIAM     = "e7f1a7f3-9eda-48e0-9963-bd67bf531afd"
	DefaultAccess = "00000000-0000-0000-0000-000000000000"
)

const (
	kindUser  = "User"
	kindGroup = "Group"
)

// Application returns the enterprise application.
func (t *Tenant) Application() Application {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.st.App.clone()
}

func (a *Application) clone() Application {
	c := *a
	c.ReplyURLs, c.Claims = slices.Clone(a.ReplyURLs), slices.Clone(a.Claims)
	c.Roles, c.Assignments = slices.Clone(a.Roles), slices.Clone(a.Assignments)
	return c
}

// SetApplication lets edit change the settings of the enterprise application. AppID, roles and
// assignments are not settings and stay. Faults: Invalid.
func (t *Tenant) SetApplication(edit func(*Application)) error {
	return t.change(func(st *state) error {
		next := st.App.clone()
		edit(&next)
		next.AppID, next.Roles, next.Assignments = st.App.AppID, st.App.Roles, st.App.Assignments
		if err := next.check(); err != nil {
			return err
		}
		st.App = next
		return nil
	})
}

func (a *Application) check() error {
	for field, s := range map[string]string{"displayName": a.DisplayName, "entityId": a.EntityID, "relayState": a.RelayState} {
		if err := validText(field, s); err != nil {
			return err
		}
	}
	for _, u := range a.ReplyURLs {
		if err := checkURL("replyUrls", u); err != nil {
			return err
		}
	}
	if a.SignOnURL != "" {
		if err := checkURL("signOnUrl", a.SignOnURL); err != nil {
			return err
		}
	}
	if a.LogoutURL != "" {
		if err := checkURL("logoutUrl", a.LogoutURL); err != nil {
			return err
		}
	}
	if !slices.Contains([]string{"assertion", "response", "both"}, a.Sign) {
		return fault.New(fault.Invalid, "sign must be assertion, response or both.").At("sign")
	}
	if !slices.Contains([]string{"none", "all", "assigned"}, a.GroupsClaim) {
		return fault.New(fault.Invalid, "groupsClaim must be none, all or assigned.").At("groupsClaim")
	}
	if !slices.Contains([]string{"userPrincipalName", "mail"}, a.NameIDSource) {
		return fault.New(fault.Invalid, "nameIdSource must be userPrincipalName or mail.").At("nameIdSource")
	}
	if _, ok := dialects[a.SAMLDialect]; !ok {
		return fault.New(fault.Invalid, "samlDialect must be entra, okta, authentik or jumpcloud.").At("samlDialect")
	}
	if s := a.SAMLChaos.ClockAheadSeconds; s < -86400 || s > 86400 {
		return fault.New(fault.Invalid, "clockAheadSeconds must be within a day.").At("samlChaos")
	}
	for _, c := range a.Claims {
		if err := validText("claims", c.Name); err != nil || c.Name == "" {
			return fault.New(fault.Invalid, "A claim needs a name.").At("claims")
		}
		if _, err := parseSource(c.Source); err != nil {
			return err
		}
	}
	return nil
}

// checkURL accepts absolute http and https URLs without user information or fragment. Nothing else may
// reach a form's action or a redirect.
func checkURL(field, s string) error {
	u, err := url.Parse(s)
	if err != nil || len(s) > 2048 || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil || u.Fragment != "" {
		return fault.New(fault.Invalid, "%s must be an absolute http or https URL.", field).At(field)
	}
	return nil
}

// Assign assigns a user or group (objectId, user principal name or group name) with the role User, or
// with the role named by its id, value or DefaultAccess. A second assignment replaces the first.
func (t *Tenant) Assign(principal, role string) error {
	return t.change(func(st *state) error { return st.assign(principal, role) })
}

func (st *state) assign(principal, role string) error {
	id, kind, err := st.principal(principal)
	if err != nil {
		return err
	}
	roleID, err := st.App.role(role)
	if err != nil {
		return err
	}
	st.App.dropAssignment(id)
	st.App.Assignments = append(st.App.Assignments, Assignment{Principal: id, Kind: kind, Role: roleID})
	st.touchPrincipal(id)
	return nil
}

func (a *Application) role(s string) (string, error) {
	switch s {
	case "":
		return RoleUser, nil
	case DefaultAccess, "Default Access":
		return DefaultAccess, nil
	}
	for _, r := range a.Roles {
		if r.ID == strings.ToLower(s) || strings.EqualFold(r.Value, s) {
			return r.ID, nil
		}
	}
	return "", fault.New(fault.Invalid, "The application has no role %q.", s).At("role")
}

// Unassign takes an assignment away. Faults: NotFound.
func (t *Tenant) Unassign(principal string) error {
	return t.change(func(st *state) error {
		id, _, err := st.principal(principal)
		if err != nil {
			return err
		}
		if !st.App.dropAssignment(id) {
			return fault.New(fault.NotFound, "%s is not assigned.", principal).At("principal")
		}
		st.touchPrincipal(id)
		return nil
	})
}

func (a *Application) dropAssignment(id string) bool {
	n := len(a.Assignments)
	a.Assignments = slices.DeleteFunc(a.Assignments, func(x Assignment) bool { return x.Principal == id })
	return len(a.Assignments) < n
}

// touchPrincipal marks what an assignment concerns as changed: the user, or the group and its direct members.
func (st *state) touchPrincipal(id string) {
	if u := st.userByID(id); u != nil {
		u.Rev = st.bump()
		return
	}
	if g := st.groupByID(id); g != nil {
		g.Rev = st.bump()
		st.touchMembers(g)
	}
}
