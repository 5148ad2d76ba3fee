package signinpages

import (
	"net/http"
	"net/url"
	"time"

	"gatehouse/internal/fault"
	"gatehouse/internal/signin"
)

// codePage asks for the code that a command line shows.
type codePage struct{ Code, Problem string }

// approvePage asks whether a command line may act for the person.
type approvePage struct {
	// Client is what the program calls itself.
	Client string
	// Account is whose application it is; empty for a command line. Roles says that the application could act as the person in every account.
	Account string
	Roles   bool
	// Code is compared with the terminal; empty in the authorization code flow, where ReturnsTo says which port waits.
	Code, ReturnsTo string
	// Origin and Since say where and when it was asked; may be empty.
	Origin string
	Since  time.Time
	// Action is where the form goes; Fields are its hidden fields.
	Action string
	Fields []field
}

type field struct{ Name, Value string }

// donePage is the end of an approval.
type donePage struct{ Heading, Text string }

func devicePurpose(f url.Values) string { return "device " + f.Get("user_code") }

func (p *pages) askDevice(w http.ResponseWriter, r *http.Request) {
	who, ok := p.person(w, r)
	if !ok {
		return
	}
	code := r.URL.Query().Get("user_code")
	if code == "" {
		p.show(w, r, http.StatusOK, "code", frame{Title: "Connect a command line", Person: &who.User, Page: codePage{}})
		return
	}
	a, err := p.SignIn.DeviceAsking(r.Context(), who, code)
	if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Throttled) {
		p.show(w, r, byKind[fault.Of(err).Kind].status, "code", frame{Title: "Connect a command line", Person: &who.User, Page: codePage{clip(code), fault.Shown(err)}})
		return
	}
	if err != nil {
		p.fail(w, r, err)
		return
	}
	token := signin.FormToken(p.secret(r), devicePurpose(url.Values{"user_code": {a.UserCode}}))
	p.show(w, r, http.StatusOK, "approve", frame{Title: "Allow access?", Person: &who.User, Page: approvePage{
		Client: a.Client.Name, Code: a.UserCode, Origin: a.Origin, Since: a.CreatedAt,
		Action: "/device", Fields: []field{{"user_code", a.UserCode}, {"token", token}},
	}})
}

// clip keeps what is shown again of a mistyped code short.
func clip(s string) string {
	if len(s) > 16 {
		return ""
	}
	return s
}

func (p *pages) decideDevice(w http.ResponseWriter, r *http.Request) {
	who, ok := p.person(w, r)
	if !ok {
		return
	}
	f, ok := p.form(w, r, devicePurpose)
	if !ok {
		return
	}
	allow, ok := decision(f)
	if !ok {
		p.fail(w, r, fault.New(fault.Invalid, "Choose Allow or Deny."))
		return
	}
	c, err := p.SignIn.DecideDevice(r.Context(), who, f.Get("user_code"), allow)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	done := donePage{"Access denied", "“" + c.Name + "” gets nothing. You may close this window."}
	if allow {
		done = donePage{"You are signed in on the command line", "Go back to your terminal; it goes on by itself. You may close this window."}
	}
	p.show(w, r, http.StatusOK, "done", frame{Title: done.Heading, Person: &who.User, Page: done})
}

// decision reads which button was pressed. Nothing but "allow" allows.
func decision(f url.Values) (allow, ok bool) {
	d := f.Get("decision")
	return d == "allow", d == "allow" || d == "deny"
}
