// Package resource is the resource types that stacks can have: one [cloudformation.Provider] per type, each a thin layer over the
// services that all the other doors use, so that a group made by a template is the very group that SCIM and the Identity Store API see.
//
// Before anything is changed the caller's policies are asked for the actions that the same change would need through the API. What belongs
// to the organization's instance is changed for callers of the account that owns it only.
//
// A step that may have been taken before (Resumed) takes what has its name and was made since the step began for its own work; otherwise
// what has the name already is a conflict.
//
// Start reading at [All]; then a file per service.
package resource

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"maps"
	"strconv"
	"strings"
	"time"

	"gatehouse/internal/access"
	"gatehouse/internal/application"
	"gatehouse/internal/cloudformation"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
	"gatehouse/internal/localiam"
)

// Services are what resources are made with.
type Services struct {
	Access       *access.Service
	Applications *application.Service
	Directory    *directory.Service
	IAM          *localiam.Service
	// Owner is the account (12 digits) that owns the instance and the identity store.
	Owner string
	// Delegate reports whether an account administers the instance on the owner's behalf.
	Delegate func(ctx context.Context, accountID string) (bool, error)
}

// All returns the provider of every resource type.
func All(s Services) []cloudformation.Provider {
	return []cloudformation.Provider{
		permissionSet{s}, assignment{s}, attributes{s}, app{s}, appAssignment{s},
		group{s}, membership{s}, user{s},
		iamRole{s}, iamUser{s}, iamGroup{s}, iamManagedPolicy{s}, iamPolicy{s},
		manager{s}, entitlement{s},
	}
}

type (
	request = cloudformation.Request
	made    = cloudformation.Made
	props   = cloudformation.Properties
)

// ask asks for one action.
func ask(ctx context.Context, r request, action string, resources ...string) error {
	return askWith(ctx, r, action, nil, resources...)
}

// askWith asks for one action with condition keys.
func askWith(ctx context.Context, r request, action string, keys map[string][]string, resources ...string) error {
	all := map[string][]string{"aws:RequestedRegion": {r.Region}}
	maps.Copy(all, keys)
	return r.Caller.Authorize(ctx, cloudformation.Access{Action: action, Resources: resources, Context: all})
}

// askNew asks for making something; if it is made with tags, for tagging it too.
func askNew(ctx context.Context, r request, action, tagging string, tags map[string]string, keys map[string][]string, resource string) error {
	q := cloudformation.Access{Action: action, Resources: []string{resource}, Context: map[string][]string{"aws:RequestedRegion": {r.Region}}, Fresh: true}
	maps.Copy(q.Context, keys)
	if err := r.Caller.Authorize(ctx, q); err != nil || len(tags) == 0 {
		return err
	}
	q.Action = tagging
	return r.Caller.Authorize(ctx, q)
}

// owned refuses callers of accounts that neither own nor administer the instance.
func (s Services) owned(ctx context.Context, r request, action string) error {
	a := r.Caller.Actor()
	if a.AccountID == s.Owner {
		return nil
	}
	ok, err := s.Delegate(ctx, a.AccountID)
	if err == nil && !ok {
		err = fault.New(fault.Denied, "%s is not authorized to perform %s: the instance belongs to another account", a.ID, action)
	}
	return err
}

func str(p props, name string) string {
	s, _ := scalar(p[name])
	return s
}

func scalar(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case cloudformation.Number:
		return string(v), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

func strs(p props, name string) []string {
	l, _ := p[name].([]any)
	var out []string
	for _, v := range l {
		if s, ok := scalar(v); ok {
			out = append(out, s)
		}
	}
	return out
}

func object(v any) props {
	m, _ := v.(map[string]any)
	return m
}

func objects(p props, name string) []props {
	l, _ := p[name].([]any)
	var out []props
	for _, v := range l {
		out = append(out, object(v))
	}
	return out
}

// document is a policy document, given as an object or as text.
func document(p props, name string) (string, error) {
	if s, ok := p[name].(string); ok {
		return s, nil
	}
	if p[name] == nil {
		return "", nil
	}
	return cloudformation.EncodeJSON(p[name])
}

func tags(p props) (map[string]string, error) {
	out := map[string]string{}
	for _, t := range objects(p, "Tags") {
		key := str(t, "Key")
		if _, twice := out[key]; twice {
			return nil, fault.New(fault.Invalid, "the tag %q is given twice", key).At("Tags")
		}
		out[key] = str(t, "Value")
	}
	return out, nil
}

// tagKeys are the condition keys of tags in a request.
func tagKeys(t map[string]string) map[string][]string {
	if len(t) == 0 {
		return nil
	}
	out := map[string][]string{}
	for k, v := range t {
		out["aws:RequestTag/"+k] = []string{v}
		out["aws:TagKeys"] = append(out["aws:TagKeys"], k)
	}
	return out
}

// name is what a resource without a name is called: the stack's name, the logical id, and twelve characters, the same each time the step
// is taken.
func name(r request, most int) string {
	h := sha256.Sum256([]byte(r.Token))
	end := "-" + base32.StdEncoding.EncodeToString(h[:])[:12]
	base := r.StackName + "-" + r.LogicalID
	if len(base) > most-len(end) {
		base = base[:most-len(end)]
	}
	return base + end
}

func nameOr(r request, property string, most int) string {
	if n := str(r.New, property); n != "" {
		return n
	}
	return name(r, most)
}

// ours reports whether what was found is what an earlier attempt of the same step made.
func ours(r request, createdAt time.Time) bool { return r.Resumed && !createdAt.Before(r.Since) }

// gone makes «not there» a success.
func gone(err error) error {
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

// halves divides a physical id of two parts.
func halves(id string) (string, string) {
	a, b, _ := strings.Cut(id, "|")
	return a, b
}

// without returns what is in a and not in b.
func without(a, b []string) []string {
	have := map[string]bool{}
	for _, s := range b {
		have[s] = true
	}
	var out []string
	for _, s := range a {
		if !have[s] {
			out = append(out, s)
		}
	}
	return out
}

// untilDone asks again and again until something has ended: at most five minutes.
func untilDone(ctx context.Context, look func() (bool, error)) error {
	deadline := time.Now().Add(5 * time.Minute) // a real clock: it bounds waiting, and is not shown
	for wait := 5 * time.Millisecond; ; wait = min(2*wait, 250*time.Millisecond) {
		done, err := look()
		if done || err != nil {
			return err
		}
		if time.Now().After(deadline) {
			return fault.New(fault.Conflict, "the change did not end in time")
		}
		select {
		case <-ctx.Done():
			return fault.New(fault.Unavailable, "interrupted").Because(ctx.Err())
		case <-time.After(wait):
		}
	}
}
