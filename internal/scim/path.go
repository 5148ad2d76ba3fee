package scim

import "strings"

// target is a parsed PATCH path: attribute, attribute.sub, attribute[filter] or attribute[filter].sub, each
// possibly behind a schema URN and a colon (RFC 7644 §3.5.2, Figure 7).
type target struct {
	ref
	filter expr
}

// parsePath reads a PATCH path. A name that nobody knows is not an error here: what clients map to attributes
// we do not keep is ignored, as it is in a POST.
func parsePath(rt *ResourceType, s string) (target, error) {
	if len(s) > maxFilterLength {
		return target{}, refuse(InvalidPath, "the path is longer than %d bytes", maxFilterLength)
	}
	s = strings.TrimSpace(s)
	name, rest := s, ""
	if i := strings.IndexByte(s, '['); i >= 0 {
		name, rest = s[:i], s[i:]
	}
	if !isPathName(name) {
		return target{}, refuse(InvalidPath, "the path %q does not begin with the name of an attribute", clip(s))
	}
	t := target{ref: rt.resolve(name)}
	if rest == "" {
		return t, nil
	}
	return filteredPath(t, rest, s)
}

// isPathName checks the characters of a name before its brackets.
func isPathName(s string) bool {
	for i := range len(s) {
		if !isWord(s[i]) {
			return false
		}
	}
	return isAttributePath(s)
}

// filteredPath reads the "[filter]" and the ".sub" of a path.
func filteredPath(t target, rest, whole string) (target, error) {
	if t.attr == nil {
		t.whole = false // "urn:…:User[…]" means nothing
		return t, nil
	}
	if !t.attr.Multi || t.sub != nil {
		return target{}, refuse(InvalidPath, "%q in the path %q has no elements to choose from", t.name(), clip(whole))
	}
	p := &filterParser{in: rest}
	inner, err := p.element(t.attr, 0)
	if err != nil {
		return target{}, err
	}
	t.filter = inner
	tail := p.in[p.pos:]
	if tail == "" {
		return t, nil
	}
	name, ok := strings.CutPrefix(tail, ".")
	if !ok || !isPathName(name) {
		return target{}, refuse(InvalidPath, "the path %q goes on after its \"]\"", clip(whole))
	}
	if t.sub = t.attr.sub(name); t.sub == nil {
		t.ref = ref{}
	}
	return t, nil
}

// clip shortens what a client sent for a message.
func clip(s string) string {
	if len(s) > 120 {
		return s[:120] + "…"
	}
	return s
}
