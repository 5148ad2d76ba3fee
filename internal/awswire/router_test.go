package awswire

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
)

// The toy services: one operation table over JSON, one over Query.

type toyInput struct {
	Name  *string  `json:"Name,omitzero"`
	Tags  []toyTag `json:"Tags,omitzero"`
	Count *int32   `json:"Count,omitzero"`
}

type toyTag struct {
	Key   *string `json:"Key,omitzero"`
	Value *string `json:"Value,omitzero"`
}

var toyName = Text{Min: 1, Max: 8, Pattern: NewPattern(`[a-z]*`)}

func (v *toyInput) Check(c *Check) {
	c.Required("Name", v.Name != nil)
	if v.Name != nil {
		c.Text("Name", *v.Name, &toyName)
	}
	c.Size("Tags", len(v.Tags), 0, 2)
	for i := range v.Tags {
		c.Item("Tags", i, &v.Tags[i])
	}
}

func (v *toyTag) Check(c *Check) {
	c.Required("Key", v.Key != nil)
	if v.Key != nil {
		c.Text("Key", *v.Key, &toyName)
	}
}

type toyOutput struct {
	Greeting *string           `json:"Greeting,omitzero"`
	At       *Time             `json:"At,omitzero"`
	List     []string          `json:"List,omitzero"`
	Map      map[string]string `json:"Map,omitzero"`
}

// toyKeys is the authenticator and authorizer of the tests.
type toyKeys struct{ denied string }

func (toyKeys) Credential(_ context.Context, id, token string) (Credential[string], error) {
	switch {
	case id == "AKIAKNOWN" && token == "", id == "ASIAKNOWN" && token == "session":
		return Credential[string]{Secret: exampleSecret, Principal: id, Actor: audit.Actor{Kind: audit.Principal, ID: id}}, nil
	case id == "ASIAOLD":
		return Credential[string]{}, fault.New(fault.Unauthenticated, "The security token included in the request is expired.").For(ReasonExpired)
	}
	return Credential[string]{}, fault.New(fault.Unauthenticated, "The security token included in the request is invalid.").For(ReasonUnknownKey)
}

func (k toyKeys) Authorize(_ context.Context, principal string, a Access) error {
	if a.Resources[0] == k.denied || principal == "" {
		return fault.New(fault.Denied, "%s may not %s on %s", principal, a.Action, a.Resources[0])
	}
	return nil
}

func toyService(m *Model) Service[string] {
	greet := func(_ context.Context, c *Call[string], in *toyInput) (*toyOutput, error) {
		switch *in.Name {
		case "missing":
			return nil, fault.New(fault.NotFound, "no such toy").About("TOY", *in.Name)
		case "broken":
			return nil, errors.New("a secret of ours")
		case "panic":
			panic("a defect")
		}
		return &toyOutput{Greeting: new("hello " + *in.Name + " & " + c.Principal), At: At(time.Unix(1650989104, 461e6)), List: []string{}, Map: map[string]string{"b": "2", "a": "1"}}, nil
	}
	target := func(_ context.Context, _ *Call[string], in *toyInput) (Target, error) {
		return On("toy/" + *in.Name), nil
	}
	nothing := func(context.Context, *Call[string], *Empty) (*Empty, error) { return nil, nil }
	return Service[string]{Model: m, Operations: []Operation[string]{
		Op("Greet", "toys:Greet", target, greet),
		Op("Nothing", "", nil, nothing),
		Op("Open", "", nil, greet),
	}, Errors: func(_ string, err error, e WireError) WireError {
		return e.With("ResourceId", fault.Of(err).ID)
	}}
}

func toyModel(p Protocol) *Model {
	m := &Model{Service: "toys", Version: "2020-01-01", Protocol: p, Signing: "toys",
		Operations: []OperationModel{{Name: "Greet"}, {Name: "Nothing"}, {Name: "Open", Unsigned: true}, {Name: "Later"}},
		Errors:     []ErrorModel{{"ResourceNotFoundException", "ResourceNotFoundException", 400}, {"NoSuchEntityException", "NoSuchEntity", 404}}}
	if p == JSON {
		m.Target, m.Signing = "Toys_1", "jsontoys"
	} else {
		m.Namespace = "https://toys.example/doc/"
	}
	return m
}

func toyRouter(t testing.TB, log io.Writer) *Router[string] {
	t.Helper()
	keys, now := toyKeys{denied: "toy/secret"}, exampleTime(t)
	v := &Verifier[string]{Authenticator: keys, Regions: []string{"us-east-1"}, Now: func() time.Time { return now }}
	rt, err := NewRouter(Config[string]{Verifier: v, Authorizer: keys, Random: rand.Reader, Log: slog.New(slog.NewTextHandler(log, nil))},
		toyService(toyModel(JSON)), toyService(toyModel(Query)))
	if err != nil {
		t.Fatal(err)
	}
	return rt
}

type toyCall struct {
	operation, body string
	key             Key
	region, service string
	unsigned        bool
}

func (c toyCall) do(t testing.TB, rt http.Handler, json bool) *httptest.ResponseRecorder {
	t.Helper()
	body := c.body
	contentType := "application/x-amz-json-1.1"
	if !json {
		contentType = "application/x-www-form-urlencoded; charset=utf-8"
		body = "Action=" + url.QueryEscape(c.operation) + "&Version=2020-01-01&" + body
	}
	r := httptest.NewRequest("POST", "http://localhost/", strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	service := "toys"
	if json {
		r.Header.Set("X-Amz-Target", "Toys_1."+c.operation)
		service = "jsontoys"
	}
	if c.key.ID == "" {
		c.key = Key{ID: "AKIAKNOWN", Secret: exampleSecret}
	}
	if c.region == "" {
		c.region = "us-east-1"
	}
	if c.service == "" {
		c.service = service
	}
	if !c.unsigned {
		if err := Sign(r, []byte(body), c.key, c.region, c.service, exampleTime(t)); err != nil {
			t.Fatal(err)
		}
	}
	w := httptest.NewRecorder()
	rt.ServeHTTP(w, r)
	return w
}

func TestJSONAnswer(t *testing.T) {
	t.Parallel()
	w := toyCall{operation: "Greet", body: `{"Name":"ada","Unknown":[1,{}],"Tags":[{"Key":"k"}]}`}.do(t, toyRouter(t, io.Discard), true)
	want := `{"Greeting":"hello ada & AKIAKNOWN","At":1650989104.461,"List":[],"Map":{"a":"1","b":"2"}}`
	// A map's order is not the protocol's affair; compare with both.
	other := strings.Replace(want, `"a":"1","b":"2"`, `"b":"2","a":"1"`, 1)
	if got := w.Body.String(); w.Code != 200 || got != want && got != other {
		t.Errorf("got %d %s\nwant %s", w.Code, got, want)
	}
	for name, want := range map[string]string{"Content-Type": "application/x-amz-json-1.1", "Content-Length": "90", "Cache-Control": "no-store"} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	if len(w.Header().Get("x-amzn-RequestId")) != 36 {
		t.Errorf("x-amzn-RequestId = %q", w.Header().Get("x-amzn-RequestId"))
	}
	if w := (toyCall{operation: "Nothing"}).do(t, toyRouter(t, io.Discard), true); w.Body.String() != "{}" {
		t.Errorf("an answer without members = %q, want {}", w.Body)
	}
}

func TestQueryAnswer(t *testing.T) {
	t.Parallel()
	w := toyCall{operation: "Greet", body: "Name=ada&Tags.member.1.Key=k&Tags.member.1.Value=%3C&Unknown.3=x"}.do(t, toyRouter(t, io.Discard), false)
	id := w.Header().Get("x-amzn-RequestId")
	want := `<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<GreetResponse xmlns="https://toys.example/doc/"><GreetResult><Greeting>hello ada &amp; AKIAKNOWN</Greeting><At>2022-04-26T16:05:04Z</At><List></List>` +
		`<Map><entry><key>a</key><value>1</value></entry><entry><key>b</key><value>2</value></entry></Map></GreetResult><ResponseMetadata><RequestId>` + id + `</RequestId></ResponseMetadata></GreetResponse>`
	if got := w.Body.String(); w.Code != 200 || got != want {
		t.Errorf("got %d %s\nwant %s", w.Code, got, want)
	}
	w = toyCall{operation: "Nothing"}.do(t, toyRouter(t, io.Discard), false)
	if strings.Contains(w.Body.String(), "NothingResult") || !strings.Contains(w.Body.String(), "<RequestId>") {
		t.Errorf("an answer without members = %s", w.Body)
	}
}

// TestErrorNames holds AWS's own names, in both protocols, for everything that can be wrong before a
// handler has its say, and for what handlers answer.
func TestErrorNames(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name        string
		call        toyCall
		json, query string
	}{
		{"no signature", toyCall{operation: "Greet", unsigned: true}, "MissingAuthenticationTokenException", "MissingAuthenticationToken"},
		{"unknown key", toyCall{operation: "Greet", key: Key{ID: "AKIANOBODY", Secret: "x"}}, "UnrecognizedClientException", "InvalidClientTokenId"},
		{"token of another key", toyCall{operation: "Greet", key: Key{ID: "AKIAKNOWN", Secret: exampleSecret, Token: "session"}}, "UnrecognizedClientException", "InvalidClientTokenId"},
		{"wrong secret", toyCall{operation: "Greet", key: Key{ID: "AKIAKNOWN", Secret: "x"}}, "InvalidSignatureException", "SignatureDoesNotMatch"},
		{"expired session", toyCall{operation: "Greet", key: Key{ID: "ASIAOLD", Secret: "x", Token: "y"}}, "ExpiredTokenException", "ExpiredToken"},
		{"region not served", toyCall{operation: "Greet", region: "mars-1"}, "InvalidSignatureException", "SignatureDoesNotMatch"},
		{"unknown operation", toyCall{operation: "Fly"}, "UnknownOperationException", "InvalidAction"},
		{"operation without a row", toyCall{operation: "Later"}, "UnsupportedOperationException", "UnsupportedOperation"},
		{"without a row and without a signature", toyCall{operation: "Later", unsigned: true}, "MissingAuthenticationTokenException", "MissingAuthenticationToken"},
		{"not found", toyCall{operation: "Greet", body: `Name=missing`}, "ResourceNotFoundException", "NoSuchEntity"},
		{"denied", toyCall{operation: "Greet", body: `Name=secret`}, "AccessDeniedException", "AccessDenied"},
		{"constraint", toyCall{operation: "Greet", body: `Name=UPPER`}, "ValidationException", "ValidationError"},
		{"required", toyCall{operation: "Greet"}, "ValidationException", "ValidationError"},
		{"not a fault", toyCall{operation: "Greet", body: `Name=broken`}, "InternalServerException", "InternalFailure"},
		{"panic", toyCall{operation: "Greet", body: `Name=panic`}, "InternalServerException", "InternalFailure"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			w := tt.call.do(t, toyRouter(t, &log), false)
			if !strings.Contains(w.Body.String(), "<Code>"+tt.query+"</Code>") {
				t.Errorf("query: got %d %s, want %s", w.Code, w.Body, tt.query)
			}
			if name, ok := strings.CutPrefix(tt.call.body, "Name="); ok {
				tt.call.body = `{"Name":"` + name + `"}`
			}
			w = tt.call.do(t, toyRouter(t, &log), true)
			if !strings.HasPrefix(w.Body.String(), `{"__type":"`+tt.json+`","Message":"`) || w.Header().Get("x-amzn-ErrorType") != tt.json {
				t.Errorf("json: got %d %s, want %s", w.Code, w.Body, tt.json)
			}
			if strings.Contains(w.Body.String(), "secret of ours") || strings.Contains(w.Body.String(), "defect") {
				t.Errorf("an internal error shows itself: %s", w.Body)
			}
			if internal := tt.query == "InternalFailure"; internal != (w.Code == 500) || internal != strings.Contains(log.String(), "request failed") {
				t.Errorf("status %d, log %q", w.Code, log.String())
			}
		})
	}
}

func TestUnsignedOperationFindsItsServiceByVersion(t *testing.T) {
	t.Parallel()
	w := toyCall{operation: "Open", body: "Name=ada", unsigned: true}.do(t, toyRouter(t, io.Discard), false)
	if w.Code != 200 || !strings.Contains(w.Body.String(), "hello ada") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestMalformedBodies(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`[`, MaxDepth+1)
	for _, tt := range []struct {
		name, body, code string
		json             bool
	}{
		{"not JSON", `{"Name":`, "SerializationException", true},
		{"not an object", `["Name"]`, "SerializationException", true},
		{"two values", `{} {}`, "SerializationException", true},
		{"name twice", `{"Name":"a","Name":"b"}`, "SerializationException", true},
		{"unknown name twice", `{"Name":"a","X":{"y":1,"y":2}}`, "SerializationException", true},
		{"wrong case is unknown", `{"name":"a"}`, "ValidationException", true},
		{"wrong type", `{"Name":7}`, "SerializationException", true},
		{"number too large", `{"Name":"a","Count":2147483648}`, "SerializationException", true},
		{"not UTF-8", "{\"Name\":\"\xff\"}", "SerializationException", true},
		{"too deep", `{"X":` + deep, "SerializationException", true},
		{"too large", `{"Name":"` + strings.Repeat("a", MaxBody) + `"}`, "RequestEntityTooLargeException", true},
		{"broken escape", "Name=%zz", "MalformedInput", false},
		{"parameter twice", "Name=a&Name=b", "MalformedInput", false},
		{"value for a structure", "Name=a&Tags.member.1=x", "MalformedInput", false},
		{"value for a list", "Name=a&Tags=x", "MalformedInput", false},
		{"list from zero", "Name=a&Tags.member.0.Key=x", "MalformedInput", false},
		{"one item twice", "Name=a&Tags.member.01.Key=x&Tags.member.1.Key=x", "MalformedInput", false},
		{"structure for a value", "Name.x=a", "MalformedInput", false},
		{"not a number", "Name=a&Count=one", "MalformedInput", false},
		{"too large", "Name=" + strings.Repeat("a", MaxBody), "RequestEntityTooLarge", false},
		{"too many items", "Name=a&Tags.member.1.Key=x&Tags.member.2.Key=x&Tags.member.3.Key=x", "ValidationError", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := toyCall{operation: "Greet", body: tt.body}.do(t, toyRouter(t, io.Discard), tt.json)
			if !strings.Contains(w.Body.String(), tt.code) || w.Code/100 != 4 {
				t.Errorf("got %d %s, want %s", w.Code, w.Body, tt.code)
			}
		})
	}
}

func TestValidationMessage(t *testing.T) {
	t.Parallel()
	in := &toyInput{Tags: []toyTag{{Key: new("ok")}, {Key: new("TOO LONG A KEY")}}}
	got := Valid(in).Error()
	want := "3 validation errors detected: Value at 'name' failed to satisfy constraint: Member must not be null; " +
		"Value at 'tags.2.member.key' failed to satisfy constraint: Member must have length less than or equal to 8; " +
		"Value at 'tags.2.member.key' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-z]*"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestNewRouterRefusesWrongTables(t *testing.T) {
	t.Parallel()
	wrong := toyService(toyModel(JSON))
	wrong.Operations = append(wrong.Operations, Op("Fly", "", nil, func(context.Context, *Call[string], *Empty) (*Empty, error) { return nil, nil }))
	twice := toyService(toyModel(JSON))
	twice.Operations = append(twice.Operations, twice.Operations[0])
	for name, services := range map[string][]Service[string]{
		"a row that the model lacks": {wrong},
		"a row twice":                {twice},
		"a service twice":            {toyService(toyModel(Query)), toyService(toyModel(Query))},
		"a rest service":             {toyService(toyModel(REST))},
	} {
		if _, err := NewRouter(Config[string]{}, services...); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

func TestPageTokenIsBound(t *testing.T) {
	t.Parallel()
	token := PageToken("user-7", "ListUsers", "d-1")
	if got, err := Cursor(token, "ListUsers", "d-1"); got != "user-7" || err != nil {
		t.Errorf("Cursor = %q, %v", got, err)
	}
	if PageToken("", "ListUsers") != nil {
		t.Error("the end of a list has a token")
	}
	if got, err := Cursor(nil, "ListUsers"); got != "" || err != nil {
		t.Errorf("Cursor(nil) = %q, %v", got, err)
	}
	for _, bad := range []struct {
		token string
		what  []string
	}{{*token, []string{"ListGroups", "d-1"}}, {*token, []string{"ListUsers", "d-2"}}, {*token, []string{"ListUsersd-1"}}, {*token + "x", []string{"ListUsers", "d-1"}}, {"AAAA", []string{"ListUsers", "d-1"}}, {"%", nil}} {
		if _, err := Cursor(&bad.token, bad.what...); !fault.Is(err, fault.Invalid) {
			t.Errorf("Cursor(%q, %q): %v, want Invalid", bad.token, bad.what, err)
		}
	}
}

// FuzzBodies: no body makes a handler see an invalid input, panics, or is answered with 500.
func FuzzBodies(f *testing.F) {
	f.Add(`{"Name":"ada","Tags":[{"Key":"k"}]}`, true)
	f.Add(`{"Name":"ada","Tags":[{"Key":null}],"Count":1e9}`, true)
	f.Add(`Name=ada&Tags.member.1.Key=k&Count=1`, false)
	f.Add(`Name=ada&Tags=&Map.entry.1.key=a&Map.entry.1.value=b`, false)
	f.Add(`Name..=&.=&Tags.member.=&%00=%ff`, false)
	rt := toyRouter(f, io.Discard)
	f.Fuzz(func(t *testing.T, body string, json bool) {
		if strings.Contains(body, "broken") || strings.Contains(body, "panic") {
			t.Skip("the toy's own defects")
		}
		w := toyCall{operation: "Greet", body: body}.do(t, rt, json)
		if w.Code >= 500 {
			t.Fatalf("got %d %s", w.Code, w.Body)
		}
	})
}

// TestErrorTextIsAlwaysJSON: whatever a message echoes, the answer stays well formed.
func TestErrorTextIsAlwaysJSON(t *testing.T) {
	t.Parallel()
	got := string(encodeJSONError(WireError{Code: "X", Message: "a\xffb\"\n\u2028<"}.With("ResourceId", "\xc3").With("Empty", "")))
	want := `{"__type":"X","Message":"a` + "\uFFFD" + `b\"\n` + "\u2028" + `<","ResourceId":"` + "\uFFFD" + `"}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
