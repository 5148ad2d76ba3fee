package app

import (
	"context"
	"time"

	"gatehouse/internal/directory"
	"gatehouse/internal/endpoint/scimv2"
	"gatehouse/internal/scimlog"
	"gatehouse/internal/storage/sqlstore"
)

// SCIMLog says how much of the log of SCIM requests is kept.
type SCIMLog struct {
	// Days is how long a request is kept, at most 3650. Default 30.
	Days int `yaml:"days"`
	// Entries is how many requests of each directory are kept, the newest; at most 10000000. Default 100000.
	Entries int `yaml:"entries"`
	// Off records nothing.
	Off bool `yaml:"off"`
}

// within reports whether the numbers are, or are left out.
func (s SCIMLog) within() bool {
	return s.Days >= 0 && s.Days <= 3650 && s.Entries >= 0 && s.Entries <= 10_000_000
}

func (a *App) scimLog() *scimlog.Service {
	c := a.Config.SCIMLog
	return scimlog.NewService(scimlog.Config{
		Store: a.db.SCIMLog(), Directories: a.directoryIDs, Rehearse: a.rehearse, Limits: scimlog.Limits{Age: time.Duration(c.Days) * 24 * time.Hour, Entries: c.Entries},
		Now: a.now, Rand: a.rand, Log: a.log,
	})
}

func (a *App) directoryIDs(ctx context.Context) ([]string, error) {
	sources, err := a.Directory.Sources(ctx)
	ids := make([]string, len(sources))
	for i, s := range sources {
		ids[i] = s.ID
	}
	return ids, err
}

// scim is what the SCIM door is made of.
func (a *App) scim() scimv2.Config {
	c := scimv2.Config{Directory: a.Directory, URL: a.Config.URL, Now: a.now, Log: a.log}
	if !a.Config.SCIMLog.Off {
		c.Requests = a.Requests.Recorder()
	}
	return c
}

// rehearsal bounds how long a dry run may hold up those who want to write on SQLite.
const rehearsal = time.Second

// rehearse answers SCIM requests by a door of its own, over a store whose changes are undone. With the real door's turns it would wait for somebody who waits
// for the database, which waits for it. The service has no keys and fetches nothing.
func (a *App) rehearse(ctx context.Context, id string, trials []scimlog.Trial) (out []scimlog.Rehearsal, err error) {
	err = a.db.DryRun(ctx, func(ctx context.Context, dry *sqlstore.DB) error {
		c := a.scim()
		c.Directory = directory.NewService(directory.Config{Store: dry.Directory(), IdentityStoreID: a.Instance.IdentityStoreID, Now: a.now, Rand: a.rand})
		src, err := c.Directory.Source(ctx, id)
		if err != nil {
			return err
		}
		began := time.Now()
		out = scimv2.Rehearse(ctx, c, src, trials, func() bool { return time.Since(began) > rehearsal })
		return nil
	})
	return out, err
}
