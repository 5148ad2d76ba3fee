package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestQuotasAreSetInTheFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(file, []byte("quotas:\n  permission_sets: 7\n  trusted_token_issuers: 2\n  tags_per_resource: 3\n  attached_policies: 20\n  trust_policy_size: 4096\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := LoadConfig(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	if a, p := c.Quotas.access(), c.Quotas.application(); a.Sets != 7 || a.Tags != 3 || a.Policies != 0 || p.Issuers != 2 || p.Tags != 3 {
		t.Errorf("read %+v", c.Quotas)
	}
	if i := c.Quotas.iam(); i.AttachedPolicies != 20 || i.TrustPolicySize != 4096 {
		t.Errorf("read %+v", c.Quotas)
	}
	if _, err := (Config{Data: t.TempDir(), Quotas: Quotas{Regions: -1}}).Complete(); err == nil || !strings.Contains(err.Error(), "quotas:") {
		t.Errorf("a negative quota: %v", err)
	}
}
