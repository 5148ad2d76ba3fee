package tenant

import (
	"context"
	"crypto/subtle"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"gatehouse/internal/fault"
)

// call is one operation of the API: it returns what to answer, or nil for 204.
type call func(*http.Request) (any, error)

// routeAPI is the table of the API; docs/tenant.md describes it.
func (t *Tenant) routeAPI(mux *http.ServeMux) {
	for pattern, c := range map[string]call{
		"GET /api/tenant":      t.apiTenant,
		"GET /api/application": func(*http.Request) (any, error) { return t.Application(), nil },
		"PATCH /api/application": func(r *http.Request) (any, error) {
			return t.apiPatchApplication(r)
		},
		"POST /api/application/certificates/{thumbprint}/activate": func(r *http.Request) (any, error) {
			return nil, t.ActivateCertificate(r.PathValue("thumbprint"))
		},

		"GET /api/users":                func(*http.Request) (any, error) { return list(t.Users()), nil },
		"POST /api/users":               t.apiAddUser,
		"GET /api/users/{user}":         func(r *http.Request) (any, error) { return t.User(r.PathValue("user")) },
		"PATCH /api/users/{user}":       t.apiPatchUser,
		"DELETE /api/users/{user}":      t.onUser(t.DeleteUser),
		"POST /api/users/{user}/delete": t.onUser(t.DeleteUser),
		"POST /api/users/{user}/purge":  t.onUser(t.PurgeUser),

		"POST /api/users/{user}/restore":  t.onUser(t.RestoreUser),
		"POST /api/users/{user}/disable":  t.onUser(func(u string) error { return t.SetEnabled(u, false) }),
		"POST /api/users/{user}/enable":   t.onUser(func(u string) error { return t.SetEnabled(u, true) }),
		"POST /api/users/{user}/password": t.apiPassword,

		"GET /api/groups":                             func(*http.Request) (any, error) { return list(t.Groups()), nil },
		"POST /api/groups":                            t.apiAddGroup,
		"GET /api/groups/{group}":                     func(r *http.Request) (any, error) { return t.Group(r.PathValue("group")) },
		"PATCH /api/groups/{group}":                   t.apiPatchGroup,
		"DELETE /api/groups/{group}":                  func(r *http.Request) (any, error) { return nil, t.DeleteGroup(r.PathValue("group")) },
		"GET /api/groups/{group}/members":             t.apiMembers,
		"POST /api/groups/{group}/members":            t.apiAddMember,
		"DELETE /api/groups/{group}/members/{member}": t.apiRemoveMember,

		"GET /api/assignments":                func(*http.Request) (any, error) { return list(t.Application().Assignments), nil },
		"POST /api/assignments":               t.apiAssign,
		"DELETE /api/assignments/{principal}": func(r *http.Request) (any, error) { return nil, t.Unassign(r.PathValue("principal")) },

		"GET /api/job":            func(*http.Request) (any, error) { return t.Job(), nil },
		"PATCH /api/job":          t.apiPatchJob,
		"POST /api/job/start":     func(*http.Request) (any, error) { return nil, t.Start() },
		"POST /api/job/stop":      func(*http.Request) (any, error) { return nil, t.Stop() },
		"POST /api/job/restart":   func(*http.Request) (any, error) { return nil, t.Restart() },
		"POST /api/job/test":      func(r *http.Request) (any, error) { return nil, t.TestConnection(r.Context()) },
		"POST /api/job/run":       t.apiRun,
		"POST /api/job/ondemand":  t.apiOnDemand,
		"POST /api/job/deletions": t.apiDeletions,
		"GET /api/log":            t.apiLog,
	} {
		mux.HandleFunc(pattern, t.api(c))
	}
	mux.HandleFunc("/api/", t.api(func(*http.Request) (any, error) {
		return nil, fault.New(fault.NotFound, "There is no such operation.")
	}))
}

// api is the adapter of every operation: it authenticates, runs, and writes the answer or the error.
func (t *Tenant) api(c call) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !t.isAdmin(r.Header.Get("Authorization")) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="emulated tenant"`)
			t.apiError(w, fault.New(fault.Unauthenticated, "Give the administrator's token: Authorization: Bearer … (it is in the file admin-token of the data directory)."))
			return
		}
		out, err := c(r)
		switch {
		case err != nil:
			t.apiError(w, err)
		case out == nil:
			w.WriteHeader(http.StatusNoContent)
		default:
			status := http.StatusOK
			if m, ok := out.(made); ok {
				status, out = http.StatusCreated, m.v
			}
			t.writeJSON(w, status, out)
		}
	}
}

// made marks an answer as the answer to a creation.
type made struct{ v any }

func list[T any](vs []T) any {
	if vs == nil {
		vs = []T{}
	}
	return struct {
		Value []T `json:"value"`
	}{vs}
}

func (t *Tenant) isAdmin(header string) bool {
	token, ok := strings.CutPrefix(header, "Bearer ")
	return ok && t.isAdminToken(token)
}

// isAdminToken compares hashes, so that neither length nor content shows in the time it takes.
func (t *Tenant) isAdminToken(token string) bool {
	got, want := hashed(strings.TrimSpace(token)), hashed(t.st.AdminToken)
	return t.st.AdminToken != "" && subtle.ConstantTimeCompare(got[:], want[:]) == 1
}

func (t *Tenant) writeJSON(w http.ResponseWriter, status int, v any) {
	b, err := compact(v)
	if err != nil {
		t.log.Error("api answer", "err", err)
		http.Error(w, "An internal error occurred.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n'))
}

func (t *Tenant) apiError(w http.ResponseWriter, err error) {
	f := fault.Of(err)
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		f = fault.New(fault.Unavailable, "The request was given up before it was done.")
	}
	if f.Kind == fault.Internal {
		t.log.Error("api", "err", err)
	}
	t.writeJSON(w, statusOf(f), map[string]any{"error": map[string]string{"code": f.Kind.String(), "message": fault.Shown(f)}})
}

// decode reads a JSON body strictly: unknown and repeated members are errors. An empty body leaves v as it is
// where optional says so.
func decode(r *http.Request, v any, optional bool) error {
	b, err := io.ReadAll(r.Body)
	var tooBig *http.MaxBytesError
	switch {
	case errors.As(err, &tooBig):
		return fault.New(fault.Quota, "The body is larger than %d bytes.", maxBody)
	case err != nil:
		return fault.New(fault.Invalid, "The body could not be read.")
	case len(b) == 0 && optional:
		return nil
	}
	if err := json.Unmarshal(b, v, json.RejectUnknownMembers(true)); err != nil {
		return fault.New(fault.Invalid, "The body is not what this operation takes: %s", clip(err.Error(), 300))
	}
	return nil
}

func (t *Tenant) apiTenant(*http.Request) (any, error) {
	return map[string]any{
		"id": t.st.TenantID, "domain": t.st.Domain, "displayName": t.st.Name, "issuer": t.Issuer(), "metadataUrl": t.MetadataURL(),
		"myAppsUrl": t.base + "/myapps", "certificates": t.Certificates(),
	}, nil
}

func (t *Tenant) onUser(do func(string) error) call {
	return func(r *http.Request) (any, error) { return nil, do(r.PathValue("user")) }
}

// userBody is a user as the API takes it: absent members stay as they are.
type userBody struct {
	UserPrincipalName *string `json:"userPrincipalName"`
	Mail              *string `json:"mail"`
	MailNickname      *string `json:"mailNickname"`
	GivenName         *string `json:"givenName"`
	Surname           *string `json:"surname"`
	DisplayName       *string `json:"displayName"`
	JobTitle          *string `json:"jobTitle"`
	Department        *string `json:"department"`
	EmployeeID        *string `json:"employeeId"`
	TelephoneNumber   *string `json:"telephoneNumber"`
	StreetAddress     *string `json:"streetAddress"`
	City              *string `json:"city"`
	State             *string `json:"state"`
	PostalCode        *string `json:"postalCode"`
	Country           *string `json:"country"`
	PreferredLanguage *string `json:"preferredLanguage"`
	Manager           *string `json:"manager"`
	AccountEnabled    *bool   `json:"accountEnabled"`
	Password          *string `json:"password"`
}

func (b *userBody) apply(u *User) {
	for _, f := range []struct {
		from *string
		to   *string
	}{
		{b.UserPrincipalName, &u.UserPrincipalName}, {b.Mail, &u.Mail}, {b.MailNickname, &u.MailNickname}, {b.GivenName, &u.GivenName},
		{b.Surname, &u.Surname}, {b.DisplayName, &u.DisplayName}, {b.JobTitle, &u.JobTitle}, {b.Department, &u.Department},
		{b.EmployeeID, &u.EmployeeID}, {b.TelephoneNumber, &u.TelephoneNumber}, {b.StreetAddress, &u.StreetAddress}, {b.City, &u.City},
		{b.State, &u.State}, {b.PostalCode, &u.PostalCode}, {b.Country, &u.Country}, {b.PreferredLanguage, &u.PreferredLanguage}, {b.Manager, &u.Manager},
	} {
		if f.from != nil {
			*f.to = *f.from
		}
	}
	if b.AccountEnabled != nil {
		u.AccountEnabled = *b.AccountEnabled
	}
}

func (t *Tenant) apiAddUser(r *http.Request) (any, error) {
	var b userBody
	if err := decode(r, &b, false); err != nil {
		return nil, err
	}
	if p := b.Password; p != nil && (len(*p) < minPassword || len(*p) > maxPassword) {
		return nil, fault.New(fault.Invalid, "A password has %d to %d characters.", minPassword, maxPassword).At("password")
	}
	u := User{AccountEnabled: true}
	b.apply(&u)
	u, err := t.AddUser(u)
	if err == nil && b.Password != nil {
		err = t.SetPassword(u.ID, *b.Password)
	}
	return made{u}, err
}

func (t *Tenant) apiPatchUser(r *http.Request) (any, error) {
	var b userBody
	if err := decode(r, &b, false); err != nil {
		return nil, err
	}
	u, err := t.UpdateUser(r.PathValue("user"), b.apply)
	if err == nil && b.Password != nil {
		err = t.SetPassword(u.ID, *b.Password)
	}
	return u, err
}

func (t *Tenant) apiPassword(r *http.Request) (any, error) {
	var b struct {
		Password string `json:"password"`
	}
	if err := decode(r, &b, false); err != nil {
		return nil, err
	}
	return nil, t.SetPassword(r.PathValue("user"), b.Password)
}

func (t *Tenant) apiAddGroup(r *http.Request) (any, error) {
	var b struct {
		DisplayName string   `json:"displayName"`
		Description string   `json:"description"`
		Members     []string `json:"members"`
	}
	if err := decode(r, &b, false); err != nil {
		return nil, err
	}
	g, err := t.AddGroup(Group{DisplayName: b.DisplayName, Description: b.Description, Members: b.Members})
	return made{g}, err
}

func (t *Tenant) apiPatchGroup(r *http.Request) (any, error) {
	var b struct {
		DisplayName *string `json:"displayName"`
		Description *string `json:"description"`
	}
	if err := decode(r, &b, false); err != nil {
		return nil, err
	}
	return t.UpdateGroup(r.PathValue("group"), b.DisplayName, b.Description)
}

func (t *Tenant) apiMembers(r *http.Request) (any, error) {
	g, err := t.Group(r.PathValue("group"))
	if err != nil {
		return nil, err
	}
	out := make([]Object, 0, len(g.Members))
	for _, id := range g.Members {
		if u, err := t.User(id); err == nil {
			out = append(out, Object{id, kindUser, u.UserPrincipalName})
		} else if n, err := t.Group(id); err == nil {
			out = append(out, Object{id, kindGroup, n.DisplayName})
		}
	}
	return list(out), nil
}

func (t *Tenant) apiAddMember(r *http.Request) (any, error) {
	var b struct {
		User  string `json:"user"`
		Group string `json:"group"`
	}
	if err := decode(r, &b, false); err != nil {
		return nil, err
	}
	if (b.User == "") == (b.Group == "") {
		return nil, fault.New(fault.Invalid, "Give either user or group.")
	}
	return nil, t.AddMember(r.PathValue("group"), b.User+b.Group)
}

func (t *Tenant) apiRemoveMember(r *http.Request) (any, error) {
	return nil, t.RemoveMember(r.PathValue("group"), r.PathValue("member"))
}

func (t *Tenant) apiAssign(r *http.Request) (any, error) {
	var b struct {
		Principal string `json:"principal"`
		Role      string `json:"role"`
	}
	if err := decode(r, &b, false); err != nil {
		return nil, err
	}
	return nil, t.Assign(b.Principal, b.Role)
}

func (t *Tenant) apiRun(r *http.Request) (any, error) {
	var b struct {
		Wait bool `json:"wait"`
	}
	if err := decode(r, &b, true); err != nil {
		return nil, err
	}
	if !b.Wait {
		return nil, t.RunSoon()
	}
	c, err := t.RunCycle(r.Context())
	if c.ID != "" {
		return c, nil // also when it ended badly: its result says so
	}
	return nil, err
}

func (t *Tenant) apiOnDemand(r *http.Request) (any, error) {
	var b struct {
		User    string   `json:"user"`
		Group   string   `json:"group"`
		Members []string `json:"members"`
	}
	if err := decode(r, &b, false); err != nil {
		return nil, err
	}
	if (b.User == "") == (b.Group == "") {
		return nil, fault.New(fault.Invalid, "Give either user or group.")
	}
	var entries []LogEntry
	var err error
	if b.User != "" {
		entries, err = t.OnDemandUser(r.Context(), b.User)
	} else {
		entries, err = t.OnDemandGroup(r.Context(), b.Group, b.Members)
	}
	if err != nil {
		return nil, err
	}
	return list(entries), nil
}

func (t *Tenant) apiDeletions(r *http.Request) (any, error) {
	var b struct {
		Allow *bool `json:"allow"`
	}
	if err := decode(r, &b, false); err != nil {
		return nil, err
	}
	if b.Allow == nil {
		return nil, fault.New(fault.Invalid, "Say allow: true or false.").At("allow")
	}
	return nil, t.Deletions(*b.Allow)
}

func (t *Tenant) apiLog(r *http.Request) (any, error) {
	limit := 100
	if s := r.URL.Query().Get("limit"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			return nil, fault.New(fault.Invalid, "limit is a number of entries, at least 1.").At("limit")
		}
		limit = n
	}
	return list(t.Log(limit)), nil
}

// RunSoon makes a cycle due now; the schedule runs it. Faults: Conflict when the job is stopped.
func (t *Tenant) RunSoon() error {
	defer t.nudge()
	return t.change(func(st *state) error {
		if !st.Job.Enabled {
			return fault.New(fault.Conflict, "The job is stopped. Start it, or run a cycle and wait for it.")
		}
		st.Job.NextRun = t.now()
		return nil
	})
}

// seconds turns the API's number into a duration.
func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
