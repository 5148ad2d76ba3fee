package ssoadmin

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
)

// The tests of this file are made from the description of the API: for every operation, every member that may be wrong is wrong once.

// shape is a shape of the description.
type shape struct {
	kind    string // structure, union, list, string, enum, …
	members []shapeMember
	of      string   // of a list
	values  []string // of an enum
	max     int      // of a string; 0 for no limit
	pattern bool
}

type shapeMember struct {
	name, shape string
	required    bool
}

// described reads the operations' inputs and the shapes off the description.
func described(t *testing.T) (inputs map[string]string, shapes map[string]shape) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "awswire", "model", "sso-admin.shapes"))
	if err != nil {
		t.Fatal(err)
	}
	inputs, shapes = map[string]string{}, map[string]shape{}
	operation, structure := "", ""
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) == 0 || f[0] == "#" {
			continue
		}
		if strings.HasPrefix(line, " ") {
			if operation != "" && f[0] == "in" {
				inputs[operation] = f[1]
			}
			if structure != "" {
				s := shapes[structure]
				s.members = append(s.members, shapeMember{f[0], f[1], slices.Contains(f[2:], "required")})
				shapes[structure] = s
			}
			continue
		}
		operation, structure = "", ""
		s := shape{kind: f[0]}
		switch f[0] {
		case "operation":
			operation = f[1]
			continue
		case "structure", "union":
			structure = f[1]
		case "list":
			s.of = f[3]
		case "enum":
			s.values = f[2:]
		case "string":
			s.pattern = slices.Contains(f, "pattern")
			if len(f) > 2 {
				if _, most, ok := strings.Cut(f[2], ".."); ok {
					s.max, _ = strconv.Atoi(most)
				}
			}
		}
		if len(f) > 1 {
			shapes[f[1]] = s
		}
	}
	return inputs, shapes
}

// sample is a valid value of a shape; the world has what it names.
func sample(shapes map[string]shape, name string, known map[string]any) any {
	if v, ok := known[name]; ok {
		return v
	}
	s := shapes[name]
	switch s.kind {
	case "structure":
		out := map[string]any{}
		for _, m := range s.members {
			if m.required {
				out[m.name] = sample(shapes, m.shape, known)
			}
		}
		return out
	case "union":
		return map[string]any{s.members[0].name: sample(shapes, s.members[0].shape, known)}
	case "list":
		return []any{sample(shapes, s.of, known)}
	case "enum":
		return s.values[0]
	case "boolean":
		return true
	case "integer":
		return 5
	}
	return "name"
}

func TestEveryOperationRefusesWhatIsWrong(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	inputs, shapes := described(t)
	user := b.user("ada")
	known := map[string]any{
		"InstanceArn": b.instance, "PermissionSetArn": b.set("Set"), "ApplicationArn": b.application("Wiki"), "TrustedTokenIssuerArn": b.issuer("Okta"), "ApplicationProviderArn": custom,
		"TaggableResourceArn": b.instance, "ScopeTarget": b.instance, "PrincipalId": user, "TargetId": b.accounts[0], "AccountId": b.accounts[0], "RegionName": "eu-west-1",
		"ManagedPolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess", "UUId": "00000000-0000-4000-8000-000000000000", "URI": "https://x.example.com/", "TrustedTokenIssuerUrl": "https://x.example.com",
		"AccessControlAttributeValueSource": "${path:title}", "TagList": []any{}, "GrantType": "refresh_token", "Grant": map[string]any{"RefreshToken": map[string]any{}},
		"ProvisionTargetType": "ALL_PROVISIONED_ACCOUNTS", "PermissionsBoundary": map[string]any{"ManagedPolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"},
		"ActorPolicyDocument":         map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{"Effect": "Allow", "Principal": "*", "Action": "sso-oauth:CreateTokenWithIAM", "Resource": "*"}}},
		"PermissionSetPolicyDocument": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`,
	}
	unknown := map[string]string{
		"InstanceArn": "arn:aws:sso:::instance/ssoins-0000000000000000", "PermissionSetArn": known["PermissionSetArn"].(string)[:len(known["PermissionSetArn"].(string))-16] + "0000000000000000",
		"ApplicationArn":         known["ApplicationArn"].(string)[:len(known["ApplicationArn"].(string))-16] + "0000000000000000",
		"TrustedTokenIssuerArn":  known["TrustedTokenIssuerArn"].(string)[:len(known["TrustedTokenIssuerArn"].(string))-36] + "00000000-0000-4000-8000-000000000000",
		"ApplicationProviderArn": custom + "/unknown",
	}
	for _, o := range model.Operations {
		c := negative{b, o.Name, o.Errors}
		in := shapes[inputs[o.Name]]
		valid := func() map[string]any {
			return sample(shapes, inputs[o.Name], known).(map[string]any)
		}
		for _, m := range in.members {
			s, wrong := shapes[m.shape], valid()
			if m.required {
				delete(wrong, m.name)
				c.refused("without "+m.name, wrong, "ValidationException")
			}
			if s.max > 0 {
				wrong[m.name] = strings.Repeat("a", s.max+1)
				c.refused("too long "+m.name, wrong, "ValidationException")
			}
			if s.pattern || s.kind == "enum" {
				wrong[m.name] = "\u0001<é>\u0000"
				c.refused("malformed "+m.name, wrong, "ValidationException")
			}
			if v, ok := unknown[m.shape]; ok {
				wrong[m.name] = v
				c.refused("unknown "+m.name, wrong, "ResourceNotFoundException", "AccessDeniedException")
			}
			wrong[m.name] = []any{map[string]any{}, 7}
			c.refused("a list for "+m.name, wrong, "ValidationException", "SerializationException")
			if m.name == "NextToken" {
				wrong[m.name] = "AAAA"
				c.refused("a page token of nowhere", wrong, "ValidationException")
			}
		}
		b.asked.denied = "sso:" + o.Name
		c.refused("an unauthorized caller", valid(), "AccessDeniedException")
		b.asked.denied = ""
		switch o.Name {
		case "ListInstances", "DescribeInstance", "ListApplicationProviders", "DescribeApplicationProvider", "CreateApplication":
		default:
			c.as(b.accounts[1], "a foreign account", valid(), "AccessDeniedException")
		}
	}
}

// negative sends requests of one operation that must fail.
type negative struct {
	*bench
	operation string
	errors    []string
}

func (c negative) refused(what string, in map[string]any, codes ...string) {
	c.t.Helper()
	c.as(c.owner, what, in, codes...)
}

func (c negative) as(account, what string, in map[string]any, codes ...string) {
	c.t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		c.t.Fatal(err)
	}
	status, out := c.bench.as(account, c.operation, string(body))
	code, _ := out["__type"].(string)
	if status != 400 || !slices.Contains(codes, code) {
		c.t.Errorf("%s, %s: %d %v, want %v", c.operation, what, status, out, codes)
	}
	if code != "SerializationException" && !slices.Contains(c.errors, code) {
		c.t.Errorf("%s, %s: %s is no error of this operation: %v", c.operation, what, code, c.errors)
	}
}
