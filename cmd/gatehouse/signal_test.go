//go:build unix

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// asProgram makes the tests' binary the program itself.
const asProgram = "GATEHOUSE_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	os.Exit(m.Run())
}

// TestSecondSignal: what waits for something that cannot be called off is ended by a second signal.
func TestSecondSignal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files, pipe := filepath.Join(dir, "a.yaml"), filepath.Join(dir, "pipe")
	if err := os.WriteFile(files, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Skip(err)
	}
	c := exec.Command(os.Args[0], "validate", files, "--estate", pipe)
	c.Env = append(os.Environ(), asProgram+"=1")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	for deadline := time.After(30 * time.Second); ; {
		select {
		case <-ended:
			if s, ok := c.ProcessState.Sys().(syscall.WaitStatus); !ok || !s.Signaled() {
				t.Errorf("it ended with %v", c.ProcessState)
			}
			return
		case <-time.After(500 * time.Millisecond):
			_ = c.Process.Signal(os.Interrupt)
		case <-deadline:
			_ = c.Process.Kill()
			<-ended
			t.Fatal("signals do not end it")
		}
	}
}
