package scimlog

import (
	"context"
	"time"
)

// Store is what the log needs of a database. Entries are no changes of anything, so its methods write no events.
type Store interface {
	// AppendRequests adds entries in one transaction. One whose id is there already is left as it is.
	AppendRequests(ctx context.Context, entries []Entry) error
	// Request answers fault.NotFound (Resource "SCIM_REQUEST") when there is no such entry.
	Request(ctx context.Context, directory, id string) (Entry, error)
	// RequestsByID returns those of the entries that exist, in order of id. At most 1,000 ids.
	RequestsByID(ctx context.Context, directory string, ids []string) ([]Entry, error)
	// FindRequests lists what is examined by f, newest first: at most limit finds among at most examine entries of those that f's [Filter.Key] leaves.
	// The times of f are bounds of the ids.
	FindRequests(ctx context.Context, directory string, f Filter, page Page) (Found, error)
	// LoggedDirectories lists the directories that have entries, by id.
	LoggedDirectories(ctx context.Context) ([]string, error)
	// PruneRequests removes what is older than before, all but the newest most entries, and all but the newest strangers of the outcomes
	// [Unauthenticated] and [Gap] each. It returns how many entries went.
	PruneRequests(ctx context.Context, directory string, before time.Time, most, strangers int) (int, error)
}

// Page is a part of a listing.
type Page struct {
	// Before is the id that the page begins behind; empty at the start.
	Before string
	// Limit is how many entries are wanted, Examine how many may be looked at.
	Limit, Examine int
	// OldestFirst turns the order around: the page then begins with the oldest that f's times admit, and goes up to Before.
	OldestFirst bool
}

// Found is a page of a listing.
type Found struct {
	IDs []string
	// Next is the id to go on behind: the last that was looked at. It is empty when everything was.
	Next string
}

// Filter says which entries are wanted; the zero Filter wants all.
type Filter struct {
	Outcome Outcome
	// ResourceID, ExternalID and Name say what the request was about. Names are compared in folded case.
	ResourceID, ExternalID, Name string
	Method, Kind                 string
	// Status is a status code, 0 for any.
	Status int
	// Since and Until bound the time; the zero time does not.
	Since, Until time.Time
	// Requests leaves out operations of bulk requests, gaps, and requests without a valid token.
	Requests bool
}

// Key is the condition of the filter that an index answers, and its value: one of "resource", "externalId", "name", "outcome", or "" when there is none.
func (f Filter) Key() (name, value string) {
	switch {
	case f.ResourceID != "":
		return "resource", f.ResourceID
	case f.ExternalID != "":
		return "externalId", f.ExternalID
	case f.Name != "":
		return "name", f.Name
	case f.Outcome != "":
		return "outcome", string(f.Outcome)
	}
	return "", ""
}
