package scimlog

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
)

// ResourceRequest is the name of an entry in faults.
const ResourceRequest = "SCIM_REQUEST"

// Bounds of one call.
const (
	// MaxPage is how many entries a listing returns at most, maxExamined how many it looks at for them.
	MaxPage     = 200
	maxExamined = 5000
	// MaxReplay is how many requests are rehearsed at once.
	MaxReplay = 100
)

// Config is what the log is made of; every field is required.
type Config struct {
	Store Store
	// Directories lists the ids of the identity sources.
	Directories func(ctx context.Context) ([]string, error)
	// Rehearse answers requests of a directory's client one after the other, each seeing what those before it changed, and leaves nothing behind: no
	// change, no event, no count. It may stop early, when that has taken too long; it then returns as many rehearsals as there were, at least one. A directory that
	// does not exist is fault.NotFound.
	Rehearse func(ctx context.Context, directory string, requests []Trial) ([]Rehearsal, error)
	Limits   Limits
	Now      func() time.Time
	Rand     io.Reader
	Log      *slog.Logger
}

// Trial is a request to be rehearsed.
type Trial struct {
	Request
	// ClientAddr is where it came from, held against the network settings; empty when that is not to be asked.
	ClientAddr string
}

// Rehearsal is what would become of a request.
type Rehearsal struct {
	Result   Result
	Resource Resource
	// Operations are those of a bulk request, in the order in which they were done.
	Operations []Entry
}

// Replay is a request and what would become of it now.
type Replay struct {
	// Of is the entry that was replayed; zero for a request that was given.
	Of Entry
	// Skipped says why it was not rehearsed; then Now says nothing.
	Skipped string
	Now     Rehearsal
}

// Service reads the log. All of its methods are safe for concurrent use.
type Service struct {
	Config
	recorder *Recorder
}

// NewService returns the log. Nothing is written behind the scenes before [Recorder.Run].
func NewService(c Config) *Service {
	if c.Limits.Age == 0 {
		c.Limits.Age = DefaultAge
	}
	if c.Limits.Entries == 0 {
		c.Limits.Entries = DefaultEntries
	}
	return &Service{Config: c, recorder: newRecorder(c)}
}

// Recorder is where the door puts what it was asked.
func (s *Service) Recorder() *Recorder { return s.recorder }

// exists answers fault.NotFound unless there is such a directory, or it is [Unknown].
func (s *Service) exists(ctx context.Context, directory string) error {
	all, err := s.directories(ctx)
	if err != nil {
		return err
	}
	if slices.Contains(all, directory) {
		return nil
	}
	return fault.New(fault.NotFound, "there is no directory %q", directory).About("SOURCE", directory)
}

func (s *Service) directories(ctx context.Context) ([]string, error) {
	all, err := s.Directories(ctx)
	return append(all, Unknown), err
}

// Requests lists a directory's entries, newest first: at most limit behind the id before, which is empty at the start. next is what the following page begins
// behind; it is empty on the last. Where a filter finds few among many, a page is short, or empty, and not the last.
func (s *Service) Requests(ctx context.Context, directory string, f Filter, before string, limit int) (entries []Entry, next string, err error) {
	if err := s.exists(ctx, directory); err != nil {
		return nil, "", err
	}
	if limit < 1 || limit > MaxPage {
		return nil, "", fault.New(fault.Invalid, "limit is 1 to %d", MaxPage).At("limit")
	}
	s.recorder.Flush(ctx)
	found, err := s.Store.FindRequests(ctx, directory, f, Page{Before: before, Limit: limit, Examine: maxExamined})
	if err != nil {
		return nil, "", err
	}
	entries, err = s.Store.RequestsByID(ctx, directory, found.IDs)
	slices.Reverse(entries)
	return entries, found.Next, err
}

// Request returns one entry.
func (s *Service) Request(ctx context.Context, directory, id string) (Entry, error) {
	s.recorder.Flush(ctx)
	return s.Store.Request(ctx, directory, id)
}

// ReplayRequests rehearses logged requests in the order in which they came, against what is there now. Each sees what those before it would have
// changed; at the end everything is undone. An id that is not there is fault.NotFound.
func (s *Service) ReplayRequests(ctx context.Context, directory string, ids []string) ([]Replay, error) {
	ids = sorted(ids)
	if len(ids) == 0 || len(ids) > MaxReplay {
		return nil, fault.New(fault.Invalid, "1 to %d requests can be replayed at once", MaxReplay).At("ids")
	}
	s.recorder.Flush(ctx)
	entries, err := s.Store.RequestsByID(ctx, directory, ids)
	if err != nil {
		return nil, err
	}
	if len(entries) < len(ids) {
		return nil, fault.New(fault.NotFound, "%d of these requests are not in the log of directory %s", len(ids)-len(entries), directory).About(ResourceRequest, "")
	}
	return s.replay(ctx, directory, entries)
}

// ReplayRange does the same for the oldest [MaxReplay] requests that a filter admits; operations of bulk requests are replayed with their request and not by
// themselves. next is the last that was looked at when there are more: go on with those behind it.
func (s *Service) ReplayRange(ctx context.Context, directory string, f Filter, after string) (replays []Replay, next string, err error) {
	if err := s.exists(ctx, directory); err != nil {
		return nil, "", err
	}
	s.recorder.Flush(ctx)
	f.Requests = true
	found, err := s.Store.FindRequests(ctx, directory, f, Page{Before: after, Limit: MaxReplay, Examine: maxExamined, OldestFirst: true})
	if err != nil {
		return nil, "", err
	}
	entries, err := s.Store.RequestsByID(ctx, directory, found.IDs)
	if err != nil {
		return nil, "", err
	}
	replays, err = s.replay(ctx, directory, entries)
	for i, r := range replays {
		if r.Skipped == late {
			return replays[:i], entries[i-1].ID, nil // a rehearsal comes to the first in any case
		}
	}
	return replays, found.Next, err
}

// Try rehearses requests that were never made. The path of each is below the directory's root: "/Users".
func (s *Service) Try(ctx context.Context, directory string, requests []Request) ([]Replay, error) {
	if len(requests) == 0 || len(requests) > MaxReplay {
		return nil, fault.New(fault.Invalid, "1 to %d requests can be tried at once", MaxReplay).At("try")
	}
	trials := make([]Trial, len(requests))
	for i, q := range requests {
		q.Path = "/scim/" + directory + "/v2/" + strings.TrimLeft(q.Path, "/")
		trials[i] = Trial{Request: q}
	}
	rehearsals, err := s.Rehearse(ctx, directory, trials)
	if err != nil {
		return nil, err
	}
	out := make([]Replay, len(requests))
	for i := range out {
		out[i] = Replay{Of: Entry{Directory: directory, Request: requests[i]}, Skipped: late}
		if i < len(rehearsals) {
			out[i].Skipped, out[i].Now = "", rehearsals[i]
		}
	}
	return out, nil
}

// late is said of requests that a rehearsal did not come to.
const late = "the rehearsal had taken too long by then; replay it by itself"

func (s *Service) replay(ctx context.Context, directory string, entries []Entry) ([]Replay, error) {
	var trials []Trial
	for _, e := range entries {
		if e.hindrance() == "" {
			trials = append(trials, Trial{Request: e.Request, ClientAddr: e.ClientAddr})
		}
	}
	var rehearsals []Rehearsal
	if len(trials) > 0 {
		var err error
		// The request's own origin is the administrator's.
		if rehearsals, err = s.Rehearse(audit.WithOrigin(ctx, audit.Origin{RequestID: audit.OriginOf(ctx).RequestID}), directory, trials); err != nil {
			return nil, err
		}
	}
	out := make([]Replay, len(entries))
	for i, e := range entries {
		out[i] = Replay{Of: e, Skipped: e.hindrance()}
		switch {
		case out[i].Skipped != "":
		case len(rehearsals) == 0:
			out[i].Skipped = late
		default:
			out[i].Now, rehearsals = rehearsals[0], rehearsals[1:]
		}
	}
	return out, nil
}

// hindrance says why an entry cannot be replayed, or nothing.
func (e Entry) hindrance() string {
	switch {
	case e.Result.Outcome == Gap:
		return "this is no request"
	case e.Result.Outcome == Unauthenticated:
		return "there was no valid token, and so the request was not read"
	case e.Request.Body.Cut:
		return "the body was longer than the log keeps; give the request with its body instead (try)"
	case e.Request.Body.Problem != "":
		return "the body was " + e.Request.Body.Problem + "; give the request with its body instead (try)"
	}
	return ""
}

// Sweep removes what is kept no longer, and all of directories that are gone. It reports how many entries went.
func (s *Service) Sweep(ctx context.Context) (removed int, err error) {
	known, err := s.directories(ctx)
	if err != nil {
		return 0, err
	}
	logged, err := s.Store.LoggedDirectories(ctx)
	if err != nil {
		return 0, err
	}
	for _, id := range logged {
		var n int
		if slices.Contains(known, id) {
			n, err = s.recorder.prune(ctx, id)
		} else {
			n, err = s.Store.PruneRequests(ctx, id, s.Now().Add(24*time.Hour), s.Limits.Entries, MaxStrangers)
		}
		if removed += n; err != nil {
			return removed, err
		}
	}
	return removed, nil
}

// Bounds returns the beginnings of ids between which a filter's times are: at or after the first, before the second.
func (f Filter) Bounds() (from, to string) {
	if from = idAt(0); !f.Since.IsZero() {
		from = idAt(f.Since.UnixMicro())
	}
	if to = "g"; !f.Until.IsZero() { // behind every hexadecimal digit
		to = idAt(f.Until.UnixMicro())
	}
	return from, to
}
