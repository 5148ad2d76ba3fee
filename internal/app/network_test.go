package app

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/awswire"
)

// TestNetworkConfiguration goes the whole way: the address that is judged is the one the listener saw (httptest's is 192.0.2.1), and who shut
// himself out of the Identity Store API finds the way back through the admin API.
func TestNetworkConfiguration(t *testing.T) {
	t.Parallel()
	p := startProgram(t)
	store := `{"IdentityStoreId":"` + p.Instance.IdentityStoreID + `"`
	_, secret, err := p.Directory.CreateToken(t.Context(), audit.Gatehouse, DefaultSource, 0)
	if err != nil {
		t.Fatal(err)
	}
	scim := func() (int, string) {
		r := httptest.NewRequest("GET", p.Config.URL+"/scim/"+DefaultSource+"/v2/Users", nil)
		r.Header.Set("Authorization", "Bearer "+secret)
		r.Header.Set("X-Forwarded-For", "198.51.100.7") // of nobody who is trusted
		w := httptest.NewRecorder()
		p.Handler().ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
	update := func(config string) (int, string) {
		return p.call("identitystore", "AWSIdentityStore.UpdateIdentityStore", store+`,"NetworkConfiguration":`+config+`}`)
	}
	status, out := update(`{"VpceAccessRequired":false,"ApiAllowSourceIps":["192.0.2.0/24"],"ScimAllowSourceIps":["192.0.2.1"]}`)
	p.want(200, p.Instance.IdentityStoreID, status, out)
	status, out = scim()
	p.want(200, "ListResponse", status, out)

	status, out = update(`{"VpceAccessRequired":false,"ApiAllowSourceIps":["198.51.100.0/24"],"ScimAllowSourceIps":["198.51.100.0/24"]}`)
	p.want(200, p.Instance.IdentityStoreID, status, out)
	status, out = scim()
	p.want(403, "network configuration", status, out)
	status, out = update(`{"VpceAccessRequired":false}`)
	p.want(400, "AccessDeniedException", status, out)

	body := `{}`
	r := httptest.NewRequest("PUT", p.Config.URL+"/api/v1/settings/network", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	if err := awswire.Sign(r, []byte(body), p.key, p.Config.Region, "gatehouse", time.Now()); err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	p.Handler().ServeHTTP(w, r)
	p.want(200, "{}", w.Code, w.Body.String())
	status, out = scim()
	p.want(200, "ListResponse", status, out)
	status, out = p.call("identitystore", "AWSIdentityStore.ListUsers", store+`}`)
	p.want(200, "Users", status, out)
}
