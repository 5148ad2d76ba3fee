package organization

import (
	"context"
	"io"
	"maps"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
)

// Resource names used in faults.
const (
	ResourceOrganization = "ORGANIZATION"
	ResourceUnit         = "ORGANIZATIONAL_UNIT"
	ResourceAccount      = "ACCOUNT"
	ResourceParent       = "PARENT"
)

// Limits of AWS Organizations.
const (
	MaxDepth = 5
	MaxTags  = 50
)

// Service holds the rules of the organization.
type Service struct {
	store Store
	now   func() time.Time
	rand  io.Reader
	// opened is called after an account was created, before it is answered, so that the account's inside
	// (its IAM) exists when anyone can see it.
	opened func(ctx context.Context, a audit.Actor, management string, acct Account) error
	// check refuses a service control policy that is none.
	check func(document string) error
}

// Config is what a Service is made of.
type Config struct {
	Store Store
	Now   func() time.Time
	Rand  io.Reader
	// Opened prepares the inside of a new account; it may be called again for the same account. Required.
	Opened func(ctx context.Context, a audit.Actor, management string, acct Account) error
	// CheckPolicy refuses a document that is no service control policy. Nil: no policy can be made.
	CheckPolicy func(document string) error
}

// NewService returns a Service.
func NewService(c Config) *Service {
	check := c.CheckPolicy
	if check == nil {
		check = func(string) error { return fault.New(fault.Invalid, "this server takes no service control policies") }
	}
	return &Service{store: c.Store, now: c.Now, rand: c.Rand, opened: c.Opened, check: check}
}

// Create makes the organization and its management account: once in an installation's life.
func (s *Service) Create(ctx context.Context, a audit.Actor, name, email string) (Organization, error) {
	now := s.now()
	o := Organization{ID: arn.NewOrganizationID(s.rand), RootID: arn.NewRootID(s.rand), ManagementAccountID: arn.NewAccountID(s.rand), CreatedAt: now}
	m := Account{ID: o.ManagementAccountID, ParentID: o.RootID, Name: name, Email: email, Status: Active, JoinedAt: now}
	if err := checkAccount(m); err != nil {
		return Organization{}, err
	}
	e := audit.New(ctx, now, a, "organizations:CreateOrganization", o.ID).With("managementAccount", m.ID)
	if err := s.store.InsertOrganization(ctx, o, m, e); err != nil {
		return Organization{}, err
	}
	return o, s.opened(ctx, a, m.ID, m)
}

// Organization returns the organization.
func (s *Service) Organization(ctx context.Context) (Organization, error) {
	return s.store.Organization(ctx)
}

func invalid(field, format string, args ...any) error {
	return fault.New(fault.Invalid, format, args...).At(field)
}

var email = regexp.MustCompile(`^[^\s@<>]{1,64}@[^\s@<>]{1,255}$`)

func checkAccount(a Account) error {
	if n := utf8.RuneCountInString(a.Name); n < 1 || n > 50 || !printable(a.Name) {
		return invalid("AccountName", "an account's name has 1 to 50 printable characters")
	}
	if !email.MatchString(a.Email) {
		return invalid("Email", "%q is not an e-mail address", a.Email)
	}
	return checkTags(a.Tags)
}

func printable(s string) bool {
	for _, r := range s {
		if r < ' ' || r == 0x7f || r == utf8.RuneError {
			return false
		}
	}
	return true
}

func checkTags(tags map[string]string) error {
	if len(tags) > MaxTags {
		return fault.New(fault.Quota, "a resource has at most %d tags", MaxTags).At("Tags")
	}
	for k, v := range tags {
		if n := utf8.RuneCountInString(k); n < 1 || n > 128 || strings.HasPrefix(strings.ToLower(k), "aws:") || !printable(k) {
			return invalid("Tags", "a tag's key has 1 to 128 printable characters and does not begin with \"aws:\"")
		}
		if utf8.RuneCountInString(v) > 256 || !printable(v) {
			return invalid("Tags", "the value of tag %q has more than 256 characters or one that does not print", k)
		}
	}
	return nil
}

// parent checks that id is the root or a unit, and returns its depth below the root (0 for the root).
func (s *Service) parent(ctx context.Context, id string) (depth int, err error) {
	o, err := s.store.Organization(ctx)
	if err != nil {
		return 0, err
	}
	for at := id; at != o.RootID; depth++ {
		u, err := s.store.Unit(ctx, at)
		if err != nil || depth > 2*MaxDepth {
			return 0, fault.New(fault.NotFound, "there is no root or organizational unit %q", id).About(ResourceParent, id)
		}
		at = u.ParentID
	}
	return depth, nil
}

// CreateUnit adds an organizational unit below a parent (the root or a unit).
func (s *Service) CreateUnit(ctx context.Context, a audit.Actor, parentID, name string, tags map[string]string) (Unit, error) {
	if n := utf8.RuneCountInString(name); n < 1 || n > 128 || !printable(name) {
		return Unit{}, invalid("Name", "an organizational unit's name has 1 to 128 printable characters")
	}
	if err := checkTags(tags); err != nil {
		return Unit{}, err
	}
	depth, err := s.parent(ctx, parentID)
	if err != nil {
		return Unit{}, err
	}
	if depth >= MaxDepth {
		return Unit{}, fault.New(fault.Quota, "organizational units nest at most %d deep", MaxDepth).For("depth")
	}
	o, err := s.store.Organization(ctx)
	if err != nil {
		return Unit{}, err
	}
	u := Unit{ID: arn.NewOUID(s.rand, o.RootID), ParentID: parentID, Name: name, Tags: tags, CreatedAt: s.now()}
	return u, s.store.InsertUnit(ctx, u, audit.New(ctx, u.CreatedAt, a, "organizations:CreateOrganizationalUnit", u.ID).With("name", name))
}

// RenameUnit changes a unit's name.
func (s *Service) RenameUnit(ctx context.Context, a audit.Actor, id, name string) (Unit, error) {
	if n := utf8.RuneCountInString(name); n < 1 || n > 128 || !printable(name) {
		return Unit{}, invalid("Name", "an organizational unit's name has 1 to 128 printable characters")
	}
	u, err := s.store.Unit(ctx, id)
	if err != nil {
		return Unit{}, err
	}
	u.Name = name
	return u, s.store.UpdateUnit(ctx, u, audit.New(ctx, s.now(), a, "organizations:UpdateOrganizationalUnit", id).With("name", name))
}

// DeleteUnit removes an empty unit.
func (s *Service) DeleteUnit(ctx context.Context, a audit.Actor, id string) error {
	return s.store.DeleteUnit(ctx, id, audit.New(ctx, s.now(), a, "organizations:DeleteOrganizationalUnit", id))
}

// Unit returns one unit.
func (s *Service) Unit(ctx context.Context, id string) (Unit, error) { return s.store.Unit(ctx, id) }

// UnitsOf lists the units directly below a parent, which must exist.
func (s *Service) UnitsOf(ctx context.Context, parentID, after string, limit int) ([]Unit, error) {
	if _, err := s.parent(ctx, parentID); err != nil {
		return nil, err
	}
	return s.store.UnitsOf(ctx, parentID, after, limit)
}

// CreateAccount adds an account below the root. Its inside is prepared before the answer.
func (s *Service) CreateAccount(ctx context.Context, a audit.Actor, name, email string, tags map[string]string) (Account, error) {
	acct, err := s.prepare(ctx, a, Account{Name: name, Email: email, Tags: tags})
	if err != nil {
		return Account{}, err
	}
	return acct, s.store.InsertAccount(ctx, acct, audit.New(ctx, acct.JoinedAt, a, "organizations:CreateAccount", acct.ID).With("name", name))
}

// prepare completes a new account and makes its inside. The inside comes first: it may be prepared twice, while an account without
// its access role must never be seen.
func (s *Service) prepare(ctx context.Context, a audit.Actor, acct Account) (Account, error) {
	o, err := s.store.Organization(ctx)
	if err != nil {
		return Account{}, err
	}
	acct.ID, acct.ParentID, acct.Status, acct.JoinedAt = arn.NewAccountID(s.rand), o.RootID, Active, s.now()
	if err := checkAccount(acct); err != nil {
		return Account{}, err
	}
	return acct, s.opened(ctx, a, o.ManagementAccountID, acct)
}

// MoveAccount moves an account from one parent to another.
func (s *Service) MoveAccount(ctx context.Context, a audit.Actor, id, from, to string) error {
	acct, err := s.store.Account(ctx, id)
	if err != nil {
		return err
	}
	if acct.ParentID != from {
		return fault.New(fault.NotFound, "account %s is not below %q", id, from).About(ResourceParent, from).For("source-parent")
	}
	if _, err := s.parent(ctx, to); err != nil {
		f := fault.Of(err)
		if f.Kind == fault.NotFound {
			return f.For("destination-parent")
		}
		return err
	}
	acct.ParentID = to
	return s.store.UpdateAccount(ctx, acct, audit.New(ctx, s.now(), a, "organizations:MoveAccount", id).With("from", from).With("to", to))
}

// TagAccount sets and removes tags of an account.
func (s *Service) TagAccount(ctx context.Context, a audit.Actor, id string, set map[string]string, remove []string) error {
	acct, err := s.store.Account(ctx, id)
	if err != nil {
		return err
	}
	tags, err := retag(acct.Tags, set, remove)
	if err != nil {
		return err
	}
	acct.Tags = tags
	return s.store.UpdateAccount(ctx, acct, audit.New(ctx, s.now(), a, "organizations:TagResource", id))
}

// TagUnit sets and removes tags of a unit.
func (s *Service) TagUnit(ctx context.Context, a audit.Actor, id string, set map[string]string, remove []string) error {
	u, err := s.store.Unit(ctx, id)
	if err != nil {
		return err
	}
	tags, err := retag(u.Tags, set, remove)
	if err != nil {
		return err
	}
	u.Tags = tags
	return s.store.UpdateUnit(ctx, u, audit.New(ctx, s.now(), a, "organizations:TagResource", id))
}

func retag(old, set map[string]string, remove []string) (map[string]string, error) {
	tags := make(map[string]string, len(old)+len(set))
	maps.Copy(tags, old)
	maps.Copy(tags, set)
	for _, k := range remove {
		delete(tags, k)
	}
	return tags, checkTags(tags)
}

// Account returns one account.
func (s *Service) Account(ctx context.Context, id string) (Account, error) {
	return s.store.Account(ctx, id)
}

// AccountsByID returns those of up to 1,000 ids that exist, in no order.
func (s *Service) AccountsByID(ctx context.Context, ids []string) ([]Account, error) {
	return s.store.AccountsByID(ctx, ids)
}

// Accounts lists all accounts by id.
func (s *Service) Accounts(ctx context.Context, after string, limit int) ([]Account, error) {
	return s.store.Accounts(ctx, after, limit)
}

// AccountsOf lists the accounts directly below a parent, which must exist.
func (s *Service) AccountsOf(ctx context.Context, parentID, after string, limit int) ([]Account, error) {
	if _, err := s.parent(ctx, parentID); err != nil {
		return nil, err
	}
	return s.store.AccountsOf(ctx, parentID, after, limit)
}

// TagsOf returns the tags of what an id names: a root, unit, account or policy. Invalid for any other id.
func (s *Service) TagsOf(ctx context.Context, id string) (map[string]string, error) {
	switch {
	case arn.IsAccountID(id):
		a, err := s.Account(ctx, id)
		return a.Tags, err
	case strings.HasPrefix(id, "ou-"):
		u, err := s.Unit(ctx, id)
		return u.Tags, err
	case strings.HasPrefix(id, "p-"):
		p, err := s.Policy(ctx, id)
		return p.Tags, err
	case strings.HasPrefix(id, "r-"):
		o, err := s.Organization(ctx)
		if err == nil && o.RootID != id {
			err = fault.New(fault.NotFound, "there is no root %s", id).About(ResourceParent, id)
		}
		if err != nil {
			return nil, err
		}
		return s.RootTags(ctx)
	}
	return nil, invalid("ResourceId", "nothing that takes tags is called %s", id)
}
