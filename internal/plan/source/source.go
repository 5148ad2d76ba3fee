// Package source is where something in a file stands, and what is wrong with it: positions, problems, the excerpt that is shown with
// them, and what somebody may have meant.
package source

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Position is a place in a file. Line and Column count from 1, columns in characters; a Line of 0 is the file as a whole.
type Position struct {
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
}

func (p Position) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Severity is how bad a problem is.
type Severity string

// An Error stops everything; a Warning is told and nothing more.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// Problem is something wrong, or noteworthy. Code names its class for programs (unknown-key, no-such-group …); Text is the offending
// text; Message says what is wrong in a sentence and Advice what to do.
type Problem struct {
	Severity Severity `json:"severity"`
	Code     string   `json:"code"`
	At       Position `json:"at,omitzero"`
	Text     string   `json:"text,omitempty"`
	Message  string   `json:"message"`
	Advice   string   `json:"advice,omitempty"`
}

func (p Problem) String() string {
	s := string(p.Severity) + ": " + p.Message
	if p.At.File != "" {
		s = p.At.String() + ": " + s
	}
	if p.Advice != "" {
		s += "; " + p.Advice
	}
	return s
}

// Problems are collected while something is read, so that all are told at once.
type Problems []Problem

// Add appends an error; format makes the message.
func (ps *Problems) Add(code string, at Position, text, advice, format string, args ...any) {
	*ps = append(*ps, Problem{Severity: Error, Code: code, At: at, Text: text, Message: fmt.Sprintf(format, args...), Advice: advice})
}

// Warn appends a warning.
func (ps *Problems) Warn(code string, at Position, text, advice, format string, args ...any) {
	*ps = append(*ps, Problem{Severity: Warning, Code: code, At: at, Text: text, Message: fmt.Sprintf(format, args...), Advice: advice})
}

// Failed tells whether there is an error among them.
func (ps Problems) Failed() bool {
	return slices.ContainsFunc(ps, func(p Problem) bool { return p.Severity == Error })
}

// Sorted is in the order of files and lines; what has no place comes last.
func (ps Problems) Sorted() Problems {
	out := slices.Clone(ps)
	slices.SortStableFunc(out, func(a, b Problem) int {
		if (a.At.File == "") != (b.At.File == "") {
			if a.At.File == "" {
				return 1
			}
			return -1
		}
		return cmp.Or(cmp.Compare(a.At.File, b.At.File), cmp.Compare(a.At.Line, b.At.Line), cmp.Compare(a.At.Column, b.At.Column))
	})
	return out
}

// Files are the texts by name, for excerpts.
type Files map[string][]byte

// Write prints every problem with the line it stands in, as compilers do.
func (ps Problems) Write(w io.Writer, files Files) {
	for i, p := range ps.Sorted() {
		if i > 0 {
			fmt.Fprintln(w)
		}
		if p.At.File != "" {
			fmt.Fprintf(w, "%s: ", p.At)
		}
		fmt.Fprintf(w, "%s: %s\n", p.Severity, Visible(p.Message))
		if line, ok := files.Line(p.At); ok {
			number := fmt.Sprint(p.At.Line)
			line = Visible(line)
			before := []rune(line)
			column := min(max(p.At.Column, 1), len(before)+1)
			// Tabs stay tabs under the line, so that the mark stands where the eye expects it.
			pad := strings.Map(func(r rune) rune {
				if r == '\t' {
					return r
				}
				return ' '
			}, string(before[:column-1]))
			fmt.Fprintf(w, "  %s | %s\n  %s | %s%s\n", number, line, strings.Repeat(" ", len(number)), pad, strings.Repeat("^", mark(p.Text, len(before)-column+1)))
		}
		if p.Advice != "" {
			fmt.Fprintf(w, "  %s\n", Visible(p.Advice))
		}
	}
}

// Count is "1 account", "3 accounts", "2 entries".
func Count(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	if stem, y := strings.CutSuffix(one, "ry"); y {
		one = stem + "rie"
	}
	return fmt.Sprintf("%d %ss", n, one)
}

// Visible replaces control characters, which names may hold and which a terminal would obey. Tabs stay.
func Visible(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r)) {
			return '\uFFFD'
		}
		return r
	}, s)
}

func mark(text string, room int) int {
	n := utf8.RuneCountInString(text)
	if strings.Contains(text, "\n") {
		n = 1
	}
	return max(1, min(n, room))
}

// Line is the line at a place.
func (f Files) Line(at Position) (string, bool) {
	text, ok := f[at.File]
	if !ok || at.Line < 1 {
		return "", false
	}
	for n := 1; ; n++ {
		line, rest, more := bytes.Cut(text, []byte("\n"))
		if n == at.Line {
			return strings.TrimRight(string(line), "\r"), true
		}
		if !more {
			return "", false
		}
		text = rest
	}
}

// Meant is what somebody who wrote text may have meant among the names, for an advice: `did you mean "Platform"?`, or "" when nothing is near.
func Meant(text string, names []string) string {
	best, distance := "", len([]rune(text))/3+1
	folded := strings.ToLower(text)
	for _, n := range names {
		if d := edits(folded, strings.ToLower(n), distance); d < distance || d == distance && best == "" {
			best, distance = n, d
		}
	}
	switch {
	case best == "":
		return ""
	case best != text && norm.NFKC.String(best) == norm.NFKC.String(text):
		return fmt.Sprintf("did you mean %q? It looks the same, and its characters are others: copy it from there", best)
	}
	return fmt.Sprintf("did you mean %q?", best)
}

// edits is the least number of insertions, deletions, replacements and swaps of neighbours that make b of a, or a number greater than
// limit as soon as that is certain.
func edits(a, b string, limit int) int {
	x, y := []rune(a), []rune(b)
	if d := len(x) - len(y); d > limit || -d > limit {
		return limit + 1
	}
	rows := [3][]int{make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)}
	for j := range rows[1] {
		rows[1][j] = j
	}
	for i := 1; i <= len(x); i++ {
		two, one, now := rows[(i+2)%3], rows[(i)%3], rows[(i+1)%3]
		now[0] = i
		least := i
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			now[j] = min(one[j]+1, now[j-1]+1, one[j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				now[j] = min(now[j], two[j-2]+1)
			}
			least = min(least, now[j])
		}
		if least > limit {
			return limit + 1
		}
	}
	return rows[(len(x)+1)%3][len(y)]
}

// UTF8 is a text in UTF-8 and without a byte order mark, with which Windows begins what it writes: in UTF-16 if it is PowerShell.
func UTF8(data []byte) []byte {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(data, []byte{0xff, 0xfe}):
		order = binary.LittleEndian
	case bytes.HasPrefix(data, []byte{0xfe, 0xff}):
		order = binary.BigEndian
	default:
		return bytes.TrimPrefix(data, []byte("\ufeff"))
	}
	units := make([]uint16, 0, len(data)/2)
	for data = data[2:]; len(data) >= 2; data = data[2:] {
		units = append(units, order.Uint16(data))
	}
	return []byte(string(utf16.Decode(units)))
}
