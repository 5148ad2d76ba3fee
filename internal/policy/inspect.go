package policy

import (
	"maps"
	"slices"
)

// Principals returns the ARNs of users and roles that a document's Principal and NotPrincipal elements name, sorted. Accounts,
// sessions and unique ids are left out.
func (d *Document) Principals() []string {
	found := map[string]bool{}
	for i := range d.statements {
		if p := d.statements[i].principals; p != nil {
			for name := range p.aws {
				if m := awsIdentity.FindStringSubmatch(name); m != nil && m[3] != "" {
					found[name] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// Bind returns the document with principals replaced: where it names a key of ids, it names the value instead. IAM does so with the ARNs
// of users and roles when a policy is saved, so that whoever bears the ARN later is another.
func (d *Document) Bind(ids map[string]string) *Document {
	if len(ids) == 0 {
		return d
	}
	out := *d
	out.statements = slices.Clone(d.statements)
	for i := range out.statements {
		p := out.statements[i].principals
		if p == nil || len(p.aws) == 0 {
			continue
		}
		bound := *p
		bound.aws = make(map[string]bool, len(p.aws))
		for name := range p.aws {
			if id, ok := ids[name]; ok {
				name = id
			}
			bound.aws[name] = true
		}
		out.statements[i].principals = &bound
	}
	return &out
}

// ContextKeys returns the condition keys that a document asks about, in conditions and in policy variables, as written in the first place
// they occur (variables in lower case), sorted.
func (d *Document) ContextKeys() []string {
	found := map[string]string{}
	note := func(key string) {
		if _, known := found[lower(key)]; !known && key != "" {
			found[lower(key)] = key
		}
	}
	for i := range d.statements {
		s := &d.statements[i]
		for j := range s.conditions {
			note(s.conditions[j].key)
		}
		for j := range s.resources {
			for k := range s.resources[j].parts {
				for _, p := range s.resources[j].parts[k].pieces {
					note(p.key)
				}
			}
		}
	}
	return slices.Sorted(maps.Values(found))
}
