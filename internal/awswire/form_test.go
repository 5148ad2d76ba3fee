package awswire

import (
	"fmt"
	"strings"
	"testing"

	"gatehouse/internal/fault"
)

// TestFormsOfManyParts: a body of a megabyte must not become a tree of hundreds, before anybody is known to have sent it.
func TestFormsOfManyParts(t *testing.T) {
	t.Parallel()
	in := func(n, depth int) map[string]string {
		params := map[string]string{}
		for i := range n {
			params[fmt.Sprint(i)+strings.Repeat(".a", depth)] = ""
		}
		return params
	}
	if err := DecodeQuery(in(MaxParameters, 2), &Empty{}); err != nil {
		t.Errorf("as many parameters as may be, of three parts: %v", err)
	}
	if err := DecodeQuery(in(9000, 40), &Empty{}); err == nil || fault.Of(err).Reason != ReasonSerialization {
		t.Errorf("nine thousand of 41 parts: %v, want %s", err, ReasonSerialization)
	}
}
