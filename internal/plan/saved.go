package plan

import (
	"cmp"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"gatehouse/internal/plan/file"
)

// Saved is a plan that was written to a file: the files themselves, how they were read, and the changes that somebody agreed to.
type Saved struct {
	Version   int               `json:"version"`
	Instance  string            `json:"instance"` // ARN
	Sources   []*file.Source    `json:"sources"`
	Variables map[string]string `json:"variables,omitempty"`
	Options   Options           `json:"options"`
	Changes   []Change          `json:"changes"`
}

const savedVersion = 1

// Save writes a plan that may be applied.
func (p *Plan) Save(w io.Writer, sources []*file.Source, variables map[string]string, o Options) error {
	if p.Problems.Failed() {
		return errors.New("a plan with errors cannot be applied and is not saved")
	}
	z := gzip.NewWriter(w)
	s := Saved{Version: savedVersion, Instance: p.Before.Instance.ARN, Sources: sources, Variables: variables, Options: o, Changes: p.Changes()}
	if err := json.NewEncoder(z).Encode(s); err != nil {
		return err
	}
	return z.Close()
}

// maxSaved bounds what is unpacked of a saved plan.
const maxSaved = 1 << 30

// ReadSaved reads what [Plan.Save] wrote.
func ReadSaved(r io.Reader) (*Saved, error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("this is no saved plan: %w", err)
	}
	var s Saved
	d := json.NewDecoder(io.LimitReader(z, maxSaved))
	if err := d.Decode(&s); err != nil {
		return nil, fmt.Errorf("the saved plan is damaged: %w", err)
	}
	if _, err := d.Token(); err != io.EOF { // at its end the checksum is compared
		return nil, fmt.Errorf("the saved plan is damaged: %w", cmp.Or(err, errors.New("something follows it")))
	}
	if s.Version != savedVersion {
		return nil, fmt.Errorf("the plan was saved by another version (%d, not %d): plan again", s.Version, savedVersion)
	}
	if s.Sources = slices.DeleteFunc(s.Sources, func(s *file.Source) bool { return s == nil }); len(s.Sources) == 0 {
		return nil, errors.New("the saved plan holds no files")
	}
	return &s, nil
}

// Moved compares a saved plan with the plan that the same files make of the world now. Every change that is left must be one of those that were agreed to: then
// done says how many have come about already. Otherwise it returns what is new, a line each.
func (s *Saved) Moved(now *Plan) (done int, moved []string) {
	agreed := map[string]bool{}
	for _, c := range s.Changes {
		for _, k := range keys(c) {
			agreed[k] = true
		}
	}
	left := map[string]bool{}
	for _, c := range now.Changes() {
		ks := keys(c)
		for _, k := range ks {
			left[k] = true
		}
		if slices.ContainsFunc(ks, func(k string) bool { return !agreed[k] }) {
			moved = append(moved, describe(c))
		}
	}
	for _, c := range s.Changes {
		if !slices.ContainsFunc(keys(c), func(k string) bool { return left[k] }) {
			done++
		}
	}
	return done, moved
}

// keys are what must have been agreed to for a change. Of a permission set each part has its own, since a change of one that was cut short is left
// with the parts that remain; one that was made but not filled is left with a change of what was to be filled.
func keys(c Change) []string {
	switch c.Kind {
	case "provision":
		return []string{"provision " + c.PermissionSet}
	case "permission_set", "group", "attributes", "application":
		var out []string
		if c.Action != Update {
			out = append(out, fmt.Sprintf("%s %s %q", c.Kind, c.Action, c.Name))
		}
		for _, d := range c.Differences {
			out = append(out, fmt.Sprintf("%s %q %s %q %q", c.Kind, c.Name, d.What, d.Before, d.After))
		}
		if c.Action == Update && len(c.Differences) == 0 {
			out = append(out, fmt.Sprintf("%s %s %q", c.Kind, c.Action, c.Name))
		}
		if c.Kind == "permission_set" && c.Action == Create {
			out = append(out, "provision "+c.Name) // if it is assigned before it is whole
		}
		return out
	}
	return []string{fmt.Sprintf("%s %s %q %q %s %q %q %s", c.Kind, c.Action, c.Name, c.User, c.PrincipalType, c.Principal, c.PermissionSet, c.Account)}
}

func describe(c Change) string {
	sign := sign(c.Action)
	switch c.Kind {
	case "provision":
		return sign + " roles of " + c.PermissionSet
	case "assignment":
		return fmt.Sprintf("%s %s: %s in %s", sign, c.Principal, c.PermissionSet, c.AccountName)
	case "member":
		return fmt.Sprintf("%s %s in %s", sign, c.User, c.Name)
	case "application_use":
		return fmt.Sprintf("%s %s: %s", sign, c.Principal, c.Name)
	}
	return fmt.Sprintf("%s %s %s", sign, c.Kind, c.Name)
}
