package policy

import (
	"strings"
	"unicode/utf8"
)

// Inside a compiled pattern the two wildcards are control characters, which no document may hold, so that a
// star that stands for itself (${*}, or one that came in with a variable's value) is an ordinary byte.
const (
	anyRun = '\x01' // any number of characters, none included
	anyOne = '\x02' // exactly one character
)

// wild turns the language's wildcards into the matcher's.
func wild(s string) string { return wildcards.Replace(s) }

var wildcards = strings.NewReplacer("*", string(rune(anyRun)), "?", string(rune(anyOne)))

// isWild reports whether a compiled pattern holds a wildcard.
func isWild(pattern string) bool {
	return strings.IndexByte(pattern, anyRun) >= 0 || strings.IndexByte(pattern, anyOne) >= 0
}

// match reports whether subject matches the compiled pattern. It never recurses; the time is at most
// proportional to the product of the lengths, because only the last anyRun is ever taken back.
func match(pattern, subject string) bool {
	p, s := 0, 0
	resume, mark := -1, 0 // where the pattern goes on after the last anyRun, and what that has eaten so far
	for s < len(subject) {
		switch {
		case p < len(pattern) && pattern[p] == anyRun:
			resume, mark = p+1, s
			p++
		case p < len(pattern) && pattern[p] == anyOne:
			_, width := utf8.DecodeRuneInString(subject[s:])
			p++
			s += width
		case p < len(pattern) && pattern[p] == subject[s]:
			p++
			s++
		case resume >= 0:
			_, width := utf8.DecodeRuneInString(subject[mark:])
			mark += width
			p, s = resume, mark
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == anyRun {
		p++
	}
	return p == len(pattern)
}

// lower folds ASCII letters only: names of actions and condition keys are ASCII, and nothing else may
// become equal to them.
func lower(s string) string {
	for i := 0; i < len(s); i++ {
		if 'A' <= s[i] && s[i] <= 'Z' {
			b := []byte(s)
			for ; i < len(b); i++ {
				if 'A' <= b[i] && b[i] <= 'Z' {
					b[i] += 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return s
}
