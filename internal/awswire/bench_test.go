package awswire

import (
	"io"
	"net/http/httptest"
	"strings"
	"testing"
)

// BenchmarkRequest is everything between the body and the handler, and back: parse and verify the
// signature, decode, check, authorize, encode.
func BenchmarkRequest(b *testing.B) {
	rt := toyRouter(b, io.Discard)
	body := `{"Name":"ada","Tags":[{"Key":"k","Value":"v"}]}`
	r := httptest.NewRequest("POST", "http://localhost/", nil)
	r.Header.Set("Content-Type", jsonType)
	r.Header.Set("X-Amz-Target", "Toys_1.Greet")
	if err := Sign(r, []byte(body), Key{ID: "AKIAKNOWN", Secret: exampleSecret}, "us-east-1", "jsontoys", exampleTime(b)); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		r.Body = io.NopCloser(strings.NewReader(body))
		w := httptest.NewRecorder()
		rt.ServeHTTP(w, r)
		if w.Code != 200 {
			b.Fatal(w.Body)
		}
	}
}
