package scim

// Page sizes, advertised and kept.
const (
	DefaultPage = 100
	MaxPage     = 200
	// MaxPageAWS is what AWS's endpoint gives at most.
	MaxPageAWS = 100
)

// MaxPage returns the largest page of a profile.
func (p Profile) MaxPage() int {
	if p == AWS {
		return MaxPageAWS
	}
	return MaxPage
}

func supported(yes bool, more ...member) object {
	return append(object{{"supported", yes}}, more...)
}

// ServiceProviderConfig says what works (RFC 7643 §5, RFC 9865 §4). base is the address of the SCIM root.
func ServiceProviderConfig(p Profile, base string) []byte {
	return encode(object{
		{"schemas", []any{configURN}},
		{"patch", supported(true)},
		{"bulk", bulkSupport(p)},
		{"filter", supported(true, member{"maxResults", p.MaxPage()})},
		{"changePassword", supported(false)},
		{"sort", supported(p != AWS)},
		{"etag", supported(true)},
		{"pagination", object{
			{"cursor", true}, {"index", true}, {"defaultPaginationMethod", "index"},
			{"defaultPageSize", DefaultPage}, {"maxPageSize", p.MaxPage()},
		}},
		{"authenticationSchemes", []any{object{
			{"type", "oauthbearertoken"}, {"name", "OAuth Bearer Token"},
			{"description", "A token created for this directory, in the Authorization header"},
			{"specUri", "https://www.rfc-editor.org/info/rfc6750"}, {"primary", true},
		}}},
		{"meta", object{{"resourceType", "ServiceProviderConfig"}, {"location", base + "/ServiceProviderConfig"}}},
	})
}

func bulkSupport(p Profile) object {
	if p == AWS {
		return supported(false, member{"maxOperations", 0}, member{"maxPayloadSize", 0})
	}
	return supported(true, member{"maxOperations", MaxBulkOperations}, member{"maxPayloadSize", MaxBody})
}

// ResourceTypes returns the documents of /ResourceTypes, by id, in order.
func ResourceTypes(base string) (ids []string, documents [][]byte) {
	for _, rt := range []*ResourceType{userType, groupType} {
		ids = append(ids, rt.Name)
		documents = append(documents, encode(resourceTypeDocument(rt, base)))
	}
	return ids, documents
}

func resourceTypeDocument(rt *ResourceType, base string) object {
	out := object{
		{"schemas", []any{typeURN}}, {"id", rt.Name}, {"name", rt.Name}, {"description", rt.Description},
		{"endpoint", rt.Endpoint}, {"schema", rt.Core.ID},
	}
	if len(rt.Extensions) > 0 {
		var list []any
		for _, x := range rt.Extensions {
			list = append(list, object{{"schema", x.ID}, {"required", false}})
		}
		out = append(out, member{"schemaExtensions", list})
	}
	return append(out, member{"meta", object{{"resourceType", "ResourceType"}, {"location", base + "/ResourceTypes/" + rt.Name}}})
}

// Schemas returns the documents of /Schemas, by id, in order.
func Schemas(base string) (ids []string, documents [][]byte) {
	for _, s := range []*Schema{userSchema, groupSchema, enterpriseSchema} {
		ids = append(ids, s.ID)
		documents = append(documents, encode(object{
			{"schemas", []any{schemaURN}}, {"id", s.ID}, {"name", s.Name}, {"description", s.Description},
			{"attributes", attributeDocuments(s.Attributes)},
			{"meta", object{{"resourceType", "Schema"}, {"location", base + "/Schemas/" + s.ID}}},
		}))
	}
	return ids, documents
}

func attributeDocuments(as []Attribute) []any {
	out := make([]any, len(as))
	for i := range as {
		out[i] = attributeDocument(&as[i])
	}
	return out
}

func attributeDocument(a *Attribute) object {
	out := object{
		{"name", a.Name}, {"type", string(a.Type)}, {"multiValued", a.Multi}, {"description", a.Description},
		{"required", a.Required}, {"caseExact", a.CaseExact}, {"mutability", string(a.Mutability)},
		{"returned", a.Returned}, {"uniqueness", a.Uniqueness},
	}
	if len(a.Canonical) > 0 {
		out = append(out, member{"canonicalValues", strings2any(a.Canonical)})
	}
	if len(a.References) > 0 {
		out = append(out, member{"referenceTypes", strings2any(a.References)})
	}
	if len(a.Sub) > 0 {
		out = append(out, member{"subAttributes", attributeDocuments(a.Sub)})
	}
	return out
}

func strings2any(ss []string) []any {
	out := make([]any, len(ss))
	for i, s := range ss {
		out[i] = s
	}
	return out
}
