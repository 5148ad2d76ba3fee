package policy

import (
	"crypto/sha256"
	"embed"
	"encoding/base32"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"gatehouse/internal/fault"
)

// ManagedPolicy is an AWS managed policy: the same in every account.
type ManagedPolicy struct {
	// ARN is arn:aws:iam::aws:policy/… with the path AWS gives it ("/", "/job-function/", "/root-task/").
	ARN string
	// Name is the last part of the ARN, Path what stands before it, from slash to slash.
	Name, Path string
	// ID is the unique id (ANPA…), the same at every start.
	ID string
	// Description is one sentence.
	Description string
	// Text is the JSON document, Document its compiled form.
	Text     string
	Document *Document
	// CreatedAt is when AWS first published the policy, as far as it matters: a fixed date.
	CreatedAt time.Time
}

//go:embed managed
var managedFiles embed.FS

// Catalogue is the AWS managed policies that there are. It never changes.
type Catalogue struct {
	all []*ManagedPolicy // in order of ARN
}

// Builtin returns the policies that are part of this package. It is computed once, from data of this binary alone.
func Builtin() *Catalogue { return builtin() }

var builtin = sync.OnceValue(loadManaged)

// With returns the catalogue with further policies; one that has the ARN of another takes its place.
func (c *Catalogue) With(more ...*ManagedPolicy) *Catalogue {
	out := slices.Clone(c.all)
	for _, m := range more {
		i, there := slices.BinarySearchFunc(out, m.ARN, byARN)
		if there {
			out[i] = m
		} else {
			out = slices.Insert(out, i, m)
		}
	}
	return &Catalogue{out}
}

func byARN(p *ManagedPolicy, arn string) int { return strings.Compare(p.ARN, arn) }

// Find returns the policy with the given ARN. One that is not in the catalogue does not exist.
func (c *Catalogue) Find(arn string) (*ManagedPolicy, bool) {
	i, ok := slices.BinarySearchFunc(c.all, arn, byARN)
	if !ok {
		return nil, false
	}
	return c.all[i], true
}

// All returns the whole catalogue in order of ARN. The caller must not change it.
func (c *Catalogue) All() []*ManagedPolicy { return c.all }

var (
	managedName = regexp.MustCompile(`^[\w+=,.@-]{1,128}$`)
	managedPath = regexp.MustCompile(`^/([\w+=,.@-]+/)*$`)
)

// NewManaged makes an AWS managed policy of a name, a path ("/", "/job-function/") and a document.
func NewManaged(path, name string, document []byte) (*ManagedPolicy, error) {
	if !managedName.MatchString(name) {
		return nil, fault.New(fault.Invalid, "%q is not the name of a policy", clip(name))
	}
	if !managedPath.MatchString(path) || len(path) > 512 {
		return nil, fault.New(fault.Invalid, "%q is not the path of a policy", clip(path))
	}
	compiled, err := Parse(document, ForIdentity)
	if err != nil {
		return nil, err
	}
	return &ManagedPolicy{
		ARN: "arn:aws:iam::aws:policy" + path + name, Name: name, Path: path, ID: managedID(path + name),
		Text: string(document), Document: compiled, CreatedAt: published,
	}, nil
}

// published stands for the date of every policy.
var published = time.Date(2015, 2, 6, 18, 40, 0, 0, time.UTC)

// loadManaged reads managed/<path>/<Name>.json. Each file holds the description and the document, and in
// place of long lists of actions a member "services": for every service named there, each of the "verbs" patterns
// becomes an action of the statement.
func loadManaged() *Catalogue {
	var out []*ManagedPolicy
	for _, dir := range [...]string{"", "job-function/", "root-task/", "service-role/"} {
		entries, err := managedFiles.ReadDir(strings.TrimSuffix("managed/"+dir, "/"))
		if err != nil {
			panic("policy: embedded directory: " + err.Error()) // it is part of this binary
		}
		for _, entry := range entries {
			name, isPolicy := strings.CutSuffix(entry.Name(), ".json")
			if !isPolicy || entry.IsDir() {
				continue
			}
			raw, err := managedFiles.ReadFile("managed/" + dir + entry.Name())
			if err != nil {
				panic("policy: embedded file: " + err.Error()) // it is part of this binary
			}
			out = append(out, ours("/"+dir, name, raw))
		}
	}
	slices.SortFunc(out, func(a, b *ManagedPolicy) int { return strings.Compare(a.ARN, b.ARN) })
	return &Catalogue{out}
}

// source is the form of the files.
type source struct {
	Description string
	Statement   []sourceStatement
}

type sourceStatement struct {
	Sid       string          `json:",omitempty"`
	Effect    string          `json:",omitempty"`
	Action    []string        `json:",omitempty"`
	NotAction []string        `json:",omitempty"`
	Resource  []string        `json:",omitempty"`
	Condition json.RawMessage `json:",omitempty"`
	// Services and Verbs are multiplied into Action.
	Services string   `json:",omitempty"`
	Verbs    []string `json:",omitempty"`
}

// ours makes a policy of a file of this package.
func ours(path, name string, raw []byte) *ManagedPolicy {
	var src source
	err := json.Unmarshal(raw, &src)
	for i := range src.Statement {
		src.Statement[i].multiply()
	}
	document := struct {
		Version   string
		Statement []sourceStatement
	}{"2012-10-17", src.Statement}
	text, err2 := json.MarshalIndent(document, "", "    ")
	m, err3 := NewManaged(path, name, text)
	if err != nil || err2 != nil || err3 != nil {
		panic("policy: managed/" + name + " is broken") // a test reads every file, so no release holds one
	}
	m.Description = src.Description
	return m
}

// managedID derives a unique id of IAM's form from the name, so that it is the same in every server.
func managedID(name string) string {
	sum := sha256.Sum256([]byte(name))
	return "ANPA" + base32.StdEncoding.EncodeToString(sum[:])[:17]
}

func (s *sourceStatement) multiply() {
	for _, service := range strings.Fields(s.Services) {
		for _, verb := range s.Verbs {
			s.Action = append(s.Action, service+":"+verb)
		}
	}
	slices.Sort(s.Action)
	s.Services, s.Verbs = "", nil
	if len(s.Resource) == 0 {
		s.Resource = []string{"*"}
	}
}
