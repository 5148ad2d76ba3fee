package credential

import (
	"bytes"
	"testing"
)

// FuzzBreached: no file makes the search read on for ever or panic, and what it says to be in a list is in it.
func FuzzBreached(f *testing.F) {
	f.Add([]byte("0123456789\nABCDEF0123\n"), []byte("ABCDEF0123ABCDEF0123ABCDEF0123ABCDEF0123"))
	f.Add([]byte("0123456789:1\r\n0123456789:1\r\n\r\n"), []byte("0123456789ABCDEF0123ABCDEF0123ABCDEF0123"))
	f.Add(bytes.Repeat([]byte("A"), 300), []byte("ABCDEF0123ABCDEF0123ABCDEF0123ABCDEF0123"))
	f.Add([]byte("\n"), []byte("ABCDEF0123ABCDEF0123ABCDEF0123ABCDEF0123"))
	f.Fuzz(func(t *testing.T, file, sum []byte) {
		if len(sum) != mostDigits {
			t.Skip()
		}
		in, err := inList(bytes.NewReader(file), int64(len(file)), sum)
		if in && (err != nil || !bytes.Contains(file, sum[:leastDigits])) {
			t.Errorf("%q is said to be in %q", sum, file)
		}
	})
}
