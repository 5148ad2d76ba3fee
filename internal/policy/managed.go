package policy

import (
	"crypto/sha256"
	"embed"
	"encoding/base32"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"
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

// catalogue is computed once, from data of this binary alone.
var catalogue = sync.OnceValue(loadManaged)

// Managed returns the AWS managed policy with the given ARN. One that is not in the catalogue does not exist.
func Managed(arn string) (*ManagedPolicy, bool) {
	i, ok := slices.BinarySearchFunc(catalogue(), arn, func(p *ManagedPolicy, arn string) int { return strings.Compare(p.ARN, arn) })
	if !ok {
		return nil, false
	}
	return catalogue()[i], true
}

// AllManaged returns the whole catalogue in order of ARN. The caller must not change it.
func AllManaged() []*ManagedPolicy { return catalogue() }

// loadManaged reads managed/<path>/<Name>.json. Each file holds the description and the document, and in
// place of long lists of actions a member "services": for every service named there, each of the "verbs" patterns
// becomes an action of the statement.
func loadManaged() []*ManagedPolicy {
	var out []*ManagedPolicy
	for _, dir := range [...]string{"", "job-function/", "root-task/"} {
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
			out = append(out, newManaged("/"+dir, name, raw))
		}
	}
	slices.SortFunc(out, func(a, b *ManagedPolicy) int { return strings.Compare(a.ARN, b.ARN) })
	return out
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

func newManaged(path, name string, raw []byte) *ManagedPolicy {
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
	compiled, err3 := Parse(text, ForIdentity)
	if err != nil || err2 != nil || err3 != nil {
		panic("policy: managed/" + name + " is broken") // a test reads every file, so no release holds one
	}
	return &ManagedPolicy{
		ARN: "arn:aws:iam::aws:policy" + path + name, Name: name, Path: path, ID: managedID(path + name), Description: src.Description,
		Text: string(text), Document: compiled, CreatedAt: time.Date(2015, 2, 6, 18, 40, 0, 0, time.UTC),
	}
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
