package signin_test

import (
	"net/url"
	"strings"
	"testing"

	"gatehouse/internal/signin"
)

func TestLocalPath(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]bool{
		"/":      true,
		"/start": true,
		"/start/#/console?account_id=111122223333&role_name=A":                                  true,
		"/device?user_code=BCDF-GHJK":                                                           true,
		"/authorize?redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2Fcb&scopes=sso%3Aaccount%3Aaccess": true,
		"/a?next=//x":                   true,
		"":                              false,
		"start":                         false,
		"//evil.example":                false,
		"///evil.example":               false,
		`/\evil.example`:                false,
		`\/evil.example`:                false,
		"/%5cevil.example":              false,
		"/%2fevil.example":              false,
		"/%2F/evil.example":             false,
		"/a//b":                         false,
		"/./a":                          false,
		"/..//evil.example":             false,
		"/a/%2e%2e/b":                   false,
		"/\tevil":                       false,
		"/\n/evil.example":              false,
		"/a b":                          false,
		"/ä":                            false,
		"/%00":                          false,
		"/%zz":                          false,
		"https://evil.example":          false,
		"javascript:alert(1)":           false,
		"http:/evil.example":            false,
		"/" + strings.Repeat("a", 4096): false,
	} {
		if got := signin.LocalPath(s); got != want {
			t.Errorf("LocalPath(%q) = %v, want %v", s, got, want)
		}
	}
}

// FuzzLocalPath: whatever is accepted stays on this host when a URL parser resolves it, also after one round of decoding.
func FuzzLocalPath(f *testing.F) {
	for _, s := range []string{"/start", "//evil.example", `/\evil`, "/%2f%2fevil", "/..//evil", "/a?b#c", "/\x00", "/;@evil.example"} {
		f.Add(s)
	}
	base, _ := url.Parse("https://gatehouse.example/signin")
	f.Fuzz(func(t *testing.T, s string) {
		if !signin.LocalPath(s) {
			return
		}
		u, err := base.Parse(s)
		if err != nil || u.Host != base.Host || u.Scheme != base.Scheme || u.User != nil {
			t.Fatalf("%q leads to %v, %v", s, u, err)
		}
		if strings.HasPrefix(u.Path, "//") || strings.ContainsAny(u.Path, "\\\t\r\n") {
			t.Fatalf("%q has the path %q", s, u.Path)
		}
	})
}

func FuzzParseUserCode(f *testing.F) {
	for _, s := range []string{"BCDF-GHJK", "bcdfghjk", " b-c d f g h j k ", "BCDF-GHJ", "AEIOU", "\xff", "ıſ"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		code, ok := signin.ParseUserCode(s)
		if !ok {
			return
		}
		if len(code) != signin.UserCodeLength || strings.Trim(code, signin.UserCodeAlphabet) != "" {
			t.Fatalf("%q parsed to %q", s, code)
		}
		if again, ok := signin.ParseUserCode(signin.ShowUserCode(code)); !ok || again != code {
			t.Fatalf("%q does not survive being shown", code)
		}
	})
}
