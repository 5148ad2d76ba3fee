package arn

import (
	"io"
	"regexp"
	"strings"

	"gatehouse/internal/fault"
)

var (
	applicationID = regexp.MustCompile(`^apl-[a-zA-Z0-9]{16}$`)
	issuerID      = regexp.MustCompile(`^tti-[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}$`)
	providerName  = regexp.MustCompile(`^[a-zA-Z0-9-/]+$`)
)

// InInstance names a thing of an Identity Center instance whose ARN bears an account: an application or a trusted token issuer.
type InInstance struct {
	// AccountID is the account that made the thing: 12 digits.
	AccountID string
	// InstanceID is "ssoins-…", ID "apl-…" or "tti-…".
	InstanceID, ID string
}

// Application returns the ARN of an application.
func Application(n InInstance) string { return n.arn("application") }

// TrustedTokenIssuer returns the ARN of a trusted token issuer.
func TrustedTokenIssuer(n InInstance) string { return n.arn("trustedTokenIssuer") }

// ApplicationProvider returns the ARN of an application provider such as "custom".
func ApplicationProvider(name string) string { return "arn:aws:sso::aws:applicationProvider/" + name }

func (n InInstance) arn(kind string) string {
	return "arn:aws:sso::" + n.AccountID + ":" + kind + "/" + n.InstanceID + "/" + n.ID
}

// ParseApplication returns what an application's ARN names.
func ParseApplication(s string) (InInstance, error) {
	n, ok := inInstance(s, "application/", applicationID)
	if !ok {
		return InInstance{}, fault.New(fault.Invalid, "%q is not an application ARN (arn:aws:sso::<account>:application/ssoins-…/apl-…)", clip(s)).At("ApplicationArn")
	}
	return n, nil
}

// ParseTrustedTokenIssuer returns what a trusted token issuer's ARN names.
func ParseTrustedTokenIssuer(s string) (InInstance, error) {
	n, ok := inInstance(s, "trustedTokenIssuer/", issuerID)
	if !ok {
		return InInstance{}, fault.New(fault.Invalid, "%q is not a trusted token issuer ARN (arn:aws:sso::<account>:trustedTokenIssuer/ssoins-…/tti-…)", clip(s)).At("TrustedTokenIssuerArn")
	}
	return n, nil
}

// ParseApplicationProvider returns the name in an application provider's ARN.
func ParseApplicationProvider(s string) (string, error) {
	a, err := Parse(s)
	name, ok := strings.CutPrefix(a.Resource, "applicationProvider/")
	if err != nil || !ok || a.Service != "sso" || a.Region != "" || a.AccountID != "aws" || !providerName.MatchString(name) {
		return "", fault.New(fault.Invalid, "%q is not an application provider ARN (arn:aws:sso::aws:applicationProvider/…)", clip(s)).At("ApplicationProviderArn")
	}
	return name, nil
}

func inInstance(s, kind string, id *regexp.Regexp) (InInstance, bool) {
	a, err := Parse(s)
	rest, ok := strings.CutPrefix(a.Resource, kind)
	ins, thing, cut := strings.Cut(rest, "/")
	fine := err == nil && ok && cut && a.Service == "sso" && a.Region == "" && IsAccountID(a.AccountID) && instanceID.MatchString(ins) && id.MatchString(thing)
	return InInstance{a.AccountID, ins, thing}, fine
}

// NewApplicationID mints "apl-" and sixteen hexadecimal digits.
func NewApplicationID(r io.Reader) string { return "apl-" + Hex(r, 16) }

// NewTrustedTokenIssuerID mints "tti-" and a UUID.
func NewTrustedTokenIssuerID(r io.Reader) string { return "tti-" + UUID(r) }
