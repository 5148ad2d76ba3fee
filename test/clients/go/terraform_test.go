package clients

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/identitystore"
	"github.com/aws/aws-sdk-go-v2/service/identitystore/document"
	store "github.com/aws/aws-sdk-go-v2/service/identitystore/types"
	"github.com/aws/aws-sdk-go-v2/service/ssoadmin"
	"github.com/aws/aws-sdk-go-v2/service/ssoadmin/types"
)

// The tests of this file make the calls that Terraform's AWS provider makes for its ssoadmin and identitystore resources, in its order, with the
// SDK it uses, and look at what comes back as its plan does: an attribute that is read otherwise than it was configured would be a difference for
// ever. Its waiting times before the first poll (5 to 15 s) are left out.

// attributes are a resource's as a plan compares them. An absent one and an empty one are the same, as in the provider's schema.
type attributes map[string]string

func (a attributes) set(name string, v *string) {
	if s := aws.ToString(v); s != "" {
		a[name] = s
	}
}

// resource is a resource under Terraform's life cycle.
type resource struct {
	name string
	// configs are the configurations it goes through: created with the first, updated to the others.
	configs []attributes
	// create returns the id; read everything it finds of an id, nil when it is gone.
	create func(attributes) (id string, err error)
	read   func(id string) (attributes, error)
	update func(id string, from, to attributes) error
	remove func(id string) error
	// computed are attributes that no configuration has.
	computed []string
}

// live takes a resource through its life: apply, plan, update, import, destroy.
func (w *world) live(r resource) {
	w.Helper()
	w.Run(r.name, func(t *testing.T) {
		w := &world{T: t, cfg: w.cfg, admin: w.admin, people: w.people, orgs: w.orgs, iam: w.iam, sts: w.sts, stacks: w.stacks, instance: w.instance, store: w.store}
		id, err := r.create(r.configs[0])
		w.ok(err)
		var computed attributes
		for i, config := range r.configs {
			if i > 0 {
				w.ok(r.update(id, r.configs[i-1], config))
			}
			for _, when := range []string{"after applying", "planning again"} {
				got := must(r.read(id))(w)
				if got == nil {
					w.Fatalf("configuration %d, %s: it is not found", i, when)
				}
				for _, name := range r.computed {
					if got[name] == "" {
						w.Errorf("configuration %d, %s: the computed %s is empty", i, when, name)
					}
					if computed != nil && name != "status" && computed[name] != got[name] {
						w.Errorf("configuration %d, %s: the computed %s changed from %q to %q", i, when, name, computed[name], got[name])
					}
				}
				computed = maps.Clone(got)
				for _, name := range r.computed {
					delete(got, name)
				}
				if d := difference(config, got); d != "" {
					w.Errorf("configuration %d, %s, there is a difference:\n%s", i, when, d)
				}
			}
		}
		w.ok(r.remove(id))
		if got, err := r.read(id); err != nil || got != nil {
			w.Errorf("after the destruction: %v, %v", got, err)
		}
	})
}

func difference(want, got attributes) string {
	var b strings.Builder
	names := map[string]bool{}
	for n := range want {
		names[n] = true
	}
	for n := range got {
		names[n] = true
	}
	for _, n := range slices.Sorted(maps.Keys(names)) {
		if want[n] != got[n] {
			fmt.Fprintf(&b, "  ~ %s: configured %q, read %q\n", n, want[n], got[n])
		}
	}
	return b.String()
}

// opt is an argument that is left out when it is empty.
func opt(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// gone is the provider's deletion: what is not there is deleted.
func gone(err error) error {
	if absent(err) {
		return nil
	}
	return err
}

// provision re-provisions a set in all accounts, as the provider does after each change, and waits.
func (w *world) provision(set string) error {
	out, err := w.admin.ProvisionPermissionSet(w.Context(), &ssoadmin.ProvisionPermissionSetInput{InstanceArn: &w.instance, PermissionSetArn: &set, TargetType: types.ProvisionTargetTypeAllProvisionedAccounts})
	if err != nil {
		return err
	}
	var last *types.PermissionSetProvisioningStatus
	w.until("provisioning", func(ctx context.Context) bool {
		d := must(w.admin.DescribePermissionSetProvisioningStatus(ctx, &ssoadmin.DescribePermissionSetProvisioningStatusInput{InstanceArn: &w.instance, ProvisionPermissionSetRequestId: out.PermissionSetProvisioningStatus.RequestId}))(w)
		last = d.PermissionSetProvisioningStatus
		return last.Status != types.StatusValuesInProgress
	})
	if last.Status != types.StatusValuesSucceeded {
		return fmt.Errorf("provisioning: %s %s", last.Status, aws.ToString(last.FailureReason))
	}
	return nil
}

// tags reads a resource's tags into attributes.
func (w *world) tags(a attributes, arn string) error {
	pages := ssoadmin.NewListTagsForResourcePaginator(w.admin, &ssoadmin.ListTagsForResourceInput{ResourceArn: &arn, InstanceArn: &w.instance})
	for pages.HasMorePages() {
		page, err := pages.NextPage(w.Context())
		if err != nil {
			return err
		}
		for _, t := range page.Tags {
			a["tags."+*t.Key] = *t.Value
		}
	}
	return nil
}

func tagsOf(a attributes) (out []types.Tag) {
	for name, v := range a {
		if key, ok := strings.CutPrefix(name, "tags."); ok {
			out = append(out, types.Tag{Key: &key, Value: &v})
		}
	}
	return out
}

// retag removes the tags that went, then sets those that came or changed.
func (w *world) retag(arn string, from, to attributes) error {
	var removed []string
	for name := range from {
		if key, ok := strings.CutPrefix(name, "tags."); ok && to[name] == "" {
			removed = append(removed, key)
		}
	}
	if len(removed) > 0 {
		if _, err := w.admin.UntagResource(w.Context(), &ssoadmin.UntagResourceInput{ResourceArn: &arn, InstanceArn: &w.instance, TagKeys: removed}); err != nil {
			return err
		}
	}
	if changed := tagsOf(to); len(changed) > 0 {
		_, err := w.admin.TagResource(w.Context(), &ssoadmin.TagResourceInput{ResourceArn: &arn, InstanceArn: &w.instance, Tags: changed})
		return err
	}
	return nil
}

func TestTerraformPermissionSet(t *testing.T) {
	w := newWorld(t)
	name := "TerraformSet"
	w.live(resource{
		name: "aws_ssoadmin_permission_set",
		configs: []attributes{
			{"name": name, "description": "An example", "relay_state": "https://s3.console.aws.amazon.com/s3/home?region=us-east-1#", "session_duration": "PT2H", "tags.team": "a", "tags.cost": "1"},
			{"name": name, "description": "An example", "session_duration": "PT90M", "tags.team": "b"},
			{"name": name, "relay_state": "https://example.com", "session_duration": "PT1H"},
			{"name": name, "description": "tab\tand é", "session_duration": "PT12H", "tags.empty.key": "v"},
		},
		computed: []string{"arn", "created_date"},
		create: func(c attributes) (string, error) {
			out, err := w.admin.CreatePermissionSet(w.Context(), &ssoadmin.CreatePermissionSetInput{InstanceArn: &w.instance, Name: opt(c["name"]), Description: opt(c["description"]),
				RelayState: opt(c["relay_state"]), SessionDuration: opt(c["session_duration"]), Tags: tagsOf(c)})
			if err != nil {
				return "", err
			}
			return *out.PermissionSet.PermissionSetArn + "," + w.instance, nil
		},
		read: func(id string) (attributes, error) {
			arn, instance, _ := strings.Cut(id, ",")
			return w.readSet(arn, instance)
		},
		update: func(id string, from, to attributes) error {
			arn, instance, _ := strings.Cut(id, ",")
			_, err := w.admin.UpdatePermissionSet(w.Context(), &ssoadmin.UpdatePermissionSetInput{InstanceArn: &instance, PermissionSetArn: &arn, Description: opt(to["description"]),
				RelayState: opt(to["relay_state"]), SessionDuration: opt(to["session_duration"])})
			if err != nil {
				return err
			}
			if err := w.provision(arn); err != nil {
				return err
			}
			return w.retag(arn, from, to)
		},
		remove: func(id string) error {
			arn, instance, _ := strings.Cut(id, ",")
			for range 2 { // the second finds it gone
				if _, err := w.admin.DeletePermissionSet(w.Context(), &ssoadmin.DeletePermissionSetInput{InstanceArn: &instance, PermissionSetArn: &arn}); gone(err) != nil {
					return err
				}
			}
			return nil
		},
	})
}

func (w *world) readSet(arn, instance string) (attributes, error) {
	out, err := w.admin.DescribePermissionSet(w.Context(), &ssoadmin.DescribePermissionSetInput{InstanceArn: &instance, PermissionSetArn: &arn})
	if err != nil {
		return nil, gone(err)
	}
	s, a := out.PermissionSet, attributes{}
	a.set("arn", s.PermissionSetArn)
	a["created_date"] = s.CreatedDate.Format(time.RFC3339) // not checked for nil: the provider does not either
	a.set("name", s.Name)
	a.set("description", s.Description)
	a.set("relay_state", s.RelayState)
	a.set("session_duration", s.SessionDuration)
	return a, w.tags(a, arn)
}

// set makes a permission set for the resources that hang on one.
func (w *world) set(name string) string {
	w.Helper()
	out := must(w.admin.CreatePermissionSet(w.Context(), &ssoadmin.CreatePermissionSetInput{InstanceArn: &w.instance, Name: &name}))(w)
	arn := *out.PermissionSet.PermissionSetArn
	w.Cleanup(func() {
		if _, err := w.admin.DeletePermissionSet(context.Background(), &ssoadmin.DeletePermissionSetInput{InstanceArn: &w.instance, PermissionSetArn: &arn}); err != nil {
			w.Error(err)
		}
	})
	return arn
}

func TestTerraformPartsOfAPermissionSet(t *testing.T) {
	w := newWorld(t)
	set := w.set("TerraformParts")
	for _, text := range []string{
		`{"Statement":[{"Action":["s3:ListAllMyBuckets","s3:GetBucketLocation"],"Effect":"Allow","Resource":"arn:aws:s3:::*","Sid":"1"}],"Version":"2012-10-17"}`,
		`{"Statement":[{"Action":"*","Condition":{"StringEquals":{"aws:PrincipalTag/team":["b","a"]}},"Effect":"Deny","NotResource":["*"]}],"Version":"2012-10-17"}`,
	} {
		w.live(resource{
			name:    "aws_ssoadmin_permission_set_inline_policy",
			configs: []attributes{{"inline_policy": text}, {"inline_policy": strings.Replace(text, "2012-10-17", "2008-10-17", 1)}},
			create: func(c attributes) (string, error) {
				_, err := w.admin.PutInlinePolicyToPermissionSet(w.Context(), &ssoadmin.PutInlinePolicyToPermissionSetInput{InstanceArn: &w.instance, PermissionSetArn: &set, InlinePolicy: opt(c["inline_policy"])})
				if err != nil {
					return "", err
				}
				return set, w.provision(set)
			},
			read: func(id string) (attributes, error) {
				out, err := w.admin.GetInlinePolicyForPermissionSet(w.Context(), &ssoadmin.GetInlinePolicyForPermissionSetInput{InstanceArn: &w.instance, PermissionSetArn: &id})
				if err != nil || aws.ToString(out.InlinePolicy) == "" { // an empty one counts as none
					return nil, gone(err)
				}
				return attributes{"inline_policy": *out.InlinePolicy}, nil
			},
			update: func(id string, _, to attributes) error {
				_, err := w.admin.PutInlinePolicyToPermissionSet(w.Context(), &ssoadmin.PutInlinePolicyToPermissionSetInput{InstanceArn: &w.instance, PermissionSetArn: &id, InlinePolicy: opt(to["inline_policy"])})
				if err != nil {
					return err
				}
				return w.provision(id)
			},
			remove: func(id string) error {
				if _, err := w.admin.DeleteInlinePolicyFromPermissionSet(w.Context(), &ssoadmin.DeleteInlinePolicyFromPermissionSetInput{InstanceArn: &w.instance, PermissionSetArn: &id}); err != nil {
					return gone(err)
				}
				return w.provision(id)
			},
		})
	}
	managed := func(arn string) *types.AttachedManagedPolicy {
		pages := ssoadmin.NewListManagedPoliciesInPermissionSetPaginator(w.admin, &ssoadmin.ListManagedPoliciesInPermissionSetInput{InstanceArn: &w.instance, PermissionSetArn: &set, MaxResults: aws.Int32(1)})
		for pages.HasMorePages() {
			for _, p := range must(pages.NextPage(w.Context()))(w).AttachedManagedPolicies {
				if aws.ToString(p.Arn) == arn {
					return &p
				}
			}
		}
		return nil
	}
	for _, arn := range []string{"arn:aws:iam::aws:policy/AlexaForBusinessDeviceSetup", "arn:aws:iam::aws:policy/job-function/ViewOnlyAccess", "arn:aws:iam::aws:policy/ReadOnlyAccess"} {
		if _, err := w.admin.AttachManagedPolicyToPermissionSet(w.Context(), &ssoadmin.AttachManagedPolicyToPermissionSetInput{InstanceArn: &w.instance, PermissionSetArn: &set, ManagedPolicyArn: &arn}); absent(err) {
			w.Logf("%s does not exist here; load it from a directory", arn)
			continue
		} else {
			w.ok(err)
		}
		must(w.admin.DetachManagedPolicyFromPermissionSet(w.Context(), &ssoadmin.DetachManagedPolicyFromPermissionSetInput{InstanceArn: &w.instance, PermissionSetArn: &set, ManagedPolicyArn: &arn}))(w)
		w.live(resource{
			name:     "aws_ssoadmin_managed_policy_attachment",
			configs:  []attributes{{"managed_policy_arn": arn}},
			computed: []string{"managed_policy_name"},
			create: func(c attributes) (string, error) {
				if managed(arn) != nil {
					return "", fmt.Errorf("%s is attached already", arn)
				}
				if _, err := w.admin.AttachManagedPolicyToPermissionSet(w.Context(), &ssoadmin.AttachManagedPolicyToPermissionSetInput{InstanceArn: &w.instance, PermissionSetArn: &set, ManagedPolicyArn: &arn}); err != nil {
					return "", err
				}
				return arn, w.provision(set)
			},
			read: func(id string) (attributes, error) {
				p := managed(id)
				if p == nil {
					return nil, nil
				}
				return attributes{"managed_policy_arn": *p.Arn, "managed_policy_name": *p.Name}, nil
			},
			remove: func(id string) error {
				if _, err := w.admin.DetachManagedPolicyFromPermissionSet(w.Context(), &ssoadmin.DetachManagedPolicyFromPermissionSetInput{InstanceArn: &w.instance, PermissionSetArn: &set, ManagedPolicyArn: &id}); err != nil {
					return gone(err)
				}
				return w.provision(set)
			},
		})
	}
	for _, ref := range []types.CustomerManagedPolicyReference{{Name: aws.String("example"), Path: aws.String("/")}, {Name: aws.String("example"), Path: aws.String("/team/a/")}} {
		w.live(resource{
			name:    "aws_ssoadmin_customer_managed_policy_attachment",
			configs: []attributes{{"name": *ref.Name, "path": *ref.Path}},
			create: func(attributes) (string, error) {
				_, err := w.admin.AttachCustomerManagedPolicyReferenceToPermissionSet(w.Context(), &ssoadmin.AttachCustomerManagedPolicyReferenceToPermissionSetInput{InstanceArn: &w.instance, PermissionSetArn: &set, CustomerManagedPolicyReference: &ref})
				if err != nil {
					return "", err
				}
				return *ref.Name + "," + *ref.Path, w.provision(set)
			},
			read: func(id string) (attributes, error) {
				pages := ssoadmin.NewListCustomerManagedPolicyReferencesInPermissionSetPaginator(w.admin, &ssoadmin.ListCustomerManagedPolicyReferencesInPermissionSetInput{InstanceArn: &w.instance, PermissionSetArn: &set})
				for pages.HasMorePages() {
					for _, p := range must(pages.NextPage(w.Context()))(w).CustomerManagedPolicyReferences {
						if aws.ToString(p.Name)+","+aws.ToString(p.Path) == id {
							return attributes{"name": *p.Name, "path": *p.Path}, nil
						}
					}
				}
				return nil, nil
			},
			remove: func(string) error {
				if _, err := w.admin.DetachCustomerManagedPolicyReferenceFromPermissionSet(w.Context(), &ssoadmin.DetachCustomerManagedPolicyReferenceFromPermissionSetInput{InstanceArn: &w.instance, PermissionSetArn: &set, CustomerManagedPolicyReference: &ref}); err != nil {
					return gone(err)
				}
				return w.provision(set)
			},
		})
	}
	for _, b := range []types.PermissionsBoundary{{ManagedPolicyArn: aws.String("arn:aws:iam::aws:policy/ReadOnlyAccess")}, {CustomerManagedPolicyReference: &types.CustomerManagedPolicyReference{Name: aws.String("edge"), Path: aws.String("/")}}} {
		flat := func(b *types.PermissionsBoundary) attributes {
			a := attributes{}
			if a.set("managed_policy_arn", b.ManagedPolicyArn); b.CustomerManagedPolicyReference != nil {
				a.set("name", b.CustomerManagedPolicyReference.Name)
				a.set("path", b.CustomerManagedPolicyReference.Path)
			}
			return a
		}
		w.live(resource{
			name:    "aws_ssoadmin_permissions_boundary_attachment",
			configs: []attributes{flat(&b)},
			create: func(attributes) (string, error) {
				if _, err := w.admin.PutPermissionsBoundaryToPermissionSet(w.Context(), &ssoadmin.PutPermissionsBoundaryToPermissionSetInput{InstanceArn: &w.instance, PermissionSetArn: &set, PermissionsBoundary: &b}); err != nil {
					return "", err
				}
				return set, w.provision(set)
			},
			read: func(id string) (attributes, error) {
				out, err := w.admin.GetPermissionsBoundaryForPermissionSet(w.Context(), &ssoadmin.GetPermissionsBoundaryForPermissionSetInput{InstanceArn: &w.instance, PermissionSetArn: &id})
				if err != nil || out.PermissionsBoundary == nil {
					return nil, gone(err)
				}
				return flat(out.PermissionsBoundary), nil
			},
			remove: func(id string) error {
				if _, err := w.admin.DeletePermissionsBoundaryFromPermissionSet(w.Context(), &ssoadmin.DeletePermissionsBoundaryFromPermissionSetInput{InstanceArn: &w.instance, PermissionSetArn: &id}); err != nil {
					return gone(err)
				}
				return w.provision(id)
			},
		})
	}
}

func TestTerraformAccountAssignment(t *testing.T) {
	w := newWorld(t)
	set, account := w.set("TerraformAssigned"), w.account("terraform-assigned")
	user, group := w.user("terraform-assigned"), w.group("TerraformAssigned")
	for _, c := range []attributes{{"principal_type": "USER", "principal_id": user}, {"principal_type": "GROUP", "principal_id": group}} {
		c["target_id"], c["permission_set_arn"] = account, set
		find := func() attributes {
			pages := ssoadmin.NewListAccountAssignmentsPaginator(w.admin, &ssoadmin.ListAccountAssignmentsInput{InstanceArn: &w.instance, AccountId: &account, PermissionSetArn: &set})
			for pages.HasMorePages() {
				for _, a := range must(pages.NextPage(w.Context()))(w).AccountAssignments {
					if *a.PrincipalId == c["principal_id"] && string(a.PrincipalType) == c["principal_type"] {
						return attributes{"principal_type": string(a.PrincipalType), "principal_id": *a.PrincipalId, "target_id": *a.AccountId, "permission_set_arn": *a.PermissionSetArn}
					}
				}
			}
			return nil
		}
		w.live(resource{
			name:    "aws_ssoadmin_account_assignment",
			configs: []attributes{c},
			create: func(attributes) (string, error) {
				if find() != nil {
					return "", fmt.Errorf("it is there already")
				}
				out, err := w.admin.CreateAccountAssignment(w.Context(), &ssoadmin.CreateAccountAssignmentInput{InstanceArn: &w.instance, PermissionSetArn: &set, TargetId: &account, TargetType: types.TargetTypeAwsAccount,
					PrincipalId: opt(c["principal_id"]), PrincipalType: types.PrincipalType(c["principal_type"])})
				if err != nil {
					return "", err
				}
				var s *types.AccountAssignmentOperationStatus
				w.until("the assignment", func(ctx context.Context) bool {
					s = must(w.admin.DescribeAccountAssignmentCreationStatus(ctx, &ssoadmin.DescribeAccountAssignmentCreationStatusInput{InstanceArn: &w.instance, AccountAssignmentCreationRequestId: out.AccountAssignmentCreationStatus.RequestId}))(w).AccountAssignmentCreationStatus
					return s.Status != types.StatusValuesInProgress
				})
				if s.Status != types.StatusValuesSucceeded {
					return "", fmt.Errorf("%s %s", s.Status, aws.ToString(s.FailureReason))
				}
				return "id", nil
			},
			read: func(string) (attributes, error) { return find(), nil },
			remove: func(string) error {
				in := &ssoadmin.DeleteAccountAssignmentInput{InstanceArn: &w.instance, PermissionSetArn: &set, TargetId: &account, TargetType: types.TargetTypeAwsAccount, PrincipalId: opt(c["principal_id"]), PrincipalType: types.PrincipalType(c["principal_type"])}
				out, err := w.admin.DeleteAccountAssignment(w.Context(), in)
				if err != nil {
					return err
				}
				var s *types.AccountAssignmentOperationStatus
				w.until("the deletion", func(ctx context.Context) bool {
					s = must(w.admin.DescribeAccountAssignmentDeletionStatus(ctx, &ssoadmin.DescribeAccountAssignmentDeletionStatusInput{InstanceArn: &w.instance, AccountAssignmentDeletionRequestId: out.AccountAssignmentDeletionStatus.RequestId}))(w).AccountAssignmentDeletionStatus
					return s.Status != types.StatusValuesInProgress
				})
				if s.Status != types.StatusValuesSucceeded {
					return fmt.Errorf("%s %s", s.Status, aws.ToString(s.FailureReason))
				}
				_, err = w.admin.DeleteAccountAssignment(w.Context(), in)
				return gone(err)
			},
		})
	}
}

func TestTerraformAttributesForAccessControl(t *testing.T) {
	w := newWorld(t)
	expand := func(c attributes) *types.InstanceAccessControlAttributeConfiguration {
		out := &types.InstanceAccessControlAttributeConfiguration{AccessControlAttributes: []types.AccessControlAttribute{}}
		for _, key := range slices.Sorted(maps.Keys(c)) {
			out.AccessControlAttributes = append(out.AccessControlAttributes, types.AccessControlAttribute{Key: &key, Value: &types.AccessControlAttributeValue{Source: []string{c[key]}}})
		}
		return out
	}
	w.live(resource{
		name: "aws_ssoadmin_instance_access_control_attributes",
		configs: []attributes{{"name": "${path:name.givenName}", "last": "${path:name.familyName}"}, {"last": "${path:name.familyName}", "Cost:Center": "${path:enterprise.costCenter}"},
			{"mail": "${path:emails[primary eq true].value}"}},
		create: func(c attributes) (string, error) {
			_, err := w.admin.CreateInstanceAccessControlAttributeConfiguration(w.Context(), &ssoadmin.CreateInstanceAccessControlAttributeConfigurationInput{InstanceArn: &w.instance, InstanceAccessControlAttributeConfiguration: expand(c)})
			return w.instance, err
		},
		read: func(id string) (attributes, error) {
			out, err := w.admin.DescribeInstanceAccessControlAttributeConfiguration(w.Context(), &ssoadmin.DescribeInstanceAccessControlAttributeConfigurationInput{InstanceArn: &id})
			if err != nil {
				return nil, gone(err)
			}
			a := attributes{}
			for _, x := range out.InstanceAccessControlAttributeConfiguration.AccessControlAttributes {
				a[*x.Key] = strings.Join(x.Value.Source, ",")
			}
			if out.Status != types.InstanceAccessControlAttributeConfigurationStatusEnabled {
				return nil, fmt.Errorf("the status is %s", out.Status)
			}
			return a, nil
		},
		update: func(id string, _, to attributes) error {
			_, err := w.admin.UpdateInstanceAccessControlAttributeConfiguration(w.Context(), &ssoadmin.UpdateInstanceAccessControlAttributeConfigurationInput{InstanceArn: &id, InstanceAccessControlAttributeConfiguration: expand(to)})
			return err
		},
		remove: func(id string) error {
			for range 2 {
				if _, err := w.admin.DeleteInstanceAccessControlAttributeConfiguration(w.Context(), &ssoadmin.DeleteInstanceAccessControlAttributeConfigurationInput{InstanceArn: &id}); gone(err) != nil {
					return err
				}
			}
			return nil
		},
	})
}

func TestTerraformRegion(t *testing.T) {
	w := newWorld(t)
	w.live(resource{
		name:    "aws_ssoadmin_region",
		configs: []attributes{{"region_name": "eu-west-3", "status": "ACTIVE"}},
		create: func(c attributes) (string, error) {
			if _, err := w.admin.AddRegion(w.Context(), &ssoadmin.AddRegionInput{InstanceArn: &w.instance, RegionName: opt(c["region_name"])}); err != nil {
				return "", err
			}
			w.until("the region", func(ctx context.Context) bool {
				return must(w.admin.DescribeRegion(ctx, &ssoadmin.DescribeRegionInput{InstanceArn: &w.instance, RegionName: opt(c["region_name"])}))(w).Status == types.RegionStatusActive
			})
			return c["region_name"], nil
		},
		read: func(id string) (attributes, error) {
			out, err := w.admin.DescribeRegion(w.Context(), &ssoadmin.DescribeRegionInput{InstanceArn: &w.instance, RegionName: &id})
			if err != nil {
				return nil, gone(err)
			}
			return attributes{"region_name": *out.RegionName, "status": string(out.Status)}, nil
		},
		remove: func(id string) error {
			if _, err := w.admin.RemoveRegion(w.Context(), &ssoadmin.RemoveRegionInput{InstanceArn: &w.instance, RegionName: &id}); err != nil {
				return gone(err)
			}
			w.until("the end of the region", func(ctx context.Context) bool {
				_, err := w.admin.DescribeRegion(ctx, &ssoadmin.DescribeRegionInput{InstanceArn: &w.instance, RegionName: &id})
				return absent(err)
			})
			return nil
		},
	})
}

// user and group make people for the resources that name some.
func (w *world) user(name string) string {
	w.Helper()
	out := must(w.people.CreateUser(w.Context(), &identitystore.CreateUserInput{IdentityStoreId: &w.store, UserName: &name, DisplayName: &name, Name: &store.Name{GivenName: &name, FamilyName: aws.String("Test")}}))(w)
	w.Cleanup(func() {
		if _, err := w.people.DeleteUser(context.Background(), &identitystore.DeleteUserInput{IdentityStoreId: &w.store, UserId: out.UserId}); err != nil {
			w.Error(err)
		}
	})
	return *out.UserId
}

func (w *world) group(name string) string {
	w.Helper()
	out := must(w.people.CreateGroup(w.Context(), &identitystore.CreateGroupInput{IdentityStoreId: &w.store, DisplayName: &name}))(w)
	w.Cleanup(func() {
		if _, err := w.people.DeleteGroup(context.Background(), &identitystore.DeleteGroupInput{IdentityStoreId: &w.store, GroupId: out.GroupId}); err != nil {
			w.Error(err)
		}
	})
	return *out.GroupId
}

// userPaths are the provider's attributes and the API's paths of them.
var userPaths = map[string]string{
	"display_name": "displayName", "locale": "locale", "nickname": "nickName", "preferred_language": "preferredLanguage", "profile_url": "profileUrl", "timezone": "timezone", "title": "title", "user_type": "userType",
	"name.family_name": "name.familyName", "name.formatted": "name.formatted", "name.given_name": "name.givenName", "name.honorific_prefix": "name.honorificPrefix", "name.honorific_suffix": "name.honorificSuffix", "name.middle_name": "name.middleName",
}

func TestTerraformUser(t *testing.T) {
	w := newWorld(t)
	base := attributes{"user_name": "terraform@example.com", "display_name": "Terra Form", "name.family_name": "Form", "name.given_name": "Terra"}
	plus := func(more attributes) attributes {
		out := maps.Clone(base)
		maps.Copy(out, more)
		return out
	}
	w.live(resource{
		name: "aws_identitystore_user",
		configs: []attributes{
			plus(attributes{"emails.value": "terraform@example.com", "emails.type": "work", "emails.primary": "true", "phone_numbers.value": "+1 555", "phone_numbers.primary": "false", "title": "Engineer", "nickname": "Terry",
				"addresses.country": "US", "addresses.formatted": "Formatted", "addresses.locality": "Here", "addresses.postal_code": "1", "addresses.region": "R", "addresses.street_address": "Street 1", "addresses.type": "home", "addresses.primary": "true",
				"locale": "en-US", "preferred_language": "EN", "profile_url": "https://example.com/", "timezone": "UTC", "user_type": "Member", "name.formatted": "Terra Form", "name.honorific_prefix": "Dr.", "name.honorific_suffix": "M.D.", "name.middle_name": "M"}),
			plus(attributes{"display_name": "T. Form", "emails.value": "new@example.com", "emails.primary": "false", "addresses.country": "DE", "addresses.primary": "false", "name.middle_name": "N"}),
			base,
		},
		computed: []string{"user_id"},
		create: func(c attributes) (string, error) {
			in := &identitystore.CreateUserInput{IdentityStoreId: &w.store, UserName: opt(c["user_name"]), DisplayName: opt(c["display_name"]), Locale: opt(c["locale"]), NickName: opt(c["nickname"]),
				PreferredLanguage: opt(c["preferred_language"]), ProfileUrl: opt(c["profile_url"]), Timezone: opt(c["timezone"]), Title: opt(c["title"]), UserType: opt(c["user_type"]),
				Name:         &store.Name{FamilyName: opt(c["name.family_name"]), Formatted: opt(c["name.formatted"]), GivenName: opt(c["name.given_name"]), HonorificPrefix: opt(c["name.honorific_prefix"]), HonorificSuffix: opt(c["name.honorific_suffix"]), MiddleName: opt(c["name.middle_name"])},
				Emails:       []store.Email{{Value: opt(c["emails.value"]), Type: opt(c["emails.type"]), Primary: c["emails.primary"] == "true"}},
				PhoneNumbers: []store.PhoneNumber{{Value: opt(c["phone_numbers.value"]), Type: opt(c["phone_numbers.type"]), Primary: c["phone_numbers.primary"] == "true"}},
				Addresses: []store.Address{{Country: opt(c["addresses.country"]), Formatted: opt(c["addresses.formatted"]), Locality: opt(c["addresses.locality"]), PostalCode: opt(c["addresses.postal_code"]), Region: opt(c["addresses.region"]),
					StreetAddress: opt(c["addresses.street_address"]), Type: opt(c["addresses.type"]), Primary: c["addresses.primary"] == "true"}}}
			out, err := w.people.CreateUser(w.Context(), in)
			if err != nil {
				return "", err
			}
			return w.store + "/" + *out.UserId, nil
		},
		read: func(id string) (attributes, error) {
			store, user, _ := strings.Cut(id, "/")
			out, err := w.people.DescribeUser(w.Context(), &identitystore.DescribeUserInput{IdentityStoreId: &store, UserId: &user})
			if err != nil {
				return nil, gone(err)
			}
			a := attributes{}
			a.set("user_id", out.UserId)
			a.set("user_name", out.UserName)
			a.set("display_name", out.DisplayName)
			a.set("locale", out.Locale)
			a.set("nickname", out.NickName)
			a.set("preferred_language", out.PreferredLanguage)
			a.set("profile_url", out.ProfileUrl)
			a.set("timezone", out.Timezone)
			a.set("title", out.Title)
			a.set("user_type", out.UserType)
			a.set("name.family_name", out.Name.FamilyName)
			a.set("name.formatted", out.Name.Formatted)
			a.set("name.given_name", out.Name.GivenName)
			a.set("name.honorific_prefix", out.Name.HonorificPrefix)
			a.set("name.honorific_suffix", out.Name.HonorificSuffix)
			a.set("name.middle_name", out.Name.MiddleName)
			for _, e := range out.Emails {
				a.set("emails.value", e.Value)
				a.set("emails.type", e.Type)
				a["emails.primary"] = fmt.Sprint(e.Primary)
			}
			for _, e := range out.PhoneNumbers {
				a.set("phone_numbers.value", e.Value)
				a.set("phone_numbers.type", e.Type)
				a["phone_numbers.primary"] = fmt.Sprint(e.Primary)
			}
			for _, e := range out.Addresses {
				a.set("addresses.country", e.Country)
				a.set("addresses.formatted", e.Formatted)
				a.set("addresses.locality", e.Locality)
				a.set("addresses.postal_code", e.PostalCode)
				a.set("addresses.region", e.Region)
				a.set("addresses.street_address", e.StreetAddress)
				a.set("addresses.type", e.Type)
				a["addresses.primary"] = fmt.Sprint(e.Primary)
			}
			return a, nil
		},
		update: func(id string, from, to attributes) error {
			storeID, user, _ := strings.Cut(id, "/")
			in := &identitystore.UpdateUserInput{IdentityStoreId: &storeID, UserId: &user}
			operation := func(path string, v any) {
				in.Operations = append(in.Operations, store.AttributeOperation{AttributePath: &path, AttributeValue: document.NewLazyDocument(v)})
			}
			for name, path := range userPaths {
				if from[name] == to[name] {
					continue
				}
				if to[name] == "" { // null takes an attribute away
					operation(path, nil)
				} else {
					operation(path, to[name])
				}
			}
			for name, path := range map[string]string{"emails": "emails", "phone_numbers": "phoneNumbers", "addresses": "addresses"} {
				was, is := within(from, name), within(to, name)
				if maps.Equal(was, is) {
					continue
				}
				if len(is) == 0 {
					operation(path, []any(nil))
					continue
				}
				m := map[string]any{"primary": is["primary"] == "true"}
				for part, wire := range map[string]string{"value": "value", "type": "type", "country": "country", "formatted": "formatted", "locality": "locality", "postal_code": "postalCode", "region": "region", "street_address": "streetAddress"} {
					if is[part] != "" {
						m[wire] = is[part]
					}
				}
				operation(path, []any{m})
			}
			_, err := w.people.UpdateUser(w.Context(), in)
			return err
		},
		remove: func(id string) error {
			storeID, user, _ := strings.Cut(id, "/")
			for range 2 {
				if _, err := w.people.DeleteUser(w.Context(), &identitystore.DeleteUserInput{IdentityStoreId: &storeID, UserId: &user}); gone(err) != nil {
					return err
				}
			}
			return nil
		},
	})
}

// within are the attributes of a block.
func within(a attributes, block string) attributes {
	out := attributes{}
	for name, v := range a {
		if part, ok := strings.CutPrefix(name, block+"."); ok {
			out[part] = v
		}
	}
	return out
}

func TestTerraformGroupAndMembership(t *testing.T) {
	w := newWorld(t)
	w.live(resource{
		name:     "aws_identitystore_group",
		configs:  []attributes{{"display_name": "Terraform Group", "description": "An example"}, {"display_name": "Terraform Group", "description": "Another"}, {"display_name": "Renamed by Terraform"}},
		computed: []string{"group_id"},
		create: func(c attributes) (string, error) {
			out, err := w.people.CreateGroup(w.Context(), &identitystore.CreateGroupInput{IdentityStoreId: &w.store, DisplayName: opt(c["display_name"]), Description: opt(c["description"])})
			if err != nil {
				return "", err
			}
			return *out.IdentityStoreId + "/" + *out.GroupId, nil
		},
		read: func(id string) (attributes, error) {
			storeID, group, _ := strings.Cut(id, "/")
			out, err := w.people.DescribeGroup(w.Context(), &identitystore.DescribeGroupInput{IdentityStoreId: &storeID, GroupId: &group})
			if err != nil {
				return nil, gone(err)
			}
			a := attributes{}
			a.set("group_id", out.GroupId)
			a.set("display_name", out.DisplayName)
			a.set("description", out.Description)
			return a, nil
		},
		update: func(id string, from, to attributes) error {
			storeID, group, _ := strings.Cut(id, "/")
			in := &identitystore.UpdateGroupInput{IdentityStoreId: &storeID, GroupId: &group}
			for name, path := range map[string]string{"description": "description", "display_name": "displayName"} {
				if from[name] != to[name] { // an attribute that went is sent as an empty text
					in.Operations = append(in.Operations, store.AttributeOperation{AttributePath: &path, AttributeValue: document.NewLazyDocument(to[name])})
				}
			}
			_, err := w.people.UpdateGroup(w.Context(), in)
			return err
		},
		remove: func(id string) error {
			storeID, group, _ := strings.Cut(id, "/")
			for range 2 {
				if _, err := w.people.DeleteGroup(w.Context(), &identitystore.DeleteGroupInput{IdentityStoreId: &storeID, GroupId: &group}); gone(err) != nil {
					return err
				}
			}
			return nil
		},
	})
	user, group := w.user("terraform-member"), w.group("Terraform Members")
	w.live(resource{
		name:     "aws_identitystore_group_membership",
		configs:  []attributes{{"group_id": group, "member_id": user}},
		computed: []string{"membership_id"},
		create: func(c attributes) (string, error) {
			out, err := w.people.CreateGroupMembership(w.Context(), &identitystore.CreateGroupMembershipInput{IdentityStoreId: &w.store, GroupId: opt(c["group_id"]), MemberId: &store.MemberIdMemberUserId{Value: c["member_id"]}})
			if err != nil {
				return "", err
			}
			return w.store + "/" + *out.MembershipId, nil
		},
		read: func(id string) (attributes, error) {
			storeID, membership, _ := strings.Cut(id, "/")
			out, err := w.people.DescribeGroupMembership(w.Context(), &identitystore.DescribeGroupMembershipInput{IdentityStoreId: &storeID, MembershipId: &membership})
			if err != nil {
				return nil, gone(err)
			}
			member, ok := out.MemberId.(*store.MemberIdMemberUserId)
			if !ok {
				return nil, fmt.Errorf("the member is a %T", out.MemberId)
			}
			return attributes{"group_id": *out.GroupId, "member_id": member.Value, "membership_id": *out.MembershipId}, nil
		},
		remove: func(id string) error {
			storeID, membership, _ := strings.Cut(id, "/")
			for range 2 {
				if _, err := w.people.DeleteGroupMembership(w.Context(), &identitystore.DeleteGroupMembershipInput{IdentityStoreId: &storeID, MembershipId: &membership}); gone(err) != nil {
					return err
				}
			}
			return nil
		},
	})
}
