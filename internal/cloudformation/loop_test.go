package cloudformation

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gatehouse/internal/fault"
)

// TestLoops: one template with loops is the same as one that is written out by hand.
func TestLoops(t *testing.T) {
	t.Parallel()
	const head = `
Transform: AWS::LanguageExtensions
Parameters:
  Accounts: {Type: CommaDelimitedList}
  Stage: {Type: String, Default: Prod}
Mappings:
  Teams: {Prod: {Names: [ops, dev]}}
`
	loops := head + `
Conditions:
  Fn::ForEach::Each:
    - Of
    - !FindInMap [Teams, !Ref Stage, Names]
    - 'Is${Of}': !Equals [!Ref Of, ops]
Resources:
  First: {Type: Any::Kind::Atall}
  Fn::ForEach::Accounts:
    - Account
    - !Ref Accounts
    - 'In&{Account}':
        Type: Any::Kind::Atall
        Properties: {Id: !Ref Account, Text: '${Account} &{Account} ${Other}', Arn: !Sub '${AWS::Partition}:${Account}:${!Account}', Vars: !Sub ['${A}-${Account}', {A: !Ref Account}]}
      Fn::ForEach::Teams:
        - Team
        - !Split ['+', 'ops+dev']
        - '${Team}In&{Account}':
            Type: Any::Kind::Atall
            Condition: 'Is${Team}'
            DependsOn: ['In&{Account}']
            Properties:
              Of: !Ref {'Fn::Sub': 'In&{Account}'}
              Arn: !GetAtt [!Sub 'In&{Account}', Arn]
              Fn::ForEach::Properties: [Account, [X, Y], {'P${Account}': !If ['Is${Team}', '${Team}', !Ref Account]}]
Outputs:
  Fn::ForEach::Out: [A, [One, Two], {'${A}Out': {Value: !Ref A}}]
`
	plain := head + `
Conditions:
  Isops: !Equals [ops, ops]
  Isdev: !Equals [dev, ops]
Resources:
  First: {Type: Any::Kind::Atall}
`
	for _, account := range []string{"1-0", "2${x}"} {
		short := strings.NewReplacer("-", "", "$", "", "{", "", "}", "").Replace(account)
		plain += fmt.Sprintf("  In%s: {Type: Any::Kind::Atall, Properties: {Id: '%[2]s', Text: '%[2]s %[1]s ${Other}', Arn: !Join ['', ['aws:', '%[2]s', ':${Account}']], Vars: '%[2]s-%[2]s'}}\n", short, account)
		for _, team := range []string{"ops", "dev"} {
			plain += fmt.Sprintf("  %[2]sIn%[1]s: {Type: Any::Kind::Atall, Condition: Is%[2]s, DependsOn: [In%[1]s], Properties: {Of: !Ref In%[1]s, Arn: !GetAtt In%[1]s.Arn, PX: !If [Is%[2]s, %[2]s, X], PY: !If [Is%[2]s, %[2]s, Y]}}\n", short, team)
		}
	}
	plain += "Outputs: {OneOut: {Value: One}, TwoOut: {Value: Two}}\n"
	given := map[string]string{"Accounts": "1-0, 2${x}"}
	const mark = "|"
	want, err := Expand(plain, from(given), mark)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Expand(loops, from(given), mark)
	if diff := cmp.Diff(want, got); err != nil || diff != "" || len(got) != 5 {
		t.Error(err, diff)
	}
	written, err := ParseTemplate(loops, given)
	if err != nil {
		t.Fatal(err)
	}
	var outputs []string
	for _, o := range written.Outputs {
		outputs = append(outputs, o.name+"="+o.value.text)
	}
	if d, ok := written.resource("opsIn10"); !ok || !cmp.Equal(d.DependsOn, []string{"In10"}) || !cmp.Equal(outputs, []string{"OneOut=One", "TwoOut=Two"}) {
		t.Errorf("got %+v, outputs %v", d, outputs)
	}
	// Without a value of the parameter there are the types at least.
	if open, err := ParseTemplate(loops, nil); err != nil || len(open.Resources) != 4 {
		t.Errorf("without a value: got %+v, %v", open, err)
	}
}

func TestLoopsThatAreWrong(t *testing.T) {
	t.Parallel()
	const head = "Transform: AWS::LanguageExtensions\nParameters: {Secret: {Type: CommaDelimitedList, NoEcho: true, Default: 'a,b'}, Some: {Type: String, Default: x}}\n"
	thing := "{Type: Any::Kind::Atall}"
	nested := "{}"
	for i := range 6 {
		nested = fmt.Sprintf("{'Fn::ForEach::L%d': [%c, [%s], %s]}", i, 'A'+rune(i), strings.TrimSuffix(strings.Repeat("a,", 100), ","), nested)
	}
	for _, c := range []struct{ body, says string }{
		{"Resources: {'Fn::ForEach::L': [A, [a], {'X${A}': " + thing + "}]}", "[line 1, column 31] Fn::ForEach needs the transform AWS::LanguageExtensions"},
		{head + "Resources: {'Fn::ForEach::L-': [A, [a], {'X${A}': " + thing + "}]}", "the name of the loop Fn::ForEach::L- is not alphanumeric"},
		{head + "Resources: {'Fn::ForEach::L': [A, [a], {'X${A}': " + thing + "}]}\nOutputs: {'Fn::ForEach::L': [A, [a], {'X${A}': {Value: x}}]}", "there are two loops Fn::ForEach::L"},
		{head + "Resources: {'Fn::ForEach::L': [A, [a]]}", "[line 3, column 31] Fn::ForEach::L takes a list of an identifier, a collection and a map"},
		{head + "Resources: {'Fn::ForEach::L': [A, [a], [b]]}", "takes a list of an identifier, a collection and a map"},
		{head + "Resources: {'Fn::ForEach::L': [[A], [a], {'X${A}': " + thing + "}]}", "the identifier of Fn::ForEach::L is an alphanumeric name"},
		{head + "Resources: {'Fn::ForEach::L': [A, !Ref Some, {'X${A}': " + thing + "}]}", "Fn::ForEach::L takes a list here"},
		{head + "Resources: {'Fn::ForEach::L': [A, [[a]], {'X${A}': " + thing + "}]}", "runs over a list of strings"},
		{head + "Resources: {'Fn::ForEach::L': [A, [!Ref X], {'X${A}': " + thing + "}]}", "Fn::ForEach::L runs over what parameters and mappings have; X is no parameter"},
		{head + "Resources: {'Fn::ForEach::L': [A, !Ref Secret, {'X${A}': " + thing + "}]}", "cannot run over the parameter Secret, which has NoEcho"},
		{head + "Resources: {'Fn::ForEach::L': [A, [a, b], {'X': " + thing + "}]}", `the key "X" occurs twice`},
		{head + "Resources: {Xa: " + thing + ", 'Fn::ForEach::L': [A, [a, b], {'X${A}': " + thing + "}]}", `the key "Xa" occurs twice`},
		{head + "Resources: {'Fn::ForEach::L': [A, [a-b], {'X${A}': " + thing + "}]}", "Resource name Xa-b is non alphanumeric"},
		{head + "Resources: {'Fn::ForEach::L': [A, [a], {'X${A}': {Type: Any::Kind::Atall, Properties: {P: !Ref Xb}}}]}", "Unresolved resource dependencies [Xb]"},
		{head + "Resources: {'Fn::ForEach::L': [A, [], {'X${A}': " + thing + "}]}", "At least one Resources member must be defined"},
		{head + "Resources: {'Fn::ForEach::L': [A, !If [C, [a], [b]], {'X${A}': " + thing + "}]}", "Unresolved condition C"},
		{head + "Resources: " + nested, "loops run more than 100000 times"},
		{head + "Resources: {'Fn::ForEach::L': [A, !Split [',', '" + strings.Repeat(",", 20000) + "'], {'X${A}': [a, b, c, d, e]}]}", "the key \"X\" occurs twice"},
		{head + "Resources: {X: {Type: Any::Kind::Atall, Properties: {'Fn::ForEach::L': [A, !Split [',', '" + strings.Repeat(",", 20000) + "'], {'Fn::ForEach::M': [B, [1, 2, 3, 4, 5, 6], {}]}]}}}", "100000"},
		{head + "Resources: {'Fn::ForEach::L': [A, ['" + strings.Repeat("a", 4096) + "'], {'X&{A}': {Type: Any::Kind::Atall, Properties: {P: '" + strings.Repeat("${A}", 2000) + "'}}}]}", "a loop makes a text of more than 1048576 bytes"},
		{head + "Mappings: {'Fn::ForEach::L': [A, [a], {'X${A}': {a: {b: c}}}]}\nResources: {X: " + thing + "}", "every Mappings member"},
	} {
		if _, err := ParseTemplate(c.body, nil); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%.200s\n got %.300v\nwant %s", c.body, err, c.says)
		}
	}
}

// TestLongItems: what a loop's item is in a key or a text is worked out once, and not for each round of the loops in it.
func TestLongItems(t *testing.T) {
	t.Parallel()
	many := "!Split [',', '" + strings.Repeat(",", 290) + "']"
	body := "Transform: AWS::LanguageExtensions\nResources:\n  X:\n    Type: Any::Kind::Atall\n    Properties:\n      'Fn::ForEach::L': [A, ['" + strings.Repeat("-", 900_000) + "'], {'Fn::ForEach::M': [B, " + many + ", {'Fn::ForEach::N': [C, " + many + ", {}]}]}]\n"
	began := time.Now()
	if _, err := Expand(body, from(nil), "|"); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %s", took)
	}
}
