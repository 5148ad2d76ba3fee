package signinpages

import (
	"net/http"

	"gatehouse/internal/fault"
)

// newPasswordPage asks for a new password, twice.
type newPasswordPage struct {
	// Action is where the form goes, Token what binds it. Name is the user name, for password managers.
	Action, Token, Name, Problem, Lead string
	MinLength                          int
}

type forgotPage struct {
	Problem string
	Sent    bool
}

func (p *pages) forgot(w http.ResponseWriter, r *http.Request) {
	p.show(w, r, http.StatusOK, "forgot", frame{Title: "Forgotten your password?", Page: forgotPage{}})
}

// askReset answers the same whoever is named.
func (p *pages) askReset(w http.ResponseWriter, r *http.Request) {
	f, ok := p.parse(w, r)
	if !ok {
		return
	}
	err := p.Credentials.AskReset(r.Context(), f.Get("identifier"))
	switch {
	case err == nil:
		p.show(w, r, http.StatusOK, "forgot", frame{Title: "Look into your mail", Page: forgotPage{Sent: true}})
	case isPersons(err):
		p.show(w, r, status(err), "forgot", frame{Title: "Forgotten your password?", Page: forgotPage{Problem: fault.Shown(err)}})
	default:
		p.fail(w, r, err)
	}
}

// link shows the form for a new password. Looking at it uses nothing up.
func (p *pages) link(w http.ResponseWriter, r *http.Request) {
	p.showLink(w, r, http.StatusOK, r.URL.Query().Get("token"), "")
}

func (p *pages) showLink(w http.ResponseWriter, r *http.Request, code int, token, problem string) {
	u, set, err := p.Credentials.LinkOf(r.Context(), token)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	p.show(w, r, code, "newpassword", frame{Title: "Choose a password", Page: newPasswordPage{
		Action: "/signin/link", Token: token, Name: u.UserName, MinLength: set.MinLength, Problem: problem, Lead: "It is for signing in as " + u.UserName + "."}})
}

// useLink sets the password. The token of the form is the link's own secret, which nobody else has.
func (p *pages) useLink(w http.ResponseWriter, r *http.Request) {
	f, ok := p.parse(w, r)
	if !ok {
		return
	}
	err := repeated(f)
	if err == nil {
		_, err = p.Credentials.UseLink(r.Context(), f.Get("token"), f.Get("password"))
	}
	switch {
	case err == nil:
		http.Redirect(w, r, "/signin?password_set=1", http.StatusSeeOther)
	case isPersons(err):
		p.showLink(w, r, status(err), f.Get("token"), fault.Shown(err))
	default:
		p.fail(w, r, err)
	}
}
