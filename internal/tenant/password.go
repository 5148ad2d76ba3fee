package tenant

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"gatehouse/internal/fault"
)

// Passwords are kept as PBKDF2 with HMAC-SHA256 in the standard library's implementation, with the number of
// rounds that OWASP's password storage sheet asks for. The number stands in each hash, so it can grow.
const (
	hashRounds   = 600_000
	hashLen      = 32
	saltLen      = 16
	hashesAtOnce = 2 // a hash is a tenth of a second of one core; more at once would only let a flood in
	minPassword  = 8
	maxPassword  = 256
)

// SetPassword sets the password of the tenant's own sign-in page: 8 to 256 bytes. Faults: NotFound, Invalid.
func (t *Tenant) SetPassword(user, password string) error {
	if len(password) < minPassword || len(password) > maxPassword {
		return fault.New(fault.Invalid, "A password has %d to %d characters.", minPassword, maxPassword).At("password")
	}
	hash := t.hash(password)
	return t.change(func(st *state) error {
		u, err := st.user(user)
		if err != nil {
			return err
		}
		u.PasswordHash = hash
		return nil
	})
}

func (t *Tenant) hash(password string) string {
	salt := t.random(saltLen)
	return fmt.Sprintf("pbkdf2-sha256$%d$%s$%s", t.rounds, enc64(salt), enc64(derive(password, salt, t.rounds)))
}

func enc64(b []byte) string { return base64.RawStdEncoding.EncodeToString(b) }

func derive(password string, salt []byte, rounds int) []byte {
	k, err := pbkdf2.Key(sha256.New, password, salt, rounds, hashLen)
	if err != nil {
		panic("tenant: " + err.Error()) // only for key lengths and hashes that FIPS mode refuses; ours are constant
	}
	return k
}

// matches compares in constant time and takes as long for a user without a password as for one with.
func (t *Tenant) matches(hash, password string) bool {
	t.hashing <- struct{}{}
	defer func() { <-t.hashing }()
	rounds, salt, want := t.rounds, make([]byte, saltLen), []byte(nil)
	if p := strings.Split(hash, "$"); len(p) == 4 && p[0] == "pbkdf2-sha256" {
		n, nerr := strconv.Atoi(p[1])
		s, serr := base64.RawStdEncoding.DecodeString(p[2])
		w, werr := base64.RawStdEncoding.DecodeString(p[3])
		if nerr == nil && serr == nil && werr == nil && n > 0 && len(w) == hashLen {
			rounds, salt, want = n, s, w
		}
	}
	got := derive(clip(password, maxPassword), salt, rounds)
	return subtle.ConstantTimeCompare(got, want) == 1
}

// Smart lockout: after ten wrong passwords in a row an account answers AADSTS50053 for a minute.
const (
	lockAfter = 10
	lockFor   = time.Minute
)

type attempts struct {
	failed int
	until  time.Time
}

// The ways in which a sign-in fails, by Entra's codes.
var (
	errNoSuchUser    = &signInError{50034, "The user account does not exist in this directory. Check the name."}
	errWrongPassword = &signInError{50126, "Your account or password is incorrect."}
	errDisabled      = &signInError{50057, "Your account is disabled. Ask your administrator."}
	errLocked        = &signInError{50053, "Your account is temporarily locked after too many wrong passwords. Try again in a minute."}
)

type signInError struct {
	code int
	text string
}

func (e *signInError) Error() string { return fmt.Sprintf("AADSTS%d: %s", e.code, e.text) }

// checkPassword returns the objectId of the user who may sign in with name and password.
func (t *Tenant) checkPassword(name, password string) (string, error) {
	t.mu.Lock()
	u, err := t.st.user(name)
	var r userRecord
	if err == nil {
		r = *u
	}
	locked := err == nil && t.sessions.locked(r.ID, t.now())
	t.mu.Unlock()
	if locked {
		return "", errLocked
	}
	ok := t.matches(r.PasswordHash, password)
	switch {
	case err != nil || r.Deleted():
		return "", errNoSuchUser
	case !ok:
		t.sessions.failed(r.ID, t.now())
		return "", errWrongPassword
	case !r.AccountEnabled: // told only to who knows the password
		return "", errDisabled
	}
	t.sessions.succeeded(r.ID)
	return r.ID, nil
}
