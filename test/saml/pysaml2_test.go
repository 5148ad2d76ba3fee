package samlclients

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// pyIDP is an identity provider on pysaml2.
type pyIDP struct {
	t        *testing.T
	url      string
	metadata []byte
	in       io.Writer
	out      *bufio.Scanner
}

// startPython runs testdata/idp.py with Debian's Python.
func startPython(t *testing.T, g gatehouse) *pyIDP {
	t.Helper()
	python := need(t, "/usr/bin/python3", "python3-pysaml2")
	need(t, "/usr/bin/xmlsec1", "xmlsec1")
	if err := exec.Command(python, "-c", "import saml2").Run(); err != nil {
		t.Skip("pysaml2 is not installed (Debian: apt-get install python3-pysaml2)")
	}
	dir := t.TempDir()
	certificate(t, dir)
	write(t, filepath.Join(dir, "sp.xml"), newBrowser(t).get(g.url+"/saml/"+sourceID+"/metadata").body)
	i := &pyIDP{t: t, url: "http://" + freeAddress(t)}
	cmd := exec.Command(python, filepath.Join("testdata", "idp.py"), dir, i.url)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var said lockedBuffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close() // it ends with its input
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("pysaml2 said:\n%s", said.tail(4000))
		}
	})
	i.in, i.out = in, bufio.NewScanner(out)
	i.out.Buffer(nil, 1<<20)
	var first struct{ Metadata string }
	i.read(&first)
	i.metadata = []byte(first.Metadata)
	return i
}

func (i *pyIDP) read(v any) {
	i.t.Helper()
	if !i.out.Scan() {
		i.t.Fatalf("pysaml2 has ended: %v", i.out.Err())
	}
	if err := json.Unmarshal(i.out.Bytes(), v); err != nil {
		i.t.Fatalf("pysaml2 said %q", i.out.Text())
	}
}

// ask is what pysaml2 is to answer.
type ask struct {
	Request string `json:"request"`
	Name    string `json:"name"`
	Sign    string `json:"sign"`
	Digest  string `json:"digest"`
}

// answer returns the response, base64, and where it is to be posted.
func (i *pyIDP) answer(a ask) (response, acs string) {
	i.t.Helper()
	line, err := json.Marshal(a)
	if err != nil {
		i.t.Fatal(err)
	}
	if _, err := i.in.Write(append(line, '\n')); err != nil {
		i.t.Fatal(err)
	}
	var said struct{ Response, ACS, Error string }
	i.read(&said)
	if said.Error != "" {
		i.t.Fatalf("pysaml2 refuses: %s", said.Error)
	}
	return said.Response, said.ACS
}

// begin begins a sign-in and returns the parameters that the identity provider gets.
func (b browser) begin(g gatehouse) url.Values { return b.beginAt(g).Query() }

// beginAt begins a sign-in and returns the address that the browser is sent to.
func (b browser) beginAt(g gatehouse) *url.URL {
	b.t.Helper()
	stay := *b.client
	stay.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := stay.Get(g.login())
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	to, err := resp.Location()
	if err != nil {
		b.t.Fatalf("login: status %d: %v", resp.StatusCode, err)
	}
	return to
}

func TestPysaml2(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, g gatehouse) {
		idp := startPython(t, g)
		g.trust(t, idp.metadata, false)
		for _, tt := range []struct {
			sign, digest, name string
			status             int
		}{
			{"assertion", "sha256", anna, http.StatusOK},
			{"response", "sha256", anna, http.StatusOK},
			{"both", "sha256", anna, http.StatusOK},
			{"both", "sha512", anna, http.StatusOK},
			{"assertion", "sha384", anna, http.StatusOK},
			{"none", "sha256", anna, http.StatusForbidden},
			{"both", "sha1", anna, http.StatusForbidden},
			{"both", "sha256", nobody, http.StatusForbidden},
			{"both", "sha256", strings.ToUpper(anna), http.StatusForbidden},
		} {
			b := newBrowser(t)
			q := b.begin(g)
			response, acs := idp.answer(ask{q.Get("SAMLRequest"), tt.name, tt.sign, tt.digest})
			if acs != g.acs() {
				t.Errorf("pysaml2 answers to %s, want %s", acs, g.acs())
			}
			p := b.do(http.MethodPost, acs, url.Values{"SAMLResponse": {response}, "RelayState": {q.Get("RelayState")}})
			want := ""
			if tt.status == http.StatusOK {
				want = anna
			}
			if got := b.whoami(g); got != want || (want == "" && p.status != tt.status) {
				t.Errorf("%+v: status %d at %s, signed in is %q:\n%s", tt, p.status, p.at, got, p.body)
			}
			if want != "" && (p.at.Path != "/start" || p.at.RawQuery != "from=test") {
				t.Errorf("%+v: ended at %s", tt, p.at)
			}
		}
	})
}

// What pysaml2 signed and somebody changed on the way.
func TestPysaml2ChangedOnTheWay(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, g gatehouse) {
		idp := startPython(t, g)
		g.trust(t, idp.metadata, true)
		response, acs := idp.answer(ask{"", nobody, "both", "sha256"})
		doc, err := base64.StdEncoding.DecodeString(response)
		if err != nil {
			t.Fatal(err)
		}
		for name, changed := range map[string]string{
			"another name":   strings.ReplaceAll(string(doc), nobody, anna),
			"comment":        strings.ReplaceAll(string(doc), nobody, anna+"<!---->"),
			"without proof":  stripSignatures(t, strings.ReplaceAll(string(doc), nobody, anna)),
			"two assertions": strings.Replace(string(doc), "</ns0:Response>", strings.ReplaceAll(assertionOf(t, string(doc)), nobody, anna)+"</ns0:Response>", 1),
		} {
			if changed == string(doc) {
				t.Fatalf("%s: nothing was changed:\n%s", name, doc)
			}
			b := newBrowser(t)
			p := b.do(http.MethodPost, acs, url.Values{"SAMLResponse": {base64.StdEncoding.EncodeToString([]byte(changed))}})
			if p.status != http.StatusForbidden || b.whoami(g) != "" {
				t.Errorf("%s: status %d, signed in is %q", name, p.status, b.whoami(g))
			}
		}
		// Unchanged and of somebody known it is taken: the metadata was brought in with sign-in begun at the identity provider.
		response, acs = idp.answer(ask{"", anna, "assertion", "sha256"})
		b := newBrowser(t)
		if p := b.do(http.MethodPost, acs, url.Values{"SAMLResponse": {response}, "RelayState": {"//evil.example/"}}); b.whoami(g) != anna || p.at.Path != "/start" {
			t.Errorf("unsolicited: status %d at %s:\n%s", p.status, p.at, p.body)
		}
	})
}

func assertionOf(t *testing.T, doc string) string {
	t.Helper()
	from, to := strings.Index(doc, "<ns1:Assertion"), strings.Index(doc, "</ns1:Assertion>")
	if from < 0 || to < 0 {
		t.Fatalf("no assertion in %s", doc)
	}
	return doc[from : to+len("</ns1:Assertion>")]
}

func stripSignatures(t *testing.T, doc string) string {
	t.Helper()
	for {
		from, to := strings.Index(doc, "<ns2:Signature"), strings.Index(doc, "</ns2:Signature>")
		if from < 0 || to < 0 {
			return doc
		}
		doc = doc[:from] + doc[to+len("</ns2:Signature>"):]
	}
}
