package localiam

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"slices"

	"gatehouse/internal/fault"
	"gatehouse/internal/policy"
)

// refusal is the cause of a Denied fault: what was asked and what decided. It is shown to nobody as it is.
type refusal struct {
	q policy.Request
	d policy.Decision
}

// Error says nothing that the fault does not say.
func (*refusal) Error() string { return "refused by policy" }

// Refused tells what was asked and what decided, if err is a refusal by policy: which statement of which policy, or which sort of policy
// allowed nothing.
func Refused(err error) (policy.Request, policy.Decision, bool) {
	var r *refusal
	if !errors.As(err, &r) {
		return policy.Request{}, policy.Decision{}, false
	}
	return r.q, r.d, true
}

// decoded is the shape of a decoded authorization message, as AWS documents it.
type decoded struct {
	Allowed      bool `json:"allowed"`
	ExplicitDeny bool `json:"explicitDeny"`
	Matched      struct {
		Items []decodedStatement `json:"items"`
	} `json:"matchedStatements"`
	Failures struct {
		Items []string `json:"items"`
	} `json:"failures"`
	Context struct {
		Principal struct {
			ID  string `json:"id,omitempty"`
			ARN string `json:"arn"`
		} `json:"principal"`
		Action     string `json:"action"`
		Resource   string `json:"resource"`
		Conditions struct {
			Items []decodedCondition `json:"items"`
		} `json:"conditions"`
	} `json:"context"`
}

type decodedStatement struct {
	StatementID    string `json:"statementId"`
	Effect         string `json:"effect"`
	SourcePolicyID string `json:"sourcePolicyId"`
}

type decodedCondition struct {
	Key    string `json:"key"`
	Values struct {
		Items []decodedValue `json:"items"`
	} `json:"values"`
}

type decodedValue struct {
	Value string `json:"value"`
}

// maxMessage is STS's bound of an encoded message, in characters.
const maxMessage = 10240

// EncodedRefusal returns the details of a refusal by policy, sealed for the principals of the refused one's account
// ([Service.DecodeRefusal]). It is empty when err is no such refusal.
func (s *Service) EncodedRefusal(err error) string {
	var r *refusal
	if !errors.As(err, &r) {
		return ""
	}
	var m decoded
	m.ExplicitDeny = r.d.Explicit
	m.Matched.Items, m.Failures.Items, m.Context.Conditions.Items = []decodedStatement{}, []string{}, []decodedCondition{}
	if r.d.Explicit {
		m.Matched.Items = append(m.Matched.Items, decodedStatement{StatementID: r.d.Sid, Effect: "DENY", SourcePolicyID: r.d.Policy})
	}
	m.Context.Principal.ID, m.Context.Principal.ARN = r.q.Principal.ID, r.q.Principal.Name()
	m.Context.Action, m.Context.Resource = r.q.Action, r.q.Resource
	for _, key := range sortedKeys(r.q.Context) {
		c := decodedCondition{Key: key}
		for _, v := range r.q.Context[key] {
			c.Values.Items = append(c.Values.Items, decodedValue{v})
		}
		m.Context.Conditions.Items = append(m.Context.Conditions.Items, c)
	}
	for {
		plain, err := json.Marshal(m)
		if err != nil {
			return ""
		}
		sealed, err := s.cfg.Sealer.Seal(deflate(plain), associatedRefusal(r.q.Principal.AccountID))
		if err != nil {
			return ""
		}
		encoded := base64.RawURLEncoding.EncodeToString(sealed)
		n := len(m.Context.Conditions.Items)
		if len(encoded) <= maxMessage || n == 0 {
			return encoded
		}
		m.Context.Conditions.Items = slices.Clone(m.Context.Conditions.Items[:n/2]) // a request with very many tags
	}
}

func associatedRefusal(accountID string) []byte {
	return []byte("gatehouse/authorization-message/" + accountID)
}

// DecodeRefusal opens what [Service.EncodedRefusal] sealed for principals of the account. Anything else is Invalid with Reason
// "authorization-message".
func (s *Service) DecodeRefusal(accountID, message string) (string, error) {
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(message)
	if err != nil || len(message) > maxMessage {
		return "", errMessage()
	}
	plain, err := s.cfg.Sealer.Open(sealed, associatedRefusal(accountID))
	if err != nil {
		return "", errMessage()
	}
	text, err := io.ReadAll(flate.NewReader(bytes.NewReader(plain)))
	if err != nil {
		return "", fault.New(fault.Internal, "a sealed message does not inflate").Because(err)
	}
	return string(text), nil
}

// deflate makes a message about a third as long: most of it is the names of members and keys.
func deflate(plain []byte) []byte {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		panic("localiam: " + err.Error()) // the level is one that there is
	}
	_, _ = w.Write(plain) // a buffer takes all
	_ = w.Close()
	return b.Bytes()
}

func errMessage() error {
	return fault.New(fault.Invalid, "Message is not valid").For("authorization-message").At("EncodedMessage")
}
