package local_test

import (
	"context"
	"crypto/rand"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
	"gatehouse/internal/localiam"
	"gatehouse/internal/seal"
	"gatehouse/internal/storage/sqlite"
	"gatehouse/internal/storage/sqlite/sqlitetest"
	"gatehouse/internal/target"
	"gatehouse/internal/target/local"
	"gatehouse/internal/target/targettest"
)

const account = "111122223333"

func TestSuite(t *testing.T) {
	t.Parallel()
	targettest.Run(t, func(t *testing.T) targettest.Place {
		dir := t.TempDir()
		db, err := sqlite.Open(t.Context(), sqlitetest.Path(t), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		sealer, err := seal.OpenFile(filepath.Join(dir, "keyset.json"))
		if err != nil {
			t.Fatal(err)
		}
		clock := time.Now()
		now := func() time.Time { return clock }
		iam := localiam.NewService(localiam.Config{Store: db.LocalIAM(), Sealer: sealer, Now: now, Rand: rand.Reader})
		return targettest.Place{
			Target:    local.New(iam, func(context.Context) (string, error) { return "<EntityDescriptor/>", nil }, "http://127.0.0.1:8080"),
			AccountID: account,
			Move:      func(d time.Duration) time.Time { clock = clock.Add(d); return clock },
			May: func(t *testing.T, c target.Credentials) bool {
				known, err := iam.Credential(t.Context(), c.AccessKeyID, c.SessionToken)
				if err != nil {
					t.Fatal(err)
				}
				err = iam.Authorize(t.Context(), known.Caller, localiam.Check{Action: "s3:GetObject", Resource: "arn:aws:s3:::bucket/key", ResourceAccount: account})
				if err != nil && !fault.Is(err, fault.Denied) {
					t.Fatal(err)
				}
				return err == nil
			},
			Seen: func(t *testing.T, name string) (targettest.Seen, bool) { return seen(t, iam, name) },
			AddPolicy: func(t *testing.T, p target.PolicyRef) {
				_, err := iam.CreatePolicy(t.Context(), audit.Gatehouse, localiam.ManagedPolicy{AccountID: account, Name: p.Name, Path: p.Path},
					`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`)
				if err != nil {
					t.Fatal(err)
				}
			},
			AddRole: func(t *testing.T, name, trust string, longest time.Duration) (string, string) {
				if err := iam.DeleteRole(t.Context(), audit.Gatehouse, account, name); err != nil && !fault.Is(err, fault.NotFound) {
					t.Fatal(err)
				}
				r, err := iam.CreateRole(t.Context(), audit.Gatehouse, localiam.Role{Identity: localiam.Identity{AccountID: account, Name: name, Path: "/"}, TrustPolicy: trust, MaxSessionDuration: longest})
				if err != nil {
					t.Fatal(err)
				}
				return r.ARN(), r.ID
			},
		}
	})
}

func seen(t *testing.T, iam *localiam.Service, name string) (targettest.Seen, bool) {
	r, err := iam.Role(t.Context(), account, name)
	if fault.Is(err, fault.NotFound) {
		return targettest.Seen{}, false
	}
	if err != nil {
		t.Fatal(err)
	}
	return targettest.Seen{Path: r.Path, Description: r.Description, Trust: r.TrustPolicy, Boundary: r.BoundaryARN, MaxSession: r.MaxSessionDuration, Attached: r.Attached, Inline: r.Inline}, true
}

func TestSessionNamesFitSTS(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"mary@example.com":      "mary@example.com",
		strings.Repeat("x", 64): strings.Repeat("x", 64),
		"a":                     "a-ca978112ca1b",
		"söm ebody/x":           "s_m_ebody_x-295d8acfca33",
		strings.Repeat("x", 99): strings.Repeat("x", 51) + "-d0621fdd5f06",
	} {
		if got := local.SessionName(in); got != want {
			t.Errorf("SessionName(%q) = %q, want %q", in, got, want)
		}
	}
}
