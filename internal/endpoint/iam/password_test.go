package iam

import (
	"strings"
	"testing"
)

func TestAccountPasswordPolicy(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.refused(404, "NoSuchEntity", "Password Policy", "GetAccountPasswordPolicy")
	b.refused(404, "NoSuchEntity", "Password Policy", "DeleteAccountPasswordPolicy")
	b.do("UpdateAccountPasswordPolicy", "MinimumPasswordLength", "14", "RequireSymbols", "true", "MaxPasswordAge", "90", "PasswordReusePrevention", "5", "AllowUsersToChangePassword", "true", "HardExpiry", "true")
	got := b.do("GetAccountPasswordPolicy")
	for element, want := range map[string]string{
		"MinimumPasswordLength": "14", "RequireSymbols": "true", "RequireNumbers": "false", "MaxPasswordAge": "90", "ExpirePasswords": "true", "PasswordReusePrevention": "5",
		"AllowUsersToChangePassword": "true", "HardExpiry": "true",
	} {
		if first(got, element) != want {
			t.Errorf("%s is %q, want %q", element, first(got, element), want)
		}
	}
	// What is not said goes back to its default.
	b.do("UpdateAccountPasswordPolicy", "RequireNumbers", "true")
	got = b.do("GetAccountPasswordPolicy")
	if first(got, "MinimumPasswordLength") != "6" || first(got, "RequireSymbols") != "false" || first(got, "RequireNumbers") != "true" || first(got, "ExpirePasswords") != "false" || strings.Contains(got, "MaxPasswordAge") {
		t.Errorf("got %s", got)
	}
	for _, bad := range [][]string{{"MinimumPasswordLength", "5"}, {"MinimumPasswordLength", "129"}, {"MaxPasswordAge", "0"}, {"MaxPasswordAge", "1096"}, {"PasswordReusePrevention", "25"}} {
		b.refused(400, "ValidationError", "", "UpdateAccountPasswordPolicy", bad...)
	}
	b.user("Ann").refused(403, "AccessDenied", "iam:UpdateAccountPasswordPolicy", "UpdateAccountPasswordPolicy")
	b.do("DeleteAccountPasswordPolicy")
	b.refused(404, "NoSuchEntity", "Password Policy", "GetAccountPasswordPolicy")
}
