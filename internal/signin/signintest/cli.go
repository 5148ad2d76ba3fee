package signintest

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// CLI is a real AWS CLI, version 2, with a home of its own and its endpoints turned to a test's servers.
type CLI struct {
	t    testing.TB
	path string
	// Home holds .aws.
	Home string
}

// versions of the API descriptions in which the CLI looks for endpoints.
var versions = map[string]string{"sso": "2019-06-10", "sso-oidc": "2019-06-10"}

// NewCLI finds an AWS CLI 2 and points it to the endpoints: "sso" and "sso-oidc" to URLs. The test is skipped where there is none.
//
// The CLI of Debian 12 (2.9.19) knows no endpoint in its environment and ignores --endpoint-url in `aws sso login`, but it obeys endpoint rule
// sets in a directory of AWS_DATA_PATH; newer ones obey both.
func NewCLI(t testing.TB, endpoints map[string]string) CLI {
	t.Helper()
	c := CLI{t: t, Home: t.TempDir()}
	for _, path := range []string{"/usr/bin/aws", "/usr/local/bin/aws"} {
		if out, err := exec.Command(path, "--version").Output(); err == nil && bytes.HasPrefix(out, []byte("aws-cli/2.")) {
			c.path = path
			break
		}
	}
	if c.path == "" {
		t.Skip("the AWS CLI, version 2, is not installed (Debian: apt install awscli)")
	}
	for service, url := range endpoints {
		rules, err := json.Marshal(map[string]any{
			"version":    "1.0",
			"parameters": map[string]any{"Region": map[string]any{"builtIn": "AWS::Region", "required": false, "documentation": "", "type": "String"}},
			"rules": []any{map[string]any{
				"conditions": []any{}, "type": "endpoint",
				"endpoint": map[string]any{"url": url, "properties": map[string]any{}, "headers": map[string]any{}},
			}},
		})
		if err != nil {
			t.Fatal(err)
		}
		c.write(filepath.Join("models", service, versions[service], "endpoint-rule-set-1.json"), rules)
	}
	c.write(".aws/config", []byte(`[sso-session gate]
sso_start_url = `+StartURL+`
sso_region = us-east-1
sso_registration_scopes = sso:account:access

[profile dev]
sso_session = gate
sso_account_id = 111122223333
sso_role_name = ReadOnly
region = us-east-1

[profile old]
sso_start_url = `+StartURL+`
sso_region = us-east-1
sso_account_id = 111122223333
sso_role_name = ReadOnly
region = us-east-1
`))
	return c
}

// Describe gives the CLI a description of a service (botocore's service-2.json) in place of its own.
func (c CLI) Describe(service, model string) {
	c.t.Helper()
	c.write(filepath.Join("models", service, versions[service], "service-2.json"), []byte(model))
}

// Key makes an access key that of the CLI's default profile.
func (c CLI) Key(id, secret, region string) {
	c.t.Helper()
	c.write(".aws/credentials", []byte("[default]\naws_access_key_id = "+id+"\naws_secret_access_key = "+secret+"\nregion = "+region+"\n"))
}

func (c CLI) write(name string, content []byte) {
	c.t.Helper()
	path := filepath.Join(c.Home, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		c.t.Fatal(err)
	}
}

func (c CLI) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, c.path, args...)
	cmd.Env = []string{
		"HOME=" + c.Home, "PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", "AWS_DATA_PATH=" + filepath.Join(c.Home, "models"), "AWS_PAGER=",
		"AWS_EC2_METADATA_DISABLED=true",
	}
	return cmd
}

// Run runs the CLI and returns what it printed, both streams together, and whether it succeeded.
func (c CLI) Run(args ...string) (out string, ok bool) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), time.Minute)
	defer cancel()
	b, err := c.command(ctx, args...).CombinedOutput()
	return string(b), err == nil
}

var userCode = regexp.MustCompile(`^[A-Z]{4}-[A-Z]{4}$`)

// Login runs `aws sso login --no-browser` with the arguments and calls approve with the user code it shows.
func (c CLI) Login(approve func(userCode string), args ...string) (out string, ok bool) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), time.Minute)
	defer cancel()
	cmd := c.command(ctx, append([]string{"sso", "login", "--no-browser"}, args...)...)
	cmd.Env = append(cmd.Env, "PYTHONUNBUFFERED=1")
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	var all strings.Builder
	for lines := bufio.NewScanner(pipe); lines.Scan(); {
		all.WriteString(lines.Text() + "\n")
		if userCode.MatchString(strings.TrimSpace(lines.Text())) {
			approve(strings.TrimSpace(lines.Text()))
		}
	}
	err = cmd.Wait()
	return all.String() + errs.String(), err == nil
}

// Token is what the CLI keeps in its cache of a login.
type Token struct {
	AccessToken, RefreshToken, ClientID, ClientSecret, StartURL, Region string
	ExpiresAt                                                           time.Time
}

// Tokens reads the CLI's cache.
func (c CLI) Tokens() []Token {
	c.t.Helper()
	files, err := filepath.Glob(filepath.Join(c.Home, ".aws/sso/cache/*.json"))
	if err != nil {
		c.t.Fatal(err)
	}
	var out []Token
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			c.t.Fatal(err)
		}
		var t Token
		if err := json.Unmarshal(b, &t); err != nil {
			c.t.Fatalf("%s: %v", b, err)
		}
		if t.AccessToken != "" {
			out = append(out, t)
		}
	}
	return out
}

// Age makes the tokens in the CLI's cache older.
func (c CLI) Age(by time.Duration) {
	c.t.Helper()
	files, err := filepath.Glob(filepath.Join(c.Home, ".aws/sso/cache/*.json"))
	if err != nil {
		c.t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			c.t.Fatal(err)
		}
		var v map[string]any
		if err := json.Unmarshal(b, &v); err != nil {
			c.t.Fatal(err)
		}
		s, _ := v["expiresAt"].(string)
		if at, err := time.Parse(time.RFC3339, s); err == nil && v["accessToken"] != nil {
			v["expiresAt"] = at.Add(-by).UTC().Format("2006-01-02T15:04:05Z")
		}
		if b, err = json.Marshal(v); err != nil {
			c.t.Fatal(err)
		}
		if err := os.WriteFile(f, b, 0o600); err != nil {
			c.t.Fatal(err)
		}
	}
}

// Keep puts an access token into the CLI's cache, as a login of the profile "old" would.
func (c CLI) Keep(accessToken string, until time.Time) {
	c.t.Helper()
	b, err := json.Marshal(map[string]string{
		"startUrl": StartURL, "region": "us-east-1", "accessToken": accessToken, "expiresAt": until.UTC().Format("2006-01-02T15:04:05Z"),
	})
	if err != nil {
		c.t.Fatal(err)
	}
	key := sha1.Sum([]byte(StartURL)) // the CLI's name for its file, no protection of anything
	c.write(".aws/sso/cache/"+hex.EncodeToString(key[:])+".json", b)
}
