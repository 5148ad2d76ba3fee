package awswire

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/fault"
)

const (
	exampleID     = "AKIDEXAMPLE"
	exampleSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
	exampleStamp  = "20150830T123600Z"
)

func exampleTime(t testing.TB) time.Time {
	t.Helper()
	at, err := time.Parse(stampForm, exampleStamp)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// TestSigningKeyOfTheManual is the worked example of the AWS General Reference, "Derive a signing key".
func TestSigningKeyOfTheManual(t *testing.T) {
	t.Parallel()
	got := hex.EncodeToString(DerivedKey(exampleSecret, "20150830", "us-east-1", "iam"))
	if want := "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9"; got != want {
		t.Errorf("derived key = %s, want %s", got, want)
	}
}

// TestVectorsOfAWS holds requests whose signatures AWS publishes: the example of the General Reference
// and cases of its Signature Version 4 test suite (service "service", us-east-1).
func TestVectorsOfAWS(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, method, url, service, headers, body, signature string
		extra                                                map[string]string
	}{
		{"General Reference, ListUsers", "GET", "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08", "iam", "content-type;host;x-amz-date", "",
			"5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7", map[string]string{"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}},
		{"get-vanilla", "GET", "https://example.amazonaws.com/", "service", "host;x-amz-date", "",
			"5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31", nil},
		{"get-vanilla-query-order-key-case", "GET", "https://example.amazonaws.com/?Param2=value2&Param1=value1", "service", "host;x-amz-date", "",
			"b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500", nil},
		{"get-vanilla-utf8-query", "GET", "https://example.amazonaws.com/?%E1%88%B4=bar", "service", "host;x-amz-date", "",
			"2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04", nil},
		{"post-vanilla", "POST", "https://example.amazonaws.com/", "service", "host;x-amz-date", "",
			"5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b", nil},
		{"post-x-www-form-urlencoded", "POST", "https://example.amazonaws.com/", "service", "content-type;host;x-amz-date", "Param1=value1",
			"ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a", map[string]string{"Content-Type": "application/x-www-form-urlencoded"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(tt.method, tt.url, strings.NewReader(tt.body))
			r.Header.Set("X-Amz-Date", exampleStamp)
			for k, v := range tt.extra {
				r.Header.Set(k, v)
			}
			r.Header.Set("Authorization", fmt.Sprintf("AWS4-HMAC-SHA256 Credential=%s/20150830/us-east-1/%s/aws4_request, SignedHeaders=%s, Signature=%s", exampleID, tt.service, tt.headers, tt.signature))
			s, err := ParseSignature(r)
			if err != nil {
				t.Fatal(err)
			}
			key := DerivedKey(exampleSecret, s.Date, s.Region, s.Service)
			if err := s.Verify(r, []byte(tt.body), key, exampleTime(t)); err != nil {
				t.Errorf("Verify: %v", err)
			}
			if err := s.Verify(r, []byte(tt.body+"x"), key, exampleTime(t)); !hasReason(err, ReasonSignature) {
				t.Errorf("Verify of another body: %v, want reason %s", err, ReasonSignature)
			}
		})
	}
}

func hasReason(err error, reason string) bool {
	return err != nil && fault.Of(err).Kind == fault.Unauthenticated && fault.Of(err).Reason == reason
}

func signedRequest(t testing.TB, k Key) (*http.Request, []byte) {
	t.Helper()
	body := []byte(`{"IdentityStoreId":"d-0123456789"}`)
	r := httptest.NewRequest("POST", "http://127.0.0.1:8080/a%20b//c?x=1&x=0&empty=&%C3%A4=%2F+%2B", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "AWSIdentityStore.DescribeUser")
	if err := Sign(r, body, k, "eu-west-1", "identitystore", exampleTime(t)); err != nil {
		t.Fatal(err)
	}
	return r, body
}

func verify(r *http.Request, body []byte, secret string, now time.Time) error {
	s, err := ParseSignature(r)
	if err != nil {
		return err
	}
	return s.Verify(r, body, DerivedKey(secret, s.Date, s.Region, s.Service), now)
}

// TestEveryAlterationIsRefused takes one genuine request and changes one thing at a time.
func TestEveryAlterationIsRefused(t *testing.T) {
	t.Parallel()
	k := Key{ID: "ASIAEXAMPLE", Secret: exampleSecret, Token: "token"}
	if r, body := signedRequest(t, k); verify(r, body, exampleSecret, exampleTime(t)) != nil {
		t.Fatal("the genuine request is refused")
	}
	tests := []struct {
		name   string
		reason string
		alter  func(*http.Request)
	}{
		{"method", ReasonSignature, func(r *http.Request) { r.Method = "PUT" }},
		{"path", ReasonSignature, func(r *http.Request) { r.URL.Path, r.URL.RawPath = "/a b/c", "/a%20b/c" }},
		{"query value", ReasonSignature, func(r *http.Request) { r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "x=1", "x=2", 1) }},
		{"query added", ReasonSignature, func(r *http.Request) { r.URL.RawQuery += "&y=1" }},
		{"broken query", ReasonIncomplete, func(r *http.Request) { r.URL.RawQuery += "&%zz" }},
		{"host", ReasonSignature, func(r *http.Request) { r.Host = "127.0.0.1:8081" }},
		{"signed header", ReasonSignature, func(r *http.Request) { r.Header.Set("X-Amz-Target", "AWSIdentityStore.DeleteUser") }},
		{"signed header twice", ReasonSignature, func(r *http.Request) { r.Header.Add("X-Amz-Target", "AWSIdentityStore.DeleteUser") }},
		{"signed header gone", ReasonSignature, func(r *http.Request) { r.Header.Del("X-Amz-Target") }},
		{"x-amz header added", ReasonSignature, func(r *http.Request) { r.Header.Set("X-Amz-Extra", "1") }},
		{"token changed", ReasonSignature, func(r *http.Request) { r.Header.Set("X-Amz-Security-Token", "other") }},
		{"token twice", ReasonIncomplete, func(r *http.Request) { r.Header.Add("X-Amz-Security-Token", "other") }},
		{"date moved", ReasonSignature, func(r *http.Request) { r.Header.Set("X-Amz-Date", "20150830T123601Z") }},
		{"date of another day", ReasonSignature, func(r *http.Request) { r.Header.Set("X-Amz-Date", "20150831T123600Z") }},
		{"no date", ReasonIncomplete, func(r *http.Request) { r.Header.Del("X-Amz-Date") }},
		{"no signature", ReasonMissing, func(r *http.Request) { r.Header.Del("Authorization") }},
		{"two signatures", ReasonIncomplete, func(r *http.Request) { r.Header.Add("Authorization", r.Header.Get("Authorization")) }},
		{"signed both ways", ReasonIncomplete, func(r *http.Request) { r.URL.RawQuery += "&X-Amz-Signature=00" }},
		{"another region", ReasonSignature, replaceAuth("eu-west-1", "eu-west-2")},
		{"another service", ReasonSignature, replaceAuth("/identitystore/", "/sso/")},
		{"another terminator", ReasonIncomplete, replaceAuth("aws4_request", "aws5_request")},
		{"host not signed", ReasonSignature, replaceAuth(";host;", ";")},
		{"date not signed", ReasonSignature, replaceAuth(";x-amz-date", "")},
		{"headers not sorted", ReasonIncomplete, replaceAuth("content-type;host", "host;content-type")},
		{"header listed twice", ReasonIncomplete, replaceAuth("host;", "host;host;")},
		{"upper-case header list", ReasonIncomplete, replaceAuth("content-type", "Content-Type")},
		{"short signature", ReasonIncomplete, func(r *http.Request) {
			v := r.Header.Get("Authorization")
			r.Header.Set("Authorization", v[:len(v)-2])
		}},
		{"another algorithm", ReasonIncomplete, replaceAuth("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r, body := signedRequest(t, k)
			before := r.Header.Get("Authorization")
			tt.alter(r)
			if strings.HasPrefix(tt.name, "another") && before == r.Header.Get("Authorization") {
				t.Fatal("the alteration altered nothing")
			}
			if err := verify(r, body, exampleSecret, exampleTime(t)); !hasReason(err, tt.reason) {
				t.Errorf("got %v, want reason %s", err, tt.reason)
			}
		})
	}
	r, body := signedRequest(t, k)
	if err := verify(r, body, exampleSecret+"x", exampleTime(t)); !hasReason(err, ReasonSignature) {
		t.Errorf("another secret: got %v", err)
	}
}

func replaceAuth(old, new string) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), old, new, 1))
	}
}

func TestClockSkewIsFiveMinutesEitherWay(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		off time.Duration
		ok  bool
	}{{0, true}, {MaxSkew, true}, {-MaxSkew, true}, {MaxSkew + time.Second, false}, {-MaxSkew - time.Second, false}, {24 * time.Hour, false}} {
		r, body := signedRequest(t, Key{ID: exampleID, Secret: exampleSecret})
		err := verify(r, body, exampleSecret, exampleTime(t).Add(tt.off))
		if tt.ok && err != nil || !tt.ok && !hasReason(err, ReasonSignature) {
			t.Errorf("clock off by %v: %v", tt.off, err)
		}
	}
}

// presign is written apart from the verifier, after the General Reference's description.
func presign(t *testing.T, expires string) *http.Request {
	t.Helper()
	q := url.Values{
		"Action": {"GetCallerIdentity"}, "Version": {"2011-06-15"}, "X-Amz-Algorithm": {"AWS4-HMAC-SHA256"},
		"X-Amz-Credential": {"ASIAEXAMPLE/20150830/us-east-1/sts/aws4_request"}, "X-Amz-Date": {exampleStamp},
		"X-Amz-Expires": {expires}, "X-Amz-SignedHeaders": {"host"}, "X-Amz-Security-Token": {"tok/en+="},
	}
	encoded := strings.ReplaceAll(q.Encode(), "+", "%20")
	const emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	canonical := "GET\n/\n" + encoded + "\nhost:sts.example\n\nhost\n" + emptyHash
	sum := fmt.Sprintf("%x", sha([]byte(canonical)))
	key := DerivedKey(exampleSecret, "20150830", "us-east-1", "sts")
	mac := hex.EncodeToString(sign(key, "AWS4-HMAC-SHA256\n"+exampleStamp+"\n20150830/us-east-1/sts/aws4_request\n"+sum))
	return httptest.NewRequest("GET", "http://sts.example/?"+encoded+"&X-Amz-Signature="+mac, nil)
}

func TestPresignedRequest(t *testing.T) {
	t.Parallel()
	at := exampleTime(t)
	for _, tt := range []struct {
		name, expires string
		after         time.Duration
		alter         func(*http.Request)
		reason        string
	}{
		{"at once", "60", 0, nil, ""},
		{"at its end", "60", time.Minute, nil, ""},
		{"too late", "60", time.Minute + time.Second, nil, ReasonSignature},
		{"at the end of fifteen minutes", "604800", 15 * time.Minute, nil, ""},
		{"after fifteen minutes", "604800", 15*time.Minute + time.Second, nil, ReasonSignature},
		{"too early", "60", -MaxSkew - time.Second, nil, ReasonSignature},
		{"no life", "0", 0, nil, ReasonIncomplete},
		{"longer than a week", "604801", 0, nil, ReasonIncomplete},
		{"life lengthened", "60", 0, func(r *http.Request) {
			r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "Expires=60", "Expires=600", 1)
		}, ReasonSignature},
		{"parameter twice", "60", 0, func(r *http.Request) { r.URL.RawQuery += "&X-Amz-Expires=600" }, ReasonIncomplete},
		{"unsigned x-amz header", "60", 0, func(r *http.Request) { r.Header.Set("X-Amz-Target", "a.b") }, ReasonSignature},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := presign(t, tt.expires)
			if tt.alter != nil {
				tt.alter(r)
			}
			err := verify(r, nil, exampleSecret, at.Add(tt.after))
			if tt.reason == "" && err != nil || tt.reason != "" && !hasReason(err, tt.reason) {
				t.Errorf("got %v, want reason %q", err, tt.reason)
			}
		})
	}
	s, err := ParseSignature(presign(t, "60"))
	if err != nil || s.Token != "tok/en+=" || s.KeyID != "ASIAEXAMPLE" {
		t.Errorf("ParseSignature = %+v, %v", s, err)
	}
}

// FuzzSignature: whatever a client writes, parsing and verifying neither panics nor, without the key,
// succeeds; every refusal is an Unauthenticated fault.
func FuzzSignature(f *testing.F) {
	r, _ := signedRequest(f, Key{ID: exampleID, Secret: exampleSecret})
	f.Add(r.Header.Get("Authorization"), exampleStamp, r.URL.RawQuery)
	f.Add("AWS4-HMAC-SHA256 Credential=a/20150830/r/s/aws4_request,SignedHeaders=host;x-amz-date,Signature="+strings.Repeat("0", 64), exampleStamp, "")
	f.Add("", "", "X-Amz-Signature="+strings.Repeat("0", 64)+"&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a/20150830/r/s/aws4_request&X-Amz-Date="+exampleStamp+"&X-Amz-Expires=5&X-Amz-SignedHeaders=host")
	f.Add("AWS4-HMAC-SHA256 Credential=////,SignedHeaders=;,Signature=", "2015", "%")
	now := exampleTime(f)
	f.Fuzz(func(t *testing.T, auth, stamp, rawQuery string) {
		r := &http.Request{Method: "POST", Host: "h", URL: &url.URL{Path: "/", RawQuery: rawQuery}, Header: http.Header{"X-Amz-Date": {stamp}}}
		if auth != "" {
			r.Header.Set("Authorization", auth)
		}
		err := verify(r, nil, "some other secret", now)
		if err == nil || fault.Of(err).Kind != fault.Unauthenticated {
			t.Fatalf("got %v, want an Unauthenticated fault", err)
		}
	})
}

func sha(b []byte) []byte {
	h := sha256.Sum256(b)
	return h[:]
}
