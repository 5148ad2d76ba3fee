package tenant

import "net/http"

// set copies a value that was given.
func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

// apiPatchApplication changes the settings of the enterprise application that are named in the body.
func (t *Tenant) apiPatchApplication(r *http.Request) (any, error) {
	var b struct {
		DisplayName        *string    `json:"displayName"`
		EntityID           *string    `json:"entityId"`
		ReplyURLs          *[]string  `json:"replyUrls"`
		SignOnURL          *string    `json:"signOnUrl"`
		LogoutURL          *string    `json:"logoutUrl"`
		RelayState         *string    `json:"relayState"`
		AssignmentRequired *bool      `json:"appRoleAssignmentRequired"`
		NameIDSource       *string    `json:"nameIdSource"`
		Sign               *string    `json:"sign"`
		GroupsClaim        *string    `json:"groupsClaim"`
		SAMLDialect        *string    `json:"samlDialect"`
		SAMLChaos          *SAMLChaos `json:"samlChaos"`
		Claims             *[]Claim   `json:"claims"`
	}
	if err := decode(r, &b, false); err != nil {
		return nil, err
	}
	err := t.SetApplication(func(a *Application) {
		set(&a.DisplayName, b.DisplayName)
		set(&a.EntityID, b.EntityID)
		set(&a.ReplyURLs, b.ReplyURLs)
		set(&a.SignOnURL, b.SignOnURL)
		set(&a.LogoutURL, b.LogoutURL)
		set(&a.RelayState, b.RelayState)
		set(&a.AssignmentRequired, b.AssignmentRequired)
		set(&a.NameIDSource, b.NameIDSource)
		set(&a.Sign, b.Sign)
		set(&a.GroupsClaim, b.GroupsClaim)
		set(&a.SAMLDialect, b.SAMLDialect)
		set(&a.SAMLChaos, b.SAMLChaos)
		set(&a.Claims, b.Claims)
	})
	return t.Application(), err
}

// apiPatchJob changes the settings of the job that are named in the body.
func (t *Tenant) apiPatchJob(r *http.Request) (any, error) {
	var b struct {
		BaseURL                 *string    `json:"baseUrl"`
		SecretToken             *string    `json:"secretToken"`
		Scope                   *Scope     `json:"scope"`
		Dialect                 *Dialect   `json:"dialect"`
		IntervalSeconds         *float64   `json:"intervalSeconds"`
		MatchingAttribute       *string    `json:"matchingAttribute"`
		Mappings                *[]Mapping `json:"mappings"`
		GroupsEnabled           *bool      `json:"groupsEnabled"`
		UserActions             *Actions   `json:"userActions"`
		GroupActions            *Actions   `json:"groupActions"`
		SkipOutOfScopeDeletions *bool      `json:"skipOutOfScopeDeletions"`
		DeletionThreshold       *int       `json:"deletionThreshold"`
		Chaos                   *Chaos     `json:"chaos"`
	}
	if err := decode(r, &b, false); err != nil {
		return nil, err
	}
	err := t.SetJob(func(s *Settings) {
		set(&s.BaseURL, b.BaseURL)
		set(&s.Scope, b.Scope)
		set(&s.Dialect, b.Dialect)
		if b.IntervalSeconds != nil {
			s.Interval = seconds(*b.IntervalSeconds)
		}
		set(&s.MatchingAttribute, b.MatchingAttribute)
		set(&s.Mappings, b.Mappings)
		set(&s.GroupsEnabled, b.GroupsEnabled)
		set(&s.UserActions, b.UserActions)
		set(&s.GroupActions, b.GroupActions)
		set(&s.SkipOutOfScopeDeletions, b.SkipOutOfScopeDeletions)
		set(&s.DeletionThreshold, b.DeletionThreshold)
		set(&s.Chaos, b.Chaos)
	})
	if err == nil && b.SecretToken != nil {
		err = t.SetSecretToken(*b.SecretToken)
	}
	return t.Job(), err
}
