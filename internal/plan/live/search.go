package live

import (
	"context"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/identitystore"
	"github.com/aws/aws-sdk-go-v2/service/identitystore/document"
	people "github.com/aws/aws-sdk-go-v2/service/identitystore/types"

	"gatehouse/internal/plan/estate"
)

// fold is how names are compared: the identity store does not tell upper from lower case.
func fold(s string) string { return strings.ToLower(s) }

// search looks for people or groups, by names and ids, in one of two ways: page by page, or one by one. How many there are is not known, so pages
// are read only for as long as fewer were read than the other way would cost now: what is spent is then at most twice the least.
type search[T any] struct {
	what  string
	steps *steps
	all   bool
	names []string
	ids   map[string]bool

	list  func(ctx context.Context, token *string) ([]T, *string, error)
	named func(ctx context.Context, name string) (T, bool, error)
	byID  func(ctx context.Context, id string) (T, bool, error)
	key   func(T) (id string, names []string)
	bare  func(id string) T // somebody of whom only the id is left

	mu    sync.Mutex
	found map[string]T
	left  map[string]string // names by their folded form
}

// Costs of asking for one.
const (
	costOfName = 2 // GetUserId or GetGroupId, then Describe…
	costOfID   = 1
)

func (s *search[T]) run(ctx context.Context) (map[string]T, error) {
	s.found, s.left = map[string]T{}, map[string]string{}
	for _, n := range s.names {
		s.left[fold(n)] = n
	}
	complete, err := s.pages(ctx)
	if err != nil {
		return nil, err
	}
	if !complete {
		if err := s.single(ctx); err != nil {
			return nil, err
		}
	}
	// Whoever was deleted and is named by an assignment still is somebody, without a name.
	for id := range s.ids {
		s.found[id] = s.bare(id)
	}
	return s.found, nil
}

// pages lists for as long as it is worth it, and tells whether it came to the end.
func (s *search[T]) pages(ctx context.Context) (bool, error) {
	var token *string
	for read := 0; s.all || read < s.cost() && s.cost() > 1; read++ {
		items, next, err := s.list(ctx, token)
		if err != nil {
			return false, err
		}
		for _, v := range items {
			s.put(v)
		}
		s.steps.add(s.what, len(items), len(items))
		if aws.ToString(next) == "" {
			return true, nil
		}
		token = next
	}
	return false, nil
}

func (s *search[T]) cost() int { return costOfName*len(s.left) + costOfID*len(s.ids) }

func (s *search[T]) put(v T) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, names := s.key(v)
	s.found[id] = v
	delete(s.ids, id)
	for _, n := range names {
		delete(s.left, fold(n))
	}
}

// single asks for each that is left.
func (s *search[T]) single(ctx context.Context) error {
	var asks []func(context.Context) (T, bool, error)
	for _, n := range s.left {
		asks = append(asks, func(ctx context.Context) (T, bool, error) { return s.named(ctx, n) })
	}
	for id := range s.ids {
		asks = append(asks, func(ctx context.Context) (T, bool, error) { return s.byID(ctx, id) })
	}
	s.steps.add(s.what, 0, len(asks))
	return each(ctx, len(asks), func(ctx context.Context, i int) error {
		defer s.steps.add(s.what, 1, 0)
		v, ok, err := asks[i](ctx)
		if ok {
			s.put(v)
		}
		return err
	})
}

func (r *reader) listGroups(ctx context.Context, token *string) ([]estate.Group, *string, error) {
	out, err := do(ctx, r.center, r.store.ListGroups, &identitystore.ListGroupsInput{IdentityStoreId: &r.instance.IdentityStoreID, MaxResults: hundred, NextToken: token})
	if err != nil {
		return nil, nil, err
	}
	gs := make([]estate.Group, len(out.Groups))
	for i, g := range out.Groups {
		gs[i] = group(g.GroupId, g.DisplayName, g.Description, g.ExternalIds)
	}
	return gs, out.NextToken, nil
}

func group(id, name, description *string, external []people.ExternalId) estate.Group {
	return estate.Group{ID: aws.ToString(id), Name: aws.ToString(name), Description: aws.ToString(description), External: len(external) > 0}
}

func (r *reader) groupNamed(ctx context.Context, name string) (estate.Group, bool, error) {
	out, err := do(ctx, r.center, r.store.GetGroupId, &identitystore.GetGroupIdInput{IdentityStoreId: &r.instance.IdentityStoreID, AlternateIdentifier: unique("displayName", name)})
	if Code(err) == notFound {
		return estate.Group{}, false, nil
	}
	if err != nil {
		return estate.Group{}, false, err
	}
	return r.groupByID(ctx, aws.ToString(out.GroupId))
}

func unique(path, value string) *people.AlternateIdentifierMemberUniqueAttribute {
	return &people.AlternateIdentifierMemberUniqueAttribute{Value: people.UniqueAttribute{AttributePath: &path, AttributeValue: document.NewLazyDocument(value)}}
}

func (r *reader) groupByID(ctx context.Context, id string) (estate.Group, bool, error) {
	out, err := do(ctx, r.center, r.store.DescribeGroup, &identitystore.DescribeGroupInput{IdentityStoreId: &r.instance.IdentityStoreID, GroupId: &id})
	if Code(err) == notFound {
		return estate.Group{}, false, nil
	}
	if err != nil {
		return estate.Group{}, false, err
	}
	return group(out.GroupId, out.DisplayName, out.Description, out.ExternalIds), true, nil
}

func (r *reader) listUsers(ctx context.Context, token *string) ([]estate.User, *string, error) {
	out, err := do(ctx, r.center, r.store.ListUsers, &identitystore.ListUsersInput{IdentityStoreId: &r.instance.IdentityStoreID, MaxResults: hundred, NextToken: token})
	if err != nil {
		return nil, nil, err
	}
	us := make([]estate.User, len(out.Users))
	for i, u := range out.Users {
		us[i] = user(u.UserId, u.UserName, u.DisplayName, u.Emails, u.ExternalIds)
	}
	return us, out.NextToken, nil
}

func user(id, name, display *string, emails []people.Email, external []people.ExternalId) estate.User {
	u := estate.User{ID: aws.ToString(id), Name: aws.ToString(name), Display: aws.ToString(display), External: len(external) > 0}
	for _, e := range emails {
		if v := aws.ToString(e.Value); v != "" {
			u.Emails = append(u.Emails, v)
		}
	}
	return u
}

// userNamed looks for a user name, and then for an e-mail address if it can be one.
func (r *reader) userNamed(ctx context.Context, name string) (estate.User, bool, error) {
	paths := []string{"userName"}
	if strings.Contains(name, "@") {
		paths = append(paths, "emails.value")
	}
	for _, path := range paths {
		out, err := do(ctx, r.center, r.store.GetUserId, &identitystore.GetUserIdInput{IdentityStoreId: &r.instance.IdentityStoreID, AlternateIdentifier: unique(path, name)})
		if Code(err) == notFound {
			continue
		}
		if err != nil {
			return estate.User{}, false, err
		}
		return r.userByID(ctx, aws.ToString(out.UserId))
	}
	return estate.User{}, false, nil
}

func (r *reader) userByID(ctx context.Context, id string) (estate.User, bool, error) {
	out, err := do(ctx, r.center, r.store.DescribeUser, &identitystore.DescribeUserInput{IdentityStoreId: &r.instance.IdentityStoreID, UserId: &id})
	if Code(err) == notFound {
		return estate.User{}, false, nil
	}
	if err != nil {
		return estate.User{}, false, err
	}
	return user(out.UserId, out.UserName, out.DisplayName, out.Emails, out.ExternalIds), true, nil
}

func memberID(m people.MemberId) (string, bool) {
	u, ok := m.(*people.MemberIdMemberUserId)
	if !ok {
		return "", false
	}
	return u.Value, true
}
