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
	partition     = regexp.MustCompile(`^aws(-[a-z]+)*$`)
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
	if (v.text == "*" || v.text == "*:*") && p.use != ForTrust {
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

// resource is one compiled entry of Resource or NotResource: an ARN pattern, compared part by part. A wildcard does not reach
// over a colon, except in the last part and where a star is the last character of a part ("arn:aws:iam:*:role/x" is also about
// arn:aws:iam::111122223333:role/x; IAM JSON policy elements: Resource).
type resource struct {
	any   bool // "*"
	parts [6]template
	// written is how many parts were written, reaches has a bit for each of them but the last that ends in a star.
	written int
	reaches uint8
}

func (r *resource) matches(parts *[6]string, c Context) verdict {
	if r.any {
		return yes
	}
	if parts == nil {
		return no // the request has no ARN: the action works on "*" only
	}
	out := r.aligned(parts, c)
	if out == yes || r.reaches == 0 || r.written == len(parts) && !strings.Contains(parts[len(parts)-1], ":") {
		return out // there is nothing further to reach
	}
	return max(out, r.stretched(parts, c))
}

// aligned compares each part of the pattern with the part of the ARN at its place.
func (r *resource) aligned(parts *[6]string, c Context) verdict {
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

// maxReach is how many colons the stars at the ends of a pattern's parts reach over together; no ARN here has nearly as many.
const maxReach = 64

// stretched lets the stars at the ends of parts reach over colons; the pattern is taken as it was written, not completed. It goes
// through the pattern from its end: fits[j] says whether the parts so far fit the ARN from its segment j on. A part is compared with one
// segment, so the work is at most that of aligned for each segment.
func (r *resource) stretched(parts *[6]string, c Context) verdict {
	segments := strings.SplitN(strings.Join(parts[:], ":"), ":", maxSegments)
	last := r.written - 1
	fits := make([]verdict, len(segments))
	for j := last; j < len(segments); j++ {
		fits[j] = r.parts[last].matches(strings.Join(segments[j:], ":"), c)
	}
	for part := last - 1; part >= 0; part-- {
		further := no // the best of what comes after the next colon, or after any
		for j := len(segments) - 1; j >= 0; j-- {
			next := fits[j]
			fits[j] = min(r.parts[part].matches(segments[j], c), further)
			if r.reaches&(1<<part) != 0 {
				next = max(next, further)
			}
			further = next
		}
	}
	return fits[0]
}

// maxSegments bounds what stars reach over; no ARN here has nearly as many parts. What comes after belongs to the last.
const maxSegments = 64

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
	case len(parts) > 1 && !parts[1].wild && parts[1].pieces == nil && !partition.MatchString(parts[1].fixed):
		return resource{}, p.refuse(v, "Partition %q is not valid for resource %q.", clip(parts[1].fixed), clip(v.text))
	case len(parts) > 2 && (parts[2].wild || parts[2].pieces != nil):
		return resource{}, p.refuse(v, "Resource vendor must be fully qualified and cannot contain regexes.")
	}
	// IAM completes an ARN that is too short with wildcards.
	r := resource{written: len(parts)}
	for i := range r.parts {
		r.parts[i] = template{fixed: string(rune(anyRun)), wild: true}
		if i < len(parts) {
			r.parts[i] = parts[i]
		}
		if i < len(parts)-1 && r.parts[i].endsInStar() {
			r.reaches |= 1 << i
		}
	}
	return r, nil
}
