package scimv2

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"gatehouse/internal/fault"
	"gatehouse/internal/scim"
)

// bulk is POST /Bulk (RFC 7644 §3.7). Every operation is one of the table's, done and answered by itself: those before a
// failed one stay done. They are done in the order given, except that one which speaks of a resource made further on waits for it.
func (d *door) bulk(ctx context.Context, q *request) (answer, error) {
	b, err := scim.DecodeBulk(q.body)
	if err != nil {
		return answer{}, err
	}
	j := newJob(d, q, b)
	if err := j.run(ctx); err != nil {
		return answer{}, err
	}
	return answer{body: scim.EncodeBulk(j.answers())}, nil
}

// job is a bulk request being worked off.
type job struct {
	door *door
	of   *request
	scim.Bulk
	// refs are the bulkIds of which each operation speaks. makes has the operation that makes what a bulkId stands for, ids the resources made so far.
	refs  [][]string
	makes map[string]int
	ids   map[string]string
	// results are the operations' own, nil for those not done (yet); failed counts the errors among them.
	results []*scim.BulkResult
	failed  int
	// halves are the operations whose resources were made without what they say of others in a circle.
	halves map[int]bool
}

func newJob(d *door, q *request, b scim.Bulk) *job {
	j := &job{door: d, of: q, Bulk: b, makes: map[string]int{}, ids: map[string]string{}, results: make([]*scim.BulkResult, len(b.Operations)), halves: map[int]bool{}}
	for i, o := range b.Operations {
		j.refs = append(j.refs, o.References())
		if o.Method == http.MethodPost {
			j.makes[o.BulkID] = i
		}
	}
	return j
}

// run works until nothing is left, or so much failed that the client wants no more. An error is one of the
// whole request: the client is gone.
func (j *job) run(ctx context.Context) error {
	for !j.enough() {
		moved, err := j.pass(ctx)
		if err != nil {
			return err
		}
		if !moved && !j.breakCircle(ctx) {
			break
		}
		j.complete(ctx, false)
	}
	j.complete(ctx, true)
	return ctx.Err()
}

func (j *job) enough() bool { return j.FailOnErrors > 0 && j.failed >= j.FailOnErrors }

// pass does what can be done, in order, and reports whether there was anything.
func (j *job) pass(ctx context.Context) (moved bool, err error) {
	for i := range j.Operations {
		if j.results[i] != nil || j.enough() {
			continue
		}
		if err := ctx.Err(); err != nil {
			return moved, err
		}
		missing, waits := j.needs(i)
		switch {
		case missing != "":
			j.missing(ctx, i, missing)
		case waits:
			continue
		default:
			j.do(ctx, i)
		}
		moved = true
	}
	return moved, nil
}

// missing fails an operation that waits for what will never be.
func (j *job) missing(ctx context.Context, i int, bulkID string) {
	err := invalid(scim.InvalidValue, "no resource was made for bulkId "+clip(bulkID))
	q := *j.of
	q.body, q.trace = nil, &trace{}
	e := wireError(err)
	j.door.recordOperation(ctx, j.of, &q, i, j.Operations[i].Method, j.Operations[i].Path, e.status, e)
	j.fail(ctx, i, err)
}

// needs says whether an operation waits for another, or for one that will never be.
func (j *job) needs(i int) (missing string, waits bool) {
	for _, ref := range j.refs[i] {
		maker, known := j.makes[ref]
		switch {
		case !known, j.results[maker] != nil && j.ids[ref] == "":
			return ref, false
		case j.ids[ref] == "", j.halves[maker] && j.Operations[i].Changes(ref):
			waits = true
		}
	}
	return "", waits
}

// breakCircle makes one of the resources that wait for each other, without what it says of the others; that is
// added when they are there (RFC 7644 §3.7.1). It reports whether there was one.
func (j *job) breakCircle(ctx context.Context) bool {
	circles := j.circles()
	for i, o := range j.Operations {
		if j.results[i] != nil || o.Method != http.MethodPost || !circles[i] {
			continue
		}
		if j.do(ctx, i); j.results[i].Error == nil {
			j.halves[i] = true
		}
		return true
	}
	return false
}

// circles are the operations that wait, in the end, for themselves: those of a strongly connected component of what waits for what, found in one walk
// (R. Tarjan, 1972), since there may be a thousand circles to break, one after the other.
func (j *job) circles() map[int]bool {
	out := map[int]bool{}
	reached, lowest, open := map[int]int{}, map[int]int{}, map[int]bool{}
	var path []int
	var visit func(int)
	visit = func(i int) {
		reached[i] = len(reached)
		lowest[i], open[i], path = reached[i], true, append(path, i)
		for _, ref := range j.refs[i] {
			maker, known := j.makes[ref]
			if !known || j.results[maker] != nil {
				continue
			}
			if maker == i {
				out[i] = true
			}
			if _, been := reached[maker]; !been {
				visit(maker)
				lowest[i] = min(lowest[i], lowest[maker])
			} else if open[maker] {
				lowest[i] = min(lowest[i], reached[maker])
			}
		}
		if lowest[i] != reached[i] {
			return
		}
		at := slices.Index(path, i)
		for _, member := range path[at:] {
			open[member] = false
			out[member] = out[member] || len(path)-at > 1
		}
		path = path[:at]
	}
	for i := range j.Operations {
		if _, been := reached[i]; !been && j.results[i] == nil {
			visit(i)
		}
	}
	return out
}

// complete adds to resources what was left out when circles were broken, as soon as all of it is there. One that cannot be
// completed, or at the end is not, is taken back: also when the client is gone.
func (j *job) complete(ctx context.Context, end bool) {
	ctx = context.WithoutCancel(ctx)
	halves := slices.Sorted(maps.Keys(j.halves))
	clear(j.halves)
	for _, i := range halves {
		missing, waits := j.needs(i)
		if waits && missing == "" && !end {
			j.halves[i] = true
			continue
		}
		path, body, whole := j.Operations[i].Resolved(j.ids)
		item := path + "/" + j.ids[j.Operations[i].BulkID]
		err := error(&refusal{status: http.StatusConflict, detail: "a resource that this one refers to was not made"})
		if whole {
			var a answer
			if a, err = j.call(ctx, i, http.MethodPut, item, body, ""); err == nil {
				j.results[i].Version = scim.ETag(a.version)
				continue
			}
		}
		if _, undone := j.call(ctx, i, http.MethodDelete, item, nil, ""); undone != nil && !fault.Is(undone, fault.NotFound) {
			err = undone
		}
		j.fail(ctx, i, err)
	}
}

// do performs an operation and notes what became of it.
func (j *job) do(ctx context.Context, i int) {
	o := j.Operations[i]
	path, body, _ := o.Resolved(j.ids)
	a, err := j.call(ctx, i, o.Method, path, body, o.Version)
	if err != nil {
		j.fail(ctx, i, err)
		return
	}
	r := &scim.BulkResult{Method: o.Method, BulkID: o.BulkID, Location: a.location, Status: a.status}
	if r.Status == 0 {
		r.Status = http.StatusOK
	}
	if a.version != 0 {
		r.Version = scim.ETag(a.version)
	}
	if r.Location == "" {
		r.Location = j.of.base + "/" + strings.Trim(path, "/")
	}
	if o.Method == http.MethodPost {
		j.ids[o.BulkID] = a.location[strings.LastIndexByte(a.location, '/')+1:]
	}
	j.results[i] = r
}

// call performs an operation of the table as its own request would, and has it recorded like one.
func (j *job) call(ctx context.Context, i int, method, path string, body []byte, version string) (answer, error) {
	q := *j.of
	q.id, q.body, q.query, q.ifMatch, q.ifNoneMatch, q.trace = "", body, nil, version, "", &trace{}
	a, err := j.perform(ctx, &q, method, path)
	status, e := a.status, (*refusal)(nil)
	if err != nil {
		e = wireError(err)
		status = e.status
	}
	j.door.recordOperation(ctx, j.of, &q, i, method, path, max(status, http.StatusOK), e)
	return a, err
}

func (j *job) perform(ctx context.Context, q *request, method, path string) (answer, error) {
	segments, err := bulkPath(path)
	if err != nil {
		return answer{}, err
	}
	op, err := j.door.find(method, segments, q.profile)
	if err != nil {
		return answer{}, err
	}
	if op.collection != "Users" && op.collection != "Groups" || method == http.MethodGet {
		return answer{}, invalid(scim.InvalidPath, "a bulk request can make, change and delete users and groups, and nothing else")
	}
	if op.item {
		q.id = segments[1]
	}
	return op.handle(j.door, ctx, q)
}

// bulkPath takes the path of an operation apart: "/Users" or "/Users/{id}".
func bulkPath(path string) ([]string, error) {
	u, err := url.ParseRequestURI(path)
	if err != nil || u.Host != "" || u.RawQuery != "" || !strings.HasPrefix(path, "/") {
		return nil, invalid(scim.InvalidPath, "the path of an operation reads /Users, /Users/{id}, /Groups or /Groups/{id}")
	}
	return strings.FieldsFunc(u.Path, func(r rune) bool { return r == '/' }), nil
}

func (j *job) fail(ctx context.Context, i int, err error) {
	o := j.Operations[i]
	e := j.door.wire(ctx, o.Method, o.Path, err)
	r := &scim.BulkResult{Method: o.Method, BulkID: o.BulkID, Status: e.status, Error: j.door.errorBody(ctx, j.of.profile, e)}
	if path, _, _ := o.Resolved(j.ids); o.Method != http.MethodPost {
		r.Location = j.of.base + "/" + strings.Trim(path, "/")
	}
	delete(j.ids, o.BulkID)
	j.results[i] = r
	j.failed++
}

// answers are the results in the order of the request, without the operations that were not done.
func (j *job) answers() []scim.BulkResult {
	var out []scim.BulkResult
	for _, r := range j.results {
		if r != nil {
			out = append(out, *r)
		}
	}
	return out
}
