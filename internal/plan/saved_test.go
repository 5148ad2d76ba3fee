package plan

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"gatehouse/internal/plan/estate"
	"gatehouse/internal/plan/file"
)

// A saved plan is applied to a world that did not move, or only in the direction of the plan.
func TestSavedPlan(t *testing.T) {
	t.Parallel()
	text := strings.ReplaceAll(changed, "  - {name: eve reads nothing, users: eve, permission_sets: ReadOnly, lacks: true}\n", "")
	src, err := file.FromFS(fstest.MapFS{"access.yaml": {Data: []byte(text)}})
	if err != nil {
		t.Fatal(err)
	}
	d, problems := file.Load([]*file.Source{src}, nil)
	if d == nil {
		t.Fatal(problems)
	}
	var b bytes.Buffer
	if err := Make(d, company(), Options{}).Save(&b, []*file.Source{src}, nil, Options{}); err != nil {
		t.Fatal(err)
	}
	saved, err := ReadSaved(&b)
	if err != nil {
		t.Fatal(err)
	}
	again, problems := file.Load(saved.Sources, saved.Variables)
	if again == nil {
		t.Fatal(problems)
	}
	for _, c := range []struct {
		name  string
		world func(e *estate.Estate)
		done  int
		moved string
	}{
		{"still", func(*estate.Estate) {}, 0, ""},
		{"half of it came about", func(e *estate.Estate) {
			e.Sets[0].Session, e.Sets[0].Behind = 4*3600e9, []string{"100000000001"}
			e.Sets = append(e.Sets, estate.Set{Name: "Deploy", ARN: "ps-9", Session: 3600e9, DetailsRead: true, AssignmentsRead: true})
			e.Groups = append(e.Groups, estate.Group{ID: "g-9", Name: "Data *Engineers*", MembersRead: true, Members: []int32{0}})
			e.Assignments = estate.Sort(append(e.Assignments, estate.Assignment{Account: 5, Set: 0, Principal: 0}))
		}, 3, ""},
		{"somebody gave more", func(e *estate.Estate) {
			e.Assignments = estate.Sort(append(e.Assignments, estate.Assignment{Account: 7, Set: 0, Principal: 2}))
		}, 0, "- Contractors: ReadOnly in Play 7"},
		{"somebody took away what stays", func(e *estate.Estate) { e.Assignments = e.Assignments[1:] }, 0, "+ Engineers: ReadOnly in Shop 1"},
		{"somebody changed the set", func(e *estate.Estate) { e.Sets[0].Session = 2 * 3600e9 }, 0, "~ permission_set ReadOnly"},
		{"somebody changed another set by hand", func(e *estate.Estate) {
			e.Sets[0].AWSPolicies = append(e.Sets[0].AWSPolicies, "arn:aws:iam::aws:policy/X")
		}, 0, "~ permission_set ReadOnly"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := company()
			c.world(e)
			now := Make(again, e, saved.Options)
			if done, moved := saved.Moved(now); done != c.done || strings.Join(moved, ", ") != c.moved {
				t.Errorf("done %d, moved %q; want %d, %q", done, moved, c.done, c.moved)
			}
		})
	}
}

func TestSavedPlanIsNoOther(t *testing.T) {
	t.Parallel()
	var whole bytes.Buffer
	good := document1(t, "groups: {New: {}}\n")
	if err := Make(good, company(), Options{}).Save(&whole, []*file.Source{{}}, nil, Options{}); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadSaved(bytes.NewReader(whole.Bytes())); err != nil {
		t.Fatal(err)
	}
	spoilt := bytes.Clone(whole.Bytes())
	spoilt[len(spoilt)-5] ^= 1 // of the checksum
	var twice bytes.Buffer
	z := gzip.NewWriter(&twice)
	fmt.Fprint(z, `{"version":1,"sources":[{}]} {}`)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string]string{"text": "{}", "nothing": "", "one that was spoilt": string(spoilt), "one that was cut": whole.String()[:whole.Len()-9], "two": twice.String()} {
		if _, err := ReadSaved(strings.NewReader(data)); err == nil {
			t.Errorf("%s was taken for a plan", name)
		}
	}
	failing := Make(document1(t, changed), company(), Options{})
	if err := failing.Save(&bytes.Buffer{}, nil, nil, Options{}); err == nil {
		t.Error("a plan with errors was saved")
	}
}
