package app

import (
	"context"
	"time"
)

// removalsEvery is how often it is seen whether the removal of an identity source, or of its identity provider, rests.
const removalsEvery = 5 * time.Second

// continueRemovals brings removals to their end that were interrupted. Every node looks, one of them works.
func (a *App) continueRemovals(ctx context.Context) {
	for {
		if err := a.Directory.ContinueRemovals(ctx); err != nil && ctx.Err() == nil {
			a.log.Error("going on with the removal of an identity source failed; it will be tried again", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(removalsEvery):
		}
	}
}
