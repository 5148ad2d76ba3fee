package scimv2_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gatehouse/internal/directory"
)

// What real clients send, one file per client, replayed against the door from the first look-up to the last
// delete. A step may be for one profile only.
type dialect struct {
	Client string
	Steps  []struct {
		Say, Method, Path, Save, Profile string
		Status                           json.RawMessage
		Body                             json.RawMessage
		Want                             map[string]any
	}
}

const dialects = "../../scim/testdata/"

func TestDialects(t *testing.T) {
	t.Parallel()
	files, _ := filepath.Glob(dialects + "*.json")
	if len(files) < 8 {
		t.Fatalf("only %d clients", len(files))
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			t.Parallel()
			replay(t, start(t, directory.ProfileRFC), file)
		})
	}
}

// Both profiles must take everything that Entra sends, as AWS's endpoint does.
func TestDialectsInProfileAWS(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"entra-default", "entra-aadopt", "google", "jumpcloud"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			replay(t, start(t, directory.ProfileAWS), dialects+name+".json")
		})
	}
}

func replay(t *testing.T, w *world, file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var d dialect
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	src, err := w.service.Source(t.Context(), w.id)
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"{guid}", "6f9619ff-8b86-d011-b42d-00cf4fc964ff"}
	for _, s := range d.Steps {
		if s.Profile != "" && s.Profile != string(src.Profile) {
			continue
		}
		fill := strings.NewReplacer(names...)
		got := w.send(s.Method, fill.Replace(s.Path), fill.Replace(string(s.Body)))
		if !slices.Contains(statuses(t, s.Status), got.status) {
			t.Fatalf("%s: got %d %s, want %s", s.Say, got.status, got.raw, s.Status)
		}
		if s.Save != "" {
			names = append(names, "{"+s.Save+"}", got.text("id"))
			fill = strings.NewReplacer(names...)
		}
		if src.Profile == directory.ProfileAWS {
			continue // AWS shows no members, no groups and no scimType
		}
		for path, want := range s.Want {
			if text, ok := want.(string); ok {
				want = fill.Replace(text)
			}
			if list, ok := want.([]any); ok && len(list) == 0 {
				path, want = path+"/#", 0.0
			}
			if have := got.at(path); have != want && got.status != 204 {
				t.Errorf("%s: %s is %v, want %v\n%s", s.Say, path, have, want, got.raw)
			}
		}
	}
}

func statuses(t *testing.T, raw json.RawMessage) []int {
	t.Helper()
	var one int
	if json.Unmarshal(raw, &one) == nil {
		return []int{one}
	}
	var many []int
	if err := json.Unmarshal(raw, &many); err != nil {
		t.Fatalf("status %s", raw)
	}
	return many
}
