package policy

import (
	"strings"
	"testing"

	"gatehouse/internal/fault"
)

const smallIdentity = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}}`

func TestParseAccepts(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, document string
		use            Use
		statements     int
	}{
		{"single statement", smallIdentity, ForIdentity, 1},
		{"list of statements, Id and Sid", `{"Id":"x y","Version":"2008-10-17","Statement":[{"Sid":"A1","Effect":"Allow","Action":["s3:*","ec2:Describe*"],"Resource":["*"]},{"Effect":"Deny","NotAction":"iam:*","NotResource":"arn:aws:s3:::a"}]}`, ForIdentity, 2},
		{"ARN shorter than six parts", `{"Statement":{"Effect":"Allow","Action":"sqs:*","Resource":"arn:aws:sqs"}}`, ForIdentity, 1},
		{"trust policy of a reserved role", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::111122223333:saml-provider/AWSSSO_0123456789abcdef_DO_NOT_DELETE"},"Action":["sts:AssumeRoleWithSAML","sts:TagSession"],"Condition":{"StringEquals":{"SAML:aud":"https://signin.aws.amazon.com/saml"}}}]}`, ForTrust, 1},
		{"trust in users, accounts, ids and services", `{"Statement":{"Effect":"Allow","Principal":{"AWS":["111122223333","arn:aws:iam::111122223333:root","arn:aws:iam::111122223333:user/a/b","AROAABCDEFGHIJKLMNOP"],"Service":["ec2.amazonaws.com","sso.amazonaws.com"]},"Action":"sts:AssumeRole"}}`, ForTrust, 1},
		{"resource policy for everyone", `{"Statement":{"Sid":"any sid: here","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::b","Condition":{"Bool":{"aws:SecureTransport":false}}}}`, ForResource, 1},
		{"numbers and booleans as values", `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"NumericLessThan":{"aws:MultiFactorAuthAge":3600},"BoolIfExists":{"aws:MultiFactorAuthPresent":[true]},"Null":{"aws:TokenIssueTime":"false"}}}}`, ForIdentity, 1},
		{"variables with defaults and literal stars", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::${aws:PrincipalTag/team, 'company'}/${*}${?}${$}/*"}}`, ForIdentity, 1},
	}
	for _, tt := range tests {
		d, err := Parse([]byte(tt.document), tt.use)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if d.Len() != tt.statements {
			t.Errorf("%s: got %d statements, want %d", tt.name, d.Len(), tt.statements)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	st := func(members string) string { return `{"Version":"2012-10-17","Statement":[{` + members + `}]}` }
	tests := []struct {
		name, document string
		use            Use
		want           string
	}{
		{"empty", ``, ForIdentity, "Syntax errors in policy"},
		{"not JSON", `hello`, ForIdentity, "line 1, column 1: this is not JSON"},
		{"cut short", `{"Statement":[{"Effect":`, ForIdentity, "ends too early"},
		{"more after the end", smallIdentity + " {}", ForIdentity, "more after the end"},
		{"a list", `[]`, ForIdentity, "a policy is a JSON object"},
		{"invalid UTF-8", "{\"Version\":\"\xff\"}", ForIdentity, "Syntax errors"},
		{"duplicate element", `{"Version":"2012-10-17","Version":"2012-10-17","Statement":[]}`, ForIdentity, `"Version" appears twice`},
		{"duplicate element in a statement, with its line", "{\"Statement\":[{\"Effect\":\"Allow\",\n \"Effect\":\"Deny\"}]}", ForIdentity, `line 2, column`},
		{"duplicate condition key", st(`"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:a":"1","aws:a":"2"}}`), ForIdentity, "appears twice"},
		{"unknown element", `{"Statment":[]}`, ForIdentity, `unknown element "Statment"`},
		{"element in wrong case", st(`"effect":"Allow","Action":"*","Resource":"*"`), ForIdentity, `unknown element "effect" in a statement`},
		{"unknown version", `{"Version":"2020-01-01","Statement":[]}`, ForIdentity, "The policy must contain a valid version string"},
		{"no statement", `{"Version":"2012-10-17"}`, ForIdentity, "Statement is missing"},
		{"no statements", `{"Version":"2012-10-17","Statement":[]}`, ForIdentity, "at least one"},
		{"statement is text", `{"Statement":["x"]}`, ForIdentity, "a statement is a JSON object"},
		{"effect missing", st(`"Action":"*","Resource":"*"`), ForIdentity, "Effect is missing"},
		{"effect in wrong case", st(`"Effect":"allow","Action":"*","Resource":"*"`), ForIdentity, "Effect must be Allow or Deny"},
		{"no action", st(`"Effect":"Allow","Resource":"*"`), ForIdentity, "Policy statement must contain actions."},
		{"empty action list", st(`"Effect":"Allow","Action":[],"Resource":"*"`), ForIdentity, "Policy statement must contain actions."},
		{"both kinds of action", st(`"Effect":"Allow","Action":"*","NotAction":"*","Resource":"*"`), ForIdentity, "Action or NotAction, not both"},
		{"action without service", st(`"Effect":"Allow","Action":"GetObject","Resource":"*"`), ForIdentity, "must be prefaced by a vendor"},
		{"action with two colons", st(`"Effect":"Allow","Action":"s3:Get:x","Resource":"*"`), ForIdentity, "only one colon"},
		{"service with wildcard", st(`"Effect":"Allow","Action":"s*:Get","Resource":"*"`), ForIdentity, "Vendor s* is not valid"},
		{"action is a number", st(`"Effect":"Allow","Action":1,"Resource":"*"`), ForIdentity, "must be a string"},
		{"no resource", st(`"Effect":"Allow","Action":"*"`), ForIdentity, "Policy statement must contain resources."},
		{"resource without ARN", st(`"Effect":"Allow","Action":"*","Resource":"bucket"`), ForIdentity, "must be in ARN format"},
		{"wildcard for the service of a resource", st(`"Effect":"Allow","Action":"*","Resource":"arn:aws:s*:::b"`), ForIdentity, "Resource vendor must be fully qualified"},
		{"principal in identity policy", st(`"Effect":"Allow","Action":"*","Resource":"*","Principal":"*"`), ForIdentity, "should not specify a principal"},
		{"same Sid twice", `{"Statement":[{"Sid":"a","Effect":"Allow","Action":"*","Resource":"*"},{"Sid":"a","Effect":"Allow","Action":"*","Resource":"*"}]}`, ForIdentity, "must be unique"},
		{"Sid with a space", st(`"Sid":"a b","Effect":"Allow","Action":"*","Resource":"*"`), ForIdentity, "alpha-numeric"},
		{"unknown operator", st(`"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringMatches":{"aws:a":"1"}}`), ForIdentity, "Invalid Condition type : StringMatches."},
		{"NullIfExists", st(`"Effect":"Allow","Action":"*","Resource":"*","Condition":{"NullIfExists":{"aws:a":"true"}}`), ForIdentity, "Invalid Condition type : NullIfExists."},
		{"operator in wrong case", st(`"Effect":"Allow","Action":"*","Resource":"*","Condition":{"stringEquals":{"aws:a":"1"}}`), ForIdentity, "Invalid Condition type : stringEquals."},
		{"two set operators", st(`"Effect":"Allow","Action":"*","Resource":"*","Condition":{"ForAnyValue:ForAllValues:StringEquals":{"aws:a":"1"}}`), ForIdentity, "Invalid Condition type"},
		{"set operator of the Null operator", st(`"Effect":"Allow","Action":"*","Resource":"*","Condition":{"ForAnyValue:Null":{"aws:a":"true"}}`), ForIdentity, "Invalid Condition type"},
		{"partition that is none", st(`"Effect":"Allow","Action":"*","Resource":"arn:aws1:s3:::b"`), ForIdentity, `Partition "aws1" is not valid for resource "arn:aws1:s3:::b".`},
		{"both kinds of resource", st(`"Effect":"Allow","Action":"*","Resource":"*","NotResource":"*"`), ForIdentity, "Resource or NotResource, not both"},
		{"both kinds of principal", st(`"Effect":"Deny","Principal":"*","NotPrincipal":{"AWS":"111122223333"},"Action":"sts:AssumeRole"`), ForTrust, "Principal or NotPrincipal, not both"},
		{"variable as the service of a resource", st(`"Effect":"Allow","Action":"*","Resource":"arn:aws:${aws:username}:::b"`), ForIdentity, "Resource vendor must be fully qualified"},
		{"variable in a number", st(`"Effect":"Allow","Action":"*","Resource":"*","Condition":{"NumericEquals":{"aws:a":"${aws:EpochTime}"}}`), ForIdentity, "not a number"},
		{"variable in a principal", st(`"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/${aws:username}"},"Action":"sts:AssumeRole"`), ForTrust, "Invalid principal in policy"},
		{"canonical user of another form", st(`"Effect":"Allow","Principal":{"CanonicalUser":"x"},"Action":"sts:AssumeRole"`), ForTrust, "Invalid principal in policy"},
		{"service control policy with a principal", st(`"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"`), ForOrganization, "should not specify a principal"},
		{"service control policy without resource", st(`"Effect":"Deny","Action":"*"`), ForOrganization, "must contain resources"},
		{"resource policy without principal", st(`"Effect":"Allow","Action":"*","Resource":"*"`), ForResource, "Missing required field Principal"},
		{"resource policy without resource", st(`"Effect":"Allow","Principal":"*","Action":"*"`), ForResource, "must contain resources"},
		{"NotAction beside Action", st(`"Effect":"Allow","Action":"iam:*","NotAction":"s3:*","Resource":"*"`), ForIdentity, "Action or NotAction, not both"},
		{"condition key without service", st(`"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"a":"1"}}`), ForIdentity, "Condition keys must be prefaced"},
		{"condition without values", st(`"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:a":[]}}`), ForIdentity, "at least one value"},
		{"condition value null", st(`"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:a":null}}`), ForIdentity, "must be a string, number or boolean"},
		{"number that is none", st(`"Effect":"Allow","Action":"*","Resource":"*","Condition":{"NumericEquals":{"aws:a":"Inf"}}`), ForIdentity, "not a number"},
		{"date that is none", st(`"Effect":"Allow","Action":"*","Resource":"*","Condition":{"DateLessThan":{"aws:CurrentTime":"soon"}}`), ForIdentity, "not a date"},
		{"address that is none", st(`"Effect":"Allow","Action":"*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/40"}}`), ForIdentity, "not an IP address"},
		{"boolean that is none", st(`"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"yes"}}`), ForIdentity, "neither true nor false"},
		{"base64 that is none", st(`"Effect":"Allow","Action":"*","Resource":"*","Condition":{"BinaryEquals":{"x:y":"%%"}}`), ForIdentity, "not base64"},
		{"ARN condition that is none", st(`"Effect":"Allow","Action":"*","Resource":"*","Condition":{"ArnLike":{"aws:PrincipalArn":"foo"}}`), ForIdentity, "not an ARN"},
		{"open variable", st(`"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::${aws:username"`), ForIdentity, "policy variable"},
		{"nested variable", st(`"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::${aws:${aws:x}}"`), ForIdentity, "policy variable"},
		{"control character", st(`"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::\u0001"`), ForIdentity, "control character"},
		{"nested too deeply", strings.Repeat("[", 5000), ForIdentity, "nested too deeply"},
		{"trust without principal", st(`"Effect":"Allow","Action":"sts:AssumeRole"`), ForTrust, "Missing required field Principal"},
		{"trust with resource", st(`"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Resource":"*"`), ForTrust, "Has prohibited field Resource"},
		{"trust with another action", st(`"Effect":"Allow","Principal":"*","Action":"s3:GetObject"`), ForTrust, "may only specify STS AssumeRole actions"},
		{"trust in all actions", st(`"Effect":"Allow","Principal":"*","Action":"*"`), ForTrust, "prefaced by a vendor"},
		{"principal with wildcard", st(`"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/*"},"Action":"sts:AssumeRole"`), ForTrust, "Invalid principal in policy"},
		{"principal of unknown kind", st(`"Effect":"Allow","Principal":{"Human":"x"},"Action":"sts:AssumeRole"`), ForTrust, "Invalid principal in policy"},
		{"principal of no form", st(`"Effect":"Allow","Principal":{"AWS":"somebody"},"Action":"sts:AssumeRole"`), ForTrust, "Invalid principal in policy"},
		{"no principals", st(`"Effect":"Allow","Principal":{"AWS":[]},"Action":"sts:AssumeRole"`), ForTrust, "list of principals is empty"},
	}
	for _, tt := range tests {
		_, err := Parse([]byte(tt.document), tt.use)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
			continue
		}
		if f := fault.Of(err); f.Kind != fault.Invalid || f.Reason != "malformed-policy" {
			t.Errorf("%s: got kind %v reason %q", tt.name, f.Kind, f.Reason)
		}
	}
}

func TestParseRefusesTooLong(t *testing.T) {
	t.Parallel()
	_, err := Parse([]byte(strings.Repeat(" ", MaxBytes+1)), ForIdentity)
	if !fault.Is(err, fault.Quota) {
		t.Errorf("got %v, want a Quota fault", err)
	}
}

func TestSizeLeavesOutWhiteSpace(t *testing.T) {
	t.Parallel()
	if got := Size("{ \"a\":\t\"é b\" }\r\n"); got != 10 {
		t.Errorf("got %d, want 10", got)
	}
}

func TestManagedPoliciesAreTrue(t *testing.T) {
	t.Parallel()
	tests := []struct {
		arn, action string
		want        bool
	}{
		{"AdministratorAccess", "iam:CreateUser", true},
		{"PowerUserAccess", "ec2:RunInstances", true},
		{"PowerUserAccess", "iam:CreateUser", false},
		{"PowerUserAccess", "iam:ListRoles", true},
		{"PowerUserAccess", "organizations:DescribeOrganization", true},
		{"PowerUserAccess", "organizations:CreateAccount", false},
		{"PowerUserAccess", "gatehouse:CreateScimToken", false},
		{"ReadOnlyAccess", "s3:GetObject", true},
		{"ReadOnlyAccess", "s3:PutObject", false},
		{"ReadOnlyAccess", "secretsmanager:GetSecretValue", false},
		{"ReadOnlyAccess", "iam:GetRole", true},
		{"ReadOnlyAccess", "iam:CreateRole", false},
		{"ReadOnlyAccess", "dynamodb:Query", true},
		{"job-function/ViewOnlyAccess", "s3:ListBucket", true},
		{"job-function/ViewOnlyAccess", "s3:GetObject", false},
		{"job-function/ViewOnlyAccess", "iam:ListRoles", true},
		{"SecurityAudit", "iam:GetRole", true},
		{"SecurityAudit", "s3:GetBucketPolicy", true},
		{"SecurityAudit", "s3:GetObject", false},
		{"job-function/Billing", "ce:GetCostAndUsage", true},
		{"job-function/Billing", "ec2:DescribeInstances", false},
		{"job-function/DatabaseAdministrator", "rds:CreateDBInstance", true},
		{"job-function/DataScientist", "sagemaker:CreateModel", true},
		{"job-function/NetworkAdministrator", "ec2:CreateVpc", true},
		{"job-function/NetworkAdministrator", "ec2:RunInstances", false},
		{"job-function/SupportUser", "support:CreateCase", true},
		{"job-function/SystemAdministrator", "ec2:RunInstances", true},
		{"IAMFullAccess", "iam:CreateRole", true},
		{"IAMFullAccess", "s3:ListBucket", false},
		{"IAMReadOnlyAccess", "iam:GetRole", true},
		{"IAMReadOnlyAccess", "iam:DeleteRole", false},
		{"AWSSSOReadOnly", "sso:DescribePermissionSet", true},
		{"AWSSSOReadOnly", "sso:CreatePermissionSet", false},
		{"AWSSSOMemberAccountAdministrator", "sso:CreatePermissionSet", true},
		{"AWSSSOMasterAccountAdministrator", "identitystore:CreateUser", true},
		{"AWSSSODirectoryAdministrator", "identitystore:CreateUser", true},
		{"AWSOrganizationsReadOnlyAccess", "organizations:ListAccounts", true},
		{"AWSOrganizationsReadOnlyAccess", "organizations:CreateAccount", false},
		{"AWSSSOMasterAccountAdministrator", "iam:AttachRolePolicy", false},
		{"AWSSSOMasterAccountAdministrator", "organizations:EnableAWSServiceAccess", true},
		{"AWSSSOMasterAccountAdministrator", "organizations:RegisterDelegatedAdministrator", false}, // for one service alone
		{"AmazonRDSFullAccess", "rds:DeleteDBInstance", true},
		{"AmazonRDSReadOnlyAccess", "rds:DeleteDBInstance", false},
		{"AmazonVPCFullAccess", "ec2:CreateVpc", true},
		{"AmazonVPCFullAccess", "ec2:DeleteRoute", true},
		{"AmazonVPCFullAccess", "ec2:RunInstances", false},
		{"AmazonVPCFullAccess", "ec2:TerminateInstances", false},
		{"CloudWatchFullAccessV2", "cloudwatch:PutDashboard", true},
		{"CloudWatchAgentServerPolicy", "cloudwatch:PutMetricData", true},
		{"CloudWatchAgentServerPolicy", "cloudwatch:DeleteAlarms", false},
		{"AWSCloudTrail_FullAccess", "cloudtrail:DeleteTrail", true},
		{"AWSCloudTrail_FullAccess", "iam:PassRole", false},
		{"AmazonSSMManagedInstanceCore", "ssm:SendCommand", false},
		{"AmazonSSMReadOnlyAccess", "ssm:PutParameter", false},
		{"SecretsManagerReadWrite", "secretsmanager:GetSecretValue", true},
		{"AWSKeyManagementServicePowerUser", "kms:Decrypt", false},
		{"AWSKeyManagementServicePowerUser", "kms:PutKeyPolicy", false},
		{"AWSCloudFormationFullAccess", "cloudformation:DeleteStack", true},
		{"AWSCloudFormationReadOnlyAccess", "cloudformation:DeleteStack", false},
		{"AmazonECS_FullAccess", "ecs:DeleteCluster", true},
		{"AmazonECS_FullAccess", "iam:PassRole", false}, // to services of its own alone
		{"AmazonEC2ContainerRegistryPowerUser", "ecr:PutImage", true},
		{"AmazonEC2ContainerRegistryPowerUser", "ecr:DeleteRepository", false},
		{"AmazonEC2ContainerRegistryReadOnly", "ecr:PutImage", false},
		{"AmazonEKS_CNI_Policy", "ec2:AttachNetworkInterface", true},
		{"AWSDenyAll", "s3:GetObject", false},
		{"IAMAccessAnalyzerReadOnlyAccess", "access-analyzer:DeleteAnalyzer", false},
		{"service-role/AWSLambdaBasicExecutionRole", "logs:PutLogEvents", true},
		{"service-role/AWSLambdaBasicExecutionRole", "logs:DeleteLogGroup", false},
		{"service-role/AmazonECSTaskExecutionRolePolicy", "ecr:BatchGetImage", true},
	}
	for _, tt := range tests {
		m, ok := Builtin().Find("arn:aws:iam::aws:policy/" + tt.arn)
		if !ok {
			t.Errorf("%s is not there", tt.arn)
			continue
		}
		d := Evaluate(Policies{Identity: []Named{{m.ARN, m.Document}}}, Request{Principal: alice, Action: tt.action, Resource: "*"})
		if d.Allowed != tt.want {
			t.Errorf("%s on %s: got %v, want %v", tt.arn, tt.action, d.Allowed, tt.want)
		}
	}
	if _, ok := Builtin().Find("arn:aws:iam::aws:policy/Administrator"); ok {
		t.Error("an unknown policy was found")
	}
	if _, ok := Builtin().Find("arn:aws:iam::aws:policy/ViewOnlyAccess"); ok {
		t.Error("ViewOnlyAccess was found without its path")
	}
	mine, err := NewManaged("/", "AdministratorAccess", []byte(smallIdentity))
	if err != nil {
		t.Fatal(err)
	}
	other, err := NewManaged("/service-role/", "Mine", []byte(smallIdentity))
	if err != nil {
		t.Fatal(err)
	}
	with := Builtin().With(mine, other)
	for _, m := range []*ManagedPolicy{mine, other} {
		if found, ok := with.Find(m.ARN); !ok || found != m {
			t.Errorf("%s is not the one that was given", m.ARN)
		}
	}
	if was, _ := Builtin().Find(mine.ARN); was == mine || len(with.All()) != len(Builtin().All())+1 {
		t.Error("what is built in was changed")
	}
	for _, wrong := range [][2]string{{"/", "a/b"}, {"/", ""}, {"x", "A"}, {"/../", "A b"}, {"/a b/", "A"}} {
		if _, err := NewManaged(wrong[0], wrong[1], []byte(smallIdentity)); err == nil {
			t.Errorf("%v is accepted", wrong)
		}
	}
	for _, m := range Builtin().All() {
		if m.Description == "" || !strings.HasPrefix(m.ID, "ANPA") || len(m.ID) != 21 || !strings.HasSuffix(m.ARN, m.Path+m.Name) {
			t.Errorf("incomplete: %+v", m)
		}
	}
}
