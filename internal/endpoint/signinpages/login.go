package signinpages

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"

	"gatehouse/internal/access"
	"gatehouse/internal/arn"
	"gatehouse/internal/fault"
	"gatehouse/internal/organization"
	"gatehouse/internal/signin"
)

// loginPath is where `aws login` sends people.
const loginPath = "/v1/authorize"

// loginParameters are those of an authorization request of `aws login`, and of what the person chose.
var loginParameters = [...]string{"response_type", "client_id", "redirect_uri", "state", "code_challenge", "code_challenge_method", "scope", "account", "role"}

// choices is how many accounts or roles a page shows.
const choices = 100

// loginRequest reads the parameters. One that comes twice makes the request malformed (RFC 6749 §3.1).
func loginRequest(v url.Values) (signin.LoginRequest, signin.Role, error) {
	for _, name := range loginParameters {
		if len(v[name]) > 1 {
			return signin.LoginRequest{}, signin.Role{}, fault.New(fault.Invalid, "The parameter %s is given twice.", name)
		}
	}
	return signin.LoginRequest{
		ResponseType: v.Get("response_type"), ClientID: v.Get("client_id"), RedirectURI: v.Get("redirect_uri"), State: v.Get("state"),
		Challenge: v.Get("code_challenge"), ChallengeMethod: v.Get("code_challenge_method"), Scope: v.Get("scope"),
	}, signin.Role{AccountID: v.Get("account"), Name: v.Get("role")}, nil
}

// loginPurpose binds the form's token to every parameter that was shown or will be used; the role is chosen in the form itself.
func loginPurpose(f url.Values) string {
	var b strings.Builder
	b.WriteString("login")
	for _, name := range loginParameters {
		if name != "role" {
			b.WriteString("\x00" + url.QueryEscape(f.Get(name)))
		}
	}
	return b.String()
}

type loginPage struct {
	// ReturnsTo is where a code would be sent; empty if it is shown.
	ReturnsTo string
	// Accounts are to choose from while AccountID is empty, then Roles. Fields are the request's.
	Accounts    []organization.Account
	AccountID   string
	AccountName string
	Roles       []access.Entitlement
	Fields      []field
	// More leads to the next page of choices, Back to the accounts; either may be empty.
	More, Back string
}

// loginAsked checks the request of a page. What is wrong with the client or the place to return to is shown here; everything else goes back to the client, or is
// shown where nothing goes back.
func (p *pages) loginAsked(w http.ResponseWriter, r *http.Request, v url.Values) (a signin.LoginRequest, role signin.Role, ok bool) {
	a, role, err := loginRequest(v)
	if err == nil {
		err = signin.CheckLoginClient(a)
	}
	if err != nil {
		p.fail(w, r, err)
		return a, role, false
	}
	if err := signin.CheckLogin(a); err != nil {
		if a.ClientID == signin.CrossDevice {
			p.fail(w, r, err)
		} else {
			goBack(w, r, a.RedirectURI, a.State, "error", fault.Of(err).Reason, "error_description", fault.Shown(err))
		}
		return a, role, false
	}
	return a, role, true
}

// askLogin lets the person choose an account, then a role.
func (p *pages) askLogin(w http.ResponseWriter, r *http.Request) {
	v, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		p.fail(w, r, fault.New(fault.Invalid, "The address cannot be read.").Because(err))
		return
	}
	a, role, ok := p.loginAsked(w, r, v)
	if !ok {
		return
	}
	if !signin.LocalPath(r.URL.RequestURI()) {
		p.fail(w, r, fault.New(fault.Invalid, "The request is too long, or holds what should be percent-encoded."))
		return
	}
	who, ok := p.person(w, r)
	if !ok {
		return
	}
	page := loginPage{AccountID: strings.TrimSpace(role.AccountID)}
	if a.ClientID == signin.SameDevice {
		page.ReturnsTo = hostOf(a.RedirectURI)
	}
	here := url.Values{}
	for _, name := range loginParameters {
		if v.Has(name) && name != "account" && name != "role" {
			here.Set(name, v.Get(name))
			page.Fields = append(page.Fields, field{name, v.Get(name)})
		}
	}
	link := func(more ...string) string {
		q := url.Values{}
		for name := range here {
			q.Set(name, here.Get(name))
		}
		for i := 0; i < len(more); i += 2 {
			q.Set(more[i], more[i+1])
		}
		return loginPath + "?" + q.Encode()
	}
	after := v.Get("after")
	if page.AccountID == "" {
		if page.Accounts, err = p.Roles.EntitledAccounts(r.Context(), who.User.ID, after, choices+1); err == nil && len(page.Accounts) > choices {
			page.Accounts = page.Accounts[:choices]
			page.More = link("after", page.Accounts[choices-1].ID)
		}
	} else {
		page.Back = link()
		if !arn.IsAccountID(page.AccountID) {
			p.fail(w, r, fault.New(fault.Invalid, "An account id has 12 digits."))
			return
		}
		if page.Roles, err = p.Roles.EntitledRoles(r.Context(), who.User.ID, page.AccountID, after, choices+1); err == nil && len(page.Roles) > choices {
			page.Roles = page.Roles[:choices]
			page.More = link("account", page.AccountID, "after", page.Roles[choices-1].Place().Role)
		}
		if err == nil && len(page.Roles) == 0 && after == "" {
			err = fault.New(fault.Denied, "You have no role in account %s.", page.AccountID)
		}
	}
	if err != nil {
		p.fail(w, r, err)
		return
	}
	if len(page.Roles) > 0 {
		page.AccountName = page.Roles[0].Account.Name
		here.Set("account", page.AccountID)
		page.Fields = append(page.Fields, field{"account", page.AccountID}, field{"token", signin.FormToken(p.secret(r), loginPurpose(here))})
		if page.ReturnsTo != "" {
			formsMayLeadTo(w.Header(), a.RedirectURI)
		}
	}
	p.show(w, r, http.StatusOK, "login", frame{Title: "Sign in a command line", Person: &who.User, Page: page})
}

// decideLogin hands out a code for the chosen role: to the command line's own port, or to the person, who carries it over.
func (p *pages) decideLogin(w http.ResponseWriter, r *http.Request) {
	who, ok := p.person(w, r)
	if !ok {
		return
	}
	f, ok := p.form(w, r, loginPurpose)
	if !ok {
		return
	}
	a, role, ok := p.loginAsked(w, r, f)
	if !ok {
		return
	}
	allow, ok := decision(f)
	switch {
	case !ok:
		p.fail(w, r, fault.New(fault.Invalid, "Choose Allow or Deny."))
		return
	case !allow && a.ClientID == signin.CrossDevice:
		p.show(w, r, http.StatusOK, "done", frame{Title: "Denied", Person: &who.User, Page: donePage{"Access denied", "The command line gets nothing. You may close this window."}})
		return
	case !allow:
		goBack(w, r, a.RedirectURI, a.State, "error", signin.AccessDenied, "error_description", "The request was denied.")
		return
	case role.Name == "":
		p.fail(w, r, fault.New(fault.Invalid, "Choose a role."))
		return
	}
	if err := p.EntitledTo(r.Context(), who, role); err != nil {
		p.fail(w, r, err)
		return
	}
	code, err := p.SignIn.AuthorizeLogin(r.Context(), who, a, role)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	if a.ClientID == signin.SameDevice {
		goBack(w, r, a.RedirectURI, a.State, "code", code)
		return
	}
	// What the AWS CLI asks the person to paste.
	carried := base64.StdEncoding.EncodeToString([]byte(url.Values{"state": {a.State}, "code": {code}}.Encode()))
	p.show(w, r, http.StatusOK, "carry", frame{Title: "Your code", Person: &who.User, Page: carried})
}
