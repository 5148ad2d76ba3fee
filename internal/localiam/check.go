package localiam

import (
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"gatehouse/internal/arn"
	"gatehouse/internal/fault"
	"gatehouse/internal/policy"
)

// IAM's quotas that are the same for everybody. Sizes are characters without white space.
const (
	maxManagedSize    = 6144
	maxRoleInline     = 10240 // all inline policies of a role together
	maxUserInline     = 2048
	maxGroupInline    = 5120
	maxPolicyVersions = 5
	maxAccessKeys     = 2
	maxTags           = 50
)

var (
	entityName   = regexp.MustCompile(`^[\w+=,.@-]{1,64}$`)
	policyName   = regexp.MustCompile(`^[\w+=,.@-]{1,128}$`)
	providerName = regexp.MustCompile(`^[\w._-]{1,128}$`)
	entityPath   = regexp.MustCompile(`^/([!-~]+/)?$`)
	description  = regexp.MustCompile(`^[\t\n\r -~\x{A1}-\x{FF}]{0,1000}$`)
	tagText      = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)
)

// reservedPath is where services keep their roles; customers create nothing there.
const reservedPath = "/aws-reserved/"

func invalid(field, format string, args ...any) error {
	return fault.New(fault.Invalid, format, args...).At(field)
}

// checkName checks the name and path of something new. pattern is the names' own.
func checkName(kind, name, path string, pattern *regexp.Regexp) error {
	switch {
	case !pattern.MatchString(name):
		return invalid(kind+"Name", `The specified value for %sName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-`, Fold(kind))
	case len(path) > 512 || !entityPath.MatchString(path):
		return invalid("Path", "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.")
	}
	return nil
}

func checkTags(tags map[string]string) error {
	if len(tags) > maxTags {
		return fault.New(fault.Quota, "At most %d tags are allowed.", maxTags).At("Tags")
	}
	seen := map[string]bool{}
	for key, value := range tags {
		switch n := utf8.RuneCountInString(key); {
		case n < 1 || n > 128 || !tagText.MatchString(key) || strings.HasPrefix(Fold(key), "aws:"):
			return invalid("Tags", "The tag key %q is invalid.", clip(key))
		case utf8.RuneCountInString(value) > 256 || !tagText.MatchString(value):
			return invalid("Tags", "The value of tag %q is invalid.", clip(key))
		case seen[Fold(key)]:
			return invalid("Tags", "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}
		seen[Fold(key)] = true
	}
	return nil
}

// checkDocument parses a document and holds it to a size quota.
func checkDocument(text string, use policy.Use, maximum int, quota string) error {
	if _, err := policy.Parse([]byte(text), use); err != nil {
		return err
	}
	if policy.Size(text) > maximum {
		return fault.New(fault.Quota, "Cannot exceed quota for %s: %d", quota, maximum).At("PolicyDocument")
	}
	return nil
}

// check looks at what a customer says of a role; trustSize is the quota of its trust policy.
func (r *Role) check(trustSize int) error {
	if !description.MatchString(r.Description) {
		return invalid("Description", "The description is invalid: at most 1000 characters of Latin-1.")
	}
	if r.MaxSessionDuration < time.Hour || r.MaxSessionDuration > maxSession || r.MaxSessionDuration%time.Second != 0 {
		return invalid("MaxSessionDuration", "MaxSessionDuration must be between 3600 and 43200 seconds.")
	}
	if err := checkDocument(r.TrustPolicy, policy.ForTrust, trustSize, "ACLSizePerRole"); err != nil {
		return err
	}
	return checkTags(r.Tags)
}

// splitARN takes an IAM ARN apart: kind is "role/", "policy/" … The path is left out of the name.
func splitARN(s, kind string) (accountID, name string, err error) {
	a, err := arn.Parse(s)
	rest, ok := strings.CutPrefix(a.Resource, kind)
	if err != nil || !ok || a.Service != "iam" || a.Region != "" || rest == "" || strings.HasSuffix(rest, "/") {
		return "", "", fault.New(fault.Invalid, "ARN %s is not valid.", clip(s))
	}
	return a.AccountID, rest[strings.LastIndexByte(rest, '/')+1:], nil
}
