package scimlog

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestMaskBody(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, body, want string }{
		{"nothing to mask is kept as it is", `{ "userName" : "ann", "n": 1.0 }`, `{ "userName" : "ann", "n": 1.0 }`},
		{"a password", `{"userName":"ann","password":"hunter22"}`, `{"userName":"ann","password":"(masked)"}`},
		{"in any case", `{"PassWord":"hunter22"}`, `{"PassWord":"(masked)"}`},
		{"with letters that SCIM takes for others", `{"paſſword":"hunter22","toKen":"abcdefg"}`, `{"paſſword":"(masked)","toKen":"(masked)"}`},
		{"spelled with escapes", `{"p\u0061ssword":"hunter22"}`, `{"password":"(masked)"}`},
		{"of an extension", `{"urn:x:2.0:User":{"api_key":"abcdefg","client-secret":{"a":["bcdefgh",1234567]}}}`, `{"urn:x:2.0:User":{"api_key":"(masked)","client-secret":"(masked)"}}`},
		{"what holds nothing stays", `{"password":null,"token":"","passwordExpired":true}`, `{"password":null,"token":"","passwordExpired":true}`},
		{"numbers", `{"pin":1234,"secret":12345678}`, `{"pin":"(masked)","secret":"(masked)"}`},
		{"a name written otherwise", `{"P-I_N":"12345"}`, `{"P-I_N":"(masked)"}`},
		{"by a PATCH path before", `{"Operations":[{"op":"replace","path":"password","value":"hunter22"}]}`, `{"Operations":[{"op":"replace","path":"password","value":"(masked)"}]}`},
		{"by a PATCH path behind", `{"Operations":[{"op":"replace","value":"hunter22","path":"urn:x:User:Password"}]}`, `{"Operations":[{"op":"replace","value":"(masked)","path":"urn:x:User:Password"}]}`},
		{"in a PATCH without a path", `{"Operations":[{"op":"add","value":{"password":"hunter22","title":"T"}}]}`, `{"Operations":[{"op":"add","value":{"password":"(masked)","title":"T"}}]}`},
		{"by a type beside", `[{"type":"token","value":"abcdefg"},{"type":"work","value":"+1"}]`, `[{"type":"token","value":"(masked)"},{"type":"work","value":"+1"}]`},
		{"in a filter", `{"filter":"password eq \"hunter22\" and title pr"}`, `{"filter":"(masked)"}`},
		{"in a filter of a path", `{"path":"passwords[value eq \"hunter22\"]"}`, `{"path":"(masked)"}`},
		{"another filter stays", `{"filter":"userName eq \"ann\""}`, `{"filter":"userName eq \"ann\""}`},
		{"wherever it stands again", `{"displayName":"my hunter22","hunter22":1,"password":"hunter22"}`, `{"displayName":"my (masked)","(masked)":1,"password":"(masked)"}`},
		{"this server's tokens", `{"title":"ghscim_Abc123 x"}`, `{"title":"(masked) x"}`},
		{"JSON Web Tokens", `{"title":"eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.c2ln"}`, `{"title":"(masked)"}`},
		{"in a bulk request", `{"Operations":[{"method":"POST","data":{"password":"hunter22"}}]}`, `{"Operations":[{"method":"POST","data":{"password":"(masked)"}}]}`},
	} {
		b, _ := MaskBody([]byte(c.body), nil)
		if b.Text != c.want || b.Problem != "" || b.Cut || b.Size != len(c.body) {
			t.Errorf("%s: got %+v, want %s", c.name, b, c.want)
		}
	}
	b, secrets := MaskBody([]byte(`{"a":"the token 12345678","secret":{"x":["abcdefg"],"y":7654321}}`), []string{"12345678"})
	if b.Text != `{"a":"the token (masked)","secret":"(masked)"}` || strings.Join(secrets, " ") != "abcdefg 7654321" {
		t.Errorf("got %+v and %q", b, secrets)
	}
}

// TestWhatCannotBeReadIsNotKept: what is no JSON cannot be masked.
func TestWhatCannotBeReadIsNotKept(t *testing.T) {
	t.Parallel()
	for body, problem := range map[string]string{
		`{"password" "hunter22"}`:                 "not JSON from byte 12",
		`hunter22`:                                "not JSON from byte 0",
		`{"password":"hunter22"`:                  "", // said in the library's way
		`{"a":"hunter22"} hunter22`:               "more after",
		`{"hunter22":1,"hunter22":2}`:             "same name twice",
		"{\"a\":\"hunter22\xff\"}":                "not JSON",
		strings.Repeat(`[`, 40) + `"hunter22"`:    "nested too deeply",
		`{"` + strings.Repeat(`a":{"`, 40) + `x"`: "nested too deeply",
	} {
		b, _ := MaskBody([]byte(body), nil)
		if b.Text != "" || !strings.Contains(b.Problem, problem) || !strings.HasPrefix(b.Problem, "not kept") || strings.Contains(b.Problem, "hunter22") || b.Size != len(body) {
			t.Errorf("%s: got %+v", body, b)
		}
	}
	if b, _ := MaskBody([]byte("  "), nil); b != (Body{Size: 2}) {
		t.Errorf("an empty body: %+v", b)
	}
}

func TestLongBodiesAreCut(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{"a":"` + strings.Repeat("ü", MaxBody) + `"}`, `{"password":"hunter22","a":"` + strings.Repeat("ü", MaxBody) + `"}`} {
		b, _ := MaskBody([]byte(body), nil)
		if !b.Cut || len(b.Text) > MaxBody || len(b.Text) < MaxBody-3 || !strings.HasSuffix(b.Text, "ü") {
			t.Errorf("got %d bytes, cut %v", len(b.Text), b.Cut)
		}
	}
}

func TestLargeChangesAreCut(t *testing.T) {
	t.Parallel()
	value := func(n int) json.RawMessage { return json.RawMessage(`"` + strings.Repeat("x", n) + `"`) }
	many := make([]Difference, 200)
	for i := range many {
		many[i] = Difference{"a", value(1), value(2)}
	}
	large := make([]Difference, 20)
	for i := range large {
		large[i] = Difference{"a", value(maxValue - 2), nil}
	}
	for what, c := range map[string]struct {
		attributes []Difference
		left       int
		cut        bool
	}{"few": {many[:3], 3, false}, "many": {many, MaxAttributes, true}, "large ones": {large, MaxBody / maxValue, true}, "one too large": {[]Difference{{"a", value(maxValue), nil}}, 1, true}} {
		d := Draft{Change: func() Change { return Change{Attributes: slices.Clone(c.attributes)} }}
		got := d.Finish().Result.Change
		if len(got.Attributes) != c.left || got.Cut != c.cut || len(got.Attributes[0].Before) > maxValue {
			t.Errorf("%s: %d attributes are left, cut %v", what, len(got.Attributes), got.Cut)
		}
	}
	ids := make([]string, 2*MaxMembers)
	if m := MembersOf(ids, ids[:1]); m.Count != 2*MaxMembers+1 || len(m.IDs) != MaxMembers {
		t.Errorf("%d of %d members", len(m.IDs), m.Count)
	}
}

func TestMaskQueryAndPath(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"":                                   "",
		"filter=userName+eq+%22a%22&count=2": "filter=userName+eq+%22a%22&count=2",
		"token=abcdefg&x":                    "token=%28masked%29&x",
		"%61ccess_token=abcdefg":             "access_token=%28masked%29",
		"filter=password+eq+%22hunter22%22&a=hunter22": "filter=%28masked%29&a=%28masked%29",
		"a=hunter22&filter=password+eq+hunter22":       "a=%28masked%29&filter=%28masked%29",
		"filter=emails%5Btype+eq+%22work%22%5D&a=%zz":  Masked,
		"a=%ff":          Masked,
		"a=known-secret": "a=%28masked%29",
		"known-secret=1": "%28masked%29=%28masked%29",
		"filter=title+eq+%22ghscim_0123456789abcdef%22": "filter=title+eq+%22%28masked%29%22",
	} {
		if got, _ := maskQuery(query, []string{"known-secret"}); got != want {
			t.Errorf("%s: got %s, want %s", query, got, want)
		}
	}
	for path, want := range map[string]string{
		"/scim/a/v2/Users/1":               "/scim/a/v2/Users/1",
		"/scim/a/v2//Users/a%2Fb":          "/scim/a/v2//Users/a%2Fb",
		"/scim/a/v2/known-secret/x":        "/scim/a/v2/%28masked%29/x",
		"/scim/a/v2/%6bnown-secret":        "/scim/a/v2/%28masked%29",
		"/scim/ghscim_0123456789/v2/Users": "/scim/%28masked%29/v2/Users",
		"/scim/%ff":                        "/scim/" + Masked,
	} {
		if got := maskPath(path, []string{"known-secret"}); got != want {
			t.Errorf("%s: got %s, want %s", path, got, want)
		}
	}
}

// TestNoSecretIsEverKept puts a secret into every place of a request, in every manner of writing it, and looks for it in the entry.
func TestNoSecretIsEverKept(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789\"\\/ .-ü{}:,&=%"
	secret := func() string {
		var b strings.Builder
		for range 8 + r.IntN(40) {
			b.WriteRune([]rune(letters)[r.IntN(len([]rune(letters)))])
		}
		return b.String()
	}
	quoted := func(s string) string { b, _ := json.Marshal(s); return string(b) }
	names := []string{"password", "PASSWORD", "newPassword", "api_key", "clientSecret", "access-token", "urn:x:2.0:User:password", "p\\u0061ssword", "credentials"}
	for range 2000 {
		s, token := secret(), "tok"+fmt.Sprint(r.Uint64())
		name := names[r.IntN(len(names))]
		bodies := []string{
			`{"userName":"ann","` + name + `":` + quoted(s) + `}`,
			`{"displayName":` + quoted("x"+s+"y") + `,"` + name + `":` + quoted(s) + `}`,
			`{"Operations":[{"op":"replace","value":` + quoted(s) + `,"path":"` + name + `"}]}`,
			`{"Operations":[{"op":"replace","path":"` + name + `","value":[{"value":` + quoted(s) + `,"type":"work"}]}]}`,
			`{"Operations":[{"op":"add","value":{"` + name + `":` + quoted(s) + `}}]}`,
			`{"Operations":[{"op":"add","path":` + quoted(`password[value eq `+quoted(s)+`]`) + `}]}`,
			`{"filter":` + quoted(`userName pr and password eq `+quoted(s)) + `}`,
			`{"a":[{"b":{"` + name + `":{"c":[` + quoted(s) + `]}}}]}`,
			`{"` + name + `":` + quoted(s),
			`{"` + name + `" ` + quoted(s) + `}`,
			`{"title":` + quoted(token) + `}`, `{` + quoted(token) + `:1}`, token, `{"title":"` + strings.ReplaceAll(token, "t", "\\u0074") + `"}`,
		}
		d := Draft{
			Entry: Entry{
				UserAgent: "agent " + token, Request: Request{Method: "POST", Path: "/scim/a/v2/Users/" + url.PathEscape(token), Query: "filter=" + url.QueryEscape(`password eq `+quoted(s)) + "&x=" + url.QueryEscape(token) + "&" + url.QueryEscape(token), IfMatch: token, IfNoneMatch: token, ContentType: "x/" + token},
				Resource: Resource{ID: token, ExternalID: s, Name: s}, Result: Result{Why: "the value " + s + " of " + token + " will not do"},
			},
			Body: []byte(bodies[r.IntN(len(bodies))]), Secrets: Presented([]string{"Bearer " + token}),
			Change: func() Change {
				return Change{Action: "changed", Attributes: []Difference{{Attribute: "title", Before: json.RawMessage(quoted(s)), After: json.RawMessage(quoted(token))}}}
			},
		}
		if r.IntN(2) == 0 {
			d.Request.Query = "password=" + url.QueryEscape(s)
		}
		e := d.Finish()
		kept := fmt.Sprintf("%+v", e)
		unescaped, _ := url.QueryUnescape(e.Request.Query)
		path, _ := url.PathUnescape(e.Request.Path)
		kept += unescaped + path
		var texts []string
		for _, v := range []string{e.Request.Body.Text, string(e.Result.Change.Attributes[0].Before), string(e.Result.Change.Attributes[0].After)} {
			var any any
			if json.Unmarshal([]byte(v), &any) == nil {
				texts = append(texts, fmt.Sprintf("%+v", any))
			}
		}
		kept += strings.Join(texts, "\n")
		// Of the secret as it is written with escapes, too.
		for _, x := range []string{s, strings.Trim(quoted(s), `"`), token, url.QueryEscape(s), url.PathEscape(s), base64.StdEncoding.EncodeToString([]byte(token))} {
			if strings.Contains(kept, x) {
				t.Fatalf("the secret %q is in the entry\n%s\nfor the body\n%s", x, kept, d.Body)
			}
		}
	}
}

func TestPresented(t *testing.T) {
	t.Parallel()
	basic := base64.StdEncoding.EncodeToString([]byte("ann:hunter22"))
	for header, want := range map[string]string{"Bearer abcdefg": "abcdefg", "bearer   abcdefg ": "abcdefg", "abcdefg": "abcdefg", "Basic " + basic: basic + " hunter22", "Bearer": "Bearer", "": "", "Bearer x": ""} {
		if got := strings.Join(Presented([]string{header}), " "); got != want {
			t.Errorf("%q: got %q, want %q", header, got, want)
		}
	}
}

// FuzzMaskBody: whatever is sent, nothing breaks; what is kept is JSON unless it was cut; and a secret that is known, or that stands under a secret's name,
// is not in it, wherever it stands besides.
func FuzzMaskBody(f *testing.F) {
	for _, s := range []string{`{"password":"hunter22"}`, `{"a":[1,{"path":"token","value":"hunter22"}]}`, `{"filter":"password eq \"hunter22\""}`, `{"a`, `[[[[]]]]`, "\x00", `{"":""}`, `"eyJ.eyJ.x"`} {
		f.Add([]byte(s), 5)
	}
	f.Fuzz(func(t *testing.T, body []byte, at int) {
		const secret = "q7XwZ20kPv"
		check := func(body []byte, known []string) {
			t.Helper()
			b, _ := MaskBody(body, known)
			if b.Size != len(body) || len(b.Text) > MaxBody || b.Text != "" && !b.Cut && !json.Valid([]byte(b.Text)) {
				t.Fatalf("%q became %+v", body, b)
			}
			if strings.Contains(b.Text+b.Problem, secret) {
				t.Fatalf("%q became %+v, which holds the secret", body, b)
			}
		}
		if strings.Contains(string(body), secret[:3]) {
			return
		}
		check(body, nil)
		at = max(at, 0) % (len(body) + 1)
		check(slices.Concat(body[:at], []byte(secret), body[at:]), []string{secret})
		if json.Valid(body) {
			check(slices.Concat([]byte(`{"a":"x`+secret+`","password":"`+secret+`","b":`), body, []byte(`,"`+secret+`":0}`)), nil)
		}
	})
}

// TestManySecretsAreMaskedSoon: anybody can send a query, and a client a body, with thousands of secrets. All are masked where they stand, and looking for all of
// them everywhere, which took half a minute for a body and kept other requests from being recorded, is not done.
func TestManySecretsAreMaskedSoon(t *testing.T) {
	t.Parallel()
	var query, list []string
	for i := range 20_000 {
		query = append(query, fmt.Sprintf("token=a%05d", i))
		list = append(list, fmt.Sprintf(`{"token":"a%05d"}`, i))
	}
	filter := `{"filter":"password ` + strings.Repeat("x", 3) + strings.Join(query, " ") + `"}`
	for name, d := range map[string]Draft{
		"a query":  {Entry: Entry{Request: Request{Query: strings.Join(query, "&")}}},
		"a body":   {Body: []byte("[" + strings.Join(list, ",") + `,{"title":"a00007"}]`)},
		"a filter": {Body: []byte(filter)},
		"headers":  {Secrets: query},
	} {
		began := time.Now()
		e := d.Finish()
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("%s: %s", name, took)
		}
		if left := e.Request.Query + e.Request.Body.Text; strings.Contains(left, "a0") {
			t.Errorf("%s: %.200s", name, left)
		}
	}
	few := Draft{Body: []byte(`[{"token":"a00007"},{"title":"a00007"}]`)}
	if e := few.Finish(); strings.Contains(e.Request.Body.Text, "a00007") {
		t.Errorf("got %s", e.Request.Body.Text)
	}
}
