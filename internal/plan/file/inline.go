package file

import (
	"bytes"
	"encoding/json"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"unicode"

	"gatehouse/internal/plan/source"
	"gatehouse/internal/policy"
)

// inlineDocument is a policy document on its way from the files: its JSON, and where in the files a place of the JSON comes from.
type inlineDocument struct {
	problems *source.Problems
	at       source.Position
	data     []byte
	long     bool // it is too long to be looked at, and was not written to its end
	wrong    bool // a part of it stands for nothing, which was told
	place    func(line, column int) source.Position
}

// fromNode writes a YAML mapping as JSON, all in one line, and remembers which node stands at which column.
func (d *inlineDocument) fromNode(n *node) {
	var b bytes.Buffer
	type mark struct {
		offset int
		at     source.Position
	}
	var marks []mark
	var write func(n *node)
	write = func(n *node) {
		if b.Len() > maxInlineJSON {
			return
		}
		marks = append(marks, mark{b.Len(), n.at})
		d.wrong = d.wrong || n.wrong
		switch n.kind {
		case null:
			b.WriteString("null")
		case text:
			b.WriteString(scalar(n))
		case list:
			b.WriteByte('[')
			for i, v := range n.items {
				if i > 0 {
					b.WriteByte(',')
				}
				write(v)
			}
			b.WriteByte(']')
		case table:
			b.WriteByte('{')
			for i, e := range n.entries {
				if i > 0 {
					b.WriteByte(',')
				}
				marks = append(marks, mark{b.Len(), e.key.at})
				b.WriteString(quoted(e.key.value))
				b.WriteByte(':')
				write(e.value)
			}
			b.WriteByte('}')
		}
	}
	write(n)
	d.data, d.long = b.Bytes(), b.Len() > maxInlineJSON
	d.place = func(_, column int) source.Position {
		// Columns are characters; marks are bytes of the same line.
		offset := len(string([]rune(string(d.data))[:min(max(column-1, 0), len([]rune(string(d.data))))]))
		i := sort.Search(len(marks), func(i int) bool { return marks[i].offset > offset })
		return marks[max(i-1, 0)].at
	}
}

// scalar is a YAML value in JSON. Numbers and dates are text: in a policy they are versions, account ids and values of conditions, which IAM takes as
// text; so a version that looks like a date needs no quotes.
func scalar(n *node) string {
	if n.tag == "!!bool" {
		return strconv.FormatBool(isTrue(n, false))
	}
	return quoted(n.value)
}

func quoted(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string can always be encoded
	return strings.TrimRight(b.String(), "\n")
}

var placed = regexp.MustCompile(`\s*\(line (\d+), column (\d+)\)|Syntax errors in policy: line (\d+), column (\d+): `)

// finish checks the document with the policy language's own parser and returns it in compact form, or "".
func (d *inlineDocument) finish() string {
	if d.wrong {
		return ""
	}
	if d.long || len(d.data) > maxInlineJSON {
		d.problems.Add("too-large", d.at, "", "move a part of it into a customer managed policy", "the policy document has more than %d bytes; at most %d characters without white space are possible", maxInlineJSON, maxInlineSize)
		return ""
	}
	if _, err := policy.Parse(d.data, policy.ForIdentity); err != nil {
		message, at := err.Error(), d.at
		if m := placed.FindStringSubmatch(message); m != nil {
			line, _ := strconv.Atoi(m[1] + m[3])
			column, _ := strconv.Atoi(m[2] + m[4])
			at = d.place(line, column)
			message = strings.Replace(message, m[0], "", 1)
		}
		d.problems.Add("policy", at, "", "", "the policy document: %s", lowerFirst(message))
		return ""
	}
	var b bytes.Buffer
	if err := json.Compact(&b, d.data); err != nil { // it was parsed already
		d.problems.Add("policy", d.at, "", "", "the policy document: %v", err)
		return ""
	}
	out := b.String()
	if size := policy.Size(out); size > maxInlineSize || len(out) > maxInlineBytes {
		d.problems.Add("too-large", d.at, "", "move a part of it into a customer managed policy", "the policy document has %d characters without white space; at most %d are possible", size, maxInlineSize)
	}
	return out
}

func lowerFirst(s string) string {
	r := []rune(s)
	if len(r) > 1 && unicode.IsUpper(r[0]) && !unicode.IsUpper(r[1]) {
		r[0] = unicode.ToLower(r[0])
	}
	return string(r)
}
