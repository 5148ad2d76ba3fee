// Package process drives the built binary from outside, for tests and benchmarks: it starts `gatehouse serve` in a directory,
// kills it, and speaks AWS's JSON protocol to it with a signer that is not ours. It imports nothing of Gatehouse's inside.
package process

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// Server is a `gatehouse serve` process.
type Server struct {
	Binary, Data, Listen string
	// Args are further flags of serve.
	Args []string
	Env  map[string]string

	cmd *exec.Cmd
	log *os.File
	// ended is closed when the process has, with its error in err.
	ended chan struct{}
	err   error
}

// Binary finds the built program from a package directory below test/.
func Binary() (string, error) {
	p, err := filepath.Abs("../../bin/gatehouse")
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(p); err != nil {
		return "", fmt.Errorf("the program is not built; run `make build`: %w", err)
	}
	return p, nil
}

// FreeAddress returns a loopback address that nothing listens on.
func FreeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// Start starts the process and returns when it is ready, within 30 seconds.
func (s *Server) Start(ctx context.Context) error {
	var err error
	if s.log, err = os.OpenFile(filepath.Join(filepath.Dir(s.Data), "serve.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
		return err
	}
	s.cmd = exec.Command(s.Binary, append([]string{"serve", "--listen", s.Listen, "--data", s.Data}, s.Args...)...)
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	if err := s.cmd.Start(); err != nil {
		return err
	}
	s.ended = make(chan struct{})
	go func() {
		s.err = s.cmd.Wait()
		close(s.ended)
	}()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		select {
		case <-s.ended:
			return fmt.Errorf("the server ended by itself: %w; see %s", s.err, s.log.Name())
		default:
		}
		res, err := http.Get("http://" + s.Listen + "/readyz")
		if err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return s.readEnv(ctx)
			}
		}
	}
	return errors.New("the server is not ready after 30 seconds; see " + s.log.Name())
}

func (s *Server) readEnv(ctx context.Context) error {
	out, err := exec.CommandContext(ctx, s.Binary, "env", "--json", "--data", s.Data).Output()
	if err != nil {
		return err
	}
	return json.Unmarshal(out, &s.Env)
}

// Kill ends the process as a power cut would: it gets no chance to say anything.
func (s *Server) Kill() {
	_ = s.cmd.Process.Kill() // it fails only when the process has ended, which is what is wanted
	<-s.ended
	s.log.Close()
}

// Stop asks the process to end and waits for it.
func (s *Server) Stop() error {
	defer s.log.Close()
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	<-s.ended
	return s.err
}

// Client returns a client with the administrator's key.
func (s *Server) Client() *Client {
	return &Client{URL: s.Env["GATEHOUSE_URL"], Region: s.Env["AWS_REGION"], Key: s.Env["AWS_ACCESS_KEY_ID"], Secret: s.Env["AWS_SECRET_ACCESS_KEY"],
		HTTP: &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
}

// Client speaks AWS JSON 1.1.
type Client struct {
	URL, Region, Key, Secret, Token string
	HTTP                            *http.Client
}

// Targets and signing names of the services called here.
const (
	SSOAdmin      = "SWBExternalService"
	IdentityStore = "AWSIdentityStore"
	Organizations = "AWSOrganizationsV20161128"
)

// Refused is an error answer.
type Refused struct {
	Status  int
	Type    string `json:"__type"`
	Message string `json:"Message"`
}

func (r *Refused) Error() string { return fmt.Sprintf("HTTP %d %s: %s", r.Status, r.Type, r.Message) }

// Call sends one operation ("SWBExternalService", "CreatePermissionSet") and reads the answer into out. An error answer is a
// [*Refused]; any other error means that nothing is known about what happened.
func (c *Client) Call(ctx context.Context, target, operation string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL+"/", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", target+"."+operation)
	sum := sha256.Sum256(body)
	cred := aws.Credentials{AccessKeyID: c.Key, SecretAccessKey: c.Secret, SessionToken: c.Token}
	service := map[string]string{SSOAdmin: "sso", IdentityStore: "identitystore", Organizations: "organizations"}[target]
	if err := v4.NewSigner().SignHTTP(ctx, cred, req, hex.EncodeToString(sum[:]), service, c.Region, time.Now()); err != nil {
		return err
	}
	res, err := c.HTTP.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		r := &Refused{Status: res.StatusCode}
		_ = json.Unmarshal(answer, r) // the status says enough
		return r
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(answer, out)
}
