package localiam

import (
	"encoding/json"
	"testing"
)

// FuzzTokenTags: whatever a provider signs, its tags are read or refused, and no tag appears that is not in the claim as one text.
func FuzzTokenTags(f *testing.F) {
	for _, seed := range []string{
		`{"https://aws.amazon.com/tags":{"principal_tags":{"a":["1"]},"transitive_tag_keys":["a"]},"https://aws.amazon.com/source_identity":"ann"}`,
		`{"https://aws.amazon.com/tags/principal_tags/a":["1"],"https://aws.amazon.com/tags/transitive_tag_keys":["a"]}`,
		`{"https://aws.amazon.com/tags":{"principal_tags":[]}}`, `{"https://aws.amazon.com/tags":null}`, `{"https://aws.amazon.com/tags":{"principal_tags":{"a":null}}}`,
		`{"https://aws.amazon.com/source_identity":""}`, `{"https://aws.amazon.com/tags":{"transitive_tag_keys":"a"}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, claims []byte) {
		var all map[string]any
		if json.Unmarshal(claims, &all) != nil {
			return
		}
		var who WebIdentity
		if who.readTags(all) != nil {
			return
		}
		named := 0
		for name := range all {
			if len(name) > len(tagsClaim) && name[:len(tagsClaim)] == tagsClaim {
				named++
			}
		}
		if m, ok := all[tagsClaim].(map[string]any); ok {
			tags, _ := m["principal_tags"].(map[string]any)
			named += len(tags)
		}
		if len(who.tags) > named {
			t.Errorf("%d tags of %d claims", len(who.tags), named)
		}
	})
}
