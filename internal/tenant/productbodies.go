package tenant

import "strings"

// profile arranges mapped values as SCIM has them: attributes of the core schema, and those of the enterprise extension. active is a boolean.
func profile(vals []value) (core, extension map[string]any) {
	core, extension = map[string]any{}, map[string]any{}
	names, multi := map[string]any{}, map[string]map[string]map[string]any{} // attr, type, sub
	for _, v := range vals {
		t := parseTarget(v.target)
		switch {
		case v.target == targetActive:
			core[t.attr] = v.text == "True"
		case t.ext:
			extension[t.attr] = v.text
		case t.filter != "":
			if multi[t.attr] == nil {
				multi[t.attr] = map[string]map[string]any{}
			}
			if multi[t.attr][t.filter] == nil {
				multi[t.attr][t.filter] = map[string]any{}
			}
			multi[t.attr][t.filter][t.sub] = v.text
		case t.sub != "":
			names[t.sub] = v.text
		default:
			core[t.attr] = v.text
		}
	}
	for attr, byType := range multi {
		core[attr] = elements(attr, byType)
	}
	if len(names) > 0 {
		core["name"] = sorted(names, "formatted", "familyName", "givenName")
	}
	return core, extension
}

// activeIs returns the values with another activity.
func activeIs(vals []value, active string) []value {
	out := []value{{targetActive, active}}
	for _, v := range vals {
		if v.target != targetActive {
			out = append(out, v)
		}
	}
	return out
}

func mappedTo(vals []value, target string) string {
	for _, v := range vals {
		if v.target == target {
			return v.text
		}
	}
	return ""
}

// identified puts an id after the schemas, as a PUT has it.
func identified(o object, id string) object {
	if id == "" {
		return o
	}
	return append(object{o[0], {"id", id}}, o[1:]...)
}

// plainUser is what the RFC would have: the core schema, and the extension if there is something in it.
func plainUser(vals []value, id string) object {
	core, extension := profile(vals)
	schemas := []string{coreUser}
	if len(extension) > 0 {
		schemas = append(schemas, enterpriseUser)
		core[enterpriseUser] = sorted(extension)
	}
	core["schemas"] = schemas
	return identified(sorted(core, "schemas", "externalId", "userName"), id)
}

// oktaUser has what Okta's protocol reference has: a placeholder for the password on creation, no groups, and a locale.
func oktaUser(vals []value, id, placeholder string) object {
	core, extension := profile(vals)
	core["schemas"], core["groups"] = []string{coreUser}, []any{}
	if core["locale"] == nil {
		core["locale"] = "en-US"
	}
	if id == "" {
		core["password"] = placeholder
	} else {
		core["meta"] = object{{"resourceType", "User"}}
	}
	if len(extension) > 0 {
		core["schemas"] = []string{coreUser, enterpriseUser}
		core[enterpriseUser] = sorted(extension)
	}
	return identified(sorted(core, "schemas", "userName", "name", "emails", "displayName", "locale", "externalId", "groups", "password", "active"), id)
}

// authentikUser is what authentik's default mapping makes: empty names are sent, addresses are of the type other.
func authentikUser(vals []value, id string, photos bool) object {
	o := object{{"schemas", []string{coreUser}}}
	if id != "" {
		o = append(o, member{"id", id})
	}
	o = append(o,
		member{"userName", mappedTo(vals, "userName")},
		member{"name", object{{"formatted", mappedTo(vals, "displayName")}, {"familyName", mappedTo(vals, "name.familyName")}, {"givenName", mappedTo(vals, "name.givenName")}}},
		member{"displayName", mappedTo(vals, "displayName")})
	if photos {
		o = append(o, member{"photos", []any{}})
	}
	emails := []object{}
	if a := mappedTo(vals, `emails[type eq "work"].value`); a != "" {
		emails = append(emails, object{{"value", a}, {"type", "other"}, {"primary", true}})
	}
	return append(o, member{"active", mappedTo(vals, targetActive) != "False"}, member{"emails", emails}, member{"externalId", mappedTo(vals, "externalId")})
}

func authentikGroup(g *Group, id string, _ []move) object {
	return identified(object{{"schemas", []string{coreGroup}}, {"externalId", g.ID}, {"displayName", g.DisplayName}}, id)
}

// jumpCloudUser knows neither extensions nor, in its requests, schemas and external ids.
func jumpCloudUser(vals []value) object {
	core, _ := profile(vals)
	delete(core, "externalId")
	return sorted(core, "userName", "name", "displayName", "active", "emails")
}

// oneLoginUser is a filled template: what has no value is an empty string.
func oneLoginUser(vals []value, id string) object {
	for _, target := range []string{"title", `phoneNumbers[type eq "work"].value`, enterpriseUser + ":department"} {
		if mappedTo(vals, target) == "" {
			vals = append(vals, value{target, ""})
		}
	}
	core, extension := profile(vals)
	extension["manager"] = object{{"value", ""}, {"displayName", ""}}
	core["schemas"], core[enterpriseUser] = []string{coreUser, enterpriseUser}, sorted(extension)
	return identified(sorted(core, "schemas", "userName", "externalId"), id)
}

func plainGroup(g *Group, _ string, _ []move) object {
	return object{{"schemas", []string{coreGroup}}, {"displayName", g.DisplayName}}
}

func bareGroup(g *Group, _ string, _ []move) object { return object{{"displayName", g.DisplayName}} }

func oktaGroup(g *Group, id string, members []move) object {
	return identified(object{{"schemas", []string{coreGroup}}, {"displayName", g.DisplayName}, {"members", displayed(members)}}, id)
}

// displayed are members with their names, as Okta sends them.
func displayed(moves []move) []object {
	out := make([]object, 0, len(moves))
	for _, m := range moves {
		out = append(out, object{{"value", m.target}, {"display", m.name}})
	}
	return out
}

func pathless(v object) object { return patchBody(object{{"op", "replace"}, {"value", v}}) }

func activityPathless(active bool) object { return pathless(object{{targetActive, active}}) }

func activityPath(active bool) object {
	return patchBody(object{{"op", "replace"}, {"path", targetActive}, {"value", active}})
}

func renamePath(g *Group, _ string) object {
	return patchBody(object{{"op", "replace"}, {"path", "displayName"}, {"value", g.DisplayName}})
}

// renamePaths is how authentik spares AWS an operation without a path.
func renamePaths(g *Group, _ string) object {
	return patchBody(object{{"op", "replace"}, {"path", "displayName"}, {"value", g.DisplayName}}, object{{"op", "replace"}, {"path", "externalId"}, {"value", g.ID}})
}

// lowerChanges are operations in lower case, each with a path; activity is a string.
func lowerChanges(_ Dialect, cs []change) object {
	var ops []object
	for _, c := range cs {
		v := c.text
		if c.target == targetActive {
			v = strings.ToLower(v)
		}
		ops = append(ops, object{{"op", strings.ToLower(c.op)}, {"path", c.target}, {"value", v}})
	}
	return patchBody(ops...)
}

func byFilter(m move) object {
	return object{{"op", "remove"}, {"path", "members[value eq " + quote(m.target) + "]"}}
}

// oktaMembers removes one by one, by a path with a filter, and adds all in one operation.
func oktaMembers(_ Dialect, moves []move) []object {
	var ops []object
	var joined []move
	for _, m := range moves {
		if m.add {
			joined = append(joined, m)
		} else {
			ops = append(ops, byFilter(m))
		}
	}
	if len(joined) > 0 {
		ops = append(ops, object{{"op", "add"}, {"path", "members"}, {"value", displayed(joined)}})
	}
	return ops
}

// singleMembers are authentik's: an operation for each member, who is named by a value also when she is removed.
func singleMembers(_ Dialect, moves []move) []object {
	ops := make([]object, 0, len(moves))
	for _, m := range moves {
		op := "remove"
		if m.add {
			op = "add"
		}
		ops = append(ops, object{{"op", op}, {"path", "members"}, {"value", []object{{{"value", m.target}}}}})
	}
	return ops
}

// filterMembers add by value and remove by a path with a filter.
func filterMembers(_ Dialect, moves []move) []object {
	ops := singleMembers("", moves)
	for i, m := range moves {
		if !m.add {
			ops[i] = byFilter(m)
		}
	}
	return ops
}
