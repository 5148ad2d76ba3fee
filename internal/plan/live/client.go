package live

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"path"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/identitystore"
	people "github.com/aws/aws-sdk-go-v2/service/identitystore/types"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/ssoadmin"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"
	"golang.org/x/sync/errgroup"

	"gatehouse/internal/plan/estate"
)

// Options say where the instance is and who asks. What is empty is as the AWS SDK finds it: environment, profile, machine.
type Options struct {
	Profile, Region string
	// Role is the ARN of a role to assume first, with an external id and a session name if there are any.
	Role, ExternalID, Session string
	// Endpoint is the URL of a server that stands in for all of AWS: a Gatehouse server. The SDK's AWS_ENDPOINT_URL says the same.
	Endpoint string
	// Key and Secret are an access key, where it is given and not found.
	Key, Secret string
	// AccountRole is the name of the role to assume in member accounts to look at their policies (default: OrganizationAccountAccessRole).
	AccountRole string
	// Instance is the ARN of the instance, where there is more than one to choose from.
	Instance string
	// Limits are those to keep to; nil is [AWS] where no endpoint is given, and none where one is.
	Limits *Limits
	// Transport carries the requests; nil is the SDK's own.
	Transport http.RoundTripper
}

// Client speaks the public APIs of sso-admin, the identity store, organizations, iam and sts. It is safe for concurrent use.
type Client struct {
	opts                  Options
	cfg                   aws.Config
	limits                Limits
	center, orgs, rest    *family
	admin                 *ssoadmin.Client
	store                 *identitystore.Client
	organizations         *organizations.Client
	sts                   *sts.Client
	mu                    sync.Mutex
	calls                 map[string]int
	instance              estate.Instance
	caller, callerAccount string
	management            string
}

// family are services that have a limit together.
type family struct {
	c    *Client
	pace *pacer
}

// Open reads the configuration. It makes no call but those that credentials need when they are first used.
func Open(ctx context.Context, o Options) (*Client, error) {
	load := []func(*config.LoadOptions) error{
		config.WithLogger(logging.Nop{}), // what matters is in the errors
		// There is one authority over retries and pace, and it is not the SDK's.
		config.WithRetryer(func() aws.Retryer { return aws.NopRetryer{} }),
		config.WithHTTPClient(awshttp.NewBuildableClient().WithTimeout(time.Minute).WithTransportOptions(func(t *http.Transport) { t.MaxIdleConnsPerHost, t.MaxIdleConns = 64, 256 })),
	}
	if o.Profile != "" {
		load = append(load, config.WithSharedConfigProfile(o.Profile))
	}
	if o.Region != "" {
		load = append(load, config.WithRegion(o.Region))
	}
	if o.Endpoint != "" {
		load = append(load, config.WithBaseEndpoint(o.Endpoint))
	}
	if o.Key != "" {
		load = append(load, config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(o.Key, o.Secret, "")))
	}
	cfg, err := config.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return nil, fmt.Errorf("the AWS configuration: %w", err)
	}
	if o.Transport != nil {
		cfg.HTTPClient = &http.Client{Transport: o.Transport, Timeout: time.Minute}
	}
	if cfg.Region == "" {
		return nil, errors.New("no region is given; name the one of the Identity Center instance with --region, AWS_REGION or the profile's region")
	}
	if o.Role != "" {
		cfg.Credentials = aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(sts.NewFromConfig(cfg, retried), o.Role, func(a *stscreds.AssumeRoleOptions) {
			a.RoleSessionName = "gatehouse"
			if o.Session != "" {
				a.RoleSessionName = o.Session
			}
			if o.ExternalID != "" {
				a.ExternalID = &o.ExternalID
			}
		}))
	}
	if o.AccountRole == "" {
		o.AccountRole = "OrganizationAccountAccessRole"
	}
	c := &Client{opts: o, cfg: cfg, calls: map[string]int{}, admin: ssoadmin.NewFromConfig(cfg), store: identitystore.NewFromConfig(cfg), organizations: organizations.NewFromConfig(cfg), sts: sts.NewFromConfig(cfg)}
	switch {
	case o.Limits != nil:
		c.limits = *o.Limits
	case c.admin.Options().BaseEndpoint == nil:
		c.limits = AWS
	}
	c.center, c.orgs, c.rest = c.family(c.limits.Rate), c.family(c.limits.Organizations), c.family(c.limits.Organizations)
	return c, nil
}

// retried is for the one call that the SDK makes by itself: to assume a role before anything else.
func retried(o *sts.Options) { o.Retryer = retry.NewStandard() }

func (c *Client) family(limit float64) *family { return &family{c, newPacer(limit)} }

// Limits are those that the client keeps to.
func (c *Client) Limits() Limits { return c.limits }

// Calls is how many calls were made of each operation (sso:ListInstances), repeated ones included.
func (c *Client) Calls() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.calls)
}

func (c *Client) count(op string) {
	c.mu.Lock()
	c.calls[op]++
	c.mu.Unlock()
}

// CallError is a call that did not succeed.
type CallError struct {
	Operation string
	Err       error
}

func (e *CallError) Error() string {
	var api smithy.APIError
	if errors.As(e.Err, &api) {
		return fmt.Sprintf("%s: %s: %s", e.Operation, api.ErrorCode(), api.ErrorMessage())
	}
	return fmt.Sprintf("%s: %v", e.Operation, e.Err)
}

func (e *CallError) Unwrap() error { return e.Err }

// Code is the error code of AWS in an error, or "".
func Code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// NoAnswer tells whether an error is of the network, and not what the service said.
func NoAnswer(err error) bool {
	return err != nil && Code(err) == "" && judge(context.Background(), err) == broken
}

// Error codes that callers decide by.
const (
	notFound = "ResourceNotFoundException"
	conflict = "ConflictException"
)

// outcome is what is to be done about an error.
type outcome int

const (
	final   outcome = iota // it would be the same again
	refused                // too many calls, or too much at once: again, later and slower
	broken                 // of the network or the server: again
)

var (
	throttles  = retry.ThrottleErrorCode{Codes: retry.DefaultThrottleErrorCodes}
	transients = []retry.IsErrorRetryable{retry.NoRetryCanceledError{}, retry.RetryableError{}, retry.RetryableConnectionError{}, retry.RetryableHTTPStatusCode{Codes: retry.DefaultRetryableHTTPStatusCodes}, retry.RetryableErrorCode{Codes: retry.DefaultRetryableErrorCodes}}
)

func judge(ctx context.Context, err error) outcome {
	if ctx.Err() != nil {
		return final
	}
	if e := net.Error(nil); errors.As(err, &e) && e.Timeout() { // of this call alone
		return broken
	}
	if throttles.IsErrorThrottle(err) == aws.TrueTernary {
		return refused
	}
	if e := new(people.ConflictException); errors.As(err, &e) && e.Reason == people.ConflictExceptionReasonConcurrentModification {
		return broken
	}
	if Code(err) == "InternalServerException" || retry.IsErrorRetryables(transients).IsErrorRetryable(err) == aws.TrueTernary {
		return broken
	}
	return final
}

// How often a call is repeated. Refusals say that nothing was done; what is broken may have been, and every caller can live with that: what is
// made twice is refused as there already, and looked at.
const (
	mostRefusals = 20
	mostBroken   = 6
)

// sent is the key in a context of where to write when a call was made, after it had waited for its turn.
type sent struct{}

// do makes one call, paced and repeated.
func do[I, O, F any](ctx context.Context, f *family, call func(context.Context, *I, ...func(*F)) (*O, error), in *I) (*O, error) {
	op, service := strings.TrimSuffix(reflect.TypeFor[I]().Name(), "Input"), path.Base(reflect.TypeFor[I]().PkgPath())
	if service == "ssoadmin" {
		service = "sso" // as policies call it
	}
	refusals, breaks := 0, 0
	for {
		if err := f.pace.acquire(ctx); err != nil {
			return nil, &CallError{op, err}
		}
		f.c.count(service + ":" + op)
		if at, ok := ctx.Value(sent{}).(*time.Time); ok {
			*at = time.Now()
		}
		out, err := call(ctx, in)
		what := final
		if err != nil {
			what = judge(ctx, err)
		}
		f.pace.release(what == refused)
		switch {
		case err == nil:
			return out, nil
		case what == refused && refusals < mostRefusals:
			refusals++
		case what == broken && breaks < mostBroken:
			breaks++
		default:
			return nil, &CallError{op, err}
		}
		if Sleep(ctx, max(f.pace.backoff(refusals+breaks), told(err))) != nil {
			return nil, &CallError{op, err}
		}
	}
}

// told is how long the identity store asks to be left alone.
func told(err error) time.Duration {
	if e := new(people.ThrottlingException); errors.As(err, &e) {
		return time.Duration(min(e.RetryAfterSeconds, 30)) * time.Second
	}
	return 0
}

// pages reads a listing to its end: page asks for the page of a token and returns the token of the next.
func pages(token func(*string) (*string, error)) error {
	var next *string
	for {
		after, err := token(next)
		if err != nil || aws.ToString(after) == "" {
			return err
		}
		next = after
	}
}

// atOnce is how many goroutines wait for the pacer at a time; it holds back what must be, so that this is only about memory.
const atOnce = 128

// each calls f for 0 … n-1, several at a time, until one fails.
func each(ctx context.Context, n int, f func(ctx context.Context, i int) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for i := range n {
		if ctx.Err() != nil {
			break
		}
		g.Go(func() error { return f(ctx, i) })
	}
	return g.Wait()
}

// together runs all of them at the same time, until one fails.
func together(ctx context.Context, fs ...func(context.Context) error) error {
	return each(ctx, len(fs), func(ctx context.Context, i int) error { return fs[i](ctx) })
}

// Find asks which instance, organization and caller it is. Every method that needs to know calls it; it asks once.
func (c *Client) Find(ctx context.Context) (estate.Instance, error) {
	c.mu.Lock()
	known := c.instance
	c.mu.Unlock()
	if known.ARN != "" {
		return known, nil
	}
	var found []estate.Instance
	var caller, account, management string
	err := together(ctx,
		func(ctx context.Context) error {
			return pages(func(token *string) (*string, error) {
				out, err := do(ctx, c.center, c.admin.ListInstances, &ssoadmin.ListInstancesInput{MaxResults: hundred, NextToken: token})
				if err != nil {
					return nil, err
				}
				for _, i := range out.Instances {
					found = append(found, estate.Instance{ARN: aws.ToString(i.InstanceArn), IdentityStoreID: aws.ToString(i.IdentityStoreId), Owner: aws.ToString(i.OwnerAccountId), Region: c.cfg.Region})
				}
				return out.NextToken, nil
			})
		},
		func(ctx context.Context) error {
			out, err := do(ctx, c.rest, c.sts.GetCallerIdentity, &sts.GetCallerIdentityInput{})
			if err == nil {
				caller, account = aws.ToString(out.Arn), aws.ToString(out.Account)
			}
			return err
		},
		func(ctx context.Context) error {
			out, err := do(ctx, c.orgs, c.organizations.DescribeOrganization, &organizations.DescribeOrganizationInput{})
			if err == nil && out.Organization != nil {
				management = aws.ToString(out.Organization.MasterAccountId)
			}
			return err
		})
	if err != nil && Code(err) == "" && strings.Contains(err.Error(), "get credentials") { // whichever of the calls came first
		err = fmt.Errorf("no AWS credentials that work were found; give --profile, or set up what the AWS CLI uses (%w)", err)
	}
	if err != nil {
		return estate.Instance{}, err
	}
	i, err := c.choose(found, management)
	if err != nil {
		return estate.Instance{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.instance, c.caller, c.callerAccount, c.management = i, caller, account, management
	return i, nil
}

// choose picks the instance that was asked for, or the organization's: permission sets belong to it alone.
func (c *Client) choose(found []estate.Instance, management string) (estate.Instance, error) {
	k := slices.IndexFunc(found, func(i estate.Instance) bool {
		return i.ARN == c.opts.Instance || c.opts.Instance == "" && i.Owner == management
	})
	switch {
	case k >= 0:
		return found[k], nil
	case len(found) == 0:
		return estate.Instance{}, fmt.Errorf("there is no Identity Center instance in region %s that the caller can see; name its region with --region", c.cfg.Region)
	case c.opts.Instance != "":
		return estate.Instance{}, fmt.Errorf("the caller cannot see instance %s in region %s", c.opts.Instance, c.cfg.Region)
	}
	return estate.Instance{}, fmt.Errorf("instance %s belongs to account %s and not to the organization; permission sets are only in the instance of the organization (account %s)", found[0].ARN, found[0].Owner, management)
}

// hundred is the longest page of sso-admin and the identity store, twenty that of Organizations.
var hundred, twenty = aws.Int32(100), aws.Int32(20)
