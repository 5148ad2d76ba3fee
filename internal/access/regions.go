package access

import (
	"context"
	"regexp"
	"time"

	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
)

// Region is a region in which an instance can be reached. Gatehouse is in one place: an additional region is a name under which requests
// may be signed.
type Region struct {
	// Name is like "eu-central-1".
	Name    string
	AddedAt time.Time
	// Primary is the home region, which cannot be removed.
	Primary bool
}

// ResourceRegion names a region in faults.
const ResourceRegion = "REGION"

// RegionStore keeps additional regions.
type RegionStore interface {
	// InsertRegion adds one: fault.Conflict "exists" if it is there, fault.Quota if the instance has max already.
	InsertRegion(ctx context.Context, instanceID string, r Region, max int, e audit.Event) error
	DeleteRegion(ctx context.Context, instanceID, name string, e audit.Event) error
	// Regions lists an instance's by name; there are few.
	Regions(ctx context.Context, instanceID string) ([]Region, error)
	// HasRegion reports whether any instance has the additional region.
	HasRegion(ctx context.Context, name string) (bool, error)
}

var regionName = regexp.MustCompile(`^([a-z]+-){2,3}\d$`)

// AddRegion adds a region to an instance.
func (s *Service) AddRegion(ctx context.Context, a audit.Actor, instanceID, name string) (Region, error) {
	i, err := s.store.Instance(ctx, instanceID)
	if err != nil {
		return Region{}, err
	}
	if len(name) > 32 || !regionName.MatchString(name) {
		return Region{}, invalid("RegionName", "%q is not the name of a region", name)
	}
	if name == i.Region {
		return Region{}, fault.New(fault.Conflict, "%s is the instance's primary region", name).About(ResourceRegion, name).For("exists")
	}
	r := Region{Name: name, AddedAt: s.now()}
	e := audit.New(ctx, r.AddedAt, a, "sso:AddRegion", arn.Instance(instanceID)).With("region", name)
	return r, s.store.InsertRegion(ctx, instanceID, r, s.quotas.Regions-1, e)
}

// RemoveRegion removes an additional region.
func (s *Service) RemoveRegion(ctx context.Context, a audit.Actor, instanceID, name string) (Region, error) {
	r, err := s.Region(ctx, instanceID, name)
	if err != nil {
		return Region{}, err
	}
	if r.Primary {
		return Region{}, invalid("RegionName", "%s is the instance's primary region and cannot be removed", name)
	}
	return r, s.store.DeleteRegion(ctx, instanceID, name, audit.New(ctx, s.now(), a, "sso:RemoveRegion", arn.Instance(instanceID)).With("region", name))
}

// Region returns one region of an instance.
func (s *Service) Region(ctx context.Context, instanceID, name string) (Region, error) {
	rs, err := s.Regions(ctx, instanceID)
	if err != nil {
		return Region{}, err
	}
	for _, r := range rs {
		if r.Name == name {
			return r, nil
		}
	}
	return Region{}, fault.New(fault.NotFound, "The instance is not in region %s", name).About(ResourceRegion, name)
}

// Regions lists an instance's regions, the primary one first, then by name.
func (s *Service) Regions(ctx context.Context, instanceID string) ([]Region, error) {
	i, err := s.store.Instance(ctx, instanceID)
	if err != nil {
		return nil, err
	}
	rs, err := s.store.Regions(ctx, instanceID)
	return append([]Region{{Name: i.Region, AddedAt: i.CreatedAt, Primary: true}}, rs...), err
}

// HasRegion reports whether some instance was given the additional region.
func (s *Service) HasRegion(ctx context.Context, name string) (bool, error) {
	if len(name) > 32 || !regionName.MatchString(name) {
		return false, nil
	}
	return s.store.HasRegion(ctx, name)
}
