package adopt

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"gatehouse/internal/plan/file"
)

// What is written as YAML: text, exact words, lists and mappings. The writer is ours because files are to be read by people: short lists on one line, entries of a
// section apart, comments beside ids.
type (
	text    string // quoted where YAML asks for it
	exact   string // as it is
	sequel  []any
	mapping []pair
	pair    struct {
		key   string
		value any
	}
	// remarked is a value with a comment behind it.
	remarked struct {
		value   any
		comment string
	}
)

// lineWidth is how long a list on one line may be, in characters.
const lineWidth = 100

// emit writes sections: each with its key, and its entries with an empty line between those that take more than one.
func emit(b *strings.Builder, m mapping) {
	for i, p := range m {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(scalar(text(p.key)) + ":\n")
		entries := children(p.value, "  ")
		for i, e := range entries {
			b.WriteString(e)
			if i < len(entries)-1 && strings.Count(e, "\n") > 1 {
				b.WriteByte('\n')
			}
		}
	}
}

// children are the entries of a mapping or a list, each with its lines.
func children(v any, indent string) []string {
	var out []string
	switch v := v.(type) {
	case mapping:
		for _, p := range v {
			out = append(out, entry(p, indent))
		}
	case sequel:
		for _, i := range v {
			out = append(out, item(i, indent))
		}
	}
	return out
}

func entry(p pair, indent string) string {
	key := indent + scalar(text(p.key)) + ":"
	if line, ok := flow(p.value, lineWidth-len(indent)); ok {
		return key + " " + line + "\n"
	}
	return key + "\n" + strings.Join(children(p.value, indent+"  "), "")
}

func item(v any, indent string) string {
	remark := ""
	if r, is := v.(remarked); is {
		v, remark = r.value, "  # "+r.comment
	}
	if line, ok := flow(v, lineWidth); ok {
		return indent + "- " + line + remark + "\n"
	}
	return indent + "- " + strings.TrimPrefix(strings.Join(children(v, indent+"  "), ""), indent+"  ")
}

// flow is a value on one line, when it is a scalar, empty, or a list of scalars that is short enough.
func flow(v any, width int) (string, bool) {
	switch v := v.(type) {
	case text:
		return unquoted(string(v), line), true
	case exact:
		return scalar(v), true
	case mapping:
		return "{}", len(v) == 0
	case sequel:
		parts := make([]string, len(v))
		length := 2
		for i, e := range v {
			switch e.(type) {
			case text, exact:
			default:
				return "", false
			}
			parts[i] = scalar(e)
			length += utf8.RuneCountInString(parts[i]) + 2
		}
		return "[" + strings.Join(parts, ", ") + "]", len(v) < 2 || length <= width
	}
	return "", false
}

// Text that YAML reads as text without quotes: as a word of a list or a key, and alone on its line, where a comma ends nothing. It begins with a letter, so that it is no
// number, date or sign of YAML's; a colon and a space must be followed by something.
var (
	word = plain(``)
	line = plain(`,;!%`)
)

func plain(more string) *regexp.Regexp {
	safe := `[\p{L}\p{N}_./@+=*?()$'` + more + `-]`
	return regexp.MustCompile(`^[\p{L}_/](?:` + safe + `|:[\p{L}\p{N}_./*$-]| ` + safe + `)*$`)
}

// Words that YAML, of whichever version, reads as something else.
var otherWords = regexp.MustCompile(`^(?i:true|false|yes|no|on|off|y|n|null|nan|inf)$`)

// scalar is a value within a list, or a key.
func scalar(v any) string {
	switch v := v.(type) {
	case exact:
		return string(v)
	case text:
		return unquoted(string(v), word)
	}
	return ""
}

// unquoted is text without quotes if it can be.
func unquoted(s string, plain *regexp.Regexp) string {
	s = file.Literal(s)
	if plain.MatchString(s) && !otherWords.MatchString(s) {
		return s
	}
	return quoted(s)
}

// quoted is text in double quotes: what JSON escapes, YAML escapes alike.
func quoted(s string) string {
	b, err := jsontext.AppendQuote(nil, s)
	if err != nil { // not UTF-8: replacement characters are in it
		b, _ = jsontext.AppendQuote(nil, strings.ToValidUTF8(s, "\uFFFD"))
	}
	var out strings.Builder
	for _, r := range string(b) {
		switch { // what cannot be seen, or turns round what can
		case r < 0x80 || unicode.IsPrint(r):
			out.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&out, `\U%08X`, r)
		default:
			fmt.Fprintf(&out, `\u%04X`, r)
		}
	}
	return out.String()
}
