package directory

import (
	"context"
	"slices"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
)

// A group may have groups as members, where its owner is set to that. Whoever is in a group is then in every group that this one is in, and so
// on upwards: her effective groups, by which entitlements are computed. Only direct memberships are kept; the rest is looked up from the user upwards, so
// that no change costs more because a group is large.

// Nesting says whether groups of a source may have groups as members.
type Nesting string

const (
	// NestingRefuse is the default: a source's groups have users as members, and nothing else.
	NestingRefuse Nesting = "refuse"
	// NestingExpand lets them have groups as members.
	NestingExpand Nesting = "expand"
)

// Bounds of nesting.
const (
	// MaxNesting is how many groups may stand one above the other on top of the lowest.
	MaxNesting = 8
	// MaxNestedGroups is how many groups one group may have as direct members.
	MaxNestedGroups = 1000
)

// NestedGroup says that a group is a member of another.
type NestedGroup struct {
	// GroupID is the group that has the other, MemberID, as a member.
	GroupID, MemberID string
	CreatedAt         time.Time
	CreatedBy         string
}

// checkNesting brings the setting into one form.
func checkNesting(src *Source) error {
	if src.Nested == "" {
		src.Nested = NestingRefuse
	}
	if src.Nested != NestingRefuse && src.Nested != NestingExpand {
		return invalid("nestedGroups", "groups in groups are %q or %q, not %q", NestingRefuse, NestingExpand, src.Nested)
	}
	return nil
}

// SetNesting says whether groups of a source may have groups as members. While any has one, that cannot be forbidden: fault.Conflict "in-use", because
// whoever forbids it expects that nobody has access by it any more.
func (s *Service) SetNesting(ctx context.Context, a audit.Actor, id string, n Nesting) (Source, error) {
	if n != NestingExpand {
		group, err := s.store.NestingOf(ctx, id)
		if err == nil {
			return Source{}, fault.New(fault.Conflict, "the group %s of this directory has groups as members; take them out of it first", group).For("in-use").About(ResourceGroup, group)
		}
		if !fault.Is(err, fault.NotFound) {
			return Source{}, err
		}
	}
	return s.UpdateSource(ctx, a, id, func(src *Source) error {
		src.Nested = n
		return nil
	})
}

// NoNesting is the refusal of a group as a member where the owner of the group above is not set to that.
func NoNesting(source string) error {
	return fault.New(fault.Invalid, "groups of the directory %q cannot have groups as members; an administrator can allow it (gatehouse directory nesting %s expand)", source, source).For("nesting").At("members")
}

// mayNest refuses groups as members of what belongs to owner, unless its setting lets them. Administrators may nest what was made by hand.
func (s *Service) mayNest(ctx context.Context, owner string, groups []string) error {
	if len(groups) == 0 || owner == "" || owner == BuiltIn {
		return nil
	}
	src, err := s.store.Source(ctx, owner)
	if err == nil && src.Nested != NestingExpand {
		err = NoNesting(owner)
	}
	return err
}

// mintNested makes rows for the ids of groups, each once.
func mintNested(groupID string, members []string, now time.Time, a audit.Actor) []NestedGroup {
	var out []NestedGroup
	for _, m := range slices.Compact(slices.Sorted(slices.Values(members))) {
		out = append(out, NestedGroup{GroupID: groupID, MemberID: m, CreatedAt: now, CreatedBy: a.ID})
	}
	return out
}

// guardNesting counts the groups that a source's client takes out of a group: each takes access away from all who are below it.
func (s *Service) guardNesting(ctx context.Context, a audit.Actor, id string, mc MemberChange) error {
	if a.Kind != audit.Directory || !mc.Replace && len(mc.RemoveGroups) == 0 {
		return nil
	}
	now, err := s.store.NestedIn(ctx, id, "", MaxNestedGroups)
	if err != nil {
		return err
	}
	for _, n := range now {
		if slices.Contains(mc.RemoveGroups, n.MemberID) || mc.Replace && !slices.Contains(mc.AddGroups, n.MemberID) {
			if err := s.guard(ctx, a, removeGroup); err != nil {
				return err
			}
		}
	}
	return nil
}

// NestedIn lists the groups that are direct members of a group, by id, after the given one.
func (s *Service) NestedIn(ctx context.Context, groupID, after string, limit int) ([]NestedGroup, error) {
	return s.store.NestedIn(ctx, groupID, after, limit)
}

// NestedUnder lists the groups of which a group is a direct member, by id, after the given one.
func (s *Service) NestedUnder(ctx context.Context, memberID, after string, limit int) ([]NestedGroup, error) {
	return s.store.NestedUnder(ctx, memberID, after, limit)
}

// GroupsBelow returns the ids of all groups whose members are effectively members of a group: itself, its members that are groups, theirs, and so on.
func (s *Service) GroupsBelow(ctx context.Context, groupID string) ([]string, error) {
	return s.store.GroupsBelow(ctx, groupID)
}

// EffectiveMembershipsOf lists the effective groups of a user by id, after the given one. The membership of a group that she is in by way of
// another has the id of the direct membership on which it hangs. The user must exist.
func (s *Service) EffectiveMembershipsOf(ctx context.Context, userID, afterGroupID string, limit int) ([]Membership, error) {
	if _, err := s.store.User(ctx, userID); err != nil {
		return nil, err
	}
	return s.store.EffectiveMembershipsOf(ctx, userID, afterGroupID, limit)
}
