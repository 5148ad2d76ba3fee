package signin

import (
	"context"
	"encoding/base64"
	"io"
	"strings"
	"time"

	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
)

// UserCodeAlphabet has no vowels, so that codes spell nothing, and nothing that is mistaken for something else (RFC 8628 §6.1).
const UserCodeAlphabet = "BCDFGHJKLMNPQRSTVWXZ"

// UserCodeLength is the number of letters, without the dash.
const UserCodeLength = 8

// newUserCode draws letters without bias.
func newUserCode(r io.Reader) (string, error) {
	const n = len(UserCodeAlphabet)
	out := make([]byte, 0, UserCodeLength)
	for b := [1]byte{}; len(out) < UserCodeLength; {
		if _, err := io.ReadFull(r, b[:]); err != nil {
			return "", err
		}
		if int(b[0]) < 256-256%n {
			out = append(out, UserCodeAlphabet[int(b[0])%n])
		}
	}
	return string(out), nil
}

// ShowUserCode writes a user code with its dash: "ABCD-EFGH".
func ShowUserCode(code string) string {
	if len(code) != UserCodeLength {
		return code
	}
	return code[:4] + "-" + code[4:]
}

// ParseUserCode reads a user code as people type it: in any case, with dashes and spaces anywhere. ok is false when it is not
// eight letters of the alphabet.
func ParseUserCode(s string) (code string, ok bool) {
	if len(s) > 64 {
		return "", false
	}
	var b strings.Builder
	for _, r := range strings.ToUpper(s) {
		switch {
		case r == '-' || r == ' ' || r == '\t':
		case r < 0x80 && strings.ContainsRune(UserCodeAlphabet, r):
			b.WriteRune(r)
		default:
			return "", false
		}
	}
	return b.String(), b.Len() == UserCodeLength
}

// Started is a device authorization that waits for approval.
type Started struct {
	// DeviceCode is the client's secret; UserCode ("ABCD-EFGH") is for the person.
	DeviceCode, UserCode string
	// Life is how long both are good for; Interval is how often to poll.
	Life, Interval time.Duration
}

// pollInterval is what the CLI is told; AWS says one second.
const pollInterval = time.Second

// StartDevice begins a device authorization (RFC 8628 §3.1) for the instance that startURL names.
//
// Faults by Reason: InvalidClient; UnauthorizedClient when the client was registered for other grant types;
// InvalidRequest when startURL does not name this instance.
func (s *Service) StartDevice(ctx context.Context, clientID, clientSecret, startURL string) (Started, error) {
	c, err := s.client(ctx, clientID, clientSecret)
	if err != nil {
		return Started{}, err
	}
	if !c.May(GrantDeviceCode) {
		return Started{}, oauth(UnauthorizedClient, "the client was not registered for the device flow")
	}
	if !s.isStartURL(startURL) {
		return Started{}, oauth(InvalidRequest, "the start URL does not name this instance").At("startUrl")
	}
	now, code := s.now(), s.secret("gtdc_")
	// By the address, not by the client: whoever may register clients may register any number.
	if !s.arrivals.allow("device "+Place(ctx), now) {
		return Started{}, oauth(SlowDown, "Too many requests. Wait a moment.")
	}
	d := Device{
		Hash: Hash(code), ClientID: c.ID, GrantID: arn.UUID(s.rand), Status: DevicePending,
		Origin: audit.OriginOf(ctx).ClientAddr, CreatedAt: now, ExpiresAt: now.Add(DeviceLife),
	}
	e := audit.New(ctx, now, anonymous, "sso-oauth:StartDeviceAuthorization", d.GrantID).With("clientId", c.ID).With("clientName", c.Name)
	for range 4 { // two live codes are the same once in 25 billion; then draw again
		if d.UserCode, err = newUserCode(s.rand); err != nil {
			return Started{}, err
		}
		if err = s.store.InsertDevice(ctx, d, e); !fault.Is(err, fault.Conflict) {
			break
		}
	}
	if err != nil {
		return Started{}, lost(err, fault.New(fault.Unavailable, "No user code is free. Try again."))
	}
	return Started{DeviceCode: code, UserCode: ShowUserCode(d.UserCode), Life: DeviceLife, Interval: pollInterval}, nil
}

// Asking is a client that asks a person for approval.
type Asking struct {
	Client Client
	// UserCode is shown with its dash.
	UserCode string
	// Origin is the IP address the request came from; empty if unknown.
	Origin    string
	CreatedAt time.Time
}

// DeviceAsking returns the device authorization with the user code, to show to the person who is to approve it.
//
// Faults: NotFound for a code that is malformed, unknown, expired or decided; Throttled when the person has tried too many wrong ones.
func (s *Service) DeviceAsking(ctx context.Context, who Identity, userCode string) (Asking, error) {
	d, c, err := s.pendingDevice(ctx, who, userCode)
	if err != nil {
		return Asking{}, err
	}
	return Asking{Client: c, UserCode: ShowUserCode(d.UserCode), Origin: d.Origin, CreatedAt: d.CreatedAt}, nil
}

func (s *Service) pendingDevice(ctx context.Context, who Identity, userCode string) (Device, Client, error) {
	unknown := fault.New(fault.NotFound, "There is no such code, or it has expired. Compare it with the one on your device.").About("USER_CODE", "").At("userCode")
	code, ok := ParseUserCode(userCode)
	if !ok {
		return Device{}, Client{}, unknown
	}
	undo, ok := s.guesses.try(who.User.ID, s.clock())
	if !ok {
		return Device{}, Client{}, fault.New(fault.Throttled, "Too many codes were tried. Wait a minute.").For(SlowDown)
	}
	d, err := s.store.DeviceByUserCode(ctx, code)
	if err != nil {
		return Device{}, Client{}, gone(err, unknown)
	}
	if d.Status != DevicePending || !s.now().Before(d.ExpiresAt) {
		return Device{}, Client{}, unknown
	}
	c, err := s.store.Client(ctx, d.ClientID)
	if err != nil {
		return Device{}, Client{}, gone(err, unknown)
	}
	undo() // only misses count
	return d, c, nil
}

// DecideDevice approves or denies the device authorization with the user code; the tokens will hang on the person's session.
// It returns the client. Faults are as for DeviceAsking.
func (s *Service) DecideDevice(ctx context.Context, who Identity, userCode string, approve bool) (Client, error) {
	d, c, err := s.pendingDevice(ctx, who, userCode)
	if err != nil {
		return Client{}, err
	}
	action := "signin:DenyDevice"
	d.Status, d.UserID, d.SessionID = DeviceDenied, who.User.ID, who.Session.ID
	if approve {
		action, d.Status = "signin:ApproveDevice", DeviceApproved
	}
	e := audit.New(ctx, s.now(), who.Actor(), action, d.GrantID).With("clientId", c.ID).With("clientName", c.Name)
	err = s.store.DecideDevice(ctx, d, e)
	return c, lost(err, fault.New(fault.NotFound, "This code was used already.").About("USER_CODE", ""))
}

// ExchangeDevice answers a poll (RFC 8628 §3.4).
//
// Faults by Reason: InvalidClient, UnauthorizedClient; InvalidGrant for a code that is unknown, another client's, or used;
// AuthorizationPending, SlowDown, ExpiredToken, AccessDenied.
func (s *Service) ExchangeDevice(ctx context.Context, clientID, clientSecret, deviceCode string) (Issued, error) {
	c, err := s.client(ctx, clientID, clientSecret)
	if err != nil {
		return Issued{}, err
	}
	if !c.May(GrantDeviceCode) {
		return Issued{}, oauth(UnauthorizedClient, "the client was not registered for the device flow")
	}
	hash := Hash(deviceCode)
	unknown := oauth(InvalidGrant, "The device code is unknown or was used already.")
	d, err := s.store.Device(ctx, hash)
	if err != nil {
		return Issued{}, gone(err, unknown)
	}
	if d.ClientID != c.ID {
		return Issued{}, unknown
	}
	if err := s.pollable(d); err != nil {
		return Issued{}, err
	}
	who, err := s.Approver(ctx, d.UserID, d.SessionID)
	if err != nil {
		return Issued{}, err
	}
	i := s.issue(c, who, d.GrantID, c.Scopes)
	e := audit.New(ctx, i.now, who.Actor(), "sso-oauth:CreateToken", d.GrantID).With("clientId", c.ID).With("grantType", string(GrantDeviceCode))
	if err := s.store.ExchangeDevice(ctx, hash, i.tokens, e); err != nil {
		return Issued{}, gone(lost(err, unknown), unknown)
	}
	return i.Issued, nil
}

// pollable returns nil for an approved device, and otherwise what its client is to be told.
func (s *Service) pollable(d Device) error {
	now := s.now()
	switch {
	case d.Status == DeviceUsed:
		return oauth(InvalidGrant, "The device code is unknown or was used already.")
	case d.Status == DeviceDenied:
		return oauth(AccessDenied, "The request was denied.")
	case !now.Before(d.ExpiresAt):
		return oauth(ExpiredToken, "The device code has expired. Begin again.")
	case !s.polls.allow(base64.StdEncoding.EncodeToString(d.Hash), now):
		return oauth(SlowDown, "Poll no more often than every second.")
	case d.Status != DeviceApproved:
		return oauth(AuthorizationPending, "The request was not approved yet.")
	}
	return nil
}
