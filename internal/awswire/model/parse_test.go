package model

import "testing"

const rest = "service s\nprotocol rest-json\nstring S\n"

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
		"label without a member":     rest + "operation A\n  http GET /a/{b}\n  in I\nstructure I",
		"member without a label":     rest + "operation A\n  http GET /a\n  in I\nstructure I\n  b S required path=b",
		"optional label":             rest + "operation A\n  http GET /a/{b}\n  in I\nstructure I\n  b S path=b",
		"broken template":            rest + "operation A\n  http GET /a/{b\n  in I\nstructure I\n  b S required path=b",
		"two greedy labels":          rest + "operation A\n  http GET /{b+}/{c+}\n  in I\nstructure I\n  b S required path=b\n  c S required path=c",
		"rest without a path":        rest + "operation A\n  in I\nstructure I",
		"structure in a header":      rest + "operation A\n  http GET /a\n  in I\nstructure I\n  b I header=X-B",
		"status in a request":        rest + "integer N\noperation A\n  http GET /a\n  in I\nstructure I\n  b N status",
		"string as payload":          rest + "operation A\n  http GET /a\n  in I\nstructure I\n  b S payload",
		"status that is no number":   rest + "operation A\n  http GET /a ok",
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
