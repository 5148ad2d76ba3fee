package iam

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"gatehouse/internal/localiam"
)

// counting is a store that counts how often it is asked about the use of policies.
type counting struct {
	localiam.Store
	reads atomic.Int64
}

func (c *counting) PolicyUses(ctx context.Context, account string, arns []string) (map[string]localiam.PolicyUse, error) {
	c.reads.Add(1)
	return c.Store.PolicyUses(ctx, account, arns)
}

func (c *counting) AttachedPolicies(ctx context.Context, account, begin, after string, limit int) ([]string, error) {
	c.reads.Add(1)
	return c.Store.AttachedPolicies(ctx, account, begin, after, limit)
}

// TestAttachedPolicies: which policies somebody has, by every filter and in pages of every size, and that a page costs a few reads and not one for each policy.
func TestAttachedPolicies(t *testing.T) {
	t.Parallel()
	store := &counting{}
	b := newBench(t, func(c *localiam.Config) { store.Store, c.Store = c.Store, store })
	const aws, local = "arn:aws:iam::aws:policy/", "arn:aws:iam::" + account + ":policy"
	for i := range 12 {
		path := []string{"/", "/team/", "/teams/"}[i%3]
		b.do("CreatePolicy", "PolicyName", fmt.Sprintf("P%02d", i), "Path", path, "PolicyDocument", readS3)
	}
	b.do("CreateRole", "RoleName", "r", "AssumeRolePolicyDocument", trustSelf, "PermissionsBoundary", local+"/team/P04")
	for _, arn := range []string{local + "/P09", local + "/team/P01", local + "/team/P04", local + "/teams/P02", aws + "ReadOnlyAccess", aws + "job-function/ViewOnlyAccess"} {
		b.do("AttachRolePolicy", "RoleName", "r", "PolicyArn", arn)
	}
	b.do("CreateRole", "RoleName", "bounded", "AssumeRolePolicyDocument", trustSelf, "PermissionsBoundary", aws+"PowerUserAccess")
	for _, c := range []struct {
		name, want string
		pairs      []string
	}{
		{"attached", "AdministratorAccess PowerUserAccess ReadOnlyAccess ViewOnlyAccess P09 P01 P04 P02", []string{"OnlyAttached", "true"}},
		{"attached of AWS's", "AdministratorAccess PowerUserAccess ReadOnlyAccess ViewOnlyAccess", []string{"OnlyAttached", "true", "Scope", "AWS"}},
		{"attached of the account's", "P09 P01 P04 P02", []string{"OnlyAttached", "true", "Scope", "Local"}},
		{"attached below a path", "P01 P04", []string{"OnlyAttached", "true", "PathPrefix", "/team/"}},
		{"attached below a path of AWS's", "ViewOnlyAccess", []string{"OnlyAttached", "true", "PathPrefix", "/job-function/"}},
		{"boundaries", "PowerUserAccess P04", []string{"PolicyUsageFilter", "PermissionsBoundary"}},
		{"permissions policies", "AdministratorAccess ReadOnlyAccess ViewOnlyAccess P09 P01 P04 P02", []string{"PolicyUsageFilter", "PermissionsPolicy"}},
		{"all of the account's", "P00 P01 P02 P03 P04 P05 P06 P07 P08 P09 P10 P11", []string{"Scope", "Local"}},
	} {
		for _, size := range []string{"1", "2", "3", "100"} {
			var got []string
			for marker := ""; ; {
				pairs := slices.Concat(c.pairs, []string{"MaxItems", size})
				if marker != "" {
					pairs = append(pairs, "Marker", marker)
				}
				before := store.reads.Load()
				body := b.do("ListPolicies", pairs...)
				if n := store.reads.Load() - before; n > 8 {
					t.Errorf("%s, pages of %s: a page cost %d reads", c.name, size, n)
				}
				got = append(got, all(body, "PolicyName")...)
				if marker = first(body, "Marker"); first(body, "IsTruncated") == "false" {
					break
				}
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("%s, pages of %s: %v, want %s", c.name, size, got, c.want)
			}
		}
	}
	before := store.reads.Load()
	body := b.do("GetAccountAuthorizationDetails", "Filter.member.1", "AWSManagedPolicy", "Filter.member.2", "LocalManagedPolicy")
	if n := store.reads.Load() - before; n > 4 {
		t.Errorf("telling all policies cost %d reads", n)
	}
	if got := all(body, "AttachmentCount"); len(got) != 12+4 {
		t.Errorf("%d policies are told, want 16: %s", len(got), body)
	}
}
