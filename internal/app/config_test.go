package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCompleteNamesEveryFault(t *testing.T) {
	t.Parallel()
	_, err := Config{Listen: "nowhere", Database: "mysql://x", Region: "Frankfurt", LogLevel: "loud", TLSKey: "/no/such/key", Metrics: "9090", URL: "ftp://x"}.Complete()
	if err == nil {
		t.Fatal("a configuration with eight faults was taken")
	}
	for _, key := range []string{"data:", "listen:", "database:", "region:", "log_level:", "tls_certificate and tls_key:", "tls_key:", "metrics:", "url:"} {
		if !strings.Contains(err.Error(), key) {
			t.Errorf("the error does not name %s\n%v", key, err)
		}
	}
}

func TestPlainHTTPIsForThisMachineAlone(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]bool{
		"http://127.0.0.1:8080": true, "http://localhost:8080": true, "http://[::1]:8080": true, "https://sso.example.com": true,
		"http://sso.example.com": false, "http://10.0.0.1": false, "http://0.0.0.0:8080": false, "https://sso.example.com/path": false, "https://": false,
	} {
		_, err := Config{Data: t.TempDir(), URL: url}.Complete()
		if (err == nil) != want {
			t.Errorf("%s: got %v", url, err)
		}
	}
}

func TestLoadConfigRefusesUnknownKeys(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "c.yaml")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("listen: 127.0.0.1:1\nlisten_adress: x\n")
	if _, err := LoadConfig(file, nil); err == nil || !strings.Contains(err.Error(), "listen_adress") {
		t.Errorf("got %v", err)
	}
	write("listen: 127.0.0.1:1\nname: File\n")
	c, err := LoadConfig(file, []string{"GATEHOUSE_CONFIG_NAME=Environment", "GATEHOUSE_URL=http://ignored", "PATH=/bin"})
	if err != nil || c.Listen != "127.0.0.1:1" || c.Name != "Environment" || c.URL != "" {
		t.Errorf("got %+v, %v", c, err)
	}
	if _, err := LoadConfig("", []string{"GATEHOUSE_CONFIG_NMAE=x"}); err == nil || !strings.Contains(err.Error(), "GATEHOUSE_CONFIG_NMAE") {
		t.Errorf("got %v", err)
	}
	if _, err := LoadConfig(filepath.Join(t.TempDir(), "none.yaml"), nil); err == nil {
		t.Error("a missing file was taken")
	}
}

func TestExportsSurviveAShell(t *testing.T) {
	t.Parallel()
	got := Environment{"B": "it's $HOME `x`", "A": "1"}.Exports()
	if want := "export A='1'\nexport B='it'\\''s $HOME `x`'\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSCIMLogHasBounds(t *testing.T) {
	t.Parallel()
	for l, want := range map[SCIMLog]bool{{}: true, {Days: 1, Entries: 1}: true, {Days: 3650, Entries: 10_000_000}: true, {Off: true}: true, {Days: -1}: false, {Days: 3651}: false, {Entries: -1}: false, {Entries: 10_000_001}: false} {
		_, err := Config{Data: t.TempDir(), SCIMLog: l}.Complete()
		if (err == nil) != want || err != nil && !strings.Contains(err.Error(), "scim_log:") {
			t.Errorf("%+v: got %v", l, err)
		}
	}
}

func TestEnvironmentIsPrivate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := (Environment{"A": "1"}).Write(dir); err != nil {
		t.Fatal(err)
	}
	st, err := os.Stat(filepath.Join(dir, environmentFile))
	if err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("got mode %v, %v", st.Mode(), err)
	}
	if e, err := ReadEnvironment(dir); err != nil || e["A"] != "1" {
		t.Errorf("got %v, %v", e, err)
	}
	if _, err := ReadEnvironment(t.TempDir()); err == nil || !strings.Contains(err.Error(), "gatehouse serve") {
		t.Errorf("got %v", err)
	}
}
