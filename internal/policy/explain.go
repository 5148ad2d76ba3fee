package policy

// Step is one statement that [Explain] looked at.
type Step struct {
	Layer Layer
	// Level counts the levels of the organization from 0, the root's; it is 0 in other layers.
	Level  int
	Policy string
	// Statement counts from 0; Sid may be empty.
	Statement int
	Sid       string
	Effect    Effect
	// Start is where the statement's opening brace stands in the document, End is after its closing one.
	Start, End Position
	// Applies says whether the statement applies to the request; Why says what is in the way if not, for people.
	Applies bool
	Why     string
}

// Explain decides like [Evaluate] and lists every statement of every policy with what became of it, in the
// order of evaluation's layers. It is for people; requests are decided by Evaluate.
func Explain(p Policies, q Request) (Decision, []Step) {
	e := newEvaluation(p, q)
	var steps []Step
	for i, level := range p.Organization {
		before := len(steps)
		steps = e.explain(steps, LayerOrganization, level)
		for j := before; j < len(steps); j++ {
			steps[j].Level = i
		}
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
			steps = append(steps, Step{Layer: layer, Policy: n.Name, Statement: s.index, Sid: s.sid, Effect: s.effect, Start: s.start, End: s.end, Applies: o == applies, Why: e.why(s, o)})
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
