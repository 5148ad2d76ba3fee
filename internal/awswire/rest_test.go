package awswire

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"gatehouse/internal/fault"
)

// The shelf is a REST service with every binding; the AWS SDK's own signer signs its requests.

type shelfInput struct {
	ID    *string  `json:"-" path:"id"`
	Rest  *string  `json:"-" path:"rest"`
	Kinds []string `json:"-" query:"kind"`
	Limit *int32   `json:"-" query:"limit"`
	Token *string  `json:"-" header:"X-Token"`
	Since *Time    `json:"-" header:"X-Since"`
	Name  *string  `json:"name,omitzero"`
}

func (v *shelfInput) Check(c *Check) {
	c.Required("id", v.ID != nil)
	if v.Name != nil {
		c.Text("name", *v.Name, &toyName)
	}
}

type shelfOutput struct {
	Code  *int32  `json:"-" status:"true"`
	Where *string `json:"-" header:"X-Where"`
	At    *Time   `json:"-" header:"X-At"`
	Saw   *string `json:"saw,omitzero"`
}

type shelfPayload struct {
	ID  *string   `json:"-" path:"id"`
	Toy *toyInput `json:"-" payload:"true"`
}

func (v *shelfPayload) Check(c *Check) {
	c.Required("toy", v.Toy != nil)
	if v.Toy != nil {
		c.In("toy", v.Toy)
	}
}

type shelfBlob struct {
	ID  *string `json:"-" path:"id"`
	Raw []byte  `json:"-" payload:"true"`
}

func (*shelfBlob) Check(*Check) {}

func shelfRouter(t testing.TB) *Router[string] {
	t.Helper()
	saw := func(_ context.Context, c *Call[string], in *shelfInput) (*shelfOutput, error) {
		switch Val(in.Name) {
		case "broken":
			return nil, fault.New(fault.Internal, "a secret of ours")
		case "taken":
			return nil, fault.New(fault.Conflict, "the name is taken")
		}
		s := c.Operation + " id=" + Val(in.ID) + " rest=" + Val(in.Rest) + " kinds=" + strings.Join(in.Kinds, "|") + " token=" + Val(in.Token) + " name=" + Val(in.Name)
		return &shelfOutput{Saw: &s, Where: new("/things/x"), At: At(time.Unix(1650989104, 0))}, nil
	}
	status := func(context.Context, *Call[string], *shelfInput) (*shelfOutput, error) {
		return &shelfOutput{Code: new(int32(202))}, nil
	}
	nothing := func(context.Context, *Call[string], *shelfInput) (*Empty, error) { return nil, nil }
	payload := func(_ context.Context, _ *Call[string], in *shelfPayload) (*shelfPayload, error) { return in, nil }
	blob := func(_ context.Context, _ *Call[string], in *shelfBlob) (*shelfBlob, error) { return in, nil }
	target := func(_ context.Context, _ *Call[string], in *shelfInput) (Target, error) {
		return On("toy/" + Val(in.ID)), nil
	}
	m := &Model{Service: "shelf", Version: "2020-01-01", Protocol: REST, Signing: "shelf", Operations: []OperationModel{
		{Name: "Get", Method: "GET", Path: "/things/{id}"},
		{Name: "Put", Method: "PUT", Path: "/things/{id}", Success: 201},
		{Name: "Delete", Method: "DELETE", Path: "/things/{id}", Success: 204},
		{Name: "Special", Method: "GET", Path: "/things/special"},
		{Name: "Export", Method: "GET", Path: "/things/{id}?export=t"},
		{Name: "Tags", Method: "GET", Path: "/tags/{rest+}/of/{id}"},
		{Name: "Queue", Method: "POST", Path: "/queue/{id}"},
		{Name: "Toy", Method: "POST", Path: "/toy/{id}"},
		{Name: "Blob", Method: "POST", Path: "/blob/{id}"},
		{Name: "Open", Method: "POST", Path: "/open", Unsigned: true},
		{Name: "Any", Method: "GET", Path: "/{id}"},
		{Name: "Later", Method: "GET", Path: "/later"},
	}, Errors: []ErrorModel{{"ConflictException", "ConflictException", 409}}}
	keys, now := toyKeys{denied: "toy/secret"}, exampleTime(t)
	rt, err := NewRouter(Config[string]{
		Verifier:   &Verifier[string]{Authenticator: keys, Regions: []string{"us-east-1"}, Now: func() time.Time { return now }},
		Authorizer: keys, Random: bytes.NewReader(bytes.Repeat([]byte{7}, 1<<20)), Log: slog.New(slog.DiscardHandler),
	}, toyService(toyModel(JSON)), Service[string]{Model: m, MaxBody: 64, Operations: []Operation[string]{
		Op("Get", "shelf:Get", target, saw), Op("Put", "shelf:Put", target, saw), Op("Delete", "shelf:Delete", target, nothing), Op("Special", "shelf:Get", nil, saw), Op("Export", "shelf:Get", target, saw),
		Op("Tags", "shelf:Tags", target, saw), Op("Queue", "shelf:Queue", target, status), Op("Toy", "shelf:Toy", nil, payload), Op("Blob", "shelf:Blob", nil, blob), Op("Open", "", nil, saw), Op("Any", "shelf:Any", nil, saw),
	}})
	if err != nil {
		t.Fatal(err)
	}
	return rt
}

// shelfRequest is signed by the SDK, for a service.
func shelfRequest(t testing.TB, method, target, body, service string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(method, "http://127.0.0.1:8080"+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if service != "" {
		sum := sha256.Sum256([]byte(body))
		err = v4.NewSigner().SignHTTP(t.Context(), aws.Credentials{AccessKeyID: "AKIAKNOWN", SecretAccessKey: exampleSecret}, r, hex.EncodeToString(sum[:]), service, "us-east-1", exampleTime(t))
		if err != nil {
			t.Fatal(err)
		}
	}
	in := httptest.NewRequest(method, "http://127.0.0.1:8080"+target, strings.NewReader(body))
	in.Host, in.Header = r.URL.Host, r.Header.Clone()
	return in
}

func TestRESTBindings(t *testing.T) {
	t.Parallel()
	rt := shelfRouter(t)
	for _, row := range []struct {
		method, target, body string
		status               int
		want                 string
	}{
		{"GET", "/things/7", "", 200, `{"saw":"Get id=7 rest= kinds= token= name="}`},
		{"GET", "/things/a%2Fb%20c:d", "", 200, `{"saw":"Get id=a/b c:d rest= kinds= token= name="}`}, // an escaped slash is part of the value
		{"GET", "/things/arn:aws:x::1:y%2Fz", "", 200, `{"saw":"Get id=arn:aws:x::1:y/z rest= kinds= token= name="}`},
		{"GET", "/things/special", "", 200, `{"saw":"Special id= rest= kinds= token= name="}`}, // refused below for its missing id: the literal wins
		{"GET", "/things/7?export=t&kind=a&kind=b", "", 200, `{"saw":"Export id=7 rest= kinds=a|b token= name="}`},
		{"GET", "/things/7?export=f", "", 200, `{"saw":"Get id=7 rest= kinds= token= name="}`},
		{"GET", "/tags/a/b/c/of/9", "", 200, `{"saw":"Tags id=9 rest=a/b/c kinds= token= name="}`},
		{"PUT", "/things/7", `{"name":"abc","unknown":1}`, 201, `{"saw":"Put id=7 rest= kinds= token= name=abc"}`},
		{"DELETE", "/things/7", "", 204, ""},
		{"POST", "/queue/7", "", 202, `{}`},
		{"POST", "/toy/7", `{"Name":"abc"}`, 200, `{"Name":"abc"}`},
		{"POST", "/blob/7", "\x00raw", 200, "\x00raw"},
		{"GET", "/x", "", 200, `{"saw":"Any id=x rest= kinds= token= name="}`},
	} {
		rec := httptest.NewRecorder()
		r := shelfRequest(t, row.method, row.target, row.body, "shelf")
		if !rt.Wants(r) {
			t.Errorf("%s %s: not wanted", row.method, row.target)
		}
		rt.ServeHTTP(rec, r)
		if row.target == "/things/special" {
			if rec.Code != 400 || !strings.Contains(rec.Body.String(), "Value at 'id'") {
				t.Errorf("%s: %d %s", row.target, rec.Code, rec.Body)
			}
			continue
		}
		if rec.Code != row.status || rec.Body.String() != row.want {
			t.Errorf("%s %s: %d %s, want %d %s", row.method, row.target, rec.Code, rec.Body, row.status, row.want)
		}
		if row.status == 200 && strings.HasPrefix(row.want, `{"saw"`) && (rec.Header().Get("X-Where") != "/things/x" || rec.Header().Get("X-At") != "Tue, 26 Apr 2022 16:05:04 GMT" || rec.Header().Get("Content-Type") != "application/json") {
			t.Errorf("headers %v", rec.Header())
		}
	}
}

func TestRESTHeadersIn(t *testing.T) {
	t.Parallel()
	rt := shelfRouter(t)
	for _, row := range []struct {
		name, value string
		status      int
	}{{"X-Token", "abc", 200}, {"X-Since", "Tue, 26 Apr 2022 16:05:04 GMT", 200}, {"X-Since", "yesterday", 400}} {
		rec := httptest.NewRecorder()
		r := shelfRequest(t, "GET", "/things/7", "", "shelf")
		r.Header.Set(row.name, row.value) // not x-amz-: it need not be signed
		rt.ServeHTTP(rec, r)
		if rec.Code != row.status {
			t.Errorf("%s: %d %s", row.name, rec.Code, rec.Body)
		}
	}
	rec, r := httptest.NewRecorder(), shelfRequest(t, "GET", "/things/7", "", "shelf")
	r.Header["X-Token"] = []string{"a", "b"}
	if rt.ServeHTTP(rec, r); rec.Code != 400 || rec.Header().Get("x-amzn-ErrorType") != "SerializationException" {
		t.Errorf("a header twice: %d %s", rec.Code, rec.Body)
	}
}

func TestRESTRefuses(t *testing.T) {
	t.Parallel()
	rt := shelfRouter(t)
	for name, row := range map[string]struct {
		method, target, body, scope string
		status                      int
		code, says                  string
	}{
		"no signature":             {"GET", "/things/7", "", "", 403, "MissingAuthenticationTokenException", "no signature"},
		"scope of another service": {"GET", "/things/7", "", "toys", 403, "InvalidSignatureException", `"shelf"`},
		"two slashes":              {"GET", "/things//7", "", "shelf", 400, "SerializationException", "two slashes"},
		"two slashes in a label":   {"GET", "/tags/a//b/of/7", "", "shelf", 400, "SerializationException", "two slashes"},
		"empty label":              {"GET", "/things/", "", "shelf", 404, "UnknownOperationException", "no operation"},
		"slash at the end":         {"GET", "/things/7/", "", "shelf", 404, "UnknownOperationException", "no operation"},
		"dots":                     {"GET", "/things/..", "", "shelf", 400, "SerializationException", `".."`},
		"escaped dots":             {"GET", "/things/%2e%2E", "", "shelf", 400, "SerializationException", `".."`},
		"dots on the way":          {"GET", "/other/../things/7", "", "shelf", 400, "SerializationException", `".."`},
		"a dot":                    {"GET", "/./things/7", "", "shelf", 400, "SerializationException", `"."`},
		"escaped slash as a slash": {"GET", "/things%2F7/x", "", "shelf", 404, "UnknownOperationException", "no operation"},
		"not UTF-8":                {"GET", "/things/%ff", "", "shelf", 400, "SerializationException", "UTF-8"},
		"unknown path":             {"GET", "/nothing/here/or/there", "", "shelf", 404, "UnknownOperationException", "no operation"},
		"wrong method":             {"PATCH", "/things/7", "", "shelf", 405, "UnknownOperationException", "DELETE, GET, PUT"},
		"query that is broken":     {"GET", "/things/7?kind=%zz", "", "shelf", 400, "SerializationException", "percent-encoding"},
		"number that is none":      {"GET", "/things/7?limit=x", "", "shelf", 400, "SerializationException", "whole number"},
		"number twice":             {"GET", "/things/7?limit=1&limit=2", "", "shelf", 400, "SerializationException", "twice"},
		"body that is no JSON":     {"PUT", "/things/7", "<x/>", "shelf", 400, "SerializationException", "JSON"},
		"body too large":           {"PUT", "/things/7", strings.Repeat(" ", 65), "shelf", 413, "RequestEntityTooLargeException", "64 bytes"},
		"constraint":               {"PUT", "/things/7", `{"name":"ABC"}`, "shelf", 400, "ValidationException", "Value at 'name'"},
		"denied":                   {"GET", "/things/secret", "", "shelf", 403, "AccessDeniedException", "may not shelf:Get"},
		"no row":                   {"GET", "/later", "", "shelf", 400, "UnsupportedOperationException", "shelf Later"},
		"fault of the domain":      {"PUT", "/things/7", `{"name":"taken"}`, "shelf", 409, "ConflictException", "taken"},
		"internal":                 {"PUT", "/things/7", `{"name":"broken"}`, "shelf", 500, "InternalServerException", "internal error"},
	} {
		rec := httptest.NewRecorder()
		r := shelfRequest(t, row.method, row.target, row.body, row.scope)
		rt.ServeHTTP(rec, r)
		if rec.Code != row.status || rec.Header().Get("x-amzn-ErrorType") != row.code || !strings.Contains(rec.Body.String(), `"__type":"`+row.code) || !strings.Contains(strings.ReplaceAll(rec.Body.String(), `\"`, `"`), row.says) {
			t.Errorf("%s: %d %s %s", name, rec.Code, rec.Header().Get("x-amzn-ErrorType"), rec.Body)
		}
		if strings.Contains(rec.Body.String(), "secret of ours") {
			t.Errorf("%s: tells %s", name, rec.Body)
		}
	}
}

// TestRESTSignatureIsOfThePath: a signature of one path, query, method or body is none of another.
func TestRESTSignatureIsOfThePath(t *testing.T) {
	t.Parallel()
	rt := shelfRouter(t)
	signed := shelfRequest(t, "PUT", "/things/a%2Fb?kind=x", `{"name":"abc"}`, "shelf")
	for _, row := range []struct{ method, target, body string }{
		{"PUT", "/things/a%2Fc?kind=x", `{"name":"abc"}`}, {"PUT", "/things/a%2fb?kind=x", `{"name":"abc"}`}, {"PUT", "/things/a%2Fb?kind=y", `{"name":"abc"}`},
		{"PUT", "/things/a%2Fb?kind=x&kind=y", `{"name":"abc"}`}, {"DELETE", "/things/a%2Fb?kind=x", `{"name":"abc"}`}, {"PUT", "/things/a%2Fb?kind=x", `{"name":"abd"}`},
	} {
		r := httptest.NewRequest(row.method, "http://127.0.0.1:8080"+row.target, strings.NewReader(row.body))
		r.Host, r.Header = signed.Host, signed.Header.Clone()
		rec := httptest.NewRecorder()
		if rt.ServeHTTP(rec, r); rec.Code != 403 || rec.Header().Get("x-amzn-ErrorType") != "InvalidSignatureException" {
			t.Errorf("%s %s %s: %d %s", row.method, row.target, row.body, rec.Code, rec.Body)
		}
	}
	rec := httptest.NewRecorder()
	if rt.ServeHTTP(rec, signed); rec.Code != 201 {
		t.Errorf("the request itself: %d %s", rec.Code, rec.Body)
	}
}

func TestRouterWants(t *testing.T) {
	t.Parallel()
	rt := shelfRouter(t)
	for _, row := range []struct {
		method, target, scope string
		want                  bool
	}{
		{"POST", "/", "", true}, {"GET", "/", "", false}, {"GET", "/?X-Amz-Signature=1", "", true},
		{"POST", "/open", "", true}, {"GET", "/open", "", true}, {"GET", "/things/1", "", true}, {"GET", "/things/1/2", "", false}, {"GET", "/things/1/2", "shelf", true},
		{"GET", "/start", "", false}, // a template that begins with a label takes nothing that is not signed for it
		{"GET", "/start", "toys", false}, {"GET", "/start", "shelf", true}, {"GET", "/things//1", "", false}, {"GET", "/things/1?%zz", "", false},
	} {
		if got := rt.Wants(shelfRequest(t, row.method, row.target, "", row.scope)); got != row.want {
			t.Errorf("%s %s signed for %q: %v", row.method, row.target, row.scope, got)
		}
	}
	rec := httptest.NewRecorder()
	if rt.ServeHTTP(rec, shelfRequest(t, "POST", "/open", `{"name":"abc"}`, "")); rec.Code != 400 || !strings.Contains(rec.Body.String(), "Value at 'id'") {
		t.Errorf("an unsigned operation: %d %s", rec.Code, rec.Body)
	}
}

func TestNewRouterRefusesTemplates(t *testing.T) {
	t.Parallel()
	for _, o := range []OperationModel{{Name: "A", Path: "/a"}, {Name: "A", Method: "GET", Path: "a"}, {Name: "A", Method: "GET", Path: "/{a"}, {Name: "A", Method: "GET", Path: "/{}"}, {Name: "A", Method: "GET", Path: "/{a+}/{b+}"}} {
		if _, err := NewRouter(Config[string]{}, Service[string]{Model: &Model{Service: "x", Protocol: REST, Operations: []OperationModel{o}}}); err == nil {
			t.Errorf("%+v is accepted", o)
		}
	}
}

// FuzzPath: what splitPath accepts has no segment that can be read in two ways, and matching never panics.
func FuzzPath(f *testing.F) {
	for _, p := range []string{"/", "/things/7", "/tags/a/b/of/9", "//", "/..", "/%2e", "/a%2Fb", "/%ff", "x", "/a/"} {
		f.Add(p)
	}
	rt := shelfRouter(f)
	f.Fuzz(func(t *testing.T, p string) {
		segments, err := splitPath(p)
		if err != nil {
			return
		}
		for i, s := range segments {
			if s == "." || s == ".." || s == "" && i < len(segments)-1 {
				t.Fatalf("%q: %q", p, segments)
			}
		}
		for _, svc := range rt.services {
			_, labels, _ := findREST(svc.templates, "GET", segments, nil)
			for name, value := range labels {
				if value == "" {
					t.Fatalf("%q: label %s is empty", p, name)
				}
			}
		}
	})
}
