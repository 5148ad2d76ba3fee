package localiam

import (
	"context"
	"strings"
	"time"

	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
)

// RootAccess is what an account has to do with centralized root access (IAM User Guide, «Centrally manage root access for member accounts»).
type RootAccess struct {
	// OrganizationID is empty for an account in no organization.
	OrganizationID, ManagementAccountID string
	// Manager says that the account is the management account, or delegated administrator of iam.amazonaws.com.
	Manager bool
	// Trusted says that trusted access of IAM is enabled in the organization.
	Trusted bool
}

// Feature is a part of centralized root access.
type Feature string

// The features.
const (
	// RootCredentials: credentials of member accounts' root users may be looked at and removed.
	RootCredentials Feature = "RootCredentialsManagement"
	// RootSessions: further tasks that only a root user may do may be done in member accounts.
	RootSessions Feature = "RootSessions"
)

// Reasons of refusals about features; they are the codes on the wire.
const (
	ReasonNotManager     = "AccountNotManagementOrDelegatedAdministratorException"
	ReasonNotManagement  = "CallerIsNotManagementAccountException"
	ReasonNoOrganization = "OrganizationNotFoundException"
	ReasonNotTrusted     = "ServiceAccessNotEnabledException"
)

// managing returns what the account has to do with root access if it may manage it.
func (s *Service) managing(ctx context.Context, accountID string) (RootAccess, error) {
	none := fault.New(fault.Invalid, "No organization is associated with your account.").For(ReasonNoOrganization)
	if s.cfg.RootAccess == nil {
		return RootAccess{}, none
	}
	r, err := s.cfg.RootAccess(ctx, accountID)
	switch {
	case err != nil:
		return r, err
	case r.OrganizationID == "":
		return r, none
	case !r.Manager:
		return r, fault.New(fault.Invalid, "The account is not the management account or delegated administrator account for centralized root access.").For(ReasonNotManager)
	case !r.Trusted:
		return r, fault.New(fault.Invalid, "Trusted access is not enabled for IAM in Organizations: enable the service principal iam.amazonaws.com first.").For(ReasonNotTrusted)
	}
	return r, nil
}

// Features is what is on of centralized root access in an organization.
type Features struct {
	OrganizationID string
	On             []Feature
}

func (set Settings) features() []Feature {
	out := []Feature{}
	if set.RootCredentials {
		out = append(out, RootCredentials)
	}
	if set.RootSessions {
		out = append(out, RootSessions)
	}
	return out
}

func (set *Settings) feature(f Feature) *bool {
	if f == RootSessions {
		return &set.RootSessions
	}
	return &set.RootCredentials
}

// Features lists what is on. Only an account that may manage root access may ask.
func (s *Service) Features(ctx context.Context, accountID string) (Features, error) {
	r, err := s.managing(ctx, accountID)
	if err != nil {
		return Features{}, err
	}
	set, err := s.cfg.Store.Settings(ctx, r.ManagementAccountID)
	return Features{r.OrganizationID, set.features()}, err
}

// SetFeature turns a feature on, which only the management account may, or off. Setting it as it is changes nothing.
func (s *Service) SetFeature(ctx context.Context, a audit.Actor, accountID string, f Feature, on bool) (Features, error) {
	r, err := s.managing(ctx, accountID)
	if err != nil {
		return Features{}, err
	}
	if on && accountID != r.ManagementAccountID {
		return Features{}, fault.New(fault.Invalid, "The account making the request is not the management account for the organization.").For(ReasonNotManagement)
	}
	set, err := s.cfg.Store.Settings(ctx, r.ManagementAccountID)
	if err == nil && *set.feature(f) != on {
		action := map[bool]string{true: "EnableOrganizations", false: "DisableOrganizations"}[on] + string(f)
		set, err = s.changeSettings(ctx, a, r.ManagementAccountID, action, func(set *Settings) error {
			*set.feature(f) = on
			return nil
		})
	}
	return Features{r.OrganizationID, set.features()}, err
}

// taskPath is where the policies are that say what a root session may do.
const taskPath = "arn:aws:iam::aws:policy/root-task/"

// rootTasks are those policies, with the feature each belongs to.
var rootTasks = map[string]Feature{
	taskPath + "IAMAuditRootUserCredentials":  RootCredentials,
	taskPath + "IAMCreateRootUserPassword":    RootCredentials,
	taskPath + "IAMDeleteRootUserCredentials": RootCredentials,
	taskPath + "S3UnlockBucketPolicy":         RootSessions,
	taskPath + "SQSUnlockQueuePolicy":         RootSessions,
}

// maxRootSession is the longest root session, and how long one is that was asked for without a duration.
const maxRootSession = 15 * time.Minute

// RootTarget returns the ARN of the root user that a target names: by account id or by that very ARN.
func RootTarget(target string) (rootARN string, err error) {
	id := strings.TrimSuffix(strings.TrimPrefix(target, "arn:aws:iam::"), ":root")
	if rootARN = arn.IAM(id, "root"); !arn.IsAccountID(id) || target != id && target != rootARN {
		return "", fault.New(fault.Invalid, "%s is not the root user of an account: give an account id or arn:aws:iam::<account id>:root", clip(target)).At("TargetPrincipal")
	}
	return rootARN, nil
}

// RootRequest is what AssumeRoot is asked.
type RootRequest struct {
	// Target is a member account's id, or its root user's ARN.
	Target string
	// TaskPolicyARN is one of the policies below root-task/.
	TaskPolicyARN string
	// Duration is at most 15 minutes; zero means that.
	Duration time.Duration
}

// AssumeRoot makes a session as the root user of a member account, bounded by a task policy. Whether the caller's policies allow him sts:AssumeRoot on that
// root user was decided by the caller of this method.
//
// Faults: Invalid; Denied unless the caller is a user or a role session of an account that manages root access, the feature is on, and the target is an active
// member account.
func (s *Service) AssumeRoot(ctx context.Context, c Caller, in RootRequest) (Credentials, error) {
	rootARN, err := RootTarget(in.Target)
	if err != nil {
		return Credentials{}, err
	}
	feature, ok := rootTasks[in.TaskPolicyARN]
	if !ok {
		return Credentials{}, fault.New(fault.Invalid, "The task policy %s is not one of those below %s.", clip(in.TaskPolicyARN), taskPath).At("TaskPolicyArn")
	}
	duration := in.Duration
	if duration == 0 {
		duration = maxRootSession
	}
	if duration < 0 || duration > maxRootSession {
		return Credentials{}, fault.New(fault.Invalid, "DurationSeconds must be at most 900.").At("DurationSeconds")
	}
	refused := func(why string) error {
		return fault.New(fault.Denied, "User: %s is not authorized to perform: sts:AssumeRoot on resource: %s: %s", c.ARN, rootARN, why)
	}
	if c.Kind != KindUser && c.Kind != KindRoleSession {
		return Credentials{}, refused("only users and roles may")
	}
	r, err := s.managing(ctx, c.AccountID)
	if f := fault.Of(err); f != nil && f.Kind == fault.Invalid {
		return Credentials{}, refused(f.Message)
	}
	if err != nil {
		return Credentials{}, err
	}
	set, err := s.cfg.Store.Settings(ctx, r.ManagementAccountID)
	if err != nil {
		return Credentials{}, err
	}
	if !*set.feature(feature) {
		return Credentials{}, refused("the feature " + string(feature) + " of centralized root access is not enabled")
	}
	account := strings.Split(rootARN, ":")[4]
	if account == r.ManagementAccountID {
		return Credentials{}, refused("the management account has no member's root user")
	}
	if s.cfg.Organization == nil {
		return Credentials{}, refused("there is no organization")
	}
	standing, err := s.cfg.Organization.Standing(ctx, account)
	if err != nil {
		return Credentials{}, err
	}
	if standing.Closed || standing.OrganizationID != r.OrganizationID {
		return Credentials{}, refused("it is not an active member account of the organization")
	}
	out, err := s.issue(claims{Kind: KindRoot, AccountID: account, ID: "root:" + account, PolicyARNs: []string{in.TaskPolicyARN}, SourceIdentity: c.SourceIdentity, Behind: c.session.person()}, duration)
	out.ARN, out.UserID = rootARN, account
	return out, err
}
