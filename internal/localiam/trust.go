package localiam

import (
	"context"
	"strconv"
	"strings"

	"gatehouse/internal/arn"
	"gatehouse/internal/fault"
	"gatehouse/internal/policy"
)

// bind looks up the unique ids of the users and roles that a trust policy names by their ARNs. One that does not exist is refused, as IAM
// refuses it: nobody shall be trusted because he takes a name later.
func (s *Service) bind(ctx context.Context, trust string) (map[string]string, error) {
	d, err := policy.Parse([]byte(trust), policy.ForTrust)
	if err != nil {
		return nil, err
	}
	var ids map[string]string
	for _, name := range d.Principals() {
		id, err := s.bearer(ctx, name)
		if err != nil {
			return nil, err
		}
		if id == "" {
			return nil, fault.New(fault.Invalid, `Invalid principal in policy: "AWS":%q`, name).For("malformed-policy").At("PolicyDocument")
		}
		if ids == nil {
			ids = map[string]string{}
		}
		ids[name] = id
	}
	return ids, nil
}

// bearer returns the unique id of the user or role with that very ARN, or an empty string.
func (s *Service) bearer(ctx context.Context, name string) (string, error) {
	a, err := arn.Parse(name)
	if err != nil {
		return "", nil
	}
	kind, rest, _ := strings.Cut(a.Resource, "/")
	short := rest[strings.LastIndexByte(rest, '/')+1:]
	var id, have string
	switch kind {
	case "role":
		r, lookup := s.role(ctx, a.AccountID, short)
		id, have, err = r.ID, r.ARN(), lookup
	case "user":
		u, lookup := s.user(ctx, a.AccountID, short)
		id, have, err = u.ID, u.ARN(), lookup
	default:
		return "", nil
	}
	if fault.Is(err, fault.NotFound) || err == nil && have != name {
		return "", nil
	}
	return id, err
}

// trust returns a role's compiled trust policy, bound to the principals that were meant.
func (s *Service) trust(r Role) (*policy.Document, error) {
	d, err := s.document(r.TrustPolicy, policy.ForTrust)
	if err != nil {
		return nil, err
	}
	return d.Bind(r.TrustedIDs), nil
}

// ShownTrust returns a role's trust policy as IAM shows it: where a principal that it names is gone, or another one bears the ARN now, its
// unique id stands in place of the ARN.
func (s *Service) ShownTrust(ctx context.Context, r Role) (string, error) {
	out := r.TrustPolicy
	for _, name := range sortedKeys(r.TrustedIDs) {
		now, err := s.bearer(ctx, name)
		if err != nil {
			return "", err
		}
		if now != r.TrustedIDs[name] {
			out = strings.ReplaceAll(out, strconv.Quote(name), strconv.Quote(r.TrustedIDs[name]))
		}
	}
	return out, nil
}
