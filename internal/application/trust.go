package application

import (
	"context"
	"slices"

	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
)

// Untrusted is the reason of refusals of an assertion: RFC 7523 §3.1 tells it so.
const Untrusted = "invalid_grant"

// Accepted is an issuer whose assertions an application takes, with the audiences for which it takes them.
type Accepted struct {
	Issuer    Issuer
	Audiences []string
}

// Accepts returns the issuers of an application's JWT bearer grant whose URL is exactly that: none is a refusal. There may be several, since
// URLs need not be unique; each with its own audiences and its own mapping, so an assertion must be verified against one of them as a whole.
// Issuers that are gone are left out.
//
// Faults: Invalid with Reason [Untrusted].
func (s *Service) Accepts(ctx context.Context, a Application, url string) ([]Accepted, error) {
	var out []Accepted
	for _, t := range a.Grants.Issuers {
		i, err := s.Issuer(ctx, t.named())
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if i.URL == url {
			out = append(out, Accepted{i, slices.Clone(t.Audiences)})
		}
	}
	if len(out) == 0 {
		return nil, fault.New(fault.Invalid, "the application takes no assertions of this issuer").For(Untrusted)
	}
	return out, nil
}

// Named returns the one active user whom an issuer means by the value of its claim. No user, more than one and an inactive one are
// refused with the same sentence. Attributes by which a user is found are userName and emails.value, in folded case; an
// issuer that maps to another one finds nobody.
//
// Faults: Invalid with Reason [Untrusted].
func (s *Service) Named(ctx context.Context, i Issuer, value string) (directory.User, error) {
	no := fault.New(fault.Invalid, "the assertion names no one active user of the identity store").For(Untrusted)
	if value == "" {
		return directory.User{}, no
	}
	var found []directory.User
	switch i.UserPath {
	case "userName":
		u, err := s.people.UserByName(ctx, value)
		if err != nil {
			return directory.User{}, hide(err, no)
		}
		found = append(found, u)
	case "emails.value":
		us, err := s.people.UsersByEmail(ctx, value, 2) // a second one is all it takes to refuse
		if err != nil {
			return directory.User{}, hide(err, no)
		}
		found = us
	}
	if len(found) != 1 || !found[0].Active {
		return directory.User{}, no
	}
	return found[0], nil
}
