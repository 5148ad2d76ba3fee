package sqlstore

import (
	"strings"
	"time"

	"gatehouse/internal/localiam"
)

// identityDoc is the stored shape of a role or user, but for its key columns.
type identityDoc struct {
	ID          string            `json:"id"`
	Attached    []string          `json:"attached,omitempty"`
	Inline      map[string]string `json:"inline,omitempty"`
	BoundaryARN string            `json:"boundaryArn,omitzero"`
	Tags        map[string]string `json:"tags,omitempty"`
	CreatedAt   stamp             `json:"createdAt,omitzero"`
	Role        *roleDoc          `json:"role,omitzero"`
}

// roleDoc is what only roles have.
type roleDoc struct {
	Description       string `json:"description,omitzero"`
	TrustPolicy       string `json:"trustPolicy"`
	MaxSessionSeconds int64  `json:"maxSessionSeconds,omitzero"`
	Protected         bool   `json:"protected,omitzero"`

	TrustedIDs map[string]string `json:"trustedIds,omitempty"`
}

func newIdentityDoc(i localiam.Identity) identityDoc {
	return identityDoc{ID: i.ID, Attached: i.Attached, Inline: i.Inline, BoundaryARN: i.BoundaryARN, Tags: i.Tags, CreatedAt: stamp{i.CreatedAt}}
}

func newRoleDoc(r localiam.Role) identityDoc {
	d := newIdentityDoc(r.Identity)
	d.Role = &roleDoc{r.Description, r.TrustPolicy, int64(r.MaxSessionDuration / time.Second), r.Protected, r.TrustedIDs}
	return d
}

const identityColumns = `account_id, name, path, revision, doc`

func scanIdentity(r row) (localiam.Identity, identityDoc, error) {
	var i localiam.Identity
	var doc string
	if err := r.Scan(&i.AccountID, &i.Name, &i.Path, &i.Revision, &doc); err != nil {
		return i, identityDoc{}, err
	}
	d, err := decode[identityDoc](doc)
	i.ID, i.Attached, i.Inline, i.BoundaryARN, i.Tags, i.CreatedAt = d.ID, d.Attached, d.Inline, d.BoundaryARN, d.Tags, d.CreatedAt.Time
	return i, d, err
}

func scanIAMUser(r row) (localiam.User, error) {
	i, _, err := scanIdentity(r)
	return localiam.User{Identity: i}, err
}

func scanIAMRole(r row) (localiam.Role, error) {
	i, d, err := scanIdentity(r)
	role := localiam.Role{Identity: i}
	if x := d.Role; x != nil {
		role.Description, role.TrustPolicy, role.Protected, role.TrustedIDs = x.Description, x.TrustPolicy, x.Protected, x.TrustedIDs
		role.MaxSessionDuration = time.Duration(x.MaxSessionSeconds) * time.Second
	}
	return role, err
}

type accessKeyDoc struct {
	UserName     string `json:"userName"`
	SealedSecret []byte `json:"sealedSecret"`
	Active       bool   `json:"active,omitzero"`
	CreatedAt    stamp  `json:"createdAt,omitzero"`
}

func scanAccessKey(r row) (localiam.AccessKey, error) {
	var k localiam.AccessKey
	var doc string
	if err := r.Scan(&k.ID, &k.AccountID, &k.Revision, &doc); err != nil {
		return k, err
	}
	d, err := decode[accessKeyDoc](doc)
	k.UserName, k.SealedSecret, k.Active, k.CreatedAt = d.UserName, d.SealedSecret, d.Active, d.CreatedAt.Time
	return k, err
}

type policyDoc struct {
	Name        string             `json:"name"`
	ID          string             `json:"id"`
	Description string             `json:"description,omitzero"`
	Versions    []policyVersionDoc `json:"versions,omitempty"`
	Default     int                `json:"default,omitzero"`
	Last        int                `json:"last,omitzero"`
	Tags        map[string]string  `json:"tags,omitempty"`
	CreatedAt   stamp              `json:"createdAt,omitzero"`
	UpdatedAt   stamp              `json:"updatedAt,omitzero"`
}

type policyVersionDoc struct {
	Number    int    `json:"number"`
	Document  string `json:"document"`
	CreatedAt stamp  `json:"createdAt,omitzero"`
}

func newPolicyDoc(p localiam.ManagedPolicy) policyDoc {
	return policyDoc{
		Name: p.Name, ID: p.ID, Description: p.Description, Default: p.Default, Last: p.Last, Tags: p.Tags, CreatedAt: stamp{p.CreatedAt}, UpdatedAt: stamp{p.UpdatedAt},
		Versions: mapped(p.Versions, func(v localiam.PolicyVersion) policyVersionDoc {
			return policyVersionDoc{v.Number, v.Document, stamp{v.CreatedAt}}
		}),
	}
}

func scanPolicy(r row) (localiam.ManagedPolicy, error) {
	var p localiam.ManagedPolicy
	var doc string
	if err := r.Scan(&p.AccountID, &p.Path, &p.Revision, &doc); err != nil {
		return p, err
	}
	d, err := decode[policyDoc](doc)
	p.Name, p.ID, p.Description, p.Default, p.Last, p.Tags = d.Name, d.ID, d.Description, d.Default, d.Last, d.Tags
	p.CreatedAt, p.UpdatedAt = d.CreatedAt.Time, d.UpdatedAt.Time
	p.Versions = mapped(d.Versions, func(v policyVersionDoc) localiam.PolicyVersion {
		return localiam.PolicyVersion{Number: v.Number, Document: v.Document, CreatedAt: v.CreatedAt.Time}
	})
	return p, err
}

type samlProviderDoc struct {
	Name       string `json:"name"`
	Metadata   string `json:"metadata"`
	Protected  bool   `json:"protected,omitzero"`
	CreatedAt  stamp  `json:"createdAt,omitzero"`
	ValidUntil stamp  `json:"validUntil,omitzero"`

	Tags map[string]string `json:"tags,omitempty"`
}

func scanSAMLProvider(r row) (localiam.SAMLProvider, error) {
	var p localiam.SAMLProvider
	var doc string
	if err := r.Scan(&p.AccountID, &p.Revision, &doc); err != nil {
		return p, err
	}
	d, err := decode[samlProviderDoc](doc)
	p.Name, p.Metadata, p.Protected, p.Tags, p.CreatedAt, p.ValidUntil = d.Name, d.Metadata, d.Protected, d.Tags, d.CreatedAt.Time, d.ValidUntil.Time
	return p, err
}

// isAWSManaged reports whether an ARN names one of AWS's own policies, which are not stored.
func isAWSManaged(arn string) bool {
	p := strings.SplitN(arn, ":", 6)
	return len(p) == 6 && p[4] == "aws"
}
