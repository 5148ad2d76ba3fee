// Package arn mints and parses the names of AWS things: ARNs and the identifiers inside them.
//
// Minting takes the source of randomness as an argument, so that tests can fix it; everywhere else it is
// crypto/rand.Reader. Patterns follow the AWS service models (sso-admin, identitystore, iam, organizations).
package arn

import (
	"encoding/base32"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"gatehouse/internal/fault"
)

// ARN is a parsed Amazon Resource Name: arn:partition:service:region:account:resource.
type ARN struct {
	Partition, Service, Region, AccountID, Resource string
}

// Parse splits s into its six parts. It checks the form only, not whether the parts exist.
func Parse(s string) (ARN, error) {
	p := strings.SplitN(s, ":", 6)
	if len(s) > 2048 || len(p) != 6 || p[0] != "arn" || p[1] == "" || p[2] == "" || p[5] == "" {
		return ARN{}, fault.New(fault.Invalid, "%q is not an ARN (arn:partition:service:region:account:resource)", clip(s))
	}
	return ARN{p[1], p[2], p[3], p[4], p[5]}, nil
}

func clip(s string) string {
	if len(s) > 80 {
		return s[:80] + "…"
	}
	return s
}

// String joins the parts again.
func (a ARN) String() string {
	return "arn:" + a.Partition + ":" + a.Service + ":" + a.Region + ":" + a.AccountID + ":" + a.Resource
}

// Identifier patterns, anchored.
var (
	accountID     = regexp.MustCompile(`^\d{12}$`)
	principalID   = regexp.MustCompile(`^([0-9a-f]{10}-)?[A-Fa-f0-9]{8}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{12}$`)
	instanceID    = regexp.MustCompile(`^(sso)?ins-[a-zA-Z0-9-.]{16}$`)
	permissionSet = regexp.MustCompile(`^ps-[a-zA-Z0-9-./]{16}$`)
	identityStore = regexp.MustCompile(`^(d-[0-9a-f]{10}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$`)
)

// IsAccountID reports whether s is twelve digits.
func IsAccountID(s string) bool { return accountID.MatchString(s) }

// IsPrincipalID reports whether s has the form of a user, group or membership id.
func IsPrincipalID(s string) bool { return principalID.MatchString(s) }

// IsIdentityStoreID reports whether s has the form of an identity store id.
func IsIdentityStoreID(s string) bool { return identityStore.MatchString(s) }

// Instance returns the ARN of an Identity Center instance with id "ssoins-…".
func Instance(id string) string { return "arn:aws:sso:::instance/" + id }

// ParseInstance returns the instance id in an instance ARN.
func ParseInstance(s string) (string, error) {
	a, err := Parse(s)
	id, ok := strings.CutPrefix(a.Resource, "instance/")
	if err != nil || !ok || a.Service != "sso" || a.Region != "" || a.AccountID != "" || !instanceID.MatchString(id) {
		return "", fault.New(fault.Invalid, "%q is not an instance ARN (arn:aws:sso:::instance/ssoins-…)", clip(s)).At("InstanceArn")
	}
	return id, nil
}

// PermissionSet returns the ARN of permission set ps ("ps-…") in instance ins ("ssoins-…").
func PermissionSet(ins, ps string) string { return "arn:aws:sso:::permissionSet/" + ins + "/" + ps }

// ParsePermissionSet returns the instance id and permission set id in a permission set ARN.
func ParsePermissionSet(s string) (ins, ps string, err error) {
	a, err := Parse(s)
	rest, ok := strings.CutPrefix(a.Resource, "permissionSet/")
	ins, ps, cut := strings.Cut(rest, "/")
	if err != nil || !ok || !cut || a.Service != "sso" || a.Region != "" || a.AccountID != "" || !instanceID.MatchString(ins) || !permissionSet.MatchString(ps) {
		return "", "", fault.New(fault.Invalid, "%q is not a permission set ARN (arn:aws:sso:::permissionSet/ssoins-…/ps-…)", clip(s)).At("PermissionSetArn")
	}
	return ins, ps, nil
}

// User, Group and Membership return identity store ARNs (no region, no account; API of 2026-09-29).
func User(id string) string { return "arn:aws:identitystore:::user/" + id }

// Group returns the ARN of a group.
func Group(id string) string { return "arn:aws:identitystore:::group/" + id }

// Membership returns the ARN of a group membership.
func Membership(id string) string { return "arn:aws:identitystore:::membership/" + id }

// IdentityStore returns the ARN of an identity store owned by an account.
func IdentityStore(account, id string) string {
	return "arn:aws:identitystore::" + account + ":identitystore/" + id
}

// SSOAccount returns the ARN by which IAM policies name a target account of assignments.
func SSOAccount(account string) string { return "arn:aws:sso:::account/" + account }

// IAM returns the ARN of an IAM resource, such as IAM(acct, "role/path/Name").
func IAM(account, resource string) string { return "arn:aws:iam::" + account + ":" + resource }

// AssumedRole returns the ARN of a role session. The role's path is not part of it.
func AssumedRole(account, roleName, session string) string {
	return "arn:aws:sts::" + account + ":assumed-role/" + roleName + "/" + session
}

func read(r io.Reader, n int) []byte {
	b := make([]byte, n)
	if _, err := io.ReadFull(r, b); err != nil {
		panic("arn: the source of randomness failed: " + err.Error()) // crypto/rand.Reader never fails; a test's reader must be endless
	}
	return b
}

// Hex returns n random lower-case hexadecimal digits.
func Hex(r io.Reader, n int) string { return hex.EncodeToString(read(r, (n+1)/2))[:n] }

// UUID returns a random (version 4) lower-case UUID.
func UUID(r io.Reader) string {
	b := read(r, 16)
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return writeUUID(b)
}

// TimeUUID returns a lower-case UUID that begins with the time, in milliseconds, and is random otherwise (version 7, RFC 9562 §5.7). In an index what is made at
// the same time stands together, where random ones change a page each.
func TimeUUID(r io.Reader, at time.Time) string {
	b := read(r, 16)
	ms := uint64(at.UnixMilli())
	binary.BigEndian.PutUint16(b, uint16(ms>>32))
	binary.BigEndian.PutUint32(b[2:], uint32(ms))
	b[6] = b[6]&0x0f | 0x70
	b[8] = b[8]&0x3f | 0x80
	return writeUUID(b)
}

func writeUUID(b []byte) string {
	out := []byte("00000000-0000-0000-0000-000000000000")
	hex.Encode(out, b[0:4])
	hex.Encode(out[9:], b[4:6])
	hex.Encode(out[14:], b[6:8])
	hex.Encode(out[19:], b[8:10])
	hex.Encode(out[24:], b[10:16])
	return string(out)
}

// NewIdentityStoreID mints "d-" and ten hexadecimal digits.
func NewIdentityStoreID(r io.Reader) string { return "d-" + Hex(r, 10) }

// NewPrincipalID mints a user, group or membership id of the given identity store: the store's ten
// digits, a dash, and a UUID.
func NewPrincipalID(r io.Reader, identityStoreID string) string {
	return strings.TrimPrefix(identityStoreID, "d-") + "-" + UUID(r)
}

// NewInstanceID mints "ssoins-" and sixteen hexadecimal digits.
func NewInstanceID(r io.Reader) string { return "ssoins-" + Hex(r, 16) }

// NewPermissionSetID mints "ps-" and sixteen hexadecimal digits.
func NewPermissionSetID(r io.Reader) string { return "ps-" + Hex(r, 16) }

// NewAccountID mints twelve random digits of which the first is not zero.
func NewAccountID(r io.Reader) string {
	return string(digits(r, "123456789", 1)) + string(digits(r, "0123456789", 11))
}

// NewOrganizationID mints "o-" and ten lower-case letters and digits.
func NewOrganizationID(r io.Reader) string { return "o-" + string(digits(r, lowerAlnum, 10)) }

// NewRootID mints "r-" and four lower-case letters and digits.
func NewRootID(r io.Reader) string { return "r-" + string(digits(r, lowerAlnum, 4)) }

// NewOUID mints "ou-", the root's four characters, and eight more.
func NewOUID(r io.Reader, rootID string) string {
	return "ou-" + strings.TrimPrefix(rootID, "r-") + "-" + string(digits(r, lowerAlnum, 8))
}

// NewPolicyID mints the id of an organization's policy: "p-" and ten lower-case letters and digits.
func NewPolicyID(r io.Reader) string { return "p-" + string(digits(r, lowerAlnum, 10)) }

const lowerAlnum = "abcdefghijklmnopqrstuvwxyz0123456789"

// digits draws n characters of alphabet without bias.
func digits(r io.Reader, alphabet string, n int) []byte {
	out := make([]byte, 0, n)
	limit := 256 - 256%len(alphabet)
	for len(out) < n {
		for _, b := range read(r, n) {
			if int(b) < limit && len(out) < n {
				out = append(out, alphabet[int(b)%len(alphabet)])
			}
		}
	}
	return out
}

// NewIAMID mints an IAM unique identifier: a four-letter prefix (AROA role, AIDA user, AGPA group, AIPA instance profile, ANPA
// managed policy) and seventeen upper-case letters and digits.
func NewIAMID(r io.Reader, prefix string) string {
	return prefix + string(digits(r, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", 17))
}

// NewAccessKeyID mints an access key's id: AKIA (long-term) or ASIA (temporary) and sixteen upper-case base32 characters. As with
// AWS, the account can be read from it ([AccessKeyAccount]); the other forty bits are random.
func NewAccessKeyID(r io.Reader, prefix, accountID string) string {
	n, err := strconv.ParseUint(accountID, 10, 40)
	b := read(r, 10)
	if err == nil && accountID != "" {
		// The account stands in bits 7 to 46 of the first six bytes; bit 47 is one.
		top := 1<<47 | n<<7 | uint64(b[5]&0x7f)
		for i := range 6 {
			b[i] = byte(top >> (40 - 8*i))
		}
	}
	return prefix + base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b)
}

// AccessKeyAccount reads the account from an access key's id. ok is false when s has not the form of one.
func AccessKeyAccount(s string) (accountID string, ok bool) {
	if len(s) != 20 || !strings.HasPrefix(s, "AKIA") && !strings.HasPrefix(s, "ASIA") {
		return "", false
	}
	b, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(s[4:])
	if err != nil || b[0]&0x80 == 0 {
		return "", false
	}
	var top uint64
	for _, x := range b[:6] {
		top = top<<8 | uint64(x)
	}
	accountID = fmt.Sprintf("%012d", top>>7&(1<<40-1))
	return accountID, len(accountID) == 12
}

// NewSecret returns n random characters of the URL-safe base64 alphabet: 6 bits each.
func NewSecret(r io.Reader, n int) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return string(digits(r, alphabet, n))
}
