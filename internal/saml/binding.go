package saml

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"io"
	"strings"

	"gatehouse/internal/fault"
)

// MaxMessage is the largest XML message, in bytes, that [InflateRedirect] and [DecodePost] return and that [Verify],
// [ParseAuthnRequest] and [ParseIDPMetadata] read. A door should cap a POST body at twice this.
const MaxMessage = maxDocument

// maxRedirect caps the encoded message of the HTTP-Redirect binding; browsers and servers end well below it.
const maxRedirect = 32 << 10

// InflateRedirect decodes the SAMLRequest or SAMLResponse parameter of the HTTP-Redirect binding, after URL decoding:
// base64, then raw DEFLATE. It stops at [MaxMessage] inflated bytes, so a deflate bomb costs no more than that.
// A parameter that does not decode is a fault of kind Invalid with reason "encoding", one that is too long "too-large".
//
// Source: SAML 2.0 Bindings §3.4.4.1.
func InflateRedirect(parameter string) ([]byte, error) {
	if len(parameter) > maxRedirect {
		return nil, tooLarge()
	}
	compressed, err := base64.StdEncoding.Strict().DecodeString(parameter)
	if err != nil {
		return nil, notDecodable()
	}
	source := bytes.NewReader(compressed)
	inflater := flate.NewReader(source)
	message, err := io.ReadAll(io.LimitReader(inflater, MaxMessage+1))
	switch {
	case err != nil || len(message) == 0:
		return nil, notDecodable()
	case len(message) > MaxMessage:
		return nil, tooLarge()
	case source.Len() > 0:
		return nil, notDecodable()
	}
	return message, nil
}

// DecodePost decodes the SAMLRequest or SAMLResponse field of the HTTP-POST binding: base64, which may be broken into
// lines. Faults are as for [InflateRedirect].
//
// Source: SAML 2.0 Bindings §3.5.4.
func DecodePost(field string) ([]byte, error) {
	if len(field) > 2*MaxMessage {
		return nil, tooLarge()
	}
	// The decoder skips CR and LF by itself, which is all that RFC 2045 §6.8 inserts.
	message, err := base64.StdEncoding.Strict().DecodeString(strings.Trim(field, " \t\r\n"))
	if err != nil || len(message) == 0 {
		return nil, notDecodable()
	}
	if len(message) > MaxMessage {
		return nil, tooLarge()
	}
	return message, nil
}

func tooLarge() error {
	return fault.New(fault.Invalid, "The SAML message is larger than %d bytes.", MaxMessage).For("too-large")
}

func notDecodable() error {
	return fault.New(fault.Invalid, "The SAML message is not correctly encoded.").For("encoding")
}

// deflateRedirect is the inverse of InflateRedirect, before URL encoding.
func deflateRedirect(message []byte) string {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		panic("saml: flate refuses its own constant: " + err.Error()) // the level is a valid constant
	}
	// Writing to a bytes.Buffer cannot fail.
	_, _ = w.Write(message)
	_ = w.Close()
	return base64.StdEncoding.EncodeToString(b.Bytes())
}
