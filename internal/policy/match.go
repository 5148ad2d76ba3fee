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

// Like reports whether s is like the pattern, in which * stands for any number of characters and ? for one.
func Like(pattern, s string) bool { return match(wild(pattern), s) }

// isWild reports whether a compiled pattern holds a wildcard.
func isWild(pattern string) bool {
	return strings.IndexByte(pattern, anyRun) >= 0 || strings.IndexByte(pattern, anyOne) >= 0
}

// match reports whether subject matches the compiled pattern. It never recurses, and only the last anyRun is ever taken back. What
// stands between two anyRuns is looked for with a search for its plain beginning, which is linear; a pattern is no longer so only where anyOne
// follows a long plain stretch that nearly fits everywhere, and then takes at most the product of the lengths.
func match(pattern, subject string) bool {
	p, s := 0, 0
	resume, mark, plain := -1, 0, "" // where the pattern goes on after the last anyRun, with what, and what that has eaten so far
	for s < len(subject) {
		switch {
		case p < len(pattern) && pattern[p] == anyRun:
			p++
			resume, mark, plain = p, s, plainPrefix(pattern[p:])
			if plain == "" {
				continue
			}
			if len(plain) == len(pattern)-p {
				return strings.HasSuffix(subject[s:], plain)
			}
		case p < len(pattern) && pattern[p] == anyOne:
			_, width := utf8.DecodeRuneInString(subject[s:])
			p++
			s += width
			continue
		case p < len(pattern) && pattern[p] == subject[s]:
			p++
			s++
			continue
		case resume >= 0:
			_, width := utf8.DecodeRuneInString(subject[mark:])
			mark += width
		default:
			return false
		}
		next := strings.Index(subject[mark:], plain)
		if next < 0 {
			return false
		}
		mark += next
		p, s = resume, mark
	}
	for p < len(pattern) && pattern[p] == anyRun {
		p++
	}
	return p == len(pattern)
}

// plainPrefix is what comes before the first wildcard.
func plainPrefix(pattern string) string {
	if i := strings.IndexAny(pattern, string([]byte{anyRun, anyOne})); i >= 0 {
		return pattern[:i]
	}
	return pattern
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
