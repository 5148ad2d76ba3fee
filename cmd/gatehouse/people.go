package main

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
)

// segment writes a name as one segment of a path.
func segment(s string) string { return url.PathEscape(s) }

// table prints aligned columns.
type table struct{ w *tabwriter.Writer }

func newTable(c *cobra.Command, head ...string) table {
	t := table{tabwriter.NewWriter(c.OutOrStdout(), 0, 4, 2, ' ', 0)}
	t.row(head...)
	return t
}

func (t table) row(cells ...string) { fmt.Fprintln(t.w, strings.Join(cells, "\t")) }

func (t table) flush() { _ = t.w.Flush() }

type userView struct {
	ID          string    `json:"id"`
	UserName    string    `json:"userName"`
	DisplayName string    `json:"displayName"`
	GivenName   string    `json:"givenName"`
	FamilyName  string    `json:"familyName"`
	Email       string    `json:"email"`
	Active      bool      `json:"active"`
	Source      string    `json:"source"`
	CreatedAt   time.Time `json:"createdAt"`
	UpdatedAt   time.Time `json:"updatedAt"`
}

func (u userView) print(c *cobra.Command) {
	state := "active"
	if !u.Active {
		state = "disabled"
	}
	if u.Source != "" {
		state += ", owned by " + u.Source
	}
	fmt.Fprintf(c.OutOrStdout(), "%s  %s  %s\n", u.ID, u.UserName, state)
}

type userPage struct {
	Users []userView `json:"users"`
	Next  string     `json:"next"`
}

func userCommand() *cobra.Command {
	create := &cobra.Command{Use: "create USERNAME", Short: "Make a user by hand", Args: exactly("USERNAME"),
		Example: "  gatehouse user create mary@example.com --given-name Mary --family-name Major --email mary@example.com",
		RunE: func(c *cobra.Command, args []string) error {
			in := map[string]string{"userName": args[0]}
			for flag, key := range map[string]string{"given-name": "givenName", "family-name": "familyName", "email": "email", "display-name": "displayName"} {
				in[key], _ = c.Flags().GetString(flag)
			}
			if in["displayName"] == "" {
				in["displayName"] = strings.TrimSpace(in["givenName"] + " " + in["familyName"])
			}
			return call(c, http.MethodPost, "/users", in, func(u userView) { u.print(c) })
		}}
	for _, f := range []string{"given-name", "family-name", "email", "display-name"} {
		create.Flags().String(f, "", strings.ReplaceAll(f, "-", " "))
	}
	one := func(use, short, method, suffix string) *cobra.Command {
		return onUser(use, short, func(c *cobra.Command, path string) error {
			return call(c, method, path+suffix, nil, func(u userView) { u.print(c) })
		})
	}
	remove := onUser("delete", "Remove a user with her memberships", func(c *cobra.Command, path string) error {
		return call(c, http.MethodDelete, path, nil, func(struct{}) { fmt.Fprintln(c.OutOrStdout(), "done") })
	})
	signOut := onUser("sign-out", "Sign a user out everywhere", func(c *cobra.Command, path string) error {
		type out struct {
			Ended int `json:"ended"`
		}
		return call(c, http.MethodDelete, path+"/sessions", nil, func(o out) { fmt.Fprintf(c.OutOrStdout(), "%d sessions ended\n", o.Ended) })
	})
	list := &cobra.Command{Use: "list", Short: "List users", Args: noArgs, Example: "  gatehouse user list --json",
		RunE: func(c *cobra.Command, _ []string) error {
			us, err := pages(c, "/users", func(p userPage) ([]userView, string) { return p.Users, p.Next })
			if err != nil {
				return err
			}
			return printUsers(c, us)
		}}
	subs := []*cobra.Command{create, list, one("show", "Show a user", http.MethodGet, ""),
		one("disable", "Bar a user from signing in; ends her sessions", http.MethodPost, "/disable"),
		one("enable", "Let a user sign in again", http.MethodPost, "/enable"), remove, signOut}
	subs = append(subs, credentialCommands()...)
	for _, c := range subs {
		administered(jsonFlag(c))
	}
	return family("user", "Users of the identity store", subs...)
}

// onUser is a command about one user, whose path do gets.
func onUser(use, short string, do func(c *cobra.Command, path string) error) *cobra.Command {
	return &cobra.Command{Use: use + " USER", Short: short, Args: exactly("USER"), Example: "  gatehouse user " + use + " mary@example.com",
		RunE: func(c *cobra.Command, args []string) error { return do(c, "/users/"+segment(args[0])) }}
}

func printUsers(c *cobra.Command, us []userView) error {
	if asJSON, _ := c.Flags().GetBool("json"); asJSON {
		return printJSON(c, map[string]any{"users": us})
	}
	t := newTable(c, "USER NAME", "DISPLAY NAME", "ACTIVE", "SOURCE", "ID")
	for _, u := range us {
		t.row(u.UserName, u.DisplayName, fmt.Sprint(u.Active), u.Source, u.ID)
	}
	t.flush()
	return nil
}

// pages reads every page of a listing.
func pages[P, T any](c *cobra.Command, path string, split func(P) ([]T, string)) ([]T, error) {
	cl, err := client(c)
	if err != nil {
		return nil, err
	}
	all := []T{}
	for after := ""; ; {
		var page P
		if err := cl.Do(c.Context(), http.MethodGet, path+"?limit=1000&after="+url.QueryEscape(after), nil, &page); err != nil {
			return nil, err
		}
		items, next := split(page)
		all = append(all, items...)
		if next == "" {
			return all, nil
		}
		after = next
	}
}

type groupView struct {
	ID          string    `json:"id"`
	DisplayName string    `json:"displayName"`
	Description string    `json:"description"`
	Source      string    `json:"source"`
	CreatedAt   time.Time `json:"createdAt"`
	UpdatedAt   time.Time `json:"updatedAt"`
}

func groupCommand() *cobra.Command {
	create := &cobra.Command{Use: "create NAME", Short: "Make a group by hand", Args: exactly("NAME"), Example: "  gatehouse group create Auditors",
		RunE: func(c *cobra.Command, args []string) error {
			d, _ := c.Flags().GetString("description")
			return call(c, http.MethodPost, "/groups", map[string]string{"displayName": args[0], "description": d}, func(g groupView) {
				fmt.Fprintf(c.OutOrStdout(), "%s  %s\n", g.ID, g.DisplayName)
			})
		}}
	create.Flags().String("description", "", "what the group is for")
	member := func(use, short, method string) *cobra.Command {
		return &cobra.Command{Use: use + " GROUP USER", Short: short, Args: exactly("GROUP", "USER"), Example: "  gatehouse group " + use + " Auditors mary@example.com",
			RunE: func(c *cobra.Command, args []string) error {
				return call(c, method, "/groups/"+segment(args[0])+"/members/"+segment(args[1]), nil, func(struct{}) { fmt.Fprintln(c.OutOrStdout(), "done") })
			}}
	}
	members := &cobra.Command{Use: "members GROUP", Short: "List a group's users", Args: exactly("GROUP"), Example: "  gatehouse group members Auditors",
		RunE: func(c *cobra.Command, args []string) error {
			us, err := pages(c, "/groups/"+segment(args[0])+"/members", func(p userPage) ([]userView, string) { return p.Users, p.Next })
			if err != nil {
				return err
			}
			return printUsers(c, us)
		}}
	remove := &cobra.Command{Use: "delete GROUP", Short: "Remove a group", Args: exactly("GROUP"), Example: "  gatehouse group delete Auditors",
		RunE: func(c *cobra.Command, args []string) error {
			return call(c, http.MethodDelete, "/groups/"+segment(args[0]), nil, func(struct{}) { fmt.Fprintln(c.OutOrStdout(), "done") })
		}}
	nest := func(use, short, method string) *cobra.Command {
		return &cobra.Command{Use: use + " GROUP MEMBER", Short: short, Args: exactly("GROUP", "MEMBER"), Example: "  gatehouse group " + use + " Engineering Platform",
			RunE: func(c *cobra.Command, args []string) error {
				return call(c, method, "/groups/"+segment(args[0])+"/groups/"+segment(args[1]), nil, func(struct{}) { fmt.Fprintln(c.OutOrStdout(), "done") })
			}}
	}
	nested := &cobra.Command{Use: "nested GROUP", Short: "List the groups in a group", Args: exactly("GROUP"), Example: "  gatehouse group nested Engineering",
		RunE: func(c *cobra.Command, args []string) error {
			return printGroups(c, "/groups/"+segment(args[0])+"/groups")
		}}
	subs := []*cobra.Command{create, remove, listGroups(), nested, nest("nest", "Put a group into a group", http.MethodPut), nest("unnest", "Take a group out of a group", http.MethodDelete), members, member("add", "Put a user into a group", http.MethodPut), member("remove", "Take a user out of a group", http.MethodDelete)}
	for _, c := range subs {
		administered(jsonFlag(c))
	}
	return family("group", "Groups of the identity store", subs...)
}

func listGroups() *cobra.Command {
	return &cobra.Command{Use: "list", Short: "List groups", Args: noArgs, Example: "  gatehouse group list --json",
		RunE: func(c *cobra.Command, _ []string) error { return printGroups(c, "/groups") }}
}

// printGroups prints all groups that a path lists.
func printGroups(c *cobra.Command, path string) error {
	type page struct {
		Groups []groupView `json:"groups"`
		Next   string      `json:"next"`
	}
	gs, err := pages(c, path, func(p page) ([]groupView, string) { return p.Groups, p.Next })
	if err != nil {
		return err
	}
	if asJSON, _ := c.Flags().GetBool("json"); asJSON {
		return printJSON(c, map[string]any{"groups": gs})
	}
	t := newTable(c, "NAME", "SOURCE", "ID")
	for _, g := range gs {
		t.row(g.DisplayName, g.Source, g.ID)
	}
	t.flush()
	return nil
}

type accessView struct {
	Access []struct {
		UserID        string `json:"userId"`
		UserName      string `json:"userName"`
		PermissionSet string `json:"permissionSet,omitempty"`
		Role          string `json:"role,omitempty"`
		AccountID     string `json:"accountId"`
		AccountName   string `json:"accountName"`
		ViaGroup      string `json:"viaGroup,omitempty"`

		Path []string `json:"path,omitempty"`
	} `json:"access"`
}

// via names the group that access was given to, and how the user is in it if she is not a direct member.
func via(path []string) string {
	switch n := len(path); n {
	case 0:
		return ""
	case 1:
		return path[0]
	default:
		return fmt.Sprintf("%s (member of %s)", path[n-1], strings.Join(path[:n-1], ", within "))
	}
}

func (a accessView) print(c *cobra.Command) {
	t := newTable(c, "USER", "ACCOUNT", "NAME", "PERMISSION SET OR ROLE", "VIA GROUP")
	for _, x := range a.Access {
		t.row(x.UserName, x.AccountID, x.AccountName, cmp.Or(x.PermissionSet, x.Role), via(x.Path))
	}
	t.flush()
}

func accessCommand() *cobra.Command {
	who := &cobra.Command{Use: "who ACCOUNT", Short: "Who can reach an account now", Args: exactly("ACCOUNT"), Example: "  gatehouse access who 123456789012 --json",
		RunE: func(c *cobra.Command, args []string) error {
			return call(c, http.MethodGet, "/access/who?account="+url.QueryEscape(args[0]), nil, func(a accessView) { a.print(c) })
		}}
	what := &cobra.Command{Use: "what USER", Short: "What a user can reach now", Args: exactly("USER"), Example: "  gatehouse access what mary@example.com --json",
		RunE: func(c *cobra.Command, args []string) error {
			return call(c, http.MethodGet, "/access/what?user="+url.QueryEscape(args[0]), nil, func(a accessView) { a.print(c) })
		}}
	for _, c := range []*cobra.Command{who, what} {
		administered(jsonFlag(c))
	}
	return family("access", "Who can reach what", who, what)
}

func eventCommand() *cobra.Command {
	type event struct {
		ID         string            `json:"id"`
		At         time.Time         `json:"at"`
		ActorKind  string            `json:"actorKind"`
		ActorID    string            `json:"actorId"`
		ActorName  string            `json:"actorName"`
		Action     string            `json:"action"`
		Resource   string            `json:"resource"`
		Outcome    string            `json:"outcome"`
		RequestID  string            `json:"requestId"`
		ClientAddr string            `json:"clientAddr"`
		Detail     map[string]string `json:"detail"`
	}
	type view struct {
		Events []event `json:"events"`
		Next   string  `json:"next"`
	}
	list := &cobra.Command{Use: "list", Short: "The latest entries of the audit trail, newest first", Args: noArgs,
		Example: "  gatehouse event list --limit 20\n  gatehouse event list --outcome Denied --since 24h\n  gatehouse event list --action 'scim:*' --resource 9067642ac7-0b7c1c52",
		RunE: func(c *cobra.Command, _ []string) error {
			q, err := narrowed(c, map[string]string{"actor": "actorId", "action": "action", "resource": "resource", "outcome": "outcome", "before": "before"})
			if err != nil {
				return err
			}
			limit, err := howMany(c)
			if err != nil {
				return err
			}
			all := view{Events: []event{}}
			if err := newest(c, "/events", q, 1000, limit, func(page view) (int, string) {
				all.Events, all.Next = append(all.Events, page.Events...), page.Next
				return len(page.Events), page.Next
			}); err != nil {
				return err
			}
			return printed(c, all, func(v view) {
				t := newTable(c, "WHEN", "WHO", "WHAT", "ON", "OUTCOME")
				for _, e := range v.Events {
					t.row(e.At.Format(time.DateTime), e.ActorName, e.Action, e.Resource, e.Outcome)
				}
				t.flush()
			})
		}}
	list.Flags().String("actor", "", "who did it: an ARN, a directory's id or a user's id (actorId in --json)")
	list.Flags().String("action", "", "what was done; scim:* is all of scim")
	list.Flags().String("resource", "", "to what it was done: an id or ARN")
	list.Flags().String("outcome", "", "success, or what it was refused as: Denied")
	list.Flags().String("before", "", "go on where a listing ended: its next in --json")
	list.Flags().Int("limit", 50, "how many")
	timeFlags(list)
	return family("event", "The audit trail", administered(jsonFlag(list)))
}
