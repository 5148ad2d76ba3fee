package cloudformation

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gatehouse/internal/fault"
)

// from gives the values of a map.
func from(m map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		v, ok := m[name]
		return v, ok
	}
}

// TestExpand: what is known is resolved, what only a stack knows has its name, and what a condition leaves out is not there.
func TestExpand(t *testing.T) {
	t.Parallel()
	body := `
Parameters:
  Stage: {Type: String, Default: dev}
  Ids: {Type: CommaDelimitedList}
Conditions:
  Prod: !Equals [!Ref Stage, prod]
  Home: !Equals [!Ref AWS::Region, eu-west-1]
Resources:
  A:
    Type: Any::Kind::Atall
    Properties:
      Words: [!Ref Stage, !Ref B, !GetAtt B.Arn, !ImportValue E, !Sub "${AWS::Partition}:${AWS::AccountId}:${AWS::Region}:${B}", !Select [1, !Ref Ids], !If [Prod, x, !Ref AWS::NoValue]]
  B: {Type: AWS::S3::Bucket, Condition: Home}
  C: {Type: AWS::S3::Bucket, Condition: Prod}
`
	const mark = "|"
	got, err := Expand(body, from(map[string]string{"Ids": "1, 2", "AWS::Region": "eu-west-1", "Of": "another template"}), mark)
	want := []Expanded{{"A", "Any::Kind::Atall", Properties{"Words": []any{"dev", "|B|", "|B.Arn|", "|ImportValue E|", "aws:|AWS::AccountId|:eu-west-1:|B|", "2"}}}, {"B", "AWS::S3::Bucket", Properties{}}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
	got, err = Expand(body, from(map[string]string{"Ids": "1,2", "Stage": "prod", "AWS::Region": "us-east-1", "AWS::AccountId": "100000000001", "AWS::Partition": "aws-cn"}), mark)
	if err != nil || len(got) != 2 || got[1].LogicalID != "C" || fmt.Sprint(got[0].Properties["Words"]) != "[prod |B| |B.Arn| |ImportValue E| aws-cn:100000000001:us-east-1:|B| 2 x]" {
		t.Error(got, err)
	}
	for _, c := range []struct {
		body, says string
		given      map[string]string
	}{
		{body, "Parameters: [Ids] must have values", map[string]string{"AWS::Region": "x"}},
		{body, "Parameters: [AWS::Region] must have values, since a condition depends on them", map[string]string{"Ids": "1,2"}},
		{body, "resource A: ", map[string]string{"Ids": "1", "AWS::Region": "x"}},
	} {
		if _, err := Expand(c.body, from(c.given), mark); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q is not said, but %v", c.says, err)
		}
	}
	// A template that is only read may have what no stack here has: rules, and parameters of other services.
	foreign := `
Rules: {R: {Assertions: [{Assert: !Equals [a, a]}]}}
Parameters:
  Id: {Type: 'AWS::EC2::VPC::Id', Default: vpc-1}
  Kept: {Type: 'AWS::SSM::Parameter::Value<String>', Default: /where/it/lies}
  All: {Type: 'AWS::SSM::Parameter::Value<List<String>>'}
  Ids: {Type: 'List<AWS::EC2::Subnet::Id>', Default: 'a,b'}
Resources: {A: {Type: Any::Kind::Atall, Properties: {Words: [!Ref Id, !Ref Kept, !Select [1, !Ref All], !Select [0, !Ref Ids]]}}}
`
	got, err = Expand(foreign, from(map[string]string{"Kept": "k", "All": "1,2"}), mark)
	if err != nil || fmt.Sprint(got[0].Properties["Words"]) != "[vpc-1 k 2 a]" {
		t.Error(got, err)
	}
	for body, says := range map[string]string{foreign: "Parameters: [Kept, All] must have values", strings.Replace(foreign, "AWS::EC2::VPC::Id", "AWS::Odd", 1): "Unrecognized parameter type: AWS::Odd"} {
		if _, err := Expand(body, from(map[string]string{}), mark); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), says) {
			t.Errorf("%q is not said, but %v", says, err)
		}
		if _, err := ParseTemplate(body, nil); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "the section Rules") {
			t.Errorf("a stack of it: %v", err)
		}
	}
	// So may a pattern that only Java understands: its stack has taken the value.
	java := "Parameters: {P: {Type: String, AllowedPattern: '(?!x).*', Default: y}}\nResources: {A: {Type: Any::Kind::Atall, Properties: {P: !Ref P}}}"
	if got, err := Expand(java, from(nil), mark); err != nil || got[0].Properties["P"] != "y" {
		t.Error(got, err)
	}
	if _, err := ParseTemplate(java, nil); !fault.Is(err, fault.Invalid) {
		t.Error(err)
	}
	// What lies in S3 may be larger than what comes in a request.
	large := body + "# " + strings.Repeat("x", MaxTemplate)
	if _, err := Expand(large, from(map[string]string{"Ids": "1,2", "AWS::Region": "x"}), mark); err != nil {
		t.Error(err)
	}
	if _, err := ParseTemplate(large, nil); !fault.Is(err, fault.Invalid) {
		t.Error("a request may have it, too")
	}
	// However a text is made many times, it does not fill the memory.
	var bomb strings.Builder
	fmt.Fprintf(&bomb, "Mappings: {M: {A: {B: %q}}}\nResources:\n  A:\n    Type: Any::Kind::Atall\n    Properties:\n", strings.Repeat("x,", 100_000))
	for i := range 400 {
		fmt.Fprintf(&bomb, "      P%d: %s\n", i, []string{`!Split [",", !FindInMap [M, A, B]]`, `!Sub ["${a}${a}", {a: !FindInMap [M, A, B]}]`, `!Join ["-", [!FindInMap [M, A, B]]]`}[i%3])
	}
	if _, err := Expand(bomb.String(), from(nil), mark); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "more than 67108864 bytes of text") {
		t.Errorf("%.300v", err)
	}
}

// TestExpandUnknown: no function makes a value of what is not known, and what is given is not unknown.
func TestExpandUnknown(t *testing.T) {
	t.Parallel()
	body := `
Transform: AWS::LanguageExtensions
Mappings: {M: {one: {K: found}}}
Resources:
  A:
    Type: Custom::Lookup
    DeletionPolicy: Snapshot
    Properties: {P: EXPRESSION}
  B: {Type: My::Own::Kind::MODULE}
`
	for expression, want := range map[string]string{
		`!FindInMap [M, !Ref AWS::AccountId, K, {DefaultValue: other}]`: "|AWS::AccountId (a part of it)|",
		`!FindInMap [M, !Ref AWS::AccountId, K]`:                        "|AWS::AccountId (a part of it)|",
		`!Select [1, !Split [":", !ImportValue "a:b:c"]]`:               "|ImportValue a:b:c (a part of it)|",
		`!Select [0, !Split ["-", !Sub "x-${AWS::StackName}-y"]]`:       "|AWS::StackName (a part of it)|",
		`!Select [3, !Split [".", !GetAtt B.C.D]]`:                      "|B.C.D (a part of it)|",
		`!Base64 {"Fn::Sub": "${B}"}`:                                   "|B (a part of it)|",
		`!Length {"Fn::Split": [",", !ImportValue E]}`:                  "|ImportValue E (a part of it)|",
		`!ToJsonString {a: !Ref B}`:                                     `{"a":"|B|"}`,
		`!GetAtt B.Known`:                                               "g-1",
		`!ImportValue Known`:                                            "g-2",
		`!Ref AWS::StackName`:                                           "|AWS::StackName|",
	} {
		got, err := Expand(strings.Replace(body, "EXPRESSION", expression, 1), from(map[string]string{"B.Known": "g-1", "ImportValue Known": "g-2"}), "|")
		if err != nil || len(got) != 2 || got[0].Properties["P"] != want {
			t.Errorf("%s: %v %v", expression, got, err)
		}
	}
	got, err := Expand(strings.Replace(body, "EXPRESSION", "!ToJsonString {a: !Ref B}", 1), from(nil), "\x00")
	if err != nil || got[0].Properties["P"] != "{\"a\":\"\x00B\x00\"}" {
		t.Errorf("%q %v", got, err)
	}
	if _, err := Expand("Conditions: {C: !Equals [!ImportValue E, x]}\n"+strings.Replace(body, "EXPRESSION", "x", 1), from(nil), "|"); err == nil || !strings.Contains(err.Error(), "[E] must have values, since a condition depends on them") {
		t.Error(err)
	}
	for wrong, says := range map[string]string{strings.Replace(body, "Custom::Lookup", "Custom", 1): "Unrecognized resource types", strings.Replace(body, "My::Own", "My", 1): ""} {
		if _, err := Expand(strings.Replace(wrong, "EXPRESSION", "x", 1), from(nil), "|"); says == "" && err != nil || says != "" && (err == nil || !strings.Contains(err.Error(), says)) {
			t.Error(wrong, err)
		}
	}
	// A stack has nothing of the kind.
	for _, c := range []struct{ body, says string }{{body, "Snapshot"}, {strings.Replace(body, "Snapshot", "Delete", 1), "Custom::Lookup"}} {
		if _, err := ParseTemplate(strings.Replace(c.body, "EXPRESSION", "x", 1), nil); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), c.says) {
			t.Error(err)
		}
	}
}

// TestManyVariables: a text with many variables of its own takes no longer than it is long.
func TestManyVariables(t *testing.T) {
	t.Parallel()
	var vars, text strings.Builder
	for i := range 45_000 {
		fmt.Fprintf(&vars, "a%d: b, ", i)
		fmt.Fprintf(&text, "${a%d}", 44_999-i)
	}
	began := time.Now()
	got, err := Expand("Resources: {A: {Type: Any::Kind::Atall, Properties: {P: !Sub ['"+text.String()+"', {"+strings.TrimSuffix(vars.String(), ", ")+"}]}}}", from(nil), "|")
	if err != nil || len(got[0].Properties["P"].(string)) != 45_000 {
		t.Error(err)
	}
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("it took %s", took)
	}
}
