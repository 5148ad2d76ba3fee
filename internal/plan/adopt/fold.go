package adopt

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strings"

	"gatehouse/internal/plan/estate"
	"gatehouse/internal/plan/source"
)

// rule is one entry of assignments: each of the principals gets each of the sets in each of the accounts.
type rule struct {
	principals []estate.Principal
	sets       []int32
	accounts   int // index of a distinct set of accounts
}

// rules folds the assignments and writes them.
func (w *writer) rules() sequel {
	held := w.holdings()
	folded := fold(held)
	c := newCover(w.e, w.x, w.o.Selectors)
	type written struct {
		order string
		yaml  mapping
	}
	out := make([]written, 0, len(folded))
	found := map[int]chosen{}
	for _, r := range folded {
		where, known := found[r.accounts]
		if !known {
			where = c.find(held.accounts[r.accounts])
			found[r.accounts] = where
		}
		groups, users := w.people(r.principals)
		sets := w.setNames(r.sets)
		m := mapping{}
		if len(groups) > 0 {
			m = append(m, pair{key: "groups", value: texts(groups)})
		}
		if len(users) > 0 {
			m = append(m, pair{key: "users", value: texts(users)})
		}
		m = append(m, pair{key: "permission_sets", value: texts(sets)}, pair{key: "accounts", value: short(where.any)})
		if len(where.except) > 0 {
			m = append(m, pair{key: "except", value: short(where.except)})
		}
		// Groups come before people, who are the exception.
		order := "0"
		if len(groups) == 0 {
			order = "1"
		}
		out = append(out, written{order + strings.Join(append(append(groups, users...), sets...), "\x00"), m})
	}
	slices.SortStableFunc(out, func(a, b written) int { return cmp.Compare(a.order, b.order) })
	w.out.Rules = len(out)
	all := make(sequel, len(out))
	for i := range out {
		all[i] = out[i].yaml
	}
	return all
}

// holdings are who holds what where: for every set and principal together the accounts, of which every distinct set is there once.
type holdings struct {
	accounts [][]int32 // distinct sets of accounts, each sorted
	held     [][]held  // by that index
}

type held struct {
	set       int32
	principal estate.Principal
}

// holdings gathers what can be written: accounts must be active, and everybody must have a name.
func (w *writer) holdings() *holdings {
	as := make([]estate.Assignment, 0, len(w.e.Assignments))
	inactive := map[int32]int{}
	for _, a := range w.e.Assignments {
		switch {
		case !w.e.Accounts[a.Account].Active():
			inactive[a.Account]++
		case !w.gone[a.Principal] && !w.nameless[a.Principal]:
			as = append(as, a)
		}
	}
	for i := range w.e.Accounts {
		if n := inactive[int32(i)]; n > 0 {
			a := &w.e.Accounts[i]
			w.warn("inactive-account", a.ID, "nothing can be assigned there, and nothing taken", "%s in %s %q %s left out: the account is %s", source.Count(n, "assignment"), a.ID, a.Name, are(n), strings.ToLower(a.Status))
		}
	}
	w.out.Assignments = len(as)
	slices.SortFunc(as, func(a, b estate.Assignment) int {
		return cmp.Or(cmp.Compare(a.Set, b.Set), cmp.Compare(a.Principal, b.Principal), cmp.Compare(a.Account, b.Account))
	})
	out := &holdings{}
	places := map[string]int{}
	var key []byte
	for len(as) > 0 {
		n := 1
		for n < len(as) && as[n].Set == as[0].Set && as[n].Principal == as[0].Principal {
			n++
		}
		key = key[:0]
		for _, a := range as[:n] {
			key = binary.BigEndian.AppendUint32(key, uint32(a.Account))
		}
		at, there := places[string(key)]
		if !there {
			at = len(out.accounts)
			places[string(key)] = at
			accounts := make([]int32, n)
			for i, a := range as[:n] {
				accounts[i] = a.Account
			}
			out.accounts, out.held = append(out.accounts, accounts), append(out.held, nil)
		}
		out.held[at] = append(out.held[at], held{as[0].Set, as[0].Principal})
		as = as[n:]
	}
	return out
}

// fold makes rules: for every distinct set of accounts, principals with the same sets are one rule, or sets with the same principals, whichever
// makes fewer.
func fold(h *holdings) (out []rule) {
	for at, hs := range h.held {
		byPrincipal := gather(hs, func(x held) (int32, int32) { return int32(x.principal), x.set })
		bySet := gather(hs, func(x held) (int32, int32) { return x.set, int32(x.principal) })
		if len(bySet) < len(byPrincipal) {
			for _, g := range bySet {
				out = append(out, rule{principals: principals(g.values), sets: g.keys, accounts: at})
			}
			continue
		}
		for _, g := range byPrincipal {
			out = append(out, rule{principals: principals(g.keys), sets: g.values, accounts: at})
		}
	}
	return out
}

func principals(of []int32) []estate.Principal {
	out := make([]estate.Principal, len(of))
	for i := range of {
		out[i] = estate.Principal(of[i])
	}
	return out
}

// gathered are keys that have the same values.
type gathered struct{ keys, values []int32 }

// gather puts keys with the same values together, in the order in which they come.
func gather(hs []held, split func(held) (key, value int32)) (out []gathered) {
	values := map[int32][]int32{}
	var keys []int32
	for _, x := range hs {
		k, v := split(x)
		if values[k] == nil {
			keys = append(keys, k)
		}
		values[k] = append(values[k], v)
	}
	same := map[string]int{}
	var name []byte
	for _, k := range keys {
		vs := values[k]
		slices.Sort(vs)
		name = name[:0]
		for _, v := range vs {
			name = binary.BigEndian.AppendUint32(name, uint32(v))
		}
		at, there := same[string(name)]
		if !there {
			at = len(out)
			same[string(name)] = at
			out = append(out, gathered{values: vs})
		}
		out[at].keys = append(out[at].keys, k)
	}
	return out
}

// short is the one value that stands for a list of one.
func short(vs []any) any {
	if len(vs) == 1 {
		switch vs[0].(type) {
		case exact, text:
			return vs[0]
		}
	}
	return sequel(vs)
}

func texts(ss []string) any {
	out := make([]any, len(ss))
	for i, s := range ss {
		out[i] = text(s)
	}
	return sequel(out)
}
