package adopt

import (
	"bytes"
	"cmp"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"gatehouse/internal/plan"
	"gatehouse/internal/plan/estate"
	"gatehouse/internal/plan/source"
)

// Terraform's resources and data sources are those of the provider hashicorp/aws, versions 4 to 6 (its packages ssoadmin, identitystore and organizations). A state
// comes as `terraform show -json` prints it (https://developer.hashicorp.com/terraform/internals/json-format), as a plan of the same command, of which the planned
// values are read, or as the file terraform.tfstate of version 4. OpenTofu writes the same.

// tfShown is what `terraform show -json` prints.
type tfShown struct {
	FormatVersion string    `json:"format_version"`
	Values        *tfValues `json:"values"`
	PlannedValues *tfValues `json:"planned_values"`
	PriorState    *tfShown  `json:"prior_state"`
	Errored       bool      `json:"errored"`
	Changes       []struct {
		Address  string `json:"address"`
		Previous string `json:"previous_address"`
		Deposed  string `json:"deposed"`
		Change   struct {
			Actions      []string       `json:"actions"`
			AfterUnknown jsontext.Value `json:"after_unknown"`
		} `json:"change"`
	} `json:"resource_changes"`
	Version   int        `json:"version"`   // of terraform.tfstate
	Resources []tfStored `json:"resources"` // of terraform.tfstate
}

type tfValues struct {
	RootModule tfModule `json:"root_module"`
}

type tfModule struct {
	Resources    []tfResource `json:"resources"`
	ChildModules []tfModule   `json:"child_modules"`
}

type tfResource struct {
	Address string         `json:"address"`
	Mode    string         `json:"mode"`
	Type    string         `json:"type"`
	Values  jsontext.Value `json:"values"`
	Deposed string         `json:"deposed_key"` // what has been replaced, and is still to be destroyed
	unknown jsontext.Value // true in place of what a plan does not know yet
	ends    bool           // a plan destroys it
}

// tfStored is a resource in terraform.tfstate.
type tfStored struct {
	Module    string `json:"module"`
	Mode      string `json:"mode"`
	Type      string `json:"type"`
	Name      string `json:"name"`
	Instances []struct {
		IndexKey   jsontext.Value `json:"index_key"`
		Attributes jsontext.Value `json:"attributes"`
		Deposed    string         `json:"deposed"`
	} `json:"instances"`
}

// Terraform reads a state, or a plan, of which name is the file's.
func (r *Reading) Terraform(name string, data []byte) {
	file := place{file: name, name: name}
	var shown tfShown
	if err := json.Unmarshal(source.UTF8(data), &shown); err != nil {
		r.fail("terraform", file, "write it with `terraform show -json > state.json`", "this is not what `terraform show -json` prints: %v", err)
		return
	}
	var all []tfResource
	switch {
	case shown.FormatVersion == "" && shown.Version == 4:
		for _, s := range shown.Resources {
			all = append(all, s.resources()...)
		}
	case shown.FormatVersion == "":
		r.fail("terraform", file, "write it with `terraform show -json > state.json`", "this is neither what `terraform show -json` prints nor a state of version 4")
		return
	case !strings.HasPrefix(shown.FormatVersion, "1.") && !strings.HasPrefix(shown.FormatVersion, "0."):
		r.fail("terraform", file, "use a version of Terraform that writes format 1", "the format %q is newer than what is read here", shown.FormatVersion)
		return
	case shown.Errored:
		r.fail("terraform", file, "mend the configuration, or read the state", "the plan ended with errors, and is not whole")
		return
	case shown.PlannedValues != nil:
		all = shown.planned()
	case shown.Values != nil:
		all = shown.Values.RootModule.all()
	}
	found := false
	for _, x := range all {
		found = r.terraform(name, x) || found
	}
	if !found {
		r.once("empty\x00"+name, "terraform", file, "name the state of the configuration that has them", "%s describes no permission set, assignment, group or application", name)
	}
}

// planned are the resources that there are after a plan, with what is not known of each. Among the planned values are only those that the plan looks at: others, which -target
// leaves aside or which Terraform is to forget, stay as they were before, and so does what was read for the plan.
func (s *tfShown) planned() []tfResource {
	unknown, ends := make(map[string]jsontext.Value, len(s.Changes)), map[string]bool{}
	there := map[string]bool{}
	for _, c := range s.Changes {
		if c.Deposed == "" {
			unknown[c.Address] = c.Change.AfterUnknown
			ends[c.Address] = slices.Equal(c.Change.Actions, []string{"delete"})
			there[c.Previous] = c.Previous != ""
		}
	}
	all := s.PlannedValues.RootModule.all()
	for i := range all {
		all[i].unknown = unknown[all[i].Address]
		there[all[i].Address] = true
	}
	if s.PriorState == nil || s.PriorState.Values == nil {
		return all
	}
	for _, x := range s.PriorState.Values.RootModule.all() {
		if x.Mode == "data" || x.Deposed != "" || !there[x.Address] {
			x.ends = x.Mode != "data" && x.Deposed == "" && ends[x.Address]
			all = append(all, x)
		}
	}
	return all
}

// all are the resources of a module and of those below, which the decoder's limit of nesting bounds.
func (m tfModule) all() (out []tfResource) {
	var walk func(tfModule)
	walk = func(m tfModule) {
		out = append(out, m.Resources...)
		for _, c := range m.ChildModules {
			walk(c)
		}
	}
	walk(m)
	return out
}

func (s tfStored) resources() (out []tfResource) {
	for _, i := range s.Instances {
		address := s.Type + "." + s.Name
		if s.Mode == "data" {
			address = "data." + address
		}
		if s.Module != "" {
			address = s.Module + "." + address
		}
		if i.IndexKey != nil {
			address += "[" + string(i.IndexKey) + "]"
		}
		out = append(out, tfResource{Address: address, Mode: s.Mode, Type: s.Type, Values: i.Attributes, Deposed: i.Deposed})
	}
	return out
}

// terraform takes one resource, and tells whether it is of those that are described.
func (r *Reading) terraform(file string, x tfResource) bool {
	at := place{file, x.Address}
	table := tfResources
	if x.Mode == "data" {
		table = tfData
	}
	if read := table[x.Type]; read != nil {
		if x.Deposed != "" {
			r.once("deposed\x00"+x.Address+x.Deposed, "left-out", at, "let `terraform apply` end what it began", "%s is left out in the form that was replaced and is still to be destroyed", x.Address)
			return true
		}
		if x.ends {
			r.once("ends\x00"+x.Address, "left-out", at, "read the state if it is to stay", "%s is left out: the plan destroys it", x.Address)
			return true
		}
		if name := x.unsettled(); name != "" {
			r.fail("unknown", at, "read the state then", "%s: its %s is known only after `terraform apply`", x.Address, name)
		} else if err := read(r, at, x.Values); err != nil {
			r.fail("terraform", at, "it may be of a version of the provider that is not known here", "%s is not as the provider hashicorp/aws has it: %v", x.Address, err)
		}
		return x.Mode != "data"
	}
	switch {
	case x.Mode == "data":
	case strings.HasPrefix(x.Type, "aws_ssoadmin_") || strings.HasPrefix(x.Type, "aws_identitystore_"):
		r.once("type\x00"+x.Type, "left-out", at, "leave it to Terraform", "%s is left out: files do not describe %s", x.Address, x.Type)
	case strings.HasPrefix(x.Type, "awscc_sso_") || strings.HasPrefix(x.Type, "awscc_identitystore_"):
		r.once("type\x00"+x.Type, "left-out", at, "import them from the instance", "%s is left out: resources of the provider hashicorp/awscc are not read", x.Address)
	}
	return false
}

// tfWritten are the attributes that a configuration gives values, and whose loss would change what is described. Ids are not among them: see [Reading.known].
var tfWritten = []string{"name", "description", "relay_state", "session_duration", "tags", "inline_policy", "managed_policy_arn", "managed_policy_arns", "customer_managed_policy_reference", "permissions_boundary",
	"principal_type", "assignment_required", "attribute", "application_provider_arn", "display_name"}

// unsettled is the first attribute of a planned resource that a plan does not know, or knows only in parts; "" when all are known.
func (x *tfResource) unsettled() string {
	var unknown map[string]jsontext.Value
	if x.unknown.Kind() != '{' || json.Unmarshal(x.unknown, &unknown) != nil {
		return ""
	}
	for _, name := range tfWritten {
		if holdsTrue(unknown[name]) {
			return name
		}
	}
	return ""
}

// holdsTrue tells whether a value is true, or has true in it.
func holdsTrue(v jsontext.Value) bool {
	d := jsontext.NewDecoder(bytes.NewReader(v))
	for {
		t, err := d.ReadToken()
		if err != nil {
			return false
		}
		if t.Kind() == 't' {
			return true
		}
	}
}

type tfReader func(*Reading, place, jsontext.Value) error

// tfRead makes a reader of values of a type.
func tfRead[T any](take func(*Reading, place, *T)) tfReader {
	return func(r *Reading, at place, values jsontext.Value) error {
		var v T
		if err := json.Unmarshal(values, &v); err != nil {
			return err
		}
		take(r, at, &v)
		return nil
	}
}

// known tells of an id that a plan cannot know.
func (r *Reading) known(at place, ids ...string) bool {
	if slices.Contains(ids, "") {
		r.fail("unknown", at, "read the state after `terraform apply`", "%s has not been made yet, or refers to what has not", at.name)
		return false
	}
	return true
}

type (
	tfSet struct {
		ARN             string            `json:"arn"`
		Name            string            `json:"name"`
		Description     string            `json:"description"`
		RelayState      string            `json:"relay_state"`
		SessionDuration string            `json:"session_duration"`
		Tags            map[string]string `json:"tags"`
		TagsAll         map[string]string `json:"tags_all"`
	}
	tfPart struct {
		Set      string   `json:"permission_set_arn"`
		Inline   string   `json:"inline_policy"`
		ARN      string   `json:"managed_policy_arn"`
		ARNs     []string `json:"managed_policy_arns"`
		Customer []tfRef  `json:"customer_managed_policy_reference"`
		Boundary []struct {
			ARN      string  `json:"managed_policy_arn"`
			Customer []tfRef `json:"customer_managed_policy_reference"`
		} `json:"permissions_boundary"`
	}
	tfRef struct {
		Name string `json:"name"`
		Path string `json:"path"`
	}
	tfAssignment struct {
		Set       string `json:"permission_set_arn"`
		App       string `json:"application_arn"`
		Principal string `json:"principal_id"`
		Type      string `json:"principal_type"`
		Target    string `json:"target_id"`
		Required  bool   `json:"assignment_required"`
	}
	tfAttributes struct {
		Attribute []struct {
			Key   string `json:"key"`
			Value []struct {
				Source []string `json:"source"`
			} `json:"value"`
		} `json:"attribute"`
	}
	tfApplication struct {
		ARN         string            `json:"arn"`
		OldARN      string            `json:"application_arn"`
		Provider    string            `json:"application_provider_arn"`
		Name        string            `json:"name"`
		Description string            `json:"description"`
		Status      string            `json:"status"`
		Tags        map[string]string `json:"tags"`
		TagsAll     map[string]string `json:"tags_all"`
		Portal      []struct {
			Visibility string `json:"visibility"`
			SignIn     []struct {
				URL string `json:"application_url"`
			} `json:"sign_in_options"`
		} `json:"portal_options"`
	}
	tfGroup struct {
		Store       string `json:"identity_store_id"`
		ID          string `json:"group_id"`
		Name        string `json:"display_name"`
		Description string `json:"description"`
	}
	tfUser struct {
		Store  string `json:"identity_store_id"`
		ID     string `json:"user_id"`
		Name   string `json:"user_name"`
		Emails []struct {
			Value string `json:"value"`
		} `json:"emails"`
	}
	tfMembership struct {
		Group  string `json:"group_id"`
		Member string `json:"member_id"`
	}
	tfAccount struct {
		ID     string `json:"id"`
		Name   string `json:"name"`
		Email  string `json:"email"`
		Status string `json:"status"`
		State  string `json:"state"` // what replaces the status
	}
	tfOrganization struct {
		Accounts   []tfAccount `json:"accounts"`
		Management string      `json:"master_account_id"`
	}
)

var tfResources = map[string]tfReader{
	"aws_ssoadmin_permission_set": tfRead(func(r *Reading, at place, v *tfSet) {
		if r.known(at, v.ARN) {
			r.set(v.ARN, estate.Set{Name: v.Name, Description: v.Description, RelayState: v.RelayState, Session: r.session(at, v.SessionDuration), Tags: allTags(v.TagsAll, v.Tags), DetailsRead: true}, at)
		}
	}),
	"aws_ssoadmin_permission_set_inline_policy": tfRead(func(r *Reading, at place, v *tfPart) {
		if document, ok := r.policy(at, []byte(v.Inline)); ok {
			r.part(at, v.Set, func(s *estate.Set) string {
				if s.Inline != "" && !plan.SamePolicy(s.Inline, document) {
					return "inline policy"
				}
				s.Inline = cmp.Or(s.Inline, document)
				return ""
			})
		}
	}),
	"aws_ssoadmin_managed_policy_attachment": tfRead(func(r *Reading, at place, v *tfPart) {
		if r.known(at, v.ARN) {
			r.policies(at, v.Set, v.ARN)
		}
	}),
	"aws_ssoadmin_managed_policy_attachments_exclusive": tfRead(func(r *Reading, at place, v *tfPart) {
		if r.known(at, v.ARNs...) {
			r.policies(at, v.Set, v.ARNs...)
		}
	}),
	"aws_ssoadmin_customer_managed_policy_attachment":            tfRead(tfCustomer),
	"aws_ssoadmin_customer_managed_policy_attachments_exclusive": tfRead(tfCustomer),
	"aws_ssoadmin_permissions_boundary_attachment": tfRead(func(r *Reading, at place, v *tfPart) {
		for _, b := range v.Boundary {
			fence := &estate.Boundary{AWS: b.ARN}
			for _, c := range b.Customer {
				fence = &estate.Boundary{Customer: &estate.PolicyRef{Name: c.Name, Path: c.Path}}
			}
			r.part(at, v.Set, func(s *estate.Set) string {
				if s.Boundary != nil && !reflect.DeepEqual(s.Boundary, fence) {
					return "boundary"
				}
				s.Boundary = fence
				return ""
			})
		}
	}),
	"aws_ssoadmin_account_assignment": tfRead(func(r *Reading, at place, v *tfAssignment) {
		if user, ok := r.kind(at, v.Type); ok && r.known(at, v.Set, v.Principal, v.Target) {
			r.assignments = append(r.assignments, grant{what: v.Set, principal: v.Principal, account: v.Target, user: user, at: at})
		}
	}),
	"aws_ssoadmin_instance_access_control_attributes": tfRead(func(r *Reading, at place, v *tfAttributes) {
		all := []estate.Attribute{}
		for _, a := range v.Attribute {
			var sources []string
			for _, x := range a.Value {
				sources = append(sources, x.Source...)
			}
			all = append(all, estate.Attribute{Key: a.Key, Source: sources})
		}
		r.attribute(all, at)
	}),
	"aws_ssoadmin_application": tfRead(func(r *Reading, at place, v *tfApplication) {
		arn := v.ARN
		if arn == "" {
			arn = v.OldARN
		}
		if !r.known(at, arn) {
			return
		}
		a := &estate.Application{Name: v.Name, Provider: v.Provider, Description: v.Description, Disabled: v.Status == "DISABLED", Visible: true, Tags: allTags(v.TagsAll, v.Tags)}
		for _, p := range v.Portal {
			a.Visible = p.Visibility != "DISABLED"
			for _, s := range p.SignIn {
				a.URL = s.URL
			}
		}
		r.app(arn, a, at)
	}),
	"aws_ssoadmin_application_assignment": tfRead(func(r *Reading, at place, v *tfAssignment) {
		if user, ok := r.kind(at, v.Type); ok && r.known(at, v.App, v.Principal) {
			r.uses = append(r.uses, grant{what: v.App, principal: v.Principal, user: user, at: at})
		}
	}),
	"aws_ssoadmin_application_assignment_configuration": tfRead(func(r *Reading, at place, v *tfAssignment) {
		if !r.known(at, v.App) {
			return
		}
		if was, said := r.required[v.App]; said && was != v.Required {
			r.duplicate(at, "whether the application needs assignments is described differently already")
		}
		r.required[v.App] = v.Required
	}),
	"aws_identitystore_group": tfRead(func(r *Reading, at place, v *tfGroup) {
		if r.known(at, v.ID) {
			r.store(v.Store, at)
			r.describe(v.ID, v.Name, v.Description, at)
		}
	}),
	"aws_identitystore_group_membership": tfRead(func(r *Reading, at place, v *tfMembership) {
		if r.known(at, v.Group, v.Member) {
			r.member(v.Group, v.Member, at)
		}
	}),
	"aws_identitystore_user": tfRead(func(r *Reading, at place, v *tfUser) {
		r.store(v.Store, at)
		r.userOf(v)
		r.once("type\x00aws_identitystore_user", "left-out", at, "leave people to Terraform, or better to an identity provider", "%s is left out: files name people and do not describe them", at.name)
	}),
	"aws_organizations_account":      tfRead(func(r *Reading, _ place, v *tfAccount) { r.accountOf(v, "") }),
	"aws_organizations_organization": tfRead(tfWhole),
}

var tfData = map[string]tfReader{
	"aws_identitystore_group": tfRead(func(r *Reading, at place, v *tfGroup) {
		r.store(v.Store, at)
		r.groupNamed(v)
	}),
	"aws_identitystore_groups": tfRead(func(r *Reading, _ place, v *struct {
		Groups []tfGroup `json:"groups"`
	}) {
		for i := range v.Groups {
			r.groupNamed(&v.Groups[i])
		}
	}),
	"aws_identitystore_user": tfRead(func(r *Reading, at place, v *tfUser) {
		r.store(v.Store, at)
		r.userOf(v)
	}),
	"aws_identitystore_users": tfRead(func(r *Reading, _ place, v *struct {
		Users []tfUser `json:"users"`
	}) {
		for i := range v.Users {
			r.userOf(&v.Users[i])
		}
	}),
	"aws_ssoadmin_permission_set": tfRead(func(r *Reading, at place, v *tfSet) {
		if v.ARN != "" && r.sets[v.ARN] == nil {
			r.set(v.ARN, estate.Set{Name: v.Name}, at)
		}
	}),
	"aws_organizations_account":                                 tfRead(func(r *Reading, _ place, v *tfAccount) { r.accountOf(v, "") }),
	"aws_organizations_organization":                            tfRead(tfWhole),
	"aws_organizations_organizational_unit_child_accounts":      tfRead(tfSome),
	"aws_organizations_organizational_unit_descendant_accounts": tfRead(tfSome),
}

func tfCustomer(r *Reading, at place, v *tfPart) {
	r.part(at, v.Set, func(s *estate.Set) string {
		for _, c := range v.Customer {
			ref := estate.PolicyRef{Name: c.Name, Path: c.Path}
			if !slices.ContainsFunc(s.CustomerPolicies, ref.Same) {
				s.CustomerPolicies = append(s.CustomerPolicies, ref)
			}
		}
		return ""
	})
}

// tfSome takes accounts.
func tfSome(r *Reading, _ place, v *tfOrganization) {
	for i := range v.Accounts {
		r.accountOf(&v.Accounts[i], v.Management)
	}
}

// tfWhole takes the accounts of the organization, if all of them are there.
func tfWhole(r *Reading, at place, v *tfOrganization) {
	tfSome(r, at, v)
	r.whole = r.whole || len(v.Accounts) > 0
}

func (r *Reading) part(at place, set string, apply func(*estate.Set) string) {
	if r.known(at, set) {
		r.parts = append(r.parts, part{set, at, apply})
	}
}

// policies attaches AWS managed policies to a set.
func (r *Reading) policies(at place, set string, arns ...string) {
	r.part(at, set, func(s *estate.Set) string {
		s.AWSPolicies = append(s.AWSPolicies, arns...)
		return ""
	})
}

// store notes which identity store something is of.
func (r *Reading) store(id string, at place) {
	if _, there := r.stores[id]; id != "" && !there {
		r.stores[id] = at
	}
}

func (r *Reading) groupNamed(v *tfGroup) {
	if v.ID == "" {
		return
	}
	if g := r.group(v.ID); g.Name == "" {
		g.Name = v.Name
	}
}

func (r *Reading) userOf(v *tfUser) {
	u := estate.User{ID: v.ID, Name: v.Name}
	for _, m := range v.Emails {
		u.Emails = append(u.Emails, m.Value)
	}
	r.user(u)
}

func (r *Reading) accountOf(v *tfAccount, management string) {
	r.account(estate.Account{ID: v.ID, Name: v.Name, Email: v.Email, Status: cmp.Or(v.State, v.Status), Management: v.ID == management && management != ""})
}

// allTags are a resource's tags with those that its provider gives to everything.
func allTags(all, own map[string]string) map[string]string {
	if len(all) == 0 && len(own) == 0 {
		return nil // however a version of the provider writes that there are none
	}
	if len(all) == 0 {
		return own
	}
	out := maps.Clone(all)
	maps.Copy(out, own)
	return out
}
