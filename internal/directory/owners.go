package directory

import (
	"context"
	"maps"
	"slices"

	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
)

// Every user and every group has one owner: the source that made it, the built-in directory, or nobody but the administrators who made it by
// hand. A source's SCIM client changes what the source owns, and what its owner rules let it adopt. Everything else does not exist for it,
// except that names are unique in the whole identity store.

// OwnerRule says what a source's SCIM client may do with users and groups of another owner.
type OwnerRule string

const (
	// RuleRefuse is the default: they do not exist for the client, and their names are taken.
	RuleRefuse OwnerRule = "refuse"
	// RuleAdopt lets the client see them. With the first change it makes, the source becomes the owner; the id stays, and with it every
	// membership and assignment. Before that the client cannot delete them.
	RuleAdopt OwnerRule = "adopt"
)

// Owners are a source's owner rules. The zero Owners refuse everything.
type Owners struct {
	// Local is for users and groups made by hand.
	Local OwnerRule
	// Directories is for those of other sources, by their ids. A source that is not named is refused.
	Directories map[string]OwnerRule
}

// MaxOwnerRules is how many other sources a source may have a rule for.
const MaxOwnerRules = 100

// Owner is how an owner is called where people read it.
func Owner(source string) string {
	switch source {
	case "":
		return "local"
	case BuiltIn:
		return "the built-in directory"
	}
	return source
}

// Owns reports whether what belongs to owner is the source's own.
func (s Source) Owns(owner string) bool { return owner == s.ID }

// Adopts reports whether the source's client may take over what belongs to owner. What belongs to the built-in directory is never taken over.
func (s Source) Adopts(owner string) bool {
	switch owner {
	case s.ID, BuiltIn:
		return false
	case "":
		return s.Owners.Local == RuleAdopt
	}
	return s.Owners.Directories[owner] == RuleAdopt
}

// Sees reports whether what belongs to owner exists for the source's client.
func (s Source) Sees(owner string) bool { return s.Owns(owner) || s.Adopts(owner) }

// Sight lists the owners whose users and groups exist for the source's client, its own first.
func (s Source) Sight() []string {
	out := []string{s.ID}
	if s.Adopts("") {
		out = append(out, "")
	}
	for _, id := range slices.Sorted(maps.Keys(s.Owners.Directories)) {
		if s.Adopts(id) {
			out = append(out, id)
		}
	}
	return out
}

// Admits reports whether u may sign in through s.
func (s Source) Admits(u User) bool { return u.Source == s.ID || (u.Source == "" && s.LocalUsers) }

// checkOwners brings owner rules into one form: only what differs from the default is kept.
func checkOwners(src *Source) error {
	o := &src.Owners
	if o.Local == "" {
		o.Local = RuleRefuse
	}
	if len(o.Directories) > MaxOwnerRules {
		return invalid("owners", "a source has rules for at most %d other sources", MaxOwnerRules)
	}
	kept := map[string]OwnerRule{}
	for id, rule := range o.Directories {
		if !sourceID.MatchString(id) || id == src.ID || id == BuiltIn {
			return invalid("owners", "%q is not another identity source, so there is no rule for what it owns", id)
		}
		if err := checkRule(rule); err != nil {
			return err
		}
		if rule != RuleRefuse {
			kept[id] = rule
		}
	}
	if o.Directories = kept; len(kept) == 0 {
		o.Directories = nil
	}
	return checkRule(o.Local)
}

func checkRule(r OwnerRule) error {
	if r != RuleRefuse && r != RuleAdopt {
		return invalid("owners", "an owner rule is %q or %q, not %q", RuleRefuse, RuleAdopt, r)
	}
	return nil
}

// SetOwners replaces a source's owner rules. Every source that they name must exist.
func (s *Service) SetOwners(ctx context.Context, a audit.Actor, id string, o Owners) (Source, error) {
	for other := range o.Directories {
		if _, err := s.store.Source(ctx, other); fault.Is(err, fault.NotFound) {
			return Source{}, invalid("owners", "there is no identity source %q", other)
		} else if err != nil {
			return Source{}, err
		}
	}
	return s.UpdateSource(ctx, a, id, func(src *Source) error {
		src.Owners = Owners{Local: o.Local, Directories: maps.Clone(o.Directories)}
		return nil
	})
}

// client returns the source whose SCIM client the actor is; false for every other actor, whom owner rules do not bind.
func (s *Service) client(ctx context.Context, a audit.Actor) (Source, bool, error) {
	if a.Kind != audit.Directory {
		return Source{}, false, nil
	}
	src, err := s.store.Source(ctx, a.ID)
	return src, true, err
}

// changer finds out who changes something that belongs to owner: the source whose client the actor is, or nobody in particular. What does not
// exist for the client is fault.NotFound.
func (s *Service) changer(ctx context.Context, a audit.Actor, resource, id, owner string) (src Source, isClient bool, err error) {
	src, isClient, err = s.client(ctx, a)
	if err == nil && isClient && !src.Sees(owner) {
		err = fault.New(fault.NotFound, "%s not found.", resource).About(resource, id)
	}
	return src, isClient, err
}

// mayDelete refuses a source's client what is not, or not yet, its own.
func (s *Service) mayDelete(ctx context.Context, a audit.Actor, resource, id, owner string) error {
	src, isClient, err := s.changer(ctx, a, resource, id, owner)
	if err == nil && isClient && !src.Owns(owner) {
		err = fault.New(fault.Denied, "this directory may adopt what it was about to delete (owner: %s), and has not; it can delete only what it owns", Owner(owner)).For("owner").About(resource, id)
	}
	return err
}

// Issuer is the external-ID issuer under which the clients of a source keep their externalId.
func Issuer(source string) string { return "scim/" + source }

// adopted returns a resource's external ids as they are when its owner changes: the id that the owner before knew it by is not kept.
func adopted(ids []ExternalID, before string) []ExternalID {
	if before == "" || before == BuiltIn {
		return ids
	}
	return SetExternalID(ids, Issuer(before), "")
}

// ownership adds to an event that the owner changed, and calls a client's change by its name.
func ownership(e audit.Event, a audit.Actor, kind, before, now string) audit.Event {
	if before == now {
		return e
	}
	if a.Kind == audit.Directory {
		e.Action = "gatehouse:Adopt" + kind
	}
	return e.With("ownerBefore", Owner(before)).With("owner", Owner(now))
}
