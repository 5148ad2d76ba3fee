package file

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"gatehouse/internal/plan/source"
)

// Source is a directory and the files of it that are read.
type Source struct {
	// Dir stands before the names in messages; it may be empty.
	Dir string `json:"dir,omitempty"`
	// Names are the files that are read, from the directory on, with slashes.
	Names []string `json:"names"`
	// Files are the contents that were read, of policies in files of their own too: a saved plan holds them.
	Files map[string][]byte `json:"files"`

	links []string // to directories, which are not followed
	fs    fs.FS
	close func() error
}

// Open finds the files that paths name: a file is itself, a directory is every .yaml and .yml file in it and below, but for those in
// directories whose names begin with a dot. Files cannot refer to anything outside of the directories, by links neither; links to directories are not followed.
func Open(paths ...string) ([]*Source, error) {
	var out []*Source
	for _, p := range paths {
		info, err := os.Stat(p)
		if err != nil {
			return nil, err
		}
		s := &Source{Dir: filepath.ToSlash(filepath.Clean(p)), Files: map[string][]byte{}}
		if !info.IsDir() {
			s.Dir, s.Names = path.Dir(s.Dir), []string{path.Base(s.Dir)}
		}
		root, err := os.OpenRoot(filepath.FromSlash(s.Dir))
		if err != nil {
			return nil, err
		}
		s.fs, s.close = root.FS(), root.Close
		if s.Dir == "." {
			s.Dir = ""
		}
		out = append(out, s)
		if info.IsDir() {
			if err := s.find(); err != nil {
				return nil, err
			}
			if len(s.Names) == 0 {
				return nil, errors.New(p + " has no .yaml file in it")
			}
		}
	}
	return out, nil
}

// FromFS is Open for a file system that is at hand.
func FromFS(files fs.FS) (*Source, error) {
	s := &Source{Files: map[string][]byte{}, fs: files}
	return s, s.find()
}

func (s *Source) find() error {
	return fs.WalkDir(s.fs, ".", func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name != "." && strings.HasPrefix(e.Name(), "."):
			if e.IsDir() {
				return fs.SkipDir
			}
		case !e.IsDir() && isYAML(name):
			s.Names = append(s.Names, name)
		case e.Type()&fs.ModeSymlink != 0:
			if info, err := os.Stat(filepath.Join(filepath.FromSlash(s.Dir), filepath.FromSlash(name))); err == nil && info.IsDir() {
				s.links = append(s.links, name)
			}
		}
		return nil
	})
}

func isYAML(name string) bool {
	end := strings.ToLower(path.Ext(name))
	return end == ".yaml" || end == ".yml"
}

// contents reads a file, as UTF-8: from its directory, or from what a saved plan holds.
func (s *Source) contents(name string) ([]byte, error) {
	if s.fs == nil {
		if data, ok := s.Files[name]; ok {
			return data, nil
		}
		return nil, fs.ErrNotExist
	}
	switch info, err := fs.Stat(s.fs, name); {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular() && !info.IsDir():
		return nil, errors.New("it is no file but a device, a pipe or a socket")
	case info.Size() > 2*maxBytes: // in UTF-16; read tells the bound
		return nil, fmt.Errorf("it has %d bytes; at most %d are read", info.Size(), maxBytes)
	}
	data, err := fs.ReadFile(s.fs, name)
	if err != nil {
		return nil, err
	}
	data = source.UTF8(data)
	s.Files[name] = data
	return data, nil
}

// Shown is the name of one of the files in messages.
func (s *Source) Shown(name string) string { return path.Join(s.Dir, name) }

// Load reads the files of the sources as one document. Variables take the place of those in the files. The document is nil when there are
// errors among the problems.
func Load(sources []*Source, variables map[string]string) (*Document, source.Problems) {
	var problems source.Problems
	out := &Document{Texts: source.Files{}, Removals: DefaultRemovals}
	type parsed struct {
		root *node
		from *Source
	}
	var all []parsed
	budget := maxNodes
	for _, s := range sources {
		for _, l := range s.links {
			problems.Warn("link", source.Position{File: s.Shown(l)}, "", "name the directory beside this one if it belongs to the files", "this is a link to a directory, and nothing in it is read")
		}
		for _, name := range s.Names {
			shown := s.Shown(name)
			if _, twice := out.Texts[shown]; twice {
				continue
			}
			data, err := s.contents(name)
			if err != nil {
				problems.Add("file", source.Position{File: shown}, "", "", "the file cannot be read: %v", err)
				continue
			}
			out.Texts[shown] = data
			root := read(shown, data, &budget, &problems)
			switch {
			case root == nil || root.kind == null:
			case root.kind != table:
				problems.Add("type", root.at, root.value, "begin with a section such as permission_sets:", "a file must be a mapping, and this is %s", root.kind)
			case root.get("Statement") != nil && root.get("Version") != nil:
				// A policy document that some file refers to.
			default:
				all = append(all, parsed{root, s})
			}
		}
		if s.close != nil {
			defer s.close() //nolint:errcheck // only read from
		}
	}
	put := &substitution{values: map[string]*node{}, used: map[string]bool{}, left: &budget, text: maxText, problems: &problems}
	d := &decoder{problems: &problems, out: out, seen: map[string]source.Position{}}
	for _, f := range all {
		d.define(f.root, put)
	}
	for name, value := range variables {
		if put.values[name] == nil {
			put.names = append(put.names, name)
		}
		put.values[name] = &node{kind: text, value: value, tag: "!!str", at: source.Position{File: "--var " + name}}
	}
	slices.Sort(put.names)
	c := checker{&problems}
	for _, f := range all {
		d.source, d.prefix = f.from, ""
		if f.from.Dir != "" {
			d.prefix = strings.TrimSuffix(f.from.Dir, "/") + "/"
		}
		for _, part := range parts(put.apply(f.root)) {
			if c.check(part, fileShape, "the file") {
				d.document(part)
			}
		}
	}
	d.unused(put)
	if !problems.Failed() {
		d.whole()
	}
	if problems.Failed() {
		return nil, problems
	}
	return out, problems
}

// parts takes a file apart into its smallest pieces that make sense alone, so that a fault in one hides none in another.
func parts(root *node) (out []*node) {
	part := func(key, value *node) {
		out = append(out, &node{kind: table, at: root.at, entries: []entry{{key, value}}})
	}
	for _, e := range root.entries {
		switch shape := fileShape.field(e.key.value); {
		case shape != nil && shape.kind == isList && e.value.kind == list:
			for _, i := range e.value.items {
				part(e.key, &node{kind: list, at: e.value.at, items: []*node{i}})
			}
		case shape != nil && shape.kind == isTable && shape.max == 0 && e.value.kind == table:
			for _, i := range e.value.entries {
				part(e.key, &node{kind: table, at: e.value.at, entries: []entry{i}})
			}
		default:
			part(e.key, e.value)
		}
	}
	return out
}

// define takes the variables and fragments out of a file.
func (d *decoder) define(root *node, put *substitution) {
	kept := root.entries[:0:0]
	for _, e := range root.entries {
		if e.key.value != "variables" && e.key.value != "fragments" {
			kept = append(kept, e)
			continue
		}
		if e.value.kind != table {
			if e.value.kind != null {
				d.problems.Add("type", e.value.at, e.value.value, "write name: value", "%s must be a mapping, and this is %s", e.key.value, e.value.kind)
			}
			continue
		}
		for _, v := range e.value.entries {
			if !variableName.MatchString(v.key.value) {
				d.problems.Add("pattern", v.key.at, v.key.value, "letters, digits, - and _ are possible, a letter first", "%s cannot be the name of a variable", quote(v.key.value))
			} else if d.once("the variable or fragment", v.key.value, v.key.at) {
				put.values[v.key.value] = v.value
				put.names = append(put.names, v.key.value)
			}
		}
	}
	root.entries = kept
}

// unused tells of variables that nothing refers to: of --var it is a mistyped name.
func (d *decoder) unused(put *substitution) {
	for _, name := range slices.Sorted(maps.Keys(put.values)) {
		if put.used[name] {
			continue
		}
		at, advice := put.values[name].at, "remove it"
		if strings.HasPrefix(at.File, "--var ") {
			var others []string
			for _, n := range put.names {
				if n != name {
					others = append(others, n)
				}
			}
			advice = source.Meant(name, others)
		}
		d.problems.Warn("unused-variable", at, name, advice, "nothing refers to the variable or fragment %q", name)
	}
}

// whole checks what only all files together can tell.
func (d *decoder) whole() {
	var names []string
	for _, s := range d.out.Sets {
		names = append(names, s.Name)
	}
	if d.out.Manage.ExclusiveSets {
		for _, r := range d.out.Rules {
			for _, t := range r.Sets {
				if !slices.Contains(names, t.Value) {
					d.problems.Add("no-such-permission-set", t.At, t.Value, source.Meant(t.Value, names), "no permission set %s is described, and the files have the say in all of them", quote(t.Value))
				}
			}
		}
	}
	seen := map[string]source.Position{}
	for _, r := range d.out.Rules {
		key := r.key()
		if first, twice := seen[key]; twice {
			d.problems.Warn("duplicate", r.At, "", "remove one of the two", "this says the same as %s", first)
			continue
		}
		seen[key] = r.At
	}
}

// key is what a rule says, without where it stands.
func (r *Rule) key() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%t", r.BreakGlass)
	for _, ts := range [][]Text{r.Groups, r.Users, r.Sets} {
		b.WriteString(" |")
		for _, t := range ts {
			fmt.Fprintf(&b, " %q", t.Value)
		}
	}
	for _, selectors := range [][]Selector{r.Accounts.Any, r.Accounts.Except} {
		b.WriteString(" |")
		for i := range selectors {
			b.WriteString(" " + selectors[i].key())
		}
	}
	return b.String()
}
