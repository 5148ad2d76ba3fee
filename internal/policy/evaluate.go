package policy

import (
	"fmt"
	"slices"
	"strings"
)

// Context holds the condition keys of a request and their values. Keys are compared without regard to case;
// [Context.Set] folds them.
type Context map[string][]string

// Ambiguous is the value of a key that has two values where it should have one: tag keys are told apart by case and condition keys
// are not, so a resource with the tags Team and team has two of aws:ResourceTag/team. No condition on such a key helps an Allow, none hinders
// a Deny, and it is no value of a policy variable.
const Ambiguous = string(rune(anyRun)) // no value of a request holds it, and no policy may

// Set gives a key its values, in place of those it had.
func (c Context) Set(key string, values ...string) { c[lower(key)] = values }

// Add gives a key its values; one that has others already becomes [Ambiguous].
func (c Context) Add(key string, values ...string) {
	key = lower(key)
	if have, ok := c[key]; ok && !slices.Equal(have, values) {
		values = []string{Ambiguous}
	}
	c[key] = values
}

// folded returns c with all keys in lower case; c itself where they are already.
func (c Context) folded() Context {
	for k := range c {
		if lower(k) != k {
			out := make(Context, len(c))
			for k, v := range c {
				out.Add(k, v...)
			}
			return out
		}
	}
	return c
}

// Request is what is to be decided.
type Request struct {
	Principal Principal
	// Action is service:Name, in any case.
	Action string
	// Resource is the ARN acted on, or "*" for actions that name none.
	Resource string
	// ResourceAccount owns the resource; empty means the principal's own account.
	ResourceAccount string
	// Context holds the condition keys.
	Context Context
}

// Layer is a sort of policy, by its place in the evaluation.
type Layer uint8

const (
	// LayerNone decided nothing: nobody allowed.
	LayerNone Layer = iota
	// LayerOrganization is the service control policies.
	LayerOrganization
	// LayerResource is the policy of the resource (of a role: its trust policy).
	LayerResource
	// LayerBoundary is the permissions boundary.
	LayerBoundary
	// LayerSession is the session policies.
	LayerSession
	// LayerIdentity is the policies of the user or role.
	LayerIdentity
)

var layerNames = [...]string{"policy", "service control policy", "resource-based policy", "permissions boundary", "session policy", "identity-based policy"}

// String returns AWS's word for the layer.
func (l Layer) String() string { return layerNames[l] }

// Named is a document with the name that decisions mention: an ARN, or an inline policy's name.
type Named struct {
	Name     string
	Document *Document
}

// Policies are all that bear on a request.
type Policies struct {
	// Identity are the managed and inline policies of the user or role; one of them must allow.
	Identity []Named
	// Boundary must allow as well, when there is one.
	Boundary *Named
	// Session policies: one of them must allow as well, when there are any.
	Session []Named
	// Organization has one list for each level from the root down to the account; at each level one policy must
	// allow. Leave it empty where service control policies do not apply (management account).
	Organization [][]Named
	// Resource is the resource's own policy, if it has one.
	Resource *Named
	// Trust says that Resource is a role's trust policy: unlike other resource-based policies it must
	// allow even within one account.
	Trust bool
}

// Decision is the answer.
type Decision struct {
	Allowed bool
	// Explicit is true when a Deny statement decided.
	Explicit bool
	// Layer is the sort of policy that decided: by its statement, or by allowing nothing.
	Layer Layer
	// Policy, Statement (counted from 0) and Sid name the deciding statement; Policy is empty when none did.
	Policy    string
	Statement int
	Sid       string
	// Reason is AWS's clause, to come after "is not authorized to perform: … on resource: …";
	// empty when allowed.
	Reason string
}

// Evaluate decides in AWS's order: an explicit deny anywhere; then what must allow: service control policies at
// every level, the resource's policy (which can be enough by itself within one account), the boundary, the
// session policies, the identity's policies. Nothing is allowed that no statement allows.
func Evaluate(p Policies, q Request) Decision {
	e := newEvaluation(p, q)
	if d, denied := e.denied(); denied {
		return d
	}
	for _, level := range p.Organization {
		if e.first(level, Allow) == nil {
			return e.implicit(LayerOrganization)
		}
	}
	grant, reach := e.resourceGrant()
	switch {
	case q.Principal.Kind == Anonymous || q.Principal.Kind == Federated || q.Principal.Kind == Service:
		if reach < named {
			return e.implicit(LayerResource)
		}
		return e.allowed(LayerResource, grant)
	case reach == notNamed && (e.crossAccount() || p.Trust):
		return e.implicit(LayerResource)
	case !e.crossAccount() && reach == namedSession:
		return e.allowed(LayerResource, grant)
	}
	enough := !e.crossAccount() && reach == named
	return e.ownSide(grant, enough)
}

// ownSide asks the policies of the principal's own account. enough says that the resource's policy already stands for
// the identity's.
func (e *evaluation) ownSide(grant *hit, enough bool) Decision {
	if b := e.policies.Boundary; b != nil && e.first([]Named{*b}, Allow) == nil {
		return e.implicit(LayerBoundary)
	}
	if s := e.policies.Session; len(s) > 0 && e.first(s, Allow) == nil {
		return e.implicit(LayerSession)
	}
	if h := e.first(e.policies.Identity, Allow); h != nil {
		return e.allowed(LayerIdentity, h)
	}
	switch {
	case enough:
		return e.allowed(LayerResource, grant)
	case e.request.Principal.Kind == Root:
		return Decision{Allowed: true, Layer: LayerIdentity}
	default:
		return e.implicit(LayerIdentity)
	}
}

// evaluation is one request with everything that is computed from it once.
type evaluation struct {
	policies      Policies
	request       Request
	context       Context
	service, name string // the action in lower case
	parts         *[6]string
	stored        [6]string
}

func newEvaluation(p Policies, q Request) *evaluation {
	e := &evaluation{policies: p, request: q, context: q.Context.folded()}
	e.service, e.name, _ = strings.Cut(lower(q.Action), ":")
	rest := q.Resource
	for i := range e.stored {
		part, after, more := strings.Cut(rest, ":")
		if i == len(e.stored)-1 {
			e.stored[i] = rest
			e.parts = &e.stored
			break
		}
		if !more {
			break
		}
		e.stored[i], rest = part, after
	}
	return e
}

func (e *evaluation) crossAccount() bool {
	return e.request.ResourceAccount != "" && e.request.ResourceAccount != e.request.Principal.AccountID
}

// hit is a statement that applies.
type hit struct {
	policy    string
	statement *statement
}

// first returns the first statement with the given effect that applies.
func (e *evaluation) first(list []Named, effect Effect) *hit {
	for i := range list {
		d := list[i].Document
		if d == nil {
			continue
		}
		for j := range d.statements {
			s := &d.statements[j]
			if s.effect == effect && e.applies(s) == applies {
				return &hit{list[i].Name, s}
			}
		}
	}
	return nil
}

// denied looks for an explicit deny in every policy there is.
func (e *evaluation) denied() (Decision, bool) {
	p := &e.policies
	for _, level := range p.Organization {
		if h := e.first(level, Deny); h != nil {
			return e.explicit(LayerOrganization, h), true
		}
	}
	layers := [...]struct {
		layer Layer
		list  []Named
	}{{LayerResource, one(p.Resource)}, {LayerBoundary, one(p.Boundary)}, {LayerSession, p.Session}, {LayerIdentity, p.Identity}}
	for _, l := range layers {
		if h := e.first(l.list, Deny); h != nil {
			return e.explicit(l.layer, h), true
		}
	}
	return Decision{}, false
}

func one(n *Named) []Named {
	if n == nil {
		return nil
	}
	return []Named{*n}
}

// resourceGrant returns the statement of the resource's policy that allows with the furthest reach.
func (e *evaluation) resourceGrant() (*hit, reach) {
	r := e.policies.Resource
	if r == nil || r.Document == nil {
		return nil, notNamed
	}
	var best *hit
	far := notNamed
	for i := range r.Document.statements {
		s := &r.Document.statements[i]
		if s.effect != Allow || s.principals == nil || e.applies(s) != applies {
			continue
		}
		if reach := s.reach(e.request.Principal); reach > far {
			best, far = &hit{r.Name, s}, reach
		}
	}
	return best, far
}

// reach says how an applying Allow names the principal.
func (s *statement) reach(p Principal) reach {
	if s.notPrincipal {
		return named
	}
	return s.principals.names(p)
}

// outcome says whether a statement applies, and if not, what is in the way.
type outcome uint8

const (
	applies outcome = iota
	otherPrincipal
	otherAction
	otherResource
	conditionFails
)

func (e *evaluation) applies(s *statement) outcome {
	switch {
	case s.principals != nil && !s.notPrincipal && s.principals.names(e.request.Principal) == notNamed:
		return otherPrincipal
	case s.principals != nil && s.notPrincipal && e.spared(s):
		return otherPrincipal
	case e.actionIn(s) == s.notAction:
		return otherAction
	case !e.resourceFits(s):
		return otherResource
	}
	for i := range s.conditions {
		if !s.conditions[i].holds(e.context, s.effect) {
			return conditionFails
		}
	}
	return applies
}

// spared reports whether a NotPrincipal element takes the principal out of the statement. A Deny of this form spares no user or role that
// has a permissions boundary (IAM JSON policy elements: NotPrincipal).
func (e *evaluation) spared(s *statement) bool {
	if s.effect == Deny && e.policies.Boundary != nil {
		return false
	}
	return s.principals.spares(e.request.Principal, s.effect)
}

func (e *evaluation) actionIn(s *statement) bool {
	for i := range s.actions {
		if s.actions[i].matches(e.service, e.name) {
			return true
		}
	}
	return false
}

// resourceFits compares the resource. A pattern whose variable has no value names nothing; in the NotResource of
// an Allow it excludes everything, so that a missing tag never widens access.
func (e *evaluation) resourceFits(s *statement) bool {
	if len(s.resources) == 0 {
		return true
	}
	in := no
	for i := range s.resources {
		switch s.resources[i].matches(e.parts, e.context) {
		case yes:
			return !s.notResource
		case unknown:
			in = unknown
		}
	}
	if s.notResource {
		return in == no || s.effect == Deny
	}
	return false
}

func (e *evaluation) allowed(l Layer, h *hit) Decision {
	return Decision{Allowed: true, Layer: l, Policy: h.policy, Statement: h.statement.index, Sid: h.statement.sid}
}

func (e *evaluation) explicit(l Layer, h *hit) Decision {
	return Decision{Explicit: true, Layer: l, Policy: h.policy, Statement: h.statement.index, Sid: h.statement.sid,
		Reason: "with an explicit deny in " + article(e.layerName(l)) + e.layerName(l)}
}

func (e *evaluation) implicit(l Layer) Decision {
	return Decision{Layer: l, Statement: -1, Reason: fmt.Sprintf("because no %s allows the %s action", e.layerName(l), e.request.Action)}
}

func (e *evaluation) layerName(l Layer) string {
	if l == LayerResource && e.policies.Trust {
		return "role trust policy"
	}
	return l.String()
}

func article(noun string) string {
	if strings.ContainsRune("aeiou", rune(noun[0])) {
		return "an "
	}
	return "a "
}

// Denial is the sentence AWS answers for a decision that is not allowed.
func Denial(q Request, d Decision) string {
	return fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %s %s", q.Principal.Name(), q.Action, q.Resource, d.Reason)
}
