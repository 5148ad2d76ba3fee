// Package accountaccess is the door of the account access manager's API (rest-json, account-access): managers, which the API calls applications, and
// entitlements of users and groups to roles that accounts made themselves.
//
// It owns nothing. It turns wire shapes into nouns of package access and back, and lets its Service decide. What is the API's own, and
// therefore here: ARNs, page tokens, times as text, and that what is deleted twice was deleted.
//
// Who gets in: principals of the account that owns the instance, and of accounts registered as delegated administrators of
// account-access.amazonaws.com, to everything but making and deleting managers. What somebody who gets in may do, policies decide.
//
// Start reading at [Door.Service], the table.
package accountaccess

import (
	"context"

	"gatehouse/internal/access"
	"gatehouse/internal/arn"
	"gatehouse/internal/awswire"
	"gatehouse/internal/fault"
	"gatehouse/internal/organization"
)

// Door answers the API. P is the type of an authenticated principal.
type Door[P any] struct{ Config }

// Config is what a Door is made of.
type Config struct {
	Access *access.Service
	// Accounts tells what accounts are called.
	Accounts *organization.Service
	// Owner is the account (12 digits) that owns the instance.
	Owner string
	// Delegate reports whether another account administers account access beside the owner. Nil for none.
	Delegate func(ctx context.Context, accountID string) (bool, error)
}

// New returns a door.
func New[P any](c Config) *Door[P] { return &Door[P]{c} }

// Service returns the table of operations.
func (d *Door[P]) Service() awswire.Service[P] {
	return awswire.Service[P]{Model: &model, Errors: wireError, Operations: []awswire.Operation[P]{
		awswire.Op("CreateApplication", "account-access:CreateApplication", onNew[P], d.createApplication),
		row(d, "GetApplication", d.getApplication),
		row(d, "DeleteApplication", d.deleteApplication),
		awswire.Op("ListApplications", "account-access:ListApplications", nil, d.listApplications),

		row(d, "CreateEntitlement", d.createEntitlement),
		row(d, "GetEntitlement", d.getEntitlement),
		row(d, "DeleteEntitlement", d.deleteEntitlement),
		row(d, "ListEntitlements", d.listEntitlements),

		row(d, "TagResource", d.tag),
		row(d, "UntagResource", d.untag),
		row(d, "ListTagsForResource", d.listTags),
	}}
}

// namer says which manager an input is about.
type namer interface{ manager() *string }

func (in *GetApplicationRequest) manager() *string      { return in.ApplicationArn }
func (in *DeleteApplicationRequest) manager() *string   { return in.ApplicationArn }
func (in *CreateEntitlementRequest) manager() *string   { return in.ApplicationArn }
func (in *GetEntitlementRequest) manager() *string      { return in.ApplicationArn }
func (in *DeleteEntitlementRequest) manager() *string   { return in.ApplicationArn }
func (in *ListEntitlementsRequest) manager() *string    { return in.ApplicationArn }
func (in *TagResourceRequest) manager() *string         { return in.ResourceArn }
func (in *UntagResourceRequest) manager() *string       { return in.ResourceArn }
func (in *ListTagsForResourceRequest) manager() *string { return in.ResourceArn }

// tagged says which tags an input sets and which it takes away, for the condition keys.
type tagged interface {
	tags() (map[string]string, []string)
}

func (in *CreateApplicationRequest) tags() (map[string]string, []string) { return in.Tags, nil }
func (in *TagResourceRequest) tags() (map[string]string, []string)       { return in.Tags, nil }
func (in *UntagResourceRequest) tags() (map[string]string, []string)     { return nil, in.TagKeys }

// row is an operation on one manager. Its action bears its name.
func row[P, In, Out any, I interface {
	*In
	awswire.Checker
	namer
}](d *Door[P], name string, handle func(context.Context, *awswire.Call[P], arn.Manager, I) (*Out, error)) awswire.Operation[P] {
	return awswire.Op(name, "account-access:"+name,
		func(_ context.Context, _ *awswire.Call[P], in I) (awswire.Target, error) {
			n, err := arn.ParseManager(*in.manager())
			if err != nil {
				return awswire.Target{}, err
			}
			t := awswire.Target{Resources: []string{n.String()}, Context: map[string][]string{}}
			if in, ok := any(in).(tagged); ok {
				requestTags(t.Context, in)
			}
			return t, nil
		},
		func(ctx context.Context, c *awswire.Call[P], in I) (*Out, error) {
			n, err := arn.ParseManager(*in.manager())
			if err != nil {
				return nil, err
			}
			return handle(ctx, c, n, in)
		})
}

func requestTags(keys map[string][]string, in tagged) {
	set, remove := in.tags()
	for k, v := range set {
		keys["aws:RequestTag/"+k] = []string{v}
		keys["aws:TagKeys"] = append(keys["aws:TagKeys"], k)
	}
	keys["aws:TagKeys"] = append(keys["aws:TagKeys"], remove...)
	if len(keys["aws:TagKeys"]) == 0 {
		delete(keys, "aws:TagKeys")
	}
}

// onNew: a manager that is not there yet has no ARN.
func onNew[P any](_ context.Context, _ *awswire.Call[P], in *CreateApplicationRequest) (awswire.Target, error) {
	t := awswire.Target{Context: map[string][]string{}}
	requestTags(t.Context, in)
	return t, nil
}

// wireError gives the second manager of an instance its own name.
func wireError(_ string, err error, e awswire.WireError) awswire.WireError {
	if f := fault.Of(err); f.Kind == fault.Conflict && f.Reason == "already-created" {
		e.Code = "AlreadyCreatedException"
	}
	return e
}
