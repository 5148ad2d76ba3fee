package admin_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// TestSCIMRequests walks the operations on the log of SCIM requests, good and bad.
func TestSCIMRequests(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, token, err := w.Directory.CreateToken(t.Context(), tester, "default", 0)
	w.ok(err)
	scim := func(token, method, path, body string) {
		t.Helper()
		r, err := http.NewRequest(method, w.URL+"/scim/default/v2"+path, strings.NewReader(body))
		w.ok(err)
		r.Header.Set("Authorization", "Bearer "+token)
		res, err := w.http.Do(r)
		w.ok(err)
		res.Body.Close()
	}
	scim(token, "POST", "/Users", `{"userName":"ann@example.com","externalId":"e1","password":"hunter222"}`)
	scim(token, "POST", "/Users", `{"userName":"ann@example.com"}`)
	scim(token, "GET", "/Users?filter=userName+eq+%22bob%22", "")
	scim("wrong-token", "GET", "/Users", "")

	var page struct {
		Requests []struct{ ID, Outcome, Name, Body string }
		Next     string
	}
	a := w.ask(w.signed(w.admin), "GET", "/directories/default/scim-requests", "")
	w.ok(json.Unmarshal(a.body, &page))
	if len(page.Requests) != 4 || page.Next != "" || strings.Contains(string(a.body), "hunter222") || strings.Contains(string(a.body), "wrong-token") || strings.Contains(string(a.body), token) {
		t.Fatalf("the log: %s", a.body)
	}
	for i, want := range []string{"unauthenticated", "read", "refused", "changed"} {
		if got := page.Requests[i]; got.Outcome != want || got.Body != "" {
			t.Errorf("request %d is %+v, want %s", i, got, want)
		}
	}
	created, refused := page.Requests[3].ID, page.Requests[2].ID
	log := "/directories/default/scim-requests"
	w.walk([]step{
		{"GET", log + "?limit=1", "", 200, []string{`"next":"` + page.Requests[0].ID + `"`}},
		{"GET", log + "?limit=2&before=" + refused, "", 200, []string{created, `"next":""`}},
		{"GET", log + "?outcome=refused&status=409&method=POST&kind=User&name=ANN@example.com", "", 200, []string{refused, `"scimType":"uniqueness"`, `"why":"`}},
		{"GET", log + "?externalId=e1&since=2020-01-01T00:00:00Z", "", 200, []string{created}},
		{"GET", log + "?until=2020-01-01T00:00:00Z", "", 200, []string{`"requests":[]`}},
		{"GET", log + "?name=%00", "", 400, nil},
		{"GET", log + "?outcome=maybe", "", 422, nil},
		{"GET", log + "?limit=201", "", 422, nil},
		{"GET", log + "?since=yesterday", "", 422, nil},
		{"GET", "/directories/none/scim-requests", "", 404, nil},
		{"GET", "/directories/_/scim-requests", "", 200, []string{`"requests":[]`}},
		{"GET", log + "/" + created, "", 200, []string{`\"password\":\"(masked)\"`, `"action":"created"`, `"externalId":"e1"`, `"tokenId":"`}},
		{"GET", log + "/none", "", 404, nil},
		{"GET", "/directories/_/scim-requests/" + created, "", 404, nil},

		{"POST", log + "/replay", `{"ids":["` + refused + `","` + created + `"]}`, 200, []string{`"same":true`, `"same":false`, `"then":{"status":201`, `"outcome":"refused"`}},
		{"POST", log + "/replay", `{"range":{"since":"2020-01-01T00:00:00Z","outcome":"refused"}}`, 200, []string{refused, `"next":""`}},
		{"POST", log + "/replay", `{"range":{"since":"2020-01-01T00:00:00Z","until":"2020-01-02T00:00:00Z"}}`, 200, []string{`"replays":[]`}},
		{"POST", log + "/replay", `{"try":[{"method":"POST","path":"/Users","body":{"userName":"new","password":"hunter222"}},{"method":"GET","path":"/Users","query":"filter=userName+eq+%22new%22"},{"method":"DELETE","path":"/Users/x"}]}`, 200,
			[]string{`"action":"created"`, `{"attribute":"userName","after":"new"}`, `"status":200,"outcome":"read"`, `"status":404`}},
		{"POST", log + "/replay", `{"try":[{"method":"POST","path":"/Users","body":"text"}]}`, 200, []string{`"scimType":"invalidSyntax"`}},
		{"POST", log + "/replay", `{"ids":["none"]}`, 404, nil},
		{"POST", log + "/replay", `{}`, 400, nil},
		{"POST", log + "/replay", `{"ids":["` + created + `"],"try":[{"method":"GET","path":"/Users"}]}`, 400, nil},
		{"POST", log + "/replay", `{"range":{}}`, 422, nil},
		{"POST", log + "/replay", `{"try":[{"path":"/Users"}]}`, 422, nil},
		{"POST", "/directories/none/scim-requests/replay", `{"try":[{"method":"GET","path":"/Users"}]}`, 404, nil},
		{"POST", "/directories/none/scim-requests/replay", `{"range":{"since":"2020-01-01T00:00:00Z"}}`, 404, nil},
		{"POST", "/directories/_/scim-requests/replay", `{"range":{"since":"2020-01-01T00:00:00Z"}}`, 200, []string{`"replays":[]`}},
		{"GET", "/users/new", "", 404, nil},
		{"GET", log + "?limit=200", "", 200, []string{`"next":""`}},
	})
	if b := w.ask(w.signed(w.admin), "GET", log, ""); string(b.body) != string(a.body) {
		t.Errorf("replays are in the log: %s", b.body)
	}
}
