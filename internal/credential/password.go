package credential

import (
	"context"
	"io"
	"runtime"
	"strings"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"
	"golang.org/x/text/unicode/norm"

	"gatehouse/internal/arn"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
)

// usual are the parameters of new hashes (OWASP Password Storage: m = 19 MiB, t = 2, p = 1).
var usual = argon2id.Params{Memory: 19 << 10, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// hasher computes argon2id hashes, no more at once than there are processors: each takes its memory, and a crowd of strangers must
// not be able to take all of it.
type hasher struct {
	params argon2id.Params
	// slots are those who compute, queue those who compute or wait.
	slots, queue chan struct{}
	// nobody is the hash of a password that nobody has.
	nobody string
}

func newHasher(p *argon2id.Params, rand io.Reader) (*hasher, error) {
	if p == nil {
		p = &usual
	}
	n := runtime.GOMAXPROCS(0)
	h := &hasher{params: *p, slots: make(chan struct{}, n), queue: make(chan struct{}, 32*n)}
	var err error
	h.nobody, err = argon2id.CreateHash(arn.NewSecret(rand, 43), &h.params)
	return h, err
}

// run lets f compute when it is its turn.
func (h *hasher) run(ctx context.Context, f func() error) error {
	select {
	case h.queue <- struct{}{}:
		defer func() { <-h.queue }()
	default:
		return fault.New(fault.Unavailable, "The server is busy checking passwords. Try again in a moment.")
	}
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
		return f()
	case <-ctx.Done():
		return fault.New(fault.Unavailable, "the request ended before its password was looked at").Because(ctx.Err())
	}
}

// make hashes a password.
func (h *hasher) make(ctx context.Context, password string) (hashed string, err error) {
	err = h.run(ctx, func() (err error) {
		hashed, err = argon2id.CreateHash(normal(password), &h.params)
		return err
	})
	return hashed, err
}

// check compares a password with a hash, or with nobody's when there is none: that takes as long. old says that the hash was made with other
// parameters than new ones are.
func (h *hasher) check(ctx context.Context, hashed, password string) (match, old bool, err error) {
	against := hashed
	if against == "" {
		against = h.nobody
	}
	err = h.run(ctx, func() error {
		ok, params, err := argon2id.CheckHash(normal(password), against)
		match = ok && hashed != ""
		old = match && *params != h.params
		return err
	})
	return match, old, err
}

// normal is the form in which passwords are hashed: the same keys give the same password on every machine (RFC 8265 §4.2: NFC).
func normal(password string) string { return norm.NFC.String(password) }

// checkPassword says what is wrong with a new password (NIST SP 800-63B §3.1.1.2: length and lists, no rules about kinds of characters).
func (s *Service) checkPassword(set Settings, u directory.User, password string) error {
	bad := func(format string, args ...any) error {
		return fault.New(fault.Invalid, format, args...).At("password").For("password")
	}
	switch n := utf8.RuneCountInString(password); {
	case !utf8.ValidString(password) || strings.ContainsRune(password, 0):
		return bad("The password is not text.")
	case n < set.MinLength:
		return bad("The password has %d characters; it needs at least %d. Several words make a good one.", n, set.MinLength)
	case n > MaxLength:
		return bad("The password has more than %d characters.", MaxLength)
	}
	folded := directory.Fold(password)
	name, _, _ := strings.Cut(directory.Fold(u.UserName), "@")
	if len(name) >= 4 && strings.Contains(folded, name) {
		return bad("The password contains the user name, which is the first thing that others would try.")
	}
	if repeats(folded) {
		return bad("The password is one or two characters again and again.")
	}
	found, err := s.breached(normal(password))
	if err != nil {
		return err
	}
	if found {
		return bad("This password is in a list of passwords that were stolen elsewhere, and such lists are what others try first. Choose another one.")
	}
	return nil
}

// repeats reports whether a text has at most two different characters.
func repeats(s string) bool {
	seen := map[rune]bool{}
	for _, r := range s {
		seen[r] = true
	}
	return len(seen) <= 2
}

// oneTime mints a password that people can read aloud: 20 of 31 characters, 99 bits.
func (s *Service) oneTime() string { return readable(s.rand, 20, 5) }

// readable mints random characters in groups, without those that look alike.
func readable(r io.Reader, n, group int) string {
	const alphabet = "abcdefghjkmnpqrstuvwxyz23456789-" // 32 characters; the dash is left out below
	var b strings.Builder
	one := make([]byte, 1)
	for i := 0; i < n; {
		if _, err := io.ReadFull(r, one); err != nil {
			panic("credential: no randomness: " + err.Error()) // crypto/rand never fails (Go 1.24)
		}
		c := alphabet[one[0]&31]
		if c == '-' {
			continue
		}
		if i > 0 && i%group == 0 {
			b.WriteByte('-')
		}
		b.WriteByte(c)
		i++
	}
	return b.String()
}
