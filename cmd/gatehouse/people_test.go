package main

import "testing"

func TestVia(t *testing.T) {
	t.Parallel()
	for want, path := range map[string][]string{
		"": nil, "Engineering": {"Engineering"}, "Engineering (member of Apps)": {"Apps", "Engineering"},
		"Engineering (member of Apps, within Platform)": {"Apps", "Platform", "Engineering"},
	} {
		if got := via(path); got != want {
			t.Errorf("%q: got %q, want %q", path, got, want)
		}
	}
}
