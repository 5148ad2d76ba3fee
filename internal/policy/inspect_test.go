package policy

import (
	"slices"
	"testing"
)

func TestBindTrustsWhoWasThereWhenThePolicyWasSaved(t *testing.T) {
	t.Parallel()
	const arn = "arn:aws:iam::111122223333:role/team/Builder"
	d, err := Parse([]byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["`+arn+`","arn:aws:iam::444455556666:root","AROAOTHER0123456789","arn:aws:sts::111122223333:assumed-role/x/y"]},"Action":"sts:AssumeRole"}]}`), ForTrust)
	if err != nil {
		t.Fatal(err)
	}
	if got := d.Principals(); !slices.Equal(got, []string{arn}) {
		t.Errorf("got %v", got)
	}
	bound := d.Bind(map[string]string{arn: "AROAFIRST0123456789"})
	ask := func(d *Document, id string) bool {
		q := Request{Principal: Principal{Kind: RoleSession, ARN: arn, SessionARN: "arn:aws:sts::111122223333:assumed-role/Builder/s", AccountID: "111122223333", ID: id}, Action: "sts:AssumeRole", Resource: "arn:aws:iam::111122223333:role/R"}
		return Evaluate(Policies{Resource: &Named{Name: "R", Document: d}, Trust: true}, q).Allowed
	}
	for id, want := range map[string]bool{"AROAFIRST0123456789": true, "AROASECOND123456789": false, "AROAOTHER0123456789": true} {
		if got := ask(bound, id); got != want {
			t.Errorf("bound: %s got %v, want %v", id, got, want)
		}
	}
	if !ask(d, "AROASECOND123456789") {
		t.Error("binding changed the document it was made from")
	}
}

func TestContextKeys(t *testing.T) {
	t.Parallel()
	d, err := Parse([]byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/${aws:username}/*","Condition":{"StringLike":{"aws:PrincipalTag/Team":"x","AWS:UserName":"y"},"Bool":{"aws:SecureTransport":"true"}}}]}`), ForIdentity)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := d.ContextKeys(), []string{"AWS:UserName", "aws:PrincipalTag/Team", "aws:SecureTransport"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
