package livetest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
)

// Proxy stands before a Gatehouse server and holds clients to AWS's limits: so many calls in any second to sso-admin and the identity store together, so many
// assignment requests under way, one at a time for each role, and three provisioning requests. Requests take a while to succeed, however quick the server is, and some
// calls are refused for no reason. What is refused does not reach the server.
type Proxy struct {
	Next http.RoundTripper

	Rate        int           // calls in any second; 0: no limit
	Outstanding int           // assignment requests under way
	Throttled   float64       // share of calls that are refused at random
	Conflicting float64       // share of assignment requests that are refused as a conflict at random, as if somebody else were at work on the role
	NotYet      int           // of the first assignment requests are refused, as if what they name were not known everywhere yet
	Latency     time.Duration // of every call
	Takes       time.Duration // how long a request is shown to be in progress
	Stuck       time.Duration // how long the first request is shown to be in progress; 0: as all others
	Varies      float64       // by how much of it that varies to both sides
	Random      *rand.Rand    // of refusals and of how long requests take
	// Kill, if it is there, is asked at each call that was let through whether the client is killed now: it gets no answer, and in half of the cases the server
	// does not get the call.
	Kill func(calls int) bool

	mu       sync.Mutex
	recent   []time.Time
	requests map[string]*request
	byRole   map[string]string // role → request under way
	stats    Stats
}

// Stats are what the proxy has seen.
type Stats struct {
	Calls      map[string]int // by operation, those that were refused included
	Random     int            // refused at random
	TooFast    int            // refused because of the rate
	TooMany    int            // refused because of requests under way
	SameRole   int            // refused because of the same role
	Assigned   map[string]int // by account, set and principal: how often an assignment was accepted
	Unassigned map[string]int
}

// Total is how many calls there were of the operations that share the rate.
func (s Stats) Total() (n int) {
	for op, k := range s.Calls {
		if !strings.HasPrefix(op, "other.") {
			n += k
		}
	}
	return n
}

type request struct {
	ends time.Time
	role string
	kind string // operation that made it
}

// Stats returns a copy of what was seen.
func (p *Proxy) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.stats
	s.Calls, s.Assigned, s.Unassigned = maps.Clone(s.Calls), maps.Clone(s.Assigned), maps.Clone(s.Unassigned)
	return s
}

// errKilled is what a client gets whose process was killed, so to say.
var errKilled = errors.New("the connection is gone")

// RoundTrip lets a call through, or refuses it.
func (p *Proxy) RoundTrip(r *http.Request) (*http.Response, error) {
	service, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if service != "SWBExternalService" && service != "AWSIdentityStore" {
		p.count("other." + op)
		return p.Next.RoundTrip(r)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body.Close()
	r.Body = io.NopCloser(bytes.NewReader(body))
	if p.Latency > 0 {
		time.Sleep(p.Latency / 2)
	}
	in := map[string]any{}
	_ = json.Unmarshal(body, &in) // the server refuses what is no JSON
	if refused := p.refuse(op, in); refused != "" {
		return p.answer(r, refused)
	}
	n := p.count(op)
	killed := p.Kill != nil && p.Kill(n)
	if killed && n%2 == 0 {
		return nil, errKilled
	}
	res, err := p.Next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	res, err = p.note(op, in, res)
	if killed {
		return nil, errKilled
	}
	if p.Latency > 0 {
		time.Sleep(p.Latency / 2)
	}
	return res, err
}

func (p *Proxy) count(op string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.begin()
	p.stats.Calls[op]++
	n := 0
	for _, k := range p.stats.Calls {
		n += k
	}
	return n
}

func (p *Proxy) begin() {
	if p.requests == nil {
		p.stats.Calls, p.stats.Assigned, p.stats.Unassigned = map[string]int{}, map[string]int{}, map[string]int{}
		p.requests, p.byRole = map[string]*request{}, map[string]string{}
	}
}

// refuse is the error code with which a call is refused, or "".
func (p *Proxy) refuse(op string, in map[string]any) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.begin()
	now := time.Now()
	p.recent = slices.DeleteFunc(p.recent, func(t time.Time) bool { return now.Sub(t) >= time.Second })
	code := ""
	switch {
	case p.Rate > 0 && len(p.recent) >= p.Rate:
		p.stats.TooFast++
		code = "ThrottlingException"
	case p.Throttled > 0 && p.Random.Float64() < p.Throttled:
		p.stats.Random++
		code = "ThrottlingException"
	case op == "CreateAccountAssignment" || op == "DeleteAccountAssignment":
		code = p.refuseAssignment(in, now)
	case op == "ProvisionPermissionSet" && p.underWay(now, "ProvisionPermissionSet") >= 3:
		p.stats.TooMany++
		code = "ThrottlingException"
	}
	p.recent = append(p.recent, now)
	if code != "" {
		p.stats.Calls[op]++
	}
	return code
}

func (p *Proxy) refuseAssignment(in map[string]any, now time.Time) string {
	if p.Outstanding > 0 && p.underWay(now, "CreateAccountAssignment", "DeleteAccountAssignment") >= p.Outstanding {
		p.stats.TooMany++
		return "ThrottlingException"
	}
	if p.NotYet > 0 {
		p.NotYet--
		p.stats.Random++
		return "ResourceNotFoundException"
	}
	if p.Conflicting > 0 && p.Random.Float64() < p.Conflicting {
		p.stats.Random++
		return "ConflictException"
	}
	if r := p.requests[p.byRole[roleOf(in)]]; r != nil && r.ends.After(now) {
		p.stats.SameRole++
		return "ConflictException"
	}
	// It is accepted: the place is taken before the server has answered.
	id := fmt.Sprintf("coming %d", p.Random.Int64())
	p.byRole[roleOf(in)] = id
	p.requests[id] = &request{ends: now.Add(p.Latency + time.Second), role: roleOf(in), kind: "CreateAccountAssignment"}
	in["coming"] = id
	return ""
}

func roleOf(in map[string]any) string { return fmt.Sprint(in["TargetId"], "/", in["PermissionSetArn"]) }

func (p *Proxy) underWay(now time.Time, kinds ...string) (n int) {
	for _, r := range p.requests {
		if r.ends.After(now) && slices.Contains(kinds, r.kind) {
			n++
		}
	}
	return n
}

// note remembers requests that were accepted, and shows those that have not taken long enough as in progress.
func (p *Proxy) note(op string, in map[string]any, res *http.Response) (*http.Response, error) {
	if !strings.Contains(op, "AccountAssignment") && !strings.Contains(op, "Provision") {
		return res, nil
	}
	body, err := io.ReadAll(res.Body)
	res.Body.Close()
	if err != nil {
		return nil, err
	}
	var out map[string]any
	if res.StatusCode == http.StatusOK && json.Unmarshal(body, &out) == nil {
		p.change(op, in, out)
		if body, err = json.Marshal(out); err != nil {
			return nil, err
		}
	} else if id, ok := in["coming"].(string); ok {
		p.mu.Lock()
		delete(p.requests, id)
		delete(p.byRole, roleOf(in))
		p.mu.Unlock()
	}
	res.Body, res.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	res.Header.Set("Content-Length", fmt.Sprint(len(body)))
	return res, nil
}

func (p *Proxy) change(op string, in, out map[string]any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	for name, v := range out {
		switch v := v.(type) {
		case map[string]any: // one status
			if id, _ := v["RequestId"].(string); strings.HasPrefix(op, "Describe") {
				p.hide(v, now)
			} else if id != "" {
				p.accepted(op, id, in, v, now)
			}
		case []any:
			out[name] = p.list(op, in, v, now)
		}
	}
}

func (p *Proxy) accepted(op, id string, in, status map[string]any, now time.Time) {
	takes := p.Takes
	if p.Varies > 0 {
		takes += time.Duration((2*p.Random.Float64() - 1) * p.Varies * float64(takes))
	}
	if p.Stuck > 0 {
		takes, p.Stuck = p.Stuck, 0
	}
	if coming, ok := in["coming"].(string); ok {
		delete(p.requests, coming)
		p.byRole[roleOf(in)] = id
	}
	p.requests[id] = &request{ends: now.Add(takes), role: roleOf(in), kind: op}
	status["Status"] = "IN_PROGRESS"
	what := fmt.Sprint(roleOf(in), "/", in["PrincipalId"])
	switch op {
	case "CreateAccountAssignment":
		p.stats.Assigned[what]++
	case "DeleteAccountAssignment":
		p.stats.Unassigned[what]++
	}
}

func (p *Proxy) hide(status map[string]any, now time.Time) {
	id, _ := status["RequestId"].(string)
	if r := p.requests[id]; r != nil && r.ends.After(now) {
		status["Status"] = "IN_PROGRESS"
	}
}

// list adds to a list of requests in progress those that the server has finished.
func (p *Proxy) list(op string, in map[string]any, items []any, now time.Time) []any {
	kinds := map[string]string{"ListAccountAssignmentCreationStatus": "CreateAccountAssignment", "ListAccountAssignmentDeletionStatus": "DeleteAccountAssignment", "ListPermissionSetProvisioningStatus": "ProvisionPermissionSet"}
	kind := kinds[op]
	if kind == "" {
		return items
	}
	shown := map[string]bool{}
	for _, i := range items {
		s := i.(map[string]any)
		p.hide(s, now)
		shown[fmt.Sprint(s["RequestId"])] = true
	}
	filter, _ := in["Filter"].(map[string]any)
	if filter == nil || filter["Status"] != "IN_PROGRESS" {
		return items
	}
	for id, r := range p.requests {
		if r.kind == kind && r.ends.After(now) && !shown[id] && !strings.HasPrefix(id, "coming") {
			items = append(items, map[string]any{"RequestId": id, "Status": "IN_PROGRESS"})
		}
	}
	return items
}

func (p *Proxy) answer(r *http.Request, code string) (*http.Response, error) {
	w := httptest.NewRecorder()
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(http.StatusBadRequest)
	fmt.Fprintf(w, `{"__type":%q,"Message":"Rate exceeded or busy"}`, code)
	res := w.Result()
	res.Request = r
	return res, nil
}
