package admin

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
	"gatehouse/internal/signin"
)

// failure is a sign-in that failed.
type failure struct {
	Ref         string    `json:"ref" doc:"The reference that the person was shown"`
	At          time.Time `json:"at"`
	DirectoryID string    `json:"directory"`
	Vouched     bool      `json:"vouched" doc:"Whether the identity provider had signed the message; what is not vouched for, anybody can have sent"`
	Reason      string    `json:"reason" doc:"The check that failed"`
	Why         string    `json:"why" doc:"What happened, in a sentence"`
	Advice      string    `json:"advice" doc:"What can be done"`
	ClientAddr  string    `json:"clientAddress"`
	RequestID   string    `json:"requestId,omitempty" doc:"The sign-in request that was answered, if that is known"`
	ExpiresAt   time.Time `json:"expires" doc:"When the record goes"`
	Message     string    `json:"message,omitempty" doc:"The decoded message, indented, with personal values masked; in a listing it is left out"`
}

func failureOf(f signin.Failure) failure {
	return failure{f.ID, f.At, f.SourceID, f.Vouched, f.Reason, f.Why, f.Advice, f.ClientAddr, f.RequestID, f.ExpiresAt, f.Message}
}

func (d *door) registerFailures(api huma.API) {
	type listIn struct {
		Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
		Before string `query:"before" maxLength:"80" doc:"The next of the page before"`
	}
	type listOut struct {
		Body struct {
			Failures []failure `json:"failures"`
			Next     string    `json:"next" doc:"The next page's before; empty on the last"`
		}
	}
	forAdmin(api, d, operation{http.MethodGet, "/sign-in-failures", "ListSignInFailures", "Sign-ins that failed, newest first; they are kept for thirty days", 0},
		func(ctx context.Context, _ audit.Actor, in *listIn) (*listOut, error) {
			key, err := failureKey(in.Before)
			if err != nil {
				return nil, err
			}
			fs, err := d.SignIn.Failures(ctx, key, in.Limit)
			if err != nil {
				return nil, err
			}
			out := &listOut{}
			out.Body.Failures = []failure{}
			for _, f := range fs {
				f.Message = ""
				out.Body.Failures = append(out.Body.Failures, failureOf(f))
			}
			if len(fs) == in.Limit {
				last := fs[len(fs)-1]
				out.Body.Next = fmt.Sprintf("%d.%s", last.At.UnixMicro(), last.ID)
			}
			return out, nil
		})
	type refIn struct {
		ID string `path:"id" maxLength:"64" doc:"The reference that the person was shown"`
	}
	forAdmin(api, d, operation{http.MethodGet, "/sign-in-failures/{id}", "GetSignInFailure", "One failed sign-in with the message, personal values masked", 0},
		func(ctx context.Context, _ audit.Actor, in *refIn) (*struct{ Body failure }, error) {
			f, err := d.SignIn.Failure(ctx, in.ID)
			return &struct{ Body failure }{failureOf(f)}, err
		})
}

func failureKey(before string) (signin.FailureKey, error) {
	if before == "" {
		return signin.FailureKey{}, nil
	}
	var micros int64
	var id string
	if n, err := fmt.Sscanf(before, "%d.%s", &micros, &id); err != nil || n != 2 {
		return signin.FailureKey{}, fault.New(fault.Invalid, "before is not a cursor of this listing").At("before")
	}
	return signin.FailureKey{At: time.UnixMicro(micros).UTC(), ID: id}, nil
}
