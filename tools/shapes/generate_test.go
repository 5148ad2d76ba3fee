package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gatehouse/internal/awswire/model"
)

const root = "../.."

func readModel(t *testing.T, name string) *model.API {
	t.Helper()
	a, err := model.Read(name)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestGeneratedFilesAreCurrent fails when a description was edited and the Go was not generated anew.
func TestGeneratedFilesAreCurrent(t *testing.T) {
	t.Parallel()
	for _, s := range services() {
		want, err := generate(readModel(t, s.name), s)
		if err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		got, err := os.ReadFile(filepath.Join(root, "internal/endpoint", s.pkg, "shapes_gen.go"))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("internal/endpoint/%s/shapes_gen.go is not what %s.shapes says: run go run ./tools/shapes generate", s.pkg, s.name)
		}
	}
}

// TestAPIsAreComplete counts the operations that AWS had when the descriptions were made or last edited.
func TestAPIsAreComplete(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]int{"sso-admin": 79, "identitystore": 22, "organizations": 63, "iam": 180, "sts": 11, "sso": 4, "sso-oidc": 4, "signin": 1} {
		if got := len(readModel(t, name).Operations); got != want {
			t.Errorf("%s has %d operations, want %d", name, got, want)
		}
	}
}

// TestConvertREST: where members are bound is data, from AWS's model to the tags of the Go.
func TestConvertREST(t *testing.T) {
	t.Parallel()
	const raw = `{"metadata":{"apiVersion":"2020-01-01","protocol":"rest-json","endpointPrefix":"toys"},
		"operations":{"Play":{"http":{"method":"PUT","requestUri":"/toys/{toyId}/{path+}?play=t","responseCode":202},"input":{"shape":"In"},"output":{"shape":"Out"}}},
		"shapes":{"In":{"type":"structure","required":["id","path"],"payload":"toy","members":{"id":{"shape":"s","location":"uri","locationName":"toyId"},"path":{"shape":"s","location":"uri","locationName":"path"},
			"kinds":{"shape":"l","location":"querystring","locationName":"kind"},"token":{"shape":"s","location":"header","locationName":"X-Token"},"toy":{"shape":"Toy"}}},
		"Out":{"type":"structure","members":{"code":{"shape":"n","location":"statusCode"},"when":{"shape":"t","location":"header","locationName":"Last-Played"},"why":{"shape":"s","locationName":"because"}}},
		"Toy":{"type":"structure","members":{"name":{"shape":"s"}}},"s":{"type":"string"},"l":{"type":"list","member":{"shape":"s"}},"n":{"type":"integer"},"t":{"type":"timestamp"}}}`
	text, err := convert("toys", []byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	a, err := model.Parse(text)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	src, err := generate(a, service{"toys", "toys"})
	if err != nil {
		t.Fatal(err)
	}
	flat := strings.Join(strings.Fields(string(src)), " ")
	for _, want := range []string{`Method: "PUT", Path: "/toys/{toyId}/{path+}?play=t", Success: 202`, "Id *string `json:\"-\" path:\"toyId\"`", "Kinds []string `json:\"-\" query:\"kind\"`",
		"Toy *Toy `json:\"-\" payload:\"true\"`", "Code *int32 `json:\"-\" status:\"true\"`", "When *awswire.Time `json:\"-\" header:\"Last-Played\"`", "Why *string `json:\"because,omitzero\"`"} {
		if !strings.Contains(flat, want) {
			t.Errorf("the Go lacks %q:\n%s", want, src)
		}
	}
}

// TestConvert turns a model of every construct into the description and that into Go.
func TestConvert(t *testing.T) {
	t.Parallel()
	const raw = `{"metadata":{"apiVersion":"2020-01-01","protocol":"query","endpointPrefix":"toys","xmlNamespace":"https://toys/"},
		"operations":{"Play":{"http":{"method":"POST","requestUri":"/"},"input":{"shape":"PlayRequest"},"errors":[{"shape":"NoToyException"}],"authtype":"none"}},
		"shapes":{"PlayRequest":{"type":"structure","required":["Name"],"members":{"Name":{"shape":"name"},"Kinds":{"shape":"kinds"},"By":{"shape":"by"},"When":{"shape":"when"},"One":{"shape":"one"}}},
		"name":{"type":"string","min":1,"max":8,"pattern":"[\\u0020-\\u007E\u00a0]+"},"kind":{"type":"string","enum":["A","B"]},"kinds":{"type":"list","member":{"shape":"kind"},"max":3},
		"by":{"type":"map","key":{"shape":"name"},"value":{"shape":"n"}},"n":{"type":"integer","min":1,"max":5},"when":{"type":"timestamp"},
		"one":{"type":"structure","union":true,"members":{"X":{"shape":"name"},"Y":{"shape":"n"}}},
		"NoToyException":{"type":"structure","exception":true,"error":{"code":"NoToy","httpStatusCode":404}}}}`
	text, err := convert("toys", []byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"operation Play unsigned\n  in PlayRequest\n  errors NoToyException\n", "error NoToyException 404 NoToy\n", "  Name name required\n",
		`string name 1..8 pattern [\x{0020}-\x{007E}\x{A0}]+` + "\n", "enum kind A B\n", "list kinds of kind 0..3\n", "map by of name to n\n", "integer n 1..5\n", "union one\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("the description lacks %q:\n%s", want, text)
		}
	}
	a, err := model.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	src, err := generate(a, service{"toys", "toys"})
	if err != nil {
		t.Fatal(err)
	}
	flat := strings.Join(strings.Fields(string(src)), " ") // without gofmt's columns
	for _, want := range []string{"By map[string]int32", "When *awswire.Time", `c.Required("Name", v.Name != nil)`, `c.Size("Kinds", len(v.Kinds), 0, 3)`,
		`c.ItemText("Kinds", i, s, &textKind)`, `c.Key("By", k, &textName)`, "c.One(v.X != nil, v.Y != nil)", `c.Range("Y", int64(*v.Y), 1, 5)`} {
		if !strings.Contains(flat, want) {
			t.Errorf("the Go lacks %q", want)
		}
	}
}
