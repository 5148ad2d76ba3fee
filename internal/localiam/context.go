package localiam

import (
	"context"
	"maps"
	"slices"

	"gatehouse/internal/fault"
	"gatehouse/internal/policy"
)

// ContextProvider is the one provider whose contexts are taken (API_ProvidedContext).
const ContextProvider = "arn:aws:iam::aws:contextProvider/IdentityCenter"

// ProvidedContext is a statement about a person that a caller of AssumeRole shows: who she is on whose behalf it acts.
type ProvidedContext struct{ ProviderARN, Assertion string }

// PersonContext is what a context says, once it was believed.
type PersonContext struct {
	// UserID is the person of the identity store.
	UserID string
	// Keys are condition keys that the session has with all that it does; empty for a context that is for logs alone.
	Keys map[string]string
}

// ReasonContextExpired is the reason of the refusal of a context that is over.
const ReasonContextExpired = "expired-context"

// Contexts opens a context that a principal of an account shows. One that was not issued to that account is fault.Invalid; one that is over too, with
// Reason [ReasonContextExpired].
type Contexts func(ctx context.Context, accountID, assertion string) (PersonContext, error)

// maxSubjects bounds the people on whose behalf a chain of sessions acts.
const maxSubjects = 4

// openContext believes, or refuses, what the caller shows.
func (s *Service) openContext(ctx context.Context, c Caller, in *SessionRequest) error {
	if len(in.Contexts) == 0 {
		return nil
	}
	if len(in.Contexts) > 1 || in.Contexts[0].ProviderARN != ContextProvider || s.cfg.Contexts == nil {
		return fault.New(fault.Invalid, "ProvidedContexts takes one context, of the provider %s.", ContextProvider).At("ProvidedContexts")
	}
	p, err := s.cfg.Contexts(ctx, c.AccountID, in.Contexts[0].Assertion)
	if err != nil {
		return err
	}
	in.person = &p
	return nil
}

// requested adds what a trust policy asks about the context.
func (p *PersonContext) requested(out policy.Context) {
	if p == nil {
		return
	}
	out.Set("sts:RequestContextProviders", ContextProvider)
	for key, value := range p.Keys {
		out.Set("sts:RequestContext/"+key, value)
		out.Set(key, value)
	}
}

// carry puts the context into the session that is made, with the people behind the session it is made from: it ends when any of them may not go on.
func (c *claims) carry(from *claims, p *PersonContext) error {
	if from != nil {
		c.Subjects = slices.Clone(from.Subjects)
	}
	if p != nil {
		c.Context = maps.Clone(p.Keys)
		if !slices.Contains(c.Subjects, p.UserID) {
			c.Subjects = append(c.Subjects, p.UserID)
		}
	}
	if len(c.Subjects) > maxSubjects {
		return fault.New(fault.Invalid, "A chain of sessions acts on behalf of %d people at most.", maxSubjects).At("ProvidedContexts")
	}
	return nil
}

// people are all who stand behind the session: it lives as long as they all may go on.
func (c *claims) people() []string {
	var out []string
	if p := c.person(); p != "" {
		out = append(out, p)
	}
	for _, p := range c.Subjects {
		if !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}
