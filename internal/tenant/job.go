package tenant

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"gatehouse/internal/fault"
)

// Scope says which objects the job provisions.
type Scope string

// Sync only assigned users and groups, or all of them.
const (
	ScopeAssigned Scope = "assigned"
	ScopeAll      Scope = "all"
)

// Dialect says whose requests the job makes, and in which form.
type Dialect string

// Entra's dialects: what it sends by itself, what it sends with the flag aadOptscim062020, and a mixture
// of both from request to request. The flag in the base URL's query has the same effect as the setting;
// on-demand provisioning ignores both and speaks the default dialect, as Entra does. The dialects of other
// products are in product.go; "entra" means default.
const (
	DialectDefault Dialect = "default"
	DialectFlag    Dialect = "aadOptscim062020"
	DialectMixed   Dialect = "mixed"
)

// Status is the state of the job.
//
//	NotRun ─cycle→ Active ⇄ Quarantine ─28 days→ Disabled
//	   any ─Stop→ Paused ─Start→ NotRun/Active     any ─Restart→ NotRun
type Status string

// The states of the job.
const (
	StatusNotRun     Status = "NotRun"
	StatusActive     Status = "Active"
	StatusQuarantine Status = "Quarantine"
	StatusPaused     Status = "Paused"
	StatusDisabled   Status = "Disabled"
)

// Settings are what an administrator decides about the job.
type Settings struct {
	// BaseURL is the application's "Tenant URL", used as it is; flags may follow as a query.
	BaseURL  string        `json:"baseUrl"`
	Scope    Scope         `json:"scope"`
	Dialect  Dialect       `json:"dialect"`
	Interval time.Duration `json:"-"`
	// MatchingAttribute is the target attribute that users are matched by; it must be mapped.
	MatchingAttribute string    `json:"matchingAttribute"`
	Mappings          []Mapping `json:"mappings"`
	// GroupsEnabled turns the group mapping on.
	GroupsEnabled bool    `json:"groupsEnabled"`
	UserActions   Actions `json:"userActions"`
	GroupActions  Actions `json:"groupActions"`
	// SkipOutOfScopeDeletions leaves alone who merely fell out of scope.
	SkipOutOfScopeDeletions bool `json:"skipOutOfScopeDeletions"`
	// DeletionThreshold is how many disables and deletes one cycle may do before the job asks; 0 is no limit.
	DeletionThreshold int   `json:"deletionThreshold"`
	Chaos             Chaos `json:"chaos"`
}

// Actions are the target object actions of a mapping.
type Actions struct {
	Create bool `json:"create"`
	Update bool `json:"update"`
	Delete bool `json:"delete"`
}

// Chaos switches on what Entra has been seen to do and servers have broken on.
type Chaos struct {
	// NullAttributes adds explicit nulls to POST bodies.
	NullAttributes bool `json:"nullAttributes"`
	// TypoSchema names the enterprise extension …:2.0User, without its colon.
	TypoSchema bool `json:"typoSchema"`
	// StringManager sends the manager as a bare string under its qualified name.
	StringManager bool `json:"stringManager"`
	// StringActive sends active as "True" in POST bodies.
	StringActive bool `json:"stringActive"`
	// RepeatedAdds sends Add for members who are there already, and Add again after each update.
	RepeatedAdds bool `json:"repeatedAdds"`
	// ReplaceMissing says Replace where there is nothing to replace.
	ReplaceMissing bool `json:"replaceMissing"`
	// Probes sends further look-ups of random names at the start of cycles and on-demand runs.
	Probes bool `json:"probes"`
	// NoUserAgent leaves the User-Agent out, as Entra always does.
	NoUserAgent bool `json:"noUserAgent"`
}

// Quarantine says why the job is slowed down.
type Quarantine struct {
	Reason string    `json:"reason"`
	Detail string    `json:"detail,omitempty"`
	Since  time.Time `json:"since"`
	// Attempts counts the cycles that failed since; the interval doubles with each, up to a day.
	Attempts int `json:"attempts"`
}

// Why a job is in quarantine.
const (
	ReasonException  = "EncounteredQuarantineException"
	ReasonProportion = "EncounteredEscrowProportionThreshold"
	ReasonDeletes    = "TooManyDeletes"
)

// Escrow is an export that failed and waits to be tried again.
type Escrow struct {
	ObjectID string `json:"objectId"`
	Kind     string `json:"kind"`
	Name     string `json:"name"`
	// Reference is members or manager when the object itself is there and its reference failed.
	Reference    string    `json:"reference,omitempty"`
	ErrorCode    string    `json:"errorCode"`
	Detail       string    `json:"detail"`
	FirstFailure time.Time `json:"firstFailure"`
	Attempts     int       `json:"attempts"`
	NextAttempt  time.Time `json:"nextAttempt"`
}

// jobRecord is the job as stored.
type jobRecord struct {
	ID         string      `json:"id"`
	Settings   Settings    `json:"settings"`
	IntervalMS int64       `json:"intervalMs"`
	Token      string      `json:"secretToken"`
	Enabled    bool        `json:"enabled"`
	Status     Status      `json:"status"`
	Watermark  uint64      `json:"watermark"`
	NextRun    time.Time   `json:"nextRun"`
	Last       *Cycle      `json:"lastCycle,omitempty"`
	Quarantine *Quarantine `json:"quarantine,omitempty"`
	// Links are the cached identifiers: which object of ours is which over there.
	Links   map[string]*link   `json:"links"`
	Escrows map[string]*Escrow `json:"escrows"`
	// AllowDeletes lets the next cycle pass the deletion guard.
	AllowDeletes bool `json:"allowDeletes"`
}

// link is what the job remembers of an object that it has found or made at the application.
type link struct {
	TargetID string `json:"targetId"`
	// Active is what the job last left there; InScope whether the object was then in scope.
	Active  bool `json:"active"`
	InScope bool `json:"inScope"`
	// KeepActive is set when an administrator rejected the deletions that the guard had held back.
	KeepActive bool `json:"keepActive,omitempty"`
	// Manager is the manager dealt with last, sent or skipped; ManagerTarget what was sent.
	Manager       string `json:"manager,omitempty"`
	ManagerTarget string `json:"managerTarget,omitempty"`
	// Seen are the members dealt with, exported or skipped; Exported those of them that were sent.
	// A member who was skipped is not looked at again before a restart.
	Seen     []string `json:"seen,omitempty"`
	Exported []string `json:"exported,omitempty"`
	// Name is the group's name as it was last sent.
	Name string `json:"name,omitempty"`
	// Pending says that a reference could not be resolved yet; the next cycle looks again.
	Pending bool `json:"pending,omitempty"`
}

// DefaultInterval is the fixed interval of Entra's incremental cycles, PT40M.
const DefaultInterval = 40 * time.Minute

func (t *Tenant) newJob(tenantID string) jobRecord {
	every := Actions{Create: true, Update: true, Delete: true}
	return jobRecord{
		ID: "aWSSingleSignon." + strings.ReplaceAll(tenantID, "-", "") + "." + t.uuid(),
		Settings: Settings{
			Scope: ScopeAssigned, Dialect: DialectDefault, MatchingAttribute: "userName", Mappings: DefaultMappings(),
			GroupsEnabled: true, UserActions: every, GroupActions: every, DeletionThreshold: 500,
		},
		IntervalMS: DefaultInterval.Milliseconds(), Status: StatusNotRun,
		Links: map[string]*link{}, Escrows: map[string]*Escrow{},
	}
}

// repair makes what a state file may lack.
func (j *jobRecord) repair() {
	if j.Links == nil {
		j.Links = map[string]*link{}
	}
	if products[j.Settings.Dialect] == nil {
		j.Settings.Dialect = DialectDefault
	}
	if j.Escrows == nil {
		j.Escrows = map[string]*Escrow{}
	}
}

// ready reports whether the job knows where to send to.
func (j *jobRecord) ready() bool { return j.Settings.BaseURL != "" && j.Token != "" }

func (j *jobRecord) settings() Settings {
	s := j.Settings
	s.Mappings = slices.Clone(s.Mappings)
	s.Interval = time.Duration(j.IntervalMS) * time.Millisecond
	return s
}

// Job is what can be seen of the provisioning job. The secret token is not part of it.
type Job struct {
	ID       string   `json:"id"`
	Settings Settings `json:"settings"`
	// IntervalSeconds is the time between the starts of two cycles.
	IntervalSeconds float64 `json:"intervalSeconds"`
	TokenSet        bool    `json:"tokenSet"`
	Enabled         bool    `json:"enabled"`
	Status          Status  `json:"status"`
	// Initial says that the next cycle will be an initial one.
	Initial    bool        `json:"initial"`
	Watermark  uint64      `json:"watermark"`
	NextRun    time.Time   `json:"nextRun"`
	Last       *Cycle      `json:"lastCycle,omitempty"`
	Quarantine *Quarantine `json:"quarantine,omitempty"`
	Escrows    []Escrow    `json:"escrows"`
	// Links counts the objects whose identifier at the application is known.
	Links int `json:"links"`
}

// Job returns the job as it stands.
func (t *Tenant) Job() Job {
	t.mu.Lock()
	defer t.mu.Unlock()
	j := &t.st.Job
	out := Job{
		ID: j.ID, Settings: j.settings(), TokenSet: j.Token != "", Enabled: j.Enabled, Status: j.Status, Initial: j.Watermark == 0,
		Watermark: j.Watermark, NextRun: j.NextRun, Links: len(j.Links), Escrows: []Escrow{},
	}
	out.IntervalSeconds = out.Settings.Interval.Seconds()
	if j.Last != nil {
		last := *j.Last
		out.Last = &last
	}
	if j.Quarantine != nil {
		q := *j.Quarantine
		out.Quarantine = &q
	}
	for _, e := range j.Escrows {
		out.Escrows = append(out.Escrows, *e)
	}
	slices.SortFunc(out.Escrows, func(a, b Escrow) int { return strings.Compare(a.Kind+a.Name+a.ObjectID, b.Kind+b.Name+b.ObjectID) })
	return out
}

// SetJob lets edit change the settings. A change of address, matching or mappings makes the next cycle an
// initial one; a change of scope does not, as in Entra: Restart does. Faults: Invalid.
func (t *Tenant) SetJob(edit func(*Settings)) error {
	defer t.nudge()
	return t.change(func(st *state) error {
		j := &st.Job
		old, next := j.settings(), j.settings()
		edit(&next)
		if next.Dialect == "entra" {
			next.Dialect = DialectDefault
		}
		if err := next.check(); err != nil {
			return err
		}
		if old.BaseURL != next.BaseURL || old.MatchingAttribute != next.MatchingAttribute || !slices.Equal(old.Mappings, next.Mappings) || old.GroupsEnabled != next.GroupsEnabled {
			j.Watermark, j.NextRun = 0, t.now()
		}
		if old.BaseURL != next.BaseURL && old.BaseURL != "" {
			j.Links = map[string]*link{} // another server: other identifiers
		}
		j.Settings, j.IntervalMS = next, next.Interval.Milliseconds()
		if soonest := t.now().Add(next.Interval); j.NextRun.After(soonest) && j.Quarantine == nil {
			j.NextRun = soonest
		}
		return nil
	})
}

// SetSecretToken gives the job the application's SCIM token.
func (t *Tenant) SetSecretToken(token string) error {
	defer t.nudge()
	return t.change(func(st *state) error {
		if err := validText("secretToken", token); err != nil {
			return err
		}
		st.Job.Token = strings.TrimSpace(token)
		return nil
	})
}

func (s *Settings) check() error {
	if s.BaseURL != "" {
		if err := checkURL("baseUrl", s.BaseURL); err != nil {
			return err
		}
	}
	if s.Scope != ScopeAssigned && s.Scope != ScopeAll {
		return fault.New(fault.Invalid, "scope must be assigned or all.").At("scope")
	}
	if products[s.Dialect] == nil {
		return fault.New(fault.Invalid, "dialect must be %s.", dialectNames()).At("dialect")
	}
	if s.Interval < time.Second || s.Interval > 7*24*time.Hour {
		return fault.New(fault.Invalid, "The interval must be between one second and a week.").At("intervalSeconds")
	}
	if s.DeletionThreshold < 0 {
		return fault.New(fault.Invalid, "deletionThreshold must not be negative.").At("deletionThreshold")
	}
	matched := false
	for _, m := range s.Mappings {
		if err := m.check(); err != nil {
			return err
		}
		matched = matched || m.Target == s.MatchingAttribute
	}
	if !matched {
		return fault.New(fault.Invalid, "The matching attribute %q is not mapped.", s.MatchingAttribute).At("matchingAttribute")
	}
	return nil
}

// dialect is what the cycle speaks: the setting, or the flag in the base URL's query.
func (s *Settings) dialect() Dialect {
	if u, err := url.Parse(s.BaseURL); err == nil && s.Dialect == DialectDefault && u.Query().Has(string(DialectFlag)) {
		return DialectFlag
	}
	return s.Dialect
}

// Start turns the schedule on; the first cycle is due at once. Stop turns it off and lets a running
// cycle finish. Restart forgets watermark, escrows and quarantine and turns the schedule on: the next
// cycle is an initial one and looks at everybody again. Known identifiers are kept, so that it also finds who has fallen out of scope.
func (t *Tenant) Start() error {
	defer t.nudge()
	return t.change(func(st *state) error {
		j := &st.Job
		if !j.ready() {
			return fault.New(fault.Conflict, "Set the application's SCIM address and token first.")
		}
		j.Enabled, j.NextRun = true, t.now()
		if j.Status == StatusPaused || j.Status == StatusDisabled {
			j.Status = StatusNotRun
			if j.Watermark > 0 {
				j.Status = StatusActive
			}
		}
		return nil
	})
}

// Stop turns the schedule off.
func (t *Tenant) Stop() error {
	return t.change(func(st *state) error {
		st.Job.Enabled, st.Job.Status = false, StatusPaused
		return nil
	})
}

// Restart makes the next cycle an initial one; see Start.
func (t *Tenant) Restart() error {
	defer t.nudge()
	return t.change(func(st *state) error {
		j := &st.Job
		if !j.ready() {
			return fault.New(fault.Conflict, "Set the application's SCIM address and token first.")
		}
		j.Watermark, j.Escrows, j.Quarantine, j.AllowDeletes = 0, map[string]*Escrow{}, nil, false
		j.Enabled, j.Status, j.NextRun = true, StatusNotRun, t.now()
		for _, l := range j.Links {
			l.KeepActive = false
		}
		return nil
	})
}

// Deletions answers the guard's question: allow lets the next cycle delete what it held back, otherwise
// those objects stay as they are until they change again. Faults: Conflict when the guard has not asked.
func (t *Tenant) Deletions(allow bool) error {
	defer t.nudge()
	return t.change(func(st *state) error {
		j := &st.Job
		if j.Quarantine == nil || j.Quarantine.Reason != ReasonDeletes {
			return fault.New(fault.Conflict, "No deletions are waiting for a decision.")
		}
		if allow {
			j.AllowDeletes = true
		} else {
			for _, id := range st.heldBack(t.now()) {
				j.Links[id].KeepActive = true
			}
		}
		j.Quarantine, j.Status, j.NextRun = nil, StatusActive, t.now()
		return nil
	})
}
