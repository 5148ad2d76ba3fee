package policy

// Step is one statement that [Explain] looked at.
type Step struct {
	Layer  Layer
	Policy string
	// Statement counts from 0; Sid may be empty.
	Statement int
	Sid       string
	Effect    Effect
	// Applies says whether the statement applies to the request; Why says what is in the way if not, for people.
	Applies bool
	Why     string
}

// Explain decides like [Evaluate] and lists every statement of every policy with what became of it, in the
// order of evaluation's layers. It is for people; requests are decided by Evaluate.
func Explain(p Policies, q Request) (Decision, []Step) {
	e := newEvaluation(p, q)
	var steps []Step
	for _, level := range p.Organization {
		steps = e.explain(steps, LayerOrganization, level)
	}
	steps = e.explain(steps, LayerResource, one(p.Resource))
	steps = e.explain(steps, LayerBoundary, one(p.Boundary))
	steps = e.explain(steps, LayerSession, p.Session)
	steps = e.explain(steps, LayerIdentity, p.Identity)
	return Evaluate(p, q), steps
}

func (e *evaluation) explain(steps []Step, layer Layer, list []Named) []Step {
	for _, n := range list {
		if n.Document == nil {
			continue
		}
		for i := range n.Document.statements {
			s := &n.Document.statements[i]
			o := e.applies(s)
			steps = append(steps, Step{Layer: layer, Policy: n.Name, Statement: s.index, Sid: s.sid, Effect: s.effect, Applies: o == applies, Why: e.why(s, o)})
		}
	}
	return steps
}

func (e *evaluation) why(s *statement, o outcome) string {
	switch o {
	case otherPrincipal:
		return "the principal is another"
	case otherAction:
		return "the action is another"
	case otherResource:
		return "the resource is another"
	case conditionFails:
		for i := range s.conditions {
			if c := &s.conditions[i]; !c.holds(e.context, s.effect) {
				if len(e.context[c.folded]) == 0 {
					return "condition " + c.operator + " on " + c.key + " is not met: the request has no " + c.key
				}
				return "condition " + c.operator + " on " + c.key + " is not met"
			}
		}
	}
	return ""
}
