// Package clients drives a running Gatehouse with AWS's own Go SDK, as Terraform's AWS provider and any program does. It is a module of its
// own, so that the SDK's service packages are no dependencies of Gatehouse. test/scripts/sdk-go starts the server and runs it.
package clients

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/identitystore"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/ssoadmin"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

// world is the server of this run, through clients that know nothing of it but what the environment says (AWS_ENDPOINT_URL and the rest of
// `gatehouse env`).
type world struct {
	*testing.T
	cfg             aws.Config
	admin           *ssoadmin.Client
	people          *identitystore.Client
	orgs            *organizations.Client
	iam             *iam.Client
	sts             *sts.Client
	stacks          *cloudformation.Client
	instance, store string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	if os.Getenv("GATEHOUSE_INSTANCE_ARN") == "" {
		t.Fatal("no server: run test/scripts/sdk-go, which starts one, or eval \"$(gatehouse env)\" first")
	}
	cfg, err := config.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return &world{T: t, cfg: cfg, admin: ssoadmin.NewFromConfig(cfg), people: identitystore.NewFromConfig(cfg), orgs: organizations.NewFromConfig(cfg),
		iam: iam.NewFromConfig(cfg), sts: sts.NewFromConfig(cfg), stacks: cloudformation.NewFromConfig(cfg),
		instance: os.Getenv("GATEHOUSE_INSTANCE_ARN"), store: os.Getenv("GATEHOUSE_IDENTITY_STORE_ID")}
}

// ok ends the test on an error.
func (w *world) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// must returns the answer of a call that must succeed: must(call(…))(t).
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// absent reports whether an error says that something is not there, as the SDK types it.
func absent(err error) bool {
	var e smithy.APIError
	return errors.As(err, &e) && e.ErrorCode() == "ResourceNotFoundException"
}

// until polls as clients do, until done or twenty seconds have passed.
func (w *world) until(what string, done func(context.Context) bool) {
	w.Helper()
	for end := time.Now().Add(20 * time.Second); !done(w.Context()); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			w.Fatalf("%s: not within twenty seconds", what)
		}
	}
}

// account makes a member account.
func (w *world) account(name string) string {
	w.Helper()
	out := must(w.orgs.CreateAccount(w.Context(), &organizations.CreateAccountInput{AccountName: &name, Email: aws.String(name + "@example.com")}))(w)
	return aws.ToString(out.CreateAccountStatus.AccountId)
}
