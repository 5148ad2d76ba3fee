package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"

	"gatehouse/internal/access"
	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
	"gatehouse/internal/organization"
)

// DefaultSource is the identity source that a first start makes.
const DefaultSource = "default"

// Administrator is the IAM user of the management account that a first start makes.
const Administrator = "gatehouse-administrator"

// firstStart makes what an installation begins with, each part unless it is there: the organization with its
// management account, the instance with its identity store, an identity source, and the administrator's access key. Each step
// can be repeated, so an interrupted first start is continued by the next; two nodes that start at once agree, because the
// second finds a conflict and reads what the first made.
func (a *App) firstStart(ctx context.Context) error {
	o, err := a.organize(ctx)
	if err != nil {
		return err
	}
	if err := a.instance(ctx, o); err != nil {
		return err
	}
	if err := a.domain(); err != nil {
		return err
	}
	if err := a.source(ctx); err != nil {
		return err
	}
	return a.administrator(ctx)
}

// source makes the first identity source. One that was removed does not come back where there is another.
func (a *App) source(ctx context.Context) error {
	all, err := a.Directory.Sources(ctx)
	if err != nil || len(all) > 0 {
		return err
	}
	_, err = a.Directory.CreateSource(ctx, audit.Gatehouse, directory.Source{ID: DefaultSource, Name: "Identity provider", LocalUsers: true})
	if fault.Is(err, fault.Conflict) {
		return nil
	}
	return err
}

func (a *App) organize(ctx context.Context) (organization.Organization, error) {
	o, err := a.Organization.Organization(ctx)
	if !fault.Is(err, fault.NotFound) {
		return o, err
	}
	o, err = a.Organization.Create(ctx, audit.Gatehouse, "Management", a.Config.Email)
	if fault.Is(err, fault.Conflict) {
		return a.Organization.Organization(ctx)
	}
	return o, err
}

func (a *App) instance(ctx context.Context, o organization.Organization) error {
	store := a.db.Access()
	is, err := store.Instances(ctx)
	if err != nil {
		return err
	}
	if len(is) == 0 {
		i := access.Instance{ID: instanceID(o), Name: a.Config.Name, IdentityStoreID: arn.NewIdentityStoreID(a.rand), OwnerAccountID: o.ManagementAccountID, Region: a.Config.Region, CreatedAt: a.now()}
		err := store.InsertInstance(ctx, i, audit.New(ctx, i.CreatedAt, audit.Gatehouse, "sso:CreateInstance", arn.Instance(i.ID)))
		if err != nil && !fault.Is(err, fault.Conflict) {
			return err
		}
		if is, err = store.Instances(ctx); err != nil {
			return err
		}
	}
	if len(is) == 0 {
		return errors.New("the instance that was just made is not there")
	}
	a.Instance = is[0]
	if a.Instance.Region != a.Config.Region {
		a.log.Warn("the instance keeps the region of its first start", "region", a.Instance.Region, "configured", a.Config.Region)
		a.Config.Region = a.Instance.Region
	}
	return nil
}

// instanceID derives the organization instance's id from the organization's, of which a database holds only one: nodes that start at
// once on an empty database then insert the same row, and all but one find a conflict. With an id drawn by each there would be an instance,
// and so an identity store, for every node.
func instanceID(o organization.Organization) string {
	sum := sha256.Sum256([]byte("gatehouse/instance/" + o.ID))
	return "ssoins-" + hex.EncodeToString(sum[:8])
}

// administrator sees to it that the data directory holds an access key of the administrator. A data directory that has
// none (the first start, or a further node of a shared database) gets a new key, as long as the user may have one more.
func (a *App) administrator(ctx context.Context) error {
	have, err := ReadEnvironment(a.Config.Data)
	if err == nil && have["AWS_ACCESS_KEY_ID"] != "" {
		if _, err := a.IAM.Credential(ctx, have["AWS_ACCESS_KEY_ID"], ""); err == nil {
			return a.Environment(have["AWS_ACCESS_KEY_ID"], have["AWS_SECRET_ACCESS_KEY"]).Write(a.Config.Data)
		} else if !fault.Is(err, fault.Unauthenticated) {
			return err
		}
	}
	k, err := a.IAM.CreateAdministrator(ctx, audit.Gatehouse, a.Instance.OwnerAccountID, Administrator)
	if fault.Is(err, fault.Quota) {
		a.log.Warn("the administrator has two access keys already, so this data directory gets none; copy environment.json from where one is, or delete a key")
		return a.Environment("", "").Write(a.Config.Data)
	}
	if err != nil {
		return err
	}
	a.NewKey = true
	return a.Environment(k.ID, k.Secret).Write(a.Config.Data)
}
