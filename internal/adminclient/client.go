// Package adminclient speaks the admin API: it signs requests with an AWS access key (SigV4, service "gatehouse"),
// sends them and reads answers and errors. Command lines use it; it knows nothing of the server's inside.
package adminclient

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// Client sends requests to one server. All fields are required but SessionToken.
type Client struct {
	// URL is the server's address without a path.
	URL                                        string
	Region                                     string
	AccessKeyID, SecretAccessKey, SessionToken string
	HTTP                                       *http.Client
	Now                                        func() time.Time
}

// Error is a refusal by the server (RFC 9457).
type Error struct {
	Status int    `json:"status"`
	Title  string `json:"title"`
	Detail string `json:"detail"`
	Errors []struct {
		Location string `json:"location"`
		Message  string `json:"message"`
	} `json:"errors"`
}

// Error gives the server's sentence and the members at fault.
func (e *Error) Error() string {
	s := e.Detail
	if s == "" {
		s = e.Title
	}
	for _, d := range e.Errors {
		if d.Message != e.Detail {
			s += fmt.Sprintf("; %s: %s", d.Location, d.Message)
		}
	}
	return fmt.Sprintf("%s (HTTP %d)", s, e.Status)
}

// Do sends in (JSON; nil for none) to a path below /api/v1 and reads the answer into out (nil to ignore it). A refusal
// is an [*Error].
func (c *Client) Do(ctx context.Context, method, path string, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.URL, "/")+"/api/v1"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	sum := sha256.Sum256(body)
	cred := aws.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken}
	if err := v4.NewSigner().SignHTTP(ctx, cred, req, hex.EncodeToString(sum[:]), "gatehouse", c.Region, c.Now()); err != nil {
		return err
	}
	res, err := c.HTTP.Do(req)
	if err != nil {
		return fmt.Errorf("the server at %s does not answer (is `gatehouse serve` running there?): %w", c.URL, err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 64<<20))
	if err != nil {
		return err
	}
	if res.StatusCode >= 300 {
		e := &Error{}
		if json.Unmarshal(answer, e) != nil || e.Status == 0 {
			return fmt.Errorf("the server at %s answered HTTP %d and not in the admin API's form; is GATEHOUSE_URL right?", c.URL, res.StatusCode)
		}
		return e
	}
	if out == nil || len(answer) == 0 {
		return nil
	}
	return json.Unmarshal(answer, out)
}
