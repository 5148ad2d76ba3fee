package app

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"

	"gatehouse/internal/access"
	"gatehouse/internal/application"
	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/awswire"
	"gatehouse/internal/directory"
	"gatehouse/internal/endpoint/signinpages"
	"gatehouse/internal/fault"
	"gatehouse/internal/fetch"
	"gatehouse/internal/localiam"
	"gatehouse/internal/organization"
	"gatehouse/internal/policy"
	"gatehouse/internal/saml"
	"gatehouse/internal/seal"
	"gatehouse/internal/signin"
	"gatehouse/internal/storage/sqlstore"
	"gatehouse/internal/target"
)

// This file is the small interfaces that one package takes and another fulfils.

// policies is what package access asks of the policy language.
type policies struct{ managed *policy.Catalogue }

func (policies) CheckPolicy(document string) error {
	_, err := policy.Parse([]byte(document), policy.ForIdentity)
	return err
}

// CheckResourcePolicy is what package application asks.
func (policies) CheckResourcePolicy(document string) error {
	_, err := policy.Parse([]byte(document), policy.ForResource)
	return err
}

// hasInstance is what package application asks of package access.
func (a *App) hasInstance(ctx context.Context, id string) error {
	_, err := a.Access.Instance(ctx, id)
	return err
}

// additionalRegion reports whether the instance was given a further region: requests may then be signed for it too.
func (a *App) additionalRegion(ctx context.Context, name string) bool {
	ok, err := a.Access.HasRegion(ctx, name)
	if err != nil {
		a.log.WarnContext(ctx, "asking for a region failed; the request is refused", "region", name, "error", err)
	}
	return ok
}

func (p policies) HasManagedPolicy(policyARN string) bool {
	_, ok := p.managed.Find(policyARN)
	return ok
}

// keys finds credentials for signatures; they are localiam's.
type keys struct{ iam *localiam.Service }

func (k keys) Credential(ctx context.Context, keyID, token string) (awswire.Credential[localiam.Caller], error) {
	c, err := k.iam.Credential(ctx, keyID, token)
	if err != nil {
		return awswire.Credential[localiam.Caller]{}, err
	}
	return awswire.Credential[localiam.Caller]{Secret: c.Secret, Principal: c.Caller, Actor: c.Caller.Actor()}, nil
}

// credentials is the one way to a role's credentials: entitled now, or «No access».
func (a *App) credentials(ctx context.Context, who signin.Identity, accountID, name string) (target.Credentials, error) {
	return a.credentialsFor(ctx, who, accountID, name, 0)
}

// loginCredentials are those that `aws login` gets.
func (a *App) loginCredentials(ctx context.Context, who signin.Identity, role signin.Role, most time.Duration) (target.Credentials, error) {
	return a.credentialsFor(ctx, who, role.AccountID, role.Name, most)
}

// entitledTo says whether a person may act as a role now.
func (a *App) entitledTo(ctx context.Context, who signin.Identity, role signin.Role) error {
	_, _, err := a.Access.Entitled(ctx, a.Instance.ID, who.User.ID, role.AccountID, role.Name)
	return err
}

func (a *App) credentialsFor(ctx context.Context, who signin.Identity, accountID, name string, most time.Duration) (target.Credentials, error) {
	e, c, err := a.enter(ctx, who, accountID, name, most)
	if err != nil {
		return target.Credentials{}, err
	}
	if err := a.note(ctx, who, e, c); err != nil {
		return target.Credentials{}, err
	}
	return c, nil
}

// enter returns credentials of what a person may act as by a name: a permission set's, or that of an account's own role. They
// last as long as the set or the role allows, but no longer than most, unless that is zero.
func (a *App) enter(ctx context.Context, who signin.Identity, accountID, name string, most time.Duration) (access.Entitlement, target.Credentials, error) {
	e, role, err := a.Access.Entitled(ctx, a.Instance.ID, who.User.ID, accountID, name)
	if err != nil {
		return e, target.Credentials{}, err
	}
	tags, err := a.Access.SessionTags(ctx, a.Instance.ID, who.User, who.Session.Proof.Attributes)
	if err != nil {
		return e, target.Credentials{}, err
	}
	var c target.Credentials
	if e.Existing != nil {
		c, err = a.visit(ctx, who, e, tags, most)
	} else {
		duration := e.Set.SessionDuration
		if most != 0 {
			duration = min(duration, most)
		}
		c, err = a.target.Credentials(ctx, target.Session{
			AccountID: accountID, RoleName: role.RoleName, SessionName: who.User.UserName, UserID: who.User.ID, Duration: duration, Tags: tags,
		})
	}
	if fault.Is(err, fault.NotFound) { // the role was removed between the question and the answer
		err = fault.New(fault.Denied, "No access").Because(err)
	}
	return e, c, err
}

// visit asks for credentials of an account's own role, on behalf of the account access manager.
func (a *App) visit(ctx context.Context, who signin.Identity, e access.Entitlement, tags map[string]string, most time.Duration) (target.Credentials, error) {
	return a.target.Visit(ctx, target.Visit{
		RoleARN: arn.IAM(e.Account.ID, e.Existing.Name), RoleID: e.Existing.ID, ManagerARN: e.Manager.String(), ManagerAccount: e.Manager.AccountID,
		SessionName: who.User.UserName, UserID: who.User.ID, Duration: most, Tags: tags,
	})
}

// accountAccess is what package access asks for account access.
type accountAccess struct{ *App }

// OwnRole implements [access.Roles].
func (a accountAccess) OwnRole(ctx context.Context, accountID, name string) (access.OwnRole, error) {
	r, err := a.IAM.CustomerRole(ctx, arn.IAM(accountID, name))
	return access.OwnRole{Name: name, ID: r.ID, Description: r.Description, Longest: r.MaxSessionDuration}, err
}

// Open implements [access.Applications].
func (a accountAccess) Open(ctx context.Context, by audit.Actor, n arn.InInstance) error {
	return a.Applications.Open(ctx, by, n, application.AccountAccess)
}

// Close implements [access.Applications].
func (a accountAccess) Close(ctx context.Context, by audit.Actor, n arn.InInstance) error {
	err := a.Applications.Delete(ctx, by, n)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

// There implements [access.Applications].
func (a accountAccess) There(ctx context.Context, n arn.InInstance) (bool, error) {
	_, err := a.Applications.Application(ctx, n)
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	return err == nil, err
}

// Admits implements [access.Applications].
func (a accountAccess) Admits(ctx context.Context, n arn.InInstance, userID string) (bool, error) {
	_, err := a.Applications.Entitled(ctx, n, userID)
	if fault.Is(err, fault.Denied) {
		return false, nil
	}
	return err == nil, err
}

// console describes a role for the page of an embedded account.
func (a *App) console(ctx context.Context, who signin.Identity, accountID, name string) (signinpages.Console, error) {
	e, c, err := a.enter(ctx, who, accountID, name, 0)
	if err != nil {
		return signinpages.Console{}, err
	}
	out := signinpages.Console{ARN: c.RoleARN, AccountID: accountID, AccountName: e.Account.Name, PermissionSet: e.Set.Name, Expires: c.Expires}
	r, err := a.roleOf(ctx, e)
	if err != nil {
		return out, err
	}
	for _, policyARN := range r.Attached {
		p, err := a.attached(ctx, accountID, policyARN)
		if err != nil {
			return out, err
		}
		out.Policies = append(out.Policies, p)
	}
	for name, doc := range r.Inline {
		out.Policies = append(out.Policies, signinpages.Policy{Name: name, Kind: "Inline", Document: indented(doc)})
	}
	if r.BoundaryARN != "" {
		p, err := a.attached(ctx, accountID, r.BoundaryARN)
		if err != nil {
			return out, err
		}
		p.Kind = "Permissions boundary"
		out.Policies = append(out.Policies, p)
	}
	return out, nil
}

// roleOf returns the role of an embedded account that a person may act as.
func (a *App) roleOf(ctx context.Context, e access.Entitlement) (localiam.Role, error) {
	if e.Existing != nil {
		return a.IAM.CustomerRole(ctx, arn.IAM(e.Account.ID, e.Existing.Name))
	}
	role, err := a.Access.Role(ctx, access.RoleKey{AccountID: e.Account.ID, PermissionSetID: e.Set.ID})
	if err != nil {
		return localiam.Role{}, err
	}
	return a.IAM.Role(ctx, e.Account.ID, role.RoleName)
}

func (a *App) attached(ctx context.Context, accountID, policyARN string) (signinpages.Policy, error) {
	if m, ok := a.IAM.Managed().Find(policyARN); ok {
		return signinpages.Policy{Name: m.Name, Kind: "AWS managed", Document: indented(m.Text)}, nil
	}
	p, err := a.IAM.Policy(ctx, accountID, policyARN)
	return signinpages.Policy{Name: p.Name, Kind: "Customer managed", Document: indented(p.Document())}, err
}

func indented(doc string) string {
	var b bytes.Buffer
	if json.Indent(&b, []byte(doc), "", "  ") != nil {
		return doc
	}
	return b.String()
}

// present says whether a person may go on with role credentials issued then. Those of somebody who was disabled meanwhile stay dead when she
// is enabled again, as her sessions do.
func (a *App) present(ctx context.Context, id string, issued time.Time) (bool, error) {
	u, err := a.Directory.User(ctx, id)
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	return err == nil && u.Active && u.DisabledAt.Before(issued), err
}

// openAccount prepares the inside of an account.
func (a *App) openAccount(ctx context.Context, by audit.Actor, management string, acct organization.Account) error {
	return a.IAM.EnsureAccount(ctx, by, acct.ID, management)
}

// reservedMetadata is what the SAML provider of reserved roles shows: the management account's, made once. Sessions are issued
// inside, so the private key is not kept: no assertion for the provider can ever be signed.
func (a *App) reservedMetadata(ctx context.Context) (string, error) {
	have, err := a.IAM.SAMLProvider(ctx, a.Instance.OwnerAccountID, reservedARN(a.Instance.OwnerAccountID))
	if err == nil {
		return have.Metadata, nil
	}
	if !fault.Is(err, fault.NotFound) {
		return "", err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), a.rand)
	if err != nil {
		return "", err
	}
	cert, err := saml.SelfSign(a.rand, key, saml.CertificateSpec{CommonName: "Gatehouse " + a.Instance.ID, NotBefore: a.now(), NotAfter: a.now().AddDate(100, 0, 0)})
	if err != nil {
		return "", err
	}
	m := saml.IDPMetadata{EntityID: a.Config.URL + "/saml/idp", SSORedirectURL: a.Config.URL + "/start", Certificates: []*x509.Certificate{cert}}
	p, err := a.IAM.EnsureSAMLProvider(ctx, audit.Gatehouse, a.Instance.OwnerAccountID, string(m.XML()))
	return p.Metadata, err
}

func reservedARN(account string) string {
	return "arn:aws:iam::" + account + ":saml-provider/" + localiam.ReservedProviderName(account)
}

// parseMetadata reads an identity provider's metadata into the directory's terms.
func parseMetadata(xml []byte) (directory.SAMLSettings, error) {
	m, err := saml.ParseIDPMetadata(xml)
	if err != nil {
		return directory.SAMLSettings{}, err
	}
	return samlSettings(m), nil
}

func samlSettings(m saml.IDPMetadata) directory.SAMLSettings {
	s := directory.SAMLSettings{
		EntityID: m.EntityID, SSORedirectURL: m.SSORedirectURL, SSOPostURL: m.SSOPostURL, SLORedirectURL: m.SLORedirectURL, SLOPostURL: m.SLOPostURL,
		SLORedirectAnswerURL: m.SLORedirectAnswerURL, SLOPostAnswerURL: m.SLOPostAnswerURL, ValidUntil: m.ValidUntil,
	}
	for _, c := range m.Certificates {
		s.Certificates = append(s.Certificates, c.Raw)
	}
	return s
}

// providerMetadata fetches and reads an identity provider's metadata. Where signers (DER) are given, one of them must have signed it.
func (a *App) providerMetadata(ctx context.Context, url string, signers [][]byte) (directory.SAMLSettings, error) {
	doc, err := a.metadataAt(ctx, url)
	if err != nil {
		return directory.SAMLSettings{}, err
	}
	if len(signers) == 0 {
		return parseMetadata(doc)
	}
	var trusted []*x509.Certificate
	for _, der := range signers {
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			return directory.SAMLSettings{}, fault.New(fault.Invalid, "a certificate for the metadata cannot be read").At("metadataCertificates").Because(err)
		}
		trusted = append(trusted, cert)
	}
	m, err := saml.ParseSignedIDPMetadata(doc, trusted)
	if f := fault.Of(err); err != nil && f.Kind == fault.Unauthenticated {
		return directory.SAMLSettings{}, fault.New(fault.Invalid, "the metadata is not signed as it must be: %s", f.Message).At("metadataUrl").Because(err)
	}
	if err != nil {
		return directory.SAMLSettings{}, err
	}
	return samlSettings(m), nil
}

// providerKeys makes the keys with which the service provider signs: RSA of 2,048 bits, which every identity provider understands, with a
// certificate of ten years that nobody but the identity provider looks at.
type providerKeys struct {
	sealer *seal.Sealer
	rand   io.Reader
	now    func() time.Time
}

func (k providerKeys) place(sourceID string) []byte { return []byte("saml-signing-key/" + sourceID) }

// NewKey implements [directory.Keys].
func (k providerKeys) NewKey(sourceID string) (sealed, certificate []byte, err error) {
	key, err := rsa.GenerateKey(k.rand, 2048)
	if err != nil {
		return nil, nil, err
	}
	cert, err := saml.SelfSign(k.rand, key, saml.CertificateSpec{CommonName: "Gatehouse " + sourceID, NotBefore: k.now(), NotAfter: k.now().AddDate(10, 0, 0)})
	if err != nil {
		return nil, nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	sealed, err = k.sealer.Seal(der, k.place(sourceID))
	return sealed, cert.Raw, err
}

// OpenKey implements [directory.Keys].
func (k providerKeys) OpenKey(sourceID string, sealed []byte) (crypto.Signer, error) {
	der, err := k.sealer.Open(sealed, k.place(sourceID))
	if err != nil {
		return nil, err
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, err
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fault.New(fault.Internal, "the sealed key is none to sign with")
	}
	return signer, nil
}

// TrustIDP makes a source trust the identity provider whose metadata is given. Its other settings stay.
func (a *App) TrustIDP(ctx context.Context, by audit.Actor, sourceID, name string, xml []byte) error {
	m, err := parseMetadata(xml)
	if err != nil {
		return err
	}
	_, err = a.Directory.SetProvider(ctx, by, sourceID, func(s *directory.Source) error {
		m.AllowIDPInitiated, m.JustInTime, m.SignRequests, m.SingleLogout = s.SAML.AllowIDPInitiated, s.SAML.JustInTime, s.SAML.SignRequests, s.SAML.SingleLogout
		s.SAML, s.Name = m, name
		return nil
	})
	return err
}

// metadataAt gets a metadata document for an administrator, now and from time to time.
func (a *App) metadataAt(ctx context.Context, url string) ([]byte, error) {
	b, err := a.outside().Get(ctx, url)
	if f := fault.Of(err); f != nil {
		return nil, fault.New(fault.Invalid, "the metadata could not be fetched: %s", f.Message).At("metadataUrl").Because(err)
	}
	return b, nil
}

// outside gets documents. This machine is outside only for a server that is reached at no other
// address than this machine's: one on somebody's desk.
func (a *App) outside() *fetch.Client {
	u, err := url.Parse(a.Config.URL)
	return fetch.New(fetch.Config{Loopback: err == nil && loopback(u.Hostname()), Roots: a.roots})
}

// assertions verifies SAML assertions shown to the embedded accounts' AssumeRoleWithSAML.
type assertions struct{}

func (assertions) VerifyAssertion(_ context.Context, p localiam.SAMLProvider, response string, now time.Time) (localiam.Assertion, error) {
	m, err := saml.ParseIDPMetadata([]byte(p.Metadata))
	if err != nil {
		return localiam.Assertion{}, err
	}
	doc, err := saml.DecodePost(response)
	if err != nil {
		return localiam.Assertion{}, err
	}
	v, err := saml.Verify(doc, saml.Params{
		Certificates: m.Certificates, Issuer: m.EntityID, Now: now,
		Audiences:  []string{"https://signin.aws.amazon.com/saml", "urn:amazon:webservices"},
		Recipients: []string{"https://signin.aws.amazon.com/saml"}, Unsolicited: saml.IgnoreInResponseTo, DestinationOptional: true,
	})
	if f := fault.Of(err); f != nil && f.Kind == fault.Unauthenticated {
		// The request needs no signature of its own; what is refused is the assertion in it.
		return localiam.Assertion{}, fault.New(fault.Invalid, "The SAML assertion is not accepted: %s", f.Message).At("SAMLAssertion").For(f.Reason).Because(err)
	}
	if err != nil {
		return localiam.Assertion{}, err
	}
	return federated(v)
}

// metadata reads the metadata of SAML providers that customers of the embedded accounts make.
type metadata struct{}

func (metadata) CheckMetadata(document string) (time.Time, error) {
	m, err := saml.ParseIDPMetadata([]byte(document))
	if err != nil {
		return time.Time{}, err
	}
	var until time.Time
	for _, c := range m.Certificates {
		if c.NotAfter.After(until) {
			until = c.NotAfter
		}
	}
	return until, nil
}

const awsAttributes = "https://aws.amazon.com/SAML/Attributes/"

// federated reads the attributes that STS knows.
func federated(v saml.Assertion) (localiam.Assertion, error) {
	out := localiam.Assertion{Subject: v.NameID, SubjectType: strings.TrimPrefix(v.NameIDFormat, "urn:oasis:names:tc:SAML:2.0:nameid-format:"),
		Issuer: v.Issuer, Audience: v.Recipient, NotOnOrAfter: v.SessionNotOnOrAfter, Tags: map[string]string{}}
	for _, pair := range v.Values(awsAttributes + "Role") {
		one, other, ok := strings.Cut(pair, ",")
		one, other = strings.TrimSpace(one), strings.TrimSpace(other)
		if !ok {
			return out, fault.New(fault.Invalid, "an attribute Role is not a pair of ARNs").At("SAMLAssertion")
		}
		if strings.Contains(one, ":saml-provider/") {
			one, other = other, one
		}
		out.Roles = append(out.Roles, localiam.RoleGrant{RoleARN: one, ProviderARN: other})
	}
	first := func(name string) string {
		if vs := v.Values(awsAttributes + name); len(vs) > 0 {
			return vs[0]
		}
		return ""
	}
	out.SessionName, out.SourceIdentity = first("RoleSessionName"), first("SourceIdentity")
	if s := first("SessionDuration"); s != "" {
		n, err := strconv.ParseUint(s, 10, 20)
		if err != nil {
			return out, fault.New(fault.Invalid, "the attribute SessionDuration is not a number of seconds").At("SAMLAssertion")
		}
		out.Duration = time.Duration(n) * time.Second
	}
	for _, at := range v.Attributes {
		key, ok := strings.CutPrefix(at.Name, awsAttributes+"PrincipalTag:")
		if !ok {
			continue
		}
		// A tag that is left out would open what a policy denies by it.
		if _, twice := out.Tags[key]; twice || len(at.Values) != 1 {
			return out, fault.New(fault.Invalid, "the attribute PrincipalTag:%.128s does not have exactly one value", key).At("SAMLAssertion")
		}
		out.Tags[key] = at.Values[0]
	}
	out.TransitiveTags = v.Values(awsAttributes + "TransitiveTagKeys")
	return out, nil
}

// events lists the audit trail for the admin API. The cursor is opaque to clients.
func (a *App) events(ctx context.Context, before string, f audit.Filter, limit int) ([]audit.Event, string, error) {
	var at sqlstore.EventCursor
	if before != "" {
		var micros int64
		if _, err := fmt.Sscanf(before, "%d.%d", &micros, &at.Seq); err != nil {
			return nil, "", fault.New(fault.Invalid, "before is not a cursor of this listing").At("before")
		}
		at.At = time.UnixMicro(micros).UTC()
	}
	page, err := a.db.Events().Events(ctx, at, f, limit)
	if err != nil || page.Next == (sqlstore.EventCursor{}) {
		return page.Events, "", err
	}
	return page.Events, fmt.Sprintf("%d.%d", page.Next.At.UnixMicro(), page.Next.Seq), nil
}

// adminRights decides who may administer: a caller of the management account whose policies allow the action.
func (a *App) adminRights(ctx context.Context, c localiam.Caller, action, resource string) error {
	return a.IAM.Authorize(ctx, c, localiam.Check{Action: action, Resource: resource, ResourceAccount: a.Instance.OwnerAccountID})
}
