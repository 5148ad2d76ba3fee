package app

import (
	"context"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
)

// lookEvery is how often it is seen whether an identity provider's metadata is due.
const lookEvery = 10 * time.Minute

// refreshMetadata keeps identity providers' metadata fresh: new certificates are trusted before the old ones go. Every node looks, one of them asks.
func (a *App) refreshMetadata(ctx context.Context) {
	warned := map[string]time.Time{}
	for {
		a.refreshDue(ctx, warned)
		select {
		case <-ctx.Done():
			return
		case <-time.After(lookEvery):
		}
	}
}

// refreshDue asks for what is due and warns, once a day, of what will expire.
func (a *App) refreshDue(ctx context.Context, warned map[string]time.Time) {
	sources, err := a.Directory.Sources(ctx)
	if err != nil {
		if ctx.Err() == nil {
			a.log.Error("looking for metadata that is due failed; it will be tried again", "error", err)
		}
		return
	}
	for _, src := range sources {
		if err := a.refreshOne(ctx, src, warned); err != nil && ctx.Err() == nil {
			a.log.Error("refreshing an identity provider's metadata failed; the last good one is in use", "source", src.ID, "error", err)
		}
	}
}

func (a *App) refreshOne(ctx context.Context, src directory.Source, warned map[string]time.Time) error {
	if src.SAML.EntityID == "" {
		return nil
	}
	last, err := a.Directory.MetadataCheck(ctx, src.ID)
	if err != nil {
		return err
	}
	if directory.MetadataDue(src, last, a.now()) {
		changed, err := a.Directory.RefreshMetadata(ctx, audit.Gatehouse, src.ID, directory.RetryEvery)
		if err != nil {
			return err
		}
		if changed {
			a.log.Info("an identity provider's metadata has changed and was taken over", "source", src.ID)
			if src, err = a.Directory.Source(ctx, src.ID); err != nil {
				return err
			}
		}
		if last, err = a.Directory.MetadataCheck(ctx, src.ID); err != nil {
			return err
		}
	}
	for _, w := range src.SAML.Warnings(last, a.now()) {
		if a.now().Sub(warned[src.ID]) >= 24*time.Hour {
			a.log.Warn("an identity provider needs attention", "source", src.ID, "warning", w)
		}
	}
	if a.now().Sub(warned[src.ID]) >= 24*time.Hour {
		warned[src.ID] = a.now()
	}
	return nil
}
