// Package seal encrypts what must be readable again: keys at rest, and the contents of session tokens.
//
// It is a thin wrapping of Tink's AEAD keysets (AES-256-GCM): several keys may be valid at once and one is
// used for new values, so that keys can be rotated without a flag day. Associated data binds a sealed value to its
// place: one cut out and pasted elsewhere does not open.
//
// The keyset is a file of mode 0600 beside the database, or given whole by configuration where several nodes share a
// database. Whoever has the keyset and the database has everything; keep their backups apart.
package seal

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"

	"gatehouse/internal/fault"
)

// Sealer seals and opens. It is safe for concurrent use.
type Sealer struct{ aead tink.AEAD }

// Seal encrypts plain, bound to associated.
func (s *Sealer) Seal(plain, associated []byte) ([]byte, error) {
	return s.aead.Encrypt(plain, associated)
}

// Open decrypts what Seal made with the same associated data. Anything else is fault.Invalid, whatever the reason:
// more would help only an attacker.
func (s *Sealer) Open(sealed, associated []byte) ([]byte, error) {
	plain, err := s.aead.Decrypt(sealed, associated)
	if err != nil {
		return nil, fault.New(fault.Invalid, "a sealed value does not open").Because(err)
	}
	return plain, nil
}

// Generate returns a new keyset in Tink's JSON form. It is a secret in clear.
func Generate() ([]byte, error) {
	h, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := insecurecleartextkeyset.Write(h, keyset.NewJSONWriter(&b)); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// Parse reads a keyset in Tink's JSON form.
func Parse(keysetJSON []byte) (*Sealer, error) {
	h, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(keysetJSON)))
	if err != nil {
		return nil, fmt.Errorf("the keyset is not a Tink keyset in JSON: %w", err)
	}
	a, err := aead.New(h)
	if err != nil {
		return nil, fmt.Errorf("the keyset holds no usable AEAD key: %w", err)
	}
	return &Sealer{a}, nil
}

// OpenFile reads the keyset in a file, and makes one when the file does not exist. The file is written whole
// or not at all.
func OpenFile(path string) (*Sealer, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if b, err = create(path); err != nil {
			return nil, fmt.Errorf("making a keyset: %w", err)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("reading the keyset: %w", err)
	}
	s, err := Parse(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// create writes a new keyset beside path and links it into place, so that of two processes one wins and both
// read the winner's.
func create(path string) ([]byte, error) {
	b, err := Generate()
	if err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".keyset-*") // mode 0600
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name())
	_, werr := f.Write(b)
	if err := errors.Join(werr, f.Sync(), f.Close()); err != nil {
		return nil, err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return os.ReadFile(path)
}
