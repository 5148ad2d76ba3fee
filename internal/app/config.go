package app

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Config is everything that can be set. A value comes from the flag, else the environment variable
// GATEHOUSE_CONFIG_<KEY>, else the configuration file (YAML, the key below), else the default. Unknown keys are refused
// and all faults are reported at once.
type Config struct {
	// Listen is the address of the one listener, HOST:PORT. Default 127.0.0.1:8080.
	Listen string `yaml:"listen"`
	// URL is the address by which browsers and clients reach the server, without a path. Default http://LISTEN
	// (https:// with a certificate). Behind a proxy, set it: sign-in is bound to it.
	URL string `yaml:"url"`
	// Data is the directory of the database, the keyset and what `gatehouse env` prints. Default: the user's data
	// directory.
	Data string `yaml:"data"`
	// Database is a PostgreSQL URL. Empty: SQLite in the data directory.
	Database string `yaml:"database"`
	// Keyset is the file with the keys that encrypt secrets. All nodes that share a database need the same one.
	// Default: keyset.json in the data directory.
	Keyset string `yaml:"keyset"`
	// Name is the installation's name, shown to people. Default Gatehouse.
	Name string `yaml:"name"`
	// Region is the home region: it is part of role paths and of what clients sign for. Default us-east-1.
	Region string `yaml:"region"`
	// Email is the e-mail address of the management account, used at first start only.
	Email string `yaml:"email"`
	// TLSCertificate and TLSKey are PEM files; both or neither.
	TLSCertificate string `yaml:"tls_certificate"`
	TLSKey         string `yaml:"tls_key"`
	// Metrics is the address of a listener of its own for Prometheus metrics, HOST:PORT. Empty: none.
	Metrics string `yaml:"metrics"`
	// TrustedProxies are the addresses and networks (10.0.0.0/8) of proxies in front of the server. From them alone X-Forwarded-For
	// is believed; without any, the client is whoever holds the connection. In the environment: separated by commas.
	TrustedProxies []string `yaml:"trusted_proxies"`
	// BreachedPasswords is a file with SHA-1 hashes of passwords that nobody may choose: sorted, one a line, as Have I Been Pwned gives its
	// list away, or the first digits of each. Empty: none.
	BreachedPasswords string `yaml:"breached_passwords"`
	// MailDrop is a directory into which mail is written as files while no mail server is set. It is for trying things out. Empty: none.
	MailDrop string `yaml:"mail_drop"`
	// ManagedPolicies is a directory of AWS managed policies beside those that are built in, or in their place: Name.json with the document, in
	// directories for the paths that some have (job-function/Name.json). It is read when the server starts.
	ManagedPolicies string `yaml:"managed_policies"`
	// SCIMLog says how much of the log of SCIM requests is kept.
	SCIMLog SCIMLog `yaml:"scim_log"`
	// LogLevel is debug, info, warn or error. Default info.
	LogLevel string `yaml:"log_level"`
	// Quotas limit how many there may be; AWS's figures are the defaults.
	Quotas Quotas `yaml:"quotas"`
}

// keys lists the settings by name, for the environment and for flags.
func (c *Config) keys() map[string]*string {
	return map[string]*string{
		"listen": &c.Listen, "url": &c.URL, "data": &c.Data, "database": &c.Database, "keyset": &c.Keyset, "name": &c.Name,
		"region": &c.Region, "email": &c.Email, "tls_certificate": &c.TLSCertificate, "tls_key": &c.TLSKey, "metrics": &c.Metrics, "log_level": &c.LogLevel,
		"breached_passwords": &c.BreachedPasswords, "mail_drop": &c.MailDrop,
		"managed_policies": &c.ManagedPolicies,
	}
}

// LoadConfig reads the file (if path is not empty) and lays the environment over it.
func LoadConfig(path string, environ []string) (Config, error) {
	var c Config
	if path != "" {
		b, err := os.ReadFile(path)
		if err != nil {
			return c, fmt.Errorf("reading the configuration: %w", err)
		}
		l, err := yaml.NewLoader(strings.NewReader(string(b)), yaml.WithKnownFields())
		if err != nil {
			return c, err
		}
		if err := l.Load(&c); err != nil && !errors.Is(err, io.EOF) {
			return c, fmt.Errorf("%s: %w", path, err)
		}
	}
	keys := c.keys()
	for _, kv := range environ {
		k, v, _ := strings.Cut(kv, "=")
		name, ours := strings.CutPrefix(k, "GATEHOUSE_CONFIG_")
		if !ours {
			continue
		}
		if strings.EqualFold(name, "trusted_proxies") {
			c.TrustedProxies = nil
			for s := range strings.SplitSeq(v, ",") {
				c.TrustedProxies = append(c.TrustedProxies, strings.TrimSpace(s))
			}
			continue
		}
		p := keys[strings.ToLower(name)]
		if p == nil {
			return c, fmt.Errorf("the environment variable %s names no setting", k)
		}
		*p = v
	}
	return c, nil
}

var regionName = regexp.MustCompile(`^([a-z]+-){2,3}\d$`)

// Complete fills in defaults and checks everything; the error lists every fault, a line each.
func (c Config) Complete() (Config, error) {
	var faults []error
	bad := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	def := func(p *string, v string) {
		if *p == "" {
			*p = v
		}
	}
	def(&c.Listen, "127.0.0.1:8080")
	def(&c.Name, "Gatehouse")
	def(&c.Region, "us-east-1")
	def(&c.Email, "root@example.com")
	def(&c.LogLevel, "info")
	if c.Data == "" {
		bad("data: name a directory")
	}
	def(&c.Keyset, filepath.Join(c.Data, "keyset.json"))
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		bad("listen: %q is not HOST:PORT", c.Listen)
	}
	if c.Metrics != "" {
		if _, _, err := net.SplitHostPort(c.Metrics); err != nil {
			bad("metrics: %q is not HOST:PORT", c.Metrics)
		}
	}
	if (c.TLSCertificate == "") != (c.TLSKey == "") {
		bad("tls_certificate and tls_key: give both or neither")
	}
	for key, f := range map[string]string{"tls_certificate": c.TLSCertificate, "tls_key": c.TLSKey} {
		if _, err := os.Stat(f); f != "" && errors.Is(err, fs.ErrNotExist) {
			bad("%s: there is no file %s", key, f)
		}
	}
	scheme := "http"
	if c.TLSCertificate != "" {
		scheme = "https"
	}
	def(&c.URL, scheme+"://"+c.Listen)
	c.URL = strings.TrimSuffix(c.URL, "/")
	if u, err := url.Parse(c.URL); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || u.Path != "" || u.RawQuery != "" {
		bad("url: %q is not http(s)://HOST[:PORT] without a path", c.URL)
	} else if u.Scheme == "http" && !loopback(u.Hostname()) {
		bad("url: %q is not encrypted; plain http is for this machine alone. Give tls_certificate and tls_key, or put a proxy with TLS in front and set url to its https address", c.URL)
	}
	if c.Database != "" {
		if u, err := url.Parse(c.Database); err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") {
			bad("database: not a postgres:// URL")
		}
	}
	if _, err := parseProxies(c.TrustedProxies); err != nil {
		bad("trusted_proxies: %w", err)
	}
	if !regionName.MatchString(c.Region) {
		bad("region: %q does not look like a region (us-east-1)", c.Region)
	}
	if c.Quotas.negative() {
		bad("quotas: a quota is not negative; leave it out for AWS's figure")
	}
	if !c.SCIMLog.within() {
		bad("scim_log: days is 1 to 3650, entries 1 to 10000000; leave them out for the defaults, or set off")
	}
	switch c.LogLevel {
	case "debug", "info", "warn", "error":
	default:
		bad("log_level: %q is none of debug, info, warn, error", c.LogLevel)
	}
	return c, errors.Join(faults...)
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || (ip != nil && ip.IsLoopback())
}

// DefaultData is where data is kept when nothing says otherwise: name below the user's data directory.
func DefaultData(name string) string {
	if d := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(d) {
		return filepath.Join(d, name)
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return filepath.Join(home, ".local", "share", name)
}
