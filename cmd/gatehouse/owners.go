package main

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"gatehouse/internal/adminclient"
)

type ownersView struct {
	Local       string            `json:"local"`
	Directories map[string]string `json:"directories"`
}

func (o ownersView) print(c *cobra.Command) {
	t := newTable(c, "MADE BY", "RULE")
	t.row("hand", o.Local)
	for _, id := range slices.Sorted(maps.Keys(o.Directories)) {
		t.row("directory "+id, o.Directories[id])
	}
	t.row("any other", "refuse")
	t.flush()
}

// ownersCommand shows a directory's owner rules, and changes what flags name.
func ownersCommand() *cobra.Command {
	c := &cobra.Command{Use: "owners ID", Short: "Say which users and groups of others a directory's client may take over", Args: exactly("ID"),
		Long: `A directory's SCIM client sees and changes what the directory made, and nothing else. With the rule "adopt" it also sees what was made by hand, or by
another directory, and the first change it makes there makes the directory the owner: the id stays, and with it memberships and assignments.`,
		Example: "  gatehouse directory owners contoso\n  gatehouse directory owners contoso --local adopt\n  gatehouse directory owners contoso --directory okta=adopt --local refuse",
		RunE: func(c *cobra.Command, args []string) error {
			path := "/directories/" + segment(args[0]) + "/owners"
			show := func(o ownersView) { o.print(c) }
			if !changed(c, "local", "directory") {
				return call(c, http.MethodGet, path, nil, show)
			}
			cl, err := client(c)
			if err != nil {
				return err
			}
			var o ownersView
			if err := cl.Do(c.Context(), http.MethodGet, path, nil, &o); err != nil {
				return err
			}
			if c.Flags().Changed("local") {
				o.Local, _ = c.Flags().GetString("local")
			}
			rules, _ := c.Flags().GetStringSlice("directory")
			for _, r := range rules {
				id, rule, ok := strings.Cut(r, "=")
				if !ok {
					return usagef("--directory takes ID=refuse or ID=adopt, not %q", r)
				}
				o.Directories[id] = rule
			}
			return call(c, http.MethodPut, path, o, show)
		}}
	c.Flags().String("local", "", "the rule for what was made by hand: refuse or adopt")
	c.Flags().StringSlice("directory", nil, "the rule for what another directory owns: ID=refuse or ID=adopt")
	return administered(jsonFlag(c))
}

// removeDirectoryCommand removes an identity source.
func removeDirectoryCommand() *cobra.Command {
	c := &cobra.Command{Use: "remove ID", Short: "Remove an identity source, and say what becomes of its people", Args: exactly("ID"),
		Long: `The directory's tokens and its identity provider open nothing from the first moment. If it owns users or groups, --people says what becomes of them:
release (they are as if made by hand: ids, memberships and assignments stay), disable (that, and the users are disabled), or delete. The sessions that
people began through its identity provider end in any case. A large directory takes minutes; a removal that was interrupted goes on when it is asked for again, and
by itself after half a minute.`,
		Example: "  gatehouse directory remove contoso --people disable",
		RunE: func(c *cobra.Command, args []string) error {
			path := "/directories/" + segment(args[0])
			if people, _ := c.Flags().GetString("people"); people != "" {
				path += "?people=" + segment(people)
			}
			return removeDirectory(c, path)
		}}
	c.Flags().String("people", "", "release, disable or delete")
	return administered(jsonFlag(c))
}

// removeDirectory asks until the directory is gone; the server works on it for some seconds at a time.
func removeDirectory(c *cobra.Command, path string) error {
	cl, err := client(c)
	if err != nil {
		return err
	}
	for asked := false; ; asked = true {
		var left *struct {
			Users  int `json:"usersLeft"`
			Groups int `json:"groupsLeft"`
		}
		err := cl.Do(c.Context(), http.MethodDelete, path, nil, &left)
		if e := (*adminclient.Error)(nil); asked && errors.As(err, &e) && e.Status == http.StatusNotFound {
			break // the server went on by itself
		}
		if err != nil {
			return err
		}
		if left == nil { // no content: it is gone
			break
		}
		fmt.Fprintf(c.ErrOrStderr(), "removing: %d users and %d groups are left\n", left.Users, left.Groups)
	}
	return printed(c, struct{}{}, func(struct{}) { fmt.Fprintln(c.OutOrStdout(), "removed") })
}

// nestingCommand says whether a directory's groups may have groups as members.
func nestingCommand() *cobra.Command {
	c := &cobra.Command{Use: "nesting ID refuse|expand", Short: "Say whether a directory's groups may have groups as members", Args: exactly("ID", "refuse|expand"),
		Long: `With "expand" a group may have groups as members, and whoever is in a group is in every group that this one is in. With "refuse", the default, such
members are refused; it is not taken while any group of the directory has one.`,
		Example: "  gatehouse directory nesting okta expand",
		RunE: func(c *cobra.Command, args []string) error {
			return call(c, http.MethodPut, "/directories/"+segment(args[0])+"/nested-groups", map[string]string{"nestedGroups": args[1]}, func(d directoryView) { d.print(c) })
		}}
	return administered(jsonFlag(c))
}
