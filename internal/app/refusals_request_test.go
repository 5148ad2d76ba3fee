package app

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"gatehouse/internal/awswire"
	"gatehouse/internal/awswire/model"
)

// This file sends a request of any operation from its description, in the service's own protocol.

// api is one API with what of it is there.
type api struct {
	desc *model.API
	// rows are the implemented operations with the IAM action that each needs, or "".
	rows map[string]string
}

// caller is who sends. The zero caller signs nothing.
type caller struct {
	id  string
	key awswire.Key
	// tampers: the body is not the one that was signed.
	tampers bool
}

// answer is what came back.
type answer struct {
	status                   int
	code, message, requestID string
	body                     string
	// out is a JSON answer.
	out map[string]any
}

func (a *api) query() bool { return a.desc.Protocol == "query" }
func (a *api) rest() bool  { return a.desc.Protocol == "rest-json" }

// signs reports whether requests of the service are signed at all.
func (a *api) signs() bool {
	return a.desc.Signing != "" && !(a.rest() && len(a.rows) > 0 && a.unsignedAll())
}

func (a *api) unsignedAll() bool {
	for _, o := range a.desc.Operations {
		if _, there := a.rows[o.Name]; there && !o.Unsigned {
			return false
		}
	}
	return true
}

func (w *refusals) send(a *api, o *model.Operation, by *caller, in any) answer {
	w.t.Helper()
	fields, _ := in.(map[string]any)
	var r *http.Request
	var body string
	switch {
	case a.query():
		form := url.Values{"Action": {o.Name}, "Version": {a.desc.Version}}
		flatten(form, "", in)
		body = form.Encode()
		r = httptest.NewRequest("POST", w.Config.URL+"/", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	case a.rest():
		r, body = w.restRequest(a, o, fields)
	default:
		b, err := json.Marshal(in)
		if err != nil {
			w.t.Fatal(err)
		}
		if body = string(b); in == nil {
			body = "{}"
		}
		r = httptest.NewRequest("POST", w.Config.URL+"/", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-amz-json-1.1")
		r.Header.Set("X-Amz-Target", a.desc.Target+"."+o.Name)
	}
	if by.key.ID != "" && !o.Unsigned {
		signed := body
		if by.tampers {
			signed += " "
		}
		if err := awswire.Sign(r, []byte(signed), by.key, "us-east-1", a.desc.Signing, time.Now()); err != nil {
			w.t.Fatal(err)
		}
	}
	rec := httptest.NewRecorder()
	w.Handler().ServeHTTP(rec, r)
	return a.read(rec.Result())
}

func (w *refusals) restRequest(a *api, o *model.Operation, in map[string]any) (*http.Request, string) {
	path, query, header, rest := o.Path, url.Values{}, http.Header{}, map[string]any{}
	members := map[string]model.Member{}
	if s := a.desc.Shape(o.In); s != nil {
		for _, m := range s.Members {
			members[m.Name] = m
		}
	}
	for name, v := range in {
		m := members[name]
		text, isText := v.(string)
		if !isText {
			b, err := json.Marshal(v)
			if err != nil {
				w.t.Fatal(err)
			}
			text = string(b)
		}
		switch {
		case m.Query != "":
			if list, ok := v.([]any); ok {
				for _, e := range list {
					query.Add(m.Query, fmt.Sprint(e))
				}
			} else {
				query.Set(m.Query, text)
			}
		case m.Header != "":
			header.Set(m.Header, text)
		case m.Path != "":
			path = strings.ReplaceAll(path, "{"+m.Path+"}", url.PathEscape(text))
		case m.Wire != "":
			rest[m.Wire] = v
		default:
			rest[name] = v
		}
	}
	if len(query) > 0 {
		sep := "?"
		if strings.Contains(path, "?") {
			sep = "&"
		}
		path += sep + query.Encode()
	}
	body := ""
	if o.Method != "GET" && o.Method != "DELETE" {
		b, err := json.Marshal(rest)
		if err != nil {
			w.t.Fatal(err)
		}
		body = string(b)
	}
	r := httptest.NewRequest(o.Method, w.Config.URL+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	for name, v := range header {
		r.Header[name] = v
	}
	return r, body
}

// flatten writes a value as the parameters of a form.
func flatten(form url.Values, at string, v any) {
	switch v := v.(type) {
	case map[string]any:
		if len(v) == 0 && at != "" {
			form.Set(at, "")
		}
		for name, e := range v {
			if at == "" {
				flatten(form, name, e)
			} else {
				flatten(form, at+"."+name, e)
			}
		}
	case []any:
		if len(v) == 0 {
			form.Set(at, "")
		}
		for i, e := range v {
			flatten(form, at+".member."+strconv.Itoa(i+1), e)
		}
	case nil:
	case string:
		form.Set(at, v)
	case bool:
		form.Set(at, strconv.FormatBool(v))
	default:
		b, _ := json.Marshal(v)
		form.Set(at, string(b))
	}
}

var xmlText = regexp.MustCompile(`(?s)<(Code|Message|RequestId)>(.*?)</`)

func (a *api) read(res *http.Response) answer {
	b, _ := io.ReadAll(res.Body)
	ans := answer{status: res.StatusCode, body: string(b), requestID: res.Header.Get("x-amzn-RequestId")}
	if a.query() {
		for _, m := range xmlText.FindAllStringSubmatch(ans.body, -1) {
			text := strings.NewReplacer("&#39;", "'", "&#34;", `"`, "&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(m[2])
			switch m[1] {
			case "Code":
				ans.code = text
			case "Message":
				ans.message = text
			}
		}
		return ans
	}
	_ = json.Unmarshal(b, &ans.out) // an answer without a body has nothing to say
	ans.code, _ = ans.out["__type"].(string)
	if ans.code == "" {
		ans.code = res.Header.Get("x-amzn-ErrorType")
	}
	for _, name := range []string{"Message", "message", "error_description"} {
		if s, _ := ans.out[name].(string); s != "" {
			ans.message = s
		}
	}
	return ans
}

// request is a valid request of an operation: its required members, and what else the data gives it.
func (w *refusals) request(a *api, o *model.Operation) map[string]any {
	out := map[string]any{}
	s := a.desc.Shape(o.In)
	if s == nil {
		return out
	}
	also := w.also[a.desc.Service+"."+o.Name]
	for _, m := range s.Members {
		if m.Required {
			out[m.Name] = w.value(a, o, m)
		} else if v, ok := also[m.Name]; ok {
			out[m.Name] = copied(v)
		}
	}
	return out
}

// value is a valid value of a member: what the world has for it, or what its shape allows.
func (w *refusals) value(a *api, o *model.Operation, m model.Member) any {
	if v, ok := w.also[a.desc.Service+"."+o.Name][m.Name]; ok {
		return copied(v)
	}
	if v, ok := w.known[a.desc.Service+"."+m.Name]; ok {
		return copied(v)
	}
	return w.sample(a, o, m, a.desc.Shape(m.Shape))
}

// sample is a valid value of a shape.
func (w *refusals) sample(a *api, o *model.Operation, m model.Member, s *model.Shape) any {
	if v, ok := w.known[a.desc.Service+":"+s.Name]; ok {
		return copied(v)
	}
	switch s.Kind {
	case "structure":
		out := map[string]any{}
		for _, m := range s.Members {
			if m.Required {
				out[m.Name] = w.value(a, o, m)
			}
		}
		if len(out) == 0 && a.query() && len(s.Members) > 0 { // a form has no word for an item with nothing in it
			out[s.Members[0].Name] = w.value(a, o, s.Members[0])
		}
		return out
	case "union":
		return map[string]any{s.Members[0].Name: w.value(a, o, s.Members[0])}
	case "list":
		return []any{w.sample(a, o, model.Member{Name: m.Name, Shape: s.Item}, a.desc.Shape(s.Item))}
	case "map":
		return map[string]any{}
	case "enum":
		return s.Enum[0]
	case "boolean":
		return true
	case "integer", "long":
		if s.Bounded {
			return max(s.Min, 1)
		}
		return 1
	case "timestamp":
		if a.query() {
			return "2026-01-31T12:00:00Z"
		}
		return 1769860800
	case "document":
		return map[string]any{}
	case "blob":
		return base64.StdEncoding.EncodeToString([]byte("blob"))
	}
	return fitting(s)
}

// copied keeps requests from sharing maps and lists.
func copied(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, e := range v {
			out[k] = copied(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = copied(e)
		}
		return out
	}
	return v
}

// malformed is a value that the protocol cannot read as the shape, or nil where it can read everything.
func (a *api) malformed(s *model.Shape, m model.Member) any {
	text := s.Kind == "string" || s.Kind == "enum"
	switch {
	case s.Kind == "document":
		return nil
	case a.query() && text:
		return map[string]any{"x": "1"}
	case m.Query != "" || m.Header != "" || m.Path != "":
		if text || s.Kind == "list" {
			return nil // everything is text there
		}
		return "x"
	case text:
		return 7
	}
	return "x"
}

// fitting is the shortest text that a string shape allows, more or less.
func fitting(s *model.Shape) string {
	if s.Pattern == "" {
		return strings.Repeat("a", int(max(s.Min, 4)))
	}
	re, err := syntax.Parse(s.Pattern, syntax.Perl)
	if err != nil {
		return "a"
	}
	re = re.Simplify()
	whole := regexp.MustCompile("^(?:" + s.Pattern + ")$")
	for n := 1; n < 200; n++ {
		text := written(re, n)
		if l := int64(utf8.RuneCountInString(text)); whole.MatchString(text) && l >= s.Min && l > 0 && (s.Max == model.NoMax || !s.Bounded || l <= s.Max) {
			return text
		}
	}
	return "a"
}

// written is a text that the expression matches, with n turns of every loop.
func written(re *syntax.Regexp, n int) string {
	switch re.Op {
	case syntax.OpLiteral:
		return string(re.Rune)
	case syntax.OpCharClass:
		for _, want := range "a0A-" {
			for i := 0; i+1 < len(re.Rune); i += 2 {
				if re.Rune[i] <= want && want <= re.Rune[i+1] {
					return string(want)
				}
			}
		}
		return string(re.Rune[0])
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return "a"
	case syntax.OpStar, syntax.OpPlus:
		return strings.Repeat(written(re.Sub[0], n), n)
	case syntax.OpCapture:
		return written(re.Sub[0], n)
	case syntax.OpConcat:
		var b strings.Builder
		for _, sub := range re.Sub {
			b.WriteString(written(sub, n))
		}
		return b.String()
	case syntax.OpAlternate:
		return written(re.Sub[0], n)
	}
	return "" // of a quest none, and what has no width
}

// misfit is a text within the shape's lengths that its pattern does not match; ok is false where the pattern matches all that comes to mind.
func misfit(s *model.Shape) (text string, ok bool) {
	if s.Pattern == "" {
		return "", false
	}
	whole, err := regexp.Compile("^(?:" + s.Pattern + ")$")
	if err != nil {
		return "", false
	}
	for _, c := range []string{"?", " ", "!", "{", "é", "\u20ac", "\u0001", "\ue000"} {
		t := strings.Repeat(c, int(max(s.Min, 1)))
		if s.Bounded && s.Max != model.NoMax && int64(utf8.RuneCountInString(t)) > s.Max {
			continue
		}
		if !whole.MatchString(t) {
			return t, true
		}
	}
	return "", false
}
