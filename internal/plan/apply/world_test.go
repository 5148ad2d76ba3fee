package apply_test

import (
	"context"
	"testing/fstest"

	"gatehouse/internal/plan"
	"gatehouse/internal/plan/apply"
	"gatehouse/internal/plan/estate"
	"gatehouse/internal/plan/file"
	"gatehouse/internal/plan/live"
	"gatehouse/internal/plan/livetest"
)

// planFor reads the world anew and plans a file.
func (w *world) planFor(c *live.Client, yaml string) *plan.Plan {
	w.Helper()
	return planIn(w, yaml, w.read(c))
}

// bring applies a file and holds that nothing is left to be done.
func (w *world) bring(c *live.Client, yaml string) *apply.Report {
	w.Helper()
	r := livetest.Must(apply.Run(context.Background(), w.planFor(c, yaml), c, apply.Options{}))(w)
	if !r.OK() {
		w.Fatalf("%+v", r.Results)
	}
	if p := w.planFor(c, yaml); !p.Empty() {
		for _, l := range p.Lines() {
			w.Errorf("left: %s %s %s %v", l.Section, l.Sign, l.Text, l.Details)
		}
	}
	return r
}

// planIn plans a file against an estate.
func planIn(w *world, yaml string, e *estate.Estate) *plan.Plan {
	w.Helper()
	s := livetest.Must(file.FromFS(fstest.MapFS{"access.yaml": {Data: []byte(yaml)}}))(w)
	d, problems := file.Load([]*file.Source{s}, nil)
	if problems.Failed() {
		w.Fatal(problems)
	}
	p := plan.Make(d, e, plan.Options{})
	if p.Problems.Failed() {
		w.Fatal(p.Problems)
	}
	return p
}
