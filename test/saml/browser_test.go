package samlclients

import (
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// browser follows redirects, keeps cookies and fills in forms.
type browser struct {
	t      *testing.T
	client *http.Client
}

// page is where the browser is.
type page struct {
	status int
	at     *url.URL
	body   []byte
}

func newBrowser(t *testing.T) browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return browser{t, &http.Client{Jar: jar}}
}

func (b browser) do(method, to string, form url.Values) page {
	b.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequest(method, to, body)
	if err != nil {
		b.t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "cross-site") // what a browser says of an identity provider's form
	}
	resp, err := b.client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return page{resp.StatusCode, resp.Request.URL, text}
}

func (b browser) get(to string) page { return b.do(http.MethodGet, to, nil) }

// whoami asks the server who is signed in in this browser.
func (b browser) whoami(g gatehouse) string {
	b.t.Helper()
	p := b.get(g.who)
	return g.said(p.status, p.body)
}

var (
	formTag  = regexp.MustCompile(`(?is)<form\b[^>]*>`)
	inputTag = regexp.MustCompile(`(?is)<input\b[^>]*>`)
	pair     = regexp.MustCompile(`(?is)([a-z-]+)\s*=\s*"([^"]*)"`)
)

func attributes(tag string) map[string]string {
	found := map[string]string{}
	for _, m := range pair.FindAllStringSubmatch(tag, -1) {
		found[strings.ToLower(m[1])] = html.UnescapeString(m[2])
	}
	return found
}

// submit posts the page's first form with its fields and those given.
func (b browser) submit(p page, fields map[string]string) page {
	b.t.Helper()
	action, form := p.form(b.t)
	for name, value := range fields {
		form.Set(name, value)
	}
	return b.do(http.MethodPost, action, form)
}

// form returns the address and fields of the page's first form.
func (p page) form(t *testing.T) (string, url.Values) {
	t.Helper()
	tag := formTag.Find(p.body)
	if tag == nil {
		t.Fatalf("no form at %s (status %d):\n%s", p.at, p.status, p.body)
	}
	to, err := p.at.Parse(attributes(string(tag))["action"])
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{}
	for _, input := range inputTag.FindAll(p.body, -1) {
		if a := attributes(string(input)); a["name"] != "" {
			form.Set(a["name"], a["value"])
		}
	}
	return to.String(), form
}
