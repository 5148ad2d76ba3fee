package awswire

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"reflect"
	"sort"
	"strconv"
)

// EncodeQuery writes the answer of an AWS Query operation: the output structure inside
// <OperationResult> (absent when out is nil) inside <OperationResponse>, with the request id.
func EncodeQuery(namespace, operation, requestID string, out any) []byte {
	var b bytes.Buffer
	b.WriteString(xml.Header)
	b.WriteString("<" + operation + `Response xmlns="`)
	text(&b, namespace)
	b.WriteString(`">`)
	if out != nil {
		if _, empty := out.(*Empty); !empty {
			element(&b, operation+"Result", reflect.ValueOf(out))
		}
	}
	b.WriteString("<ResponseMetadata><RequestId>")
	text(&b, requestID)
	b.WriteString("</RequestId></ResponseMetadata></" + operation + "Response>")
	return b.Bytes()
}

// encodeQueryError writes the error form of AWS Query.
func encodeQueryError(namespace, requestID string, e WireError) []byte {
	var b bytes.Buffer
	b.WriteString(xml.Header)
	b.WriteString("<ErrorResponse")
	if namespace != "" {
		b.WriteString(` xmlns="`)
		text(&b, namespace)
		b.WriteString(`"`)
	}
	kind := "Sender"
	if e.Status >= 500 {
		kind = "Receiver"
	}
	b.WriteString("><Error><Type>" + kind + "</Type><Code>")
	text(&b, e.Code)
	b.WriteString("</Code><Message>")
	text(&b, e.Message)
	b.WriteString("</Message></Error><RequestId>")
	text(&b, requestID)
	b.WriteString("</RequestId></ErrorResponse>")
	return b.Bytes()
}

// text escapes s; characters that XML 1.0 cannot carry become U+FFFD.
func text(b *bytes.Buffer, s string) {
	_ = xml.EscapeText(b, []byte(s)) // a bytes.Buffer does not fail
}

// element writes v as <name>…</name>. Nil pointers, slices and maps are left out; lists have <member>
// elements, maps <entry> elements in the order of their keys.
func element(b *bytes.Buffer, name string, v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		if v.IsNil() {
			return
		}
	}
	if v.Kind() == reflect.Pointer {
		element(b, name, v.Elem())
		return
	}
	b.WriteString("<" + name + ">")
	content(b, v)
	b.WriteString("</" + name + ">")
}

func content(b *bytes.Buffer, v reflect.Value) {
	switch {
	case v.Type() == timeType:
		text(b, v.Interface().(Time).Text())
		return
	case v.Type() == bytesType:
		b.WriteString(base64.StdEncoding.EncodeToString(v.Bytes()))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		t := v.Type()
		for i := range t.NumField() {
			element(b, wireName(t.Field(i)), v.Field(i))
		}
	case reflect.Slice:
		for i := range v.Len() {
			element(b, "member", v.Index(i))
		}
	case reflect.Map:
		keys := v.MapKeys()
		sort.Slice(keys, func(i, j int) bool { return keys[i].String() < keys[j].String() })
		for _, k := range keys {
			b.WriteString("<entry>")
			element(b, "key", k)
			element(b, "value", v.MapIndex(k))
			b.WriteString("</entry>")
		}
	case reflect.String:
		text(b, v.String())
	case reflect.Bool:
		b.WriteString(strconv.FormatBool(v.Bool()))
	case reflect.Int32, reflect.Int64:
		b.WriteString(strconv.FormatInt(v.Int(), 10))
	}
}
