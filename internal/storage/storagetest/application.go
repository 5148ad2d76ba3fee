package storagetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"gatehouse/internal/access"
	"gatehouse/internal/application"
	"gatehouse/internal/fault"
	"gatehouse/internal/storage/sqlstore"
)

func withInstance(t testing.TB, db *sqlstore.DB) {
	t.Helper()
	i := access.Instance{ID: theInstance, Name: "main", IdentityStoreID: "d-9067642ac7", OwnerAccountID: account(1), Region: "us-east-1", CreatedAt: epoch()}
	ok(t, db.Access().InsertInstance(t.Context(), i, event("sso:CreateInstance", theInstance)))
}

func testAttributes(t *testing.T, db *sqlstore.DB) {
	s, ctx := db.Access(), t.Context()
	as := []access.Attribute{{Key: "Team", Source: "${path:title}"}, {Key: "Kosten stelle", Source: "${path:enterprise.costCenter}"}}
	want{kind: fault.NotFound, resource: "INSTANCE"}.check(t, s.InsertAttributes(ctx, theInstance, as, event("x", "x")))
	withInstance(t, db)
	_, err := s.Attributes(ctx, theInstance)
	want{kind: fault.NotFound, resource: "ACCESS_CONTROL_ATTRIBUTE_CONFIGURATION"}.check(t, err)
	want{kind: fault.NotFound}.check(t, s.UpdateAttributes(ctx, theInstance, as, event("x", "x")))
	want{kind: fault.NotFound}.check(t, s.DeleteAttributes(ctx, theInstance, event("x", "x")))
	ok(t, s.InsertAttributes(ctx, theInstance, as, event("x", "x")))
	want{kind: fault.Conflict, reason: "exists"}.check(t, s.InsertAttributes(ctx, theInstance, nil, event("x", "x")))
	same(t, "attributes", must(s.Attributes(ctx, theInstance))(t), as)
	ok(t, s.UpdateAttributes(ctx, theInstance, as[1:], event("x", "x")))
	same(t, "attributes", must(s.Attributes(ctx, theInstance))(t), as[1:])
	ok(t, s.UpdateAttributes(ctx, theInstance, nil, event("x", "x"))) // enabled, with none
	same(t, "attributes", must(s.Attributes(ctx, theInstance))(t), []access.Attribute(nil))
	ok(t, s.DeleteAttributes(ctx, theInstance, event("x", "x")))
	_, err = s.Attributes(ctx, theInstance)
	want{kind: fault.NotFound}.check(t, err)
}

func testRegions(t *testing.T, db *sqlstore.DB) {
	s, ctx := db.Access(), t.Context()
	add := func(name string, max int) error {
		return s.InsertRegion(ctx, theInstance, access.Region{Name: name, AddedAt: epoch()}, max, event("sso:AddRegion", theInstance))
	}
	want{kind: fault.NotFound, resource: "INSTANCE"}.check(t, add("eu-west-1", 5))
	withInstance(t, db)
	ok(t, add("eu-west-1", 2))
	ok(t, add("ap-south-1", 2))
	want{kind: fault.Conflict, reason: "exists", resource: "REGION"}.check(t, add("eu-west-1", 2))
	want{kind: fault.Quota}.check(t, add("eu-west-2", 2))
	same(t, "regions", must(s.Regions(ctx, theInstance))(t), []access.Region{{Name: "ap-south-1", AddedAt: epoch()}, {Name: "eu-west-1", AddedAt: epoch()}})
	ok(t, s.DeleteRegion(ctx, theInstance, "ap-south-1", event("x", "x")))
	want{kind: fault.NotFound, resource: "REGION"}.check(t, s.DeleteRegion(ctx, theInstance, "ap-south-1", event("x", "x")))
	for name, has := range map[string]bool{"eu-west-1": true, "ap-south-1": false, "eu-west-2": false} {
		if got := must(s.HasRegion(ctx, name))(t); got != has {
			t.Errorf("HasRegion(%s) = %v", name, got)
		}
	}
	errs := atOnce(6, func(i int) error { return add(fmt.Sprintf("eu-north-%d", i), 2) })
	exactlyOne(t, errs, want{kind: fault.Quota})

	// Two who edit an instance at once both have their way.
	errs = atOnce(8, func(i int) error {
		return s.EditInstance(ctx, theInstance, func(in *access.Instance) error {
			tags := map[string]string{fmt.Sprint(i): "x"}
			for k, v := range in.Tags {
				tags[k] = v
			}
			in.Tags = tags
			return nil
		}, event("sso:TagResource", theInstance))
	})
	ok(t, errors.Join(errs...))
	if i := must(s.Instance(ctx, theInstance))(t); len(i.Tags) != 8 || i.Name != "main" {
		t.Errorf("after eight edits at once: %v", i)
	}
	refuse := fault.New(fault.Invalid, "no")
	want{kind: fault.Invalid}.check(t, s.EditInstance(ctx, theInstance, func(in *access.Instance) error { in.Name = "other"; return refuse }, event("x", "x")))
	if i := must(s.Instance(ctx, theInstance))(t); i.Name != "main" {
		t.Errorf("a refused edit was written: %v", i)
	}
	want{kind: fault.NotFound, resource: "INSTANCE"}.check(t, s.EditInstance(ctx, "ssoins-0", func(*access.Instance) error { return nil }, event("x", "x")))
}

func app(n int) application.Application {
	return application.Application{
		ID: fmt.Sprintf("apl-%016d", n), InstanceID: theInstance, AccountID: account(n % 2), Provider: "custom", Name: "Wiki", Description: "where we write",
		Disabled: n%2 == 0, Portal: application.Portal{Hidden: true, Origin: application.FromApplication, URL: "https://wiki.example.com/"},
		OpenToAll: true, BackgroundSessions: true, Scopes: []application.Scope{{Name: "sso:account:access", Targets: []string{"arn"}}, {Name: "z"}},
		Grants: application.Grants{RedirectURIs: []string{"http://127.0.0.1/x"}, RefreshToken: true, TokenExchange: true,
			Issuers: []application.TrustedIssuer{{AccountID: account(1), InstanceID: theInstance, IssuerID: "tti-1", Audiences: []string{"a", "b"}}}},
		ActorPolicy: `{"Version":"2012-10-17"}`, Tags: map[string]string{"k": "v"}, Version: 1, CreatedAt: epoch(), CreatedFrom: "us-east-1",
	}
}

func insertApp(s *sqlstore.Application, t testing.TB, n int) {
	t.Helper()
	a := app(n)
	if id := must(s.InsertApplication(t.Context(), a, 7000, application.Token{}, event("sso:CreateApplication", a.ID)))(t); id != a.ID {
		t.Fatalf("inserted %s, want %s", id, a.ID)
	}
}

func testApplications(t *testing.T, db *sqlstore.DB) {
	s, ctx := db.Application(), t.Context()
	_, err := s.InsertApplication(ctx, app(1), 10, application.Token{}, event("x", "x"))
	want{kind: fault.NotFound, resource: "INSTANCE"}.check(t, err)
	withInstance(t, db)
	for n := range 7 {
		insertApp(s, t, n)
	}
	same(t, "application", must(s.Application(ctx, app(3).ID))(t), app(3))
	_, err = s.Application(ctx, "apl-none")
	want{kind: fault.NotFound, resource: "APPLICATION"}.check(t, err)
	_, err = s.InsertApplication(ctx, app(8), 7, application.Token{}, event("x", "x"))
	want{kind: fault.Quota}.check(t, err)

	changed := app(3)
	changed.Name, changed.Grants, changed.Scopes, changed.Version = "Blog", application.Grants{}, nil, 2
	ok(t, s.UpdateApplication(ctx, changed, 1, event("sso:UpdateApplication", changed.ID)))
	same(t, "application", must(s.Application(ctx, changed.ID))(t), changed)
	want{kind: fault.Conflict, reason: "version", resource: "APPLICATION"}.check(t, s.UpdateApplication(ctx, changed, 1, event("x", "x")))
	want{kind: fault.NotFound, resource: "APPLICATION"}.check(t, s.UpdateApplication(ctx, app(9), 1, event("x", "x")))

	for _, c := range []struct {
		f    application.Filter
		want []int
	}{
		{application.Filter{InstanceID: theInstance}, []int{0, 1, 2, 3, 4, 5, 6}},
		{application.Filter{InstanceID: theInstance, AccountID: account(1)}, []int{1, 3, 5}},
		{application.Filter{InstanceID: theInstance, Provider: "custom"}, []int{0, 1, 2, 3, 4, 5, 6}},
		{application.Filter{InstanceID: theInstance, Provider: "other"}, nil},
		{application.Filter{InstanceID: theInstance, AccountID: account(0), Provider: "custom"}, []int{0, 2, 4, 6}},
		{application.Filter{InstanceID: "ssoins-0"}, nil},
	} {
		key := func(a application.Application) string { return a.ID }
		got := pages(t, 2, key, func(after string, limit int) ([]application.Application, error) {
			return s.Applications(ctx, c.f, after, limit)
		})
		var ids []string
		for _, n := range c.want {
			ids = append(ids, app(n).ID)
		}
		same(t, fmt.Sprint(c.f), keys(got, key), ids)
	}
	// The last place is given once.
	errs := atOnce(5, func(i int) error {
		_, err := s.InsertApplication(ctx, app(100+i), 8, application.Token{}, event("x", "x"))
		return err
	})
	exactlyOne(t, errs, want{kind: fault.Quota})
	errs = atOnce(5, func(i int) error {
		a := app(5)
		a.Version, a.Name = 2, fmt.Sprint("n", i)
		return s.UpdateApplication(ctx, a, 1, event("x", "x"))
	})
	exactlyOne(t, errs, want{kind: fault.Conflict, reason: "version"})
}

func testApplicationAssignments(t *testing.T, db *sqlstore.DB) {
	s, ctx := db.Application(), t.Context()
	withInstance(t, db)
	who := func(kind application.PrincipalType, n int) application.Principal {
		return application.Principal{Type: kind, ID: id(kind, n)}
	}
	assign := func(n int, p application.Principal, groups int) error {
		return s.Assign(ctx, application.Assignment{ApplicationID: app(n).ID, Principal: p, CreatedAt: epoch()}, groups, event("sso:CreateApplicationAssignment", app(n).ID))
	}
	want{kind: fault.NotFound, resource: "APPLICATION"}.check(t, assign(0, who(application.User, 0), 2))
	insertApp(s, t, 0)
	insertApp(s, t, 1)
	var all []string
	for n := range 5 {
		ok(t, assign(0, who(application.User, n), 2))
		ok(t, assign(0, who(application.User, n), 2)) // again is the same
		all = append(all, "USER/"+who(application.User, n).ID)
	}
	ok(t, assign(1, who(application.User, 0), 2))
	for n := range 2 {
		ok(t, assign(0, who(application.Group, n), 2))
		all = append(all, "GROUP/"+who(application.Group, n).ID)
	}
	want{kind: fault.Quota}.check(t, assign(0, who(application.Group, 2), 2))
	ok(t, assign(0, who(application.Group, 1), 2))
	slices.Sort(all)
	name := func(a application.Assignment) string { return string(a.Principal.Type) + "/" + a.Principal.ID }
	var after application.Principal
	got := pages(t, 3, name, func(_ string, limit int) ([]application.Assignment, error) {
		page, err := s.AssignmentsOf(ctx, app(0).ID, after, limit)
		if len(page) > 0 {
			after = page[len(page)-1].Principal
		}
		return page, err
	})
	same(t, "assignments of the application", keys(got, name), all)
	if a := must(s.Assignment(ctx, app(0).ID, who(application.User, 3)))(t); !a.CreatedAt.Equal(epoch()) {
		t.Errorf("assignment = %v", a)
	}
	ofUser := pages(t, 1, func(a application.Assignment) string { return a.ApplicationID }, func(after string, limit int) ([]application.Assignment, error) {
		return s.AssignmentsFor(ctx, who(application.User, 0), after, limit)
	})
	same(t, "assignments of the user", keys(ofUser, func(a application.Assignment) string { return a.ApplicationID }), []string{app(0).ID, app(1).ID})
	for _, c := range []struct {
		ps   []application.Principal
		want bool
	}{
		{nil, false}, {[]application.Principal{who(application.User, 1)}, false}, {[]application.Principal{who(application.User, 1), who(application.User, 0)}, true},
	} {
		if got := must(s.Assigned(ctx, app(1).ID, c.ps))(t); got != c.want {
			t.Errorf("Assigned(%v) = %v", c.ps, got)
		}
	}
	gone := application.Assignment{ApplicationID: app(0).ID, Principal: who(application.User, 3)}
	ok(t, s.Unassign(ctx, gone, event("x", "x")))
	want{kind: fault.NotFound, resource: "APPLICATION_ASSIGNMENT"}.check(t, s.Unassign(ctx, gone, event("x", "x")))
	_, err := s.Assignment(ctx, gone.ApplicationID, gone.Principal)
	want{kind: fault.NotFound, resource: "APPLICATION_ASSIGNMENT"}.check(t, err)

	// An application goes with its assignments, also while some are being made.
	errs := atOnce(10, func(i int) error {
		if i == 5 {
			return s.DeleteApplication(ctx, app(0).ID, event("sso:DeleteApplication", app(0).ID))
		}
		if err := assign(0, who(application.User, 20+i), 2); !fault.Is(err, fault.NotFound) {
			return err
		}
		return nil
	})
	ok(t, errors.Join(errs...))
	if left := must(s.AssignmentsOf(ctx, app(0).ID, application.Principal{}, 100))(t); len(left) > 0 {
		t.Errorf("left of a deleted application: %v", left)
	}
	want{kind: fault.NotFound, resource: "APPLICATION"}.check(t, s.DeleteApplication(ctx, app(0).ID, event("x", "x")))
}

func issuer(n int) application.Issuer {
	return application.Issuer{
		ID: fmt.Sprintf("tti-%d", n), InstanceID: theInstance, AccountID: account(1), Name: "Okta", URL: "https://okta.example.com", ClaimPath: "email", UserPath: "emails.value",
		Tags: map[string]string{"k": "v"}, Version: 1, CreatedAt: epoch(),
	}
}

func testIssuers(t *testing.T, db *sqlstore.DB) {
	s, ctx := db.Application(), t.Context()
	insert := func(n int) error {
		_, err := s.InsertIssuer(ctx, issuer(n), 4, application.Token{}, event("sso:CreateTrustedTokenIssuer", "x"))
		return err
	}
	want{kind: fault.NotFound, resource: "INSTANCE"}.check(t, insert(0))
	withInstance(t, db)
	for n := range 4 {
		ok(t, insert(n))
	}
	want{kind: fault.Quota}.check(t, insert(4))
	same(t, "issuer", must(s.Issuer(ctx, issuer(2).ID))(t), issuer(2))
	changed := issuer(2)
	changed.Name, changed.Version = "Auth0", 2
	ok(t, s.UpdateIssuer(ctx, changed, 1, event("x", "x")))
	want{kind: fault.Conflict, reason: "version"}.check(t, s.UpdateIssuer(ctx, changed, 1, event("x", "x")))
	want{kind: fault.NotFound, resource: "TRUSTED_TOKEN_ISSUER"}.check(t, s.UpdateIssuer(ctx, issuer(7), 1, event("x", "x")))
	same(t, "issuer", must(s.Issuer(ctx, changed.ID))(t), changed)
	key := func(i application.Issuer) string { return i.ID }
	got := pages(t, 3, key, func(after string, limit int) ([]application.Issuer, error) {
		return s.Issuers(ctx, theInstance, after, limit)
	})
	same(t, "issuers", keys(got, key), words("tti-%d", 4))
	ok(t, s.DeleteIssuer(ctx, changed.ID, event("x", "x")))
	want{kind: fault.NotFound, resource: "TRUSTED_TOKEN_ISSUER"}.check(t, s.DeleteIssuer(ctx, changed.ID, event("x", "x")))
	_, err := s.Issuer(ctx, changed.ID)
	want{kind: fault.NotFound, resource: "TRUSTED_TOKEN_ISSUER"}.check(t, err)
}

func testClientTokens(t *testing.T, db *sqlstore.DB) {
	s, ctx := db.Application(), t.Context()
	withInstance(t, db)
	token := func(key, parameters string, now time.Time) application.Token {
		return application.Token{Key: key, Fingerprint: []byte(parameters), Now: now, ExpiresAt: now.Add(time.Minute)}
	}
	create := func(n int, tok application.Token) (string, error) {
		return s.InsertApplication(ctx, app(n), 50, tok, event("sso:CreateApplication", app(n).ID))
	}
	// Many at once are one creation.
	ids := make([]string, 6)
	ok(t, errors.Join(atOnce(6, func(i int) (err error) {
		ids[i], err = create(i, token("a", "p", epoch()))
		return err
	})...))
	if slices.Sort(ids); ids[0] != ids[5] {
		t.Errorf("one token made %v", ids)
	}
	first := ids[0]
	if as := must(s.Applications(ctx, application.Filter{InstanceID: theInstance}, "", 10))(t); len(as) != 1 || as[0].ID != first {
		t.Errorf("one token made %v", as)
	}
	_, err := create(10, token("a", "other", epoch()))
	want{kind: fault.Conflict, reason: "idempotency", field: "ClientToken"}.check(t, err)
	if id := must(create(11, token("b", "other", epoch())))(t); id != app(11).ID {
		t.Errorf("another token made %s", id)
	}
	// What was made stays made, even when it is gone.
	ok(t, s.DeleteApplication(ctx, first, event("x", "x")))
	if id := must(create(12, token("a", "p", after(30))))(t); id != first {
		t.Errorf("after the deletion: %s, want %s", id, first)
	}
	if id := must(create(13, token("a", "other", after(61))))(t); id != app(13).ID {
		t.Errorf("after the token expired: %s, want a new one", id)
	}
	// A creation that fails leaves no token behind.
	_, err = s.InsertApplication(ctx, app(14), 2, token("c", "p", epoch()), event("x", "x"))
	want{kind: fault.Quota}.check(t, err)
	if id := must(create(15, token("c", "q", epoch())))(t); id != app(15).ID {
		t.Errorf("after a failed creation: %s", id)
	}
}
