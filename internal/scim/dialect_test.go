package scim

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The files of testdata are what real clients send, one file per client. Here every body and filter in them
// must be understood; the door replays them whole.
type dialect struct {
	Client string
	Steps  []struct {
		Say, Method, Path string
		Status            json.RawMessage
		Body              json.RawMessage
	}
}

func TestDialectsAreUnderstood(t *testing.T) {
	t.Parallel()
	files, _ := filepath.Glob("testdata/*.json")
	if len(files) < 8 {
		t.Fatalf("only %d clients", len(files))
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var d dialect
			if err := json.Unmarshal(text, &d); err != nil {
				t.Fatal(err)
			}
			for _, s := range d.Steps {
				if err := understand(s.Method, s.Path, s.Body); err != nil {
					t.Errorf("%s: %v", s.Say, err)
				}
			}
		})
	}
}

func understand(method, path string, body []byte) error {
	u, err := url.Parse(path)
	if err != nil {
		return err
	}
	rt, group := Users(), strings.HasPrefix(path, "/Groups")
	if group {
		rt = Groups()
	}
	if f := u.Query().Get("filter"); f != "" {
		if _, err := ParseFilter(rt, f); err != nil {
			return err
		}
	}
	switch {
	case method == "PATCH":
		p, err := DecodePatch(body)
		if err != nil {
			return err
		}
		if group {
			_, err = PatchGroup(p)
		} else {
			_, _, err = PatchUser(RFC, User{UserName: "u", Emails: []Value{{Value: "e", Type: "home"}}}, p)
		}
		return err
	case len(body) > 0 && group:
		_, err = DecodeGroup(RFC, body)
	case len(body) > 0:
		_, err = DecodeUser(RFC, body)
	}
	return err
}
