package scimlog

import (
	"encoding/json"
	"slices"
	"time"
)

// Outcome is what became of a request.
type Outcome string

const (
	// Changed: something is different now. Of a bulk request: at least one of its operations changed something.
	Changed Outcome = "changed"
	// Unchanged: the request was taken, and everything was so already.
	Unchanged Outcome = "unchanged"
	// Read: nothing was to be changed.
	Read Outcome = "read"
	// Refused: the request was answered with a status of 400 to 499, or 501. Nothing was changed.
	Refused Outcome = "refused"
	// Failed: the fault was this server's, another status of 500 or more.
	Failed Outcome = "failed"
	// Unauthenticated: there was no valid token of the directory. Anybody can cause this.
	Unauthenticated Outcome = "unauthenticated"
	// Gap is no request: it counts those that could not be recorded.
	Gap Outcome = "gap"
)

// Kinds of resources that a request can be about.
const (
	KindUser  = "User"
	KindGroup = "Group"
)

// Unknown stands for the directory of requests that name one which does not exist. No directory has this id.
const Unknown = "_"

// Entry is a request and what became of it.
type Entry struct {
	// ID begins with the time in microseconds since 1970, in hexadecimal digits, and orders the log.
	ID string
	// Directory is the identity source's id, or [Unknown].
	Directory string
	At        time.Time
	// RequestID is what was answered as X-Amzn-Requestid, and what the audit trail has.
	RequestID string
	// TokenID names the token that was shown; it is no secret.
	TokenID               string
	ClientAddr, UserAgent string
	Took                  time.Duration
	Request               Request
	Resource              Resource
	Result                Result
	// PartOf is the entry of the bulk request whose operation this is. Operation is its place there, from 0.
	PartOf    string
	Operation int
	// Operations is how many operations a bulk request did; of those Failed were refused or failed.
	Operations, FailedOperations int
	// Lost is how many requests a gap stands for.
	Lost int
}

// Request is what was asked for, with secrets masked.
type Request struct {
	// Method, Path and Query are the request line's; the path begins with /scim/.
	Method, Path, Query string
	// ContentType, IfMatch and IfNoneMatch are the headers that make a difference.
	ContentType, IfMatch, IfNoneMatch string
	Body                              Body
}

// Body is the body of a request.
type Body struct {
	// Text is JSON with secrets masked. It is not JSON any more if it was cut.
	Text string
	// Size is how many bytes were sent; Text can be shorter or longer.
	Size int
	// Cut says that Text is only the beginning.
	Cut bool
	// Problem says why there is no text although there was a body: what cannot be read cannot be masked.
	Problem string
}

// Resource is what the request is about, as far as that is known.
type Resource struct {
	Kind, ID, ExternalID string
	// Name is a userName or a displayName.
	Name string
}

// Result is what became of a request, or would become of it.
type Result struct {
	Status  int
	Outcome Outcome
	// ScimType and Why are the answer's scimType and detail (RFC 7644 §3.12) when it is refused.
	ScimType, Why string
	Change        Change
}

// Change is the difference that a request made.
type Change struct {
	// Action is "created", "changed" or "deleted"; empty when nothing was changed.
	Action string
	// Attributes are those that differ, at most [MaxAttributes]. Of what was created there are none if the body beside them is whole.
	Attributes []Difference
	// Added and Removed are the users and groups that became members of a group, and that ceased to be.
	Added, Removed Members
	// Cut says that there were more attributes, or longer values.
	Cut bool
}

// Difference is an attribute before and after. Before is null where there was none, After where there is none any more. Both are JSON.
type Difference struct {
	// Attribute is the name as a PATCH path has it: "name.familyName".
	Attribute     string
	Before, After json.RawMessage
}

// Members are some members of a group: how many, and the ids of the first [MaxMembers].
type Members struct {
	Count int
	IDs   []string
}

// Bounds of what an entry keeps: bytes of a body, and of the values of a change together; how many attributes, and members; bytes of one value, and of any
// other text.
const (
	MaxBody       = 8 << 10
	MaxAttributes = 64
	MaxMembers    = 50
	maxValue      = 1 << 10
	maxText       = 512
)

// MembersOf bounds a list of ids.
func MembersOf(users, groups []string) Members {
	ids := slices.Concat(users, groups)
	return Members{Count: len(ids), IDs: ids[:min(len(ids), MaxMembers)]}
}

// Draft is a request as the door saw it, before anything was masked.
type Draft struct {
	// Entry is complete but for what is below. Its Request has what was sent, without the body.
	Entry
	// Body is what was sent; nil when nothing was read.
	Body []byte
	// Secrets are what the client proved itself with. They are removed wherever they stand.
	Secrets []string
	// Change finds the difference that was made. It is called once, after the request was answered; nil when there is none.
	Change func() Change
}

// size is about how much memory the draft holds.
func (d *Draft) size() int {
	return 1<<10 + len(d.Body) + len(d.Request.Path) + len(d.Request.Query)
}

// Finish masks a draft and finds its differences.
func (d *Draft) Finish() Entry {
	e := d.Entry
	secrets := secretsIn(d.Secrets)
	if d.Body != nil {
		var found []string
		e.Request.Body, found = MaskBody(d.Body, secrets)
		secrets = append(secrets, found...)
	}
	var found []string
	e.Request.Query, found = maskQuery(e.Request.Query, secrets)
	secrets = append(secrets, found...)
	e.Request.Path = maskPath(e.Request.Path, secrets)
	if d.Change != nil {
		e.Result.Change = d.Change().bounded(secrets)
	}
	for _, s := range []*string{
		&e.UserAgent, &e.Request.Method, &e.Request.ContentType, &e.Request.IfMatch, &e.Request.IfNoneMatch, &e.Resource.ID, &e.Resource.ExternalID, &e.Resource.Name,
		&e.Result.Why,
	} {
		*s = clip(scrub(*s, secrets), maxText)
	}
	return e
}

// bounded cuts what is too long and removes secrets.
func (c Change) bounded(secrets []string) Change {
	if len(c.Attributes) > MaxAttributes {
		c.Attributes, c.Cut = c.Attributes[:MaxAttributes], true
	}
	total := 0
	for i := range c.Attributes {
		for _, v := range []*json.RawMessage{&c.Attributes[i].Before, &c.Attributes[i].After} {
			if len(*v) > maxValue {
				*v, c.Cut = json.RawMessage(`"…"`), true
			}
			*v = scrubJSON(*v, secrets)
			total += len(*v)
		}
		if total > MaxBody {
			c.Attributes, c.Cut = c.Attributes[:i], true
			break
		}
	}
	return c
}
