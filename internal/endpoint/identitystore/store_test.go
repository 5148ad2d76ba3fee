package identitystore

import (
	"reflect"
	"strings"
	"testing"
)

func configure(config string) string {
	return `{"IdentityStoreId":"$S","NetworkConfiguration":` + config + `}`
}

func TestUpdateIdentityStoreReplacesTheWholeConfiguration(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.from = "203.0.113.9"
	if out := b.do("DescribeIdentityStore", `{"IdentityStoreId":"$S"}`); out["NetworkConfiguration"] != nil {
		t.Errorf("before any configuration: %v", out)
	}
	for _, c := range []struct {
		set  string
		want map[string]any
	}{
		{`{"VpceAccessRequired":false,"ApiAllowSourceIps":["203.0.113.0/24","2001:db8::1"],"ScimAllowSourceIps":["198.51.100.0/24"]}`,
			map[string]any{"VpceAccessRequired": false, "ApiAllowSourceIps": []any{"203.0.113.0/24", "2001:db8::1"}, "ScimAllowSourceIps": []any{"198.51.100.0/24"}}},
		{`{"VpceAccessRequired":false,"ApiAllowSourceIps":["203.0.113.9"]}`,
			map[string]any{"VpceAccessRequired": false, "ApiAllowSourceIps": []any{"203.0.113.9"}}},
		{`{"VpceAccessRequired":false}`, map[string]any{"VpceAccessRequired": false}},
	} {
		out := b.do("UpdateIdentityStore", configure(c.set))
		if out["IdentityStoreId"] != storeID || !strings.HasSuffix(str(t, out["IdentityStoreArn"]), storeID) {
			t.Errorf("UpdateIdentityStore = %v", out)
		}
		b.do("UpdateIdentityStore", `{"IdentityStoreId":"$S"}`) // names no configuration: changes none
		if got := b.do("DescribeIdentityStore", `{"IdentityStoreId":"$S"}`)["NetworkConfiguration"]; !reflect.DeepEqual(got, c.want) {
			t.Errorf("after %s: %v, want %v", c.set, got, c.want)
		}
	}
}

func TestUpdateIdentityStoreRefuses(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.from = "203.0.113.9"
	many := `"10.0.0.1"` + strings.Repeat(`,"10.0.0.1"`, 200)
	for _, config := range []string{
		`{}`,
		`{"VpceAccessRequired":true}`,
		`{"VpceAccessRequired":false,"ApiRestrictSourceVpcs":["vpc-12345678"]}`,
		`{"VpceAccessRequired":false,"ApiAllowSourceIps":[]}`,
		`{"VpceAccessRequired":false,"ScimAllowSourceIps":[]}`,
		`{"VpceAccessRequired":false,"ApiRestrictSourceVpcs":[]}`,
		`{"VpceAccessRequired":false,"ApiAllowSourceIps":["203.0.113.0/33"]}`,
		`{"VpceAccessRequired":false,"ScimAllowSourceIps":["203.0.113.0/24","everywhere"]}`,
		`{"VpceAccessRequired":false,"ScimAllowSourceIps":[""]}`,
		`{"VpceAccessRequired":false,"ScimAllowSourceIps":["::ffff:203.0.113.0/120"]}`,
		`{"VpceAccessRequired":false,"ScimAllowSourceIps":["fe80::1%eth0"]}`,
		`{"VpceAccessRequired":false,"ScimAllowSourceIps":[` + many + `]}`,
	} {
		b.refused("ValidationException", "UpdateIdentityStore", configure(config))
	}
	b.refused("ResourceNotFoundException", "UpdateIdentityStore", `{"IdentityStoreId":"d-ffffffffff","NetworkConfiguration":{"VpceAccessRequired":false}}`)
	if status, out := b.as("999999999999", "UpdateIdentityStore", `{"IdentityStoreId":"`+storeID+`","NetworkConfiguration":{"VpceAccessRequired":false}}`); out["__type"] != "AccessDeniedException" {
		t.Errorf("another account: %d %v", status, out)
	}
	b.access.denied = "identitystore:UpdateIdentityStore"
	b.refused("AccessDeniedException", "UpdateIdentityStore", configure(`{"VpceAccessRequired":false}`))
	if n, err := b.people.Network(t.Context()); err != nil || !n.UpdatedAt.IsZero() {
		t.Errorf("a refused request changed the configuration: %+v %v", n, err)
	}
}

func TestAPIAllowSourceIpsHoldsForEveryOperation(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.from = "203.0.113.9"
	b.do("UpdateIdentityStore", configure(`{"VpceAccessRequired":false,"ScimAllowSourceIps":["192.0.2.1"]}`))
	b.do("ListUsers", `{"IdentityStoreId":"$S"}`) // SCIM's list is not the API's
	b.do("UpdateIdentityStore", configure(`{"VpceAccessRequired":false,"ApiAllowSourceIps":["203.0.113.0/28"]}`))
	b.do("ListUsers", `{"IdentityStoreId":"$S"}`)
	for _, from := range []string{"203.0.113.99", "2001:db8::1", ""} {
		b.from = from
		for operation, body := range map[string]string{
			"ListUsers": `{"IdentityStoreId":"$S"}`, "CreateUser": ada, "ListIdentityStores": `{}`, "DescribeIdentityStore": `{"IdentityStoreId":"$S"}`,
			"UpdateIdentityStore": configure(`{"VpceAccessRequired":false}`),
		} {
			b.refused("AccessDeniedException", operation, body)
		}
	}
	b.from = "203.0.113.1"
	b.do("CreateUser", ada)
	b.do("UpdateIdentityStore", configure(`{"VpceAccessRequired":false}`))
	b.from = "2001:db8::1"
	b.do("ListUsers", `{"IdentityStoreId":"$S"}`)
}
