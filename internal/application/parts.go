package application

import (
	"context"
	"slices"
	"strings"

	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
)

// PutScope adds an access scope to an application, or replaces its targets.
func (s *Service) PutScope(ctx context.Context, by audit.Actor, n arn.InInstance, scope Scope) error {
	_, err := s.Update(ctx, by, n, "PutApplicationAccessScope", func(a *Application) error {
		i, there := slices.BinarySearchFunc(a.Scopes, scope.Name, byName)
		if there {
			a.Scopes[i] = scope
		} else {
			a.Scopes = slices.Insert(a.Scopes, i, scope)
		}
		return nil
	})
	return err
}

func byName(s Scope, name string) int { return strings.Compare(s.Name, name) }

// Scope returns the access scope with the name.
func (a Application) Scope(name string) (Scope, error) {
	i, there := slices.BinarySearchFunc(a.Scopes, name, byName)
	if !there {
		return Scope{}, fault.New(fault.NotFound, "The application has no access scope %s", name).About(ResourceScope, name)
	}
	return a.Scopes[i], nil
}

// DeleteScope takes an access scope off an application.
func (s *Service) DeleteScope(ctx context.Context, by audit.Actor, n arn.InInstance, name string) error {
	_, err := s.Update(ctx, by, n, "DeleteApplicationAccessScope", func(a *Application) error {
		if _, err := a.Scope(name); err != nil {
			return err
		}
		a.Scopes = slices.DeleteFunc(a.Scopes, func(sc Scope) bool { return sc.Name == name })
		return nil
	})
	return err
}

// PutGrant adds or replaces the grant of one type; g holds that grant.
func (s *Service) PutGrant(ctx context.Context, by audit.Actor, n arn.InInstance, t GrantType, g Grants) error {
	if !g.Has(t) {
		return invalid("Grant", "a grant of type %s has its parameters: redirect URIs, or token issuers with audiences", t)
	}
	_, err := s.Update(ctx, by, n, "PutApplicationGrant", func(a *Application) error {
		a.Grants.put(t, g)
		return nil
	})
	return err
}

// Grant returns the grant of one type.
func (a Application) Grant(t GrantType) (Grants, error) {
	if !a.Grants.Has(t) {
		return Grants{}, fault.New(fault.NotFound, "The application has no grant of type %s", t).About(ResourceGrant, string(t))
	}
	return a.Grants.Only(t), nil
}

// DeleteGrant removes the grant of one type.
func (s *Service) DeleteGrant(ctx context.Context, by audit.Actor, n arn.InInstance, t GrantType) error {
	_, err := s.Update(ctx, by, n, "DeleteApplicationGrant", func(a *Application) error {
		if _, err := a.Grant(t); err != nil {
			return err
		}
		a.Grants.put(t, Grants{})
		return nil
	})
	return err
}

// PutActorPolicy sets the policy of the authentication method IAM; an empty document removes the method, which is fault.NotFound
// when there is none.
func (s *Service) PutActorPolicy(ctx context.Context, by audit.Actor, n arn.InInstance, document string) error {
	operation := "PutApplicationAuthenticationMethod"
	if document == "" {
		operation = "DeleteApplicationAuthenticationMethod"
	}
	_, err := s.Update(ctx, by, n, operation, func(a *Application) error {
		if document == "" && a.ActorPolicy == "" {
			return NoMethod(n)
		}
		a.ActorPolicy = document
		return nil
	})
	return err
}

// NoMethod says that an application has no authentication method.
func NoMethod(n arn.InInstance) error {
	return fault.New(fault.NotFound, "The application has no authentication method IAM").About(ResourceMethod, n.ID)
}
