package clients

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/identitystore"
	"github.com/aws/aws-sdk-go-v2/service/identitystore/document"
	store "github.com/aws/aws-sdk-go-v2/service/identitystore/types"
	"github.com/aws/aws-sdk-go-v2/service/ssoadmin"
	"github.com/aws/aws-sdk-go-v2/service/ssoadmin/types"
)

var custom = "arn:aws:sso::aws:applicationProvider/custom"

// application makes one for the resources that hang on it.
func (w *world) application(name string) string {
	w.Helper()
	arn := *must(w.admin.CreateApplication(w.Context(), &ssoadmin.CreateApplicationInput{InstanceArn: &w.instance, ApplicationProviderArn: &custom, Name: &name}))(w).ApplicationArn
	w.Cleanup(func() {
		if _, err := w.admin.DeleteApplication(context.Background(), &ssoadmin.DeleteApplicationInput{ApplicationArn: &arn}); err != nil {
			w.Error(err)
		}
	})
	return arn
}

func TestTerraformApplication(t *testing.T) {
	w := newWorld(t)
	signIn := func(c attributes) *types.SignInOptions {
		if c["origin"] == "" {
			return nil
		}
		return &types.SignInOptions{Origin: types.SignInOrigin(c["origin"]), ApplicationUrl: opt(c["application_url"])}
	}
	w.live(resource{
		name: "aws_ssoadmin_application",
		configs: []attributes{
			{"name": "Wiki", "description": "first", "status": "ENABLED", "origin": "APPLICATION", "application_url": "http://example.com", "visibility": "ENABLED", "tags.a": "1"},
			{"name": "Wiki 2", "description": "second", "status": "DISABLED", "origin": "IDENTITY_CENTER", "visibility": "ENABLED", "tags.b": "2"},
		},
		computed: []string{"application_account", "application_arn"},
		create: func(c attributes) (string, error) {
			out, err := w.admin.CreateApplication(w.Context(), &ssoadmin.CreateApplicationInput{InstanceArn: &w.instance, ApplicationProviderArn: &custom, Name: opt(c["name"]), Description: opt(c["description"]),
				Status: types.ApplicationStatus(c["status"]), PortalOptions: &types.PortalOptions{Visibility: types.ApplicationVisibility(c["visibility"]), SignInOptions: signIn(c)}, Tags: tagsOf(c)})
			if err != nil {
				return "", err
			}
			return *out.ApplicationArn, nil
		},
		read: func(id string) (attributes, error) {
			out, err := w.admin.DescribeApplication(w.Context(), &ssoadmin.DescribeApplicationInput{ApplicationArn: &id})
			if err != nil {
				return nil, gone(err)
			}
			if aws.ToString(out.InstanceArn) != w.instance || aws.ToString(out.ApplicationProviderArn) != custom {
				return nil, fmt.Errorf("instance %s, provider %s", aws.ToString(out.InstanceArn), aws.ToString(out.ApplicationProviderArn))
			}
			a := attributes{"status": string(out.Status)}
			a.set("application_account", out.ApplicationAccount)
			a.set("application_arn", out.ApplicationArn)
			a.set("name", out.Name)
			a.set("description", out.Description)
			if p := out.PortalOptions; p != nil && p.SignInOptions != nil {
				a["visibility"], a["origin"] = string(p.Visibility), string(p.SignInOptions.Origin)
				a.set("application_url", p.SignInOptions.ApplicationUrl)
			}
			return a, w.tags(a, id)
		},
		update: func(id string, from, to attributes) error {
			_, err := w.admin.UpdateApplication(w.Context(), &ssoadmin.UpdateApplicationInput{ApplicationArn: &id, Name: opt(to["name"]), Description: opt(to["description"]), Status: types.ApplicationStatus(to["status"]),
				PortalOptions: &types.UpdateApplicationPortalOptions{SignInOptions: signIn(to)}})
			if err != nil {
				return err
			}
			return w.retag(id, from, to)
		},
		remove: func(id string) error {
			for range 2 {
				if _, err := w.admin.DeleteApplication(w.Context(), &ssoadmin.DeleteApplicationInput{ApplicationArn: &id}); gone(err) != nil {
					return err
				}
			}
			return nil
		},
	})
	// One without options: the provider keeps none in its state when no sign-in options come back.
	plain := must(w.admin.DescribeApplication(t.Context(), &ssoadmin.DescribeApplicationInput{ApplicationArn: aws.String(w.application("Plain"))}))(w)
	if plain.Status != types.ApplicationStatusEnabled || plain.Description != nil || plain.PortalOptions != nil && plain.PortalOptions.SignInOptions != nil {
		w.Errorf("an application with nothing but a name: %+v", plain)
	}
}

func TestTerraformPartsOfAnApplication(t *testing.T) {
	w := newWorld(t)
	app, user, group := w.application("Parts"), w.user("terraform-app"), w.group("Terraform App")
	for _, c := range []attributes{{"principal_type": "USER", "principal_id": user}, {"principal_type": "GROUP", "principal_id": group}} {
		w.live(resource{
			name:    "aws_ssoadmin_application_assignment",
			configs: []attributes{c},
			create: func(attributes) (string, error) {
				_, err := w.admin.CreateApplicationAssignment(w.Context(), &ssoadmin.CreateApplicationAssignmentInput{ApplicationArn: &app, PrincipalId: opt(c["principal_id"]), PrincipalType: types.PrincipalType(c["principal_type"])})
				return "id", err
			},
			read: func(string) (attributes, error) {
				out, err := w.admin.DescribeApplicationAssignment(w.Context(), &ssoadmin.DescribeApplicationAssignmentInput{ApplicationArn: &app, PrincipalId: opt(c["principal_id"]), PrincipalType: types.PrincipalType(c["principal_type"])})
				if err != nil {
					return nil, gone(err)
				}
				return attributes{"principal_type": string(out.PrincipalType), "principal_id": *out.PrincipalId}, nil
			},
			remove: func(string) error {
				for range 2 {
					if _, err := w.admin.DeleteApplicationAssignment(w.Context(), &ssoadmin.DeleteApplicationAssignmentInput{ApplicationArn: &app, PrincipalId: opt(c["principal_id"]), PrincipalType: types.PrincipalType(c["principal_type"])}); gone(err) != nil {
						return err
					}
				}
				return nil
			},
		})
	}
	required := func() string {
		return fmt.Sprint(*must(w.admin.GetApplicationAssignmentConfiguration(t.Context(), &ssoadmin.GetApplicationAssignmentConfigurationInput{ApplicationArn: &app}))(w).AssignmentRequired)
	}
	for _, want := range []bool{false, true} { // the destruction puts it back to true
		must(w.admin.PutApplicationAssignmentConfiguration(t.Context(), &ssoadmin.PutApplicationAssignmentConfigurationInput{ApplicationArn: &app, AssignmentRequired: &want}))(w)
		if got := required(); got != fmt.Sprint(want) {
			w.Errorf("aws_ssoadmin_application_assignment_configuration: configured %v, read %s", want, got)
		}
	}
	for _, targets := range [][]string{nil, {app}, {w.instance, app}} {
		w.live(resource{
			name:    "aws_ssoadmin_application_access_scope",
			configs: []attributes{{"scope": "sso:account:access", "authorized_targets": strings.Join(targets, " ")}},
			create: func(c attributes) (string, error) {
				_, err := w.admin.PutApplicationAccessScope(w.Context(), &ssoadmin.PutApplicationAccessScopeInput{ApplicationArn: &app, Scope: opt(c["scope"]), AuthorizedTargets: targets})
				return c["scope"], err
			},
			read: func(id string) (attributes, error) {
				out, err := w.admin.GetApplicationAccessScope(w.Context(), &ssoadmin.GetApplicationAccessScopeInput{ApplicationArn: &app, Scope: &id})
				if err != nil {
					return nil, gone(err)
				}
				if targets == nil && out.AuthorizedTargets != nil {
					return nil, fmt.Errorf("targets that were not given came back: %q", out.AuthorizedTargets)
				}
				return attributes{"scope": *out.Scope, "authorized_targets": strings.Join(out.AuthorizedTargets, " ")}, nil
			},
			remove: func(id string) error {
				for range 2 {
					if _, err := w.admin.DeleteApplicationAccessScope(w.Context(), &ssoadmin.DeleteApplicationAccessScopeInput{ApplicationArn: &app, Scope: &id}); gone(err) != nil {
						return err
					}
				}
				return nil
			},
		})
	}
	issuer := w.issuer("terraform-grants")
	for kind, grant := range map[types.GrantType]types.Grant{
		types.GrantTypeAuthorizationCode: &types.GrantMemberAuthorizationCode{Value: types.AuthorizationCodeGrant{RedirectUris: []string{"https://b.example.com/", "https://a.example.com/"}}},
		types.GrantTypeRefreshToken:      &types.GrantMemberRefreshToken{},
		types.GrantTypeTokenExchange:     &types.GrantMemberTokenExchange{},
		types.GrantTypeJwtBearer:         &types.GrantMemberJwtBearer{Value: types.JwtBearerGrant{AuthorizedTokenIssuers: []types.AuthorizedTokenIssuer{{TrustedTokenIssuerArn: &issuer, AuthorizedAudiences: []string{"b", "a"}}}}},
	} {
		w.live(resource{
			name:    "aws_ssoadmin_application_grant/" + string(kind),
			configs: []attributes{{"grant": flatGrant(grant)}},
			create: func(attributes) (string, error) {
				_, err := w.admin.PutApplicationGrant(w.Context(), &ssoadmin.PutApplicationGrantInput{ApplicationArn: &app, GrantType: kind, Grant: grant})
				return string(kind), err
			},
			read: func(string) (attributes, error) {
				out, err := w.admin.GetApplicationGrant(w.Context(), &ssoadmin.GetApplicationGrantInput{ApplicationArn: &app, GrantType: kind})
				if err != nil {
					return nil, gone(err)
				}
				return attributes{"grant": flatGrant(out.Grant)}, nil
			},
			remove: func(string) error {
				for range 2 {
					if _, err := w.admin.DeleteApplicationGrant(w.Context(), &ssoadmin.DeleteApplicationGrantInput{ApplicationArn: &app, GrantType: kind}); gone(err) != nil {
						return err
					}
				}
				return nil
			},
		})
	}
}

func flatGrant(g types.Grant) string {
	switch g := g.(type) {
	case *types.GrantMemberAuthorizationCode:
		return "authorization_code " + strings.Join(g.Value.RedirectUris, " ")
	case *types.GrantMemberJwtBearer:
		var b strings.Builder
		for _, i := range g.Value.AuthorizedTokenIssuers {
			fmt.Fprintf(&b, "jwt_bearer %s %q ", *i.TrustedTokenIssuerArn, i.AuthorizedAudiences)
		}
		return b.String()
	}
	return fmt.Sprintf("%T", g)
}

func (w *world) issuer(name string) string {
	w.Helper()
	arn := *must(w.admin.CreateTrustedTokenIssuer(w.Context(), w.newIssuer(attributes{"name": name, "issuer_url": "https://" + name + ".example.com", "claim": "email", "path": "emails.value"})))(w).TrustedTokenIssuerArn
	w.Cleanup(func() {
		if _, err := w.admin.DeleteTrustedTokenIssuer(context.Background(), &ssoadmin.DeleteTrustedTokenIssuerInput{TrustedTokenIssuerArn: &arn}); err != nil {
			w.Error(err)
		}
	})
	return arn
}

func (w *world) newIssuer(c attributes) *ssoadmin.CreateTrustedTokenIssuerInput {
	return &ssoadmin.CreateTrustedTokenIssuerInput{InstanceArn: &w.instance, Name: opt(c["name"]), TrustedTokenIssuerType: types.TrustedTokenIssuerTypeOidcJwt, ClientToken: opt(c["client_token"]), Tags: tagsOf(c),
		TrustedTokenIssuerConfiguration: &types.TrustedTokenIssuerConfigurationMemberOidcJwtConfiguration{Value: types.OidcJwtConfiguration{ClaimAttributePath: opt(c["claim"]), IdentityStoreAttributePath: opt(c["path"]),
			IssuerUrl: opt(c["issuer_url"]), JwksRetrievalOption: types.JwksRetrievalOptionOpenIdDiscovery}}}
}

func TestTerraformTrustedTokenIssuer(t *testing.T) {
	w := newWorld(t)
	w.live(resource{
		name: "aws_ssoadmin_trusted_token_issuer",
		configs: []attributes{{"name": "example", "issuer_url": "https://example.com", "claim": "email", "path": "emails.value", "tags.a": "1"},
			{"name": "renamed", "issuer_url": "https://example.com", "claim": "name", "path": "userName"}},
		computed: []string{"arn"},
		create: func(c attributes) (string, error) {
			out, err := w.admin.CreateTrustedTokenIssuer(w.Context(), w.newIssuer(c))
			if err != nil {
				return "", err
			}
			return *out.TrustedTokenIssuerArn, nil
		},
		read: func(id string) (attributes, error) {
			out, err := w.admin.DescribeTrustedTokenIssuer(w.Context(), &ssoadmin.DescribeTrustedTokenIssuerInput{TrustedTokenIssuerArn: &id})
			if err != nil {
				return nil, gone(err)
			}
			oidc, ok := out.TrustedTokenIssuerConfiguration.(*types.TrustedTokenIssuerConfigurationMemberOidcJwtConfiguration)
			if !ok || oidc.Value.JwksRetrievalOption != types.JwksRetrievalOptionOpenIdDiscovery || out.TrustedTokenIssuerType != types.TrustedTokenIssuerTypeOidcJwt {
				return nil, fmt.Errorf("%+v", out)
			}
			a := attributes{"name": *out.Name, "issuer_url": *oidc.Value.IssuerUrl, "claim": *oidc.Value.ClaimAttributePath, "path": *oidc.Value.IdentityStoreAttributePath, "arn": *out.TrustedTokenIssuerArn}
			return a, w.tags(a, id)
		},
		update: func(id string, from, to attributes) error {
			_, err := w.admin.UpdateTrustedTokenIssuer(w.Context(), &ssoadmin.UpdateTrustedTokenIssuerInput{TrustedTokenIssuerArn: &id, Name: opt(to["name"]),
				TrustedTokenIssuerConfiguration: &types.TrustedTokenIssuerUpdateConfigurationMemberOidcJwtConfiguration{Value: types.OidcJwtUpdateConfiguration{ClaimAttributePath: opt(to["claim"]), IdentityStoreAttributePath: opt(to["path"]),
					JwksRetrievalOption: types.JwksRetrievalOptionOpenIdDiscovery}}})
			if err != nil {
				return err
			}
			return w.retag(id, from, to)
		},
		remove: func(id string) error {
			for range 2 {
				if _, err := w.admin.DeleteTrustedTokenIssuer(w.Context(), &ssoadmin.DeleteTrustedTokenIssuerInput{TrustedTokenIssuerArn: &id}); gone(err) != nil {
					return err
				}
			}
			return nil
		},
	})
}

// TestTerraformDataSources reads as the provider's data sources do.
func TestTerraformDataSources(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	var arns []string
	for pages := ssoadmin.NewListInstancesPaginator(w.admin, &ssoadmin.ListInstancesInput{}); pages.HasMorePages(); {
		for _, i := range must(pages.NextPage(ctx))(w).Instances {
			arns = append(arns, *i.InstanceArn+" "+*i.IdentityStoreId)
		}
	}
	if !slices.Equal(arns, []string{w.instance + " " + w.store}) {
		w.Errorf("aws_ssoadmin_instances: %q", arns)
	}
	sets := map[string]string{}
	for _, name := range []string{"DataOne", "DataTwo", "DataThree"} {
		sets[name] = w.set(name)
	}
	found := map[string]string{} // by name: every set is described until the name fits
	for pages := ssoadmin.NewListPermissionSetsPaginator(w.admin, &ssoadmin.ListPermissionSetsInput{InstanceArn: &w.instance, MaxResults: aws.Int32(2)}); pages.HasMorePages(); {
		for _, arn := range must(pages.NextPage(ctx))(w).PermissionSets {
			a, err := w.readSet(arn, w.instance)
			w.ok(err)
			if _, ours := sets[a["name"]]; ours {
				found[a["name"]] = arn
			}
		}
	}
	if !maps.Equal(found, sets) {
		w.Errorf("aws_ssoadmin_permission_set by name: %v, want %v", found, sets)
	}
	user, group, app := w.user("data-ann"), w.group("Data Group"), w.application("Data App")
	membership := *must(w.people.CreateGroupMembership(ctx, &identitystore.CreateGroupMembershipInput{IdentityStoreId: &w.store, GroupId: &group, MemberId: &store.MemberIdMemberUserId{Value: user}}))(w).MembershipId
	unique := func(path, value string) *store.AlternateIdentifierMemberUniqueAttribute {
		return &store.AlternateIdentifierMemberUniqueAttribute{Value: store.UniqueAttribute{AttributePath: &path, AttributeValue: document.NewLazyDocument(value)}}
	}
	if got := *must(w.people.GetUserId(ctx, &identitystore.GetUserIdInput{IdentityStoreId: &w.store, AlternateIdentifier: unique("UserName", "data-ann")}))(w).UserId; got != user {
		w.Errorf("aws_identitystore_user by alternate identifier: %s, want %s", got, user)
	}
	if got := *must(w.people.GetGroupId(ctx, &identitystore.GetGroupIdInput{IdentityStoreId: &w.store, AlternateIdentifier: unique("DisplayName", "Data Group")}))(w).GroupId; got != group {
		w.Errorf("aws_identitystore_group by alternate identifier: %s, want %s", got, group)
	}
	if _, err := w.people.GetGroupId(ctx, &identitystore.GetGroupIdInput{IdentityStoreId: &w.store, AlternateIdentifier: unique("DisplayName", "No such group")}); !absent(err) {
		w.Errorf("a group that is not there: %v", err)
	}
	filtered := must(w.people.ListUsers(ctx, &identitystore.ListUsersInput{IdentityStoreId: &w.store, Filters: []store.Filter{{AttributePath: aws.String("UserName"), AttributeValue: aws.String("data-ann")}}}))(w).Users
	if len(filtered) != 1 || *filtered[0].UserId != user {
		w.Errorf("aws_identitystore_user by filter: %+v", filtered)
	}
	var members []string
	for pages := identitystore.NewListGroupMembershipsPaginator(w.people, &identitystore.ListGroupMembershipsInput{IdentityStoreId: &w.store, GroupId: &group}); pages.HasMorePages(); {
		for _, m := range must(pages.NextPage(ctx))(w).GroupMemberships {
			members = append(members, *m.MembershipId)
		}
	}
	if !slices.Equal(members, []string{membership}) {
		w.Errorf("aws_identitystore_group_memberships: %q", members)
	}
	must(w.admin.CreateApplicationAssignment(ctx, &ssoadmin.CreateApplicationAssignmentInput{ApplicationArn: &app, PrincipalId: &user, PrincipalType: types.PrincipalTypeUser}))(w)
	var assigned []string
	for pages := ssoadmin.NewListApplicationAssignmentsPaginator(w.admin, &ssoadmin.ListApplicationAssignmentsInput{ApplicationArn: &app}); pages.HasMorePages(); {
		for _, a := range must(pages.NextPage(ctx))(w).ApplicationAssignments {
			assigned = append(assigned, *a.PrincipalId+" "+string(a.PrincipalType)+" "+*a.ApplicationArn)
		}
	}
	for pages := ssoadmin.NewListApplicationAssignmentsForPrincipalPaginator(w.admin, &ssoadmin.ListApplicationAssignmentsForPrincipalInput{InstanceArn: &w.instance, PrincipalId: &user, PrincipalType: types.PrincipalTypeUser}); pages.HasMorePages(); {
		for _, a := range must(pages.NextPage(ctx))(w).ApplicationAssignments {
			assigned = append(assigned, *a.PrincipalId+" "+string(a.PrincipalType)+" "+*a.ApplicationArn)
		}
	}
	if want := user + " USER " + app; !slices.Equal(assigned, []string{want, want}) {
		w.Errorf("aws_ssoadmin_application_assignments and principal_application_assignments: %q", assigned)
	}
	providers := must(w.admin.ListApplicationProviders(ctx, &ssoadmin.ListApplicationProvidersInput{}))(w).ApplicationProviders
	if !slices.ContainsFunc(providers, func(p types.ApplicationProvider) bool {
		return *p.ApplicationProviderArn == custom && p.DisplayData != nil
	}) {
		w.Errorf("aws_ssoadmin_application_providers: %+v", providers)
	}
}
