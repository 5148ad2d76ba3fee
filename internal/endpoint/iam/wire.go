package iam

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"gatehouse/internal/arn"
	"gatehouse/internal/awswire"
	"gatehouse/internal/fault"
	"gatehouse/internal/localiam"
)

// encoded percent-encodes a document as IAM does in answers (RFC 3986: a space is %20).
func encoded(document string) *string {
	return new(strings.ReplaceAll(url.QueryEscape(document), "+", "%20"))
}

// wireRole writes a role; its trust policy names principals that are gone by their unique ids.
func (d *Door) wireRole(ctx context.Context, r localiam.Role) (*Role, error) {
	trust, err := d.iam.ShownTrust(ctx, r)
	return &Role{
		Path: &r.Path, RoleName: &r.Name, RoleId: &r.ID, Arn: new(r.ARN()), CreateDate: awswire.At(r.CreatedAt),
		AssumeRolePolicyDocument: encoded(trust), Description: awswire.Opt(r.Description), MaxSessionDuration: new(int32(r.MaxSessionDuration / time.Second)),
		PermissionsBoundary: boundary(r.BoundaryARN), Tags: wireTags(r.Tags), RoleLastUsed: &RoleLastUsed{},
	}, err
}

func wireUser(u localiam.User) *User {
	return &User{
		Path: &u.Path, UserName: &u.Name, UserId: &u.ID, Arn: new(u.ARN()), CreateDate: awswire.At(u.CreatedAt),
		PermissionsBoundary: boundary(u.BoundaryARN), Tags: wireTags(u.Tags),
	}
}

func boundary(policyARN string) *AttachedPermissionsBoundary {
	if policyARN == "" {
		return nil
	}
	return &AttachedPermissionsBoundary{PermissionsBoundaryType: new("PermissionsBoundaryPolicy"), PermissionsBoundaryArn: &policyARN}
}

// wireTags returns the tags in the order of their keys; nil when there are none.
func wireTags(tags map[string]string) []Tag {
	var out []Tag
	for k, v := range tags {
		out = append(out, Tag{&k, &v})
	}
	slices.SortFunc(out, func(a, b Tag) int { return strings.Compare(*a.Key, *b.Key) })
	return out
}

// tags reads tags; a key that occurs twice is refused.
func tags(in []Tag) (map[string]string, error) {
	if len(in) == 0 {
		return nil, nil
	}
	out := make(map[string]string, len(in))
	for _, t := range in {
		if _, twice := out[*t.Key]; twice {
			return nil, fault.New(fault.Invalid, "Duplicate tag keys found. Please note that Tag keys are case insensitive.").At("Tags")
		}
		out[*t.Key] = *t.Value
	}
	return out, nil
}

// policyNameOf is the last part of a policy's ARN.
func policyNameOf(policyARN string) string {
	a, err := arn.Parse(policyARN)
	if err != nil {
		return policyARN
	}
	return a.Resource[strings.LastIndexByte(a.Resource, '/')+1:]
}

// page is one page of a list: what came before, how much, and how a marker is made for it.
type page struct {
	after string
	limit int
	what  []string
}

// maxPage is one less than the most that can be read at once, because one more than a page is read.
const maxPage = 999

// listing reads Marker and MaxItems. what is the operation and every parameter that selects what is listed.
func listing(marker *string, maxItems *int32, what ...string) (page, error) {
	p := page{limit: 100, what: what}
	if maxItems != nil {
		p.limit = min(int(*maxItems), maxPage)
	}
	var err error
	p.after, err = awswire.Cursor(marker, what...)
	return p, err
}

// onePage refuses the marker of a list that never has a second page: none was ever given out.
func onePage(marker *string, what string) error {
	_, err := awswire.Cursor(marker, what)
	if err == nil && marker != nil {
		err = fault.New(fault.Invalid, "%s gives out no markers.", what).At("NextToken")
	}
	return err
}

// cut keeps a page of items and says whether there are more; key is an item's place in the list. items must have been read with
// one more than the limit.
func cut[V any](p page, items []V, key func(V) string) (kept []V, truncated *bool, marker *string) {
	if len(items) <= p.limit {
		return items, new(false), nil
	}
	kept = items[:p.limit]
	return kept, new(true), awswire.PageToken(key(kept[len(kept)-1]), p.what...)
}

// sorted returns those strings of a sorted list that come after the page's place, one more than its limit at most.
func (p page) sorted(all []string) []string {
	i, _ := slices.BinarySearch(all, p.after+"\x00")
	if p.after == "" {
		i = 0
	}
	return all[i:min(len(all), i+p.limit+1)]
}

func same(s string) string { return s }

// rest returns those of a short list that come after the page's place in the order of their keys.
func rest[V any](p page, all []V, key func(V) string) []V {
	out := slices.DeleteFunc(slices.Clone(all), func(v V) bool { return p.after != "" && key(v) <= p.after })
	slices.SortFunc(out, func(a, b V) int { return strings.Compare(key(a), key(b)) })
	return out
}

// wire converts a list; it is never nil, so that an empty list has its element.
func wire[A, B any](in []A, f func(A) *B) []B {
	out := make([]B, 0, len(in))
	for _, a := range in {
		out = append(out, *f(a))
	}
	return out
}
