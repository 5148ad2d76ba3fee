package tenant

import (
	"path/filepath"
	"time"
)

// LogEntry is one line of the provisioning log: what a cycle or an on-demand run did about one object.
type LogEntry struct {
	ID      string    `json:"id"`
	At      time.Time `json:"activityDateTime"`
	CycleID string    `json:"cycleId"`
	JobID   string    `json:"jobId"`
	// Action is Create, Update, Disable, Delete, StagedDelete or Other.
	Action string `json:"provisioningAction"`
	Source Object `json:"sourceIdentity"`
	Target Object `json:"targetIdentity"`
	// Status is success, failure or skipped.
	Status     string `json:"status"`
	SkipReason string `json:"skipReason,omitempty"`
	ErrorCode  string `json:"errorCode,omitempty"`
	Reason     string `json:"reason,omitempty"`
	Steps      []Step `json:"provisioningSteps"`
	// Modified are the attributes and references that were written.
	Modified []Modified `json:"modifiedProperties,omitempty"`
}

// Object names one side of an export.
type Object struct {
	ID   string `json:"id,omitempty"`
	Type string `json:"type"`
	Name string `json:"displayName,omitempty"`
}

// Step is one of EntryImport, EntrySynchronizationScoping, EntrySynchronizationAdd, EntrySynchronizationUpdate,
// EntryExportAdd, EntryExportUpdate and EntryExportDelete, or on demand the test of the connection.
type Step struct {
	Name   string `json:"name"`
	Status string `json:"status"`
	Detail string `json:"description,omitempty"`
}

// Modified is one attribute that was written.
type Modified struct {
	Name string `json:"displayName"`
	Old  string `json:"oldValue,omitempty"`
	New  string `json:"newValue,omitempty"`
}

// Results of steps and entries.
const (
	resultSuccess = "success"
	resultFailure = "failure"
	resultSkipped = "skipped"
)

// maxLog is how many entries are kept.
const maxLog = 2000

// Log returns the latest entries, newest first, at most limit (and never more than 2,000).
func (t *Tenant) Log(limit int) []LogEntry {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := min(max(limit, 0), len(t.entries))
	out := make([]LogEntry, 0, n)
	for i := len(t.entries) - 1; len(out) < n; i-- {
		out = append(out, t.entries[i])
	}
	return out
}

func (t *Tenant) appendLog(e LogEntry) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.entries = append(t.entries, e)
	if over := len(t.entries) - maxLog; over > 0 {
		t.entries = append([]LogEntry(nil), t.entries[over:]...)
	}
}

// saveLog writes the log; the caller holds t.mu.
func (t *Tenant) saveLog() error {
	return writeJSON(filepath.Join(t.dir, logFile), t.entries)
}

// entry is a LogEntry while it is being written.
type entry struct {
	LogEntry
	key string // which of the object's escrows it belongs to
}

func (e *entry) step(name, status, detail string) {
	e.Steps = append(e.Steps, Step{name, status, detail})
}

func (e *entry) skip(reason, detail string) {
	e.Status, e.SkipReason, e.Reason = resultSkipped, reason, detail
}

func (e *entry) modified(name, before, after string) {
	e.Modified = append(e.Modified, Modified{name, before, after})
}
