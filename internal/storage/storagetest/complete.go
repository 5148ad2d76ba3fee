package storagetest

import (
	"reflect"
	"slices"
	"testing"
	"time"
)

// complete fails the test when a field of a sample is zero: what was forgotten in the sample could be forgotten by the store
// unseen. Fields that cannot be set at that moment are named as exceptions ("Boundary.ManagedPolicyARN").
func complete(t testing.TB, sample any, except ...string) {
	t.Helper()
	for _, field := range zeroFields(reflect.ValueOf(sample), "") {
		if !slices.Contains(except, field) {
			t.Errorf("the sample of %T leaves %s zero", sample, field)
		}
	}
}

func zeroFields(v reflect.Value, path string) (zero []string) {
	switch {
	case v.IsZero() || v.Kind() == reflect.Slice && v.Len() == 0:
		return []string{path}
	case v.Kind() == reflect.Pointer:
		return zeroFields(v.Elem(), path)
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct:
		return zeroFields(v.Index(0), path) // the first element stands for all
	case v.Kind() != reflect.Struct || v.Type() == reflect.TypeFor[time.Time]():
		return nil
	}
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		if path != "" {
			name = path + "." + name
		}
		zero = append(zero, zeroFields(v.Field(i), name)...)
	}
	return zero
}
