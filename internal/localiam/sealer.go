package localiam

// Sealer encrypts secrets at rest and session tokens. It is authenticated encryption: Open fails
// for anything that Seal did not make with the same associated data under a key still in the key set.
type Sealer interface {
	// Seal encrypts plain and binds it to associated.
	Seal(plain, associated []byte) ([]byte, error)
	// Open reverses Seal.
	Open(sealed, associated []byte) ([]byte, error)
}
