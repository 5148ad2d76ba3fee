package plan

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"

	"gatehouse/internal/plan/source"
)

type junitSuite struct {
	XMLName  xml.Name    `xml:"testsuite"`
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string    `xml:"classname,attr"`
	Name    string    `xml:"name,attr"`
	File    string    `xml:"file,attr,omitempty"`
	Failure *junitOut `xml:"failure"`
	Skipped *junitOut `xml:"skipped"`
}

type junitOut struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// WriteJUnit prints the plan as a JUnit report: a case for drift as a whole, which fails with a line for each difference; a case for each error; a case for
// each test of access.
func (p *Plan) WriteJUnit(w io.Writer) error {
	s := junitSuite{Name: "access"}
	add := func(c junitCase) {
		s.Tests++
		if c.Failure != nil {
			s.Failures++
		}
		if c.Skipped != nil {
			s.Skipped++
		}
		s.Cases = append(s.Cases, c)
	}
	lines := p.Lines()
	for _, section := range sections {
		text, n := "", 0
		for _, l := range lines {
			if l.Section == section {
				n += l.Count
				text += l.Sign + " " + l.Text + "\n"
			}
		}
		c := junitCase{Class: "drift", Name: section}
		if n > 0 {
			c.Failure = &junitOut{fmt.Sprintf("%s from the files", source.Count(n, "difference")), text}
		}
		add(c)
	}
	for _, q := range p.Problems.Sorted() {
		if q.Severity == source.Error && q.Code != "test-failed" {
			add(junitCase{Class: "plan", Name: q.Code, File: q.At.File, Failure: &junitOut{q.Message, q.String()}})
		}
	}
	for _, t := range p.Tests {
		c := junitCase{Class: "tests", Name: t.Name, File: t.At.File}
		out := &junitOut{few(t.Reasons, manyReasons), t.At.String()}
		switch t.Outcome {
		case Failed:
			c.Failure = out
		case Undecided:
			c.Skipped = out
		}
		add(c)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(s); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// The part of SARIF 2.1.0 (OASIS) that is used.
type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool    sarifTool     `json:"tool"`
	Results []sarifResult `json:"results"`
}

type sarifTool struct {
	Driver sarifDriver `json:"driver"`
}

type sarifDriver struct {
	Name  string      `json:"name"`
	Rules []sarifRule `json:"rules"`
}

type sarifRule struct {
	ID string `json:"id"`
}

type sarifResult struct {
	RuleID    string          `json:"ruleId"`
	Level     string          `json:"level"`
	Message   sarifText       `json:"message"`
	Locations []sarifLocation `json:"locations,omitempty"`
}

type sarifText struct {
	Text string `json:"text"`
}

type sarifLocation struct {
	Physical sarifPhysical `json:"physicalLocation"`
}

type sarifPhysical struct {
	Artifact sarifArtifact `json:"artifactLocation"`
	Region   *sarifRegion  `json:"region,omitempty"`
}

type sarifArtifact struct {
	URI string `json:"uri"`
}

type sarifRegion struct {
	StartLine   int `json:"startLine"`
	StartColumn int `json:"startColumn,omitempty"`
}

// WriteSARIF prints drift and problems as SARIF 2.1.0, for code scanning.
func (p *Plan) WriteSARIF(w io.Writer) error {
	run := sarifRun{Tool: sarifTool{sarifDriver{Name: "gatehouse", Rules: []sarifRule{}}}, Results: []sarifResult{}}
	seen := map[string]bool{}
	add := func(id, level, text string, at source.Position) {
		if !seen[id] {
			seen[id] = true
			run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{id})
		}
		r := sarifResult{RuleID: id, Level: level, Message: sarifText{text}}
		if at.File != "" {
			l := sarifLocation{sarifPhysical{Artifact: sarifArtifact{at.File}}}
			if at.Line > 0 {
				l.Physical.Region = &sarifRegion{at.Line, at.Column}
			}
			r.Locations = append(r.Locations, l)
		}
		run.Results = append(run.Results, r)
	}
	for _, l := range p.Lines() {
		add("drift", "warning", l.Section+": "+l.Sign+" "+l.Text, source.Position{})
	}
	for _, q := range p.Problems.Sorted() {
		text := q.Message
		if q.Advice != "" {
			text += "; " + q.Advice
		}
		add(q.Code, string(q.Severity), text, q.At)
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(sarifLog{Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0", Runs: []sarifRun{run}})
}
