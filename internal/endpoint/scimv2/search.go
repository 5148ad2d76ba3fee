package scimv2

import (
	"context"
	"net/http"

	"gatehouse/internal/scim"
)

// searching turns a list into a query by POST (RFC 7644 §3.4.3): the body takes the place of the query string, in which
// filters with names of people would be logged on the way.
func searching(list func(*door, context.Context, *request) (answer, error)) func(*door, context.Context, *request) (answer, error) {
	return func(d *door, ctx context.Context, q *request) (answer, error) {
		asked, err := scim.DecodeSearch(q.body)
		if err != nil {
			return answer{}, err
		}
		q.query = asked
		return list(d, ctx, q)
	}
}

// me is the alias of the resource of whoever is authenticated (RFC 7644 §3.11). A directory's token is a program's and
// stands for no person.
func (d *door) me(context.Context, *request) (answer, error) {
	return answer{}, &refusal{status: http.StatusNotImplemented, detail: "the token is a directory's and stands for no person; there is no /Me"}
}
