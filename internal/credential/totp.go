package credential

import (
	"bytes"
	"context"
	"crypto/subtle"
	"encoding/base32"
	"image/png"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"

	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
	"gatehouse/internal/signin"
)

// Parameters of authenticator apps: those that every app knows (RFC 6238).
const (
	totpPeriod = 30
	// drift is how many steps before and after the present one are accepted (§5.2).
	drift = 1
)

var base32NoPadding = base32.StdEncoding.WithPadding(base32.NoPadding)

// totpStep returns the step of the code at now, later than last; false for a code of no such step. Every step is computed and compared in
// constant time.
func totpStep(secret, code string, now time.Time, last int64) (step int64, ok bool) {
	present := now.Unix() / totpPeriod
	for s := present - drift; s <= present+drift; s++ {
		want, err := totp.GenerateCodeCustom(secret, time.Unix(s*totpPeriod, 0), totp.ValidateOpts{Period: totpPeriod, Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		if err == nil && s > last && subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			step, ok = s, true
		}
	}
	return step, ok
}

// plain drops what people put between the groups of a code.
func plain(code string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case ' ', '-', '\t', '\u00a0':
			return -1
		}
		return r
	}, strings.ToLower(strings.TrimSpace(code)))
}

var errWrongCode = fault.New(fault.Denied, "The code is wrong, was used already, or its time is over.").For("wrong")

// Code checks the code of an authenticator app, or a recovery code, as second factor.
//
// Faults: Denied "wrong", "step", "over"; Throttled.
func (s *Service) Code(ctx context.Context, b Browser, code string) error {
	st, err := s.due(ctx, b, StepSecond)
	if err != nil {
		return err
	}
	limit := codeBucket(st.u.ID)
	if err := s.spend(ctx, limit); err != nil {
		return err
	}
	code = plain(code)
	action := "credential:VerifyCode"
	if len(code) != 6 {
		action = "credential:UseRecoveryCode"
	}
	e := audit.New(ctx, s.now(), actorOf(st.u), action, st.u.ID)
	_, err = s.change(ctx, st.u.ID, Consequences{}, e, func(p *Person) error {
		if len(code) == 6 {
			return s.useTOTP(p, code)
		}
		return useRecovery(p, code)
	})
	if fault.Is(err, fault.Denied) {
		return s.wrong(ctx, st, "wrong code of a second factor", errWrongCode)
	}
	if err != nil {
		return err
	}
	if err := s.store.Refund(ctx, []Bucket{limit}, s.now()); err != nil {
		return err
	}
	_, err = s.advance(ctx, st.a, func(a *Attempt) { a.SecondAt = s.now() })
	return err
}

// useTOTP uses the code's step up in the device that it belongs to.
func (s *Service) useTOTP(p *Person, code string) error {
	for i, t := range p.TOTP {
		secret, err := s.sealer.Open(t.Sealed, totpData(p.UserID))
		if err != nil {
			return fault.New(fault.Internal, "the secret of an authenticator app").Because(err)
		}
		if step, ok := totpStep(string(secret), code, s.now(), t.LastStep); ok {
			p.TOTP[i].LastStep, p.TOTP[i].LastUsedAt = step, s.now()
			return nil
		}
	}
	return errWrongCode
}

func totpData(userID string) []byte { return []byte("totp\x00" + userID) }

func useRecovery(p *Person, code string) error {
	want := signin.Hash(code)
	for i, h := range p.Recovery {
		if subtle.ConstantTimeCompare(h, want) == 1 {
			p.Recovery = append(p.Recovery[:i:i], p.Recovery[i+1:]...)
			return nil
		}
	}
	return errWrongCode
}

// newRecovery mints recovery codes: 16 of 31 characters each, 79 bits, so that a fast hash will do.
func (s *Service) newRecovery() (codes []string, hashes [][]byte) {
	for range RecoveryCodes {
		c := readable(s.rand, 16, 4)
		codes = append(codes, c)
		hashes = append(hashes, signin.Hash(plain(c)))
	}
	return codes, hashes
}

// NewTOTP is an authenticator app about to be registered.
type NewTOTP struct {
	// Secret is what is typed into the app by those who cannot scan: base32 in groups of four.
	Secret string
	// PNG is the QR code.
	PNG []byte
}

// BeginTOTP gives the secret for an authenticator app. Asking again gives the same one, so that a page can be reloaded.
func (s *Service) BeginTOTP(ctx context.Context, r Registrar) (NewTOTP, error) {
	st, err := s.registering(ctx, r)
	if err != nil {
		return NewTOTP{}, err
	}
	var secret string
	if len(st.a.PendingTOTP) > 0 {
		plain, err := s.sealer.Open(st.a.PendingTOTP, totpData(st.u.ID))
		if err != nil {
			return NewTOTP{}, fault.New(fault.Internal, "the secret of a new authenticator app").Because(err)
		}
		secret = string(plain)
	} else {
		raw := make([]byte, 20) // RFC 4226 §4, R6: 160 bits
		if _, err := io.ReadFull(s.rand, raw); err != nil {
			return NewTOTP{}, err
		}
		secret = base32NoPadding.EncodeToString(raw)
		sealed, err := s.sealer.Seal([]byte(secret), totpData(st.u.ID))
		if err != nil {
			return NewTOTP{}, err
		}
		if _, err := s.advance(ctx, st.a, func(a *Attempt) { a.PendingTOTP = sealed }); err != nil {
			return NewTOTP{}, err
		}
	}
	return s.newTOTP(secret, st.u.UserName)
}

func (s *Service) newTOTP(secret, userName string) (NewTOTP, error) {
	label := url.PathEscape(s.name) + ":" + url.PathEscape(userName)
	key, err := otp.NewKeyFromURL("otpauth://totp/" + label + "?" + url.Values{"secret": {secret}, "issuer": {s.name}}.Encode())
	if err != nil {
		return NewTOTP{}, err
	}
	img, err := key.Image(224, 224)
	if err != nil {
		return NewTOTP{}, err
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		return NewTOTP{}, err
	}
	var groups []string
	for i := 0; i < len(secret); i += 4 {
		groups = append(groups, secret[i:min(i+4, len(secret))])
	}
	return NewTOTP{strings.Join(groups, " "), b.Bytes()}, nil
}

// FinishTOTP registers the app if it shows the right code.
//
// Faults: Denied "wrong"; Quota; those of registering.
func (s *Service) FinishTOTP(ctx context.Context, r Registrar, name, code string) (Registered, error) {
	st, err := s.registering(ctx, r)
	if err != nil {
		return Registered{}, err
	}
	if len(st.a.PendingTOTP) == 0 {
		return Registered{}, fault.New(fault.Denied, "Begin to add the app again.").For("over")
	}
	secret, err := s.sealer.Open(st.a.PendingTOTP, totpData(st.u.ID))
	if err != nil {
		return Registered{}, fault.New(fault.Internal, "the secret of a new authenticator app").Because(err)
	}
	step, ok := totpStep(string(secret), plain(code), s.now(), 0)
	if !ok {
		return Registered{}, fault.New(fault.Denied, "The code is not the one that the app should show. Is the clock of your device right?").For("wrong")
	}
	t := TOTP{ID: arn.UUID(s.rand), Sealed: st.a.PendingTOTP, LastStep: step, CreatedAt: s.now(), LastUsedAt: s.now()}
	if t.Name, err = deviceName(name, "Authenticator app"); err != nil {
		return Registered{}, err
	}
	return s.register(ctx, st, "totp", t.Name, func(p *Person) { p.TOTP = append(p.TOTP, t) })
}
