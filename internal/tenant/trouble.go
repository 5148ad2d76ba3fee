package tenant

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// escrowDelay is how long a failed export waits: the next cycle, then six, twelve and twenty-four hours, then daily.
func escrowDelay(attempts int) time.Duration {
	switch attempts {
	case 0, 1:
		return 0
	case 2:
		return 6 * time.Hour
	case 3:
		return 12 * time.Hour
	}
	return 24 * time.Hour
}

// result books what happened to one object: the log, the counts, the escrow. It returns an error only when
// the cycle as a whole cannot go on.
func (r *run) result(e *entry, counts *Counts, err error) error {
	id := e.Source.ID
	r.objects++
	if err == nil {
		if r.c.sent > r.refSent { // an object that needed no request proves nothing
			r.refused = 0
		}
		delete(r.st.Job.Escrows, id+e.key)
		r.write(e)
		r.keep(id)
		return nil
	}
	var f *failure
	if !errors.As(err, &f) {
		return err
	}
	e.Status, e.ErrorCode, e.Reason = resultFailure, f.code, f.detail
	counts.Failed++
	r.escrows++
	r.cycle.Failures = append(r.cycle.Failures, Failure{id, e.Source.Type, e.Source.Name, f.code, f.detail})
	if !r.demand {
		r.escrow(e, f)
	}
	r.write(e)
	r.keep(id)
	return r.stop(f)
}

// stop ends the cycle on what will not get better object by object: refused three times running, or nobody there.
func (r *run) stop(f *failure) error {
	switch f.status {
	case 401, 403:
		r.refused++
		r.refSent = r.c.sent
	default:
		r.refused = 0
	}
	if r.demand {
		return nil
	}
	if r.refused >= authRefusals || f.code == errorPrefix+"ServiceIncompatible" && f.status == 404 {
		return &errQuarantine{ReasonException, f.Error()}
	}
	return nil
}

func (r *run) escrow(e *entry, f *failure) {
	now := r.t.now().UTC()
	key := e.Source.ID + e.key
	x := r.st.Job.Escrows[key]
	if x == nil {
		x = &Escrow{ObjectID: e.Source.ID, Kind: e.Source.Type, Name: e.Source.Name, Reference: strings.TrimPrefix(e.key, "#"), FirstFailure: now}
		r.st.Job.Escrows[key] = x
	}
	x.ErrorCode, x.Detail = f.code, f.detail
	x.Attempts++
	x.NextAttempt = now.Add(escrowDelay(x.Attempts))
	if now.Sub(x.FirstFailure) >= giveUpAfter {
		delete(r.st.Job.Escrows, key)
		e.Reason += " (given up after 28 days)"
	}
}

// settle moves watermark, status and next run; the caller holds the tenant's lock.
func (r *run) settle(q *errQuarantine, err error) {
	j, c := &r.t.st.Job, r.cycle
	j.Last = c
	interval := time.Duration(j.IntervalMS) * time.Millisecond
	if q != nil {
		r.quarantine(j, q, interval)
		return
	}
	j.NextRun = c.Start.Add(interval)
	if err != nil {
		return // stopped in the middle: the next cycle does the same work again
	}
	if !j.Settings.sameTarget(r.set) || j.Watermark < r.st.Job.Watermark {
		return // settings changed or restarted meanwhile: the next cycle is an initial one
	}
	j.Watermark, j.Quarantine, j.AllowDeletes = r.st.Rev, nil, false
	if j.Status != StatusPaused {
		j.Status = StatusActive
	}
	var left []tombstone
	for _, x := range r.t.st.Tombstones {
		if x.Rev > r.st.Rev || j.Links[x.ID] != nil {
			left = append(left, x)
		}
	}
	r.t.st.Tombstones = left
}

// sameTarget reports whether the settings still mean the same exports.
func (s *Settings) sameTarget(o Settings) bool {
	if s.BaseURL != o.BaseURL || s.MatchingAttribute != o.MatchingAttribute || s.GroupsEnabled != o.GroupsEnabled || len(s.Mappings) != len(o.Mappings) {
		return false
	}
	for i := range s.Mappings {
		if s.Mappings[i] != o.Mappings[i] {
			return false
		}
	}
	return true
}

// Entra slows a quarantined job down to once a day and gives up after four weeks.
const (
	slowest      = 24 * time.Hour
	giveUpAfter  = 28 * 24 * time.Hour
	maxDoublings = 20
)

func (r *run) quarantine(j *jobRecord, q *errQuarantine, interval time.Duration) {
	now := r.cycle.End
	if j.Quarantine == nil || j.Quarantine.Reason != q.reason {
		j.Quarantine = &Quarantine{Reason: q.reason, Since: now}
	}
	j.Quarantine.Detail = clip(q.detail, 600)
	j.Quarantine.Attempts++
	wait := slowest
	if n := j.Quarantine.Attempts; n < maxDoublings && interval<<n < slowest {
		wait = interval << n
	}
	j.Status, j.NextRun = StatusQuarantine, now.Add(wait)
	if now.Sub(j.Quarantine.Since) >= giveUpAfter {
		j.Status, j.Enabled = StatusDisabled, false
	}
}

// Thresholds of the quarantine: 5,000 failures that are more than forty per cent of all objects, or 40,000.
const (
	proportionMin  = 5_000
	proportionPct  = 40
	failuresAtMost = 40_000
	authRefusals   = 3
)

func (r *run) tooManyFailures() error { return overThreshold(r.escrows, r.objects) }

func overThreshold(failed, objects int) error {
	if failed > failuresAtMost || failed >= proportionMin && failed*100 > objects*proportionPct {
		return &errQuarantine{ReasonProportion, fmt.Sprintf("%d of %d objects failed", failed, objects)}
	}
	return nil
}
