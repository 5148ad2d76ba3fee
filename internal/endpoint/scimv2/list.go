package scimv2

import (
	"cmp"
	"context"
	"encoding/base64"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
	"gatehouse/internal/scim"
)

const (
	// batch is how many rows are read at a time.
	batch = 1000
	// maxExamined bounds how many resources one request looks at when its filter names no key.
	maxExamined = 200_000
	// maxListedMembers bounds how many members one page of groups shows; the page then ends early, which
	// paging allows (RFC 7644 §3.4.2.4: count is a maximum).
	maxListedMembers = 100_000
)

// paging is which part of a list is wanted.
type paging struct {
	// start is 1-based; count may be 0.
	start, count int
	// byCursor says that the client pages by cursor (RFC 9865); after is the id to go on behind.
	byCursor bool
	after    string
}

// paging reads startIndex, count and cursor. Numbers out of range are moved into it (RFC 7644 §3.4.2.4).
func (q *request) paging() (paging, error) {
	p := paging{start: 1, count: scim.DefaultPage}
	n, given, err := q.number("count")
	if err != nil {
		return p, err
	}
	if given {
		p.count = min(max(n, 0), q.profile.MaxPage())
	}
	if cursor, by := q.query["cursor"]; by {
		p.byCursor = true
		p.after, err = readCursor(cursor)
		return p, err
	}
	if n, given, err = q.number("startIndex"); given {
		p.start = min(max(n, 1), math.MaxInt32)
	}
	return p, err
}

// A cursor is the id of the last resource shown. It is no secret and grants nothing.
func makeCursor(after string) string {
	if after == "" {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString([]byte("1:" + after))
}

func readCursor(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	b, err := base64.RawURLEncoding.DecodeString(s)
	after, ok := strings.CutPrefix(string(b), "1:")
	if err != nil || !ok || len(after) > 100 || strings.ContainsFunc(after, notID) {
		return "", invalid(scim.InvalidCursor, "this cursor was not given by this server")
	}
	return after, nil
}

// notID reports characters that no id has.
func notID(r rune) bool {
	return r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'f') && (r < 'A' || r > 'F')
}

// candidates reads resources in order of id: at most n whose id is greater than after. next is the key to go on
// behind, "" at the end; it may be ahead of the last candidate when some were skipped.
type candidates[T any] func(ctx context.Context, after string, n int) (page []T, next string, err error)

// wanted is what a list request asks for.
type wanted struct {
	filter *scim.Filter
	order  scim.Sort
	paging
}

// wanted reads what every list needs.
func (q *request) wanted(rt *scim.ResourceType) (w wanted, err error) {
	if w.paging, err = q.paging(); err != nil {
		return w, err
	}
	if w.order, err = q.order(rt, w.paging); err != nil {
		return w, err
	}
	w.filter, err = q.filter(rt)
	return w, err
}

// whole reports whether the request is for everything in the store's own order.
func (w wanted) whole() bool { return w.filter == nil && !w.byCursor && !w.order.Given() }

// selection is what a list chooses from and how.
type selection[T any] struct {
	rows candidates[T]
	keep func(ctx context.Context, x T) (bool, error)
	id   func(T) string
	// object is the resource as filters and orders see it; byID reads some again.
	object func(T) scim.Object
	byID   func(ctx context.Context, ids []string) ([]T, error)
}

// found is one page.
type found[T any] struct {
	items []T
	// total is -1 when it was not counted.
	total int
	// next is the id behind which the following page begins; "" when there is none.
	next string
}

// collect runs a selection.
func collect[T any](ctx context.Context, w wanted, s selection[T]) (found[T], error) {
	switch {
	case w.byCursor:
		return collectBehind(ctx, w.paging, s)
	case w.order.Given():
		return collectSorted(ctx, w, s)
	}
	f := found[T]{}
	err := everyKept(ctx, s, func(x T) {
		f.total++
		if f.total >= w.start && len(f.items) < w.count {
			f.items = append(f.items, x)
		}
	})
	return f, err
}

// everyKept visits all that a selection keeps, within bounds.
func everyKept[T any](ctx context.Context, s selection[T], visit func(T)) error {
	examined := 0
	return each(ctx, s, "", batch, func(x T, kept bool) (bool, error) {
		if examined++; examined > maxExamined {
			return false, invalid(scim.TooMany, "the filter would have to look at more than 200000 resources; filter by userName, externalId, an e-mail address or displayName, or page by cursor")
		}
		if kept {
			visit(x)
		}
		return true, nil
	})
}

// collectSorted remembers of each match what it is sorted by and its id, and reads those of the page again.
func collectSorted[T any](ctx context.Context, w wanted, s selection[T]) (found[T], error) {
	type place struct {
		key scim.SortKey
		id  string
	}
	var places []place
	err := everyKept(ctx, s, func(x T) {
		places = append(places, place{w.order.Key(s.object(x)), s.id(x)})
	})
	f := found[T]{total: len(places)}
	if err != nil || w.start > len(places) || w.count == 0 {
		return f, err
	}
	slices.SortFunc(places, func(a, b place) int {
		return cmp.Or(w.order.Compare(a.key, b.key), strings.Compare(a.id, b.id))
	})
	places = places[w.start-1 : min(w.start-1+w.count, len(places))]
	ids := make([]string, len(places))
	for i, p := range places {
		ids[i] = p.id
	}
	items, err := s.byID(ctx, ids)
	f.items = inOrder(items, ids, s.id)
	return f, err
}

// collectBehind stops as soon as the page is full and one more is known to follow.
func collectBehind[T any](ctx context.Context, p paging, s selection[T]) (found[T], error) {
	f := found[T]{total: -1}
	if p.count == 0 {
		return f, nil
	}
	examined, last := 0, p.after
	err := each(ctx, s, p.after, min(p.count+1, batch), func(x T, kept bool) (bool, error) {
		if examined++; examined > maxExamined {
			f.next = last
			return false, nil
		}
		if kept && len(f.items) == p.count {
			f.next = last
			return false, nil
		}
		if kept {
			f.items = append(f.items, x)
			last = s.id(x)
		}
		if len(f.items) < p.count {
			last = s.id(x)
		}
		return true, nil
	})
	return f, err
}

// each visits the candidates behind after until visit says stop. It reads n at first, which may be all that is wanted, and then more at a time.
func each[T any](ctx context.Context, s selection[T], after string, n int, visit func(x T, kept bool) (bool, error)) error {
	for ; ; n = min(4*n, batch) {
		page, next, err := s.rows(ctx, after, n)
		if err != nil {
			return err
		}
		for _, x := range page {
			kept, err := s.keep(ctx, x)
			if err != nil {
				return err
			}
			if more, err := visit(x, kept); err != nil || !more {
				return err
			}
		}
		if next == "" {
			return nil
		}
		after = next
	}
}

// none are no candidates.
func none[T any](context.Context, string, int) ([]T, string, error) { return nil, "", nil }

// fixed are candidates that an index gave.
func fixed[T any](xs []T, id func(T) string) candidates[T] {
	return func(_ context.Context, after string, _ int) ([]T, string, error) {
		var out []T
		for _, x := range xs {
			if id(x) > after {
				out = append(out, x)
			}
		}
		return out, "", nil
	}
}

// ordered are candidates that the store lists by id.
func ordered[T any](list func(context.Context, string, int) ([]T, error), id func(T) string) candidates[T] {
	return func(ctx context.Context, after string, n int) ([]T, string, error) {
		page, err := list(ctx, after, n)
		if err != nil || len(page) < n {
			return page, "", err
		}
		return page, id(page[len(page)-1]), nil
	}
}

// ofOwners lists by id what several owners have, from a listing of what one has. Of what passes from one owner to another meanwhile one is shown.
func ofOwners[T any](owners []string, list func(ctx context.Context, owner, after string, n int) ([]T, error), id func(T) string) func(context.Context, string, int) ([]T, error) {
	return func(ctx context.Context, after string, n int) ([]T, error) {
		var out []T
		for _, owner := range owners {
			page, err := list(ctx, owner, after, n)
			if err != nil {
				return nil, err
			}
			out = append(out, page...)
		}
		slices.SortStableFunc(out, func(a, b T) int { return strings.Compare(id(a), id(b)) })
		out = slices.CompactFunc(out, func(a, b T) bool { return id(a) == id(b) })
		return out[:min(n, len(out))], nil
	}
}

// inOrder sorts what a look-up by ids returned into the order of the ids.
func inOrder[T any](xs []T, ids []string, id func(T) string) []T {
	byID := make(map[string]T, len(xs))
	for _, x := range xs {
		byID[id(x)] = x
	}
	out := make([]T, 0, len(xs))
	for _, i := range ids {
		if x, ok := byID[i]; ok {
			out = append(out, x)
		}
	}
	return out
}

// storable reports whether a text could be kept at all: databases differ in what they do with NUL, and nothing
// that we keep holds one.
func storable(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }

// optional makes a list of a look-up that may find nothing.
func optional[T any](x T, err error) ([]T, error) {
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	return []T{x}, err
}

func userID(u directory.User) string   { return u.ID }
func groupID(g directory.Group) string { return g.ID }

// page encodes what was found.
func page[T any](p paging, f found[T], resources [][]byte, id func(T) string) answer {
	if n := len(resources); n < len(f.items) {
		f.next = id(f.items[n-1])
	}
	list := scim.Page{Total: f.total, StartIndex: p.start, ByCursor: p.byCursor, Resources: resources}
	if p.byCursor {
		list.NextCursor = makeCursor(f.next)
	}
	return answer{body: scim.EncodeList(list)}
}
