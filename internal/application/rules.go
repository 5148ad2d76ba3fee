package application

import (
	"context"
	"maps"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
)

// Limits of the sso-admin model.
const (
	maxName        = 100
	maxDescription = 128
	maxTargets     = 10
	maxRedirects   = 10
	maxTrusted     = 10
	maxAudiences   = 10
	maxAudience    = 512
	maxActorPolicy = 32768
)

var (
	scopeName  = regexp.MustCompile(`^[A-Za-z0-9_]{1,50}(:[A-Za-z0-9_]{1,50}){0,2}$`)
	issuerName = regexp.MustCompile(`^[\w+=,.@-]{1,255}$`)
	claimPath  = regexp.MustCompile(`^\p{L}+(?:[._]\p{L}+){0,2}$`)
	userPath   = regexp.MustCompile(`^\p{L}+(?:\.\p{L}+){0,2}$`)
	tagText    = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)
)

func invalid(field, format string, args ...any) error {
	return fault.New(fault.Invalid, format, args...).At(field)
}

// length reports whether s is text of so many characters; control characters other than white space are no text.
func length(s string, from, to int) bool {
	n := utf8.RuneCountInString(s)
	return utf8.ValidString(s) && n >= from && n <= to && !strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) && !unicode.IsSpace(r) })
}

// check refuses an application that must not be. What it refers to is looked up only where it differs from old: an issuer that went
// meanwhile must not stand in the way of a new name.
func (s *Service) check(ctx context.Context, a, old Application) error {
	switch {
	case !length(a.Name, 1, maxName):
		return invalid("Name", "an application's name has 1 to %d characters", maxName)
	case !length(a.Description, 0, maxDescription):
		return invalid("Description", "an application's description has at most %d characters", maxDescription)
	case len(a.Scopes) > s.quotas.Scopes:
		return fault.New(fault.Quota, "an application has at most %d access scopes", s.quotas.Scopes)
	}
	if err := a.Portal.check(); err != nil {
		return err
	}
	if err := s.checkTags(a.Tags); err != nil {
		return err
	}
	if !reflect.DeepEqual(a.Scopes, old.Scopes) {
		if err := s.checkScopes(ctx, a, old); err != nil {
			return err
		}
	}
	if !reflect.DeepEqual(a.Grants, old.Grants) {
		if err := s.checkGrants(ctx, a, old.Grants); err != nil {
			return err
		}
	}
	if a.ActorPolicy == old.ActorPolicy || a.ActorPolicy == "" {
		return nil
	}
	if len(a.ActorPolicy) > maxActorPolicy {
		return invalid("AuthenticationMethod", "an actor policy has at most %d bytes", maxActorPolicy)
	}
	return s.policy(a.ActorPolicy)
}

func (p Portal) check() error {
	switch p.Origin {
	case FromApplication:
		u, err := url.Parse(p.URL)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || len(p.URL) > 512 {
			return invalid("ApplicationUrl", "if the sign-in begins at the application (APPLICATION), ApplicationUrl is its http or https address")
		}
	case FromIdentityCenter, "":
		if p.URL != "" {
			return invalid("ApplicationUrl", "ApplicationUrl is given only if Origin is APPLICATION")
		}
	default:
		return invalid("Origin", "Origin is IDENTITY_CENTER or APPLICATION")
	}
	return nil
}

func (s *Service) checkTags(tags map[string]string) error {
	if len(tags) > s.quotas.Tags {
		return fault.New(fault.Quota, "a resource has at most %d tags", s.quotas.Tags).At("Tags")
	}
	for k, v := range tags {
		if !length(k, 1, 128) || !length(v, 0, 256) || !tagText.MatchString(k+v) || strings.HasPrefix(strings.ToLower(k), "aws:") {
			return invalid("Tags", "a tag has a key of 1 to 128 characters, not beginning with \"aws:\", and a value of at most 256: letters, digits, spaces and _.:/=+-@")
		}
	}
	return nil
}

func (s *Service) checkScopes(ctx context.Context, a, old Application) error {
	for _, scope := range a.Scopes {
		if slices.ContainsFunc(old.Scopes, func(o Scope) bool { return reflect.DeepEqual(o, scope) }) {
			continue
		}
		if !scopeName.MatchString(scope.Name) {
			return invalid("Scope", "an access scope is one to three parts of at most 50 letters, digits and underscores, with colons between")
		}
		if len(scope.Targets) > maxTargets {
			return invalid("AuthorizedTargets", "an access scope has at most %d authorized targets", maxTargets)
		}
		for _, t := range scope.Targets {
			if err := s.checkScopeTarget(ctx, t, a.InstanceID); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkScopeTarget: a target is the application's own instance or an application in it.
func (s *Service) checkScopeTarget(ctx context.Context, target, instanceID string) error {
	elsewhere := fault.New(fault.NotFound, "The authorized target %s is not in instance %s", target, instanceID).About(ResourceScope, target).At("AuthorizedTargets")
	if ins, err := arn.ParseInstance(target); err == nil {
		if ins != instanceID {
			return elsewhere
		}
		return nil
	}
	n, err := arn.ParseApplication(target)
	if err != nil {
		return invalid("AuthorizedTargets", "an authorized target is the ARN of an application or of an instance")
	}
	if n.InstanceID != instanceID {
		return elsewhere
	}
	_, err = s.Application(ctx, n)
	return err
}

func (s *Service) checkGrants(ctx context.Context, a Application, old Grants) error {
	g := a.Grants
	if len(g.RedirectURIs) > maxRedirects || len(g.Issuers) > maxTrusted {
		return invalid("Grant", "a grant has at most %d redirect URIs or %d issuers", maxRedirects, maxTrusted)
	}
	for _, uri := range g.RedirectURIs {
		if err := checkRedirect(uri); err != nil {
			return err
		}
	}
	if reflect.DeepEqual(g.Issuers, old.Issuers) {
		return nil
	}
	seen := map[string]bool{}
	for _, t := range g.Issuers {
		if seen[t.IssuerID] {
			return invalid("AuthorizedTokenIssuers", "an issuer is named once, with all its audiences")
		}
		seen[t.IssuerID] = true
		if len(t.Audiences) == 0 || len(t.Audiences) > maxAudiences || slices.ContainsFunc(t.Audiences, func(aud string) bool { return !length(aud, 1, maxAudience) }) {
			return invalid("AuthorizedAudiences", "an issuer has 1 to %d authorized audiences of 1 to %d characters", maxAudiences, maxAudience)
		}
		if t.InstanceID != a.InstanceID {
			return fault.New(fault.NotFound, "The trusted token issuer %s is not in this instance", t.ARN()).About(ResourceIssuer, t.IssuerID)
		}
		if _, err := s.Issuer(ctx, t.named()); err != nil {
			return err
		}
	}
	return nil
}

// checkRedirect: an absolute URI without a fragment (RFC 6749 §3.1.2). A scheme that runs script in a browser is refused.
func checkRedirect(uri string) error {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme == "" || u.Host == "" && u.Opaque == "" && u.Path == "" || u.Fragment != "" || strings.Contains(uri, "#") || len(uri) > 2048 ||
		slices.Contains([]string{"javascript", "data", "vbscript", "about", "blob", "file"}, u.Scheme) || (u.Scheme == "http" || u.Scheme == "https") && u.Host == "" {
		return invalid("RedirectUris", "a redirect URI is an absolute URI of at most 2048 characters without a fragment")
	}
	return nil
}

func (a Application) clone() Application {
	a.Tags = maps.Clone(a.Tags)
	a.Scopes = slices.Clone(a.Scopes)
	a.Grants.RedirectURIs = slices.Clone(a.Grants.RedirectURIs)
	a.Grants.Issuers = slices.Clone(a.Grants.Issuers)
	return a
}

// retagged returns tags with some set and some removed.
func retagged(tags, set map[string]string, remove []string) map[string]string {
	out := maps.Clone(tags)
	if out == nil {
		out = map[string]string{}
	}
	maps.Copy(out, set)
	for _, k := range remove {
		delete(out, k)
	}
	return out
}

func tagOperation(remove []string) string {
	if len(remove) > 0 {
		return "UntagResource"
	}
	return "TagResource"
}

// Tag sets and removes tags of an application.
func (s *Service) Tag(ctx context.Context, by audit.Actor, n arn.InInstance, set map[string]string, remove []string) error {
	_, err := s.Update(ctx, by, n, tagOperation(remove), func(a *Application) error {
		a.Tags = retagged(a.Tags, set, remove)
		return nil
	})
	return err
}
