package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gatehouse/internal/adminclient"
	"gatehouse/internal/app"
)

// administered adds to a command the flags by which it finds its server.
func administered(c *cobra.Command) *cobra.Command {
	c.Flags().String("data", "", "data directory of the server (default: the environment that \"gatehouse env\" printed, else the usual directory)")
	return c
}

// client finds the server and its access key: the data directory named by --data, else the environment that
// `gatehouse env` prints, else the usual data directory.
func client(c *cobra.Command) (*adminclient.Client, error) {
	get := os.Getenv
	data, _ := c.Flags().GetString("data")
	if data == "" && os.Getenv("GATEHOUSE_URL") == "" {
		data = app.DefaultData("gatehouse")
	}
	if data != "" {
		env, err := app.ReadEnvironment(data)
		if err != nil {
			return nil, err
		}
		get = func(k string) string { return env[k] }
	}
	cl := &adminclient.Client{
		URL: get("GATEHOUSE_URL"), Region: get("AWS_REGION"), AccessKeyID: get("AWS_ACCESS_KEY_ID"), SecretAccessKey: get("AWS_SECRET_ACCESS_KEY"),
		HTTP: &http.Client{Timeout: 30 * time.Second}, Now: time.Now,
	}
	if data == "" {
		cl.SessionToken = get("AWS_SESSION_TOKEN")
	}
	if cl.AccessKeyID == "" || cl.SecretAccessKey == "" {
		return nil, fmt.Errorf("there is no access key in the environment; run eval \"$(gatehouse env --data DIR)\" or give --data DIR")
	}
	return cl, nil
}

// call sends one request and prints the answer: as JSON with --json, else by show. JSON is asked for with the flag of
// that name, which the command must have if show is not nil.
func call[T any](c *cobra.Command, method, path string, in any, show func(T)) error {
	cl, err := client(c)
	if err != nil {
		return err
	}
	var out T
	if err := cl.Do(c.Context(), method, path, in, &out); err != nil {
		return err
	}
	return printed(c, out, show)
}

// printed prints a result as JSON, or as show does.
func printed[T any](c *cobra.Command, out T, show func(T)) error {
	if asJSON, _ := c.Flags().GetBool("json"); asJSON {
		return printJSON(c, out)
	}
	show(out)
	return nil
}

func printJSON(c *cobra.Command, v any) error {
	e := json.NewEncoder(c.OutOrStdout())
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

func jsonFlag(c *cobra.Command) *cobra.Command {
	c.Flags().Bool("json", false, "print JSON")
	return c
}

// directoryFlag names the identity source a command is about.
func directoryFlag(c *cobra.Command) *cobra.Command {
	c.Flags().String("directory", "default", "identity source")
	return c
}

func directoryPath(c *cobra.Command) string {
	d, _ := c.Flags().GetString("directory")
	return "/directories/" + segment(d)
}

type directoryView struct {
	ID              string `json:"id"`
	Name            string `json:"name"`
	Profile         string `json:"profile"`
	LocalUsers      bool   `json:"localUsers"`
	NestedGroups    string `json:"nestedGroups"`
	Removing        string `json:"removing,omitempty"`
	SCIMURL         string `json:"scimUrl"`
	SAMLMetadataURL string `json:"samlMetadataUrl"`
	SAMLACSURL      string `json:"samlAcsUrl"`
	SAMLLogoutURL   string `json:"samlLogoutUrl"`
	IDP             *struct {
		EntityID          string            `json:"entityId"`
		MetadataURL       string            `json:"metadataUrl"`
		Certificates      []certificateView `json:"certificates"`
		Signers           []certificateView `json:"metadataCertificates"`
		AllowIDPInitiated bool              `json:"allowIdpInitiated"`
		JustInTime        bool              `json:"justInTime"`
		SignRequests      bool              `json:"signRequests"`
		SingleLogout      bool              `json:"singleLogout"`
		Check             *struct {
			CheckedAt time.Time  `json:"checkedAt"`
			GoodAt    *time.Time `json:"goodAt,omitempty"`
			Problem   string     `json:"problem,omitempty"`
		} `json:"metadataCheck,omitempty"`
		Warnings       []string         `json:"warnings"`
		OwnCertificate *certificateView `json:"signingCertificate,omitempty"`
	} `json:"idp,omitempty"`

	IDPRemoving bool       `json:"idpRemoving,omitempty"`
	Owners      ownersView `json:"owners"`
}

type certificateView struct {
	Subject  string    `json:"subject"`
	NotAfter time.Time `json:"notAfter"`
	SHA256   string    `json:"sha256"`
}

func (x certificateView) String() string {
	return fmt.Sprintf("%s, until %s, SHA-256 %s", x.Subject, x.NotAfter.Format(time.DateOnly), x.SHA256)
}

func (d directoryView) print(c *cobra.Command) {
	w := c.OutOrStdout()
	fmt.Fprintf(w, "directory      %s (%s)\nSCIM URL       %s\nSAML metadata  %s\nSAML ACS       %s\nSAML logout    %s\n", d.ID, d.Name, d.SCIMURL, d.SAMLMetadataURL, d.SAMLACSURL, d.SAMLLogoutURL)
	if d.Owners.Local != "refuse" || len(d.Owners.Directories) > 0 {
		fmt.Fprintf(w, "adopts         see `gatehouse directory owners %s`\n", d.ID)
	}
	if d.NestedGroups == "expand" {
		fmt.Fprintln(w, "groups         may have groups as members")
	}
	if d.Removing != "" {
		fmt.Fprintf(w, "state          being removed (%s); `gatehouse directory remove %s --people %s` goes on with it\n", d.Removing, d.ID, d.Removing)
	}
	if d.IDPRemoving {
		fmt.Fprintf(w, "IdP            being removed; `gatehouse idp remove --directory %s` goes on with it\n", d.ID)
		return
	}
	if d.IDP == nil {
		fmt.Fprintln(w, "IdP            none; set one with `gatehouse idp set --metadata FILE_OR_URL`")
		return
	}
	fmt.Fprintf(w, "IdP            %s\n", d.IDP.EntityID)
	for _, x := range d.IDP.Certificates {
		fmt.Fprintf(w, "  certificate  %s\n", x)
	}
	if d.IDP.MetadataURL != "" {
		fmt.Fprintf(w, "  metadata     %s\n", d.IDP.MetadataURL)
	}
	for _, x := range d.IDP.Signers {
		fmt.Fprintf(w, "  signed by    %s\n", x)
	}
	if c := d.IDP.Check; c != nil {
		fmt.Fprintf(w, "  asked        %s\n", c.CheckedAt.Format(time.DateTime))
	}
	for _, o := range []struct {
		on   bool
		what string
	}{{d.IDP.AllowIDPInitiated, "sign-in may begin at the provider"}, {d.IDP.JustInTime, "unknown users are made"}, {d.IDP.SignRequests, "requests are signed"}, {d.IDP.SingleLogout, "signing out here signs out there"}} {
		if o.on {
			fmt.Fprintf(w, "  setting      %s\n", o.what)
		}
	}
	if x := d.IDP.OwnCertificate; x != nil {
		fmt.Fprintf(w, "  our key      %s\n", x)
	}
	for _, x := range d.IDP.Warnings {
		fmt.Fprintf(w, "  warning      %s\n", x)
	}
}

func idpCommand() *cobra.Command {
	set := &cobra.Command{
		Use: "set --metadata FILE_OR_URL", Short: "Trust an identity provider for sign-in", Args: noArgs,
		Example: "  gatehouse idp set --metadata https://login.microsoftonline.com/TENANT/federationmetadata/2007-06/federationmetadata.xml?appid=APP\n  gatehouse idp set --metadata idp.xml --idp-initiated",
		RunE: func(c *cobra.Command, _ []string) error {
			in := map[string]any{}
			src, _ := c.Flags().GetString("metadata")
			switch {
			case src == "":
				return usagef("idp set needs --metadata FILE_OR_URL")
			case strings.HasPrefix(src, "https://") || strings.HasPrefix(src, "http://"):
				in["metadataUrl"] = src
			default:
				b, err := os.ReadFile(src)
				if err != nil {
					return fmt.Errorf("reading the metadata: %w", err)
				}
				in["metadata"] = string(b)
			}
			in["allowIdpInitiated"], _ = c.Flags().GetBool("idp-initiated")
			in["justInTime"], _ = c.Flags().GetBool("just-in-time")
			in["name"], _ = c.Flags().GetString("name")
			in["signRequests"], _ = c.Flags().GetBool("sign-requests")
			in["singleLogout"], _ = c.Flags().GetBool("single-logout")
			if file, _ := c.Flags().GetString("metadata-certificate"); file != "" {
				b, err := os.ReadFile(file)
				if err != nil {
					return fmt.Errorf("reading the metadata's certificate: %w", err)
				}
				in["metadataCertificates"] = string(b)
			}
			return call(c, http.MethodPut, directoryPath(c)+"/idp", in, func(d directoryView) { d.print(c) })
		},
	}
	set.Flags().String("metadata", "", "the identity provider's SAML metadata: a file or a URL")
	set.Flags().Bool("idp-initiated", false, "accept sign-ins that begin at the identity provider")
	set.Flags().Bool("just-in-time", false, "create unknown users at their first sign-in")
	set.Flags().String("name", "", "the name shown on the sign-in page")
	set.Flags().Bool("sign-requests", false, "sign requests to sign in; give this server's SAML metadata to the provider again afterwards")
	set.Flags().Bool("single-logout", false, "sign out at the provider too when somebody signs out here")
	set.Flags().String("metadata-certificate", "", "certificates (a PEM file), one of which must have signed the metadata at the URL, now and at every refresh")
	show := &cobra.Command{Use: "show", Short: "Show the identity provider and this server's SAML addresses", Args: noArgs, Example: "  gatehouse idp show --json",
		RunE: func(c *cobra.Command, _ []string) error {
			return call(c, http.MethodGet, directoryPath(c), nil, func(d directoryView) { d.print(c) })
		}}
	remove := &cobra.Command{Use: "remove", Short: "Trust no identity provider any more", Args: noArgs, Example: "  gatehouse idp remove",
		Long: `The sessions that people began through the identity provider end, with the credentials of roles that these people have. From the first moment
none of these sessions opens anything; a removal that was interrupted goes on when it is asked for again, and by itself after half a minute.`,
		RunE: removeProvider}
	refresh := &cobra.Command{Use: "refresh", Short: "Ask for the identity provider's metadata again, now", Args: noArgs, Example: "  gatehouse idp refresh",
		RunE: func(c *cobra.Command, _ []string) error {
			return call(c, http.MethodPost, directoryPath(c)+"/idp/refresh", nil, func(d directoryView) { d.print(c) })
		}}
	for _, c := range []*cobra.Command{set, show, refresh, remove} {
		administered(jsonFlag(directoryFlag(c)))
	}
	failures := failuresCommand()
	administered(jsonFlag(failures))
	return family("idp", "The identity provider people sign in with (SAML)", set, show, refresh, failures, remove)
}

// removeProvider asks until the identity provider is gone; the server works on it for some seconds at a time.
func removeProvider(c *cobra.Command, _ []string) error {
	cl, err := client(c)
	if err != nil {
		return err
	}
	for {
		var d directoryView
		if err := cl.Do(c.Context(), http.MethodDelete, directoryPath(c)+"/idp", nil, &d); err != nil {
			return err
		}
		if !d.IDPRemoving {
			return printed(c, d, func(d directoryView) { d.print(c) })
		}
		fmt.Fprintln(c.ErrOrStderr(), "removing: sessions are left")
	}
}

type failureView struct {
	Ref       string    `json:"ref"`
	At        time.Time `json:"at"`
	Directory string    `json:"directory"`
	Vouched   bool      `json:"vouched"`
	Reason    string    `json:"reason"`
	Why       string    `json:"why"`
	Advice    string    `json:"advice"`
	Client    string    `json:"clientAddress"`
	RequestID string    `json:"requestId,omitempty"`
	Expires   time.Time `json:"expires"`
	Message   string    `json:"message,omitempty"`
}

// failuresCommand lists sign-ins that failed, or shows the one whose reference is given.
func failuresCommand() *cobra.Command {
	c := &cobra.Command{Use: "failures [REF]", Short: "Sign-ins that failed, and why; with a reference, the message as well", Args: atMost("one reference"),
		Example: "  gatehouse idp failures --limit 20\n  gatehouse idp failures 5b0e7c1a-3a0f-4b52-9d0c-2f6a1c1f9e77",
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 {
				return call(c, http.MethodGet, "/sign-in-failures/"+segment(args[0]), nil, func(f failureView) {
					signed := "no: anybody can have sent it"
					if f.Vouched {
						signed = "yes, by the identity provider"
					}
					fmt.Fprintf(c.OutOrStdout(), "reference  %s\ntime       %s\ndirectory  %s\nfrom       %s\nsigned     %s\nreason     %s\n\n%s\n%s\n", f.Ref, f.At.Format(time.DateTime), f.Directory, f.Client, signed, f.Reason, f.Why, f.Advice)
					if f.Message != "" {
						fmt.Fprintf(c.OutOrStdout(), "\n%s", f.Message)
					}
				})
			}
			limit, _ := c.Flags().GetInt("limit")
			type out struct {
				Failures []failureView `json:"failures"`
				Next     string        `json:"next"`
			}
			return call(c, http.MethodGet, fmt.Sprintf("/sign-in-failures?limit=%d", limit), nil, func(o out) {
				t := newTable(c, "REFERENCE", "TIME", "DIRECTORY", "REASON", "WHY")
				for _, f := range o.Failures {
					t.row(f.Ref, f.At.Format(time.DateTime), f.Directory, f.Reason, f.Why)
				}
				t.flush()
			})
		}}
	c.Flags().Int("limit", 50, "how many, at most 200")
	return c
}

func directoryCommand() *cobra.Command {
	create := &cobra.Command{Use: "create ID", Short: "Add an identity source", Args: exactly("ID"), Example: "  gatehouse directory create contoso --name 'Contoso' --profile aws",
		RunE: func(c *cobra.Command, args []string) error {
			in := map[string]any{"id": args[0]}
			in["name"], _ = c.Flags().GetString("name")
			in["profile"], _ = c.Flags().GetString("profile")
			in["localUsers"], _ = c.Flags().GetBool("local-users")
			return call(c, http.MethodPost, "/directories", in, func(d directoryView) { d.print(c) })
		}}
	create.Flags().String("name", "", "the name shown on the sign-in page")
	create.Flags().String("profile", "rfc", "how strictly its SCIM door speaks: rfc or aws")
	create.Flags().Bool("local-users", false, "let users made by hand sign in through it")
	list := &cobra.Command{Use: "list", Short: "List identity sources", Args: noArgs, Example: "  gatehouse directory list --json",
		RunE: func(c *cobra.Command, _ []string) error {
			type out struct {
				Directories []directoryView `json:"directories"`
			}
			return call(c, http.MethodGet, "/directories", nil, func(o out) {
				for _, d := range o.Directories {
					d.print(c)
				}
			})
		}}
	guard := guardCommand()
	for _, c := range []*cobra.Command{create, list, guard} {
		administered(jsonFlag(c))
	}
	return family("directory", "Identity sources", create, list, ownersCommand(), nestingCommand(), guard, requestsCommand(), domainsCommand(), builtInCommand(), removeDirectoryCommand())
}

type guardView struct {
	Off            bool       `json:"off"`
	Share          int        `json:"share"`
	Least          int        `json:"least"`
	Held           bool       `json:"held"`
	Since          *time.Time `json:"since,omitempty"`
	Users          int        `json:"users"`
	Groups         int        `json:"groups"`
	UsersRemoved   int        `json:"usersRemoved"`
	GroupsRemoved  int        `json:"groupsRemoved"`
	HeldAt         *time.Time `json:"heldAt,omitempty"`
	Refused        int        `json:"refused"`
	ConfirmedUntil *time.Time `json:"confirmedUntil,omitempty"`
}

func (g guardView) print(c *cobra.Command) {
	w := c.OutOrStdout()
	state := "nothing is held"
	switch {
	case g.Off:
		state = "off; everything is let through"
	case g.Held:
		state = fmt.Sprintf("HELD since %s; %d removals were refused. Say --confirm 2h if they are meant, --forget if they were a mistake", g.HeldAt.Format(time.DateTime), g.Refused)
	case g.ConfirmedUntil != nil && g.ConfirmedUntil.After(time.Now()):
		state = "confirmed; everything is let through until " + g.ConfirmedUntil.Format(time.DateTime)
	}
	fmt.Fprintf(w, "allowed  %d of a hundred in a day, and %d in any case\nremoved  %d of %d users, %d of %d groups\nstate    %s\n",
		g.Share, g.Least, g.UsersRemoved, g.Users, g.GroupsRemoved, g.Groups, state)
}

func guardCommand() *cobra.Command {
	c := &cobra.Command{Use: "guard ID", Short: "Show, set, confirm or forget what a directory's client may take away", Args: exactly("ID"),
		Long: `A SCIM client that disables or deletes more than a share of its people or groups within a day is held: further removals are refused until
they are confirmed. Without a flag this shows what was counted.`,
		Example: "  gatehouse directory guard default\n  gatehouse directory guard default --confirm 2h\n  gatehouse directory guard default --share 10 --least 5",
		RunE: func(c *cobra.Command, args []string) error {
			path := "/directories/" + segment(args[0]) + "/guard"
			confirm, _ := c.Flags().GetDuration("confirm")
			forget, _ := c.Flags().GetBool("forget")
			share, _ := c.Flags().GetInt("share")
			least, _ := c.Flags().GetInt("least")
			off, _ := c.Flags().GetBool("off")
			setting := c.Flags().Changed("share") || c.Flags().Changed("least") || c.Flags().Changed("off")
			show := func(g guardView) { g.print(c) }
			switch confirming := c.Flags().Changed("confirm"); {
			case confirming && (forget || setting) || forget && setting:
				return usagef("directory guard takes one of --confirm, --forget, and a setting (--share, --least, --off)")
			case confirming:
				return call(c, http.MethodPost, path+"/confirm", map[string]int{"minutes": int(confirm / time.Minute)}, show)
			case forget:
				return call(c, http.MethodPost, path+"/forget", nil, show)
			case setting:
				return call(c, http.MethodPut, path, map[string]any{"share": share, "least": least, "off": off}, show)
			}
			return call(c, http.MethodGet, path, nil, show)
		}}
	c.Flags().Duration("confirm", 0, "let everything through for so long (1m to 168h): it is meant")
	c.Flags().Bool("forget", false, "count anew: it was a mistake, and is mended")
	c.Flags().Int("share", 0, "how many of a hundred may go in a day (0: the default, 20)")
	c.Flags().Int("least", 0, "how many may go in any case (0: the default, 20)")
	c.Flags().Bool("off", false, "let everything through, always")
	return c
}

type tokenView struct {
	ID         string     `json:"id"`
	Token      string     `json:"token,omitempty"`
	URL        string     `json:"url"`
	Expires    time.Time  `json:"expires"`
	CreatedAt  time.Time  `json:"createdAt"`
	LastUsedAt *time.Time `json:"lastUsedAt,omitempty"`
}

func scimTokenCommand() *cobra.Command {
	create := &cobra.Command{Use: "create", Short: "Make a SCIM token and show it, once", Args: noArgs, Example: "  gatehouse scim-token create --json",
		RunE: func(c *cobra.Command, _ []string) error {
			days, _ := c.Flags().GetInt("days")
			return call(c, http.MethodPost, directoryPath(c)+"/scim-tokens", map[string]int{"days": days}, func(t tokenView) {
				fmt.Fprintf(c.OutOrStdout(), "token    %s\nURL      %s\nexpires  %s\nThe token is not shown again.\n", t.Token, t.URL, t.Expires.Format(time.DateOnly))
			})
		}}
	create.Flags().Int("days", 365, "how long it lives")
	list := &cobra.Command{Use: "list", Short: "List SCIM tokens", Args: noArgs, Example: "  gatehouse scim-token list",
		RunE: func(c *cobra.Command, _ []string) error {
			type out struct {
				Tokens []tokenView `json:"tokens"`
			}
			return call(c, http.MethodGet, directoryPath(c)+"/scim-tokens", nil, func(o out) {
				t := newTable(c, "ID", "CREATED", "EXPIRES", "LAST USED")
				for _, x := range o.Tokens {
					used := "never"
					if x.LastUsedAt != nil {
						used = x.LastUsedAt.Format(time.DateTime)
					}
					t.row(x.ID, x.CreatedAt.Format(time.DateOnly), x.Expires.Format(time.DateOnly), used)
				}
				t.flush()
			})
		}}
	remove := &cobra.Command{Use: "delete ID", Short: "Revoke a SCIM token at once", Args: exactly("ID"), Example: "  gatehouse scim-token delete 0b0c…",
		RunE: func(c *cobra.Command, args []string) error {
			return call(c, http.MethodDelete, directoryPath(c)+"/scim-tokens/"+segment(args[0]), nil, func(struct{}) { fmt.Fprintln(c.OutOrStdout(), "revoked") })
		}}
	for _, c := range []*cobra.Command{create, list, remove} {
		administered(jsonFlag(directoryFlag(c)))
	}
	return family("scim-token", "Tokens with which an identity provider pushes people and groups", create, list, remove)
}
