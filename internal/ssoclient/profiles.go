package ssoclient

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Profile is one role in one account, for the AWS CLI's configuration file.
type Profile struct{ AccountID, AccountName, Role string }

// Markers bound the part of the configuration file that is ours; the rest is never touched.
func markers(session string) (begin, end string) {
	return "# begin gatehouse " + session + " (written by `gatehouse configure`; changes between these lines are lost)", "# end gatehouse " + session
}

var notInName = regexp.MustCompile(`[^A-Za-z0-9]+`)

// ProfileName is <account-name>-<Role> in letters, digits and dashes. The slashes of an account's own role become dashes.
func (p Profile) ProfileName() string {
	return p.account() + "-" + strings.ReplaceAll(p.Role, "/", "-")
}

func (p Profile) account() string {
	return strings.Trim(notInName.ReplaceAllString(strings.ToLower(p.AccountName), "-"), "-")
}

// Section writes the sso-session and a profile for each role. Profiles whose names would be the same get the account's number.
func (c *Client) Section(ps []Profile) string {
	count := map[string]int{}
	for _, p := range ps {
		count[p.ProfileName()]++
	}
	begin, end := markers(c.Session)
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n[sso-session %s]\nsso_start_url = %s\nsso_region = %s\nsso_registration_scopes = sso:account:access\n", begin, c.Session, c.StartURL, c.Region)
	for _, p := range ps {
		name := p.ProfileName()
		if count[name] > 1 {
			name = p.account() + "-" + p.Role + "-" + p.AccountID // with its slashes: no permission set has any
		}
		fmt.Fprintf(&b, "\n[profile %s]\nsso_session = %s\nsso_account_id = %s\nsso_role_name = %s\nregion = %s\nendpoint_url = %s\n", name, c.Session, p.AccountID, p.Role, c.Region, c.URL)
	}
	b.WriteString(end + "\n")
	return b.String()
}

// Merge puts our section into the text of a configuration file: in place of the one that is there, else at the end. A begun section without
// an end is an error: cutting there could lose someone's lines.
func (c *Client) Merge(text, section string) (string, error) {
	begin, end := markers(c.Session)
	i := strings.Index(text, begin)
	if i < 0 {
		if text != "" && !strings.HasSuffix(text, "\n\n") {
			text = strings.TrimRight(text, "\n") + "\n\n"
		}
		return text + section, nil
	}
	n := strings.Index(text[i:], end)
	if n < 0 {
		return "", fmt.Errorf("the configuration has the line %q and no %q after it; restore that line or remove the section", begin, end)
	}
	rest := strings.TrimPrefix(text[i+n+len(end):], "\n")
	return text[:i] + section + rest, nil
}

// Configure writes the section into the file, which need not exist; its mode is kept.
func (c *Client) Configure(path string, ps []Profile) error {
	old, err := os.ReadFile(path)
	mode := fs.FileMode(0o600)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
	case err != nil:
		return err
	default:
		if st, err := os.Stat(path); err == nil {
			mode = st.Mode().Perm()
		}
	}
	text, err := c.Merge(string(old), c.Section(ps))
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return replace(path, []byte(text), mode)
}
