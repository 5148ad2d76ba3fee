package target

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
)

// Revoker is a target that can end sessions which it has handed out. It is optional: accounts inside this server look at the person with every request and
// need none. A real account knows nothing of persons; there a policy of the role denies everything to sessions that were issued before a
// time, as IAM's own AWSRevokeOlderSessions does, narrowed to the sessions of one person.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_revoke-sessions.html
type Revoker interface {
	// RevokeIssuedBefore denies everything to the person's sessions of a role that were issued before a time. Of several for one person the latest
	// counts. A role that is not there is success: it has no sessions. What is denied stays denied when the role is applied again. It is
	// fault.Quota when the role's policies leave no room even for a short denial.
	RevokeIssuedBefore(ctx context.Context, a audit.Actor, r Revocation) error
	// ForgetRevocations takes away what denies nobody any more, because every session that it means has expired by now.
	ForgetRevocations(ctx context.Context, a audit.Actor, accountID, roleName string, now time.Time) error
}

// Revocation says whose sessions of a role end.
type Revocation struct {
	AccountID, RoleName string
	// SessionName is the user's name, as in [Session].
	SessionName string
	Before      time.Time
}

// RevocationPolicyName is the inline policy of a role in which revocations stand. It belongs to the target, not to the permission set: applying a
// role leaves it.
const RevocationPolicyName = "GatehouseRevokedSessions"

// Revocations are the revocations of one role: the time before which sessions of a name are denied, by session name; "" means every session. The
// policy that says so is all the state there is: it is read, changed and written back.
type Revocations map[string]time.Time

var sessionName = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)

// Add denies the sessions of a name that were issued before at. Times of issue are known to the second, so at is moved up to a full one: a session of the
// same second is denied, whichever came first.
func (r Revocations) Add(session string, at time.Time) error {
	if !sessionName.MatchString(session) {
		return fault.New(fault.Invalid, "%q is not the name of a session", session)
	}
	at = at.UTC().Add(time.Second - 1).Truncate(time.Second)
	if at.After(r[session]) && at.After(r[""]) {
		r[session] = at
	}
	return nil
}

// Forget drops what means only sessions that have expired by now.
func (r Revocations) Forget(now time.Time) {
	maps.DeleteFunc(r, func(_ string, at time.Time) bool { return !now.Before(at.Add(MaxSessionDuration)) })
}

type denial struct {
	Effect    string          `json:"Effect"`
	Action    string          `json:"Action"`
	Resource  string          `json:"Resource"`
	Condition denialCondition `json:"Condition"`
}

type denialCondition struct {
	DateLessThan map[string]string   `json:"DateLessThan"`
	StringLike   map[string][]string `json:"StringLike,omitempty"`
}

type denials struct {
	Version   string   `json:"Version"`
	Statement []denial `json:"Statement"`
}

const issueTime, userID, stamp = "aws:TokenIssueTime", "aws:userid", "2006-01-02T15:04:05Z"

// Document writes the policy in at most room characters; "" when there is nothing to deny. Where there is not enough room for each person's own time, all of them
// get the latest, and where there is none for their names, everybody does: whoever is denied too much fetches credentials anew, and nobody is
// denied too little. It changes r to what the policy says.
//
// Faults: Quota when not even the shortest fits.
func (r Revocations) Document(room int) (string, error) {
	maps.DeleteFunc(r, func(name string, at time.Time) bool { return name != "" && !at.After(r[""]) })
	if len(r) == 0 {
		return "", nil
	}
	latest := slices.MaxFunc(slices.Collect(maps.Values(r)), time.Time.Compare)
	shapes := []Revocations{maps.Clone(r), {}, {"": latest}}
	for name := range r {
		shapes[1][name] = latest
	}
	if _, everybody := r[""]; everybody {
		shapes[1] = shapes[2]
	}
	for _, shape := range shapes {
		if text := shape.encode(); len(text) <= room {
			clear(r)
			maps.Copy(r, shape)
			return text, nil
		}
	}
	return "", fault.New(fault.Quota, "the role's inline policies leave no room to deny sessions that were issued before %s", latest.Format(stamp))
}

// encode writes a statement for each time, the earliest first.
func (r Revocations) encode() string {
	names := map[time.Time][]string{}
	for name, at := range r {
		names[at] = append(names[at], name)
	}
	out := denials{Version: "2012-10-17"}
	for _, at := range slices.SortedFunc(maps.Keys(names), time.Time.Compare) {
		d := denial{Effect: "Deny", Action: "*", Resource: "*", Condition: denialCondition{DateLessThan: map[string]string{issueTime: at.Format(stamp)}}}
		slices.Sort(names[at])
		for _, name := range names[at] {
			if name != "" {
				// The key's value is the role's unique id, a colon and the session's name.
				d.Condition.StringLike = map[string][]string{userID: append(d.Condition.StringLike[userID], "*:"+name)}
			}
		}
		out.Statement = append(out.Statement, d)
	}
	text, err := json.Marshal(out)
	if err != nil { // strings and maps of them
		panic(err)
	}
	return string(text)
}

// ParseRevocations reads a policy that Document wrote; "" is none. Anything else is fault.Conflict: somebody changed the policy, and what it denied would be lost
// if it were written over.
func ParseRevocations(document string) (Revocations, error) {
	out := Revocations{}
	if document == "" {
		return out, nil
	}
	changed := fault.New(fault.Conflict, "the policy %s was changed by somebody else; delete it when nothing in it is needed", RevocationPolicyName)
	var in denials
	d := json.NewDecoder(bytes.NewReader([]byte(document)))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return nil, changed.Because(err)
	}
	for _, s := range in.Statement {
		at, err := time.Parse(stamp, s.Condition.DateLessThan[issueTime])
		if err != nil {
			return nil, changed.Because(err)
		}
		names := []string{""}
		if s.Condition.StringLike != nil {
			names = s.Condition.StringLike[userID]
		}
		for _, name := range names {
			out[strings.TrimPrefix(name, "*:")] = at
		}
	}
	// Written back it must be the very same, or it said something that was not understood.
	if out.encode() != document {
		return nil, changed
	}
	return out, nil
}
