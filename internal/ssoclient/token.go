package ssoclient

import (
	"context"
	"crypto/sha1" //nolint:gosec // it names a cache file, as the AWS CLI does; nothing is protected by it
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/google/renameio/v2"
)

// cached is a file of the AWS CLI's token cache.
type cached struct {
	StartURL              string `json:"startUrl"`
	Region                string `json:"region"`
	AccessToken           string `json:"accessToken"`
	ExpiresAt             string `json:"expiresAt"`
	ClientID              string `json:"clientId"`
	ClientSecret          string `json:"clientSecret"`
	RegistrationExpiresAt string `json:"registrationExpiresAt"`
	RefreshToken          string `json:"refreshToken,omitempty"`
}

// scopes is what a session asks for: accounts and credentials, with refresh.
var scopes = [...]string{"sso:account:access"}

const instant = "2006-01-02T15:04:05Z"

// ErrSignIn says that there is no token and that a person must sign in.
var ErrSignIn = errors.New("you are not signed in")

// Token returns an access token: the cached one, a refreshed one, or, when interactive, one from a new sign-in by device code. Without
// interactive a missing token is [ErrSignIn].
func (c *Client) Token(ctx context.Context, interactive bool) (string, error) {
	t, err := c.read()
	if err != nil {
		return "", err
	}
	if t.AccessToken != "" && c.fresh(t.ExpiresAt, time.Minute) {
		return t.AccessToken, nil
	}
	if t.RefreshToken != "" && c.fresh(t.RegistrationExpiresAt, 0) {
		err := c.exchange(ctx, &t, map[string]any{"grantType": "refresh_token", "refreshToken": t.RefreshToken})
		if err == nil {
			return t.AccessToken, nil
		}
		if !isRefused(err, "InvalidGrantException") && !isRefused(err, "ExpiredTokenException") && !isRefused(err, "InvalidClientException") {
			return "", err
		}
	}
	if !interactive {
		return "", ErrSignIn
	}
	return c.signIn(ctx)
}

func (c *Client) fresh(at string, margin time.Duration) bool {
	t, err := time.Parse(instant, at)
	return err == nil && c.Now().Add(margin).Before(t)
}

// signIn does the device flow (RFC 8628 as the sso-oidc API has it).
func (c *Client) signIn(ctx context.Context) (string, error) {
	t := cached{StartURL: c.StartURL, Region: c.Region}
	var reg struct {
		ClientID     string `json:"clientId"`
		ClientSecret string `json:"clientSecret"`
		ExpiresAt    int64  `json:"clientSecretExpiresAt"`
	}
	err := c.call(ctx, http.MethodPost, "/client/register", "", map[string]any{"clientName": "gatehouse", "clientType": "public", "scopes": scopes}, &reg)
	if err != nil {
		return "", err
	}
	t.ClientID, t.ClientSecret, t.RegistrationExpiresAt = reg.ClientID, reg.ClientSecret, time.Unix(reg.ExpiresAt, 0).UTC().Format(instant)
	var dev struct {
		DeviceCode string `json:"deviceCode"`
		UserCode   string `json:"userCode"`
		Address    string `json:"verificationUriComplete"`
		Interval   int    `json:"interval"`
	}
	err = c.call(ctx, http.MethodPost, "/device_authorization", "", map[string]any{"clientId": t.ClientID, "clientSecret": t.ClientSecret, "startUrl": c.StartURL}, &dev)
	if err != nil {
		return "", err
	}
	c.Ask(dev.Address, dev.UserCode)
	pause := time.Duration(max(1, dev.Interval)) * time.Second
	for {
		if err := c.Sleep(ctx, pause); err != nil {
			return "", err
		}
		err := c.exchange(ctx, &t, map[string]any{"grantType": "urn:ietf:params:oauth:grant-type:device_code", "deviceCode": dev.DeviceCode})
		switch {
		case err == nil:
			return t.AccessToken, nil
		case isRefused(err, "AuthorizationPendingException"):
		case isRefused(err, "SlowDownException"):
			pause += 5 * time.Second
		default:
			return "", fmt.Errorf("signing in: %w", err)
		}
	}
}

// exchange asks for tokens and keeps them.
func (c *Client) exchange(ctx context.Context, t *cached, grant map[string]any) error {
	grant["clientId"], grant["clientSecret"] = t.ClientID, t.ClientSecret
	var out struct {
		AccessToken  string `json:"accessToken"`
		RefreshToken string `json:"refreshToken"`
		ExpiresIn    int    `json:"expiresIn"`
	}
	if err := c.call(ctx, http.MethodPost, "/token", "", grant, &out); err != nil {
		return err
	}
	t.AccessToken, t.RefreshToken = out.AccessToken, out.RefreshToken
	t.ExpiresAt = c.Now().Add(time.Duration(out.ExpiresIn) * time.Second).UTC().Format(instant)
	return c.write(*t)
}

func (c *Client) file() string {
	sum := sha1.Sum([]byte(c.Session)) //nolint:gosec // as above
	return filepath.Join(c.Cache, hex.EncodeToString(sum[:])+".json")
}

// read returns the cached token of this session and start URL, or an empty one.
func (c *Client) read() (cached, error) {
	b, err := os.ReadFile(c.file())
	if errors.Is(err, fs.ErrNotExist) {
		return cached{}, nil
	}
	if err != nil {
		return cached{}, fmt.Errorf("reading the token cache: %w", err)
	}
	var t cached
	if json.Unmarshal(b, &t) != nil || t.StartURL != c.StartURL {
		return cached{}, nil // another server's, or damaged: a new sign-in writes it anew
	}
	return t, nil
}

func (c *Client) write(t cached) error {
	b, err := json.MarshalIndent(t, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.Cache, 0o700); err != nil {
		return err
	}
	return replace(c.file(), b, 0o600)
}

// replace writes a file, whole or not at all.
func replace(path string, b []byte, mode fs.FileMode) error {
	return renameio.WriteFile(path, b, mode, renameio.WithTempDir(filepath.Dir(path)), renameio.WithStaticPermissions(mode))
}
