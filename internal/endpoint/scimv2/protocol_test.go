package scimv2_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/directory"
)

func TestTokenRFC7644Section2(t *testing.T) {
	t.Parallel()
	w := start(t, directory.ProfileRFC)
	otherID, otherToken := w.source("okta", directory.ProfileRFC, false)
	for name, tc := range map[string]struct {
		directory, authorization string
		status                   int
	}{
		"ours":                 {w.id, "Bearer " + w.token, 200},
		"scheme in any case":   {w.id, "bearer " + w.token, 200},
		"none":                 {w.id, "", 401},
		"no scheme":            {w.id, w.token, 401},
		"another scheme":       {w.id, "Basic " + w.token, 401},
		"empty":                {w.id, "Bearer ", 401},
		"wrong":                {w.id, "Bearer ghscim_wrong", 401},
		"almost right":         {w.id, "Bearer " + w.token + "x", 401},
		"another directory's":  {w.id, "Bearer " + otherToken, 401},
		"ours at the other":    {otherID, "Bearer " + w.token, 401},
		"an unknown directory": {"nobody", "Bearer " + w.token, 401},
	} {
		for _, path := range []string{"/Users", "/ServiceProviderConfig", "/Nothing"} {
			r := httptest.NewRequest("GET", "/scim/"+tc.directory+"/v2"+path, nil)
			if tc.authorization != "" {
				r.Header.Set("Authorization", tc.authorization)
			}
			got := w.do(r)
			want := tc.status
			if want == 200 && path == "/Nothing" {
				want = 404
			}
			if got.status != want {
				t.Errorf("%s, %s: got %d, want %d", name, path, got.status, want)
			}
			if want == 401 && (!strings.HasPrefix(got.header.Get("WWW-Authenticate"), "Bearer ") || got.text("status") != "401") {
				t.Errorf("%s: challenge %q, body %s", name, got.header.Get("WWW-Authenticate"), got.raw)
			}
		}
	}
	r := httptest.NewRequest("GET", "/scim/entra/v2/Users", nil)
	r.Header.Add("Authorization", "Bearer "+w.token)
	r.Header.Add("Authorization", "Bearer "+w.token)
	if got := w.do(r); got.status != 401 {
		t.Errorf("two Authorization headers: got %d", got.status)
	}
}

func TestTokenExpiresIsRevokedAndNotesItsUse(t *testing.T) {
	t.Parallel()
	w := start(t, directory.ProfileRFC)
	w.must(200, "GET", "/Users", "")
	tokens, err := w.service.Tokens(t.Context(), w.id)
	if err != nil || len(tokens) != 1 || !tokens[0].LastUsedAt.Equal(w.now) {
		t.Fatalf("tokens %+v, %v; want the last use at %v", tokens, err, w.now)
	}
	w.now = w.now.Add(directory.DefaultTokenAge - time.Second)
	w.must(200, "GET", "/Users", "")
	w.now = w.now.Add(time.Second)
	w.must(401, "GET", "/Users", "")

	_, second, err := w.service.CreateToken(t.Context(), admin, w.id, 0)
	if err != nil {
		t.Fatal(err)
	}
	v := w.as(w.id, second)
	v.must(200, "GET", "/Users", "")
	tokens, _ = w.service.Tokens(t.Context(), w.id)
	for _, token := range tokens {
		if err := w.service.DeleteToken(t.Context(), admin, w.id, token.ID); err != nil {
			t.Fatal(err)
		}
	}
	v.must(401, "GET", "/Users", "")
}

func TestEndpointsAndVerbsRFC7644Section32(t *testing.T) {
	t.Parallel()
	w := start(t, directory.ProfileRFC)
	id := w.user("a")
	for _, tc := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"PUT", "", 405, "GET"}, {"GET", "/Me", 501, ""}, {"PATCH", "/Me", 501, ""}, {"GET", "/Bulk", 405, "POST"}, {"DELETE", "/.search", 405, "POST"},
		{"GET", "/Users/.search", 405, "POST"}, {"DELETE", "/Groups/.search", 405, "POST"}, {"POST", "/Schemas/.search", 404, ""},
		{"GET", "/users", 404, ""}, {"GET", "/Users/" + id + "/more", 404, ""}, {"GET", "/ServiceProviderConfig/x", 404, ""},
		{"PUT", "/Users", 405, "POST, GET"}, {"PATCH", "/Users", 405, "POST, GET"}, {"DELETE", "/Users", 405, "POST, GET"},
		{"POST", "/Users/" + id, 405, "GET, PUT, PATCH, DELETE"}, {"TRACE", "/Users", 405, "POST, GET"},
		{"POST", "/Schemas", 405, "GET"}, {"DELETE", "/ServiceProviderConfig", 405, "GET"}, {"PATCH", "/ResourceTypes/User", 405, "GET"},
		{"GET", "//Users//" + id + "/", 200, ""}, {"GET", "/Users/", 200, ""}, {"HEAD", "/Users/" + id, 200, ""},
		{"GET", "/Users/" + id + "?aadOptscim062020", 200, ""}, {"GET", "/Users?unknown=1&unknown=2", 200, ""},
	} {
		got := w.send(tc.method, tc.path, "")
		if got.status != tc.status || got.header.Get("Allow") != tc.allow {
			t.Errorf("%s %s: got %d, Allow %q; want %d, %q", tc.method, tc.path, got.status, got.header.Get("Allow"), tc.status, tc.allow)
		}
		if tc.status >= 400 && (got.text("status") != fmt.Sprint(tc.status) || got.at("schemas/0") != "urn:ietf:params:scim:api:messages:2.0:Error") {
			t.Errorf("%s %s: the error is not SCIM's: %s", tc.method, tc.path, got.raw)
		}
	}
	for _, path := range []string{"/", "/scim", "/scim/", "/scim/entra", "/scim/entra/v1/Users", "/scim//v2/Users", "/other/entra/v2/Users"} {
		r := httptest.NewRequest("GET", path, nil)
		r.Header.Set("Authorization", "Bearer "+w.token)
		if got := w.do(r); got.status != 404 || got.text("status") != "404" {
			t.Errorf("%s: got %d %s", path, got.status, got.raw)
		}
	}
}

func TestContentTypesRFC7644Section38(t *testing.T) {
	t.Parallel()
	w := start(t, directory.ProfileRFC)
	for i, tc := range []struct {
		contentType string
		status      int
	}{
		{"application/scim+json", 201}, {"application/json", 201}, {"application/scim+json; charset=utf-8", 201}, {"Application/JSON;charset=UTF-8", 201}, {"", 201},
		{"text/plain", 415}, {"application/xml", 415}, {"application/json; charset=utf-16", 415}, {";;", 415}, {"application/x-www-form-urlencoded", 415},
	} {
		got := w.send("POST", "/Users", user(fmt.Sprint("u", i)), header("Content-Type", tc.contentType))
		if got.status != tc.status {
			t.Errorf("%q: got %d, want %d", tc.contentType, got.status, tc.status)
		}
		if ct := got.header.Get("Content-Type"); ct != "application/scim+json; charset=utf-8" {
			t.Errorf("answered as %q", ct)
		}
	}
	w.must(415, "POST", "/Users", user("z"), header("Content-Encoding", "gzip"))
	w.must(200, "GET", "/Users", "", header("Accept", "application/json"), header("User-Agent", ""))
}

func TestCreateRFC7644Section33(t *testing.T) {
	t.Parallel()
	w := start(t, directory.ProfileRFC)
	got := w.must(201, "POST", "/Users", user("ann"))
	id := got.text("id")
	location := "http://gatehouse.test/scim/entra/v2/Users/" + id
	if got.header.Get("Location") != location || got.text("meta/location") != location {
		t.Errorf("Location %q, meta.location %q, want %q", got.header.Get("Location"), got.text("meta/location"), location)
	}
	if got.header.Get("ETag") != `W/"1"` || got.text("meta/version") != `W/"1"` || got.text("meta/created") != got.text("meta/lastModified") {
		t.Errorf("ETag %q, meta %v", got.header.Get("ETag"), got.at("meta"))
	}
	if got.at("active") != true {
		t.Error("a new user of whom nothing was said is active")
	}
	dup := w.must(409, "POST", "/Users", user("ANN"))
	if dup.text("scimType") != "uniqueness" {
		t.Errorf("duplicate: %s", dup.raw)
	}
	// A clash of the external id alone.
	w.must(409, "POST", "/Users", strings.Replace(user("bob"), "x-bob", "x-ann", 1))
	w.group("G")
	if dup := w.must(409, "POST", "/Groups", group("g")); dup.text("scimType") != "uniqueness" {
		t.Errorf("duplicate group: %s", dup.raw)
	}
}

func TestProvenance(t *testing.T) {
	t.Parallel()
	w := start(t, directory.ProfileRFC)
	uid := w.user("ann")
	gid := w.group("G")
	u, err := w.service.User(t.Context(), uid)
	if err != nil || u.Source != "entra" || u.ExternalID("scim/entra") != "x-ann" || u.CreatedBy != "entra" {
		t.Errorf("user %+v, %v", u, err)
	}
	g, err := w.service.Group(t.Context(), gid)
	if err != nil || g.Source != "entra" || g.CreatedBy != "entra" {
		t.Errorf("group %+v, %v", g, err)
	}
	// What SCIM does not speak of stays: other systems' ids, the web site.
	_, err = w.service.UpdateUser(t.Context(), admin, uid, 0, func(u *directory.User) error {
		u.Website, u.ExternalIDs = "https://ann.example", append(u.ExternalIDs, directory.ExternalID{Issuer: "hr", ID: "7"})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	w.must(200, "PUT", "/Users/"+uid, user("ann"))
	u, _ = w.service.User(t.Context(), uid)
	if u.Website == "" || u.ExternalID("hr") != "7" || u.ExternalID("scim/entra") != "x-ann" || u.Source != "entra" {
		t.Errorf("after PUT: %+v", u)
	}
}

func TestDirectoriesDoNotSeeEachOther(t *testing.T) {
	t.Parallel()
	w := start(t, directory.ProfileRFC)
	v := w.as(w.source("okta", directory.ProfileRFC, false))
	uid, gid := w.user("ann"), w.group("G")
	local, err := w.service.CreateUser(t.Context(), admin, directory.User{UserName: "local", Active: true})
	if err != nil {
		t.Fatal(err)
	}
	mine := v.user("olga")
	myGroup := v.group("Okta group", mine)
	for _, id := range []string{uid, local.ID} {
		v.must(404, "GET", "/Users/"+id, "")
		v.must(404, "PUT", "/Users/"+id, user("stolen"))
		v.must(404, "PATCH", "/Users/"+id, patch(`{"op":"replace","path":"active","value":false}`))
		v.must(404, "DELETE", "/Users/"+id, "")
		v.must(400, "PATCH", "/Groups/"+myGroup, patch(`{"op":"add","path":"members","value":[{"value":"`+id+`"}]}`))
		v.must(400, "POST", "/Groups", group("With a stranger", id))
	}
	v.must(404, "GET", "/Groups/"+gid, "")
	v.must(404, "PUT", "/Groups/"+gid, group("stolen"))
	v.must(404, "PATCH", "/Groups/"+gid, patch(`{"op":"replace","path":"displayName","value":"x"}`))
	v.must(404, "DELETE", "/Groups/"+gid, "")
	v.must(409, "POST", "/Users", user("ann")) // names are unique all the same
	for _, q := range []string{`userName+eq+%22ann%22`, `id+eq+%22` + uid + `%22`, `displayName+eq+%22D+ann%22`, `groups.value+eq+%22` + gid + `%22`} {
		if got := v.must(200, "GET", "/Users?filter="+q, ""); got.at("totalResults") != 0.0 {
			t.Errorf("%s: %s", q, got.raw)
		}
	}
	for _, path := range []string{"/Users", "/Groups", "/Users?cursor=", "/Groups?cursor="} {
		got := v.must(200, "GET", path, "")
		if got.at("Resources/#") != 1.0 || got.at("itemsPerPage") != 1.0 {
			t.Errorf("%s: %s", path, got.raw)
		}
		if !strings.Contains(path, "cursor") && got.at("totalResults") != 1.0 {
			t.Errorf("%s: %s", path, got.raw)
		}
	}
	// Users made by hand may sign in through the first directory; that gives its client nothing.
	w.must(404, "PATCH", "/Users/"+local.ID, patch(`{"op":"replace","path":"title","value":"T"}`))
	if got := w.must(200, "GET", "/Users", ""); got.at("totalResults") != 1.0 {
		t.Errorf("without an owner rule: %s", got.raw)
	}
	if u, _ := w.service.User(t.Context(), uid); u.UserName != "ann" || !u.Active {
		t.Errorf("changed by a stranger: %+v", u)
	}
}

func TestVersionsRFC7644Section314(t *testing.T) {
	t.Parallel()
	w := start(t, directory.ProfileRFC)
	for _, tc := range []struct{ path, change string }{
		{"/Users/" + w.user("ann"), patch(`{"op":"replace","path":"title","value":"%d"}`)},
		{"/Groups/" + w.group("G"), patch(`{"op":"replace","path":"displayName","value":"G %d"}`)},
	} {
		first := w.must(200, "GET", tc.path, "").header.Get("ETag")
		got := w.must(304, "GET", tc.path, "", header("If-None-Match", first))
		if got.raw != "" || got.header.Get("ETag") != first {
			t.Errorf("304 with %q, ETag %q", got.raw, got.header.Get("ETag"))
		}
		w.must(200, "GET", tc.path, "", header("If-None-Match", `W/"99"`))
		if got := w.send("PATCH", tc.path, fmt.Sprintf(tc.change, 1), header("If-Match", first)); got.status >= 300 {
			t.Fatalf("If-Match with the present version: %d %s", got.status, got.raw)
		}
		w.must(412, "PATCH", tc.path, fmt.Sprintf(tc.change, 2), header("If-Match", first))
		w.must(412, "DELETE", tc.path, "", header("If-Match", first))
		w.must(412, "PUT", tc.path, `{"userName":"x","displayName":"x"}`, header("If-Match", first))
		second := w.must(200, "GET", tc.path, "").header.Get("ETag")
		if second == first {
			t.Error("a change did not change the version")
		}
		// What is so already changes nothing (§3.5.2.1).
		if got := w.send("PATCH", tc.path, fmt.Sprintf(tc.change, 1)); got.status >= 300 {
			t.Fatal(got.raw)
		}
		if again := w.must(200, "GET", tc.path, ""); again.header.Get("ETag") != second {
			t.Error("a repetition changed the version")
		}
		w.must(204, "DELETE", tc.path, "", header("If-Match", `*`))
	}
}

func TestRepeatedMemberChangesChangeNothing(t *testing.T) {
	t.Parallel()
	w := start(t, directory.ProfileRFC)
	u := w.user("ann")
	g := "/Groups/" + w.group("G", u)
	before := w.must(200, "GET", g, "")
	w.now = w.now.Add(time.Hour)
	w.must(204, "PATCH", g, patch(`{"op":"add","path":"members","value":[{"value":"`+u+`"}]}`))
	w.must(204, "PATCH", g, patch(`{"op":"remove","path":"members[value eq \"0123456789-00000000-0000-0000-0000-000000000000\"]"}`))
	if after := w.must(200, "GET", g, ""); after.raw != before.raw {
		t.Errorf("got %s, want %s", after.raw, before.raw)
	}
}

func TestPatchAnswersRFC7644Section352(t *testing.T) {
	t.Parallel()
	w := start(t, directory.ProfileRFC)
	u := w.user("ann")
	g := "/Groups/" + w.group("G")
	got := w.must(204, "PATCH", g, patch(`{"op":"add","path":"members","value":[{"value":"`+u+`"}]}`))
	if got.raw != "" || got.header.Get("ETag") != `W/"2"` {
		t.Errorf("204 with %q, ETag %q", got.raw, got.header.Get("ETag"))
	}
	got = w.must(200, "PATCH", g+"?attributes=displayName", patch(`{"op":"replace","path":"displayName","value":"H"}`))
	if got.text("displayName") != "H" || got.at("members") != nil {
		t.Errorf("with attributes: %s", got.raw)
	}
	got = w.must(200, "PATCH", "/Users/"+u, patch(`{"op":"replace","path":"title","value":"T"}`))
	if got.text("title") != "T" || got.at("groups/0/display") != "H" {
		t.Errorf("user: %s", got.raw)
	}
}

func TestPatchIsAtomicRFC7644Section352(t *testing.T) {
	t.Parallel()
	w := start(t, directory.ProfileRFC)
	u := w.user("ann")
	g := w.group("G", u)
	beforeUser, beforeGroup := w.must(200, "GET", "/Users/"+u, "").raw, w.must(200, "GET", "/Groups/"+g, "").raw
	w.must(400, "PATCH", "/Users/"+u, patch(`{"op":"replace","path":"title","value":"T"}`, `{"op":"remove","path":"userName"}`))
	w.must(400, "PATCH", "/Users/"+u, patch(`{"op":"replace","path":"title","value":"T"}`, `{"op":"replace","path":"userName","value":"with space"}`))
	w.must(400, "PATCH", "/Groups/"+g, patch(`{"op":"replace","path":"members","value":[]}`, `{"op":"remove","path":"displayName"}`))
	w.must(400, "PATCH", "/Groups/"+g, patch(`{"op":"replace","path":"members","value":[{"value":""}]}`))
	w.must(400, "PATCH", "/Groups/"+g, patch(`{"op":"remove","path":"members"}`, `{"op":"add","path":"members","value":[{"value":"nobody"}]}`))
	if got := w.must(200, "GET", "/Users/"+u, "").raw; got != beforeUser {
		t.Errorf("the user changed: %s", got)
	}
	if got := w.must(200, "GET", "/Groups/"+g, "").raw; got != beforeGroup {
		t.Errorf("the group changed: %s", got)
	}
}

func TestProjectionRFC7644Section39(t *testing.T) {
	t.Parallel()
	w := start(t, directory.ProfileRFC)
	u := w.user("ann")
	g := w.group("G", u)
	for _, tc := range []struct{ path, shown, hidden string }{
		{"/Users/" + u + "?attributes=userName", "userName", "displayName"},
		{"/Users/" + u + "?attributes=groups.value", "groups", "userName"},
		{"/Users/" + u + "?excludedAttributes=name,groups", "userName", "name"},
		{"/Groups/" + g + "?excludedAttributes=members", "displayName", "members"},
		{"/Groups/" + g + "?attributes=members", "members", "displayName"},
		{"/Groups/" + g, "members", "groups"},
	} {
		got := w.must(200, "GET", tc.path, "")
		if got.at(tc.shown) == nil || got.at(tc.hidden) != nil || got.at("id") == nil {
			t.Errorf("%s: %s", tc.path, got.raw)
		}
	}
}

func TestDiscoveryRFC7644Section4(t *testing.T) {
	t.Parallel()
	w := start(t, directory.ProfileRFC)
	if got := w.must(200, "GET", "/ServiceProviderConfig", ""); got.at("patch/supported") != true || got.at("pagination/cursor") != true {
		t.Error(got.raw)
	}
	for _, path := range []string{"/Schemas", "/ResourceTypes"} {
		list := w.must(200, "GET", path+"?count=1&startIndex=7", "") // query parameters are ignored
		if list.at("totalResults") != list.at("Resources/#") || list.at("totalResults") == 0.0 {
			t.Error(list.raw)
		}
		for i := range int(list.at("Resources/#").(float64)) {
			id := list.text(fmt.Sprintf("Resources/%d/id", i))
			one := w.must(200, "GET", path+"/"+id, "")
			if one.text("id") != id || !strings.HasSuffix(one.text("meta/location"), path+"/"+id) {
				t.Errorf("%s/%s: %s", path, id, one.raw)
			}
		}
		w.must(404, "GET", path+"/nosuch", "")
		w.must(403, "GET", path+"?filter=id+pr", "")
	}
	w.must(403, "GET", "/ServiceProviderConfig?filter=x", "")
}

func TestProfileAWS(t *testing.T) {
	t.Parallel()
	w := start(t, directory.ProfileAWS)
	got := w.must(400, "POST", "/Users", `{"userName":"a"}`)
	if got.at("schema/0") == nil || got.at("schemas/0") == nil || got.text("timeStamp") != "2026-11-24 12:00:00.000" || got.at("scimType") != nil {
		t.Errorf("AWS's error has both spellings and a time: %s", got.raw)
	}
	u := w.must(201, "POST", "/Users", user("ann"))
	if u.header.Get("Content-Type") != "application/json" || u.at("groups") != nil {
		t.Errorf("%v %s", u.header, u.raw)
	}
	g := w.must(201, "POST", "/Groups", group("G", u.text("id")))
	if g.at("members/#") != 0.0 {
		t.Errorf("AWS shows members as an empty list: %s", g.raw)
	}
	gid := g.text("id")
	if got := w.must(200, "GET", "/Groups?filter=id+eq+%22"+gid+"%22+and+members+eq+%22"+u.text("id")+"%22", ""); got.at("totalResults") != 1.0 || got.at("Resources/0/members/#") != 0.0 {
		t.Error(got.raw)
	}
	w.must(204, "PATCH", "/Groups/"+gid, patch(`{"op":"Add","path":"members","value":[{"value":"`+u.text("id")+`"}]}`))
	if got := w.must(200, "GET", "/Users/"+u.text("id"), ""); got.at("groups") != nil {
		t.Errorf("AWS shows no groups of a user: %s", got.raw)
	}
	w.must(405, "PUT", "/Groups/"+gid, group("G"))
	w.must(400, "PATCH", "/Groups/"+gid, patch(`{"op":"replace","path":"members","value":[]}`))
	w.must(400, "GET", "/Users?filter=userName+sw+%22a%22", "")
	if got := w.must(200, "GET", "/Users?count=1000&cursor=", ""); got.at("totalResults") != nil || got.at("startIndex") != nil || got.at("itemsPerPage") != 1.0 {
		t.Errorf("a cursor changes the answer: %s", got.raw)
	}
}
