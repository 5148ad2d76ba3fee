package cloudformation

import (
	"context"
	"slices"
	"sync"
	"time"

	"gatehouse/internal/fault"
)

// builder brings resources to a revision.
type builder struct {
	o     *operation
	t     *Template
	order []string
	deps  map[string][]string
	// mu guards scope, which is not made for many at once.
	mu      sync.Mutex
	scope   *scope
	imports map[string]bool
}

func (o *operation) builder(ctx context.Context) (*builder, error) {
	t, err := ParseTemplate(o.stack.Revision.Template, o.stack.Revision.Parameters)
	if err != nil {
		return nil, err
	}
	b := &builder{o: o, t: t, imports: map[string]bool{}}
	sc := o.w.newScope(context.WithoutCancel(ctx), o.stack, t, o.stack.Revision)
	b.scope = sc
	lookup := sc.imported
	sc.imported = func(name string) (any, error) {
		b.imports[name] = true
		return lookup(name)
	}
	sc.ref = func(logical string) (any, error) {
		if r, ok := o.row(logical); ok && r.PhysicalID != "" {
			return r.PhysicalID, nil
		}
		return nil, templateError("resource %s does not exist", clip(logical))
	}
	sc.attribute = func(logical, name string) (any, error) {
		r, ok := o.row(logical)
		if !ok || r.PhysicalID == "" {
			return nil, templateError("resource %s does not exist", clip(logical))
		}
		p, err := o.w.provider(r.Type)
		if err != nil {
			return nil, err
		}
		return attributeOf(p.Schema(), logical, r.State, name)
	}
	if err := sc.decideAll(); err != nil {
		return nil, err
	}
	if b.order, err = t.order(sc.decided); err != nil {
		return nil, err
	}
	b.deps, err = t.dependencies(sc.decided)
	return b, err
}

func (o *operation) row(logical string) (Resource, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	r := o.rows[logical]
	if r == nil {
		return Resource{}, false
	}
	return *r, true
}

// bring makes or changes one resource. why is the sentence of its failure; err means that nothing could be recorded.
func (b *builder) bring(ctx context.Context, logical string) (why string, err error) {
	o := b.o
	d, _ := b.t.resource(logical)
	r, exists := o.row(logical)
	if exists && r.OperationID == o.stack.Operation.ID && (r.Status == CreateComplete || r.Status == UpdateComplete) {
		b.mu.Lock() // done before this worker came; what it imports still counts
		_, err := b.scope.properties(d, b.schema(d), o.stack.Revision.Tags)
		b.mu.Unlock()
		if err != nil && passing(err) {
			return "", err
		}
		return "", nil
	}
	if exists && r.OperationID == o.stack.Operation.ID && (r.Status == CreateFailed || r.Status == UpdateFailed) {
		return r.Reason, nil // failed before this worker came
	}
	b.mu.Lock()
	props, err := b.scope.properties(d, b.schema(d), o.stack.Revision.Tags)
	b.mu.Unlock()
	if err != nil && passing(err) {
		return "", err
	}
	if err != nil {
		return b.stillborn(ctx, r, d, err)
	}
	resumed := exists && r.OperationID == o.stack.Operation.ID && (r.Status == CreateInProgress || r.Status == UpdateInProgress)
	if exists && r.Status == CreateFailed && r.PhysicalID != "" { // half of it is there
		half := r.State
		r = b.begin(r, d, UpdateInProgress)
		r.Previous = &half
		return b.update(ctx, r, props, false)
	}
	if exists && !resumed && r.PhysicalID != "" && r.Status != DeleteComplete {
		return b.change(ctx, r, d, props)
	}
	if resumed && r.PhysicalID != "" {
		return b.update(ctx, r, props, true)
	}
	if !resumed {
		r = b.begin(r, d, CreateInProgress)
		r.New, r.Previous = true, nil
		r.State = State{Type: d.Type, Properties: props}
	}
	return b.create(ctx, r, resumed)
}

func (b *builder) schema(d Declared) Schema {
	if p := b.o.w.providers[d.Type]; p != nil {
		return p.Schema()
	}
	return Schema{Type: d.Type}
}

// begin marks a resource as touched by the operation.
func (b *builder) begin(r Resource, d Declared, st Status) Resource {
	o := b.o
	r.StackID, r.LogicalID = o.stack.ID, d.LogicalID
	r.Status, r.Reason = st, ""
	r.OperationID, r.StepToken, r.StepAt = o.stack.Operation.ID, o.w.uuid(), o.w.now()
	r.DependsOn, r.DeletionPolicy, r.UpdateReplacePolicy = b.deps[d.LogicalID], d.DeletionPolicy, d.UpdateReplacePolicy
	return r
}

// stillborn records a resource whose properties cannot be resolved.
func (b *builder) stillborn(ctx context.Context, r Resource, d Declared, err error) (string, error) {
	st := CreateFailed
	before := r
	if r.PhysicalID != "" && r.Status != DeleteComplete {
		st = UpdateFailed
	}
	r = b.begin(r, d, st)
	if st == CreateFailed {
		r.Type, r.New, r.PhysicalID = d.Type, true, ""
	} else {
		r.DependsOn, r.OperationID = before.DependsOn, before.OperationID // nothing was done to it
	}
	r.Reason = fault.Shown(err)
	return r.Reason, b.o.note(ctx, r)
}

// change compares a resource that is there with what is wanted.
func (b *builder) change(ctx context.Context, r Resource, d Declared, props Properties) (string, error) {
	differ := differences(r.Properties, props, b.schema(d))
	same := r.Type == d.Type
	if same && len(differ) == 0 && r.Status != UpdateFailed {
		if r.DeletionPolicy == d.DeletionPolicy && r.UpdateReplacePolicy == d.UpdateReplacePolicy && slices.Equal(r.DependsOn, b.deps[d.LogicalID]) {
			return "", nil
		}
		r.DependsOn, r.DeletionPolicy, r.UpdateReplacePolicy = b.deps[d.LogicalID], d.DeletionPolicy, d.UpdateReplacePolicy
		return "", b.o.silently(ctx, r)
	}
	old := r.State
	r = b.begin(r, d, UpdateInProgress)
	r.Previous = &old
	if !same || replaces(differ) {
		r.State = State{Type: d.Type, Properties: props}
		r.Reason = "Requested update requires the creation of a new physical resource; hence creating one."
		return b.create(ctx, r, false)
	}
	return b.update(ctx, r, props, false)
}

// silently records a resource without an event.
func (o *operation) silently(ctx context.Context, r Resource) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.w.store.Record(ctx, o.claim, Step{Resources: []Resource{r}}); err != nil {
		return err
	}
	o.rows[r.LogicalID] = &r
	return nil
}

func (b *builder) create(ctx context.Context, r Resource, resumed bool) (string, error) {
	o := b.o
	if !resumed {
		if err := o.note(ctx, r); err != nil {
			return "", err
		}
	}
	p, err := o.w.provider(r.Type)
	if err != nil {
		return b.stop(ctx, r, err)
	}
	q := o.request(&r, r.Properties, nil)
	q.Resumed = resumed
	made, err := o.step(ctx, q, p.Create)
	r.PhysicalID, r.Attributes = made.PhysicalID, made.Attributes
	if err != nil {
		return b.stop(ctx, r, err)
	}
	r.Status, r.Reason = CreateComplete, ""
	if r.Previous != nil {
		r.Status = UpdateComplete
	}
	return "", o.note(ctx, r)
}

func (b *builder) update(ctx context.Context, r Resource, props Properties, resumed bool) (string, error) {
	o := b.o
	if !resumed {
		if err := o.note(ctx, r); err != nil {
			return "", err
		}
	}
	p, err := o.w.provider(r.Type)
	if err != nil {
		return b.stop(ctx, r, err)
	}
	q := o.request(&r, props, r.Properties)
	q.Resumed = resumed
	made, err := o.step(ctx, q, p.Update)
	if err != nil {
		r.Properties = props // what is taken back is the attempt
		return b.stop(ctx, r, err)
	}
	r.State = State{PhysicalID: made.PhysicalID, Type: r.Type, Properties: props, Attributes: made.Attributes}
	r.Status, r.Reason = UpdateComplete, ""
	return "", o.note(ctx, r)
}

// stop records a failure.
func (b *builder) stop(ctx context.Context, r Resource, err error) (string, error) {
	r.Status, r.Reason = CreateFailed, reasonOf(err)
	if r.Previous != nil {
		r.Status = UpdateFailed
	}
	b.o.w.log.Info("cloudformation: a resource failed", "stack", b.o.stack.ID, "resource", r.LogicalID, "error", err)
	return r.Reason, b.o.note(ctx, r)
}

func stackEvent(s Stack, op *Operation, at time.Time, id string) Event {
	e := Event{ID: id, StackID: s.ID, StackName: s.Name, LogicalID: s.Name, PhysicalID: s.ID, Type: "AWS::CloudFormation::Stack", Status: s.Status, Reason: s.Reason, At: at}
	if op != nil {
		e.Token = op.Token
	}
	return e
}
