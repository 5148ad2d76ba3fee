package seal

import (
	"bytes"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"gatehouse/internal/fault"
)

func TestOpenRefusesWhatIsNotItsOwn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := OpenFile(filepath.Join(dir, "k"))
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := s.Seal([]byte("secret"), []byte("place"))
	if err != nil || bytes.Contains(sealed, []byte("secret")) {
		t.Fatal("not sealed", err)
	}
	if got, err := s.Open(sealed, []byte("place")); err != nil || string(got) != "secret" {
		t.Errorf("got %q, %v", got, err)
	}
	other, err := OpenFile(filepath.Join(dir, "other"))
	if err != nil {
		t.Fatal(err)
	}
	changed := bytes.Clone(sealed)
	changed[len(changed)-1] ^= 1
	for name, try := range map[string]func() ([]byte, error){
		"another place": func() ([]byte, error) { return s.Open(sealed, []byte("elsewhere")) },
		"another key":   func() ([]byte, error) { return other.Open(sealed, []byte("place")) },
		"a changed bit": func() ([]byte, error) { return s.Open(changed, []byte("place")) },
		"cut short":     func() ([]byte, error) { return s.Open(sealed[:4], []byte("place")) },
		"nothing":       func() ([]byte, error) { return s.Open(nil, nil) },
	} {
		if _, err := try(); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestOpenFileAgreesWithItself(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "k")
	sealers := make([]*Sealer, 8)
	var wg sync.WaitGroup
	for i := range sealers {
		wg.Go(func() {
			s, err := OpenFile(path)
			if err != nil {
				t.Error(err)
			}
			sealers[i] = s
		})
	}
	wg.Wait()
	sealed, err := sealers[0].Seal([]byte("x"), nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range sealers {
		if _, err := s.Open(sealed, nil); err != nil {
			t.Errorf("opening %d has another keyset: two processes that start at once would not agree", i)
		}
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v", st.Mode(), err)
	}
	if err := os.WriteFile(path, []byte("rubbish"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenFile(path); err == nil {
		t.Error("a broken keyset was taken, or replaced")
	}
}
