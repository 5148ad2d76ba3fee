package cloudformation

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gatehouse/internal/fault"
)

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
	name := func(s string) string { return "<" + s + ">" }
	got, err := Expand(body, map[string]string{"Ids": "1, 2", "AWS::Region": "eu-west-1", "Of": "another template"}, name)
	want := []Expanded{{"A", "Any::Kind::Atall", Properties{"Words": []any{"dev", "<B>", "<B.Arn>", "<ImportValue E>", "aws:<AWS::AccountId>:eu-west-1:<B>", "2"}}}, {"B", "AWS::S3::Bucket", Properties{}}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
	got, err = Expand(body, map[string]string{"Ids": "1,2", "Stage": "prod", "AWS::Region": "us-east-1", "AWS::AccountId": "100000000001", "AWS::Partition": "aws-cn"}, name)
	if err != nil || len(got) != 2 || got[1].LogicalID != "C" || fmt.Sprint(got[0].Properties["Words"]) != "[prod <B> <B.Arn> <ImportValue E> aws-cn:100000000001:us-east-1:<B> 2 x]" {
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
		if _, err := Expand(c.body, c.given, name); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), c.says) {
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
	got, err = Expand(foreign, map[string]string{"Kept": "k", "All": "1,2"}, name)
	if err != nil || fmt.Sprint(got[0].Properties["Words"]) != "[vpc-1 k 2 a]" {
		t.Error(got, err)
	}
	for body, says := range map[string]string{foreign: "Parameters: [Kept, All] must have values", strings.Replace(foreign, "AWS::EC2::VPC::Id", "AWS::Odd", 1): "Unrecognized parameter type: AWS::Odd"} {
		if _, err := Expand(body, map[string]string{}, name); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), says) {
			t.Errorf("%q is not said, but %v", says, err)
		}
		if _, err := ParseTemplate(body, nil); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "the section Rules") {
			t.Errorf("a stack of it: %v", err)
		}
	}
	// What lies in S3 may be larger than what comes in a request.
	large := body + "# " + strings.Repeat("x", MaxTemplate)
	if _, err := Expand(large, map[string]string{"Ids": "1,2", "AWS::Region": "x"}, name); err != nil {
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
	if _, err := Expand(bomb.String(), nil, name); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "more than 67108864 bytes of text") {
		t.Errorf("%.300v", err)
	}
}
