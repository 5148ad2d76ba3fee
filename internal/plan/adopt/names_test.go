package adopt

import (
	"strings"
	"testing"

	"gatehouse/internal/plan/estate"
)

// TestNobodyElseOfTheSameName: access of what was deleted or renamed does not come up for what is called the same now.
func TestNobodyElseOfTheSameName(t *testing.T) {
	t.Parallel()
	arn := "arn:aws:sso:::permissionSet/ssoins-1111111111111111/"
	set := res("aws_ssoadmin_permission_set", "a", setA)
	to := func(kind, id string) string {
		return res("aws_ssoadmin_account_assignment", "a", ofA+`,"principal_id":"`+id+`","principal_type":"`+kind+`","target_id":"100000000002"`)
	}
	for _, c := range []struct {
		name  string
		state []string
		has   func(*estate.Estate)
		says  string
	}{
		{"a deleted user, whose user name is somebody's e-mail address", []string{set, res("data.aws_identitystore_user", "old", `"user_id":"u-old","user_name":"ann@example.com"`), to("USER", "u-old")},
			func(e *estate.Estate) { e.Users[0].Emails = []string{"Ann@example.com"} }, "there is no user u-old any more"},
		{"a deleted user, whose user name another has now", []string{set, res("aws_identitystore_user", "old", `"user_id":"u-old","user_name":"ann"`), to("USER", "u-old")}, nil, "there is no user u-old any more"},
		{"a deleted user, whom nobody is called like", []string{set, res("aws_identitystore_user", "old", `"user_id":"u-old","user_name":"zoe"`), to("USER", "u-old")}, nil, "there is no user u-old any more"},
		{"a deleted group, whose name another has now", []string{set, res("data.aws_identitystore_group", "old", `"group_id":"g-old","display_name":"crew"`), to("GROUP", "g-old")}, nil, "there is no group g-old any more"},
		{"the same, described", []string{set, res("aws_identitystore_group", "old", `"group_id":"g-old","display_name":"Crew"`), to("GROUP", "g-old")}, nil, "there is no group g-old any more"},
		{"a deleted group, which nothing is called like", []string{set, res("data.aws_identitystore_group", "old", `"group_id":"g-old","display_name":"Old"`), to("GROUP", "g-old")}, nil, "there is no group g-old any more"},
		{"a deleted set, whose name another has now", []string{res("data.aws_ssoadmin_permission_set", "a", setA), to("GROUP", "g-crew")},
			func(e *estate.Estate) { e.Sets = append(e.Sets, estate.Set{ARN: arn + "ps-new", Name: "A"}) }, "there is no permission set " + arn + "ps-a any more"},
		{"the same, described", []string{set, to("GROUP", "g-crew")},
			func(e *estate.Estate) { e.Sets = append(e.Sets, estate.Set{ARN: arn + "ps-new", Name: "A"}) }, "there is no permission set " + arn + "ps-a any more"},
	} {
		e := known()
		if c.has != nil {
			c.has(e)
		}
		r := readState(c.state...)
		if d := r.Estate(e); r.Problems.Failed() || len(d.Assignments) != 0 || !strings.Contains(problems(r), c.says) {
			t.Errorf("%s: %d assignments, %s", c.name, len(d.Assignments), problems(r))
		}
	}
	// A group that has another name now keeps what it has, and one that took over its name gets nothing of it.
	for _, before := range []bool{false, true} {
		e := known()
		e.Groups[2].Name = "Team"
		taker := estate.Group{ID: "g-taker", Name: "Crew"}
		if before {
			e.Groups = append([]estate.Group{taker}, e.Groups...)
		} else {
			e.Groups = append(e.Groups, taker)
		}
		if got := written(t, readState(set, res("aws_identitystore_group", "crew", crewName), to("GROUP", "g-crew")), e); !strings.Contains(got, "- groups: [Team]\n") || strings.Contains(got, "[Crew]") || !strings.Contains(got, `the group "Crew" is called "Team" now`) {
			t.Error(got)
		}
	}
	// Of an application that was made anew, those who had the old one do not get the new one.
	e := known()
	e.Applications = []estate.Application{{ARN: "arn:aws:sso::100000000001:application/ssoins-1111111111111111/apl-new", Name: "Wiki"}}
	r := readState(res("aws_ssoadmin_application", "wiki", `"arn":"arn:aws:sso::100000000001:application/ssoins-1111111111111111/apl-old","name":"Wiki"`))
	if d := r.Estate(e); len(d.Applications) != 0 || !strings.Contains(problems(r), `the application "Wiki" is left out: there is no arn:aws:sso::100000000001:application/ssoins-1111111111111111/apl-old any more`) {
		t.Error(problems(r))
	}
}

// TestNamesOfAnotherInstance: where files are for another instance, names are looked up there, and a user name is nobody's e-mail address.
func TestNamesOfAnotherInstance(t *testing.T) {
	t.Parallel()
	e := known()
	e.Instance.ARN = "arn:aws:sso:::instance/ssoins-9999999999999999"
	e.Users = append(e.Users, estate.User{ID: "u-2", Name: "robert", Emails: []string{"bob@example.com"}})
	state := []string{res("aws_ssoadmin_permission_set", "a", setA)}
	for name, values := range map[string]string{"u-ann": `"user_name":"Ann"`, "u-bob": `"user_name":"bob@example.com"`, "u-zoe": `"user_name":"zoe"`} {
		state = append(state, res("data.aws_identitystore_user", name, `"user_id":"`+name+`",`+values),
			res("aws_ssoadmin_account_assignment", name, ofA+`,"principal_id":"`+name+`","principal_type":"USER","target_id":"100000000002"`))
	}
	state = append(state, res("data.aws_identitystore_group", "g", `"group_id":"g-there","display_name":"CREW"`), res("aws_ssoadmin_account_assignment", "g", ofA+`,"principal_id":"g-there","principal_type":"GROUP","target_id":"100000000002"`))
	r := readState(state...)
	d := r.Estate(e)
	var names []string
	for _, a := range d.Assignments {
		names = append(names, d.Name(a.Principal))
	}
	if got := strings.Join(names, " "); r.Problems.Failed() || got != "zoe ann Crew" || !strings.Contains(problems(r), "aws_ssoadmin_account_assignment.u-bob is left out: there is no user u-bob any more") {
		t.Error(got, problems(r))
	}
	// That groups are of another identity store is told as well.
	e = known()
	e.Instance.IdentityStoreID = "d-2"
	group := func(id, store string) string {
		return res("aws_identitystore_group", id, `"group_id":"`+id+`","display_name":"Crew","identity_store_id":"`+store+`"`)
	}
	r = readState(group("g-there", "d-1"))
	if d := r.Estate(e); len(d.Groups) != len(e.Groups) || !strings.Contains(problems(r), "what is described is of the identity store d-1, and names are looked up in d-2") {
		t.Error(problems(r))
	}
}

// TestOneInstanceAtATime: assignments, parts and groups tell of which instance they are, too.
func TestOneInstanceAtATime(t *testing.T) {
	t.Parallel()
	set := res("data.aws_ssoadmin_permission_set", "a", setA)
	other := `"permission_set_arn":"arn:aws:sso:::permissionSet/ssoins-2222222222222222/ps-b"`
	for says, state := range map[string][]string{
		"aws_ssoadmin_account_assignment.b is of the instance ssoins-2222222222222222, and others are of ssoins-1111111111111111":        {set, res("aws_ssoadmin_account_assignment", "b", other+`,"principal_id":"g-crew","principal_type":"GROUP","target_id":"100000000002"`)},
		"aws_ssoadmin_managed_policy_attachment.b is of the instance ssoins-2222222222222222, and others are of ssoins-1111111111111111": {set, res("aws_ssoadmin_managed_policy_attachment", "b", other+`,"managed_policy_arn":"arn:p"`)},
		"aws_ssoadmin_application_assignment.b is of the instance ssoins-2222222222222222, and others are of ssoins-1111111111111111":    {set, res("aws_ssoadmin_application_assignment", "b", `"application_arn":"arn:aws:sso::1:application/ssoins-2222222222222222/apl-b","principal_id":"g-crew","principal_type":"GROUP"`)},
		"aws_identitystore_group.b is of the identity store d-2, and others are of d-1":                                                  {res("aws_identitystore_group", "a", crewName+`,"identity_store_id":"d-1"`), res("aws_identitystore_group", "b", `"group_id":"g-b","display_name":"B","identity_store_id":"d-2"`)},
		`aws_identitystore_group.b: another group is called "crew", too`:                                                                 {res("aws_identitystore_group", "a", crewName), res("aws_identitystore_group", "b", `"group_id":"g-z","display_name":"crew"`)},
	} {
		for _, e := range []*estate.Estate{nil, known()} {
			if e != nil && strings.Contains(says, "another group") {
				continue
			}
			r := readState(state...)
			if r.Estate(e); !r.Problems.Failed() || !strings.Contains(problems(r), says) {
				t.Errorf("%q is not said, but %s", says, problems(r))
			}
		}
	}
}

// TestAGroupInTwoSources: a state and a template may describe the same group, and are told when they differ.
func TestAGroupInTwoSources(t *testing.T) {
	t.Parallel()
	for _, e := range []*estate.Estate{nil, known()} {
		for _, description := range []string{"", "Other"} {
			r := readState(res("aws_identitystore_group", "a", crewName))
			r.CloudFormation("y", []byte("Resources: {G: {Type: AWS::IdentityStore::Group, Properties: {DisplayName: Crew, Description: '"+description+"'}}}"), nil)
			d := r.Estate(e)
			if description == "" && (r.Problems.Failed() || e == nil && len(d.Groups) != 1) || description != "" && !strings.Contains(problems(r), `G: the group "Crew" is described differently by aws_identitystore_group.a in x`) {
				t.Error(description, problems(r))
			}
		}
	}
}
