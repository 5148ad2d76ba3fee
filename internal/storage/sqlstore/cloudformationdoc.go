package sqlstore

import (
	"github.com/go-json-experiment/json/jsontext"

	"gatehouse/internal/audit"
	"gatehouse/internal/cloudformation"
)

type revisionDoc struct {
	Template      string            `json:"template"`
	Parameters    map[string]string `json:"parameters,omitempty"`
	Tags          map[string]string `json:"tags,omitempty"`
	Capabilities  []string          `json:"capabilities,omitempty"`
	Notifications []string          `json:"notifications,omitempty"`
}

func newRevisionDoc(r cloudformation.Revision) revisionDoc {
	return revisionDoc{r.Template, r.Parameters, r.Tags, r.Capabilities, r.NotificationARNs}
}

func (d revisionDoc) revision() cloudformation.Revision {
	return cloudformation.Revision{Template: d.Template, Parameters: d.Parameters, Tags: d.Tags, Capabilities: d.Capabilities, NotificationARNs: d.Notifications}
}

type outputDoc struct {
	Key         string `json:"key"`
	Value       string `json:"value"`
	Description string `json:"description,omitzero"`
	Export      string `json:"export,omitzero"`
}

func newOutputDoc(o cloudformation.Output) outputDoc { return outputDoc(o) }
func (d outputDoc) output() cloudformation.Output    { return cloudformation.Output(d) }
func outputOf(d outputDoc) cloudformation.Output     { return d.output() }
func newStampedActor(a audit.Actor) actorDoc         { return actorDoc{a.Kind, a.ID, a.Name, a.AccountID} }
func (d actorDoc) actor() audit.Actor {
	return audit.Actor{Kind: d.Kind, ID: d.ID, Name: d.Name, AccountID: d.Account}
}

type actorDoc struct {
	Kind    audit.ActorKind `json:"kind"`
	ID      string          `json:"id,omitzero"`
	Name    string          `json:"name,omitzero"`
	Account string          `json:"account,omitzero"`
}

type operationDoc struct {
	ID         string                   `json:"id"`
	Token      string                   `json:"token,omitzero"`
	Actor      actorDoc                 `json:"actor"`
	AccessKey  string                   `json:"accessKey,omitzero"`
	Session    string                   `json:"session,omitzero"`
	Old        *revisionDoc             `json:"old,omitempty"`
	OldOutputs []outputDoc              `json:"oldOutputs,omitempty"`
	OnFailure  cloudformation.OnFailure `json:"onFailure,omitzero"`
	Retain     []string                 `json:"retain,omitempty"`
	StartedAt  stamp                    `json:"startedAt"`
}

type stackDoc struct {
	Status      cloudformation.Status `json:"status"`
	Reason      string                `json:"reason,omitzero"`
	Description string                `json:"description,omitzero"`
	Revision    revisionDoc           `json:"revision"`
	Outputs     []outputDoc           `json:"outputs,omitempty"`
	Protected   bool                  `json:"protected,omitzero"`
	RollbackOff bool                  `json:"rollbackOff,omitzero"`
	ChangeSet   string                `json:"changeSet,omitzero"`
	CreatedAt   stamp                 `json:"createdAt"`
	UpdatedAt   stamp                 `json:"updatedAt"`
	DeletedAt   stamp                 `json:"deletedAt"`
	Operation   *operationDoc         `json:"operation,omitempty"`
}

func newStackDoc(s cloudformation.Stack) stackDoc {
	d := stackDoc{
		Status: s.Status, Reason: s.Reason, Description: s.Description, Revision: newRevisionDoc(s.Revision), Outputs: mapped(s.Outputs, newOutputDoc),
		Protected: s.Protected, RollbackOff: s.RollbackOff, ChangeSet: s.ChangeSetID, CreatedAt: stamp{s.CreatedAt}, UpdatedAt: stamp{s.UpdatedAt}, DeletedAt: stamp{s.DeletedAt},
	}
	if op := s.Operation; op != nil {
		d.Operation = &operationDoc{
			ID: op.ID, Token: op.Token, Actor: newStampedActor(op.Actor), AccessKey: op.Key.AccessKeyID, Session: op.Key.SessionToken,
			OldOutputs: mapped(op.OldOutputs, newOutputDoc), OnFailure: op.OnFailure, Retain: op.Retain, StartedAt: stamp{op.StartedAt},
		}
		if op.Old != nil {
			old := newRevisionDoc(*op.Old)
			d.Operation.Old = &old
		}
	}
	return d
}

func (d stackDoc) fill(s *cloudformation.Stack) {
	s.Status, s.Reason, s.Description, s.Revision, s.Outputs = d.Status, d.Reason, d.Description, d.Revision.revision(), mapped(d.Outputs, outputOf)
	s.Protected, s.RollbackOff, s.ChangeSetID = d.Protected, d.RollbackOff, d.ChangeSet
	s.CreatedAt, s.UpdatedAt, s.DeletedAt = d.CreatedAt.Time, d.UpdatedAt.Time, d.DeletedAt.Time
	if o := d.Operation; o != nil {
		s.Operation = &cloudformation.Operation{
			ID: o.ID, Token: o.Token, Actor: o.Actor.actor(), Key: cloudformation.CallerKey{AccessKeyID: o.AccessKey, SessionToken: o.Session},
			OldOutputs: mapped(o.OldOutputs, outputOf), OnFailure: o.OnFailure, Retain: o.Retain, StartedAt: o.StartedAt.Time,
		}
		if o.Old != nil {
			old := o.Old.revision()
			s.Operation.Old = &old
		}
	}
}

type stateDoc struct {
	Physical   string            `json:"physical,omitzero"`
	Type       string            `json:"type"`
	Properties jsontext.Value    `json:"properties"`
	Attributes map[string]string `json:"attributes,omitempty"`
}

func newStateDoc(s cloudformation.State) (stateDoc, error) {
	props, err := cloudformation.EncodeJSON(map[string]any(s.Properties))
	return stateDoc{s.PhysicalID, s.Type, jsontext.Value(props), s.Attributes}, err
}

func (d stateDoc) state() (cloudformation.State, error) {
	props, err := cloudformation.DecodeProperties(string(d.Properties))
	return cloudformation.State{PhysicalID: d.Physical, Type: d.Type, Properties: props, Attributes: d.Attributes}, err
}

type resourceDoc struct {
	State         stateDoc              `json:"state"`
	Status        cloudformation.Status `json:"status"`
	Reason        string                `json:"reason,omitzero"`
	UpdatedAt     stamp                 `json:"updatedAt"`
	DependsOn     []string              `json:"dependsOn,omitempty"`
	Deletion      string                `json:"deletion,omitzero"`
	UpdateReplace string                `json:"updateReplace,omitzero"`
	Operation     string                `json:"operation,omitzero"`
	StepToken     string                `json:"stepToken,omitzero"`
	StepAt        stamp                 `json:"stepAt"`
	Previous      *stateDoc             `json:"previous,omitempty"`
	New           bool                  `json:"new,omitzero"`
	Doomed        []stateDoc            `json:"doomed,omitempty"`
}

func newResourceDoc(r cloudformation.Resource) (resourceDoc, error) {
	d := resourceDoc{
		Status: r.Status, Reason: r.Reason, UpdatedAt: stamp{r.UpdatedAt}, DependsOn: r.DependsOn, Deletion: r.DeletionPolicy, UpdateReplace: r.UpdateReplacePolicy,
		Operation: r.OperationID, StepToken: r.StepToken, StepAt: stamp{r.StepAt}, New: r.New,
	}
	var err error
	if d.State, err = newStateDoc(r.State); err != nil {
		return d, err
	}
	if r.Previous != nil {
		p, err := newStateDoc(*r.Previous)
		if err != nil {
			return d, err
		}
		d.Previous = &p
	}
	for _, old := range r.Doomed {
		o, err := newStateDoc(old)
		if err != nil {
			return d, err
		}
		d.Doomed = append(d.Doomed, o)
	}
	return d, nil
}

func (d resourceDoc) fill(r *cloudformation.Resource) (err error) {
	r.Status, r.Reason, r.UpdatedAt, r.DependsOn = d.Status, d.Reason, d.UpdatedAt.Time, d.DependsOn
	r.DeletionPolicy, r.UpdateReplacePolicy, r.OperationID, r.StepToken, r.StepAt, r.New = d.Deletion, d.UpdateReplace, d.Operation, d.StepToken, d.StepAt.Time, d.New
	if r.State, err = d.State.state(); err != nil {
		return err
	}
	if d.Previous != nil {
		p, err := d.Previous.state()
		if err != nil {
			return err
		}
		r.Previous = &p
	}
	for _, old := range d.Doomed {
		o, err := old.state()
		if err != nil {
			return err
		}
		r.Doomed = append(r.Doomed, o)
	}
	return nil
}

type stackEventDoc struct {
	ID         string                `json:"id"`
	StackID    string                `json:"stack"`
	StackName  string                `json:"stackName"`
	LogicalID  string                `json:"logical"`
	PhysicalID string                `json:"physical,omitzero"`
	Type       string                `json:"type"`
	Status     cloudformation.Status `json:"status"`
	Reason     string                `json:"reason,omitzero"`
	Properties string                `json:"properties,omitzero"`
	Token      string                `json:"token,omitzero"`
	At         stamp                 `json:"at"`
}

func newStackEventDoc(e cloudformation.Event) stackEventDoc {
	return stackEventDoc{e.ID, e.StackID, e.StackName, e.LogicalID, e.PhysicalID, e.Type, e.Status, e.Reason, e.Properties, e.Token, stamp{e.At}}
}

func (d stackEventDoc) event(seq int64) cloudformation.Event {
	return cloudformation.Event{
		ID: d.ID, Seq: seq, StackID: d.StackID, StackName: d.StackName, LogicalID: d.LogicalID, PhysicalID: d.PhysicalID, Type: d.Type,
		Status: d.Status, Reason: d.Reason, Properties: d.Properties, Token: d.Token, At: d.At.Time,
	}
}

type propertyChangeDoc struct {
	Name       string `json:"name"`
	Recreation string `json:"recreation"`
	Dynamic    bool   `json:"dynamic,omitzero"`
}

type changeDoc struct {
	Action      string              `json:"action"`
	Logical     string              `json:"logical"`
	Physical    string              `json:"physical,omitzero"`
	Type        string              `json:"type"`
	Replacement string              `json:"replacement,omitzero"`
	Properties  []propertyChangeDoc `json:"properties,omitempty"`
}

type changeSetDoc struct {
	StackName   string                         `json:"stackName"`
	Description string                         `json:"description,omitzero"`
	Create      bool                           `json:"create,omitzero"`
	Status      cloudformation.ChangeSetStatus `json:"status"`
	Reason      string                         `json:"reason,omitzero"`
	Execution   string                         `json:"execution"`
	Revision    revisionDoc                    `json:"revision"`
	Changes     []changeDoc                    `json:"changes,omitempty"`
	CreatedAt   stamp                          `json:"createdAt"`
}

func newChangeSetDoc(c cloudformation.ChangeSet) changeSetDoc {
	return changeSetDoc{
		StackName: c.StackName, Description: c.Description, Create: c.Create, Status: c.Status, Reason: c.Reason, Execution: c.Execution,
		Revision: newRevisionDoc(c.Revision), CreatedAt: stamp{c.CreatedAt},
		Changes: mapped(c.Changes, func(c cloudformation.Change) changeDoc {
			return changeDoc{c.Action, c.LogicalID, c.PhysicalID, c.Type, c.Replacement, mapped(c.Properties, func(p cloudformation.PropertyChange) propertyChangeDoc {
				return propertyChangeDoc(p)
			})}
		}),
	}
}

func (d changeSetDoc) fill(c *cloudformation.ChangeSet) {
	c.StackName, c.Description, c.Create, c.Status, c.Reason, c.Execution = d.StackName, d.Description, d.Create, d.Status, d.Reason, d.Execution
	c.Revision, c.CreatedAt = d.Revision.revision(), d.CreatedAt.Time
	c.Changes = mapped(d.Changes, func(c changeDoc) cloudformation.Change {
		return cloudformation.Change{
			Action: c.Action, LogicalID: c.Logical, PhysicalID: c.Physical, Type: c.Type, Replacement: c.Replacement,
			Properties: mapped(c.Properties, func(p propertyChangeDoc) cloudformation.PropertyChange { return cloudformation.PropertyChange(p) }),
		}
	})
}
