package clients

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cfn "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/ssoadmin"
	"github.com/aws/aws-sdk-go-v2/service/ssoadmin/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// TestWaiters has the SDK's generated waiters wait for what happens a moment later.
func TestWaiters(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	const wait = 20 * time.Second
	quick := func(o *cloudformation.StackCreateCompleteWaiterOptions) { o.MinDelay = 100 * time.Millisecond }
	name, body := "go-sdk", `{"Resources":{"G":{"Type":"AWS::IAM::Group","Properties":{"GroupName":"go-sdk"}}},"Outputs":{"Name":{"Value":{"Ref":"G"}}}}`
	must(w.stacks.CreateStack(ctx, &cloudformation.CreateStackInput{StackName: &name, TemplateBody: &body, Capabilities: []cfn.Capability{cfn.CapabilityCapabilityNamedIam}}))(w)
	out := must(cloudformation.NewStackCreateCompleteWaiter(w.stacks, quick).WaitForOutput(ctx, &cloudformation.DescribeStacksInput{StackName: &name}, wait))(w)
	if o := out.Stacks[0].Outputs; len(o) != 1 || aws.ToString(o[0].OutputValue) != "go-sdk" {
		t.Errorf("outputs: %+v", o)
	}
	must(w.stacks.UpdateStack(ctx, &cloudformation.UpdateStackInput{StackName: &name, TemplateBody: aws.String(strings.ReplaceAll(body, "go-sdk", "go-sdk-2")), Capabilities: []cfn.Capability{cfn.CapabilityCapabilityNamedIam}}))(w)
	w.ok(cloudformation.NewStackUpdateCompleteWaiter(w.stacks, func(o *cloudformation.StackUpdateCompleteWaiterOptions) { o.MinDelay = 100 * time.Millisecond }).Wait(ctx, &cloudformation.DescribeStacksInput{StackName: &name}, wait))
	must(w.stacks.DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: &name}))(w)
	w.ok(cloudformation.NewStackDeleteCompleteWaiter(w.stacks, func(o *cloudformation.StackDeleteCompleteWaiterOptions) { o.MinDelay = 100 * time.Millisecond }).Wait(ctx, &cloudformation.DescribeStacksInput{StackName: aws.String(aws.ToString(out.Stacks[0].StackId))}, wait))

	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	must(w.iam.CreateRole(ctx, &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: &trust}))(w)
	w.ok(iam.NewRoleExistsWaiter(w.iam).Wait(ctx, &iam.GetRoleInput{RoleName: &name}, wait))
	must(w.iam.CreateInstanceProfile(ctx, &iam.CreateInstanceProfileInput{InstanceProfileName: &name}))(w)
	w.ok(iam.NewInstanceProfileExistsWaiter(w.iam).Wait(ctx, &iam.GetInstanceProfileInput{InstanceProfileName: &name}, wait))
	p := must(w.iam.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: &name, PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:GetUser","Resource":"*"}]}`)}))(w)
	w.ok(iam.NewPolicyExistsWaiter(w.iam).Wait(ctx, &iam.GetPolicyInput{PolicyArn: p.Policy.Arn}, wait))
	must(w.iam.CreateUser(ctx, &iam.CreateUserInput{UserName: &name}))(w)
	w.ok(iam.NewUserExistsWaiter(w.iam).Wait(ctx, &iam.GetUserInput{UserName: &name}, wait))
	// One that waits for what never comes gives up.
	if err := iam.NewUserExistsWaiter(w.iam, func(o *iam.UserExistsWaiterOptions) {
		o.MinDelay, o.MaxDelay = 50*time.Millisecond, 100*time.Millisecond
	}).Wait(ctx, &iam.GetUserInput{UserName: aws.String("nobody-comes")}, 300*time.Millisecond); err == nil {
		t.Error("a waiter saw a user that is not there")
	}
}

// TestPaginators walks lists one entry a page.
func TestPaginators(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	accounts := map[string]bool{}
	for range 3 {
		accounts[w.account("paged-"+hex.EncodeToString([]byte{byte(len(accounts))}))] = true
	}
	pages := 0
	for p := organizations.NewListAccountsPaginator(w.orgs, &organizations.ListAccountsInput{MaxResults: aws.Int32(1)}); p.HasMorePages(); pages++ {
		for _, a := range must(p.NextPage(ctx))(w).Accounts {
			delete(accounts, *a.Id)
		}
	}
	if len(accounts) > 0 || pages < 4 {
		t.Errorf("%d pages, without %v", pages, accounts)
	}
	users := map[string]bool{}
	for _, n := range []string{"paged-a", "paged-b", "paged-c"} {
		must(w.iam.CreateUser(ctx, &iam.CreateUserInput{UserName: &n, Path: aws.String("/paged/")}))(w)
		users[n] = true
	}
	for p := iam.NewListUsersPaginator(w.iam, &iam.ListUsersInput{PathPrefix: aws.String("/paged/"), MaxItems: aws.Int32(1)}); p.HasMorePages(); {
		for _, u := range must(p.NextPage(ctx))(w).Users {
			delete(users, *u.UserName)
		}
	}
	if len(users) > 0 {
		t.Errorf("users without %v", users)
	}
}

// TestErrors: the SDK gives errors their types.
func TestErrors(t *testing.T) {
	w := newWorld(t)
	_, err := w.admin.DescribePermissionSet(t.Context(), &ssoadmin.DescribePermissionSetInput{InstanceArn: &w.instance, PermissionSetArn: aws.String("arn:aws:sso:::permissionSet/" + w.instance[strings.LastIndex(w.instance, "/")+1:] + "/ps-0000000000000000")})
	if e := new(types.ResourceNotFoundException); !errors.As(err, &e) || e.ErrorMessage() == "" {
		t.Errorf("a set that is not there: %v", err)
	}
	name := "Twice"
	w.set(name)
	_, err = w.admin.CreatePermissionSet(t.Context(), &ssoadmin.CreatePermissionSetInput{InstanceArn: &w.instance, Name: &name})
	if e := new(types.ConflictException); !errors.As(err, &e) {
		t.Errorf("a name that is taken: %v", err)
	}
	_, err = w.admin.CreatePermissionSet(t.Context(), &ssoadmin.CreatePermissionSetInput{InstanceArn: &w.instance, Name: aws.String("white space")})
	if e := new(types.ValidationException); !errors.As(err, &e) || !strings.Contains(e.ErrorMessage(), "'name' failed to satisfy constraint") {
		t.Errorf("a name that cannot be: %v", err)
	}
}

// TestAssumeRoleProvider takes credentials in another account and renews them.
func TestAssumeRoleProvider(t *testing.T) {
	w := newWorld(t)
	account := w.account("assumed")
	cfg := w.cfg.Copy()
	cfg.Credentials = aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(w.sts, "arn:aws:iam::"+account+":role/OrganizationAccountAccessRole", func(o *stscreds.AssumeRoleOptions) { o.RoleSessionName = "go" }))
	who := must(sts.NewFromConfig(cfg).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}))(w)
	if want := "arn:aws:sts::" + account + ":assumed-role/OrganizationAccountAccessRole/go"; aws.ToString(who.Arn) != want {
		t.Errorf("%s, want %s", aws.ToString(who.Arn), want)
	}
}

// TestSSOProfile reads a cached sign-in as `aws sso login` leaves it and gets a role's credentials with it, refreshing the token first. The script
// made the sign-in; without one the test has nothing to read.
func TestSSOProfile(t *testing.T) {
	w := newWorld(t)
	var in struct{ AccessToken, RefreshToken, ClientID, ClientSecret, Account, Role, Person string }
	b, err := os.ReadFile(os.Getenv("GATEHOUSE_TEST_LOGIN"))
	w.ok(err)
	w.ok(json.Unmarshal(b, &in))
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	file := filepath.Join(home, "config")
	t.Setenv("AWS_CONFIG_FILE", file)
	w.ok(os.WriteFile(file, []byte("[profile person]\nsso_session = s\nsso_account_id = "+in.Account+"\nsso_role_name = "+in.Role+"\nregion = us-east-1\n\n[sso-session s]\nsso_start_url = "+os.Getenv("GATEHOUSE_START_URL")+
		"\nsso_region = us-east-1\nsso_registration_scopes = sso:account:access\n"), 0o600))
	sum := sha1.Sum([]byte("s"))
	cache := filepath.Join(home, ".aws", "sso", "cache", hex.EncodeToString(sum[:])+".json")
	w.ok(os.MkdirAll(filepath.Dir(cache), 0o700))
	kept := func(expires time.Time) []byte {
		b, err := json.Marshal(map[string]string{"accessToken": in.AccessToken, "refreshToken": in.RefreshToken, "clientId": in.ClientID, "clientSecret": in.ClientSecret, "startUrl": os.Getenv("GATEHOUSE_START_URL"), "region": "us-east-1",
			"expiresAt": expires.UTC().Format(time.RFC3339), "registrationExpiresAt": time.Now().Add(24 * time.Hour).UTC().Format(time.RFC3339)})
		w.ok(err)
		return b
	}
	w.ok(os.WriteFile(cache, kept(time.Now().Add(-time.Minute)), 0o600)) // it has expired, so it is refreshed
	cfg := must(config.LoadDefaultConfig(context.Background(), config.WithSharedConfigProfile("person")))(w)
	who := must(sts.NewFromConfig(cfg).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}))(w)
	if !strings.HasPrefix(*who.Arn, "arn:aws:sts::"+in.Account+":assumed-role/AWSReservedSSO_"+in.Role+"_") || !strings.HasSuffix(*who.Arn, "/"+in.Person) {
		t.Errorf("she is %s", *who.Arn)
	}
	var now struct{ AccessToken, RefreshToken string }
	b, err = os.ReadFile(cache)
	w.ok(err)
	w.ok(json.Unmarshal(b, &now))
	if now.AccessToken == in.AccessToken || now.AccessToken == "" || now.RefreshToken == "" {
		t.Errorf("the token was not refreshed: %+v", now)
	}
}
