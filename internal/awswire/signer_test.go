package awswire

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"pgregory.net/rapid"
)

// The AWS SDK's signer is a second implementation: whatever it signs must verify, and one changed byte must not.

// anyRequest draws a request such as clients send: escaped paths, empty segments, repeated and empty
// query values, several values of a header, blanks inside.
func anyRequest(t *rapid.T) (*http.Request, []byte) {
	segment := rapid.StringOfN(rapid.RuneFrom([]rune("abcXYZ019-_.~ %/+&=:;,@$!*'()\"ä☃")), 0, 6, -1)
	var path strings.Builder
	for _, s := range rapid.SliceOfN(segment, 0, 4).Draw(t, "path") {
		path.WriteString("/" + url.PathEscape(s))
	}
	if path.Len() == 0 {
		path.WriteString("/")
	}
	query := url.Values{}
	for range rapid.IntRange(0, 4).Draw(t, "parameters") {
		query.Add(segment.Draw(t, "name"), segment.Draw(t, "value"))
	}
	body := rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "body")
	u := "http://127.0.0.1:8080" + path.String()
	if len(query) > 0 {
		u += "?" + query.Encode()
	}
	r, err := http.NewRequest(rapid.SampledFrom([]string{"GET", "POST", "PUT", "DELETE"}).Draw(t, "method"), u, bytes.NewReader(body))
	if err != nil {
		t.Skip("not a URL")
	}
	for range rapid.IntRange(0, 3).Draw(t, "headers") {
		name := rapid.SampledFrom([]string{"Content-Type", "X-Amz-Target", "X-Amz-Meta", "Accept"}).Draw(t, "header")
		r.Header.Add(name, rapid.StringMatching(`[!-~]{1,5}( {0,3}[!-~]{1,5}){0,2}`).Draw(t, "header value"))
	}
	return r, body
}

// received is the request as the server sees it.
func received(t *rapid.T, r *http.Request, body []byte) *http.Request {
	in := httptest.NewRequest(r.Method, r.URL.String(), bytes.NewReader(body))
	in.Host = r.URL.Host
	in.Header = r.Header.Clone()
	return in
}

func TestWhatTheSDKSignsVerifies(t *testing.T) {
	t.Parallel()
	now := exampleTime(t)
	rapid.Check(t, func(t *rapid.T) {
		r, body := anyRequest(t)
		token := rapid.SampledFrom([]string{"", "to/ken+=="}).Draw(t, "token")
		cred := aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: exampleSecret, SessionToken: token}
		sum := sha256.Sum256(body)
		presigned := rapid.Bool().Draw(t, "presigned")
		if presigned {
			q := r.URL.Query()
			q.Set("X-Amz-Expires", "300")
			r.URL.RawQuery = q.Encode()
			signed, header, err := v4.NewSigner().PresignHTTP(context.Background(), cred, r, hex.EncodeToString(sum[:]), "sts", "eu-west-1", now)
			if err != nil {
				t.Fatal(err)
			}
			u, err := url.Parse(signed)
			if err != nil {
				t.Fatal(err)
			}
			r.URL, r.Header = u, header
			r.Header.Del("Host")
		} else if err := v4.NewSigner().SignHTTP(context.Background(), cred, r, hex.EncodeToString(sum[:]), "sts", "eu-west-1", now); err != nil {
			t.Fatal(err)
		}
		in := received(t, r, body)
		s, err := ParseSignature(in)
		if err != nil || s.Token != token {
			t.Fatalf("ParseSignature = %+v, %v", s, err)
		}
		key := DerivedKey(exampleSecret, s.Date, s.Region, s.Service)
		if err := s.Verify(in, body, key, now); err != nil {
			t.Fatalf("%s %s %v: %v", in.Method, in.URL, in.Header, err)
		}
		if err := s.Verify(in, append(body, 'x'), key, now); !hasReason(err, ReasonSignature) {
			t.Fatalf("another body: %v", err)
		}
		in.URL.Path, in.URL.RawPath = in.URL.Path+"x", ""
		if err := s.Verify(in, body, key, now); !hasReason(err, ReasonSignature) {
			t.Fatalf("another path: %v", err)
		}
	})
}

// TestSignAgreesWithTheSDK: our own signer writes the very header that the SDK's does.
func TestSignAgreesWithTheSDK(t *testing.T) {
	t.Parallel()
	now := exampleTime(t)
	rapid.Check(t, func(t *rapid.T) {
		r, body := anyRequest(t)
		r.Header.Del("Accept") // the SDK signs every header, ours those that matter
		r.ContentLength = 0    // … and the length
		theirs := r.Clone(context.Background())
		sum := sha256.Sum256(body)
		cred := aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: exampleSecret, SessionToken: "token"}
		if err := v4.NewSigner().SignHTTP(context.Background(), cred, theirs, hex.EncodeToString(sum[:]), "gatehouse", "eu-west-1", now); err != nil {
			t.Fatal(err)
		}
		if err := Sign(r, body, Key{ID: "AKID", Secret: exampleSecret, Token: "token"}, "eu-west-1", "gatehouse", now); err != nil {
			t.Fatal(err)
		}
		if got, want := r.Header.Get("Authorization"), theirs.Header.Get("Authorization"); got != want {
			t.Fatalf("got  %s\nwant %s", got, want)
		}
	})
}
