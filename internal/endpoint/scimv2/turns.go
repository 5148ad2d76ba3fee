package scimv2

import (
	"hash/maphash"
	"sync"
)

// turns makes changes of one resource wait for each other in this process. The store would find out anyway
// that two changes of a group met, and one of them would begin again; but clients that push a large group send
// many at once, and beginning again has an end. Resources that share a place wait without need, which is rare.
type turns struct {
	seed   maphash.Seed
	places [256]sync.Mutex
}

func newTurns() *turns { return &turns{seed: maphash.MakeSeed()} }

// take waits for the resource's turn and returns what ends it.
func (t *turns) take(id string) (done func()) {
	m := &t.places[maphash.String(t.seed, id)%uint64(len(t.places))]
	m.Lock()
	return m.Unlock
}
