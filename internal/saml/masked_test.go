package saml

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestMaskedShowsHowAMessageIsMadeAndNothingOfThePerson(t *testing.T) {
	t.Parallel()
	doc := signIt(t, strings.Replace(entraResponse, `<SubjectConfirmationData `, `<SubjectConfirmationData Address="192.0.2.77" `, 1), assertionID, responseID)
	got, ok := Masked([]byte(doc))
	if !ok {
		t.Fatal("not shown")
	}
	for _, personal := range []string{"anna", "Anna", "Müller", "mueller", "192.0.2.77", "3f2a8c1e-5b74-4d0f-9a66-0c1d2e3f4a5b</", between(t, doc, "<SignatureValue>", "</SignatureValue>")} {
		if strings.Contains(got, personal) {
			t.Errorf("%q is shown:\n%s", personal, got)
		}
	}
	for _, wanted := range []string{
		testIssuer, testACS, testEntity, testRequest, assertionID, "a…@contoso.example (20 characters)", "2026-11-24T10:29:58.025Z", algRSASHA256, "urn:oasis:names:tc:SAML:2.0:ac:classes:Password",
		"http://schemas.microsoft.com/identity/claims/displayname", Fingerprint(idpKey().cert.Raw), `Address="(10 characters)"`, statusSuccess,
	} {
		if !strings.Contains(got, wanted) {
			t.Errorf("%q is not shown:\n%s", wanted, got)
		}
	}
	got, _ = Masked([]byte(strings.NewReplacer("anna@contoso.example", " anna@contoso.example", testIssuer, "&lt;script&gt;").Replace(entraResponse)))
	if !strings.Contains(got, "white space around") || strings.Contains(got, "<script") {
		t.Errorf("got\n%s", got)
	}
	for _, doc := range []string{"", "anna", "<a>", "<a><!-- anna --></a>", "<!DOCTYPE a><a/>"} {
		if got, ok := Masked([]byte(doc)); ok || got != "" {
			t.Errorf("%q is shown as %q", doc, got)
		}
	}
	long, _ := Masked([]byte("<a>" + strings.Repeat("<b/>", 8000) + strings.Repeat("<c>ü</c>", 100) + "</a>"))
	if len(long) > maxMasked+16 || !utf8.ValidString(long) {
		t.Errorf("%d bytes", len(long))
	}
}

// FuzzMasked: whatever is shown, no value of unknown meaning is among it.
func FuzzMasked(f *testing.F) {
	f.Add("Attribute", "secret-marker", "x")
	f.Add("NameID", "y@secret-marker", "Name")
	f.Fuzz(func(t *testing.T, name, text, attribute string) {
		doc := `<` + name + ` xmlns="` + nsAssertion + `" ` + attribute + `x="secret-marker">secret-marker` + text + `<Attribute Name="n"><AttributeValue>secret-marker</AttributeValue></Attribute></` + name + `>`
		got, ok := Masked([]byte(doc))
		if ok && !strings.Contains(name+text+attribute, "secret-marker") && strings.Contains(got, "secret-marker") {
			t.Errorf("%q is shown as\n%s", doc, got)
		}
		if !utf8.ValidString(got) {
			t.Error("not UTF-8")
		}
	})
}
