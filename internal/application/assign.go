package application

import (
	"context"
	"slices"
	"strings"

	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
)

// Assign lets a principal use an application. Repeating it succeeds.
//
// Faults: NotFound for an application or principal that is not there; Quota for too many groups.
func (s *Service) Assign(ctx context.Context, by audit.Actor, n arn.InInstance, p Principal) error {
	a, err := s.Application(ctx, n)
	if err != nil {
		return err
	}
	if err := s.checkPrincipal(ctx, p); err != nil {
		return err
	}
	now := s.now()
	e := audit.New(ctx, now, by, "sso:CreateApplicationAssignment", a.ARN()).With("principalType", string(p.Type)).With("principal", p.ID)
	return s.store.Assign(ctx, Assignment{a.ID, p, now}, s.quotas.Groups, e)
}

func (s *Service) checkPrincipal(ctx context.Context, p Principal) error {
	var err error
	switch p.Type {
	case User:
		_, err = s.people.User(ctx, p.ID)
	case Group:
		_, err = s.people.Group(ctx, p.ID)
	default:
		return invalid("PrincipalType", "PrincipalType is USER or GROUP, not %q", p.Type)
	}
	return err
}

// Unassign ends an assignment; one that is not there is fault.NotFound. The principal itself may be gone.
func (s *Service) Unassign(ctx context.Context, by audit.Actor, n arn.InInstance, p Principal) error {
	a, err := s.Application(ctx, n)
	if err != nil {
		return err
	}
	now := s.now()
	e := audit.New(ctx, now, by, "sso:DeleteApplicationAssignment", a.ARN()).With("principalType", string(p.Type)).With("principal", p.ID)
	return s.store.Unassign(ctx, Assignment{ApplicationID: a.ID, Principal: p}, e)
}

// Assignment returns the assignment of exactly this principal.
func (s *Service) Assignment(ctx context.Context, n arn.InInstance, p Principal) (Assignment, error) {
	a, err := s.Application(ctx, n)
	if err != nil {
		return Assignment{}, err
	}
	return s.store.Assignment(ctx, a.ID, p)
}

// Assignments lists an application's assignments by principal.
func (s *Service) Assignments(ctx context.Context, n arn.InInstance, after Principal, limit int) ([]Assignment, error) {
	a, err := s.Application(ctx, n)
	if err != nil {
		return nil, err
	}
	return s.store.AssignmentsOf(ctx, a.ID, after, limit)
}

// Place is where a listing of a principal's assignments stands: after this application, under this principal.
type Place struct {
	PrincipalID, ApplicationID string
}

// Filed is an assignment with its application.
type Filed struct {
	Application Application
	Principal   Principal
}

// For says whose assignments to list: a principal's in an instance, or those to one application of it.
type For struct {
	InstanceID    string
	Principal     Principal
	ApplicationID string
}

// AssignmentsFor lists a principal's assignments in an instance: for a user her own first, then those of her groups, by group id; under
// each principal by application. An assignment is listed under the principal that it was made to.
func (s *Service) AssignmentsFor(ctx context.Context, f For, after Place, limit int) ([]Filed, error) {
	p := f.Principal
	if err := s.instance(ctx, f.InstanceID); err != nil {
		return nil, err
	}
	if err := s.checkPrincipal(ctx, p); err != nil {
		return nil, err
	}
	ps, err := s.withGroups(ctx, p)
	if err != nil {
		return nil, err
	}
	if after.PrincipalID != "" {
		i := slices.IndexFunc(ps, func(q Principal) bool { return q.ID == after.PrincipalID })
		if i < 0 { // she left that group meanwhile; go on with the next
			i = 1
			for i < len(ps) && ps[i].ID < after.PrincipalID {
				i++
			}
			after.ApplicationID = ""
		}
		ps = ps[min(i, len(ps)):]
	}
	var out []Filed
	for _, q := range ps {
		if out, err = s.file(ctx, For{f.InstanceID, q, f.ApplicationID}, after.ApplicationID, limit, out); err != nil || len(out) == limit {
			return out, err
		}
		after.ApplicationID = ""
	}
	return out, nil
}

// file appends the assignments of exactly one principal to out, until there are limit.
func (s *Service) file(ctx context.Context, f For, after string, limit int, out []Filed) ([]Filed, error) {
	for len(out) < limit {
		want := limit - len(out)
		as, err := s.assigned(ctx, f, after, want)
		if err != nil {
			return nil, err
		}
		for _, as := range as {
			after = as.ApplicationID
			a, err := s.store.Application(ctx, as.ApplicationID)
			if fault.Is(err, fault.NotFound) {
				continue // deleted a moment ago
			}
			if err != nil {
				return nil, err
			}
			if a.InstanceID == f.InstanceID {
				out = append(out, Filed{a, f.Principal})
			}
		}
		if len(as) < want {
			break
		}
	}
	return out, nil
}

// assigned returns a page of assignments of exactly one principal, or the one to the application asked about.
func (s *Service) assigned(ctx context.Context, f For, after string, limit int) ([]Assignment, error) {
	if f.ApplicationID == "" {
		return s.store.AssignmentsFor(ctx, f.Principal, after, limit)
	}
	if after >= f.ApplicationID {
		return nil, nil
	}
	a, err := s.store.Assignment(ctx, f.ApplicationID, f.Principal)
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	return []Assignment{a}, err
}

// withGroups returns the principal and, after a user, her groups by id.
func (s *Service) withGroups(ctx context.Context, p Principal) ([]Principal, error) {
	ps := []Principal{p}
	if p.Type != User {
		return ps, nil
	}
	groups, err := s.people.GroupIDsOf(ctx, p.ID)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(groups, strings.Compare)
	for _, g := range groups {
		ps = append(ps, Principal{Group, g})
	}
	return ps, nil
}

// Entitled answers whether a person may use an application now: it is enabled, she is active, and she or a group of hers is assigned, unless no
// assignment is required. No is fault.Denied, always with the same sentence.
func (s *Service) Entitled(ctx context.Context, n arn.InInstance, userID string) (Application, error) {
	no := fault.New(fault.Denied, "No access")
	a, err := s.Application(ctx, n)
	if err != nil {
		return Application{}, hide(err, no)
	}
	u, err := s.people.User(ctx, userID)
	if err != nil {
		return Application{}, hide(err, no)
	}
	if a.Disabled || !u.Active {
		return Application{}, no
	}
	if a.OpenToAll {
		return a, nil
	}
	ps, err := s.withGroups(ctx, Principal{User, userID})
	if err != nil {
		return Application{}, err
	}
	ok, err := s.store.Assigned(ctx, a.ID, ps)
	if err != nil {
		return Application{}, err
	}
	if !ok {
		return Application{}, no
	}
	return a, nil
}

// hide turns «not there» into a refusal and leaves outages as they are.
func hide(err error, no *fault.Fault) error {
	if fault.Is(err, fault.NotFound) {
		return no.Because(err)
	}
	return err
}
