package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"
)

type scimDifferenceView struct {
	Attribute string          `json:"attribute"`
	Before    json.RawMessage `json:"before,omitempty"`
	After     json.RawMessage `json:"after,omitempty"`
}

type scimResultView struct {
	Status   int    `json:"status"`
	Outcome  string `json:"outcome"`
	ScimType string `json:"scimType,omitempty"`
	Why      string `json:"why,omitempty"`
	Change   *struct {
		Action     string               `json:"action"`
		Attributes []scimDifferenceView `json:"attributes,omitempty"`
		Added      int                  `json:"added,omitempty"`
		AddedIDs   []string             `json:"addedIds,omitempty"`
		Removed    int                  `json:"removed,omitempty"`
		RemovedIDs []string             `json:"removedIds,omitempty"`
		Cut        bool                 `json:"cut,omitempty"`
	} `json:"change,omitempty"`
}

type scimResourceView struct {
	Kind       string `json:"kind,omitempty"`
	ResourceID string `json:"resourceId,omitempty"`
	ExternalID string `json:"externalId,omitempty"`
	Name       string `json:"name,omitempty"`
}

type scimRequestView struct {
	ID          string     `json:"id,omitempty"`
	Directory   string     `json:"directory"`
	At          *time.Time `json:"at,omitempty"`
	RequestID   string     `json:"requestId,omitempty"`
	TokenID     string     `json:"tokenId,omitempty"`
	Client      string     `json:"clientAddress,omitempty"`
	UserAgent   string     `json:"userAgent,omitempty"`
	Took        float64    `json:"milliseconds"`
	Method      string     `json:"method,omitempty"`
	Path        string     `json:"path,omitempty"`
	Query       string     `json:"query,omitempty"`
	ContentType string     `json:"contentType,omitempty"`
	IfMatch     string     `json:"ifMatch,omitempty"`
	IfNoneMatch string     `json:"ifNoneMatch,omitempty"`
	Body        string     `json:"body,omitempty"`
	BodySize    int        `json:"bodySize,omitempty"`
	BodyCut     bool       `json:"bodyCut,omitempty"`
	BodyProblem string     `json:"bodyProblem,omitempty"`
	scimResourceView
	scimResultView
	PartOf           string `json:"partOf,omitempty"`
	Operation        int    `json:"operation,omitempty"`
	Operations       int    `json:"operations,omitempty"`
	FailedOperations int    `json:"failedOperations,omitempty"`
	Lost             int    `json:"lost,omitempty"`
}

type scimReplayView struct {
	ID      string          `json:"id,omitempty"`
	Method  string          `json:"method"`
	Path    string          `json:"path"`
	Skipped string          `json:"skipped,omitempty"`
	Then    *scimResultView `json:"then,omitempty"`
	Now     *struct {
		scimResourceView
		scimResultView
		Operations []scimRequestView `json:"operations,omitempty"`
	} `json:"now,omitempty"`
	Same bool `json:"same"`
}

// oneLine makes text that a stranger may have sent safe for a terminal.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return '\uFFFD'
		}
		return r
	}, s)
}

func (r scimResultView) summary() string {
	out := fmt.Sprintf("%d %s", r.Status, r.Outcome)
	if r.Change != nil && r.Change.Action != r.Outcome {
		out += " (" + r.Change.Action + ")"
	}
	return out
}

// details prints what was refused or changed, indented.
func (r scimResultView) details(w io.Writer, indent string) {
	if r.Why != "" {
		fmt.Fprintf(w, "%swhy       %s\n", indent, oneLine(strings.TrimSpace(r.ScimType+" "+r.Why)))
	}
	if r.Change == nil {
		return
	}
	for _, d := range r.Change.Attributes {
		fmt.Fprintf(w, "%schange    %s: %s → %s\n", indent, oneLine(d.Attribute), jsonOr(d.Before), jsonOr(d.After))
	}
	for _, m := range []struct {
		what string
		n    int
		ids  []string
	}{{"added", r.Change.Added, r.Change.AddedIDs}, {"removed", r.Change.Removed, r.Change.RemovedIDs}} {
		if m.n > 0 {
			more := ""
			if m.n > len(m.ids) {
				more = " …"
			}
			fmt.Fprintf(w, "%s%-9s %d members: %s%s\n", indent, m.what, m.n, strings.Join(m.ids, " "), more)
		}
	}
	if r.Change.Cut {
		fmt.Fprintf(w, "%schange    … (cut)\n", indent)
	}
}

func jsonOr(v json.RawMessage) string {
	if len(v) == 0 {
		return "none"
	}
	return oneLine(string(v))
}

func (r scimRequestView) target() string {
	path := strings.TrimPrefix(r.Path, "/scim/"+r.Directory+"/v2")
	if r.Query != "" {
		path += "?" + r.Query
	}
	return oneLine(r.Method + " " + path)
}

func (r scimRequestView) time() string {
	if r.At == nil {
		return ""
	}
	return r.At.Format("2006-01-02 15:04:05.000")
}

func (r scimRequestView) print(c *cobra.Command) {
	w := c.OutOrStdout()
	for _, l := range []struct{ name, value string }{
		{"request", r.ID}, {"time", r.time()}, {"directory", r.Directory}, {"asked", r.target()}, {"about", strings.TrimSpace(r.Kind + " " + r.ResourceID + " " + r.Name)},
		{"external", r.ExternalID}, {"answer", fmt.Sprintf("%s in %g ms", r.summary(), r.Took)}, {"from", r.Client}, {"client", r.UserAgent}, {"token", r.TokenID}, {"id sent", r.RequestID}, {"part of", r.PartOf},
	} {
		if l.value != "" {
			fmt.Fprintf(w, "%-9s %s\n", l.name, oneLine(l.value))
		}
	}
	if r.Operations > 0 {
		fmt.Fprintf(w, "bulk      %d operations, %d failed\n", r.Operations, r.FailedOperations)
	}
	if r.Lost > 0 {
		fmt.Fprintf(w, "lost      %d requests\n", r.Lost)
	}
	r.details(w, "")
	switch {
	case r.BodyProblem != "":
		fmt.Fprintf(w, "body      %d bytes, %s\n", r.BodySize, r.BodyProblem)
	case r.BodyCut:
		fmt.Fprintf(w, "body      %d bytes, of which this is the beginning:\n%s\n", r.BodySize, oneLine(r.Body))
	case r.Body != "":
		fmt.Fprintf(w, "body      %d bytes:\n%s\n", r.BodySize, oneLine(r.Body))
	}
}

func (r scimReplayView) print(c *cobra.Command) {
	w := c.OutOrStdout()
	fmt.Fprintln(w, oneLine(strings.TrimSpace(r.ID+" "+r.Method+" "+r.Path)))
	if r.Then != nil {
		fmt.Fprintf(w, "  then    %s\n", r.Then.summary())
	}
	if r.Now == nil {
		fmt.Fprintf(w, "  skipped %s\n", r.Skipped)
		return
	}
	fmt.Fprintf(w, "  now     %s\n", r.Now.summary())
	r.Now.details(w, "  ")
	for _, o := range r.Now.Operations {
		fmt.Fprintf(w, "  %d       %s: %s\n", o.Operation, o.target(), o.summary())
		o.details(w, "    ")
	}
}

// moment reads a time, or how long ago it was ("2h"), and writes it as the API takes it.
func moment(flag, s string) (string, error) {
	if s == "" {
		return "", nil
	}
	if d, err := time.ParseDuration(s); err == nil {
		return time.Now().Add(-d.Abs()).UTC().Format(time.RFC3339Nano), nil
	}
	if _, err := time.Parse(time.RFC3339, s); err != nil {
		return "", usagef("--%s takes a time (2026-11-28T09:00:00Z) or how long ago it was (2h), not %q", flag, s)
	}
	return s, nil
}

// timeFlags adds --since and --until.
func timeFlags(c *cobra.Command) {
	c.Flags().String("since", "", "not before this time: 2026-11-28T09:00:00Z, or 2h for two hours ago")
	c.Flags().String("until", "", "before this time")
}

func times(c *cobra.Command) (since, until string, err error) {
	s, _ := c.Flags().GetString("since")
	if since, err = moment("since", s); err != nil {
		return "", "", err
	}
	u, _ := c.Flags().GetString("until")
	until, err = moment("until", u)
	return since, until, err
}

type scimRequestsPage struct {
	Requests []scimRequestView `json:"requests"`
	Next     string            `json:"next"`
}

// newest reads pages of a listing that goes back in time, each of most things at most, until there are as many as wanted, or no more. take is given each page and says how many it
// has, and where the listing goes on.
func newest[P any](c *cobra.Command, path string, q url.Values, most, limit int, take func(P) (n int, next string)) error {
	cl, err := client(c)
	if err != nil {
		return err
	}
	for {
		q.Set("limit", strconv.Itoa(min(limit, most)))
		var page P
		if err := cl.Do(c.Context(), http.MethodGet, path+"?"+q.Encode(), nil, &page); err != nil {
			return err
		}
		n, next := take(page)
		if limit -= n; next == "" || limit <= 0 {
			return nil
		}
		q.Set("before", next)
	}
}

// scimRequests lists as many requests as wanted, if there are.
func scimRequests(c *cobra.Command, q url.Values, limit int) (scimRequestsPage, error) {
	all := scimRequestsPage{Requests: []scimRequestView{}}
	err := newest(c, directoryPath(c)+"/scim-requests", q, 200, limit, func(page scimRequestsPage) (int, string) {
		all.Requests, all.Next = append(all.Requests, page.Requests...), page.Next
		return len(page.Requests), page.Next
	})
	return all, err
}

// narrowed puts the flags that were given, by the names of the parameters, and the times of timeFlags into a query.
func narrowed(c *cobra.Command, names map[string]string) (url.Values, error) {
	q := url.Values{}
	for flag, name := range names {
		if v, _ := c.Flags().GetString(flag); v != "" {
			q.Set(name, v)
		}
	}
	since, until, err := times(c)
	for name, v := range map[string]string{"since": since, "until": until} {
		if v != "" {
			q.Set(name, v)
		}
	}
	return q, err
}

// howMany is how many things a listing is to have.
func howMany(c *cobra.Command) (int, error) {
	limit, _ := c.Flags().GetInt("limit")
	if limit < 1 {
		return 0, usagef("--limit takes a number from 1 on")
	}
	return limit, nil
}

func listRequestsCommand() *cobra.Command {
	c := &cobra.Command{Use: "list", Short: "List SCIM requests, newest first", Args: noArgs,
		Example: "  gatehouse directory requests list --outcome refused --since 2h\n  gatehouse directory requests list --name ann@contoso.com --json",
		RunE: func(c *cobra.Command, _ []string) error {
			q, err := narrowed(c, map[string]string{
				"outcome": "outcome", "resource": "resource", "external-id": "externalId", "name": "name", "method": "method", "kind": "kind", "before": "before",
			})
			if err != nil {
				return err
			}
			if n, _ := c.Flags().GetInt("status"); n != 0 {
				q.Set("status", strconv.Itoa(n))
			}
			limit, err := howMany(c)
			if err != nil {
				return err
			}
			page, err := scimRequests(c, q, limit)
			if err != nil {
				return err
			}
			return printed(c, page, func(page scimRequestsPage) {
				t := newTable(c, "REQUEST", "TIME", "ANSWER", "ASKED", "ABOUT", "WHY")
				for _, r := range page.Requests {
					t.row(r.ID, r.time(), r.summary(), r.target(), oneLine(r.Name), oneLine(r.Why))
				}
				t.flush()
				if page.Next != "" {
					fmt.Fprintf(c.OutOrStdout(), "There are more: --before %s\n", page.Next)
				}
			})
		}}
	c.Flags().String("outcome", "", "changed, unchanged, read, refused, failed, unauthenticated or gap")
	c.Flags().String("resource", "", "the id of a user or group")
	c.Flags().String("external-id", "", "the externalId of a user or group")
	c.Flags().String("name", "", "a userName, or the displayName of a group")
	c.Flags().String("method", "", "GET, POST, PUT, PATCH or DELETE")
	c.Flags().String("kind", "", "User or Group")
	c.Flags().Int("status", 0, "the HTTP status")
	c.Flags().Int("limit", 50, "how many")
	c.Flags().String("before", "", "go on behind this request")
	timeFlags(c)
	return c
}

// scimRequestID is how the log calls requests.
var scimRequestID = regexp.MustCompile(`^[0-9a-f]{14}-[0-9a-f]{8}$`)

func replayCommand() *cobra.Command {
	c := &cobra.Command{Use: "replay [REQUEST...]", Short: "What would become of logged SCIM requests now; nothing is changed",
		Long: `Answers logged requests again, in the order in which they came, against what is there now. Each sees what those before it would have
changed; at the end everything is undone. Give requests, or --since for all of a time (a hundred at once; --after goes on).`,
		Example: "  gatehouse directory requests replay 06614c2e808a1d-c09d57d6\n  gatehouse directory requests replay --since 1h --outcome refused", Args: func(c *cobra.Command, args []string) error {
			for _, a := range args {
				if !scimRequestID.MatchString(a) {
					return usagef("%q is no request's name; `gatehouse directory requests list` shows them", a)
				}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			since, until, err := times(c)
			if err != nil {
				return err
			}
			if (len(args) > 0) == (since != "") {
				return usagef("%s takes requests, or --since", c.CommandPath())
			}
			in := map[string]any{"ids": args}
			if since != "" {
				r := map[string]any{"since": since}
				outcome, _ := c.Flags().GetString("outcome")
				after, _ := c.Flags().GetString("after")
				for name, v := range map[string]string{"until": until, "outcome": outcome, "after": after} {
					if v != "" {
						r[name] = v
					}
				}
				in = map[string]any{"range": r}
			}
			return replayed(c, in)
		}}
	timeFlags(c)
	c.Flags().String("outcome", "", "with --since: only requests of this outcome")
	c.Flags().String("after", "", "with --since: go on behind this request")
	return c
}

func replayed(c *cobra.Command, in any) error {
	type out struct {
		Replays []scimReplayView `json:"replays"`
		Next    string           `json:"next"`
	}
	return call(c, http.MethodPost, directoryPath(c)+"/scim-requests/replay", in, func(o out) {
		for _, r := range o.Replays {
			r.print(c)
		}
		if len(o.Replays) == 0 {
			fmt.Fprintln(c.OutOrStdout(), "There was no such request.")
		}
		if o.Next != "" {
			fmt.Fprintf(c.OutOrStdout(), "There are more: --after %s\n", o.Next)
		}
	})
}

func tryCommand() *cobra.Command {
	c := &cobra.Command{Use: "try METHOD PATH", Short: "What would become of a SCIM request that nobody made; nothing is changed",
		Long: `Answers a request as if the directory's client had made it. PATH is below the directory's SCIM address. With --file several are tried one
after the other: a JSON array of {"method":…,"path":…,"query":…,"body":…}.`,
		Example: "  gatehouse directory requests try POST /Users --body user.json\n  gatehouse directory requests try --file requests.json",
		RunE: func(c *cobra.Command, args []string) error {
			file, _ := c.Flags().GetString("file")
			body, _ := c.Flags().GetString("body")
			switch {
			case file != "" && (len(args) > 0 || body != ""):
				return usagef("%s takes --file, or a method and a path", c.CommandPath())
			case file != "":
				tries, err := readJSON(file)
				if err != nil {
					return err
				}
				return replayed(c, map[string]any{"try": tries})
			case len(args) != 2:
				return usagef("%s takes METHOD and PATH", c.CommandPath())
			}
			path, query, _ := strings.Cut(args[1], "?")
			try := map[string]any{"method": strings.ToUpper(args[0]), "path": path}
			if query != "" {
				try["query"] = query
			}
			if body != "" {
				b, err := readJSON(body)
				if err != nil {
					return err
				}
				try["body"] = b
			}
			return replayed(c, map[string]any{"try": []any{try}})
		}}
	c.Flags().String("body", "", "a file with the body, JSON; - for standard input")
	c.Flags().String("file", "", "a file with several requests; - for standard input")
	return c
}

// readJSON reads a file, or standard input for "-".
func readJSON(name string) (json.RawMessage, error) {
	var b []byte
	var err error
	if name == "-" {
		b, err = io.ReadAll(io.LimitReader(os.Stdin, 2<<20))
	} else {
		b, err = os.ReadFile(name)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the request: %w", err)
	}
	if !json.Valid(b) {
		return nil, fmt.Errorf("%s is not JSON", name)
	}
	return b, nil
}

// requestsCommand is the log of SCIM requests.
func requestsCommand() *cobra.Command {
	list, replay, try := listRequestsCommand(), replayCommand(), tryCommand()
	show := &cobra.Command{Use: "show REQUEST", Short: "Show one SCIM request: what was asked, why it was refused, what it changed", Args: exactly("REQUEST"),
		Example: "  gatehouse directory requests show 06614c2e808a1d-c09d57d6",
		RunE: func(c *cobra.Command, args []string) error {
			return call(c, http.MethodGet, directoryPath(c)+"/scim-requests/"+segment(args[0]), nil, func(r scimRequestView) { r.print(c) })
		}}
	for _, c := range []*cobra.Command{list, show, replay, try} {
		administered(jsonFlag(directoryFlag(c)))
	}
	return family("requests", "What directories' SCIM clients asked for, and what would become of it now", list, show, replay, try)
}
