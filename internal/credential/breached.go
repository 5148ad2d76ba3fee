package credential

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
)

// A list of breached passwords is a text file of lines sorted by their bytes, each of which begins with a SHA-1 hash or its first
// digits, in upper-case hexadecimal, all of the same length (10 to 40), and goes on, if it does, with a colon and anything. This is the form in which
// Have I Been Pwned gives its list away (ordered by hash), of which the file may also be a part. It is searched where it lies, so it
// may have any size.
const (
	leastDigits = 10
	mostDigits  = 2 * sha1.Size
	// longestLine is more than any line has.
	longestLine = 128
)

// OpenBreached opens a list of breached passwords. The file stays open for as long as the program runs.
func OpenBreached(path string) (Breached, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	st, err := f.Stat()
	if err == nil {
		_, err = breachedDigits(f, st.Size())
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return func(password string) (bool, error) {
		sum := sha1.Sum([]byte(password))
		return inList(f, st.Size(), bytes.ToUpper([]byte(hex.EncodeToString(sum[:]))))
	}, nil
}

var errList = errors.New("it is not a sorted list of SHA-1 hashes in upper-case hexadecimal, one a line and all of one length")

// breachedDigits reads how many digits the lines have.
func breachedDigits(r io.ReaderAt, size int64) (int, error) {
	line, _, err := lineAt(r, size, 0)
	if err != nil {
		return 0, err
	}
	return len(line), nil
}

// inList looks a hash up by halving. It reads about two blocks for each doubling of the size.
func inList(r io.ReaderAt, size int64, sum []byte) (bool, error) {
	digits, err := breachedDigits(r, size)
	if err != nil {
		return false, err
	}
	want := sum[:digits]
	// The line looked for, if there is one, begins in [low, high).
	low, high := int64(0), size
	for low < high {
		middle := low + (high-low)/2
		begin, err := lineBegin(r, size, middle, low)
		if err != nil {
			return false, err
		}
		line, next, err := lineAt(r, size, begin)
		if err != nil {
			return false, err
		}
		if len(line) != digits {
			return false, errList
		}
		switch bytes.Compare(line, want) {
		case 0:
			return true, nil
		case -1:
			low = next
		default:
			high = begin
		}
	}
	return false, nil
}

// lineBegin returns where the line that holds the byte at begins; it is not before low.
func lineBegin(r io.ReaderAt, size, at, low int64) (int64, error) {
	from := max(low, at-longestLine)
	b := make([]byte, at-from)
	if _, err := r.ReadAt(b, from); err != nil && err != io.EOF {
		return 0, err
	}
	i := bytes.LastIndexByte(b, '\n')
	if i < 0 && from > low {
		return 0, errList
	}
	return from + int64(i) + 1, nil
}

// lineAt reads the hash of the line that begins at, and where the next line begins.
func lineAt(r io.ReaderAt, size, at int64) (line []byte, next int64, err error) {
	b := make([]byte, min(longestLine, size-at))
	if _, err := r.ReadAt(b, at); err != nil && err != io.EOF {
		return nil, 0, err
	}
	end := bytes.IndexByte(b, '\n')
	if next = at + int64(end) + 1; end < 0 {
		if at+int64(len(b)) < size {
			return nil, 0, errList
		}
		end, next = len(b), size
	}
	line = bytes.TrimSuffix(b[:end], []byte("\r"))
	line, _, _ = bytes.Cut(line, []byte(":"))
	if len(line) < leastDigits || len(line) > mostDigits {
		return nil, 0, errList
	}
	for _, c := range line {
		if (c < '0' || c > '9') && (c < 'A' || c > 'F') {
			return nil, 0, errList
		}
	}
	return line, next, nil
}
