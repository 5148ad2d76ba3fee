package tenant

import (
	"context"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"

	"gatehouse/internal/fault"
)

const (
	adminCookie = "emulated_entra_admin"
	adminFor    = 12 * time.Hour
	linkFor     = 24 * time.Hour
)

// AdminLink returns an address that signs a browser in as the administrator, once, within a day. Who has
// the link is the administrator: print it only to who started the tenant.
func (t *Tenant) AdminLink() string {
	code := t.secret()
	t.sessions.issue(t.sessions.codes, code, t.now(), t.now().Add(linkFor))
	return t.base + "/admin/open?code=" + code
}

// admin returns the key of the administrator's session of this browser.
func (t *Tenant) admin(r *http.Request) (string, bool) {
	c, err := r.Cookie(adminCookie)
	if err != nil {
		return "", false
	}
	return c.Value, t.sessions.valid(t.sessions.admins, c.Value, t.now(), false)
}

func (t *Tenant) admit(w http.ResponseWriter, r *http.Request) {
	cookie := t.secret()
	t.sessions.issue(t.sessions.admins, cookie, t.now(), t.now().Add(adminFor))
	http.SetCookie(w, t.cookie(adminCookie, cookie, int(adminFor.Seconds())))
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (t *Tenant) serveOpen(w http.ResponseWriter, r *http.Request) {
	if !t.sessions.valid(t.sessions.codes, r.URL.Query().Get("code"), t.now(), true) {
		t.page(w, http.StatusForbidden, "welcome.html", welcomePage{"This link has been used or has expired. Give the administrator's token instead."})
		return
	}
	t.admit(w, r)
}

// welcomePage is what somebody sees who is not the administrator.
type welcomePage struct{ Error string }

func (t *Tenant) serveAdminSignIn(w http.ResponseWriter, r *http.Request) {
	if !t.isAdminToken(r.PostFormValue("token")) {
		t.page(w, http.StatusForbidden, "welcome.html", welcomePage{"That is not the administrator's token."})
		return
	}
	t.admit(w, r)
}

func (t *Tenant) serveAdminSignOut(w http.ResponseWriter, r *http.Request) {
	if c, ok := t.admin(r); ok {
		t.sessions.valid(t.sessions.admins, c, t.now(), true)
	}
	http.SetCookie(w, t.cookie(adminCookie, "", -1))
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// homePage is the administrator's page.
type homePage struct {
	Note, NoteKind string
	MetadataURL    string
	Job            Job
	App            Application
	Groups         []groupRow
	Users          []userRow
	Names          []option
	Query          string
	Total          int
	Log            []LogEntry
	Now            time.Time
}

type groupRow struct {
	Group
	Assigned bool
	People   []option
	Nested   []option
}

type userRow struct {
	User
	State    string // Active, Disabled, Deleted
	Groups   []option
	Direct   bool // assigned directly
	Entitled bool // in the job's scope
	Synced   bool
	Manager  string
}

// option is an id with the name to show for it.
type option struct{ ID, Name string }

func (t *Tenant) serveHome(w http.ResponseWriter, r *http.Request) {
	cookie, ok := t.admin(r)
	if !ok {
		t.page(w, http.StatusOK, "welcome.html", welcomePage{})
		return
	}
	p := homePage{Job: t.Job(), App: t.Application(), Log: t.Log(60), Now: t.now().UTC(), MetadataURL: t.MetadataURL()}
	p.Query = clip(strings.TrimSpace(r.URL.Query().Get("q")), 100)
	p.NoteKind, p.Note, _ = strings.Cut(t.sessions.takeNote(cookie), "|")
	t.mu.Lock()
	t.st.fill(&p)
	t.mu.Unlock()
	t.page(w, http.StatusOK, "home.html", p)
}

// fill lists groups and people for the page.
func (st *state) fill(p *homePage) {
	scope := st.newScope()
	names, in := map[string]string{}, map[string][]option{}
	for _, u := range st.Users {
		names[u.ID] = u.DisplayName
		if !u.Deleted() {
			p.Names = append(p.Names, option{u.UserPrincipalName, u.DisplayName})
		}
	}
	for _, g := range st.Groups {
		row := groupRow{Group: g.clone(), Assigned: p.App.assigns(g.ID)}
		for _, m := range g.Members {
			if n := st.groupByID(m); n != nil {
				row.Nested = append(row.Nested, option{m, n.DisplayName})
				continue
			}
			row.People = append(row.People, option{m, names[m]})
			in[m] = append(in[m], option{g.ID, g.DisplayName})
		}
		p.Groups = append(p.Groups, row)
	}
	slices.SortFunc(p.Names, func(a, b option) int { return strings.Compare(a.Name, b.Name) })
	p.Total = len(st.Users)
	for _, u := range st.Users {
		if !u.mentions(p.Query) {
			continue
		}
		l := st.Job.Links[u.ID]
		p.Users = append(p.Users, userRow{
			User: u.User, State: stateOf(u), Groups: in[u.ID], Direct: p.App.assigns(u.ID), Entitled: scope.user(u.ID),
			Synced: l != nil && l.Active, Manager: names[u.Manager],
		})
	}
}

func (a *Application) assigns(id string) bool {
	return slices.ContainsFunc(a.Assignments, func(x Assignment) bool { return x.Principal == id })
}

func stateOf(u *userRecord) string {
	switch {
	case u.Deleted():
		return "Deleted"
	case !u.AccountEnabled:
		return "Disabled"
	}
	return "Active"
}

func (u *userRecord) mentions(q string) bool {
	if q == "" {
		return true
	}
	all := strings.ToLower(u.DisplayName + " " + u.UserPrincipalName + " " + u.Department + " " + u.JobTitle)
	return strings.Contains(all, strings.ToLower(q))
}

// serveAction does what a form of the page asks for and comes back to the page with a sentence about it.
func (t *Tenant) serveAction(w http.ResponseWriter, r *http.Request) {
	cookie, ok := t.admin(r)
	if !ok {
		t.page(w, http.StatusForbidden, "welcome.html", welcomePage{"Sign in as the administrator first."})
		return
	}
	// The cycle outlives a browser that does not wait for it, but not by much.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), 10*time.Minute)
	defer cancel()
	note, err := t.act(ctx, r)
	kind := "ok"
	if err != nil {
		note, kind = fault.Shown(err), "bad"
		if fault.Is(err, fault.Internal) {
			t.log.Error("admin page", "err", err)
		}
	}
	t.sessions.leaveNote(cookie, kind+"|"+note)
	back := "/"
	if anchor := r.PostFormValue("back"); slices.Contains([]string{"job", "groups", "people", "log"}, anchor) {
		back = "/#" + anchor
	}
	http.Redirect(w, r, back, http.StatusSeeOther)
}

func (t *Tenant) act(ctx context.Context, r *http.Request) (string, error) {
	user, group := r.PostFormValue("user"), r.PostFormValue("group")
	simple := map[string]struct {
		do   func() error
		done string
	}{
		"add":      {func() error { return t.AddMember(group, user) }, "Added to the group. The next cycle tells the application."},
		"remove":   {func() error { return t.RemoveMember(group, user) }, "Removed from the group. The next cycle tells the application."},
		"disable":  {func() error { return t.SetEnabled(user, false) }, "Disabled. The person can no longer sign in; the next cycle disables the account at the application."},
		"enable":   {func() error { return t.SetEnabled(user, true) }, "Enabled."},
		"delete":   {func() error { return t.DeleteUser(user) }, "Moved to the bin."},
		"restore":  {func() error { return t.RestoreUser(user) }, "Restored."},
		"purge":    {func() error { return t.PurgeUser(user) }, "Deleted for good."},
		"assign":   {func() error { return t.Assign(user+group, "") }, "Assigned to the application."},
		"unassign": {func() error { return t.Unassign(user + group) }, "No longer assigned."},
		"start":    {t.Start, "The job runs by its schedule; the first cycle begins now."},
		"stop":     {t.Stop, "The job is stopped. A running cycle finishes."},
		"restart":  {t.Restart, "Restarted: the next cycle is an initial one."},
		"test":     {func() error { return t.TestConnection(ctx) }, "The application answers and accepts the token."},
		"allow":    {func() error { return t.Deletions(true) }, "The next cycle deletes what was held back."},
		"reject":   {func() error { return t.Deletions(false) }, "What was held back stays."},
	}
	action := r.PostFormValue("action")
	if s, ok := simple[action]; ok {
		return s.done, s.do()
	}
	switch action {
	case "run":
		c, err := t.RunCycle(ctx)
		return c.sentence(), err
	case "ondemand":
		entries, err := t.OnDemandUser(ctx, user)
		return onDemandSentence(entries), err
	}
	return "", fault.New(fault.Invalid, "There is no such action.")
}

func (c *Cycle) sentence() string {
	kind := "Incremental"
	if c.Initial {
		kind = "Initial"
	}
	var did []string
	for _, p := range []struct {
		n    int
		what string
	}{
		{c.Users.Created, "users created"}, {c.Users.Updated, "users updated"}, {c.Users.Disabled, "users disabled"}, {c.Users.Deleted, "users deleted"},
		{c.Groups.Created, "groups created"}, {c.Groups.Updated, "groups updated"}, {c.Groups.Deleted, "groups deleted"},
		{c.MembersAdded, "members added"}, {c.MembersRemoved, "members removed"}, {c.Managers, "managers set"}, {len(c.Failures), "failed"},
	} {
		if p.n > 0 {
			did = append(did, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	if did == nil {
		did = []string{"nothing had changed"}
	}
	return fmt.Sprintf("%s cycle %s: %s.", kind, strings.ToLower(c.Result), strings.Join(did, ", "))
}

func onDemandSentence(entries []LogEntry) string {
	if len(entries) == 0 {
		return "Nothing to do."
	}
	e := entries[0]
	s := fmt.Sprintf("On demand, %s: %s, %s", e.Source.Name, e.Action, e.Status)
	if e.SkipReason != "" {
		s += " (" + e.SkipReason + ")"
	}
	return s + ". " + e.Reason
}

var pageFuncs = template.FuncMap{
	"ago": func(now, at time.Time) string {
		switch d := now.Sub(at).Round(time.Second); {
		case at.IsZero():
			return "never"
		case d < 0:
			return "in " + (-d).String()
		case d > 48*time.Hour:
			return at.UTC().Format("2006-01-02 15:04")
		default:
			return d.String() + " ago"
		}
	},
	"span": func(d time.Duration) string {
		s := d.String()
		if d%time.Minute == 0 {
			s = strings.TrimSuffix(s, "0s")
		}
		if d%time.Hour == 0 {
			s = strings.TrimSuffix(s, "0m")
		}
		return s
	},
	"clock": func(at time.Time) string { return at.UTC().Format("2006-01-02 15:04:05") },
	"short": func(s string) string { return s[strings.LastIndexAny(s, ":")+1:] },
}
