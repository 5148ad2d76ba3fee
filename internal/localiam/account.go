package localiam

import (
	"context"
	"encoding/base64"
	"regexp"
	"strings"
	"time"

	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
)

var accountAlias = regexp.MustCompile(`^[a-z0-9]([a-z0-9]|-[a-z0-9]){2,62}$`)

// Alias returns the account's alias, or an empty string.
func (s *Service) Alias(ctx context.Context, accountID string) (string, error) {
	a, err := s.cfg.Store.Alias(ctx, accountID)
	if fault.Is(err, fault.NotFound) {
		return "", nil
	}
	return a, err
}

// SetAlias gives the account an alias, in place of the one it has.
func (s *Service) SetAlias(ctx context.Context, a audit.Actor, accountID, alias string) error {
	if !accountAlias.MatchString(alias) || len(alias) > 63 || arn.IsAccountID(alias) {
		return invalid("AccountAlias", "The account alias is invalid: 3 to 63 lower-case letters, digits and single dashes.")
	}
	err := s.cfg.Store.SetAlias(ctx, accountID, alias, s.event(ctx, a, "iam:CreateAccountAlias", alias))
	if isConflict(err, "exists") {
		return fault.New(fault.Conflict, "The account alias %s already exists.", alias).For("exists")
	}
	return err
}

// DeleteAlias takes the account's alias away.
func (s *Service) DeleteAlias(ctx context.Context, a audit.Actor, accountID, alias string) error {
	err := s.cfg.Store.DeleteAlias(ctx, accountID, alias, s.event(ctx, a, "iam:DeleteAccountAlias", alias))
	if fault.Is(err, fault.NotFound) {
		return fault.New(fault.NotFound, "The account alias %s cannot be found.", clip(alias))
	}
	return err
}

// Counts says how many of everything the account has.
func (s *Service) Counts(ctx context.Context, accountID string) (Counts, error) {
	return s.cfg.Store.Counts(ctx, accountID)
}

// linkedServices are the services that have a role of their own, with the last part of its name; suffix says whether there may be several
// roles, told apart by a suffix.
var linkedServices = map[string]struct {
	name   string
	suffix bool
}{
	"sso.amazonaws.com":                  {name: "SSO"},
	"organizations.amazonaws.com":        {name: "Organizations"},
	"account-access.amazonaws.com":       {name: "AccountAccess"},
	"access-analyzer.amazonaws.com":      {name: "AccessAnalyzer"},
	"support.amazonaws.com":              {name: "Support"},
	"trustedadvisor.amazonaws.com":       {name: "TrustedAdvisor"},
	"autoscaling.amazonaws.com":          {name: "AutoScaling", suffix: true},
	"ecs.amazonaws.com":                  {name: "ECS"},
	"elasticloadbalancing.amazonaws.com": {name: "ElasticLoadBalancing"},
	"rds.amazonaws.com":                  {name: "RDS"},
	"config.amazonaws.com":               {name: "Config"},
	"guardduty.amazonaws.com":            {name: "AmazonGuardDuty"},
	"cloudtrail.amazonaws.com":           {name: "CloudTrail"},
}

var linkedSuffix = regexp.MustCompile(`^[\w+=,.@-]{1,64}$`)

// LinkedRole is what a service-linked role is made of.
type LinkedRole struct{ AccountID, Service, Description, Suffix string }

// CreateServiceLinkedRole makes the role of a service: protected, trusting the service alone. No service acts here, so nobody ever assumes
// it; it is there for those who describe whole accounts.
func (s *Service) CreateServiceLinkedRole(ctx context.Context, a audit.Actor, in LinkedRole) (Role, error) {
	accountID, service, suffix := in.AccountID, in.Service, in.Suffix
	known, ok := linkedServices[service]
	if !ok {
		return Role{}, invalid("AWSServiceName", "Service role does not exist for %s.", clip(service))
	}
	name := "AWSServiceRoleFor" + known.name
	if suffix != "" {
		if !known.suffix || !linkedSuffix.MatchString(suffix) {
			return Role{}, invalid("CustomSuffix", "Custom suffix is not allowed for %s", service)
		}
		name += "_" + suffix
	}
	r := Role{Identity: Identity{AccountID: accountID, Name: name, Path: linkedPath + service + "/"}, Description: in.Description, MaxSessionDuration: time.Hour, Protected: true,
		TrustPolicy: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"` + service + `"},"Action":"sts:AssumeRole"}]}`}
	if err := s.fresh(&r.Identity, OfRole); err != nil {
		return Role{}, err
	}
	if err := r.check(s.cfg.Quotas.TrustPolicySize); err != nil {
		return Role{}, err
	}
	err := s.cfg.Store.SaveRole(ctx, r, s.event(ctx, a, "iam:CreateServiceLinkedRole", r.ARN()))
	if isConflict(err, "exists") {
		return Role{}, invalid("AWSServiceName", "Service role name %s has been taken in this account, please try a different suffix.", r.Name)
	}
	r.Revision = 1
	return r, err
}

// linkedPath is where service-linked roles are.
const linkedPath = "/aws-service-role/"

// DeleteServiceLinkedRole deletes such a role and returns the id under which its deletion can be asked for.
func (s *Service) DeleteServiceLinkedRole(ctx context.Context, a audit.Actor, accountID, name string) (task string, err error) {
	err = retry(func() error {
		r, err := s.Role(ctx, accountID, name)
		if err != nil {
			return err
		}
		if !strings.HasPrefix(r.Path, linkedPath) {
			return invalid("RoleName", "The role %s is not a service-linked role.", r.Name)
		}
		sealed, err := s.cfg.Sealer.Seal([]byte(r.ID), associatedTask(accountID))
		if err != nil {
			return fault.New(fault.Internal, "seal a task").Because(err)
		}
		task = "task" + r.Path + r.Name + "/" + base64.RawURLEncoding.EncodeToString(sealed)
		return s.cfg.Store.DeleteRole(ctx, accountID, r.Name, r.Revision, s.event(ctx, a, "iam:DeleteServiceLinkedRole", r.ARN()))
	})
	return task, err
}

func associatedTask(accountID string) []byte { return []byte("gatehouse/deletion-task/" + accountID) }

// DeletionTask reports whether a task is one that [Service.DeleteServiceLinkedRole] gave the account; then it has succeeded. NotFound else.
func (s *Service) DeletionTask(accountID, task string) error {
	sealed, err := base64.RawURLEncoding.DecodeString(task[strings.LastIndexByte(task, '/')+1:])
	if err == nil {
		_, err = s.cfg.Sealer.Open(sealed, associatedTask(accountID))
	}
	if err != nil || !strings.HasPrefix(task, "task"+linkedPath) {
		return fault.New(fault.NotFound, "The deletion task %s cannot be found.", clip(task))
	}
	return nil
}

// TagPolicy sets and removes tags of a customer managed policy.
func (s *Service) TagPolicy(ctx context.Context, a audit.Actor, ref PolicyRef, t Retag) error {
	return retry(func() error {
		p, err := s.Policy(ctx, ref.AccountID, ref.ARN)
		if err != nil {
			return err
		}
		if p.Tags, err = t.of(p.Tags); err != nil {
			return err
		}
		return s.cfg.Store.SavePolicy(ctx, p, s.event(ctx, a, "iam:"+t.verb()+"Policy", p.ARN()))
	})
}
