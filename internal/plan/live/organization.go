package live

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"gatehouse/internal/plan/estate"
)

// organization reads accounts and units. Accounts tell the path from the root, so that only the names of units are to be asked for, one call for
// the children of a unit that has any; an organization whose accounts do not is walked from the root.
func (r *reader) organization(ctx context.Context) error {
	t := &tree{reader: r, units: map[string]estate.Unit{}, parents: map[string]bool{}}
	if err := t.list(ctx); err != nil {
		return err
	}
	if t.walk {
		t.accounts = nil
		if err := t.roots(ctx); err != nil {
			return err
		}
	}
	if err := t.expand(ctx, t.root); err != nil {
		return err
	}
	slices.SortFunc(t.accounts, func(a, b estate.Account) int { return strings.Compare(a.ID, b.ID) })
	r.locked(func() { r.e.Accounts, r.e.Units = t.accounts, t.inOrder() })
	close(r.listed)
	if !r.want.Tags {
		return nil
	}
	return r.accountTags(ctx, t.accounts)
}

// tree is the organization as far as it was read.
type tree struct {
	*reader
	walk     bool // accounts do not say where they stand
	root     string
	units    map[string]estate.Unit
	parents  map[string]bool // units that have units below them
	accounts []estate.Account
}

func (t *tree) list(ctx context.Context) error {
	return pages(func(token *string) (*string, error) {
		out, err := do(ctx, t.orgs, t.reader.Client.organizations.ListAccounts, &organizations.ListAccountsInput{MaxResults: twenty, NextToken: token})
		if err != nil {
			return nil, err
		}
		for _, a := range out.Accounts {
			if len(a.Paths) == 0 {
				t.walk = true
				return nil, nil
			}
			t.accounts = append(t.accounts, t.account(a, t.chain(a.Paths[0])))
		}
		t.steps.add("accounts", len(out.Accounts), len(out.Accounts))
		select {
		case t.listed <- len(t.accounts):
		default: // nobody needs to know so exactly
		}
		return out.NextToken, nil
	})
}

// chain takes note of the units in a path (organization/root/unit/…/account/) and returns the last.
func (t *tree) chain(path string) string {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	parent := ""
	for i := 1; i < len(parts)-1; i++ {
		id := parts[i]
		if _, known := t.units[id]; !known {
			t.units[id] = estate.Unit{ID: id, Parent: parent, Name: id}
		}
		if parent == "" {
			t.root = id
			t.units[id] = estate.Unit{ID: id, Name: "Root"} // as it is called in every organization
		} else {
			t.parents[parent] = true
		}
		parent = id
	}
	return parent
}

func (t *tree) roots(ctx context.Context) error {
	return pages(func(token *string) (*string, error) {
		out, err := do(ctx, t.orgs, t.reader.Client.organizations.ListRoots, &organizations.ListRootsInput{MaxResults: twenty, NextToken: token})
		if err != nil {
			return nil, err
		}
		for _, root := range out.Roots {
			t.root = aws.ToString(root.Id)
			t.units[t.root] = estate.Unit{ID: t.root, Name: aws.ToString(root.Name)}
		}
		return out.NextToken, nil
	})
}

// expand reads what is below a unit, to the leaves.
func (t *tree) expand(ctx context.Context, unit string) error {
	if t.walk {
		if err := t.accountsOf(ctx, unit); err != nil {
			return err
		}
	} else if !t.parents[unit] && !t.want.All {
		return nil
	}
	var below []string
	err := pages(func(token *string) (*string, error) {
		out, err := do(ctx, t.orgs, t.reader.Client.organizations.ListOrganizationalUnitsForParent, &organizations.ListOrganizationalUnitsForParentInput{ParentId: &unit, MaxResults: twenty, NextToken: token})
		if err != nil {
			return nil, err
		}
		for _, u := range out.OrganizationalUnits {
			below = append(below, aws.ToString(u.Id))
			t.locked(func() {
				t.units[aws.ToString(u.Id)] = estate.Unit{ID: aws.ToString(u.Id), Parent: unit, Name: aws.ToString(u.Name)}
			})
		}
		return out.NextToken, nil
	})
	if err != nil {
		return err
	}
	return each(ctx, len(below), func(ctx context.Context, i int) error { return t.expand(ctx, below[i]) })
}

func (t *tree) accountsOf(ctx context.Context, unit string) error {
	return pages(func(token *string) (*string, error) {
		out, err := do(ctx, t.orgs, t.reader.Client.organizations.ListAccountsForParent, &organizations.ListAccountsForParentInput{ParentId: &unit, MaxResults: twenty, NextToken: token})
		if err != nil {
			return nil, err
		}
		t.locked(func() {
			for _, a := range out.Accounts {
				t.accounts = append(t.accounts, t.account(a, unit))
			}
		})
		t.steps.add("accounts", len(out.Accounts), len(out.Accounts))
		return out.NextToken, nil
	})
}

// account takes the state from whichever of the two fields has it: AWS replaces Status by State in 2026.
func (t *tree) account(a types.Account, unit string) estate.Account {
	id := aws.ToString(a.Id)
	return estate.Account{
		ID: id, Name: aws.ToString(a.Name), Email: aws.ToString(a.Email), Status: cmp.Or(string(a.State), string(a.Status)), Unit: unit,
		Management: id == t.management,
	}
}

// inOrder is the units, every one after its parent, siblings by name.
func (t *tree) inOrder() []estate.Unit {
	below := map[string][]estate.Unit{}
	for _, u := range t.units {
		below[u.Parent] = append(below[u.Parent], u)
	}
	var out []estate.Unit
	var add func(parent string)
	add = func(parent string) {
		slices.SortFunc(below[parent], func(a, b estate.Unit) int {
			return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.ID, b.ID))
		})
		for _, u := range below[parent] {
			out = append(out, u)
			add(u.ID)
		}
	}
	add("")
	return out
}

// AccountTags reads the tags of accounts of an estate, by ids, that was read without them.
func (c *Client) AccountTags(ctx context.Context, e *estate.Estate, ids []string, progress Progress) error {
	var accounts []estate.Account
	var at []int
	for i := range e.Accounts {
		if a := e.Accounts[i]; slices.Contains(ids, a.ID) {
			a.Tags = nil
			accounts, at = append(accounts, a), append(at, i)
		}
	}
	err := (&reader{Client: c, steps: &steps{tell: progress}}).accountTags(ctx, accounts)
	for n, i := range at {
		e.Accounts[i].Tags = accounts[n].Tags
	}
	return err
}

func (r *reader) accountTags(ctx context.Context, accounts []estate.Account) error {
	r.steps.add("account tags", 0, len(accounts))
	return each(ctx, len(accounts), func(ctx context.Context, i int) error {
		defer r.steps.add("account tags", 1, 0)
		a := &accounts[i]
		return pages(func(token *string) (*string, error) {
			out, err := do(ctx, r.orgs, r.Client.organizations.ListTagsForResource, &organizations.ListTagsForResourceInput{ResourceId: &a.ID, NextToken: token})
			if err != nil {
				return nil, err
			}
			for _, tag := range out.Tags {
				if a.Tags == nil {
					a.Tags = map[string]string{}
				}
				a.Tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
			}
			return out.NextToken, nil
		})
	})
}
