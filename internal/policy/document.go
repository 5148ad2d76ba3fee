package policy

// Use says what a document is for; it decides which elements it must and must not have.
type Use uint8

const (
	// ForIdentity is a policy of a user or role: managed, inline, boundary or session policy. It names
	// resources and no principals.
	ForIdentity Use = iota
	// ForTrust is a role's trust policy. It names principals and no resources, and only STS's
	// AssumeRole family of actions.
	ForTrust
	// ForResource is any other resource-based policy. It names principals and resources.
	ForResource
	// ForOrganization is a service control policy. It has the form of an identity policy.
	ForOrganization
)

// Effect is what a statement does when it applies.
type Effect uint8

const (
	// Deny is the zero Effect, so that forgetting to choose grants nothing.
	Deny Effect = iota
	// Allow grants.
	Allow
)

// String returns the word of the language.
func (e Effect) String() string {
	if e == Allow {
		return "Allow"
	}
	return "Deny"
}

// Document is a parsed, checked and compiled policy. It never changes. The zero Document has no
// statement and so allows and denies nothing.
type Document struct {
	version    string
	id         string
	statements []statement
}

// Version returns the version of the language, "2012-10-17" or "2008-10-17".
func (d *Document) Version() string { return d.version }

// ID returns the Id element, or empty.
func (d *Document) ID() string { return d.id }

// Len returns the number of statements.
func (d *Document) Len() int { return len(d.statements) }

// statement is one compiled statement. An absent element matches everything that its Use does not make it name.
type statement struct {
	index  int
	sid    string
	effect Effect
	// start is where its opening brace stands, end is after its closing one.
	start, end Position

	principals   *principals // nil: the document names none (identity policies)
	notPrincipal bool
	actions      []action
	notAction    bool
	resources    []resource // empty: the document names none (trust policies)
	notResource  bool
	conditions   []condition
}

// Size returns the number of characters of a document that count against IAM's size quotas: white
// space outside of and inside strings is not counted.
func Size(document string) int {
	n := 0
	for _, r := range document {
		switch r {
		case ' ', '\t', '\n', '\r':
		default:
			n++
		}
	}
	return n
}

// MaxBytes is the longest document that is looked at, white space included (IAM's policyDocumentType).
const MaxBytes = 131072
