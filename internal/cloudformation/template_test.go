package cloudformation

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gatehouse/internal/fault"
)

const group = "Type: AWS::IdentityStore::Group"

func TestTemplatesThatAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, body, want string }{
		{"empty", "", "the template is empty"},
		{"a scalar", "x", "unsupported structure"},
		{"broken YAML", "Resources: [", "YAML not well-formed"},
		{"broken JSON", `{"Resources": `, "JSON not well-formed"},
		{"two documents", "Resources: {}\n---\nx: y", "one document"},
		{"too large", "# " + strings.Repeat("x", MaxTemplate), "less than or equal to 51200"},
		{"an alias", "Resources:\n  A: &a\n    " + group + "\n  B: *a", "[line 4, column 6] YAML aliases are not allowed"},
		{"a merge key", "Resources:\n  A:\n    <<: {Type: x}", "merge keys are not allowed"},
		{"null", "Resources:\n  A:\n    " + group + "\n    Properties: {DisplayName: null}", "'null' values are not allowed"},
		{"a key twice", "Resources:\n  A: {" + group + "}\n  A: {" + group + "}", `"A"`},
		{"an unknown tag", "Resources:\n  A:\n    " + group + "\n    Properties: {DisplayName: !Nope x}", "[line 4, column 31] the tag !Nope is not a function"},
		{"an unknown function", `{"Resources":{"A":{"Type":"Aa::Bb::Cc","Properties":{"X":{"Fn::Nope":1}}}}}`, "Fn::Nope is not a function"},
		{"an unknown section", "Resourcen: {}", "Invalid template property or properties [Resourcen]"},
		{"a macro", "Transform: X\nResources: {A: {" + group + "}}", "does not support the section Transform"},
		{"a second transform", "Transform: [AWS::LanguageExtensions, AWS::Serverless-2016-10-31]\nResources: {A: {" + group + "}}", "does not support the section Transform"},
		{"an extension without its transform", "Resources: {A: {" + group + ", Properties: {X: !Length [a]}}}", "Fn::Length needs the transform AWS::LanguageExtensions"},
		{"no resources", "Description: x", "At least one Resources member must be defined."},
		{"a bad version", "AWSTemplateFormatVersion: 2011-01-01\nResources: {A: {" + group + "}}", "is not a supported value"},
		{"a resource without type", "Resources: {A: {Properties: {}}}", "Every Resources object must contain a Type member."},
		{"a name with a dash", "Resources: {a-b: {" + group + "}}", "non alphanumeric"},
		{"an unresolved Ref", "Resources: {A: {" + group + ", Properties: {X: !Ref Nowhere}}}", "Unresolved resource dependencies [Nowhere] in the Resources block"},
		{"an unresolved Sub", "Resources: {A: {" + group + ", Properties: {X: !Sub 'a ${Nowhere.Arn} ${!Literal}'}}}", "Unresolved resource dependencies [Nowhere]"},
		{"an unresolved DependsOn", "Resources: {A: {" + group + ", DependsOn: [B]}}", "Unresolved resource dependencies [B]"},
		{"an unresolved output", "Resources: {A: {" + group + "}}\nOutputs: {O: {Value: !GetAtt B.C}}", "[B] in the Outputs block"},
		{"a pseudo parameter that is none", "Resources: {A: {" + group + ", Properties: {X: !Ref 'AWS::Nope'}}}", "[AWS::Nope]"},
		{"an unresolved condition", "Resources: {A: {" + group + ", Condition: C}}", "Unresolved condition C"},
		{"a condition on a resource", "Conditions: {C: !Equals [!Ref A, x]}\nResources: {A: {" + group + "}}", "conditions can refer to parameters"},
		{"a ring", "Resources: {A: {" + group + ", DependsOn: B}, B: {" + group + ", Properties: {X: !Ref A}}}", "Circular dependency between resources: [A, B]"},
		{"itself", "Resources: {A: {" + group + ", DependsOn: A}}", "Circular dependency between resources: [A]"},
		{"a deletion policy that is none", "Resources: {A: {" + group + ", DeletionPolicy: Keep}}", "Unrecognized DeletionPolicy Keep"},
		{"a parameter without type", "Parameters: {P: {Default: x}}\nResources: {A: {" + group + "}}", "must contain a Type member"},
		{"a parameter type that is none", "Parameters: {P: {Type: Text}}\nResources: {A: {" + group + "}}", "Unrecognized parameter type: Text"},
		{"an unclosed Sub", "Resources: {A: {" + group + ", Properties: {X: !Sub 'a ${B'}}}", "is not closed"},
		{"too deep", "Resources: {A: {" + group + ", Properties: {X: " + strings.Repeat("[", 80) + strings.Repeat("]", 80) + "}}}", "nest deeper"},
	} {
		_, err := ParseTemplate(c.body, nil)
		if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want Invalid with %q", c.name, err, c.want)
		}
	}
}

// evaluate resolves the property X of resource A, with the given parameters and a resource B (physical id "b-1", attribute Id "att").
func evaluate(t *testing.T, sections, expr string, given map[string]string) (any, error) {
	t.Helper()
	tpl, err := ParseTemplate(sections+"\nResources:\n  A:\n    "+group+"\n    Properties:\n      X: "+expr+"\n  B: {"+group+"}\n", nil)
	if err != nil {
		return nil, err
	}
	var ps []Parameter
	for k, v := range given {
		ps = append(ps, Parameter{Key: k, Value: v})
	}
	values, err := tpl.bind(ps, nil)
	if err != nil {
		return nil, err
	}
	sc := (&kit{}).newScope(t.Context(), Stack{ID: "arn:stack", Name: "st", Place: Place{"012345678901", "eu-west-1"}}, tpl, Revision{Parameters: values})
	sc.ref = func(string) (any, error) { return "b-1", nil }
	sc.attribute = func(string, string) (any, error) { return "att", nil }
	sc.imported = func(name string) (any, error) { return "imported " + name, nil }
	d, _ := tpl.resource("A")
	v, err := sc.eval(d.properties)
	if err != nil {
		return nil, err
	}
	return v.(map[string]any)["X"], nil
}

func TestFunctions(t *testing.T) {
	t.Parallel()
	const sections = `
Parameters:
  Env: {Type: String, Default: test}
  Ids: {Type: CommaDelimitedList, Default: 'a, b,c'}
  Size: {Type: Number, Default: 3}
Mappings: {M: {test: {Name: small, List: [x, y]}, live: {Name: large}}}
Conditions:
  Live: !Equals [!Ref Env, live]
  Test: !Not [Condition: Live]
  Both: !And [Condition: Live, Condition: Test]
  Either: !Or [!Condition Live, !Condition Test]`
	for _, c := range []struct {
		expr string
		want any
	}{
		{"plain", "plain"}, {"'012'", "012"}, {"012345678901", "012345678901"}, {"12", Number("12")}, {"1.50", Number("1.50")}, {"true", true}, {"yes", "yes"}, {"2012-10-17", "2012-10-17"},
		{"!Ref Env", "test"}, {"!Ref Ids", []any{"a", "b", "c"}}, {"!Ref Size", "3"}, {"!Ref B", "b-1"},
		{"!Ref AWS::Region", "eu-west-1"}, {"!Ref AWS::AccountId", "012345678901"}, {"!Ref AWS::StackName", "st"}, {"!Ref AWS::StackId", "arn:stack"},
		{"!Ref AWS::Partition", "aws"}, {"!Ref AWS::URLSuffix", "amazonaws.com"}, {"!Ref AWS::NoValue", nil},
		{"{Ref: Env}", "test"}, {"!GetAtt B.Id", "att"}, {"{'Fn::GetAtt': [B, Id]}", "att"},
		{"!Sub '${Env}-${B}-${B.Id}-${!Env}-${AWS::Region}'", "test-b-1-att-${Env}-eu-west-1"}, {"!Sub ['${V}', {V: !Ref Size}]", "3"},
		{"!Join ['-', [a, !Ref Env, 3]]", "a-test-3"}, {"!Join ['', !Ref Ids]", "abc"}, {"!Select [1, !Ref Ids]", "b"}, {"!Split [',', 'a,b']", []any{"a", "b"}},
		{"!Select [0, !Split ['/', 'x/y']]", "x"}, {"!If [Live, a, b]", "b"}, {"!If [Test, a, b]", "a"}, {"!If [Both, a, b]", "b"}, {"!If [Either, a, b]", "a"},
		{"[a, !If [Live, b, !Ref AWS::NoValue]]", []any{"a"}}, {"!FindInMap [M, !Ref Env, Name]", "small"}, {"!FindInMap [M, test, List]", []any{"x", "y"}},
		{"!ImportValue net", "imported net"}, {"!Base64 abc", "YWJj"},
		{"!Cidr [10.0.0.0/24, 3, 5]", []any{"10.0.0.0/27", "10.0.0.32/27", "10.0.0.64/27"}}, {"!Select [1, !Cidr [10.0.255.7/15, '2', 16]]", "10.1.0.0/16"},
		{"!Cidr ['2001:db8::/56', 2, 64]", []any{"2001:db8::/64", "2001:db8:0:1::/64"}}, {"!Cidr [255.255.255.254/31, 1, 1]", []any{"255.255.255.254/31"}}, {"!Cidr [0.0.0.0/0, 1, 32]", []any{"0.0.0.0/0"}},
		{"{a: {b: !Ref Env}}", map[string]any{"a": map[string]any{"b": "test"}}},
	} {
		got, err := evaluate(t, sections, c.expr, nil)
		if err != nil || !cmp.Equal(got, c.want) {
			t.Errorf("%s: got %#v, %v; want %#v", c.expr, got, err, c.want)
		}
	}
	for expr, want := range map[string]string{
		"!Select [3, !Ref Ids]": "nonexistent value at index 3", "!FindInMap [M, nope, Name]": "Unable to get mapping for M::nope::Name", "!FindInMap [N, a, b]": "Mapping named 'N'",
		"!Join [a]": "takes a list of 2", "!Equals [a, b]": "condition functions can be used only", "!If [Nope, a, b]": "Unresolved condition Nope", "!Sub '${Ids}'": "is not a string",
		"!Cidr [10.0.0.0/24, 9, 5]": "does not hold 9 blocks of 5 bits", "!Cidr [10.0.0.0/24, 1, 9]": "does not hold", "!Cidr [10.0.0.0/24, 1, 0]": "does not hold", "!Cidr [10.0.0.0/24, 1, -64]": "does not hold",
		"!Cidr [10.0.0.0, 1, 5]": "is not a CIDR block", "!Cidr [10.0.0.0/8, 257, 5]": "1 to 256", "!Cidr [10.0.0.0/8, 1]": "takes a list of 3", "!FindInMap [M, nope, Name, {DefaultValue: x}]": "takes a list of 3",
	} {
		if _, err := evaluate(t, sections, expr, nil); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want Invalid with %q", expr, err, want)
		}
	}
}

func TestLanguageExtensions(t *testing.T) {
	t.Parallel()
	const sections = `
Transform: AWS::LanguageExtensions
Parameters: {Ids: {Type: CommaDelimitedList, Default: 'a,b'}}
Mappings: {M: {test: {Name: small}}}
Conditions: {Two: !Equals [!Length [!Ref Ids, x], 2]}`
	for _, c := range []struct {
		expr string
		want any
	}{
		{"!Length [a, b, c]", Number("3")}, {"!Length {Ref: Ids}", Number("2")}, {"!Length [a, !Ref AWS::NoValue]", Number("1")}, {"!If [Two, y, n]", "y"},
		{"!ToJsonString {b: [1, true], a: !Ref B}", `{"a":"b-1","b":[1,true]}`}, {"!ToJsonString [a, !Ref Ids]", `["a",["a","b"]]`},
		{"!FindInMap [M, nope, Name, {DefaultValue: !Sub 'x-${B}'}]", "x-b-1"}, {"!FindInMap [N, a, b, {DefaultValue: [x]}]", []any{"x"}}, {"!FindInMap [M, test, Name, {DefaultValue: x}]", "small"},
	} {
		got, err := evaluate(t, sections, c.expr, nil)
		if err != nil || !cmp.Equal(got, c.want) {
			t.Errorf("%s: got %#v, %v; want %#v", c.expr, got, err, c.want)
		}
	}
	for expr, want := range map[string]string{
		"!Length abc": "takes a list here", "!ToJsonString abc": "takes an object or a list", "!FindInMap [M, a, b, {Default: x}]": "is a map of DefaultValue", "!FindInMap [M, a, b, x]": "is a map of DefaultValue",
		"!ToJsonString {a: !Ref Nowhere}": "Unresolved resource dependencies [Nowhere]", "!FindInMap [M, nope, Name]": "Unable to get mapping for M::nope::Name",
	} {
		if _, err := evaluate(t, sections, expr, nil); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want Invalid with %q", expr, err, want)
		}
	}
}

func TestParametersAreChecked(t *testing.T) {
	t.Parallel()
	const sections = `
Parameters:
  Env: {Type: String, AllowedValues: [test, live]}
  Name: {Type: String, Default: ab, MinLength: 2, MaxLength: 3, AllowedPattern: '[a-z]*'}
  Size: {Type: Number, Default: 3, MinValue: 1, MaxValue: 5}
  Told: {Type: String, Default: a, AllowedPattern: a, ConstraintDescription: be a}
  Ids: {Type: List<Number>, Default: '1,2'}`
	for _, c := range []struct {
		given map[string]string
		want  string
	}{
		{nil, "Parameters: [Env] must have values"},
		{map[string]string{"Env": "test", "Nope": "x"}, "Parameters: [Nope] do not exist in the template"},
		{map[string]string{"Env": "prod"}, "Parameter 'Env' must be one of AllowedValues"},
		{map[string]string{"Env": "test", "Name": "a"}, "Parameter 'Name' must contain at least 2 characters"},
		{map[string]string{"Env": "test", "Name": "abcd"}, "Parameter 'Name' must contain at most 3 characters"},
		{map[string]string{"Env": "test", "Name": "AB"}, "Parameter 'Name' must match pattern [a-z]*"},
		{map[string]string{"Env": "test", "Size": "x"}, "Parameter 'Size' must be a number"},
		{map[string]string{"Env": "test", "Size": "0"}, "Parameter 'Size' must be a number not less than 1"},
		{map[string]string{"Env": "test", "Size": "6"}, "Parameter 'Size' must be a number not greater than 5"},
		{map[string]string{"Env": "test", "Told": "b"}, "Parameter Told failed to satisfy constraint: be a"},
		{map[string]string{"Env": "test", "Ids": "1,x"}, "Parameter 'Ids' must be a number"},
	} {
		if _, err := evaluate(t, sections, "x", c.given); !fault.Is(err, fault.Invalid) || err.Error() != c.want {
			t.Errorf("%v: got %v, want %q", c.given, err, c.want)
		}
	}
	if _, err := evaluate(t, sections, "x", map[string]string{"Env": "live", "Name": "abc", "Size": "5", "Ids": "4"}); err != nil {
		t.Error(err)
	}
}

func TestOrderFollowsDependencies(t *testing.T) {
	t.Parallel()
	tpl, err := ParseTemplate(strings.ReplaceAll(`{"Conditions":{"No":{"Fn::Equals":["a","b"]}},"Resources":{
		"C":{"Type":"TT","Properties":{"X":{"Fn::Sub":"${B.Id}"}}},
		"B":{"Type":"TT","DependsOn":["A"]},
		"A":{"Type":"TT","Properties":{"X":{"Fn::If":["No",{"Ref":"D"},"y"]}}},
		"D":{"Type":"TT","Condition":"No"}}}`, `"TT"`, `"Test::Fake::Thing"`), nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := tpl.order(func(string) (bool, bool) { return false, true })
	if err != nil || !cmp.Equal(got, []string{"A", "B", "C"}) {
		t.Errorf("got %v, %v; want A B C", got, err)
	}
	if got, _ = tpl.order(nil); !cmp.Equal(got, []string{"D", "A", "B", "C"}) {
		t.Errorf("with every branch: got %v", got)
	}
}

func TestJSONWithTabsIsRead(t *testing.T) {
	t.Parallel()
	tpl, err := ParseTemplate("{\n\t\"Description\":\t\"a\\tb\",\n\t\"Resources\": {\n\t\t\"A\": {\"Type\": \"Test::Fake::Thing\"}\n\t}\n}", nil)
	if err != nil || tpl.Description != "a\tb" {
		t.Errorf("got %+v, %v", tpl, err)
	}
}

func FuzzParseTemplate(f *testing.F) {
	for _, s := range []string{
		"", "Resources: {A: {Type: A::B::C}}", `{"Resources":{"A":{"Type":"Test::Fake::Thing","Properties":{"X":{"Ref":"A"}}}}}`, "a: &a [*a]", "!!binary x: y", "? [a]\n: b",
		"Parameters: {P: {Type: String, Default: x, AllowedPattern: '('}}\nResources: {A: {Type: Test::Fake::Thing, Properties: {X: !Sub '${P}', Y: !If [C, a, b]}}}\nConditions: {C: !Equals [!Ref P, x]}",
		"Transform: AWS::LanguageExtensions\nParameters: {P: {Type: CommaDelimitedList, Default: 'a,b'}}\nResources: {'Fn::ForEach::L': [I, !Ref P, {'A&{I}': {Type: Test::Fake::Thing, Properties: {X: !Sub '${I}', 'Fn::ForEach::M': [J, [!Ref I], {'${J}': !Ref {'Fn::Sub': 'A${I}'}}]}}}]}",
		"Transform: [AWS::LanguageExtensions]\nResources:\n  A:\n    Type: Test::Fake::Thing\n    Properties: {L: !Select [1, !Split [',', 'a,b']], M: !FindInMap [M, a, b], G: !GetAtt A.B, J: !Join ['', [a]], B: !Base64 x, I: !ImportValue y, C: !Cidr [10.0.0.0/8, 2, 8], N: !Length [a], O: !ToJsonString {a: b}}\nMappings: {M: {a: {b: c}}}\nOutputs: {O: {Value: x, Export: {Name: y}}}",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		tpl, err := ParseTemplate(body, nil)
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Fatalf("got %v, want Invalid", err)
			}
			return
		}
		values := map[string]string{}
		for _, d := range tpl.Parameters {
			values[d.Name] = "1"
		}
		sc := (&kit{}).newScope(t.Context(), Stack{Name: "s"}, tpl, Revision{Parameters: values})
		sc.imported = func(string) (any, error) { return "x", nil }
		_ = sc.decideAll()
		for _, d := range tpl.Resources {
			if d.properties != nil {
				if v, err := sc.eval(d.properties); err == nil {
					if _, err := EncodeJSON(v); err != nil {
						t.Fatalf("a value cannot be encoded: %v", err)
					}
				} else if !fault.Is(err, fault.Invalid) {
					t.Fatalf("got %v, want Invalid", err)
				}
			}
		}
		if _, err := sc.outputs(); err != nil && !fault.Is(err, fault.Invalid) {
			t.Fatalf("got %v, want Invalid", err)
		}
	})
}
