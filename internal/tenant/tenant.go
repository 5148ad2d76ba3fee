package tenant

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Config is what a tenant needs to be given.
type Config struct {
	// BaseURL is where browsers and the application reach the tenant, without a trailing slash, such as
	// http://127.0.0.1:8081. It appears in metadata, so it must be right. Required.
	BaseURL string
	// DataDir holds the tenant's files; it is made (0700) when it does not exist. Required.
	DataDir string
	// Domain is the tenant's domain, used at first start only. Default: meridian.example.
	Domain string
	// Name is the organization's name, used at first start only. Default: Meridian.
	Name string
	// Now is the clock; default time.Now.
	Now func() time.Time
	// Rand is the source of randomness; default crypto/rand.Reader.
	Rand io.Reader
	// Log; default: nothing is logged.
	Log *slog.Logger
	// HTTPClient sends the SCIM requests. Default: a client with a timeout of 60 seconds. Redirects are
	// never followed, whatever the client does otherwise: a bearer token goes where the administrator said.
	HTTPClient *http.Client
	// HashRounds are the rounds of new password hashes, for tests that have no time. Default: 600,000.
	HashRounds int

	// keys are ready signing keys, for tests: RSA keys are slow to make.
	keys []keyRecord
}

// Tenant is a running emulated tenant. Its methods may be called concurrently.
type Tenant struct {
	base string
	dir  string
	now  func() time.Time
	log  *slog.Logger
	http *http.Client

	randMu sync.Mutex
	rand   io.Reader

	mu      sync.Mutex
	st      *state
	entries []LogEntry // the provisioning log, oldest first
	// lastResponse is the last SAML response, for the chaos that repeats it.
	lastResponse []byte

	// patches counts the PATCH requests of mixed jobs: they alternate between the dialects.
	patches atomic.Uint64

	// running holds the one place for a cycle or an on-demand run.
	running chan struct{}
	// wake tells Run that the job's settings changed.
	wake chan struct{}

	signing  []signingKey
	sessions *sessions
	hashing  chan struct{}
	rounds   int
}

// New opens the tenant whose files are in cfg.DataDir, and makes it when there are none: identifiers, two
// signing certificates, the enterprise application without addresses, and an administrator's token.
func New(cfg Config) (*Tenant, error) {
	t, err := fromConfig(cfg)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(t.dir, 0o700); err != nil {
		return nil, err
	}
	st := &state{}
	found, err := readJSON(filepath.Join(t.dir, stateFile), st)
	if err != nil {
		return nil, err
	}
	if !found {
		if st, err = t.firstState(cfg); err != nil {
			return nil, err
		}
	}
	if st.Version != 1 {
		return nil, fmt.Errorf("%s has version %d, this program reads 1", filepath.Join(t.dir, stateFile), st.Version)
	}
	t.st = st
	st.Job.repair()
	if t.signing, err = openKeys(st.Keys); err != nil {
		return nil, err
	}
	if _, err := readJSON(filepath.Join(t.dir, logFile), &t.entries); err != nil {
		return nil, err
	}
	if err := t.save(); err != nil {
		return nil, err
	}
	return t, writeFile(filepath.Join(t.dir, tokenFile), []byte(st.AdminToken+"\n"))
}

func fromConfig(cfg Config) (*Tenant, error) {
	u, err := url.Parse(cfg.BaseURL)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("tenant: BaseURL %q is not an absolute http or https URL", cfg.BaseURL)
	}
	if cfg.DataDir == "" {
		return nil, errors.New("tenant: DataDir is required")
	}
	t := &Tenant{
		base: strings.TrimRight(cfg.BaseURL, "/"), dir: cfg.DataDir,
		now: cfg.Now, rand: cfg.Rand, log: cfg.Log, sessions: newSessions(),
		running: make(chan struct{}, 1), wake: make(chan struct{}, 1), hashing: make(chan struct{}, hashesAtOnce),
		rounds: cmp.Or(cfg.HashRounds, hashRounds),
	}
	if t.now == nil {
		t.now = time.Now
	}
	if t.rand == nil {
		t.rand = rand.Reader
	}
	if t.log == nil {
		t.log = slog.New(slog.DiscardHandler)
	}
	client := http.Client{Timeout: time.Minute}
	if cfg.HTTPClient != nil {
		client = *cfg.HTTPClient
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	t.http = &client
	return t, nil
}

func (t *Tenant) firstState(cfg Config) (*state, error) {
	keys := slices.Clone(cfg.keys)
	if keys == nil {
		var err error
		if keys, err = t.newKeys(); err != nil {
			return nil, err
		}
	}
	st := &state{Version: 1, TenantID: t.uuid(), Domain: cfg.Domain, Name: cfg.Name, Rev: 1, Keys: keys, AdminToken: t.secret()}
	if st.Domain == "" {
		st.Domain = "meridian.example"
	}
	if st.Name == "" {
		st.Name = "Meridian"
	}
	st.App = Application{
		AppID: t.uuid(), DisplayName: "AWS IAM Identity Center", AssignmentRequired: true,
		NameIDSource: "userPrincipalName", Sign: "assertion", GroupsClaim: "none",
		Roles:       []AppRole{{RoleUser, "User"}, {RoleMSIAM, "msiam_access"}},
		Assignments: []Assignment{}, ReplyURLs: []string{},
	}
	st.Job = t.newJob(st.TenantID)
	return st, nil
}

// ID returns the tenant's id, a lower-case UUID.
func (t *Tenant) ID() string { return t.st.TenantID }

// Domain returns the tenant's domain.
func (t *Tenant) Domain() string { return t.st.Domain }

// BaseURL returns the address that the tenant was told is its own.
func (t *Tenant) BaseURL() string { return t.base }

// Issuer returns the entity ID of the tenant's SAML identity provider, which depends on the dialect.
func (t *Tenant) Issuer() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.issuerIn(t.st.App.SAMLDialect)
}

// MetadataURL returns where the federation metadata for the enterprise application is.
func (t *Tenant) MetadataURL() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.base + "/" + t.st.TenantID + "/federationmetadata/2007-06/federationmetadata.xml?appid=" + t.st.App.AppID
}

// AdminToken returns the token that the API and the administrator's sign-in ask for. It is also in the
// file admin-token of the data directory. It is a secret.
func (t *Tenant) AdminToken() string { return t.st.AdminToken }

// Run works the provisioning job's schedule until ctx ends. It returns nil then, after the cycle that
// was running has ended.
func (t *Tenant) Run(ctx context.Context) error {
	for {
		wait, due := t.untilDue()
		if due {
			if _, err := t.RunCycle(ctx); err != nil && ctx.Err() == nil {
				t.log.Warn("provisioning cycle failed", "err", err)
			}
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-t.wake:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// untilDue says whether a cycle is due by the tenant's clock, else how long to sleep. The sleep is capped
// at a second because an injected clock may jump.
func (t *Tenant) untilDue() (time.Duration, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	j := &t.st.Job
	if !j.Enabled || j.Status == StatusDisabled || !j.ready() {
		return time.Second, false
	}
	if left := j.NextRun.Sub(t.now()); left > 0 {
		return min(left, time.Second), false
	}
	return time.Millisecond, true
}

func (t *Tenant) nudge() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// random fills n bytes. The source failing means that no secret can be made safely, which nothing
// can go on from.
func (t *Tenant) random(n int) []byte {
	b := make([]byte, n)
	t.randMu.Lock()
	defer t.randMu.Unlock()
	if _, err := io.ReadFull(t.rand, b); err != nil {
		panic("tenant: no randomness: " + err.Error())
	}
	return b
}

// uuid mints a version 4 UUID.
func (t *Tenant) uuid() string {
	b := t.random(16)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

func (t *Tenant) secret() string { return hex.EncodeToString(t.random(24)) }
