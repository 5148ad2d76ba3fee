package live

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/identitystore"
	"github.com/aws/aws-sdk-go-v2/service/ssoadmin"
	"github.com/aws/aws-sdk-go-v2/service/ssoadmin/types"

	"gatehouse/internal/plan/estate"
)

// Read reads what is wanted, with the fewest calls that tell it.
//
// # How many calls
//
// With A accounts of which U units have units below them, S permission sets of which W are wanted, P pairs of a wanted set and an account that has it, and
// p(n) = max(1, ⌈n/100⌉) pages:
//
//	3                               the instance, the caller, the organization
//	max(1, ⌈A/20⌉) + U              accounts, which say where they stand; names of the units, one call for twenty of a parent
//	p(S) + S                        names of the sets
//	5 W                             their policies of both kinds, inline policy, boundary, tags
//	2 W, or 2 A if that is less     where they are provisioned, and where they are behind (more if a set is in over 100 accounts)
//	P                               who has them there (more for over 100 principals)
//	3                               requests under way
//	1                               attributes for access control, if they are wanted
//	p(applications) + 3 each        applications, if they are wanted
//	A                               tags of accounts, if they are wanted
//	M                               members of groups that are wanted (more for over 100)
//
// Groups and people cost the least of two ways, or at most twice that, since nobody knows before how many there are: pages of 100 are read for as
// long as fewer were read than it would cost to ask for each of those that are still looked for (two calls for a name, one for an id).
//
// An account that is looked into for policies costs one call, and one for each policy or page of policies by the same rule.
func (c *Client) Read(ctx context.Context, w Want, progress Progress) (*estate.Estate, error) {
	r := &reader{Client: c, want: w, steps: &steps{tell: progress}, e: &estate.Estate{Taken: time.Now().UTC()}, wanted: map[string]bool{}, listed: make(chan int, 1024)}
	for _, name := range w.Sets {
		r.wanted[name] = true
	}
	if w.All {
		r.want.AllSets, r.want.AllGroups, r.want.Tags, r.want.Attributes, r.want.Applications = true, true, true, true, true
	}
	var err error
	if r.e.Instance, err = c.Find(ctx); err != nil {
		return nil, err
	}
	r.e.Caller = c.caller
	// People are looked for as soon as it is known whose assignments there are; the organization, which has a limit of its own, is read beside all that.
	access := []func(context.Context) error{r.sets, r.pending}
	if r.want.Attributes {
		access = append(access, r.attributes)
	}
	if r.want.Applications {
		access = append(access, r.applications)
	}
	err = together(ctx, r.organization, r.policies, func(ctx context.Context) error {
		if err := together(ctx, access...); err != nil {
			return err
		}
		return r.people(ctx)
	})
	if err != nil {
		return nil, err
	}
	return r.assemble(), nil
}

// reader collects an estate. What is read about people is kept by id until everything is there; see [reader.assemble].
type reader struct {
	*Client
	want   Want
	wanted map[string]bool // names of sets
	steps  *steps
	listed chan int // how many accounts are known after each page; closed when all are

	mu     sync.Mutex
	e      *estate.Estate
	grants []grant // assignments
	uses   []grant // of applications: place is the ARN

	groups  map[string]estate.Group // by id
	users   map[string]estate.User
	members map[string][]string // by id of the group
}

// grant is an assignment by ids.
type grant struct {
	place, set string // account, or ARN of an application
	user       bool
	principal  string
}

func (r *reader) wants(set string) bool { return r.want.AllSets || r.wanted[set] }

// locked runs f alone.
func (r *reader) locked(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f()
}

// steps counts what was done for the progress bar.
type steps struct {
	mu   sync.Mutex
	tell Progress
	n    map[string][2]int
}

// add says that there is more to do (total), or that something is done.
func (s *steps) add(step string, done, total int) {
	if s.tell == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.n == nil {
		s.n = map[string][2]int{}
	}
	n := s.n[step]
	n[0], n[1] = n[0]+done, n[1]+total
	s.n[step] = n
	s.tell(step, n[0], n[1])
}

// pending counts what is under way from before.
func (r *reader) pending(ctx context.Context) error {
	return together(ctx, r.under(r.Creations()), r.under(r.Removals()), r.under(r.Provisionings()))
}

func (r *reader) under(rs Requests) func(context.Context) error {
	return func(ctx context.Context) error {
		ids, _, err := rs.UnderWay(ctx)
		r.locked(func() { r.e.Pending += len(ids) })
		return err
	}
}

// sets reads the permission sets, and what is wanted of them.
func (r *reader) sets(ctx context.Context) error {
	arns, err := r.setARNs(ctx)
	if err != nil {
		return err
	}
	sets := make([]estate.Set, len(arns))
	r.steps.add("permission sets", 0, len(arns))
	if err := each(ctx, len(arns), func(ctx context.Context, i int) error {
		defer r.steps.add("permission sets", 1, 0)
		var err error
		sets[i], err = r.set(ctx, arns[i])
		return err
	}); err != nil {
		return err
	}
	// One that was deleted in the meantime has no name.
	sets = slices.DeleteFunc(sets, func(s estate.Set) bool { return s.Name == "" })
	slices.SortFunc(sets, func(a, b estate.Set) int { return strings.Compare(a.Name, b.Name) })
	r.locked(func() { r.e.Sets = sets })
	return r.assignments(ctx, sets)
}

func (r *reader) setARNs(ctx context.Context) (arns []string, err error) {
	err = pages(func(token *string) (*string, error) {
		out, err := do(ctx, r.center, r.admin.ListPermissionSets, &ssoadmin.ListPermissionSetsInput{InstanceArn: &r.instance.ARN, MaxResults: hundred, NextToken: token})
		if err != nil {
			return nil, err
		}
		arns = append(arns, out.PermissionSets...)
		return out.NextToken, nil
	})
	return arns, err
}

// set reads one permission set: its name, and if it is wanted the rest. One that is gone has no name.
func (r *reader) set(ctx context.Context, arn string) (estate.Set, error) {
	out, err := do(ctx, r.center, r.admin.DescribePermissionSet, &ssoadmin.DescribePermissionSetInput{InstanceArn: &r.instance.ARN, PermissionSetArn: &arn})
	if Code(err) == notFound {
		return estate.Set{}, nil
	}
	if err != nil || out.PermissionSet == nil {
		return estate.Set{}, err
	}
	p := out.PermissionSet
	s := estate.Set{ARN: arn, Name: aws.ToString(p.Name), Description: aws.ToString(p.Description), RelayState: aws.ToString(p.RelayState)}
	if s.Session, err = parseDuration(aws.ToString(p.SessionDuration)); err != nil {
		return s, err
	}
	if !r.wants(s.Name) {
		return s, nil
	}
	s.DetailsRead, s.AssignmentsRead = true, true
	err = r.parts(ctx, &s)
	return s, err
}

// parts reads policies, boundary and tags of a set, each of which writes other fields of it.
func (r *reader) parts(ctx context.Context, s *estate.Set) error {
	return together(ctx,
		func(ctx context.Context) error {
			defer func() { slices.Sort(s.AWSPolicies) }()
			return pages(func(token *string) (*string, error) {
				out, err := do(ctx, r.center, r.admin.ListManagedPoliciesInPermissionSet, &ssoadmin.ListManagedPoliciesInPermissionSetInput{InstanceArn: &r.instance.ARN, PermissionSetArn: &s.ARN, MaxResults: hundred, NextToken: token})
				if err != nil {
					return nil, err
				}
				for _, p := range out.AttachedManagedPolicies {
					s.AWSPolicies = append(s.AWSPolicies, aws.ToString(p.Arn))
				}
				return out.NextToken, nil
			})
		},
		func(ctx context.Context) error {
			defer func() { slices.SortFunc(s.CustomerPolicies, comparePolicies) }()
			return pages(func(token *string) (*string, error) {
				out, err := do(ctx, r.center, r.admin.ListCustomerManagedPolicyReferencesInPermissionSet, &ssoadmin.ListCustomerManagedPolicyReferencesInPermissionSetInput{InstanceArn: &r.instance.ARN, PermissionSetArn: &s.ARN, MaxResults: hundred, NextToken: token})
				if err != nil {
					return nil, err
				}
				for _, p := range out.CustomerManagedPolicyReferences {
					s.CustomerPolicies = append(s.CustomerPolicies, fromReference(p))
				}
				return out.NextToken, nil
			})
		},
		func(ctx context.Context) error {
			out, err := do(ctx, r.center, r.admin.GetInlinePolicyForPermissionSet, &ssoadmin.GetInlinePolicyForPermissionSetInput{InstanceArn: &r.instance.ARN, PermissionSetArn: &s.ARN})
			if err == nil {
				s.Inline = compact(aws.ToString(out.InlinePolicy))
			}
			return err
		},
		func(ctx context.Context) error {
			out, err := do(ctx, r.center, r.admin.GetPermissionsBoundaryForPermissionSet, &ssoadmin.GetPermissionsBoundaryForPermissionSetInput{InstanceArn: &r.instance.ARN, PermissionSetArn: &s.ARN})
			if Code(err) == notFound { // there is none
				return nil
			}
			if err == nil {
				s.Boundary = fromBoundary(out.PermissionsBoundary)
			}
			return err
		},
		func(ctx context.Context) (err error) {
			s.Tags, err = r.tagsOf(ctx, s.ARN)
			return err
		})
}

func (r *reader) tagsOf(ctx context.Context, arn string) (map[string]string, error) {
	var tags map[string]string
	err := pages(func(token *string) (*string, error) {
		out, err := do(ctx, r.center, r.admin.ListTagsForResource, &ssoadmin.ListTagsForResourceInput{InstanceArn: &r.instance.ARN, ResourceArn: &arn, NextToken: token})
		if err != nil {
			return nil, err
		}
		for _, t := range out.Tags {
			if tags == nil {
				tags = map[string]string{}
			}
			tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
		}
		return out.NextToken, nil
	})
	return tags, err
}

// pair is a set that is provisioned in an account.
type pair struct {
	set     int // index in the sets
	account string
}

// assignments reads who has the wanted sets, and where the sets are behind.
func (r *reader) assignments(ctx context.Context, sets []estate.Set) error {
	var wanted []int
	for i := range sets {
		if sets[i].AssignmentsRead {
			wanted = append(wanted, i)
		}
	}
	var found []pair
	var err error
	if accounts := r.fewAccounts(ctx, len(wanted), len(sets)); accounts != nil {
		found, err = r.pairsByAccount(ctx, sets, accounts)
	} else {
		found, err = r.pairsBySet(ctx, sets, wanted)
	}
	if err != nil {
		return err
	}
	r.steps.add("assignments", 0, len(found))
	return each(ctx, len(found), func(ctx context.Context, i int) error {
		defer r.steps.add("assignments", 1, 0)
		return r.grantsOf(ctx, sets[found[i].set].ARN, found[i].account)
	})
}

// fewAccounts are the accounts if it takes fewer calls to ask each of them for its sets than to ask each set for its accounts; else nil. It waits for
// the accounts only where that may be.
func (r *reader) fewAccounts(ctx context.Context, wanted, sets int) []string {
	if wanted < 2 {
		return nil
	}
	for more := true; more; {
		select {
		case n, ok := <-r.listed:
			if n*pagesOf(sets) >= wanted {
				return nil
			}
			more = ok
		case <-ctx.Done():
			return nil
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	ids := make([]string, len(r.e.Accounts))
	for i := range ids { // the ids alone: tags are still being read
		ids[i] = r.e.Accounts[i].ID
	}
	return ids
}

func pagesOf(n int) int { return max(1, (n+99)/100) }

func (r *reader) pairsBySet(ctx context.Context, sets []estate.Set, wanted []int) (found []pair, err error) {
	r.steps.add("where sets are", 0, len(wanted))
	err = each(ctx, len(wanted), func(ctx context.Context, i int) error {
		defer r.steps.add("where sets are", 1, 0)
		s := &sets[wanted[i]]
		return together(ctx,
			func(ctx context.Context) error {
				return r.accountsOf(ctx, s.ARN, "", func(id string) { r.locked(func() { found = append(found, pair{wanted[i], id}) }) })
			},
			func(ctx context.Context) error {
				err := r.accountsOf(ctx, s.ARN, types.ProvisioningStatusLatestPermissionSetNotProvisioned, func(id string) { s.Behind = append(s.Behind, id) })
				slices.Sort(s.Behind)
				return err
			})
	})
	return found, err
}

func (r *reader) accountsOf(ctx context.Context, set string, status types.ProvisioningStatus, add func(id string)) error {
	return pages(func(token *string) (*string, error) {
		out, err := do(ctx, r.center, r.admin.ListAccountsForProvisionedPermissionSet,
			&ssoadmin.ListAccountsForProvisionedPermissionSetInput{InstanceArn: &r.instance.ARN, PermissionSetArn: &set, ProvisioningStatus: status, MaxResults: hundred, NextToken: token})
		if err != nil {
			return nil, err
		}
		for _, id := range out.AccountIds {
			add(id)
		}
		return out.NextToken, nil
	})
}

func (r *reader) pairsByAccount(ctx context.Context, sets []estate.Set, accounts []string) (found []pair, err error) {
	index := map[string]int{}
	for i, s := range sets {
		if s.AssignmentsRead {
			index[s.ARN] = i
		}
	}
	r.steps.add("where sets are", 0, len(accounts))
	err = each(ctx, len(accounts), func(ctx context.Context, i int) error {
		defer r.steps.add("where sets are", 1, 0)
		read := func(status types.ProvisioningStatus, add func(set int)) func(context.Context) error {
			return func(ctx context.Context) error {
				return pages(func(token *string) (*string, error) {
					out, err := do(ctx, r.center, r.admin.ListPermissionSetsProvisionedToAccount,
						&ssoadmin.ListPermissionSetsProvisionedToAccountInput{InstanceArn: &r.instance.ARN, AccountId: &accounts[i], ProvisioningStatus: status, MaxResults: hundred, NextToken: token})
					if err != nil {
						return nil, err
					}
					for _, arn := range out.PermissionSets {
						if k, ok := index[arn]; ok {
							r.locked(func() { add(k) })
						}
					}
					return out.NextToken, nil
				})
			}
		}
		return together(ctx,
			read("", func(set int) { found = append(found, pair{set, accounts[i]}) }),
			read(types.ProvisioningStatusLatestPermissionSetNotProvisioned, func(set int) { sets[set].Behind = append(sets[set].Behind, accounts[i]) }))
	})
	for i := range sets {
		slices.Sort(sets[i].Behind)
	}
	return found, err
}

// grantsOf reads the principals that have a set in an account.
func (r *reader) grantsOf(ctx context.Context, set, account string) error {
	return pages(func(token *string) (*string, error) {
		out, err := do(ctx, r.center, r.admin.ListAccountAssignments, &ssoadmin.ListAccountAssignmentsInput{InstanceArn: &r.instance.ARN, PermissionSetArn: &set, AccountId: &account, MaxResults: hundred, NextToken: token})
		if err != nil {
			return nil, err
		}
		r.locked(func() {
			for _, a := range out.AccountAssignments {
				r.grants = append(r.grants, grant{account, set, a.PrincipalType == types.PrincipalTypeUser, aws.ToString(a.PrincipalId)})
			}
		})
		return out.NextToken, nil
	})
}

// attributes reads the attributes for access control; not enabled is nil, and enabled without any is empty.
func (r *reader) attributes(ctx context.Context) error {
	out, err := do(ctx, r.center, r.admin.DescribeInstanceAccessControlAttributeConfiguration, &ssoadmin.DescribeInstanceAccessControlAttributeConfigurationInput{InstanceArn: &r.instance.ARN})
	if Code(err) == notFound {
		return nil
	}
	if err != nil {
		return err
	}
	as := []estate.Attribute{}
	if config := out.InstanceAccessControlAttributeConfiguration; config != nil {
		for _, a := range config.AccessControlAttributes {
			one := estate.Attribute{Key: aws.ToString(a.Key)}
			if a.Value != nil {
				one.Source = a.Value.Source
			}
			as = append(as, one)
		}
	}
	slices.SortFunc(as, func(a, b estate.Attribute) int { return strings.Compare(a.Key, b.Key) })
	r.e.Attributes = as
	return nil
}

// applications reads every application and who may use it.
func (r *reader) applications(ctx context.Context) error {
	var apps []estate.Application
	err := pages(func(token *string) (*string, error) {
		out, err := do(ctx, r.center, r.admin.ListApplications, &ssoadmin.ListApplicationsInput{InstanceArn: &r.instance.ARN, MaxResults: hundred, NextToken: token})
		if err != nil {
			return nil, err
		}
		for _, a := range out.Applications {
			apps = append(apps, r.application(a))
		}
		return out.NextToken, nil
	})
	if err != nil {
		return err
	}
	slices.SortFunc(apps, func(a, b estate.Application) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.ARN, b.ARN))
	})
	r.e.Applications = apps
	r.steps.add("applications", 0, len(apps))
	return each(ctx, len(apps), func(ctx context.Context, i int) error {
		defer r.steps.add("applications", 1, 0)
		return r.aboutApplication(ctx, &apps[i])
	})
}

func (r *reader) application(a types.Application) estate.Application {
	e := estate.Application{
		ARN: aws.ToString(a.ApplicationArn), Name: aws.ToString(a.Name), Provider: aws.ToString(a.ApplicationProviderArn), Description: aws.ToString(a.Description),
		Disabled: a.Status == types.ApplicationStatusDisabled, Elsewhere: aws.ToString(a.ApplicationAccount) != r.callerAccount,
	}
	// Those that a person makes are of the custom providers and of the catalog; every other provider is an AWS service.
	_, provider, _ := strings.Cut(e.Provider, "applicationProvider/")
	e.Managed = !strings.HasPrefix(provider, "custom") && !strings.HasPrefix(provider, "catalog")
	if o := a.PortalOptions; o != nil {
		e.Visible = o.Visibility == types.ApplicationVisibilityEnabled
		if o.SignInOptions != nil {
			e.URL = aws.ToString(o.SignInOptions.ApplicationUrl)
		}
	}
	return e
}

// aboutApplication reads what the listing does not tell. Applications of other accounts may be shut to the caller: they stay as they are listed.
func (r *reader) aboutApplication(ctx context.Context, a *estate.Application) error {
	err := together(ctx,
		func(ctx context.Context) error {
			out, err := do(ctx, r.center, r.admin.GetApplicationAssignmentConfiguration, &ssoadmin.GetApplicationAssignmentConfigurationInput{ApplicationArn: &a.ARN})
			if err == nil {
				a.AnyoneMayUse = !aws.ToBool(out.AssignmentRequired)
			}
			return err
		},
		func(ctx context.Context) (err error) {
			a.Tags, err = r.tagsOf(ctx, a.ARN)
			return err
		},
		func(ctx context.Context) error {
			return pages(func(token *string) (*string, error) {
				out, err := do(ctx, r.center, r.admin.ListApplicationAssignments, &ssoadmin.ListApplicationAssignmentsInput{ApplicationArn: &a.ARN, MaxResults: hundred, NextToken: token})
				if err != nil {
					return nil, err
				}
				r.locked(func() {
					for _, u := range out.ApplicationAssignments {
						r.uses = append(r.uses, grant{place: a.ARN, user: u.PrincipalType == types.PrincipalTypeUser, principal: aws.ToString(u.PrincipalId)})
					}
				})
				return out.NextToken, nil
			})
		})
	if code := Code(err); a.Elsewhere && code == "AccessDeniedException" || code == notFound {
		return nil
	}
	return err
}

// assemble gives everything its index.
func (r *reader) assemble() *estate.Estate {
	e := r.e
	e.Groups, e.Users = sorted(r.groups, func(g estate.Group) string { return g.Name + "\x00" + g.ID }), sorted(r.users, func(u estate.User) string { return u.Name + "\x00" + u.ID })
	groups, users, sets := map[string]int{}, map[string]int{}, map[string]int{}
	for i, u := range e.Users {
		users[u.ID] = i
	}
	for i := range e.Groups {
		g := &e.Groups[i]
		groups[g.ID] = i
		members, read := r.members[g.ID]
		g.MembersRead = read
		for _, id := range members {
			g.Members = append(g.Members, int32(users[id]))
		}
		slices.Sort(g.Members)
	}
	for i, s := range e.Sets {
		sets[s.ARN] = i
	}
	accounts := r.accountIndex()
	principal := func(g grant) estate.Principal {
		if g.user {
			return estate.UserPrincipal(users[g.principal])
		}
		return estate.GroupPrincipal(groups[g.principal])
	}
	e.Assignments = make([]estate.Assignment, len(r.grants))
	for i, g := range r.grants {
		e.Assignments[i] = estate.Assignment{Account: int32(accounts[g.place]), Set: int32(sets[g.set]), Principal: principal(g)}
	}
	e.Assignments = estate.Sort(e.Assignments)
	byARN := map[string]*estate.Application{}
	for i := range e.Applications {
		byARN[e.Applications[i].ARN] = &e.Applications[i]
	}
	for _, u := range r.uses {
		a := byARN[u.place]
		a.Principals = append(a.Principals, principal(u))
	}
	for _, a := range byARN {
		slices.Sort(a.Principals)
	}
	return e
}

// accountIndex are the accounts by id. One that has left the organization and still has assignments is added: it has no name, and is not active.
func (r *reader) accountIndex() map[string]int {
	index := map[string]int{}
	for i, a := range r.e.Accounts {
		index[a.ID] = i
	}
	for _, g := range r.grants {
		if _, ok := index[g.place]; !ok {
			index[g.place] = len(r.e.Accounts)
			r.e.Accounts = append(r.e.Accounts, estate.Account{ID: g.place, Status: "UNKNOWN"})
		}
	}
	return index
}

func sorted[T any](m map[string]T, key func(T) string) []T {
	out := make([]T, 0, len(m))
	for _, v := range m {
		out = append(out, v)
	}
	slices.SortFunc(out, func(a, b T) int { return strings.Compare(key(a), key(b)) })
	return out
}

// people finds groups and users: those that are wanted by name, those that assignments name by id, and members of groups.
func (r *reader) people(ctx context.Context) error {
	groups, users := map[string]bool{}, map[string]bool{} // ids
	for _, g := range slices.Concat(r.grants, r.uses) {
		if g.user {
			users[g.principal] = true
		} else {
			groups[g.principal] = true
		}
	}
	var err error
	r.groups, err = (&search[estate.Group]{
		what: "groups", steps: r.steps, all: r.want.AllGroups, names: slices.Concat(r.want.Groups, r.want.Members), ids: groups, list: r.listGroups, named: r.groupNamed, byID: r.groupByID,
		key:  func(g estate.Group) (string, []string) { return g.ID, []string{g.Name} },
		bare: func(id string) estate.Group { return estate.Group{ID: id} },
	}).run(ctx)
	if err != nil {
		return err
	}
	if err := r.memberships(ctx); err != nil {
		return err
	}
	for _, ids := range r.members {
		for _, id := range ids {
			users[id] = true
		}
	}
	r.users, err = (&search[estate.User]{
		what: "people", steps: r.steps, all: r.want.All, names: r.want.Users, ids: users, list: r.listUsers, named: r.userNamed, byID: r.userByID,
		key:  func(u estate.User) (string, []string) { return u.ID, []string{u.Name} }, // an address may still be somebody else's name, which comes first
		bare: func(id string) estate.User { return estate.User{ID: id} },
	}).run(ctx)
	return err
}

// memberships reads the members of the groups whose members are wanted.
func (r *reader) memberships(ctx context.Context) error {
	wanted := map[string]bool{}
	for _, name := range r.want.Members {
		wanted[fold(name)] = true
	}
	assigned := map[string]bool{}
	if r.want.AllMembers {
		for _, g := range r.grants {
			assigned[g.principal] = !g.user
		}
	}
	var ids []string
	for id, g := range r.groups {
		if r.want.All || wanted[fold(g.Name)] || assigned[id] {
			ids = append(ids, id)
		}
	}
	r.members = make(map[string][]string, len(ids))
	r.steps.add("members", 0, len(ids))
	return each(ctx, len(ids), func(ctx context.Context, i int) error {
		defer r.steps.add("members", 1, 0)
		members := []string{}
		err := pages(func(token *string) (*string, error) {
			out, err := do(ctx, r.center, r.store.ListGroupMemberships, &identitystore.ListGroupMembershipsInput{IdentityStoreId: &r.instance.IdentityStoreID, GroupId: &ids[i], MaxResults: hundred, NextToken: token})
			if err != nil {
				return nil, err
			}
			for _, m := range out.GroupMemberships {
				if id, ok := memberID(m.MemberId); ok {
					members = append(members, id)
				}
			}
			return out.NextToken, nil
		})
		if err != nil && Code(err) != notFound {
			return err
		}
		slices.Sort(members)
		r.locked(func() { r.members[ids[i]] = slices.Compact(members) })
		return nil
	})
}
