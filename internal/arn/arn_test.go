package arn

import (
	"crypto/rand"
	"regexp"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/fault"
)

func TestMintedIdentifiersFitTheModels(t *testing.T) {
	t.Parallel()
	r := rand.Reader
	for name, c := range map[string]struct{ got, pattern string }{
		"identity store":    {NewIdentityStoreID(r), `^d-[0-9a-f]{10}$`},
		"principal":         {NewPrincipalID(r, "d-0123456789"), `^0123456789-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`},
		"instance":          {NewInstanceID(r), `^ssoins-[0-9a-f]{16}$`},
		"permission set":    {NewPermissionSetID(r), `^ps-[0-9a-f]{16}$`},
		"account":           {NewAccountID(r), `^[1-9][0-9]{11}$`},
		"organization":      {NewOrganizationID(r), `^o-[a-z0-9]{10}$`},
		"root":              {NewRootID(r), `^r-[a-z0-9]{4}$`},
		"unit":              {NewOUID(r, "r-ab12"), `^ou-ab12-[a-z0-9]{8}$`},
		"role":              {NewIAMID(r, "AROA"), `^AROA[A-Z0-9]{17}$`},
		"access key":        {NewAccessKeyID(r, "AKIA", "111122223333"), `^AKIA[A-Z2-7]{16}$`},
		"policy":            {NewPolicyID(r), `^p-[a-z0-9]{10}$`},
		"secret":            {NewSecret(r, 43), `^[A-Za-z0-9_-]{43}$`},
		"time UUID":         {TimeUUID(r, time.UnixMilli(0x0123456789ab)), `^01234567-89ab-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`},
		"hex of odd length": {Hex(r, 5), `^[0-9a-f]{5}$`},
	} {
		if !regexp.MustCompile(c.pattern).MatchString(c.got) {
			t.Errorf("%s: %q does not match %s", name, c.got, c.pattern)
		}
	}
	if a, b := NewSecret(r, 43), NewSecret(r, 43); a == b {
		t.Error("two secrets are the same")
	}
	now := time.Now()
	if a, b := TimeUUID(r, now), TimeUUID(r, now); a == b {
		t.Error("two UUIDs of one time are the same")
	}
	if got := UUID(strings.NewReader("0123456789abcdef")); got != "30313233-3435-4637-b839-616263646566" {
		t.Errorf("got %s", got)
	}
}

func TestParseRoundTrip(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"arn:aws:iam::123456789012:role/a/b", "arn:aws:sso:::instance/ssoins-7223c28e1a2b3c4d", "arn:aws:s3:::bucket/key:with:colons"} {
		a, err := Parse(s)
		if err != nil || a.String() != s {
			t.Errorf("%q became %q, %v", s, a, err)
		}
	}
	for _, s := range []string{"", "arn", "arn:aws:iam::1", "urn:aws:iam::1:role/x", "arn::iam::1:x", "arn:aws:::1:x", "arn:aws:iam::1:", "arn:aws:iam::1:" + strings.Repeat("x", 3000)} {
		if _, err := Parse(s); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: got %v, want Invalid", s, err)
		}
	}
}

func TestParsePermissionSetAndInstance(t *testing.T) {
	t.Parallel()
	ins, ps, err := ParsePermissionSet("arn:aws:sso:::permissionSet/ssoins-7223c28e1a2b3c4d/ps-0123456789abcdef")
	if err != nil || ins != "ssoins-7223c28e1a2b3c4d" || ps != "ps-0123456789abcdef" {
		t.Errorf("got %q %q %v", ins, ps, err)
	}
	for _, s := range []string{
		"arn:aws:sso:::permissionSet/ssoins-7223c28e1a2b3c4d", "arn:aws:sso:::permissionSet/ssoins-7223c28e1a2b3c4d/ps-0123", "arn:aws:sso:us-east-1::permissionSet/ssoins-7223c28e1a2b3c4d/ps-0123456789abcdef",
		"arn:aws:iam:::permissionSet/ssoins-7223c28e1a2b3c4d/ps-0123456789abcdef", "arn:aws:sso:::instance/ssoins-7223c28e1a2b3c4d",
	} {
		if _, _, err := ParsePermissionSet(s); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: got %v", s, err)
		}
	}
	if _, err := ParseInstance("arn:aws:sso:::instance/ssoins-7223c28e1a2b3c4d/x"); !fault.Is(err, fault.Invalid) {
		t.Errorf("got %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("arn:aws:iam::123456789012:role/a")
	f.Add("arn:aws:sso:::permissionSet/ssoins-7223c28e1a2b3c4d/ps-0123456789abcdef")
	f.Add(":::::")
	f.Fuzz(func(t *testing.T, s string) {
		if a, err := Parse(s); err == nil && a.String() != s {
			t.Errorf("%q became %q", s, a)
		}
		if ins, ps, err := ParsePermissionSet(s); err == nil && PermissionSet(ins, ps) != "arn:aws"+strings.TrimPrefix(s, "arn:"+strings.SplitN(s, ":", 3)[1]) {
			t.Errorf("%q became %q", s, PermissionSet(ins, ps))
		}
	})
}

func TestAccessKeysTellTheirAccount(t *testing.T) {
	t.Parallel()
	for _, account := range []string{"111122223333", "000000000001", "999999999999"} {
		for _, prefix := range []string{"AKIA", "ASIA"} {
			id := NewAccessKeyID(rand.Reader, prefix, account)
			if got, ok := AccessKeyAccount(id); !ok || got != account {
				t.Errorf("%s of account %s says %q, %v", id, account, got, ok)
			}
		}
	}
	// An example that AWS's own documents show, and what is known of it.
	if got, ok := AccessKeyAccount("ASIAQNZGKIQY56JQ7WML"); !ok || got != "029608264753" {
		t.Errorf("got %q, %v", got, ok)
	}
	for _, id := range []string{"", "AKIA", "AROAQNZGKIQY56JQ7WML", "AKIA0000000000000000", "ASIAQNZGKIQY56JQ7WML2", "AKIAAAAAAAAAAAAAAAAA"} {
		if got, ok := AccessKeyAccount(id); ok {
			t.Errorf("%q says %s", id, got)
		}
	}
}
