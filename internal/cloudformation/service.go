package cloudformation

import (
	"context"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
)

// MaxTags is the most tags of a stack.
const MaxTags = 50

// Service holds the rules of stacks. Its methods are safe for concurrent use.
type Service struct {
	*kit
	clock  func() time.Time
	rand   io.Reader
	wake   func()
	random sync.Mutex
	// answerAfter is how long a method that begins an operation waits for its end.
	answerAfter time.Duration
}

// Config is what a Service is made of; every field is required.
type Config struct {
	Store     Store
	Providers []Provider
	Now       func() time.Time
	Rand      io.Reader
	// Wake tells the worker that there is work. It must not block.
	Wake func()
	// AnswerAfter is the longest that an operation's beginning waits for its end: clients poll every thirty seconds, and most operations
	// take less than one. Zero: not at all.
	AnswerAfter time.Duration
}

// NewService returns a Service.
func NewService(c Config) *Service {
	return &Service{kit: newKit(c.Store, c.Providers), clock: c.Now, rand: c.Rand, wake: c.Wake, answerAfter: c.AnswerAfter}
}

func (s *Service) uuid() string {
	s.random.Lock()
	defer s.random.Unlock()
	return arn.UUID(s.rand)
}

// By is who asks, and where.
type By struct {
	Place
	Actor audit.Actor
	Key   CallerKey
}

// Input is what a stack or change set is to be made from.
type Input struct {
	Name string
	// Template is empty when the present one is to be used.
	Template     string
	Parameters   []Parameter
	Tags         map[string]string
	Capabilities []string
	// NotificationARNs is nil when the present ones are to be used.
	NotificationARNs []string
	// KeepTags is true when the present tags are to be used.
	KeepTags  bool
	OnFailure OnFailure
	Protected bool
	Token     string
}

var stackName = regexp.MustCompile(`^[a-zA-Z][-a-zA-Z0-9]{0,127}$`)

func invalid(field, format string, args ...any) error {
	return fault.New(fault.Invalid, format, args...).At(field)
}

func notFound(name string) error {
	return fault.New(fault.NotFound, "Stack with id %s does not exist", clip(name)).About(ResourceStack, name)
}

// Stack finds a stack by its name, or, deleted ones too, by its id.
func (s *Service) Stack(ctx context.Context, p Place, nameOrID string) (Stack, error) {
	var out Stack
	var err error
	if strings.HasPrefix(nameOrID, "arn:") {
		out, err = s.store.Stack(ctx, nameOrID)
		if err == nil && out.Place != p {
			err = notFound(nameOrID)
		}
	} else {
		out, err = s.store.StackByName(ctx, p, nameOrID)
	}
	if fault.Is(err, fault.NotFound) {
		return Stack{}, notFound(nameOrID)
	}
	return out, err
}

// live is Stack for what only a live stack can have done to it.
func (s *Service) live(ctx context.Context, p Place, nameOrID string) (Stack, error) {
	st, err := s.Stack(ctx, p, nameOrID)
	if err == nil && !st.Live() {
		err = notFound(nameOrID)
	}
	return st, err
}

// Stacks lists stacks by id, deleted ones too when all is true.
func (s *Service) Stacks(ctx context.Context, p Place, all bool, after string, limit int) ([]Stack, error) {
	return s.store.Stacks(ctx, p, all, after, limit)
}

// Resources lists a stack's resources by logical id.
func (s *Service) Resources(ctx context.Context, stackID string) ([]Resource, error) {
	return s.store.Resources(ctx, stackID)
}

// Events lists what happened to a stack, newest first.
func (s *Service) Events(ctx context.Context, stackID string, before int64, limit int) ([]Event, error) {
	return s.store.Events(ctx, stackID, before, limit)
}

// Exports lists the exports of a place by name.
func (s *Service) Exports(ctx context.Context, p Place, after string, limit int) ([]Export, error) {
	return s.store.Exports(ctx, p, after, limit)
}

// Importers lists the stacks that import an export, by name; none is an Invalid fault.
func (s *Service) Importers(ctx context.Context, p Place, name, after string, limit int) ([]string, error) {
	if _, err := s.store.Export(ctx, p, name); err != nil {
		if fault.Is(err, fault.NotFound) {
			return nil, invalid("ExportName", "No export named %s found.", clip(name))
		}
		return nil, err
	}
	out, err := s.store.Importers(ctx, p, name, after, limit)
	if err == nil && len(out) == 0 && after == "" {
		err = invalid("ExportName", "Export '%s' is not imported by any stack.", clip(name))
	}
	return out, err
}

// Check reads a template whose parameters have no values yet, and refuses types and properties that there are not.
func (s *Service) Check(body string) (*Template, error) {
	t, err := ParseTemplate(body, nil)
	if err != nil {
		return nil, err
	}
	return t, s.knownTypes(t)
}

// Capabilities says what a template must be acknowledged with, and why.
func (s *Service) Capabilities(t *Template) (need []string, reason string) { return s.capabilities(t) }

// revision settles what a stack is to be made from.
func (s *Service) revision(old Revision, in Input) (*Template, Revision, error) {
	rev := Revision{Template: in.Template, Tags: in.Tags, Capabilities: in.Capabilities, NotificationARNs: in.NotificationARNs}
	if in.Template == "" {
		rev.Template = old.Template
	}
	if in.KeepTags {
		rev.Tags = old.Tags
	}
	if in.NotificationARNs == nil {
		rev.NotificationARNs = old.NotificationARNs
	}
	if err := checkTags(rev.Tags); err != nil {
		return nil, rev, err
	}
	d, err := stackDraft(rev.Template)
	if err != nil {
		return nil, rev, err
	}
	if rev.Parameters, err = d.bind(in.Parameters, old.Parameters); err != nil {
		return nil, rev, err
	}
	t, err := d.template(rev.Parameters)
	if err == nil {
		err = s.knownTypes(t)
	}
	if err != nil {
		return nil, rev, err
	}
	return t, rev, s.acknowledged(t, in.Capabilities)
}

func checkTags(tags map[string]string) error {
	if len(tags) > MaxTags {
		return invalid("Tags", "a stack has at most %d tags", MaxTags)
	}
	for k, v := range tags {
		if n := utf8.RuneCountInString(k); n < 1 || n > 128 || strings.HasPrefix(strings.ToLower(k), "aws:") || utf8.RuneCountInString(v) > 256 {
			return invalid("Tags", "a tag has a key of 1 to 128 characters, not beginning with \"aws:\", and a value of at most 256")
		}
	}
	return nil
}

func (s *Service) fresh(by By, name string) (Stack, error) {
	if !stackName.MatchString(name) {
		return Stack{}, invalid("StackName", "1 validation error detected: Value '%s' at 'stackName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*", clip(name))
	}
	return Stack{
		ID: "arn:aws:cloudformation:" + by.Region + ":" + by.AccountID + ":stack/" + name + "/" + s.uuid(), Place: by.Place, Name: name, CreatedAt: s.clock(),
	}, nil
}

func (s *Service) operation(by By, in Input) *Operation {
	return &Operation{ID: s.uuid(), Token: in.Token, Actor: by.Actor, Key: by.Key, OnFailure: in.OnFailure, StartedAt: s.clock()}
}

func (s *Service) began(st Stack, reason string) []Event {
	st.Reason = reason
	return []Event{stackEvent(st, st.Operation, s.clock(), s.uuid())}
}

// CreateStack begins the creation of a stack. Faults: Conflict "exists" for a taken name; Invalid for everything that can be wrong
// with the template and parameters.
func (s *Service) CreateStack(ctx context.Context, by By, in Input) (Stack, error) {
	st, err := s.fresh(by, in.Name)
	if err != nil {
		return Stack{}, err
	}
	t, rev, err := s.revision(Revision{}, in)
	if err != nil {
		return Stack{}, err
	}
	if _, err := s.plan(ctx, st, nil, t, rev); err != nil {
		return Stack{}, err
	}
	st.Status, st.Revision, st.Description, st.Protected = CreateInProgress, rev, t.Description, in.Protected
	st.RollbackOff = in.OnFailure == DoNothing
	st.Operation = s.operation(by, in)
	if err := s.store.InsertStack(ctx, st, s.began(st, "User Initiated"), s.event(ctx, by, "CreateStack", st)); err != nil {
		return Stack{}, s.taken(err, in.Name)
	}
	s.begun(ctx, st)
	return st, nil
}

func (s *Service) taken(err error, name string) error {
	if f := fault.Of(err); f.Kind == fault.Conflict && f.Reason == "exists" {
		return fault.New(fault.Conflict, "Stack [%s] already exists", name).For("exists").About(ResourceStack, name)
	}
	return err
}

func (s *Service) event(ctx context.Context, by By, operation string, st Stack) audit.Event {
	return audit.New(ctx, s.clock(), by.Actor, "cloudformation:"+operation, st.ID).With("stack", st.Name)
}

// begun wakes the worker, and waits a little for the operation's end.
func (s *Service) begun(ctx context.Context, st Stack) {
	s.wake()
	deadline := time.Now().Add(s.answerAfter) // a real clock: it bounds waiting, and is not shown
	for wait := 10 * time.Millisecond; time.Now().Before(deadline) && ctx.Err() == nil; wait = min(2*wait, 100*time.Millisecond) {
		pause(ctx, wait)
		if now, err := s.store.Stack(ctx, st.ID); err != nil || !now.Status.Busy() {
			return
		}
	}
}

func stateError(st Stack, what string) error {
	return invalid("StackName", "Stack:%s is in %s state and can not be %s.", st.ID, st.Status, what)
}

// UpdateStack begins an update. A revision that changes nothing is an Invalid fault.
func (s *Service) UpdateStack(ctx context.Context, by By, in Input) (Stack, error) {
	st, err := s.live(ctx, by.Place, in.Name)
	if err != nil {
		return Stack{}, err
	}
	if !st.Status.updatable() {
		return Stack{}, stateError(st, "updated")
	}
	t, rev, err := s.revision(st.Revision, in)
	if err != nil {
		return Stack{}, err
	}
	rows, err := s.store.Resources(ctx, st.ID)
	if err != nil {
		return Stack{}, err
	}
	p, err := s.plan(ctx, st, rows, t, rev)
	if err != nil {
		return Stack{}, err
	}
	if p.empty() && maps.Equal(rev.Tags, st.Revision.Tags) {
		return Stack{}, invalid("TemplateBody", "No updates are to be performed.")
	}
	st = s.updated(st, by, in, t, rev)
	if err := s.store.BeginOperation(ctx, st, s.began(st, "User Initiated"), s.event(ctx, by, "UpdateStack", st)); err != nil {
		return Stack{}, raced(err, st)
	}
	s.begun(ctx, st)
	return st, nil
}

func (s *Service) updated(st Stack, by By, in Input, t *Template, rev Revision) Stack {
	op := s.operation(by, in)
	old := st.Revision
	op.Old, op.OldOutputs = &old, st.Outputs
	st.Status, st.Reason, st.Revision, st.Description, st.UpdatedAt, st.Operation = UpdateInProgress, "", rev, t.Description, s.clock(), op
	return st
}

// raced says what another operation that was faster means.
func raced(err error, st Stack) error {
	if f := fault.Of(err); f.Kind == fault.Conflict && f.Reason == "version" {
		return invalid("StackName", "Stack:%s is being changed by another operation.", st.ID)
	}
	return err
}

// DeleteStack begins a deletion; a name that no live stack has is success. retain are logical ids that stay, and are taken only of a
// stack whose deletion failed.
func (s *Service) DeleteStack(ctx context.Context, by By, nameOrID, token string, retain []string) error {
	st, err := s.Stack(ctx, by.Place, nameOrID)
	if fault.Is(err, fault.NotFound) || err == nil && (!st.Live() || st.Status == DeleteInProgress) {
		return nil
	}
	if err != nil {
		return err
	}
	switch {
	case st.Protected:
		return invalid("StackName", "Stack [%s] cannot be deleted while TerminationProtection is enabled", st.Name)
	case st.Status.Busy():
		return invalid("StackName", "Stack [%s] is in %s state and cannot be deleted", st.Name, st.Status)
	case len(retain) > 0 && st.Status != DeleteFailed:
		return invalid("RetainResources", "Invalid operation on stack [%s]. RetainResources can be given only when its deletion has failed.", st.Name)
	}
	st.Operation = s.operation(by, Input{Token: token})
	st.Operation.Retain = retain
	st.Status, st.Reason = DeleteInProgress, ""
	if err := s.store.BeginOperation(ctx, st, s.began(st, "User Initiated"), s.event(ctx, by, "DeleteStack", st)); err != nil {
		return raced(err, st)
	}
	s.begun(ctx, st)
	return nil
}

// ContinueRollback takes up a rollback of an update that failed.
func (s *Service) ContinueRollback(ctx context.Context, by By, nameOrID, token string) error {
	st, err := s.live(ctx, by.Place, nameOrID)
	if err != nil {
		return err
	}
	if st.Status != UpdateRollbackFailed || st.Operation == nil {
		return stateError(st, "rolled back")
	}
	op := *st.Operation
	op.Actor, op.Key, op.Token = by.Actor, by.Key, token
	st.Status, st.Reason, st.Operation = UpdateRollbackInProgress, "", &op
	if err := s.store.BeginOperation(ctx, st, s.began(st, "User Initiated"), s.event(ctx, by, "ContinueUpdateRollback", st)); err != nil {
		return raced(err, st)
	}
	s.begun(ctx, st)
	return nil
}

// Protect sets whether a stack may be deleted.
func (s *Service) Protect(ctx context.Context, by By, nameOrID string, on bool) (Stack, error) {
	for try := 0; ; try++ {
		st, err := s.live(ctx, by.Place, nameOrID)
		if err != nil || st.Protected == on {
			return st, err
		}
		st.Protected = on
		err = s.store.SaveStack(ctx, st, s.event(ctx, by, "UpdateTerminationProtection", st))
		if err == nil || try >= 8 || fault.Of(err).Reason != "version" {
			return st, err
		}
		pause(ctx, 20*time.Millisecond) // the worker was faster
	}
}

// Shown are a stack's parameters as they may be shown: values of NoEcho parameters are not.
func Shown(rev Revision) []Parameter {
	t, err := stackDraft(rev.Template)
	var out []Parameter
	for _, key := range slices.Sorted(maps.Keys(rev.Parameters)) {
		v := rev.Parameters[key]
		if err != nil || slices.ContainsFunc(t.Parameters, func(d Declaration) bool { return d.Name == key && d.NoEcho }) {
			v = "****"
		}
		out = append(out, Parameter{Key: key, Value: v})
	}
	return out
}
