package signinpages

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"gatehouse/internal/audit"
	"gatehouse/internal/credential"
	"gatehouse/internal/fault"
)

// Passkeys need a script (pages/passkey.js), and these are what it asks: JSON, from this site alone.

// passkeyBody reads the script's JSON. The type is asked for because no form of another site can send it.
func passkeyBody(w http.ResponseWriter, r *http.Request, v any) error {
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		return fault.New(fault.Invalid, "The request is not JSON.")
	}
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, credential.MaxPasskeyAnswer))
	if err == nil {
		err = json.Unmarshal(b, v)
	}
	if err != nil {
		return fault.New(fault.Invalid, "The request could not be read.").Because(err)
	}
	return nil
}

// tell answers the script.
func (p *pages) tell(w http.ResponseWriter, r *http.Request, v any, err error) {
	code := http.StatusOK
	if err != nil {
		k, ok := byKind[fault.Of(err).Kind]
		if code = k.status; !ok {
			code = http.StatusInternalServerError
		}
		if code >= http.StatusInternalServerError {
			p.Log.ErrorContext(r.Context(), "signinpages: a request failed", "path", r.URL.Path, "requestId", audit.OriginOf(r.Context()).RequestID, "error", err)
		}
		v = map[string]string{"error": fault.Shown(err)}
	}
	b, merr := json.Marshal(v)
	if merr != nil {
		http.Error(w, "An internal error occurred.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_, _ = w.Write(b) // the reader is gone when this fails
}

type challenge struct {
	Options any `json:"options"`
}

// askPasskey begins a sign-in with a passkey, or its use as second factor.
func (p *pages) askPasskey(w http.ResponseWriter, r *http.Request) {
	var in struct {
		ReturnTo string `json:"returnTo"`
	}
	err := passkeyBody(w, r, &in)
	if err != nil {
		p.tell(w, r, nil, err)
		return
	}
	c, err := p.Credentials.AskPasskey(r.Context(), p.browser(r), local(in.ReturnTo))
	if err == nil && c.Begun != nil {
		p.begun(w, *c.Begun)
	}
	p.tell(w, r, challenge{c.Options}, err)
}

type passkeyAnswer struct {
	Name       string          `json:"name"`
	Credential json.RawMessage `json:"credential"`
	Security   bool            `json:"security"`
}

type arrival struct {
	Location string   `json:"location"`
	Codes    []string `json:"codes,omitempty"`
}

func (p *pages) answerPasskey(w http.ResponseWriter, r *http.Request) {
	var in passkeyAnswer
	err := passkeyBody(w, r, &in)
	b := p.browser(r)
	if err == nil {
		err = p.Credentials.AnswerPasskey(r.Context(), b, in.Credential)
	}
	if err != nil {
		p.tell(w, r, nil, err)
		return
	}
	to, err := p.arrive(w, r, b)
	p.tell(w, r, arrival{Location: to}, err)
}

// registrar is who registers a passkey: the person of the session when the page is hers, else whoever is in the middle of a sign-in.
func (p *pages) registrar(r *http.Request, security bool) (credential.Registrar, error) {
	out := credential.Registrar{Browser: p.browser(r)}
	if !security {
		return out, nil
	}
	who, err := p.SignIn.Authenticate(r.Context(), p.secret(r))
	out.Who = &who
	return out, err
}

func (p *pages) beginPasskey(w http.ResponseWriter, r *http.Request) {
	var in passkeyAnswer
	var c credential.Challenge
	err := passkeyBody(w, r, &in)
	if err == nil {
		var who credential.Registrar
		if who, err = p.registrar(r, in.Security); err == nil {
			c, err = p.Credentials.BeginPasskey(r.Context(), who)
		}
	}
	p.tell(w, r, challenge{c.Options}, err)
}

func (p *pages) finishPasskey(w http.ResponseWriter, r *http.Request) {
	var in passkeyAnswer
	err := passkeyBody(w, r, &in)
	if err != nil {
		p.tell(w, r, nil, err)
		return
	}
	who, err := p.registrar(r, in.Security)
	if err != nil {
		p.tell(w, r, nil, err)
		return
	}
	reg, err := p.Credentials.FinishPasskey(r.Context(), who, in.Name, in.Credential)
	if err != nil {
		p.tell(w, r, nil, err)
		return
	}
	out := arrival{Location: securityPath, Codes: reg.Codes}
	if !in.Security && len(reg.Codes) == 0 {
		out.Location, err = p.arrive(w, r, who.Browser)
	}
	p.tell(w, r, out, err)
}
