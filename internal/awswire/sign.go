package awswire

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"sort"
	"strings"
	"time"
)

// Key is an access key as its owner holds it.
type Key struct {
	// ID and Secret are the access key's two halves.
	ID, Secret string
	// Token is the session token of temporary credentials, or empty.
	Token string
}

// Sign signs a request that Gatehouse's own tools send: it sets X-Amz-Date, X-Amz-Security-Token (if
// the key has a token) and Authorization, covering the host, Content-Type and every x-amz- header. body
// is what the request will send.
func Sign(r *http.Request, body []byte, k Key, region, service string, now time.Time) error {
	stamp := now.UTC().Format(stampForm)
	r.Header.Set("X-Amz-Date", stamp)
	r.Header.Del("Authorization")
	if k.Token != "" {
		r.Header.Set("X-Amz-Security-Token", k.Token)
	}
	s := &Signature{KeyID: k.ID, Date: stamp[:8], Region: region, Service: service, stamp: stamp, headers: []string{"host"}}
	for name := range r.Header {
		if low := strings.ToLower(name); low == "content-type" || strings.HasPrefix(low, "x-amz-") {
			s.headers = append(s.headers, low)
		}
	}
	sort.Strings(s.headers)
	signed := r
	if r.Host == "" {
		clone := *r
		clone.Host = r.URL.Host
		signed = &clone
	}
	canonical, err := s.canonical(signed, body)
	if err != nil {
		return err
	}
	mac := s.mac256(canonical, DerivedKey(k.Secret, s.Date, region, service))
	r.Header.Set("Authorization", algorithm+" Credential="+k.ID+"/"+s.scope()+", SignedHeaders="+strings.Join(s.headers, ";")+", Signature="+hex.EncodeToString(mac))
	return nil
}

func (s *Signature) scope() string {
	return s.Date + "/" + s.Region + "/" + s.Service + "/" + terminator
}

// mac256 signs the canonical request.
func (s *Signature) mac256(canonical, key []byte) []byte {
	sum := sha256.Sum256(canonical)
	return sign(key, algorithm+"\n"+s.stamp+"\n"+s.scope()+"\n"+hex.EncodeToString(sum[:]))
}
