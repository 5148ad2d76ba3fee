package policy

import (
	"regexp"
	"strings"
)

// action is one compiled entry of Action or NotAction.
type action struct {
	any     bool   // "*"
	service string // in lower case, without wildcards
	name    string // compiled pattern in lower case
	wild    bool
}

func (a *action) matches(service, name string) bool {
	switch {
	case a.any:
		return true
	case a.service != service:
		return false
	case a.wild:
		return match(a.name, name)
	default:
		return a.name == name
	}
}

var (
	actionService = regexp.MustCompile(`^[a-zA-Z0-9-]+$`)
	actionName    = regexp.MustCompile(`^[a-zA-Z0-9_*?./-]+$`)
	trustAction   = regexp.MustCompile(`^(assumerole|assumerolewithsaml|assumerolewithwebidentity|tagsession|setsourceidentity|setcontext)$`)
)

func (p *parser) actions(s *statement, v node) error {
	items, err := p.strings(v, "Action")
	if err != nil {
		return err
	}
	if len(items) == 0 {
		return p.refuse(v, "Policy statement must contain actions.")
	}
	for _, item := range items {
		a, err := p.action(item)
		if err != nil {
			return err
		}
		s.actions = append(s.actions, a)
	}
	return nil
}

func (p *parser) action(v node) (action, error) {
	if v.text == "*" && p.use != ForTrust {
		return action{any: true}, nil
	}
	service, name, ok := strings.Cut(v.text, ":")
	switch {
	case !ok:
		return action{}, p.refuse(v, "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.: %q is not", clip(v.text))
	case strings.Contains(name, ":"):
		return action{}, p.refuse(v, "Actions/Condition can contain only one colon.")
	case !actionService.MatchString(service):
		return action{}, p.refuse(v, "Vendor %s is not valid", clip(service))
	case !actionName.MatchString(name):
		return action{}, p.errorf(v, "%q is not the name of an action", clip(v.text))
	}
	a := action{service: lower(service), name: wild(lower(name))}
	a.wild = isWild(a.name)
	if p.use == ForTrust && (a.service != "sts" || !(a.wild || trustAction.MatchString(a.name))) {
		return action{}, p.refuse(v, "AssumeRole policy may only specify STS AssumeRole actions.")
	}
	return a, nil
}

// resource is one compiled entry of Resource or NotResource: an ARN pattern, compared part by part. A
// wildcard does not reach over a colon, except in the last part.
type resource struct {
	any   bool // "*"
	parts [6]template
}

func (r *resource) matches(parts *[6]string, c Context) verdict {
	if r.any {
		return yes
	}
	if parts == nil {
		return no // the request has no ARN: the action works on "*" only
	}
	out := yes
	for i := len(parts) - 1; i >= 0; i-- { // the last parts differ most often
		switch r.parts[i].matches(parts[i], c) {
		case no:
			return no
		case unknown:
			out = unknown
		}
	}
	return out
}

func (p *parser) resources(s *statement, m member) error {
	items, err := p.strings(m.value, m.name)
	if err != nil {
		return err
	}
	if len(items) == 0 {
		return p.refuse(m.value, "Policy statement must contain resources.")
	}
	for _, item := range items {
		r, err := p.resource(item)
		if err != nil {
			return err
		}
		s.resources = append(s.resources, r)
	}
	return nil
}

func (p *parser) resource(v node) (resource, error) {
	if v.text == "*" {
		return resource{any: true}, nil
	}
	d := dialect{wildcards: true, variables: p.out.version == "2012-10-17"}
	parts, err := split(v.text, d, 6)
	switch {
	case err != nil:
		return resource{}, p.errorf(v, "%s", err)
	case !strings.HasPrefix(v.text, "arn:"):
		return resource{}, p.refuse(v, "Resource %s must be in ARN format or \"*\".", clip(v.text))
	case len(parts) > 2 && (parts[2].wild || parts[2].pieces != nil):
		return resource{}, p.refuse(v, "Resource vendor must be fully qualified and cannot contain regexes.")
	}
	// IAM completes an ARN that is too short with wildcards.
	var r resource
	for i := range r.parts {
		r.parts[i] = template{fixed: string(rune(anyRun)), wild: true}
		if i < len(parts) {
			r.parts[i] = parts[i]
		}
	}
	return r, nil
}
