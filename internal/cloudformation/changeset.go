package cloudformation

import (
	"context"
	"maps"
	"strings"

	"gatehouse/internal/fault"
)

func noChangeSet(name string) error {
	return fault.New(fault.NotFound, "ChangeSet [%s] does not exist", clip(name)).For("change-set").About(ResourceChangeSet, name)
}

// CreateChangeSet prepares a creation (of a stack that is not there, or waits for one) or an update. A change set that changes nothing is made,
// and FAILED.
func (s *Service) CreateChangeSet(ctx context.Context, by By, in Input, set ChangeSet) (ChangeSet, error) {
	st, err := s.live(ctx, by.Place, in.Name)
	absent := fault.Is(err, fault.NotFound)
	if err != nil && !absent {
		return ChangeSet{}, err
	}
	switch {
	case absent && !set.Create:
		return ChangeSet{}, fault.New(fault.Invalid, "Stack [%s] does not exist", clip(in.Name)).At("StackName")
	case !absent && set.Create && st.Status != ReviewInProgress:
		return ChangeSet{}, invalid("StackName", "Stack [%s] already exists and cannot be created again with the changeSet [%s].", st.Name, set.Name)
	case !absent && !set.Create && !st.Status.updatable():
		return ChangeSet{}, stateError(st, "updated")
	}
	var newStack *Stack
	if absent {
		if st, err = s.fresh(by, in.Name); err != nil {
			return ChangeSet{}, err
		}
		st.Status, st.Reason = ReviewInProgress, "User Initiated"
		newStack = &st
	}
	t, rev, err := s.revision(st.Revision, in)
	if err != nil {
		return ChangeSet{}, err
	}
	set.ID = "arn:aws:cloudformation:" + by.Region + ":" + by.AccountID + ":changeSet/" + set.Name + "/" + s.uuid()
	set.StackID, set.StackName, set.Revision, set.CreatedAt = st.ID, st.Name, rev, s.clock()
	if set, err = s.planned(ctx, st, t, set); err != nil {
		return ChangeSet{}, err
	}
	var happened []Event
	if newStack != nil {
		happened = s.began(st, st.Reason)
	}
	err = s.store.InsertChangeSet(ctx, set, newStack, happened, s.event(ctx, by, "CreateChangeSet", st).With("changeSet", set.Name))
	if f := fault.Of(err); f != nil && f.Kind == fault.Conflict && f.Reason == "exists" {
		err = fault.New(fault.Conflict, "ChangeSet %s already exists", set.Name).For("exists").About(ResourceChangeSet, set.Name)
	}
	return set, err
}

// planned fills in what a change set would do.
func (s *Service) planned(ctx context.Context, st Stack, t *Template, set ChangeSet) (ChangeSet, error) {
	rows, err := s.store.Resources(ctx, st.ID)
	if err != nil {
		return set, err
	}
	p, err := s.plan(ctx, st, rows, t, set.Revision)
	if err != nil {
		return set, err
	}
	set.Status, set.Execution, set.Changes = ChangeSetReady, Available, p.changes
	if p.empty() && maps.Equal(set.Revision.Tags, st.Revision.Tags) {
		set.Status, set.Execution = ChangeSetFailed, Unavailable
		set.Reason = "The submitted information didn't contain changes. Submit different information to create a change set."
	}
	return set, nil
}

// ChangeSet finds a change set by its id, or by its name and its stack.
func (s *Service) ChangeSet(ctx context.Context, p Place, stack, nameOrID string) (ChangeSet, Stack, error) {
	if strings.HasPrefix(nameOrID, "arn:") {
		c, err := s.store.ChangeSet(ctx, nameOrID)
		if err == nil {
			st, err := s.Stack(ctx, p, c.StackID)
			if err == nil && (stack == "" || stack == st.Name || stack == st.ID) {
				return c, st, nil
			}
			if err == nil {
				return ChangeSet{}, Stack{}, noChangeSet(nameOrID)
			}
			if !fault.Is(err, fault.NotFound) {
				return ChangeSet{}, Stack{}, err
			}
		} else if !fault.Is(err, fault.NotFound) {
			return ChangeSet{}, Stack{}, err
		}
		return ChangeSet{}, Stack{}, noChangeSet(nameOrID)
	}
	if stack == "" {
		return ChangeSet{}, Stack{}, invalid("StackName", "StackName must be specified if ChangeSetName is not specified as an ARN.")
	}
	st, err := s.live(ctx, p, stack)
	if err != nil {
		return ChangeSet{}, Stack{}, err
	}
	c, err := s.store.ChangeSetByName(ctx, st.ID, nameOrID)
	if fault.Is(err, fault.NotFound) {
		err = noChangeSet(nameOrID)
	}
	return c, st, err
}

// ChangeSets lists a stack's change sets by name.
func (s *Service) ChangeSets(ctx context.Context, stackID, after string, limit int) ([]ChangeSet, error) {
	return s.store.ChangeSets(ctx, stackID, after, limit)
}

// DeleteChangeSet removes a change set that is not executed; one that is not there is success.
func (s *Service) DeleteChangeSet(ctx context.Context, by By, c ChangeSet, st Stack) error {
	if c.Execution == Executing {
		return fault.New(fault.Conflict, "The change set %s is being executed", c.Name).For("change-set-status")
	}
	return s.store.DeleteChangeSet(ctx, c.ID, s.event(ctx, by, "DeleteChangeSet", st).With("changeSet", c.Name))
}

// Execute begins what a change set says. It must have been made for the stack as it is now.
func (s *Service) Execute(ctx context.Context, by By, c ChangeSet, st Stack, in Input) error {
	wrong := func(format string, args ...any) error {
		return fault.New(fault.Conflict, format, args...).For("change-set-status")
	}
	switch {
	case c.Status != ChangeSetReady:
		return wrong("ChangeSet [%s] cannot be executed in its current status of [%s]", c.ID, c.Status)
	case c.Execution != Available:
		return wrong("ChangeSet [%s] cannot be executed in its current execution status of [%s]", c.ID, c.Execution)
	case c.Create && st.Status != ReviewInProgress, !c.Create && !st.Status.updatable():
		return wrong("ChangeSet [%s] cannot be executed: the stack is in %s state", c.ID, st.Status)
	}
	t, err := s.Check(c.Revision.Template)
	if err != nil {
		return err
	}
	if c.Create {
		st.Status, st.Reason, st.Revision, st.Description, st.Operation = CreateInProgress, "", c.Revision, t.Description, s.operation(by, in)
		st.RollbackOff = in.OnFailure == DoNothing
	} else {
		st = s.updated(st, by, in, t, c.Revision)
	}
	st.ChangeSetID = c.ID
	c.Execution = Executed
	if err := s.store.Execute(ctx, c, st, s.began(st, "User Initiated"), s.event(ctx, by, "ExecuteChangeSet", st).With("changeSet", c.Name)); err != nil {
		return raced(err, st)
	}
	s.begun(ctx, st)
	return nil
}
