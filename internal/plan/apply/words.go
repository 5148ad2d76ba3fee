package apply

import (
	"fmt"
	"strings"

	"gatehouse/internal/plan"
	"gatehouse/internal/plan/estate"
)

// what names a change in a few words.
func (r *run) what(k key) string {
	p, e := r.plan, r.plan.After
	switch k.kind {
	case Groups:
		return fmt.Sprintf("%s group %q", p.Groups[k.index].Action, e.Groups[p.Groups[k.index].Group].Name)
	case Members:
		m := p.Members[k.index]
		if m.Action == plan.Delete {
			return fmt.Sprintf("take %q out of group %q", e.Users[m.User].Name, e.Groups[m.Group].Name)
		}
		return fmt.Sprintf("put %q into group %q", e.Users[m.User].Name, e.Groups[m.Group].Name)
	case Sets:
		return fmt.Sprintf("%s permission set %q", p.Sets[k.index].Action, e.Sets[p.Sets[k.index].Set].Name)
	case Provision:
		return fmt.Sprintf("bring the roles of permission set %q up to date", e.Sets[p.Provision[k.index].Set].Name)
	case Assignments:
		a := p.Assignments[k.index]
		verb := "assign"
		if a.Remove {
			verb = "end the assignment of"
		}
		return fmt.Sprintf("%s permission set %q in account %s (%s) to %s", verb, e.Sets[a.Set].Name, e.Accounts[a.Account].Name, e.Accounts[a.Account].ID, r.whom(a.Principal))
	case Attributes:
		return fmt.Sprintf("%s the attributes for access control", p.Attributes.Action)
	case Applications:
		return fmt.Sprintf("%s application %q", p.Applications[k.index].Action, e.Applications[p.Applications[k.index].Application].Name)
	case Uses:
		u := p.Uses[k.index]
		if u.Remove {
			return fmt.Sprintf("take application %q from %s", e.Applications[u.Application].Name, r.whom(u.Principal))
		}
		return fmt.Sprintf("give application %q to %s", e.Applications[u.Application].Name, r.whom(u.Principal))
	}
	return string(k.kind)
}

func (r *run) whom(p estate.Principal) string {
	if p.IsUser() {
		return fmt.Sprintf("user %q", r.plan.After.Users[p.Index()].Name)
	}
	return fmt.Sprintf("group %q", r.plan.After.Groups[p.Index()].Name)
}

// advices are what to do about a reason, by a part of it; the first that fits. Error codes come first: reasons of requests have none.
var advices = []struct{ part, advice string }{
	{"ThrottlingException", "somebody else uses up the limits of this instance; apply again, or give a lower rate with --limits"},
	{"AccessDenied", "the caller lacks the permission for this operation; give it to the caller's role, and apply again"},
	{"ServiceQuotaExceeded", "a quota is used up; have AWS raise it or need less, and apply again"},
	{"ConflictException", "something else is at work on the same thing; apply again"},
	{"ResourceNotFound", "what the reason names is not there: correct the file, or plan again if somebody removed it"},
	{"ValidationException", "the service does not take this value; correct the file"},
	{"InternalServerException", "the service failed; apply again"},
	{"internal service exception", "the service failed; apply again"},
	{"Access denied by IAM", "the service may not change roles in that account; look at the account's service control policies, and apply again"},
	{"is still under way", "look at the request with `aws sso-admin describe-account-assignment-creation-status`, and apply again when it has ended"},
	{"status could not be read", "plan again: that shows what is in effect"},
	{"olicy", "see that the account has a customer managed policy of that name and path, and apply again"},
	{"404 status", "see that the account has the customer managed policies that the set names, and apply again"},
}

// Advice is what to do about a change that is not done.
func Advice(x Result) string {
	if x.Outcome == Unfinished {
		return "apply again: what was done meanwhile is not done twice"
	}
	if x.Outcome == Skipped {
		return "apply again when what it depends on is mended"
	}
	for _, a := range advices {
		if strings.Contains(x.Reason, a.part) {
			return a.advice
		}
	}
	return "apply again; if it fails again, the reason names what to mend"
}
