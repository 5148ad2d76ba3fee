package awswire

import (
	"encoding/base64"
	"net/url"
	"reflect"
	"sort"
	"strconv"
	"strings"
	"time"

	"gatehouse/internal/fault"
)

// form is a tree made of the dotted names of a form: Tags.member.1.Key=a becomes
// Tags → member → 1 → Key, with the value at the leaf.
type form struct {
	value  string
	leaf   bool
	fields map[string]*form
}

// ParseForm reads a form body or query string into its parameters. A name that occurs twice is refused,
// and so is broken percent-encoding.
func ParseForm(body string) (map[string]string, error) {
	out := map[string]string{}
	err := eachParameter(body, func(name, value string) error {
		if _, twice := out[name]; twice {
			return malformed("The parameter %q occurs twice.", pointer(name))
		}
		out[name] = value
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// eachParameter calls f for the parameters of a form body or query string, at most MaxParameters, in their order.
func eachParameter(raw string, f func(name, value string) error) error {
	for n := 0; raw != ""; {
		var pair string
		pair, raw, _ = strings.Cut(raw, "&")
		if pair == "" {
			continue
		}
		rawKey, rawValue, _ := strings.Cut(pair, "=")
		key, err := url.QueryUnescape(rawKey)
		if err != nil {
			return malformed("A parameter name is not valid percent-encoding.")
		}
		value, err := url.QueryUnescape(rawValue)
		if err != nil {
			return malformed("The value of parameter %q is not valid percent-encoding.", pointer(key))
		}
		if n++; n > MaxParameters {
			return malformed("There are more than %d parameters.", MaxParameters)
		}
		if err := f(key, value); err != nil {
			return err
		}
	}
	return nil
}

// DecodeQuery reads the parameters of an AWS Query request into the generated structure that in points
// to. Parameters that the structure does not know are ignored, as AWS does.
func DecodeQuery(params map[string]string, in any) error {
	root := &form{}
	left := maxNodes
	for name, value := range params {
		if err := root.add(name, value, &left); err != nil {
			return err
		}
	}
	return root.into(reflect.ValueOf(in).Elem(), "")
}

// maxNodes bounds the tree: names of many parts that share no beginning would make a megabyte of body into hundreds of
// megabytes of tree, and an unsigned operation is decoded for anybody. Tags, the widest input there is, need two a parameter.
const maxNodes = 4 * MaxParameters

func (f *form) add(name, value string, left *int) error {
	if strings.Count(name, ".") >= MaxDepth {
		return malformed("The parameter %q nests deeper than %d levels.", pointer(name), MaxDepth)
	}
	for part := range strings.SplitSeq(name, ".") {
		if f.fields == nil {
			f.fields = map[string]*form{}
		}
		next := f.fields[part]
		if next == nil {
			if *left--; *left < 0 {
				return malformed("The parameters have more than %d different parts in their names.", maxNodes)
			}
			next = &form{}
			f.fields[part] = next
		}
		f = next
	}
	f.value, f.leaf = value, true
	return nil
}

var (
	timeType  = reflect.TypeFor[Time]()
	bytesType = reflect.TypeFor[[]byte]()
)

// into stores f in v, whose type is one that the shape generator writes.
func (f *form) into(v reflect.Value, path string) error {
	switch {
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return f.into(v.Elem(), path)
	case v.Type() == timeType || v.Type() == bytesType:
		return f.scalar(v, path)
	case v.Kind() == reflect.Struct:
		return f.structure(v, path)
	case v.Kind() == reflect.Slice:
		return f.list(v, path)
	case v.Kind() == reflect.Map:
		return f.entries(v, path)
	}
	return f.scalar(v, path)
}

func (f *form) structure(v reflect.Value, path string) error {
	if f.leaf && f.value != "" {
		return malformed("The parameter %q is a structure, not a value.", pointer(path))
	}
	t := v.Type()
	for i := range t.NumField() {
		name := wireName(t.Field(i))
		if child := f.fields[name]; child != nil {
			if err := child.into(v.Field(i), join(path, name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// list reads NAME.member.1, NAME.member.2 …; NAME= with nothing is how clients send an empty list.
func (f *form) list(v reflect.Value, path string) error {
	if f.leaf && f.value != "" {
		return malformed("The parameter %q is a list; write %s.member.1.", pointer(path), pointer(path))
	}
	items, err := f.fields["member"].numbered(path + ".member")
	if err != nil {
		return err
	}
	v.Set(reflect.MakeSlice(v.Type(), len(items), len(items)))
	for i, item := range items {
		if err := item.into(v.Index(i), path+".member."+strconv.Itoa(i+1)); err != nil {
			return err
		}
	}
	return nil
}

// entries reads NAME.entry.1.key and NAME.entry.1.value.
func (f *form) entries(v reflect.Value, path string) error {
	if f.leaf && f.value != "" {
		return malformed("The parameter %q is a map; write %s.entry.1.key and %s.entry.1.value.", pointer(path), pointer(path), pointer(path))
	}
	items, err := f.fields["entry"].numbered(path + ".entry")
	if err != nil {
		return err
	}
	v.Set(reflect.MakeMapWithSize(v.Type(), len(items)))
	for _, item := range items {
		key, val := item.fields["key"], item.fields["value"]
		if key == nil || !key.leaf || val == nil {
			return malformed("An entry of %q lacks its key or value.", pointer(path))
		}
		k := reflect.ValueOf(key.value)
		if v.MapIndex(k).IsValid() {
			return malformed("The key %q of %q occurs twice.", pointer(key.value), pointer(path))
		}
		e := reflect.New(v.Type().Elem()).Elem()
		if err := val.into(e, join(path, key.value)); err != nil {
			return err
		}
		v.SetMapIndex(k, e)
	}
	return nil
}

// numbered returns the children named by positive numbers, in the order of the numbers.
func (f *form) numbered(path string) ([]*form, error) {
	if f == nil {
		return nil, nil
	}
	type item struct {
		n int
		f *form
	}
	items := make([]item, 0, len(f.fields))
	for name, child := range f.fields {
		n, err := strconv.Atoi(name)
		if err != nil || n < 1 || strconv.Itoa(n) != name {
			return nil, malformed("The parameter %q must continue with a number from 1.", pointer(path))
		}
		items = append(items, item{n, child})
	}
	sort.Slice(items, func(i, j int) bool { return items[i].n < items[j].n })
	out := make([]*form, len(items))
	for i := range items {
		out[i] = items[i].f
	}
	return out, nil
}

func (f *form) scalar(v reflect.Value, path string) error {
	if !f.leaf || len(f.fields) > 0 {
		return malformed("The parameter %q must be a single value.", pointer(path))
	}
	bad := func(what string) error {
		return fault.New(fault.Invalid, "The parameter %q must be %s.", pointer(path), what).For(ReasonSerialization)
	}
	if v.Type() == timeType {
		t, err := time.Parse(time.RFC3339, f.value)
		if err != nil {
			return bad("a date and time such as 2026-01-31T12:00:00Z")
		}
		v.Set(reflect.ValueOf(Time{t.UTC()}))
		return nil
	}
	if v.Type() == bytesType {
		b, err := base64.StdEncoding.DecodeString(f.value)
		if err != nil {
			return bad("base64")
		}
		v.SetBytes(b)
		return nil
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(strings.ToValidUTF8(f.value, "\uFFFD"))
	case reflect.Bool:
		if f.value != "true" && f.value != "false" {
			return bad("true or false")
		}
		v.SetBool(f.value == "true")
	case reflect.Int32, reflect.Int64:
		n, err := strconv.ParseInt(f.value, 10, v.Type().Bits())
		if err != nil {
			return bad("a whole number")
		}
		v.SetInt(n)
	default:
		return bad("left out") // no shape of a Query service has another kind
	}
	return nil
}

// wireName is the name of a generated field on the wire.
func wireName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
