package adopt

import (
	"regexp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"gatehouse/internal/cloudformation"
	"gatehouse/internal/plan/estate"
	"gatehouse/internal/plan/source"
)

// Templates are read with the language that the server's stacks have, and nothing is made: what only a stack would know, such as an id that a resource will have, is kept
// as a reference. Types and properties are CloudFormation's (AWS CloudFormation template reference, AWS::SSO and AWS::IdentityStore).

// mark stands around the name of what only a stack knows. No text of a template may hold it.
const mark = "\x00"

// CloudFormation reads a template, of which name is the file's. Parameters may be given for several templates together; AWS::AccountId and the like are given in the same
// way.
func (r *Reading) CloudFormation(name string, data []byte, parameters map[string]string) {
	file := place{file: name, name: name}
	data = source.UTF8(data)
	if strings.Contains(string(data), mark) {
		r.fail("cloudformation", file, "", "this is no template: it holds characters that text does not have")
		return
	}
	given := func(name string) (string, bool) {
		v, ok := parameters[name]
		if was := r.used[name]; ok && strings.Contains(name, ".") && was != "" && was != file.name {
			r.fail("parameter", file, "give one of the resources another logical id", "%s stands for two resources: %s has one as well", name, was)
		}
		if ok {
			r.used[name] = file.name
		}
		return v, ok
	}
	all, err := cloudformation.Expand(string(data), given, mark)
	if err != nil {
		says, advice := strings.ReplaceAll(err.Error(), mark, ""), ""
		switch {
		case strings.Contains(says, "section Transform"):
			advice = "read what CloudFormation made of it: aws cloudformation get-template --template-stage Processed"
		case strings.Contains(says, "must have values") || strings.Contains(says, "AWS::"):
			advice = "give parameters with --parameter NAME=VALUE, as the stack has them"
		}
		r.fail("cloudformation", file, advice, "the template cannot be read: %s", says)
		return
	}
	t := &template{Reading: r, name: name, types: make(map[string]string, len(all))}
	for _, x := range all {
		t.types[x.LogicalID] = x.Type
	}
	found := false
	for _, x := range all {
		read, ours := cfnTypes[x.Type]
		at := place{name, x.LogicalID}
		switch {
		case ours:
			found = true
			properties, err := json.Marshal(looked(map[string]any(x.Properties), given), json.Deterministic(true))
			if err == nil {
				err = read(t, at, properties)
			}
			if err != nil {
				r.fail("cloudformation", at, "", "%s: its properties are not those of %s: %v", x.LogicalID, x.Type, err)
			}
		case x.Type == "AWS::CloudFormation::Stack" || x.Type == "AWS::CloudFormation::StackSet":
			r.once("nested\x00"+name+"#"+x.LogicalID, "left-out", at, "read its template, too, with the parameters it is given", "%s is left out: it is of another template", x.LogicalID)
		case strings.HasSuffix(x.Type, "::MODULE"):
			r.once("nested\x00"+name+"#"+x.LogicalID, "left-out", at, "read what CloudFormation made of it: aws cloudformation get-template --template-stage Processed", "%s is left out: what is in the module %s is not in the template", x.LogicalID, x.Type)
		case strings.HasPrefix(x.Type, "AWS::SSO::") || strings.HasPrefix(x.Type, "AWS::IdentityStore::"):
			r.once("type\x00"+x.Type, "left-out", at, "leave it to CloudFormation", "%s is left out: files do not describe %s", x.LogicalID, x.Type)
		}
	}
	if !found {
		r.once("empty\x00"+name, "cloudformation", file, "name the template that has them", "%s describes no permission set, assignment, group or application", name)
	}
}

// Unused tells which parameters changed nothing, since a name that is mistyped leaves a default in its place.
func (r *Reading) Unused(names []string) {
	for _, name := range names {
		if r.used[name] == "" {
			r.once("unused\x00"+name, "parameter", place{name: name}, "look how the template writes it", "the parameter %q is left out: nothing that was read depends on it", name)
		}
	}
}

// template is one that is being read.
type template struct {
	*Reading
	name  string
	types map[string]string // of the resources that are made
}

// dynamic is a reference to what Systems Manager or Secrets Manager keep.
var dynamic = regexp.MustCompile(`\{\{resolve:[^{}]*\}\}`)

// looked is a value in which such references are what is given for them, or else not known.
func looked(v any, given func(string) (string, bool)) any {
	switch v := v.(type) {
	case string:
		return dynamic.ReplaceAllStringFunc(v, func(name string) string {
			if value, ok := given(name); ok {
				return value
			}
			return mark + name + mark
		})
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = looked(v[i], given)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, item := range v {
			out[k] = looked(item, given)
		}
		return out
	}
	return v
}

// idOf are the types whose ids other resources name, by the attribute that has the id.
var idOf = map[string]string{"PermissionSetArn": "AWS::SSO::PermissionSet", "ApplicationArn": "AWS::SSO::Application", "GroupId": "AWS::IdentityStore::Group", "AccountId": "AWS::Organizations::Account"}

// id is an id that a property holds: one of the service, or, of something in the same template, one made of the template's name.
func (t *template) id(at place, s cfnText, attribute string) (string, bool) {
	ref, made := strings.CutPrefix(string(s), mark)
	ref, ends := strings.CutSuffix(ref, mark)
	logical, dotted, _ := strings.Cut(ref, ".")
	switch {
	case !strings.Contains(string(s), mark):
		if s == "" {
			t.fail("cloudformation", at, "", "%s lacks a required property", at.name)
		}
		return string(s), s != ""
	case made && ends && !strings.ContainsAny(ref, mark+" :") && (dotted == "" || dotted == attribute) && t.types[logical] != "" && t.types[logical] == idOf[attribute]:
		return t.name + "#" + logical, true
	}
	t.stackOnly(at, string(s))
	return "", false
}

// stackOnly tells that a property depends on what only a stack knows.
func (t *template) stackOnly(at place, s string) {
	_, name, _ := strings.Cut(s, mark)
	name, _, _ = strings.Cut(name, mark)
	given, _, part := strings.Cut(name, " (a part of it)")
	advice := "import it from the instance instead"
	if strings.ContainsAny(given, ". ") || dynamic.MatchString(given) {
		advice = "give it with --parameter '" + given + "=VALUE', or import it from the instance instead"
	} else if strings.HasPrefix(given, "AWS::") {
		advice = "give it with --parameter " + given + "=VALUE"
	}
	if part {
		name = "a part of " + given
	}
	t.fail("unknown", at, advice, "%s depends on %s, which only the stack knows", at.name, name)
}

// of notes which instance or identity store something is of, where the template tells.
func (t *template) of(all map[string]place, id cfnText, at place) {
	if _, there := all[string(id)]; id != "" && !there && !strings.Contains(string(id), mark) {
		all[string(id)] = at
	}
}

// plain tells whether text is known as it is.
func (t *template) plain(at place, all ...cfnText) bool {
	for _, s := range all {
		if strings.Contains(string(s), mark) {
			t.stackOnly(at, string(s))
			return false
		}
	}
	return true
}

type cfnReader func(*template, place, []byte) error

func cfnRead[T any](take func(*template, place, *T)) cfnReader {
	return func(t *template, at place, properties []byte) error {
		var v T
		if err := json.Unmarshal(properties, &v); err != nil {
			return err
		}
		take(t, at, &v)
		return nil
	}
}

// cfnText is text, for which templates may also have a number or a boolean.
type cfnText string

// UnmarshalJSONFrom reads a string, number or boolean.
func (s *cfnText) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	switch d.PeekKind() {
	case '0', 't', 'f':
		v, err := d.ReadValue()
		*s = cfnText(v)
		return err
	}
	var text string
	err := json.UnmarshalDecode(d, &text)
	*s = cfnText(text)
	return err
}

type (
	cfnRef struct{ Name, Path cfnText }
	cfnTag struct{ Key, Value cfnText }
	cfnSet struct {
		InstanceArn                                        cfnText
		Name, Description, SessionDuration, RelayStateType cfnText
		ManagedPolicies                                    []cfnText
		CustomerManagedPolicyReferences                    []cfnRef
		PermissionsBoundary                                *struct {
			ManagedPolicyArn               cfnText
			CustomerManagedPolicyReference *cfnRef
		}
		InlinePolicy jsontext.Value
		Tags         []cfnTag
	}
	cfnAssignment struct {
		InstanceArn, PermissionSetArn, ApplicationArn, PrincipalId, PrincipalType, TargetId cfnText
	}
	cfnAttribute struct {
		Key   cfnText
		Value struct{ Source []cfnText }
	}
	cfnAttributes struct {
		AccessControlAttributes                     []cfnAttribute
		InstanceAccessControlAttributeConfiguration struct{ AccessControlAttributes []cfnAttribute }
	}
	cfnApplication struct {
		InstanceArn                                       cfnText
		Name, ApplicationProviderArn, Description, Status cfnText
		PortalOptions                                     struct {
			Visibility    cfnText
			SignInOptions struct{ ApplicationUrl cfnText }
		}
		Tags []cfnTag
	}
	cfnGroup      struct{ IdentityStoreId, DisplayName, Description cfnText }
	cfnMembership struct {
		GroupId  cfnText
		MemberId struct{ UserId cfnText }
	}
	cfnAccount struct{ AccountName cfnText }
)

var cfnTypes = map[string]cfnReader{
	"AWS::SSO::PermissionSet": cfnRead((*template).permissionSet),
	"AWS::SSO::Assignment": cfnRead(func(t *template, at place, v *cfnAssignment) {
		t.of(t.instances, v.InstanceArn, at)
		set, ok := t.id(at, v.PermissionSetArn, "PermissionSetArn")
		who, named := t.principal(at, v)
		account, known := t.id(at, v.TargetId, "AccountId")
		if ok && named && known {
			who.what, who.account = set, account
			t.assignments = append(t.assignments, who)
		}
	}),
	"AWS::SSO::InstanceAccessControlAttributeConfiguration": cfnRead(func(t *template, at place, v *cfnAttributes) {
		all := []estate.Attribute{}
		for _, a := range slices.Concat(v.AccessControlAttributes, v.InstanceAccessControlAttributeConfiguration.AccessControlAttributes) {
			if t.plain(at, append(a.Value.Source, a.Key)...) {
				all = append(all, estate.Attribute{Key: string(a.Key), Source: strs(a.Value.Source)})
			}
		}
		t.attribute(all, at)
	}),
	"AWS::SSO::Application": cfnRead(func(t *template, at place, v *cfnApplication) {
		t.of(t.instances, v.InstanceArn, at)
		tags, ok := t.tags(at, v.Tags)
		if ok && t.plain(at, v.Name, v.ApplicationProviderArn, v.Description, v.Status, v.PortalOptions.Visibility, v.PortalOptions.SignInOptions.ApplicationUrl) {
			t.app(t.name+"#"+at.name, &estate.Application{Name: string(v.Name), Provider: string(v.ApplicationProviderArn), Description: string(v.Description), Disabled: v.Status == "DISABLED",
				Visible: v.PortalOptions.Visibility != "DISABLED", URL: string(v.PortalOptions.SignInOptions.ApplicationUrl), Tags: tags}, at)
		}
	}),
	"AWS::SSO::ApplicationAssignment": cfnRead(func(t *template, at place, v *cfnAssignment) {
		app, ok := t.id(at, v.ApplicationArn, "ApplicationArn")
		if who, named := t.principal(at, v); ok && named {
			who.what = app
			t.uses = append(t.uses, who)
		}
	}),
	"AWS::IdentityStore::Group": cfnRead(func(t *template, at place, v *cfnGroup) {
		t.of(t.stores, v.IdentityStoreId, at)
		if t.plain(at, v.DisplayName, v.Description) {
			t.describe(t.name+"#"+at.name, string(v.DisplayName), string(v.Description), at)
		}
	}),
	"AWS::IdentityStore::GroupMembership": cfnRead(func(t *template, at place, v *cfnMembership) {
		id, ok := t.id(at, v.GroupId, "GroupId")
		user, known := t.id(at, v.MemberId.UserId, "UserId")
		if ok && known {
			t.member(id, user, at)
		}
	}),
	"AWS::Organizations::Account": cfnRead(func(t *template, at place, v *cfnAccount) {
		if t.plain(at, v.AccountName) {
			t.account(estate.Account{ID: t.name + "#" + at.name, Name: string(v.AccountName)})
		}
	}),
}

// principal is who an assignment names, of which the rest is still to be filled in.
func (t *template) principal(at place, v *cfnAssignment) (g grant, ok bool) {
	g.at = at
	if !t.plain(at, v.PrincipalType) {
		return g, false
	}
	if g.user, ok = t.kind(at, string(v.PrincipalType)); !ok {
		return g, false
	}
	attribute := "GroupId"
	if g.user {
		attribute = "UserId"
	}
	g.principal, ok = t.id(at, v.PrincipalId, attribute)
	return g, ok
}

func (t *template) permissionSet(at place, v *cfnSet) {
	t.of(t.instances, v.InstanceArn, at)
	tags, ok := t.tags(at, v.Tags)
	if !ok || !t.plain(at, append(v.ManagedPolicies, v.Name, v.Description, v.SessionDuration, v.RelayStateType)...) {
		return
	}
	s := estate.Set{Name: string(v.Name), Description: string(v.Description), RelayState: string(v.RelayStateType), Session: t.session(at, string(v.SessionDuration)), AWSPolicies: strs(v.ManagedPolicies), Tags: tags, DetailsRead: true}
	for _, c := range v.CustomerManagedPolicyReferences {
		if !t.plain(at, c.Name, c.Path) {
			return
		}
		s.CustomerPolicies = append(s.CustomerPolicies, estate.PolicyRef{Name: string(c.Name), Path: string(c.Path)})
	}
	if b := v.PermissionsBoundary; b != nil {
		if !t.plain(at, b.ManagedPolicyArn) || b.CustomerManagedPolicyReference != nil && !t.plain(at, b.CustomerManagedPolicyReference.Name, b.CustomerManagedPolicyReference.Path) {
			return
		}
		s.Boundary = &estate.Boundary{AWS: string(b.ManagedPolicyArn)}
		if c := b.CustomerManagedPolicyReference; c != nil {
			s.Boundary = &estate.Boundary{Customer: &estate.PolicyRef{Name: string(c.Name), Path: string(c.Path)}}
		}
	}
	if v.InlinePolicy != nil {
		document := []byte(v.InlinePolicy)
		if v.InlinePolicy.Kind() == '"' {
			var text string
			if json.Unmarshal(v.InlinePolicy, &text) == nil {
				document = []byte(text)
			}
		}
		if !t.plain(at, cfnText(strings.ReplaceAll(string(document), `\u0000`, mark))) {
			return
		}
		if s.Inline, ok = t.policy(at, document); !ok {
			return
		}
	}
	t.set(t.name+"#"+at.name, s, at)
}

func (t *template) tags(at place, all []cfnTag) (map[string]string, bool) {
	var out map[string]string
	for _, x := range all {
		if !t.plain(at, x.Key, x.Value) {
			return nil, false
		}
		if out == nil {
			out = map[string]string{}
		}
		out[string(x.Key)] = string(x.Value)
	}
	return out, true
}

func strs(all []cfnText) []string {
	out := make([]string, len(all))
	for i, s := range all {
		out[i] = string(s)
	}
	return out
}
