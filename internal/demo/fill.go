package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"gatehouse/internal/access"
	"gatehouse/internal/app"
	"gatehouse/internal/audit"
	"gatehouse/internal/tenant"
)

// filler is the actor of the sample: the demo, on behalf of whoever started it.
var filler = audit.Actor{Kind: audit.System, Name: "demo"}

// known is what the demo keeps of itself between starts, in demo.json (mode 0600).
type known struct {
	ScimToken string   `json:"scimToken"`
	SignIns   []SignIn `json:"signIns"`
	// Filled is true when the sample organization stands.
	Filled bool `json:"filled"`
}

func (d *Demo) file() string { return filepath.Join(d.App.Config.Data, "demo.json") }

func (d *Demo) load() (known, error) {
	var k known
	b, err := os.ReadFile(d.file())
	if errors.Is(err, fs.ErrNotExist) {
		return k, nil
	}
	if err != nil {
		return k, err
	}
	return k, json.Unmarshal(b, &k)
}

func (d *Demo) save(k known) error {
	b, err := json.MarshalIndent(k, "", "  ")
	if err != nil {
		return err
	}
	return app.WriteFile(d.file(), b)
}

// fill makes the sample, or finds it made, and writes the environment.
func (d *Demo) fill(ctx context.Context) error {
	k, err := d.load()
	if err != nil {
		return fmt.Errorf("%s: %w", d.file(), err)
	}
	if !k.Filled {
		if err := d.people(&k); err != nil {
			return err
		}
		if err := d.connect(ctx, &k); err != nil {
			return err
		}
		if err := d.organize(ctx); err != nil {
			return err
		}
		k.Filled = true
		if err := d.save(k); err != nil {
			return err
		}
	} else if err := d.trust(ctx); err != nil { // the tenant's address may have changed
		return err
	}
	d.SignIns = k.SignIns
	env, err := app.ReadEnvironment(d.App.Config.Data)
	if err != nil {
		return err
	}
	env["GATEHOUSE_SCIM_TOKEN"] = k.ScimToken
	env["GATEHOUSE_TENANT_URL"] = d.tenantURL()
	env["GATEHOUSE_TENANT_TOKEN"] = d.Tenant.AdminToken()
	if len(k.SignIns) > 0 {
		env["GATEHOUSE_DEMO_USER"], env["GATEHOUSE_DEMO_PASSWORD"] = k.SignIns[0].UserName, k.SignIns[0].Password
	}
	d.Env = env
	return env.Write(d.App.Config.Data)
}

func (d *Demo) tenantURL() string { return d.Tenant.BaseURL() }

// people fills the tenant.
func (d *Demo) people(k *known) error {
	ins, err := d.Tenant.Fill()
	if err != nil {
		return err
	}
	k.SignIns = nil
	for _, s := range ins {
		k.SignIns = append(k.SignIns, SignIn{UserName: s.UserPrincipalName, Password: s.Password, Who: s.Description})
	}
	return d.save(*k)
}

// connect introduces tenant and server to each other, as an administrator would, and runs the first cycle.
func (d *Demo) connect(ctx context.Context, k *known) error {
	if err := d.trust(ctx); err != nil {
		return err
	}
	if k.ScimToken == "" {
		_, secret, err := d.App.Directory.CreateToken(ctx, filler, app.DefaultSource, 0)
		if err != nil {
			return err
		}
		k.ScimToken = secret
		if err := d.save(*k); err != nil {
			return err
		}
	}
	if err := d.Tenant.SetSecretToken(k.ScimToken); err != nil {
		return err
	}
	if err := d.Tenant.Start(); err != nil {
		return err
	}
	cycle, err := d.Tenant.RunCycle(ctx)
	if err != nil {
		return err
	}
	if len(cycle.Failures) > 0 || cycle.Error != "" {
		return fmt.Errorf("the first synchronization failed: %s %+v", cycle.Error, cycle.Failures)
	}
	return nil
}

// trust gives each side the other's addresses and keys.
func (d *Demo) trust(ctx context.Context) error {
	url := d.App.Config.URL
	err := d.Tenant.SetApplication(func(a *tenant.Application) {
		a.EntityID = url + "/saml/" + app.DefaultSource + "/metadata"
		a.ReplyURLs = []string{url + "/saml/" + app.DefaultSource + "/acs"}
		a.LogoutURL = url + "/saml/" + app.DefaultSource + "/slo"
		a.SignOnURL = url + "/start"
	})
	if err != nil {
		return err
	}
	err = d.Tenant.SetJob(func(s *tenant.Settings) {
		s.BaseURL = url + "/scim/" + app.DefaultSource + "/v2"
		s.Interval = syncEvery
	})
	if err != nil {
		return err
	}
	xml, err := d.Tenant.Metadata()
	if err != nil {
		return err
	}
	return d.App.TrustIDP(ctx, filler, app.DefaultSource, "Microsoft Entra ID (emulated)", xml)
}

// place is an account of the sample and the path of units it stands in.
type place struct {
	name, email string
	units       []string
	tags        map[string]string
}

func env(e string) map[string]string { return map[string]string{"environment": e} }

// places are eleven accounts beside the management account.
func places() []place {
	return []place{
		{"Log Archive", "log-archive@meridian.example", []string{"Security"}, env("shared")},
		{"Security Tooling", "security-tooling@meridian.example", []string{"Security"}, env("shared")},
		{"Network", "network@meridian.example", []string{"Infrastructure"}, env("shared")},
		{"Shared Services", "shared-services@meridian.example", []string{"Infrastructure"}, env("shared")},
		{"Payments Production", "payments-prod@meridian.example", []string{"Workloads", "Production"}, env("production")},
		{"Storefront Production", "storefront-prod@meridian.example", []string{"Workloads", "Production"}, env("production")},
		{"Data Lake Production", "datalake-prod@meridian.example", []string{"Workloads", "Production"}, env("production")},
		{"Payments Staging", "payments-staging@meridian.example", []string{"Workloads", "Staging"}, env("staging")},
		{"Storefront Staging", "storefront-staging@meridian.example", []string{"Workloads", "Staging"}, env("staging")},
		{"Data Lake Staging", "datalake-staging@meridian.example", []string{"Workloads", "Staging"}, env("staging")},
		{"Developer Sandbox", "sandbox@meridian.example", []string{"Sandbox"}, env("sandbox")},
	}
}

func awsPolicy(name string) []string { return []string{"arn:aws:iam::aws:policy/" + name} }

// sets are five permission sets that show what one can be made of.
func sets() []access.PermissionSet {
	return []access.PermissionSet{
		{Name: "AdministratorAccess", Description: "Everything. For emergencies and for platform work.", ManagedPolicies: awsPolicy("AdministratorAccess")},
		{Name: "PowerUser", Description: "Everything but identity and organization.", ManagedPolicies: awsPolicy("PowerUserAccess"), SessionDuration: 4 * time.Hour},
		{Name: "ReadOnly", Description: "See everything, change nothing; customer data excepted.", ManagedPolicies: awsPolicy("ReadOnlyAccess"), SessionDuration: 8 * time.Hour,
			InlinePolicy: `{"Version":"2012-10-17","Statement":[{"Sid":"NoCustomerData","Effect":"Deny","Action":["s3:GetObject","dynamodb:GetItem","dynamodb:Query","dynamodb:Scan"],"Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/classification":"customer-data"}}}]}`},
		{Name: "SecurityAudit", Description: "Configuration of security services, for auditors.", ManagedPolicies: awsPolicy("SecurityAudit"), SessionDuration: 8 * time.Hour},
		{Name: "Billing", Description: "Invoices, budgets and cost reports.", ManagedPolicies: awsPolicy("job-function/Billing")},
	}
}

// grant is an assignment by names.
type grant struct{ group, set, account string }

// grants are twenty assignments.
func grants() []grant {
	return []grant{
		{"Platform Engineers", "AdministratorAccess", "Network"},
		{"Platform Engineers", "AdministratorAccess", "Shared Services"},
		{"Platform Engineers", "PowerUser", "Payments Production"},
		{"Platform Engineers", "PowerUser", "Storefront Production"},
		{"Platform Engineers", "ReadOnly", "Log Archive"},
		{"Developers", "PowerUser", "Payments Staging"},
		{"Developers", "PowerUser", "Storefront Staging"},
		{"Developers", "AdministratorAccess", "Developer Sandbox"},
		{"Developers", "ReadOnly", "Payments Production"},
		{"Developers", "ReadOnly", "Storefront Production"},
		{"Data Engineers", "PowerUser", "Data Lake Staging"},
		{"Data Engineers", "ReadOnly", "Data Lake Production"},
		{"Security", "SecurityAudit", "Log Archive"},
		{"Security", "AdministratorAccess", "Security Tooling"},
		{"Security", "SecurityAudit", "Payments Production"},
		{"Auditors", "SecurityAudit", "Log Archive"},
		{"Auditors", "ReadOnly", "Data Lake Production"},
		{"Finance", "Billing", "Management"},
		{"Support", "ReadOnly", "Storefront Production"},
		{"Contractors", "ReadOnly", "Developer Sandbox"},
	}
}

// organize makes units, accounts, permission sets and assignments, and waits until the roles stand. It can be
// repeated after a crash: what is there is found by name.
func (d *Demo) organize(ctx context.Context) error {
	o, err := d.App.Organization.Organization(ctx)
	if err != nil {
		return err
	}
	accounts := map[string]string{"Management": o.ManagementAccountID}
	if err := d.accounts(ctx, o.RootID, accounts); err != nil {
		return err
	}
	setIDs := map[string]string{}
	for _, p := range sets() {
		have, err := d.App.Access.SetByName(ctx, d.App.Instance.ID, p.Name)
		if err != nil {
			p.InstanceID = d.App.Instance.ID
			if have, err = d.App.Access.CreateSet(ctx, filler, p); err != nil {
				return err
			}
		}
		setIDs[p.Name] = have.ID
	}
	for _, g := range grants() {
		group, err := d.App.Directory.GroupByName(ctx, g.group)
		if err != nil {
			return err
		}
		k := access.RoleKey{AccountID: accounts[g.account], PermissionSetID: setIDs[g.set]}
		if _, err := d.App.Access.Assign(ctx, filler, k, access.Principal{Type: access.Group, ID: group.ID}); err != nil {
			return fmt.Errorf("%s as %s in %s: %w", g.group, g.set, g.account, err)
		}
	}
	return d.provisioned(ctx)
}

func (d *Demo) accounts(ctx context.Context, root string, accounts map[string]string) error {
	have, err := d.App.Organization.Accounts(ctx, "", 1000)
	if err != nil {
		return err
	}
	for _, a := range have {
		if _, mine := accounts[a.Name]; !mine {
			accounts[a.Name] = a.ID
		}
	}
	for _, p := range places() {
		at := root
		for _, name := range p.units {
			if at, err = d.unit(ctx, at, name); err != nil {
				return err
			}
		}
		if accounts[p.name] != "" {
			continue
		}
		a, err := d.App.Organization.CreateAccount(ctx, filler, p.name, p.email, p.tags)
		if err != nil {
			return err
		}
		if err := d.App.Organization.MoveAccount(ctx, filler, a.ID, root, at); err != nil {
			return err
		}
		accounts[p.name] = a.ID
	}
	return nil
}

// unit finds or makes a unit by name below a parent.
func (d *Demo) unit(ctx context.Context, parent, name string) (string, error) {
	us, err := d.App.Organization.UnitsOf(ctx, parent, "", 1000)
	if err != nil {
		return "", err
	}
	for _, u := range us {
		if u.Name == name {
			return u.ID, nil
		}
	}
	u, err := d.App.Organization.CreateUnit(ctx, filler, parent, name, nil)
	return u.ID, err
}

// provisioned waits until no request is in progress and fails if one failed.
func (d *Demo) provisioned(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		open, err := d.App.Access.Requests(ctx, access.CreateAssignment, access.InProgress, access.RequestCursor{}, 1)
		if err != nil {
			return err
		}
		if len(open) == 0 {
			break
		}
		select {
		case <-ctx.Done():
			return errors.New("the roles of the sample were not made within 30 seconds")
		case <-time.After(20 * time.Millisecond):
		}
	}
	failed, err := d.App.Access.Requests(ctx, access.CreateAssignment, access.Failed, access.RequestCursor{}, 1)
	if err == nil && len(failed) > 0 {
		err = errors.New("a role of the sample was not made: " + failed[0].FailureReason)
	}
	return err
}
