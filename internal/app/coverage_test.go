package app

import (
	"bytes"
	"flag"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gatehouse/internal/awswire/model"
)

var update = flag.Bool("update", false, "write docs/api-coverage.md anew")

// covered is how far one API is there.
type covered struct {
	name  string
	have  []string
	lacks []string
}

// TestAPICoverage keeps docs/api-coverage.md true: it is made of the operation tables of the doors, and of the models that name every operation.
// After a change of a table: go test ./internal/app -run TestAPICoverage -update
func TestAPICoverage(t *testing.T) {
	t.Parallel()
	p := startProgram(t)
	var all []covered
	for _, s := range p.awsServices() {
		c := covered{name: s.Model.Service}
		for _, o := range s.Model.Operations {
			there := false
			for _, row := range s.Operations {
				there = there || row.Name == o.Name
			}
			c.add(o.Name, there)
		}
		all = append(all, c)
	}
	// REST APIs without tables: they are asked.
	for _, name := range []string{"sso", "signin"} {
		c := covered{name: name}
		api, err := model.Read(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range api.Operations {
			w := httptest.NewRecorder()
			p.Handler().ServeHTTP(w, httptest.NewRequest(o.Method, p.Config.URL+o.Path, strings.NewReader("{}")))
			c.add(o.Name, w.Code != 404 && w.Code != 405 && w.Code != 501 && !strings.Contains(w.Body.String(), "not implemented"))
		}
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b covered) int { return strings.Compare(a.name, b.name) })
	if len(all) < 7 {
		t.Fatalf("only %d services", len(all))
	}
	text, file := coverageText(all), filepath.Join("..", "..", "docs", "api-coverage.md")
	if *update {
		if err := os.WriteFile(file, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(file)
	if err != nil || !bytes.Equal(have, text) {
		t.Errorf("docs/api-coverage.md is out of date (%v); write it anew with: go test ./internal/app -run TestAPICoverage -update", err)
	}
}

func (c *covered) add(operation string, there bool) {
	if there {
		c.have = append(c.have, operation)
	} else {
		c.lacks = append(c.lacks, operation)
	}
}

func coverageText(all []covered) []byte {
	var b bytes.Buffer
	b.WriteString("# API coverage\n\nWhich operations of AWS's APIs are there. This page is made from the tables of the doors (`internal/endpoint`) by a test, which fails when it is out of date:\n" +
		"`go test ./internal/app -run TestAPICoverage -update` writes it anew. An operation that is not there answers an error that names it.\n\n| API | implemented | of |\n|---|---:|---:|\n")
	for _, c := range all {
		fmt.Fprintf(&b, "| [%s](#%s) | %d | %d |\n", c.name, c.name, len(c.have), len(c.have)+len(c.lacks))
	}
	for _, c := range all {
		fmt.Fprintf(&b, "\n## %s\n\n%d of %d.\n", c.name, len(c.have), len(c.have)+len(c.lacks))
		for _, part := range []struct {
			title string
			names []string
		}{{"Implemented", c.have}, {"Not implemented", c.lacks}} {
			if len(part.names) > 0 {
				slices.Sort(part.names)
				fmt.Fprintf(&b, "\n**%s:** %s.\n", part.title, strings.Join(part.names, ", "))
			}
		}
	}
	return b.Bytes()
}
