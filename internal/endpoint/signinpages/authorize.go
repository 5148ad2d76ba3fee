package signinpages

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"gatehouse/internal/arn"
	"gatehouse/internal/fault"
	"gatehouse/internal/signin"
)

// parameters of an authorization request, in the order of the form's fields. `scopes` is AWS's spelling.
var parameters = [...]string{"response_type", "client_id", "redirect_uri", "state", "code_challenge", "code_challenge_method", "scopes"}

// authorizationRequest reads the parameters. One that comes twice makes the request malformed (RFC 6749 §3.1).
func authorizationRequest(v url.Values) (signin.AuthorizationRequest, error) {
	for _, name := range parameters {
		if len(v[name]) > 1 {
			return signin.AuthorizationRequest{}, fault.New(fault.Invalid, "The parameter %s is given twice.", name)
		}
	}
	return signin.AuthorizationRequest{
		ResponseType: v.Get("response_type"), ClientID: v.Get("client_id"), RedirectURI: v.Get("redirect_uri"), State: v.Get("state"),
		Challenge: v.Get("code_challenge"), ChallengeMethod: v.Get("code_challenge_method"), Scopes: strings.Fields(v.Get("scopes")),
	}, nil
}

// authorizePurpose binds the form's token to every parameter that was shown or will be used.
func authorizePurpose(f url.Values) string {
	var b strings.Builder
	b.WriteString("authorize")
	for _, name := range parameters {
		b.WriteString("\x00" + url.QueryEscape(f.Get(name)))
	}
	return b.String()
}

// askAuthorize begins the authorization code flow. What is wrong with the client or the place to return to is shown here; everything else goes
// back to the client (RFC 6749 §4.1.2.1).
func (p *pages) askAuthorize(w http.ResponseWriter, r *http.Request) {
	v, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		p.fail(w, r, fault.New(fault.Invalid, "The address cannot be read.").Because(err))
		return
	}
	a, err := authorizationRequest(v)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	c, err := p.SignIn.AuthorizationClient(r.Context(), a)
	if err != nil {
		p.fail(w, r, shownAsInvalid(err))
		return
	}
	app, noApplication := arn.ParseApplication(c.ID)
	wrong := signin.CheckAuthorization(c, a)
	if wrong == nil && !signin.LocalPath(r.URL.RequestURI()) {
		wrong = fault.New(fault.Invalid, "The request is too long, or holds what should be percent-encoded.").For(signin.InvalidRequest)
	}
	if wrong != nil {
		// A command line waits on this computer. An application leads wherever an account's administrator says, so a link to this server must not lead there
		// by itself (RFC 9700 §4.11.2).
		if noApplication == nil {
			if _, ok := p.person(w, r); !ok {
				return
			}
		}
		goBack(w, r, a.RedirectURI, a.State, "error", fault.Of(wrong).Reason, "error_description", fault.Shown(wrong))
		return
	}
	who, ok := p.person(w, r)
	if !ok {
		return
	}
	fields := make([]field, 0, len(parameters)+1)
	for _, name := range parameters {
		fields = append(fields, field{name, v.Get(name)})
	}
	fields = append(fields, field{"token", signin.FormToken(p.secret(r), authorizePurpose(v))})
	formsMayLeadTo(w.Header(), a.RedirectURI)
	page := approvePage{Client: c.Name, ReturnsTo: hostOf(a.RedirectURI), Action: "/authorize", Fields: fields}
	if noApplication == nil {
		asked := a.Scopes
		if len(asked) == 0 {
			asked = c.Scopes
		}
		page.Account, page.Roles = app.AccountID, slices.Contains(asked, signin.ScopeAccountAccess)
	}
	p.show(w, r, http.StatusOK, "approve", frame{Title: "Allow access?", Person: &who.User, Page: page})
}

func (p *pages) decideAuthorize(w http.ResponseWriter, r *http.Request) {
	who, ok := p.person(w, r)
	if !ok {
		return
	}
	f, ok := p.form(w, r, authorizePurpose)
	if !ok {
		return
	}
	a, err := authorizationRequest(f)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	// Again, because only what is registered now may be sent anything.
	if _, err := p.SignIn.AuthorizationClient(r.Context(), a); err != nil {
		p.fail(w, r, shownAsInvalid(err))
		return
	}
	allow, ok := decision(f)
	if !ok {
		p.fail(w, r, fault.New(fault.Invalid, "Choose Allow or Deny."))
		return
	}
	if !allow {
		goBack(w, r, a.RedirectURI, a.State, "error", signin.AccessDenied, "error_description", "The request was denied.")
		return
	}
	code, err := p.SignIn.Authorize(r.Context(), who, a)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	goBack(w, r, a.RedirectURI, a.State, "code", code)
}

// shownAsInvalid keeps an unknown client from reading as if the person were not signed in.
func shownAsInvalid(err error) error {
	if f := fault.Of(err); f.Kind == fault.Unauthenticated {
		return fault.New(fault.Invalid, "%s", f.Message).Because(err)
	}
	return err
}

// goBack returns to the client's redirect URI, which was checked, with the parameters and the state exactly as it came.
func goBack(w http.ResponseWriter, r *http.Request, redirectURI, state string, pairs ...string) {
	u, err := url.Parse(redirectURI)
	if err != nil {
		http.Error(w, "The address to return to cannot be read.", http.StatusBadRequest) // cannot happen: it was checked
		return
	}
	q := u.Query()
	for i := 0; i+1 < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	if state != "" {
		q.Set("state", state)
	}
	u.RawQuery = q.Encode()
	status := http.StatusFound
	if r.Method == http.MethodPost {
		status = http.StatusSeeOther
	}
	w.Header().Set("Location", u.String())
	w.WriteHeader(status)
}

func hostOf(uri string) string {
	u, err := url.Parse(uri)
	if err != nil {
		return ""
	}
	return u.Host
}

// formsMayLeadTo lets the answer to the page's form be a redirect to the client: browsers apply form-action to redirects too (CSP3 §6.4.2). A source
// expression cannot name an IPv6 address, nor hold what would end it; there the scheme has to do.
func formsMayLeadTo(h http.Header, redirectURI string) {
	scheme, _, _ := strings.Cut(redirectURI, ":") // http for command lines on this machine; an application has its own
	origin := scheme + "://" + hostOf(redirectURI)
	if strings.ContainsAny(origin, "[];,'\"* ") {
		origin = scheme + ":"
	}
	h.Set("Content-Security-Policy", strings.Replace(contentPolicy, "form-action 'self'", "form-action 'self' "+origin, 1))
}
