package storagetest

import (
	"fmt"
	"testing"
	"time"

	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
	"gatehouse/internal/storage/sqlstore"
)

func testNetwork(t *testing.T, db *sqlstore.DB) {
	ctx, s := t.Context(), db.Directory()
	n := directory.Network{APISources: []string{"203.0.113.0/24", "2001:db8::/32"}, SCIMSources: []string{"198.51.100.1"}, UpdatedAt: epoch(), UpdatedBy: "admin"}
	complete(t, n)
	want{kind: fault.NotFound, resource: "IDENTITY_STORE", id: "d-0123456789"}.check(t, second(s.Network(ctx, "d-0123456789")))
	ok(t, s.PutNetwork(ctx, "d-0123456789", n, event("x", "x")))
	same(t, "network", must(s.Network(ctx, "d-0123456789"))(t), n)
	want{kind: fault.NotFound, resource: "IDENTITY_STORE", id: "d-ffffffffff"}.check(t, second(s.Network(ctx, "d-ffffffffff")))

	// Replaced, never merged; and a list that was left out comes back as left out, since an empty one would mean "nobody".
	none := directory.Network{UpdatedAt: epoch().Add(time.Hour), UpdatedBy: "other"}
	ok(t, s.PutNetwork(ctx, "d-0123456789", none, event("x", "x")))
	got := must(s.Network(ctx, "d-0123456789"))(t)
	same(t, "network replaced", got, none)
	if got.APISources != nil || got.SCIMSources != nil {
		t.Errorf("got %#v, want nil lists", got)
	}

	for i, err := range atOnce(8, func(i int) error {
		return s.PutNetwork(ctx, "d-ffffffffff", directory.Network{APISources: []string{fmt.Sprintf("10.0.0.%d", i)}, UpdatedBy: fmt.Sprint(i)}, event("x", "x"))
	}) {
		if err != nil {
			t.Errorf("writer %d of many: %v", i, err)
		}
	}
	one := must(s.Network(ctx, "d-ffffffffff"))(t)
	if len(one.APISources) != 1 || one.APISources[0] != "10.0.0."+one.UpdatedBy {
		t.Errorf("got %+v, want one writer's settings whole", one)
	}
}
