package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
	"github.com/spf13/cobra"

	"gatehouse/internal/app"
	"gatehouse/internal/apptest"
	"gatehouse/internal/audit"
	"gatehouse/internal/credential"
	"gatehouse/internal/scimlog"
)

// each visits every command that people see.
func each(c *cobra.Command, visit func(*cobra.Command)) {
	visit(c)
	for _, sub := range c.Commands() {
		if !sub.Hidden && sub.Name() != "help" && sub.Name() != "completion" {
			each(sub, visit)
		}
	}
}

func execute(args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = run(context.Background(), args, &out, &errs)
	return code, out.String(), errs.String()
}

// words is how a command is called, without the program's name.
func words(c *cobra.Command) []string { return strings.Fields(c.CommandPath())[1:] }

// TestHelp: every command explains itself with examples that the program itself would take.
func TestHelp(t *testing.T) {
	t.Parallel()
	each(rootCommand(), func(c *cobra.Command) {
		code, out, errs := execute(append(words(c), "--help")...)
		if code != 0 || errs != "" || !strings.Contains(out, "Examples:\n") || c.Short == "" {
			t.Errorf("%s --help: exit %d, stderr %q, stdout\n%s", c.CommandPath(), code, errs, out)
		}
		for _, line := range strings.Split(c.Example, "\n") {
			line = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(line), `eval "$(`), `)"`)
			args, ours := strings.CutPrefix(line, "gatehouse ")
			if !ours {
				continue
			}
			found, rest, err := rootCommand().Find(strings.Fields(args))
			if err != nil || found.ParseFlags(rest) != nil {
				t.Errorf("%s: the example %q is not understood: %v", c.CommandPath(), line, err)
				continue
			}
			if found.Args != nil && !strings.Contains(line, "'") { // what is quoted is one argument, which Fields does not see
				if err := found.ValidateArgs(found.Flags().Args()); err != nil {
					t.Errorf("%s: the example %q: %v", c.CommandPath(), line, err)
				}
			}
		}
	})
}

// TestWrongUsage is exit code 2, a sentence on stderr that leads to --help, and nothing on stdout.
func TestWrongUsage(t *testing.T) {
	t.Parallel()
	wrong := func(args ...string) {
		t.Helper()
		if code, out, errs := execute(args...); code != 2 || out != "" || !strings.HasPrefix(errs, "gatehouse: ") || !strings.Contains(errs, "--help") {
			t.Errorf("%q: exit %d, stdout %q, stderr %q", args, code, out, errs)
		}
	}
	each(rootCommand(), func(c *cobra.Command) {
		w := words(c)
		wrong(append(slices.Clone(w), "--no-such-flag")...)
		if !strings.Contains(c.Use, "PATH...") { // any number of them
			wrong(append(slices.Clone(w), "a", "b", "c", "d")...)
		}
		if strings.Contains(c.Use, " ") && !strings.Contains(c.Use, "[") {
			wrong(w...)
		}
	})
	wrong("serv")
	wrong("user", "crate")
	wrong("event", "list", "--limit", "many")
	wrong("event", "list", "--limit", "0")
	wrong("event", "list", "--since", "yesterday")
	wrong("serve", "--listen")
	if code, out, _ := execute("--version"); code != 0 || !strings.Contains(out, version) {
		t.Errorf("--version: exit %d, %q", code, out)
	}
}

// asked are the command lines that ask a server, in an order in which each succeeds. Every command with --json is among them.
func asked(metadata, address string) [][]string {
	return [][]string{
		{"user", "create", "mary@example.com", "--given-name", "Mary", "--family-name", "Major"},
		{"user", "list"}, {"user", "show", "mary@example.com"}, {"user", "disable", "mary@example.com"}, {"user", "enable", "mary@example.com"}, {"user", "sign-out", "mary@example.com"},
		{"group", "create", "Auditors"}, {"group", "list"}, {"group", "add", "Auditors", "mary@example.com"}, {"group", "members", "Auditors"},
		{"group", "remove", "Auditors", "mary@example.com"}, {"group", "delete", "Auditors"},
		{"access", "what", "mary@example.com"}, {"access", "who", "000000000000"},
		{"user", "delete", "mary@example.com"},
		{"directory", "create", "contoso"}, {"directory", "list"},
		{"directory", "guard", "contoso", "--share", "10"}, {"directory", "guard", "contoso", "--confirm", "2h"}, {"directory", "guard", "contoso", "--forget"}, {"directory", "guard", "contoso"},
		{"idp", "set", "--metadata", metadata}, {"idp", "show"}, {"idp", "set", "--metadata", address, "--sign-requests"}, {"idp", "refresh"}, {"idp", "failures"}, {"idp", "remove"},
		{"scim-token", "create"}, {"scim-token", "list"}, {"scim-token", "delete", "TOKEN"},
		{"directory", "requests", "list", "--outcome", "unauthenticated", "--since", "1h"}, {"directory", "requests", "show", "REQUEST"}, {"directory", "requests", "replay", "REQUEST"},
		{"directory", "requests", "replay", "--since", "1h"}, {"directory", "requests", "try", "get", "/Users?count=1"},
		{"event", "list"}, {"event", "list", "--action", "signin:*", "--outcome", "Denied", "--since", "1h"}, {"env"},
		{"directory", "builtin", "--enable", "--mfa", "always"}, {"directory", "builtin"}, {"directory", "domains", "contoso", "--domain", "contoso.com"},
		{"mail", "test", "me@example.com"},
		{"mail", "set", "--host", "mail.example.com", "--port", "465", "--security", "tls", "--from", "sso@example.com"}, {"mail", "show"},
		{"user", "create", "nia@example.com"}, {"user", "invite", "nia@example.com", "--show"}, {"user", "password", "nia@example.com"}, {"user", "devices", "nia@example.com"},
		{"user", "unlock", "nia@example.com"}, {"user", "remove-device", "nia@example.com", "DEVICE"}, {"session", "list", "nia@example.com"}, {"session", "end", "nia@example.com", "SESSION"},
		{"user", "break-glass", "nia@example.com"},
		{"group", "create", "Engineering"}, {"group", "create", "Platform"}, {"group", "nest", "Engineering", "Platform"}, {"group", "nested", "Engineering"}, {"group", "unnest", "Engineering", "Platform"},
		{"directory", "owners", "contoso", "--local", "adopt", "--directory", "default=adopt"}, {"directory", "owners", "contoso"}, {"directory", "nesting", "contoso", "expand"}, {"directory", "remove", "contoso", "--people", "disable"},
		{"plan", "testdata/access.yaml"}, {"apply", "testdata/access.yaml", "--auto-approve"},
	}
}

// enroll signs a user in who registers a device with it, and returns the ids of device and session.
func enroll(t *testing.T, p *apptest.Program, name string) (device, session string) {
	t.Helper()
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ctx, by := t.Context(), audit.Actor{Kind: audit.System, Name: "test"}
	u, err := p.Directory.UserByName(ctx, name)
	ok(err)
	sent, err := p.Credentials.Invite(ctx, by, u.ID, credential.Invitation, true)
	ok(err)
	_, secret, _ := strings.Cut(sent.URL, "token=")
	_, err = p.Credentials.UseLink(ctx, secret, "nine green bottles standing")
	ok(err)
	begun, err := p.Credentials.Begin(ctx, name, "", false)
	ok(err)
	b := credential.Browser{Attempt: begun.Secret}
	ok(p.Credentials.Password(ctx, b, "nine green bottles standing"))
	app, err := p.Credentials.BeginTOTP(ctx, credential.Registrar{Browser: b})
	ok(err)
	code, err := totp.GenerateCode(strings.ReplaceAll(app.Secret, " ", ""), p.Clock.Now())
	ok(err)
	_, err = p.Credentials.FinishTOTP(ctx, credential.Registrar{Browser: b}, "", code)
	ok(err)
	out, err := p.Credentials.Open(ctx, b, "")
	ok(err)
	sum, err := p.Credentials.Summary(ctx, u.ID)
	ok(err)
	return sum.Devices[0].ID, out.Opened.Session.ID
}

// refusedRequest sends a SCIM request without a token and returns what the log calls it.
func refusedRequest(t *testing.T, p *apptest.Program) string {
	t.Helper()
	res, err := http.Get(p.URL + "/scim/default/v2/Users")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	all, _, err := p.Requests.Requests(t.Context(), app.DefaultSource, scimlog.Filter{}, "", 1)
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	return all[0].ID
}

// TestCommandsAtAServer runs every one of them twice: with --json, whose output is one JSON value, and for people.
func TestCommandsAtAServer(t *testing.T) {
	t.Parallel()
	metadata := filepath.Join(t.TempDir(), "idp.xml")
	if err := os.WriteFile(metadata, []byte(idpMetadata), 0o600); err != nil {
		t.Fatal(err)
	}
	idp := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, idpMetadata) }))
	t.Cleanup(idp.Close)
	for _, flag := range []string{"--json", ""} {
		t.Run("flag "+flag, func(t *testing.T) {
			t.Parallel()
			p := apptest.StartWith(t, func(c *apptest.Settings) { c.MailDrop = filepath.Join(c.Data, "mail") })
			token, session := "", ""
			for _, args := range asked(metadata, idp.URL) {
				for i, a := range args {
					switch a {
					case "000000000000":
						args[i] = p.Instance.OwnerAccountID
					case "DEVICE":
						args[i], session = enroll(t, p, args[2])
					case "SESSION":
						args[i] = session
					case "REQUEST":
						args[i] = refusedRequest(t, p)
					case "TOKEN":
						ts, err := p.Directory.Tokens(t.Context(), app.DefaultSource)
						if err != nil || len(ts) != 1 {
							t.Fatal(ts, err)
						}
						args[i] = ts[0].ID
					}
				}
				line := append(slices.Clone(args), "--data", p.Config.Data)
				if flag != "" {
					line = append(line, flag)
				}
				code, out, errs := execute(line...)
				if code != 0 || errs != "" || out == "" {
					t.Errorf("%q: exit %d, stdout %q, stderr %q", line, code, out, errs)
				}
				if flag != "" {
					var v map[string]any
					d := json.NewDecoder(strings.NewReader(out))
					if err := d.Decode(&v); err != nil || d.More() {
						t.Errorf("%q: no JSON object: %v\n%s", line, err, out)
					}
					if id, has := v["id"]; has && id == "" {
						t.Errorf("%q speaks of a thing without an id: %s", line, out)
					}
					if args[0] == "scim-token" && args[1] == "create" {
						token, _ = v["token"].(string)
						expires, _ := v["expires"].(string)
						if at, err := time.Parse(time.RFC3339, expires); token == "" || v["url"] != p.URL+"/scim/default/v2" || err != nil || at.Before(time.Now()) {
							t.Errorf("scim-token create --json: %s", out)
						}
					}
				}
				if strings.Contains(out, "\x1b") {
					t.Errorf("%q writes colour to what is no terminal", line)
				}
			}
		})
	}
}

// TestCommandsWithoutAServer is exit code 1 with what to do next on stderr: no data directory, and nobody listening.
func TestCommandsWithoutAServer(t *testing.T) {
	t.Parallel()
	metadata := filepath.Join(t.TempDir(), "idp.xml")
	if err := os.WriteFile(metadata, []byte(idpMetadata), 0o600); err != nil {
		t.Fatal(err)
	}
	empty, dead := t.TempDir(), t.TempDir()
	env := app.Environment{"GATEHOUSE_URL": "http://127.0.0.1:1", "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "AKIAAAAAAAAAAAAAAAAA", "AWS_SECRET_ACCESS_KEY": "sEcReT-of-the-test"}
	if err := env.Write(dead); err != nil {
		t.Fatal(err)
	}
	tested := map[string]bool{}
	for _, args := range asked(metadata, "https://idp.example/metadata") {
		for n := range args {
			tested[strings.Join(args[:n+1], " ")] = true
			if args[n] == "REQUEST" {
				args[n] = "06614c2e808a1d-c09d57d6"
			}
		}
		for _, data := range []string{empty, dead} {
			if data == dead && args[0] == "env" {
				continue
			}
			code, out, errs := execute(append(slices.Clone(args), "--data", data)...)
			if code != 1 || out != "" || !strings.HasPrefix(errs, "gatehouse: ") || !strings.Contains(errs, "gatehouse serve") || strings.Contains(errs, "sEcReT") {
				t.Errorf("%q with %s: exit %d, stdout %q, stderr %q", args, data, code, out, errs)
			}
		}
	}
	each(rootCommand(), func(c *cobra.Command) {
		if c.Flags().Lookup("json") != nil && c.Flags().Lookup("data") != nil && !tested[strings.Join(words(c), " ")] {
			t.Errorf("%s has --json and is not among the commands tested", c.CommandPath())
		}
	})
	if code, _, errs := execute("idp", "set", "--metadata", filepath.Join(empty, "none.xml"), "--data", dead); code != 1 || !strings.Contains(errs, "none.xml") {
		t.Errorf("a metadata file that is not there: exit %d, %q", code, errs)
	}
}

// TestRefusalsAreShown: what the server says is said, with exit code 1.
func TestRefusalsAreShown(t *testing.T) {
	t.Parallel()
	p := apptest.Start(t)
	for text, args := range map[string][]string{
		"no such user": {"user", "show", "none@example.com"}, "username": {"user", "create", "not a name"}, "lower-case": {"directory", "create", "NOT-GOOD"},
	} {
		code, out, errs := execute(append(args, "--data", p.Config.Data)...)
		if code != 1 || out != "" || !strings.Contains(strings.ToLower(errs), strings.ToLower(text)) {
			t.Errorf("%q: exit %d, stdout %q, stderr %q", args, code, out, errs)
		}
	}
}

// TestWrongConfiguration stops the start and names every fault at once.
func TestWrongConfiguration(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "gatehouse.yaml")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("listen: nowhere\nregion: Frankfurt\nlog_level: loud\ndatabase: mysql://x\nurl: http://sso.example.com\ntls_key: /no/such/key\nmetrics: '9090'\n")
	code, out, errs := execute("serve", "--config", file, "--data", filepath.Join(dir, "data"))
	if code != 1 || out != "" {
		t.Errorf("exit %d, stdout %q", code, out)
	}
	for _, name := range []string{"listen:", "region:", "log_level:", "database:", "url:", "tls_key:", "metrics:", "tls_certificate and tls_key:"} {
		if !strings.Contains(errs, name) {
			t.Errorf("stderr does not name %s:\n%s", name, errs)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "data")); err == nil {
		t.Error("a start that failed made the data directory")
	}
	write("listen: 127.0.0.1:0\nlisten_adress: x\n")
	if code, _, errs := execute("serve", "--config", file, "--data", dir); code != 1 || !strings.Contains(errs, "listen_adress") {
		t.Errorf("an unknown key: exit %d, %s", code, errs)
	}
	write("listen: [\n")
	if code, _, errs := execute("serve", "--config", file, "--data", dir); code != 1 || !strings.Contains(errs, file) {
		t.Errorf("no YAML: exit %d, %s", code, errs)
	}
	if code, _, errs := execute("serve", "--config", file+".none", "--data", dir); code != 1 || !strings.Contains(errs, file+".none") {
		t.Errorf("no file: exit %d, %s", code, errs)
	}
}

// log is a buffer that several write to.
type log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// TestServe starts twice on one data directory: it stays who it is, ends cleanly when asked, and writes no secret to stdout or
// stderr, at the most talkative level.
func TestServe(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	var was app.Environment
	for n := range 2 {
		var out, errs log
		ctx, stop := context.WithCancel(t.Context())
		code := make(chan int, 1)
		go func() {
			code <- run(ctx, []string{"serve", "--listen", "127.0.0.1:0", "--data", data, "--log-level", "debug"}, &out, &errs)
		}()
		env := ready(t, data, &out)
		if n == 1 && (env["GATEHOUSE_INSTANCE_ARN"] != was["GATEHOUSE_INSTANCE_ARN"] || env["GATEHOUSE_IDENTITY_STORE_ID"] != was["GATEHOUSE_IDENTITY_STORE_ID"] || env["AWS_ACCESS_KEY_ID"] != was["AWS_ACCESS_KEY_ID"]) {
			t.Errorf("the second start is another installation:\n%v\n%v", was, env)
		}
		was = env
		if c, tok, e := execute("scim-token", "create", "--data", data, "--json"); c != 0 {
			t.Errorf("exit %d %s", c, e)
		} else if secret := tok[strings.Index(tok, "ghscim_"):][:50]; strings.Contains(out.String()+errs.String(), secret) {
			t.Error("the log holds a SCIM token")
		}
		stop()
		if c := <-code; c != 0 {
			t.Errorf("exit %d when asked to end: %s", c, errs.String())
		}
		if all := out.String() + errs.String(); strings.Contains(all, env["AWS_SECRET_ACCESS_KEY"]) {
			t.Error("the secret access key is on stdout or in the log")
		}
	}
	if code, _, errs := execute("serve", "--listen", "127.0.0.1", "--data", data); code != 1 || !strings.Contains(errs, "HOST:PORT") {
		t.Errorf("exit %d %s", code, errs)
	}
}

// ready waits for the server whose start writes to out, and returns its environment.
func ready(t *testing.T, data string, out *log) app.Environment {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		env, err := app.ReadEnvironment(data)
		if err != nil || !strings.Contains(out.String(), env["GATEHOUSE_URL"]+"/start") {
			continue
		}
		if res, err := http.Get(env["GATEHOUSE_URL"] + "/readyz"); err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return env
			}
		}
	}
	t.Fatalf("the server is not ready after 30 seconds: %s", out.String())
	return nil
}

// idpMetadata is an identity provider's.
const idpMetadata = `<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://idp.example/"><IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><KeyDescriptor use="signing"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>MIIDDzCCAfegAwIBAgIUEdQbiEDMAcXMdJEh8NdL8CUXK9QwDQYJKoZIhvcNAQELBQAwFjEUMBIGA1UEAwwLaWRwLmV4YW1wbGUwIBcNMjYxMTI0MDQzODA1WhgPMjEyNjEwMzEwNDM4MDVaMBYxFDASBgNVBAMMC2lkcC5leGFtcGxlMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAqBowSFAio2BvF2QcPyUo3nuvhwWqen5e5jokUZutBYcaigF6uMn4pG0kKObgWu1j9vE5jzt/ZU3wnhDze8L8f2kIF8y4gxoDMVjd57D8rD8I6KjYWcCdrRIjvWNmeY+8A8PHEnfJB2W7wwj7EfgCRzjjAbWrbCAUHfhLK3EBENx3tm6hO21jxyS1baVBZB/yACQZM5A2Nidp2RvSkCFkswiu8qHdQLxFoRAT/z+BQXIoEMbiO5TplETg4/0hI9pekISBjd1Eah9zTo5NHBi5PvSp26/KlLyucoSQ0fuxFdaiZlS1HWvhDjifh41EPHEycGJc/sFs1gVb0beM6P3gowIDAQABo1MwUTAdBgNVHQ4EFgQUbdOP9L/1FMGQMDYjJXWws7jjFwowHwYDVR0jBBgwFoAUbdOP9L/1FMGQMDYjJXWws7jjFwowDwYDVR0TAQH/BAUwAwEB/zANBgkqhkiG9w0BAQsFAAOCAQEAfjzwwXxEnnvBDKqHpZ0/8NPM07cp+kSUtjvnaVB4PiSOWusmqdGn+fDUkjrylogxTF3r8RFt7umfCmZk2YQpGB093B1o6ds1J2iDlJ8VCgnlXy5LhAgwmTrsuOpeyKUWSaqM+otQgE2K0jqJQmahR8B/kPXRqLmsIbdB/591p+c64zanegR//WSSMQkrZTJefKuboS2t0undX7DKmzp7nI11QaTOXMqFicSiCx3AQKJCA/XrHclPdDqkSkp+UHJ0YC0SBxeMSJyM8DSvJwiUlf89oqjvz3kj1QEyWTAJWrOM6/QM4C3/PVWOjkCoUJ7tclo3DjessgoMyP6mSl7PMw==</X509Certificate></X509Data></KeyInfo></KeyDescriptor><SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.example/sso"/></IDPSSODescriptor></EntityDescriptor>`
