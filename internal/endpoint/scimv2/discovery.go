package scimv2

import (
	"context"
	"net/http"
	"strings"

	"gatehouse/internal/scim"
)

// config is GET /ServiceProviderConfig (RFC 7644 §4).
func (d *door) config(_ context.Context, q *request) (answer, error) {
	if err := q.noFilter(); err != nil {
		return answer{}, err
	}
	return answer{body: scim.ServiceProviderConfig(q.profile, q.base)}, nil
}

// resourceTypes is GET /ResourceTypes and GET /ResourceTypes/{name}.
func (d *door) resourceTypes(_ context.Context, q *request) (answer, error) {
	return q.documents(scim.ResourceTypes(q.base))
}

// schemas is GET /Schemas and GET /Schemas/{urn}.
func (d *door) schemas(_ context.Context, q *request) (answer, error) {
	return q.documents(scim.Schemas(q.base))
}

// documents answers all, or the one that the path names.
func (q *request) documents(ids []string, documents [][]byte) (answer, error) {
	if err := q.noFilter(); err != nil {
		return answer{}, err
	}
	if q.id == "" {
		return answer{body: scim.EncodeList(scim.Page{Total: len(documents), StartIndex: 1, Resources: documents})}, nil
	}
	for i, id := range ids {
		if strings.EqualFold(id, q.id) {
			return answer{body: documents[i]}, nil
		}
	}
	return answer{}, notFound("", q.id)
}

// noFilter: other parameters are ignored on these addresses, a filter is forbidden (RFC 7644 §4).
func (q *request) noFilter() error {
	if _, given := q.query["filter"]; given {
		return &refusal{status: http.StatusForbidden, detail: "discovery cannot be filtered"}
	}
	return nil
}
