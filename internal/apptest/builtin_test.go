package apptest_test

import (
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"gatehouse/internal/apptest"
	"gatehouse/internal/credential"
	"gatehouse/internal/directory"
)

// builtin is a server whose built-in directory is on, and nia, who has a password.
type builtin struct {
	*apptest.Program
	t   *testing.T
	nia directory.User
}

const niasPassword = "nine green bottles standing"

func newBuiltin(t *testing.T) *builtin {
	t.Helper()
	w := &builtin{Program: apptest.Start(t), t: t}
	w.set(func(s *credential.Settings) { s.Enabled, s.SelfReset, s.MFA = true, true, credential.Never })
	w.nia = w.user("nia@example.com", niasPassword)
	return w
}

func (w *builtin) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *builtin) set(change func(*credential.Settings)) {
	w.t.Helper()
	_, err := w.Credentials.UpdateSettings(w.t.Context(), tester, 0, func(s *credential.Settings) error { change(s); return nil })
	w.ok(err)
}

func (w *builtin) user(name, password string) directory.User {
	w.t.Helper()
	u, err := w.Directory.CreateUser(w.t.Context(), tester, directory.User{UserName: name, Active: true, Emails: []directory.Value{{Value: name}}})
	w.ok(err)
	sent, err := w.Credentials.Invite(w.t.Context(), tester, u.ID, credential.Invitation, true)
	w.ok(err)
	_, token, _ := strings.Cut(sent.URL, "token=")
	_, err = w.Credentials.UseLink(w.t.Context(), token, password)
	w.ok(err)
	return u
}

// visitor is a browser at the server, and the page that it shows.
type visitor struct {
	*builtin
	client *http.Client
	status int
	header http.Header
	body   string
}

func (w *builtin) visitor() *visitor { return &visitor{builtin: w, client: w.Browser(w.t)} }

func (v *visitor) send(r *http.Request) *visitor {
	v.t.Helper()
	res, err := v.client.Do(r)
	v.ok(err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	v.ok(err)
	v.status, v.header, v.body = res.StatusCode, res.Header, html.UnescapeString(string(b))
	return v
}

func (v *visitor) get(path string) *visitor {
	v.t.Helper()
	r, err := http.NewRequest(http.MethodGet, v.URL+path, nil)
	v.ok(err)
	return v.send(r)
}

// form posts a form with the hidden fields that the page has.
func (v *visitor) form(path string, pairs ...string) *visitor {
	v.t.Helper()
	f := url.Values{}
	for _, m := range hiddenField.FindAllStringSubmatch(v.body, -1) {
		f.Set(m[1], m[2])
	}
	for i := 0; i < len(pairs); i += 2 {
		f.Set(pairs[i], pairs[i+1])
	}
	return v.post(path, f, "same-origin")
}

var hiddenField = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)

func (v *visitor) post(path string, f url.Values, site string) *visitor {
	v.t.Helper()
	r, err := http.NewRequest(http.MethodPost, v.URL+path, strings.NewReader(f.Encode()))
	v.ok(err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", site)
	return v.send(r)
}

// at wants the page to lead to a path, and goes there.
func (v *visitor) at(path string) *visitor {
	v.t.Helper()
	if got := v.header.Get("Location"); v.status != http.StatusSeeOther || got != path {
		v.t.Fatalf("HTTP %d to %q, want a redirect to %q: %s", v.status, got, path, v.body)
	}
	return v.get(path)
}

// says wants a page with the status and the texts.
func (v *visitor) says(status int, texts ...string) *visitor {
	v.t.Helper()
	if v.status != status {
		v.t.Fatalf("HTTP %d to %q, want %d: %s", v.status, v.header.Get("Location"), status, v.body)
	}
	for _, s := range texts {
		if !strings.Contains(v.body, s) {
			v.t.Errorf("the page does not say %q: %s", s, v.body)
		}
	}
	return v
}

// session is who is signed in, "" for nobody.
func (v *visitor) session() string {
	v.t.Helper()
	if v.get("/api/v1/session").status == http.StatusUnauthorized {
		return ""
	}
	m := regexp.MustCompile(`"userName":"([^"]*)"`).FindStringSubmatch(v.body)
	if m == nil {
		v.t.Fatalf("HTTP %d: %s", v.status, v.body)
	}
	return m[1]
}

// signIn goes from nothing to the password's answer.
func (v *visitor) signIn(name, password string) *visitor {
	v.t.Helper()
	v.get("/signin?return_to=/device").says(200, "User name")
	v.form("/signin", "identifier", name).at("/signin/step").says(200, "Enter your password")
	return v.form("/signin/password", "password", password)
}

func TestPasswordSignInWithoutAScript(t *testing.T) {
	t.Parallel()
	w := newBuiltin(t)
	v := w.visitor()
	v.signIn(w.nia.UserName, "wrong").says(403, "User name or password is wrong.", "Enter your password")
	if csp := v.header.Get("Content-Security-Policy"); strings.Contains(csp, "script-src") || !strings.Contains(csp, "default-src 'none'") {
		t.Errorf("the policy of a page without passkeys: %s", csp)
	}
	v.form("/signin/password", "password", niasPassword)
	if to := v.header.Get("Location"); v.status != 303 || to != "/device" {
		t.Errorf("HTTP %d to %q", v.status, to)
	}
	for _, c := range v.header.Values("Set-Cookie") {
		if !strings.Contains(c, "HttpOnly") || !strings.Contains(c, "SameSite=Lax") || !strings.Contains(c, "Path=/") {
			t.Errorf("cookie %s", c)
		}
	}
	if who := v.session(); who != w.nia.UserName {
		t.Errorf("signed in: %q", who)
	}
}

// TestStepsCannotBeSkipped posts every later step first, with the token that the form would have.
func TestStepsCannotBeSkipped(t *testing.T) {
	t.Parallel()
	w := newBuiltin(t)
	w.set(func(s *credential.Settings) { s.MFA, s.WithoutDevice = credential.Always, credential.Register })
	v := w.visitor()
	v.get("/signin").form("/signin", "identifier", w.nia.UserName).at("/signin/step")
	token := hiddenField.FindStringSubmatch(v.body)[2]
	late := map[string]url.Values{
		"/signin/code": {"code": {"123456"}}, "/signin/new-password": {"password": {"another green bottle"}, "again": {"another green bottle"}},
		"/signin/app": {"code": {"123456"}}, "/signin/open": {},
	}
	for path, f := range late {
		f.Set("token", token)
		v.post(path, f, "same-origin").at("/signin/step").says(200, "Enter your password")
		if who := v.session(); who != "" {
			t.Fatalf("%s signed %q in", path, who)
		}
	}
	// After the password, registration is due and cannot be passed by.
	v.get("/signin/step").form("/signin/password", "password", niasPassword).at("/signin/step").says(200, "Add a device")
	v.post("/signin/open", url.Values{"token": {token}}, "same-origin").at("/signin/step").says(200, "Add a device")
	if who := v.session(); who != "" {
		t.Fatalf("signed in: %q", who)
	}
	// Without the attempt's cookie there is nothing to go on with; without its token neither.
	other := w.visitor()
	other.post("/signin/password", url.Values{"password": {niasPassword}, "token": {token}}, "same-origin").at("/signin?problem=over").says(200, "Begin again.")
	other.get("/signin").form("/signin", "identifier", w.nia.UserName).at("/signin/step")
	other.post("/signin/password", url.Values{"password": {niasPassword}, "token": {token}}, "same-origin").says(403, "not of the sign-in that is under way")
	other.post("/signin/password", url.Values{"password": {niasPassword}}, "same-origin").says(403)
}

// TestLoginCSRF: no form of another site begins, goes on with or changes anything.
func TestLoginCSRF(t *testing.T) {
	t.Parallel()
	w := newBuiltin(t)
	v := w.visitor()
	for _, path := range []string{
		"/signin", "/signin/local", "/signin/password", "/signin/code", "/signin/new-password", "/signin/app", "/signin/open", "/signin/forgot", "/signin/link",
		"/signin/passkey/ask", "/signin/passkey/answer", "/signin/passkey/begin", "/signin/passkey/finish",
		"/start/security/rename", "/start/security/remove", "/start/security/codes", "/start/security/device", "/start/security/password",
	} {
		v.post(path, url.Values{"identifier": {"mallory"}}, "cross-site")
		if v.status != 403 || len(v.header.Values("Set-Cookie")) > 0 {
			t.Errorf("%s: HTTP %d, %v", path, v.status, v.header.Values("Set-Cookie"))
		}
	}
	// A form cannot speak to what the script speaks to.
	v.post("/signin/passkey/ask", url.Values{"a": {"b"}}, "same-origin")
	if v.status != 400 {
		t.Errorf("a form at the script's door: HTTP %d", v.status)
	}
}

// TestSessionFixation: what the browser brought along is not what it is signed in with.
func TestSessionFixation(t *testing.T) {
	t.Parallel()
	w := newBuiltin(t)
	v := w.visitor()
	u, _ := url.Parse(w.URL)
	planted := "plantedplantedplantedplantedplantedplanted1"
	v.client.Jar.SetCookies(u, []*http.Cookie{{Name: "gatehouse_session", Value: planted, Path: "/"}, {Name: "gatehouse_attempt", Value: planted, Path: "/"}, {Name: "gatehouse_known", Value: planted, Path: "/"}})
	v.signIn(w.nia.UserName, niasPassword)
	if v.session() != w.nia.UserName {
		t.Fatal("not signed in")
	}
	for _, c := range v.client.Jar.Cookies(u) {
		if c.Value == planted {
			t.Errorf("%s is still what was planted", c.Name)
		}
	}
	// The session of somebody else in the same browser ends.
	before := v.client.Jar.Cookies(u)
	omar := w.user("omar@example.com", niasPassword)
	v2 := &visitor{builtin: w, client: v.client}
	v2.post("/signin", url.Values{"identifier": {omar.UserName}}, "same-origin").at("/signin/step").form("/signin/password", "password", niasPassword)
	if v2.session() != omar.UserName {
		t.Fatal("not signed in")
	}
	old := w.visitor()
	old.client.Jar.SetCookies(u, before)
	if who := old.session(); who != "" {
		t.Errorf("the session of %q is still open", who)
	}
}

func TestSignInLeadsNowhereElse(t *testing.T) {
	t.Parallel()
	w := newBuiltin(t)
	for _, to := range []string{"https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "/signin", "/signin/step", ""} {
		v := w.visitor()
		v.get("/signin?return_to=" + url.QueryEscape(to))
		v.form("/signin", "identifier", w.nia.UserName, "return_to", to).at("/signin/step").form("/signin/password", "password", niasPassword)
		if got := v.header.Get("Location"); got != "/start" {
			t.Errorf("return_to %q led to %q", to, got)
		}
		w.Clock.Move(time.Minute)
	}
}

// TestAppCodesAndRecovery registers an app in the middle of a sign-in, signs in with its codes, recovers, and removes it.
func TestAppCodesAndRecovery(t *testing.T) {
	t.Parallel()
	w := newBuiltin(t)
	w.set(func(s *credential.Settings) { s.MFA = credential.Always })
	v := w.visitor()
	v.signIn(w.nia.UserName, niasPassword).at("/signin/step").says(200, "Add a device", "data:image/png;base64,")
	secret := strings.ReplaceAll(regexp.MustCompile(`Key: <code>([A-Z2-7 ]+)</code>`).FindStringSubmatch(v.body)[1], " ", "")
	code := func() string {
		c, err := totp.GenerateCode(secret, w.Clock.Now())
		w.ok(err)
		return c
	}
	v.form("/signin/app", "code", "000000").says(403, "not the one that the app should show")
	v.form("/signin/app", "code", code(), "name", "My <phone>").says(200, "Keep these codes")
	codes := regexp.MustCompile(`<li><code>([a-z2-9-]{19})</code></li>`).FindAllStringSubmatch(v.body, -1)
	if len(codes) != credential.RecoveryCodes {
		t.Fatalf("%d codes: %s", len(codes), v.body)
	}
	v.form("/signin/open")
	if v.session() != w.nia.UserName {
		t.Fatal("not signed in")
	}
	v.get("/start/security").says(200, "My <phone>", fmt.Sprintf("%d left", credential.RecoveryCodes))

	w.Clock.Move(time.Minute)
	v = w.visitor()
	v.signIn(w.nia.UserName, niasPassword).at("/signin/step").says(200, "authenticator app").form("/signin/code", "code", "123").says(403, "wrong")
	v.form("/signin/code", "code", code())
	if v.session() != w.nia.UserName {
		t.Fatal("not signed in with a code")
	}
	v = w.visitor()
	v.signIn(w.nia.UserName, niasPassword).at("/signin/step").form("/signin/code", "code", codes[0][1])
	if v.session() != w.nia.UserName {
		t.Fatal("not signed in with a recovery code")
	}
	// A while later a removal asks to sign in again, with the device.
	w.Clock.Move(credential.AttemptLife)
	v.get("/start/security").says(200, "My <phone>")
	device := regexp.MustCompile(`name="device" value="([^"]*)"`).FindStringSubmatch(v.body)[1]
	v.form("/start/security/remove", "device", device)
	if to := v.header.Get("Location"); to != "/signin/again?return_to=%2Fstart%2Fsecurity" {
		t.Fatalf("a removal without signing in again: HTTP %d to %q", v.status, to)
	}
	v.at("/signin/again?return_to=%2Fstart%2Fsecurity").at("/signin/step").says(200, "Confirm that it is you")
	v.form("/signin/password", "password", niasPassword).at("/signin/step").form("/signin/code", "code", codes[1][1]).at("/start/security").says(200, "My <phone>")
	v.form("/start/security/rename", "device", device, "name", "Old one").at("/start/security").says(200, "Old one")
	token := hiddenField.FindStringSubmatch(v.body)[2]
	v.post("/start/security/remove", url.Values{"device": {device}, "token": {token + "x"}}, "same-origin").says(403)
	v.post("/start/security/remove", url.Values{"device": {device}, "token": {token}}, "same-origin").at("/start/security").says(200, "You have none.")
}

// TestResetByMail goes through the file drop; links in mails are of the configured address, whatever the Host header says.
func TestResetByMail(t *testing.T) {
	t.Parallel()
	l := apptest.StartWith(t, func(c *apptest.Settings) { c.MailDrop = filepath.Join(c.Data, "mail") })
	w := &builtin{Program: l, t: t}
	w.set(func(s *credential.Settings) { s.Enabled, s.SelfReset, s.MFA = true, true, credential.Never })
	w.nia = w.user("nia@example.com", niasPassword)
	v := w.visitor()
	said := ""
	for _, name := range []string{"nobody@example.com", w.nia.UserName} {
		r, err := http.NewRequest(http.MethodPost, w.URL+"/signin/forgot", strings.NewReader(url.Values{"identifier": {name}}.Encode()))
		w.ok(err)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("X-Forwarded-Host", "evil.example")
		r.Host = "evil.example"
		v.send(r).says(200, "a link is on its way")
		if said != "" && said != v.body {
			t.Errorf("the answers differ:\n%s\n%s", said, v.body)
		}
		said = v.body
	}
	var mail string
	for end := time.Now().Add(20 * time.Second); mail == "" && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		files, _ := filepath.Glob(filepath.Join(w.Config.MailDrop, "*.eml"))
		if len(files) > 1 {
			t.Fatalf("%d mails", len(files))
		}
		if len(files) == 1 {
			b, err := os.ReadFile(files[0])
			w.ok(err)
			mail = strings.ReplaceAll(strings.ReplaceAll(string(b), "=\r\n", ""), "=3D", "=")
		}
	}
	if strings.Contains(mail, "evil") || !strings.Contains(mail, "To: <nia@example.com>") {
		t.Errorf("the mail: %s", mail)
	}
	m := regexp.MustCompile(`(http://127\.0\.0\.1:\d+)(/signin/link\?token=[A-Za-z0-9+/_-]+)`).FindStringSubmatch(mail)
	if m == nil || m[1] != w.URL {
		t.Fatalf("the link in %s", mail)
	}
	v.get(m[2]).says(200, "signing in as nia@example.com")
	v.get(m[2]).form("/signin/link", "password", "new words for nia here", "again", "other words").says(400, "differ")
	v.form("/signin/link", "password", "short", "again", "short").says(400, "at least 12")
	v.form("/signin/link", "password", "ten tall trees in a row", "again", "ten tall trees in a row").at("/signin?password_set=1").says(200, "Your password is set")
	v.get(m[2]).says(403, "used already")
	if v.session() != "" {
		t.Error("the link signed somebody in")
	}
	v.signIn(w.nia.UserName, niasPassword).says(403)
	v.signIn(w.nia.UserName, "ten tall trees in a row")
	if v.session() != w.nia.UserName {
		t.Error("not signed in")
	}
}

func TestBreakGlassWhenAllElseIsOff(t *testing.T) {
	t.Parallel()
	w := newBuiltin(t)
	w.ok(w.Credentials.SetBreakGlass(t.Context(), tester, w.nia.ID, true))
	omar := w.user("omar@example.com", niasPassword)
	w.set(func(s *credential.Settings) { s.Enabled = false })
	v := w.visitor()
	v.get("/signin").says(200, "Break-glass sign-in", "gatehouse directory builtin --enable")
	v.get("/signin/local").form("/signin/local", "identifier", omar.UserName).at("/signin/step").form("/signin/password", "password", niasPassword).says(403, "wrong")
	v.get("/signin/local").form("/signin/local", "identifier", w.nia.UserName).at("/signin/step").form("/signin/password", "password", niasPassword)
	if v.session() != w.nia.UserName {
		t.Error("not signed in")
	}
}
