package model

import "testing"

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"unknown word":               "thing X",
		"shape twice":                "string A\nstring A",
		"unknown member shape":       "structure A\n  B C",
		"unknown input":              "operation A\n  in B",
		"unknown error":              "operation A\n  errors B",
		"member outside a structure": "  A B",
		"pattern that RE2 lacks":     "string A pattern (?=x)",
		"bounds":                     "string A 1-2",
		"member without shape":       "structure A\n  B",
		"unknown mark":               "string C\nstructure A\n  B C optional",
	} {
		if _, err := Parse(text); err == nil {
			t.Errorf("%s is accepted: %q", name, text)
		}
	}
}

// TestEveryDescriptionIsRead reads all that is there, by the name it has.
func TestEveryDescriptionIsRead(t *testing.T) {
	t.Parallel()
	if n := len(Services()); n < 8 {
		t.Errorf("only %d services are described", n)
	}
	for _, name := range Services() {
		a, err := Read(name)
		if err != nil {
			t.Error(err)
			continue
		}
		if a.Service != name || len(a.Operations) == 0 {
			t.Errorf("%s.shapes describes %q with %d operations", name, a.Service, len(a.Operations))
		}
	}
	if _, err := Read("s3"); err == nil {
		t.Error("a service that is not described is read")
	}
}
