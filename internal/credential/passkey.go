package credential

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
	"gatehouse/internal/signin"
)

// What a WebAuthn ceremony is for.
const (
	// ceremonyAlone signs in with a passkey and nothing else: the authenticator verifies the user.
	ceremonyAlone = "alone"
	// ceremonySecond is a passkey as second factor.
	ceremonySecond = "second"
	// ceremonyRegister adds a passkey.
	ceremonyRegister = "register"
)

// MaxPasskeyAnswer is the largest answer of an authenticator that is looked at, in bytes.
const MaxPasskeyAnswer = 64 << 10

// relyingParty is the server as passkeys are bound to it: its host name, and its address as the only origin. It is nil where the host is
// an IP address, which cannot be one (WebAuthn §5.1.3: a valid domain string).
func relyingParty(serverURL, name string) (*webauthn.WebAuthn, error) {
	u, err := url.Parse(serverURL)
	if err != nil {
		return nil, err
	}
	if net.ParseIP(u.Hostname()) != nil {
		return nil, nil
	}
	return webauthn.New(&webauthn.Config{
		RPID: u.Hostname(), RPDisplayName: name, RPOrigins: []string{u.Scheme + "://" + u.Host}, AttestationPreference: protocol.PreferNoAttestation,
		Timeouts: webauthn.TimeoutsConfig{
			Login:        webauthn.TimeoutConfig{Timeout: 5 * time.Minute, TimeoutUVD: 5 * time.Minute},
			Registration: webauthn.TimeoutConfig{Timeout: 5 * time.Minute, TimeoutUVD: 5 * time.Minute},
		},
	})
}

// Passkeys reports whether passkeys can be used at the server's address.
func (s *Service) Passkeys() bool { return s.rp != nil }

// holder is a person as the library sees her.
type holder struct {
	u    directory.User
	keys []webauthn.Credential
}

func (h holder) WebAuthnID() []byte                         { return []byte(h.u.ID) }
func (h holder) WebAuthnName() string                       { return h.u.UserName }
func (h holder) WebAuthnCredentials() []webauthn.Credential { return h.keys }
func (h holder) WebAuthnDisplayName() string {
	if h.u.DisplayName != "" {
		return h.u.DisplayName
	}
	return h.u.UserName
}

func passkeyData(userID string, credentialID []byte) []byte {
	return fmt.Appendf(nil, "passkey\x00%s\x00%x", userID, credentialID)
}

func (s *Service) openKey(userID string, k Passkey) (webauthn.Credential, error) {
	var c webauthn.Credential
	plain, err := s.sealer.Open(k.Sealed, passkeyData(userID, k.CredentialID))
	if err == nil {
		err = json.Unmarshal(plain, &c)
	}
	if err == nil && !bytes.Equal(c.ID, k.CredentialID) {
		err = fmt.Errorf("the record is of another passkey")
	}
	if err != nil {
		return c, fault.New(fault.Internal, "the record of a passkey").Because(err)
	}
	return c, nil
}

func (s *Service) sealKey(userID string, c webauthn.Credential) ([]byte, error) {
	plain, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	return s.sealer.Seal(plain, passkeyData(userID, c.ID))
}

func (s *Service) holder(u directory.User, p Person) (holder, error) {
	h := holder{u: u}
	for _, k := range p.Passkeys {
		c, err := s.openKey(p.UserID, k)
		if err != nil {
			return h, err
		}
		h.keys = append(h.keys, c)
	}
	return h, nil
}

var (
	errNoPasskeys = fault.New(fault.Denied, "Passkeys need a host name, and the address of this server is an IP address.").For("no-passkeys")
	errPasskey    = fault.New(fault.Denied, "The passkey was not accepted.").For("wrong")
)

// Challenge is what a browser hands to navigator.credentials.
type Challenge struct {
	// Options is PublicKeyCredentialRequestOptions or …CreationOptions in its JSON form (WebAuthn Level 3 §5.1.8, §5.1.9).
	Options any
	// Begun is set when an attempt was begun for it.
	Begun *Begun
}

// AskPasskey begins a ceremony: of the second factor where that is due, else of signing in with a passkey alone, for which an attempt
// is begun unless one is under way. The passkeys that somebody has are told only to who showed her password.
func (s *Service) AskPasskey(ctx context.Context, b Browser, returnTo string) (Challenge, error) {
	if s.rp == nil {
		return Challenge{}, errNoPasskeys
	}
	var out Challenge
	// Also where an attempt is under way: one is enough to ask, and answer wrongly, again and again.
	if err := s.spend(ctx, beginBucket(signin.Place(ctx))); err != nil {
		return out, err
	}
	st, err := s.stand(ctx, b)
	if err == nil && st.next() == StepDone {
		err = errOver
	}
	if fault.Is(err, fault.Denied) {
		begun, err := s.insert(ctx, Attempt{Purpose: SignIn, ReturnTo: signin.ReturnPath(returnTo)})
		if err != nil {
			return out, err
		}
		out.Begun = &begun
		if st, err = s.stand(ctx, Browser{Attempt: begun.Secret}); err != nil {
			return out, err
		}
	} else if err != nil {
		return out, err
	}
	var asked *protocol.CredentialAssertion
	var session *webauthn.SessionData
	ceremony := ceremonyAlone
	switch st.next() {
	case StepPassword:
		asked, session, err = s.rp.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	case StepSecond:
		ceremony = ceremonySecond
		h, herr := s.holder(st.u, st.p)
		if herr != nil || len(h.keys) == 0 {
			return out, fallback(herr, errPasskey)
		}
		asked, session, err = s.rp.BeginLogin(h, webauthn.WithUserVerification(protocol.VerificationPreferred))
	default:
		return out, fault.New(fault.Denied, "Another step of the sign-in comes first.").For("step")
	}
	if err != nil {
		return out, err
	}
	out.Options = asked.Response
	return out, s.keepCeremony(ctx, st.a, ceremony, session)
}

func fallback(err error, f *fault.Fault) error {
	if err != nil {
		return err
	}
	return f
}

func (s *Service) keepCeremony(ctx context.Context, a Attempt, what string, session *webauthn.SessionData) error {
	kept, err := json.Marshal(session)
	if err != nil {
		return err
	}
	_, err = s.advance(ctx, a, func(a *Attempt) { a.Ceremony, a.CeremonyFor = kept, what })
	return err
}

// takeCeremony removes the ceremony from the attempt, so that its challenge is answered once.
func (s *Service) takeCeremony(ctx context.Context, st *standing, what string) (webauthn.SessionData, error) {
	var session webauthn.SessionData
	if len(st.a.Ceremony) == 0 || st.a.CeremonyFor != what {
		return session, fault.New(fault.Denied, "No passkey was asked for. Begin again.").For("over")
	}
	kept := st.a.Ceremony
	a, err := s.advance(ctx, st.a, func(a *Attempt) { a.Ceremony, a.CeremonyFor = nil, "" })
	if err != nil {
		return session, err
	}
	st.a = a
	if err := json.Unmarshal(kept, &session); err != nil {
		return session, fault.New(fault.Internal, "a WebAuthn ceremony").Because(err)
	}
	return session, nil
}

// AnswerPasskey checks an authenticator's answer to AskPasskey: JSON of a PublicKeyCredential.
//
// Faults: Denied "wrong" for everything that is not right with it; "step", "over".
func (s *Service) AnswerPasskey(ctx context.Context, b Browser, answer []byte) error {
	if s.rp == nil {
		return errNoPasskeys
	}
	st, err := s.stand(ctx, b)
	if err != nil {
		return err
	}
	switch st.next() {
	case StepPassword:
		return s.alone(ctx, st, b, answer)
	case StepSecond:
		return s.second(ctx, st, answer)
	}
	return fault.New(fault.Denied, "Another step of the sign-in comes first.").For("step")
}

// alone is the sign-in with a passkey and nothing else. Whoever was typed before does not matter: the passkey says who it is.
func (s *Service) alone(ctx context.Context, st standing, b Browser, answer []byte) error {
	session, err := s.takeCeremony(ctx, &st, ceremonyAlone)
	if err != nil {
		return err
	}
	parsed, err := parseAnswer(answer)
	if err != nil {
		return s.wrong(ctx, st, "passkey: "+err.Error(), errPasskey)
	}
	claimed := string(parsed.Response.UserHandle)
	if st.a.Purpose == Again && claimed != st.a.UserID || !arn.IsPrincipalID(claimed) {
		return s.wrong(ctx, st, "passkey of somebody else", errPasskey)
	}
	st.a.UserID = claimed
	if err := s.fill(ctx, &st, b); err != nil {
		return err
	}
	h, err := s.holder(st.u, st.p)
	if err != nil {
		return err
	}
	_, c, err := s.rp.ValidatePasskeyLogin(func([]byte, []byte) (webauthn.User, error) { return h, nil }, session, parsed)
	if err != nil {
		return s.wrong(ctx, st, "passkey: "+detail(err), errPasskey)
	}
	if !st.may {
		return s.wrong(ctx, st, "may not sign in with a passkey", errPasskey)
	}
	if err := s.useKey(ctx, st, c); err != nil {
		return err
	}
	_, err = s.advance(ctx, st.a, func(a *Attempt) { a.PasskeyAt = s.now() })
	return err
}

func (s *Service) second(ctx context.Context, st standing, answer []byte) error {
	session, err := s.takeCeremony(ctx, &st, ceremonySecond)
	if err != nil {
		return err
	}
	parsed, err := parseAnswer(answer)
	if err != nil {
		return s.wrong(ctx, st, "passkey: "+err.Error(), errPasskey)
	}
	h, err := s.holder(st.u, st.p)
	if err != nil {
		return err
	}
	c, err := s.rp.ValidateLogin(h, session, parsed)
	if err != nil {
		return s.wrong(ctx, st, "passkey: "+detail(err), errPasskey)
	}
	if err := s.useKey(ctx, st, c); err != nil {
		return err
	}
	_, err = s.advance(ctx, st.a, func(a *Attempt) { a.SecondAt = s.now() })
	return err
}

func parseAnswer(answer []byte) (*protocol.ParsedCredentialAssertionData, error) {
	if len(answer) > MaxPasskeyAnswer {
		return nil, fmt.Errorf("the answer is too large")
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return nil, fmt.Errorf("the answer cannot be read")
	}
	return parsed, nil
}

// detail is what the library says is wrong, for the audit trail.
func detail(err error) string {
	if e, ok := err.(*protocol.Error); ok {
		return e.Details
	}
	return "refused"
}

// useKey writes down that a passkey was used. A sign counter that did not grow means that there are two authenticators with one key
// (WebAuthn §6.1.1): it is refused, also when the growth was overtaken by another sign-in.
func (s *Service) useKey(ctx context.Context, st standing, c *webauthn.Credential) error {
	e := audit.New(ctx, s.now(), actorOf(st.u), "credential:UsePasskey", st.u.ID)
	_, err := s.change(ctx, st.u.ID, Consequences{}, e, func(p *Person) error {
		for i, k := range p.Passkeys {
			if !bytes.Equal(k.CredentialID, c.ID) {
				continue
			}
			old, err := s.openKey(p.UserID, k)
			if err != nil {
				return err
			}
			if n := c.Authenticator.SignCount; c.Authenticator.CloneWarning || n <= old.Authenticator.SignCount && (n != 0 || old.Authenticator.SignCount != 0) {
				return errPasskey
			}
			p.Passkeys[i].LastUsedAt = s.now()
			p.Passkeys[i].Sealed, err = s.sealKey(p.UserID, *c)
			return err
		}
		return errPasskey
	})
	if fault.Is(err, fault.Denied) {
		s.log.WarnContext(ctx, "a passkey's counter went back: there may be a copy of it", "user", st.u.UserName)
		return s.wrong(ctx, st, "the passkey's counter went back or it was removed: there may be a copy of it", errPasskey)
	}
	return err
}

// BeginPasskey begins the registration of a passkey: discoverable, so that it can be the only factor.
func (s *Service) BeginPasskey(ctx context.Context, r Registrar) (Challenge, error) {
	if s.rp == nil {
		return Challenge{}, errNoPasskeys
	}
	st, err := s.registering(ctx, r)
	if err != nil {
		return Challenge{}, err
	}
	h, err := s.holder(st.u, st.p)
	if err != nil {
		return Challenge{}, err
	}
	made, session, err := s.rp.BeginRegistration(h,
		webauthn.WithExclusions(webauthn.Credentials(h.keys).CredentialDescriptors()),
		webauthn.WithAuthenticatorSelection(protocol.AuthenticatorSelection{ResidentKey: protocol.ResidentKeyRequirementRequired, UserVerification: protocol.VerificationPreferred}))
	if err != nil {
		return Challenge{}, err
	}
	return Challenge{Options: made.Response}, s.keepCeremony(ctx, st.a, ceremonyRegister, session)
}

// FinishPasskey registers the passkey that an authenticator made.
//
// Faults: Denied "wrong", "over"; Conflict "exists"; Quota.
func (s *Service) FinishPasskey(ctx context.Context, r Registrar, name string, answer []byte) (Registered, error) {
	if s.rp == nil {
		return Registered{}, errNoPasskeys
	}
	st, err := s.registering(ctx, r)
	if err != nil {
		return Registered{}, err
	}
	if name, err = deviceName(name, "Passkey"); err != nil {
		return Registered{}, err
	}
	session, err := s.takeCeremony(ctx, &st, ceremonyRegister)
	if err != nil {
		return Registered{}, err
	}
	if len(answer) > MaxPasskeyAnswer {
		return Registered{}, errPasskey
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return Registered{}, errPasskey.Because(err)
	}
	h, err := s.holder(st.u, st.p)
	if err != nil {
		return Registered{}, err
	}
	c, err := s.rp.CreateCredential(h, session, parsed)
	if err != nil {
		return Registered{}, errPasskey.Because(err)
	}
	k := Passkey{ID: arn.UUID(s.rand), Name: name, CredentialID: c.ID, CreatedAt: s.now()}
	if k.Sealed, err = s.sealKey(st.u.ID, *c); err != nil {
		return Registered{}, err
	}
	return s.register(ctx, st, "passkey", name, func(p *Person) { p.Passkeys = append(p.Passkeys, k) })
}
