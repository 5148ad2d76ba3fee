package live

import (
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssoadmin/types"
	"github.com/go-json-experiment/json/jsontext"

	"gatehouse/internal/plan/estate"
)

func fromReference(p types.CustomerManagedPolicyReference) estate.PolicyRef {
	ref := estate.PolicyRef{Name: aws.ToString(p.Name), Path: aws.ToString(p.Path)}
	if ref.Path == "/" {
		ref.Path = ""
	}
	return ref
}

func toReference(r estate.PolicyRef) *types.CustomerManagedPolicyReference {
	out := &types.CustomerManagedPolicyReference{Name: &r.Name}
	if r.Path != "" {
		out.Path = &r.Path
	}
	return out
}

func fromBoundary(b *types.PermissionsBoundary) *estate.Boundary {
	switch {
	case b == nil:
		return nil
	case b.CustomerManagedPolicyReference != nil:
		ref := fromReference(*b.CustomerManagedPolicyReference)
		return &estate.Boundary{Customer: &ref}
	}
	return &estate.Boundary{AWS: aws.ToString(b.ManagedPolicyArn)}
}

// compact drops the white space of a policy document; what is no JSON stays as it is.
func compact(document string) string {
	v := jsontext.Value(document)
	if v.Compact() != nil {
		return document
	}
	return string(v)
}

// parseDuration reads the duration of a session, such as PT8H; an empty one is zero.
func parseDuration(s string) (time.Duration, error) {
	if s == "" {
		return 0, nil
	}
	d, ok := estate.ParseDuration(s)
	if !ok {
		return 0, fmt.Errorf("the service says that a session lasts %q, which is no duration that is understood here", s)
	}
	return d, nil
}

// formatDuration writes a duration as sso-admin takes it.
func formatDuration(d time.Duration) string {
	out := "PT"
	for _, u := range []struct {
		unit time.Duration
		name string
	}{{time.Hour, "H"}, {time.Minute, "M"}, {time.Second, "S"}} {
		if n := d / u.unit; n > 0 {
			out += strconv.FormatInt(int64(n), 10) + u.name
			d -= n * u.unit
		}
	}
	if out == "PT" {
		return "PT0S"
	}
	return out
}
