package main

import (
	"testing"
	"time"
)

// TestTheBenchRuns runs the stages that ask as clients do, for a moment each: what has changed in the server must not be found out on the day on
// which somebody measures.
func TestTheBenchRuns(t *testing.T) {
	if testing.Short() {
		t.Skip("makes some thousand users; left out with -short")
	}
	*quick, *each, *stages = true, 10*time.Millisecond, "users,assignments,signin"
	if err := run(t.Context()); err != nil {
		t.Fatal(err)
	}
}
