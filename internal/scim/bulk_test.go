package scim

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

const bulkSchema = `"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"]`

func TestDecodeBulkRFC7644Section37(t *testing.T) {
	t.Parallel()
	b, err := DecodeBulk([]byte(`{` + bulkSchema + `,"failOnErrors":2,"Operations":[
		{"method":"post","path":"/Groups","bulkId":"g","data":{"displayName":"G","members":[{"value":"bulkId:a"},{"value":"bulkId:b","type":"User"},{"value":"known"}]}},
		{"method":"PATCH","path":"/Groups/bulkId:g","version":"W/\"1\"","data":{"Operations":[{"op":"add","path":"members","value":[{"value":"bulkId:a"}]}]}},
		{"method":"DELETE","path":"/Users/1"}]}`))
	if err != nil || b.FailOnErrors != 2 || len(b.Operations) != 3 {
		t.Fatalf("%+v, %v", b, err)
	}
	group, change, removal := b.Operations[0], b.Operations[1], b.Operations[2]
	if got := group.References(); !slices.Equal(got, []string{"a", "b"}) || group.Method != "POST" {
		t.Errorf("the group refers to %q", got)
	}
	if got := change.References(); !slices.Equal(got, []string{"g", "a"}) || change.Version != `W/"1"` {
		t.Errorf("the change refers to %q", got)
	}
	path, body, whole := group.Resolved(map[string]string{"a": "1"})
	if path != "/Groups" || whole || string(body) != `{"displayName":"G","members":[{"value":"1"},{"value":"known"}]}` {
		t.Errorf("%s %v %s", path, whole, body)
	}
	path, body, whole = change.Resolved(map[string]string{"a": "1", "g": "7"})
	if path != "/Groups/7" || !whole || string(body) != `{"Operations":[{"op":"add","path":"members","value":[{"value":"1"}]}]}` {
		t.Errorf("%s %v %s", path, whole, body)
	}
	if path, body, whole = removal.Resolved(nil); path != "/Users/1" || body != nil || !whole {
		t.Errorf("%s %v %s", path, whole, body)
	}
}

func TestDecodeBulkRefuses(t *testing.T) {
	t.Parallel()
	many := strings.Repeat(`{"method":"DELETE","path":"/Users/1"},`, MaxBulkOperations) + `{"method":"DELETE","path":"/Users/1"}`
	for body, scimType := range map[string]string{
		`[]`:                                     InvalidSyntax,
		`{"Operations":[]}`:                      InvalidSyntax,
		`{` + bulkSchema + `}`:                   InvalidSyntax,
		`{` + bulkSchema + `,"Operations":[]}`:   InvalidSyntax,
		`{` + bulkSchema + `,"Operations":[1]}`:  InvalidSyntax,
		`{` + bulkSchema + `,"Operations":[{}]}`: InvalidSyntax,
		`{` + bulkSchema + `,"failOnErrors":-1,"Operations":[{"method":"DELETE","path":"/Users/1"}]}`:                                                           InvalidValue,
		`{` + bulkSchema + `,"failOnErrors":"x","Operations":[{"method":"DELETE","path":"/Users/1"}]}`:                                                          InvalidValue,
		`{` + bulkSchema + `,"Operations":[{"method":"POST","path":"/Users","data":{}}]}`:                                                                       InvalidSyntax,
		`{` + bulkSchema + `,"Operations":[{"method":"POST","path":7,"bulkId":"a"}]}`:                                                                           InvalidSyntax,
		`{` + bulkSchema + `,"Operations":[{"method":"POST","path":"/Users","bulkId":"a","data":{}},{"method":"POST","path":"/Users","bulkId":"a","data":{}}]}`: InvalidValue,
		`{` + bulkSchema + `,"Operations":[` + many + `]}`:                                                                                                      TooMany,
	} {
		if _, err := DecodeBulk([]byte(body)); reason(err) != scimType {
			t.Errorf("%.90s: %v, want %s", body, err, scimType)
		}
	}
}

func FuzzDecodeBulk(f *testing.F) {
	f.Add(`{` + bulkSchema + `,"Operations":[{"method":"POST","path":"/Users","bulkId":"a","data":{"userName":"bulkId:b","members":[[{"value":"bulkId:a"}]]}}]}`)
	f.Add(`{` + bulkSchema + `,"Operations":[{"method":"PUT","path":"bulkId:","data":"bulkId:"}]}`)
	f.Fuzz(func(t *testing.T, s string) {
		b, err := DecodeBulk([]byte(s))
		refusedProperly(t, err)
		for _, o := range b.Operations {
			ids := map[string]string{}
			for i, ref := range o.References() {
				ids[ref] = fmt.Sprint(i + 1)
			}
			if _, body, whole := o.Resolved(ids); !whole {
				t.Fatalf("all is known and %s is not whole", body)
			}
			if _, body, _ := o.Resolved(nil); body != nil {
				if _, err := parse(body); err != nil {
					t.Fatalf("not JSON: %s", body)
				}
			}
		}
	})
}
