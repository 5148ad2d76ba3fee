package samlclients

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/saml"
)

// phpIDP is a SimpleSAMLphp identity provider.
type phpIDP struct{ url string }

const password = "correct horse"

// startPHP runs SimpleSAMLphp with two people. It reads the service provider's metadata as the server publishes it. Its entity
// ID is its own unless another is given.
func startPHP(t *testing.T, g gatehouse, settings string, entityID ...string) phpIDP {
	t.Helper()
	php := need(t, "php", "php-cli php-xml")
	www := need(t, "/usr/share/simplesamlphp/www", "simplesamlphp")
	dir, address := t.TempDir(), freeAddress(t)
	write(t, filepath.Join(dir, "sp.xml"), newBrowser(t).get(g.url+"/saml/"+sourceID+"/metadata").body)
	certificate(t, filepath.Join(dir, "cert"))
	for _, sub := range []string{"log", "data", "tmp", "sessions"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	entity := "http://" + address + "/entity"
	if len(entityID) > 0 {
		entity = entityID[0]
	}
	replace := strings.NewReplacer("DIR", dir, "URL", "http://"+address, "ENTITY", entity)
	write(t, filepath.Join(dir, "config", "config.php"), []byte(replace.Replace(`<?php $config = [
'baseurlpath' => 'URL/', 'certdir' => 'DIR/cert/', 'loggingdir' => 'DIR/log/', 'datadir' => 'DIR/data/', 'tempdir' => 'DIR/tmp', 'metadatadir' => 'DIR/config/metadata/',
'technicalcontact_email' => 'test@example.com', 'timezone' => 'UTC', 'secretsalt' => 'only-for-this-test-only-for-this', 'auth.adminpassword' => 'of no use to anyone',
'enable.saml20-idp' => true, 'module.enable' => ['exampleauth' => true, 'saml' => true, 'core' => true],
'logging.handler' => 'errorlog', 'logging.format' => '%level %msg', 'logging.level' => SimpleSAML\Logger::NOTICE,
'store.type' => 'phpsession', 'session.phpsession.savepath' => 'DIR/sessions', 'session.phpsession.cookiename' => 'ssp', 'session.cookie.secure' => false,
'metadata.sources' => [['type' => 'flatfile', 'directory' => 'DIR/config/metadata'], ['type' => 'xml', 'file' => 'DIR/sp.xml']],
];`)))
	write(t, filepath.Join(dir, "config", "authsources.php"), []byte(fmt.Sprintf(`<?php $config = ['people' => ['exampleauth:UserPass',
'anna:%[1]s' => ['mail' => ['%[2]s'], 'displayName' => ['Anna Müller & Søn <x>'], 'groups' => ['a', 'b']], 'nobody:%[1]s' => ['mail' => ['%[3]s']]]];`, password, anna, nobody)))
	write(t, filepath.Join(dir, "config", "metadata", "saml20-idp-hosted.php"), []byte(replace.Replace(`<?php $metadata['ENTITY'] = [
'host' => '__DEFAULT__', 'privatekey' => 'idp.pem', 'certificate' => 'idp.crt', 'auth' => 'people',
'NameIDFormat' => ['`+saml.NameIDEmail+`'], 'authproc' => [3 => ['class' => 'saml:AttributeNameID', 'attribute' => 'mail', 'Format' => '`+saml.NameIDEmail+`']],
`+settings+`];`)))
	cmd := exec.Command(php, "-S", address, "-t", www)
	cmd.Env = append(os.Environ(), "SIMPLESAMLPHP_CONFIG_DIR="+filepath.Join(dir, "config"))
	stopped := start(t, cmd)
	idp := phpIDP{"http://" + address}
	await(t, idp.url+"/saml2/idp/metadata.php", stopped)
	return idp
}

// certificate writes a key and its certificate as idp.pem and idp.crt.
func certificate(t *testing.T, dir string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := saml.SelfSign(rand.Reader, key, saml.CertificateSpec{CommonName: "Test IdP", NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0)})
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "idp.pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	write(t, filepath.Join(dir, "idp.crt"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}))
}

// answer signs a person in at SimpleSAMLphp, from the page where its login form is, and returns its page with the answer.
func (i phpIDP) answer(b browser, login page, user string) page {
	b.t.Helper()
	p := b.submit(login, map[string]string{"username": user, "password": password})
	if !strings.Contains(string(p.body), `name="SAMLResponse"`) {
		b.t.Fatalf("SimpleSAMLphp does not answer at %s:\n%s", p.at, p.body)
	}
	return p
}

func TestSimpleSAMLphp(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, g gatehouse) {
		for name, settings := range map[string]string{
			"response and assertion signed": `'signature.algorithm' => 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256'`,
			"assertion signed, SHA-512":     `'signature.algorithm' => 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha512', 'saml20.sign.response' => false`,
			"response signed, SHA-384":      `'signature.algorithm' => 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha384', 'saml20.sign.assertion' => false`,
		} {
			idp := startPHP(t, g, settings)
			g.trust(t, newBrowser(t).get(idp.url+"/saml2/idp/metadata.php").body, false)
			b := newBrowser(t)
			answer := idp.answer(b, b.get(g.login()), "anna")
			last := b.submit(answer, nil)
			if last.at.Path != "/start" || last.at.RawQuery != "from=test" {
				t.Errorf("%s: ended at %s (status %d):\n%s", name, last.at, last.status, last.body)
			}
			if got := b.whoami(g); got != anna {
				t.Errorf("%s: signed in is %q", name, got)
			}
			// The answer once more, and in another browser.
			for _, again := range []browser{b, newBrowser(t)} {
				if p := again.submit(answer, nil); p.status != http.StatusForbidden {
					t.Errorf("%s: a second use of the answer: status %d", name, p.status)
				}
			}
		}
	})
}

func TestSimpleSAMLphpRefusals(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, g gatehouse) {
		idp := startPHP(t, g, `'signature.algorithm' => 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256'`)
		g.trust(t, newBrowser(t).get(idp.url+"/saml2/idp/metadata.php").body, false)
		unasked := idp.url + "/saml2/idp/SSOService.php?spentityid=" + g.entityID()

		b := newBrowser(t)
		if p := b.submit(idp.answer(b, b.get(g.login()), "nobody"), nil); p.status != http.StatusForbidden || !strings.Contains(string(p.body), "does not (yet)") {
			t.Errorf("unknown person: status %d:\n%s", p.status, p.body)
		}
		// An answer for one browser, posted by another: login CSRF.
		b = newBrowser(t)
		answer := idp.answer(b, b.get(g.login()), "anna")
		victim := newBrowser(t)
		victim.get(g.login())
		if p := victim.submit(answer, nil); p.status != http.StatusForbidden || victim.whoami(g) != "" {
			t.Errorf("another browser: status %d, signed in %q", p.status, victim.whoami(g))
		}
		b = newBrowser(t)
		if p := b.submit(idp.answer(b, b.get(unasked), "anna"), nil); p.status != http.StatusForbidden || b.whoami(g) != "" {
			t.Errorf("sign-in begun at the identity provider, not enabled: status %d", p.status)
		}
		// Another identity provider that says it is the first one: it has another key.
		other := startPHP(t, g, `'signature.algorithm' => 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256'`, idp.url+"/entity")
		b = newBrowser(t)
		if p := b.submit(other.answer(b, b.get(other.url+"/saml2/idp/SSOService.php?spentityid="+g.entityID()), "anna"), nil); p.status != http.StatusForbidden {
			t.Errorf("another identity provider: status %d", p.status)
		}
		// Enabled.
		g.trust(t, newBrowser(t).get(idp.url+"/saml2/idp/metadata.php").body, true)
		b = newBrowser(t)
		if p := b.submit(idp.answer(b, b.get(unasked), "anna"), nil); b.whoami(g) != anna {
			t.Errorf("sign-in begun at the identity provider: status %d at %s:\n%s", p.status, p.at, p.body)
		}
		// SHA-1 is refused.
		old := startPHP(t, g, `'signature.algorithm' => 'http://www.w3.org/2000/09/xmldsig#rsa-sha1'`)
		g.trust(t, newBrowser(t).get(old.url+"/saml2/idp/metadata.php").body, false)
		b = newBrowser(t)
		if p := b.submit(old.answer(b, b.get(g.login()), "anna"), nil); p.status != http.StatusForbidden || b.whoami(g) != "" {
			t.Errorf("SHA-1: status %d", p.status)
		}
	})
}
