package ssoadmin

import "gatehouse/internal/arn"

// What the inputs about applications, issuers, attributes and regions name.

// CreateApplication makes an application of the caller's account, whichever that is.
func (in *CreateApplicationRequest) names() named {
	return named{instance: in.InstanceArn, provider: in.ApplicationProviderArn, tags: in.Tags, anyone: true, makes: makesApplication}
}

// DescribeApplicationProvider shows what is the same for all.
func (in *DescribeApplicationProviderRequest) names() named {
	return named{provider: in.ApplicationProviderArn, anyone: true}
}

// ListApplications shows a member account its own applications, if it asks for no others.
func (in *ListApplicationsRequest) names() named {
	n := named{instance: in.InstanceArn, nowhere: true}
	if in.Filter != nil && in.Filter.ApplicationAccount != nil {
		n.own = *in.Filter.ApplicationAccount
	}
	return n
}

// ListApplicationAssignmentsForPrincipal shows a member account the assignment to an application of its own.
func (in *ListApplicationAssignmentsForPrincipalRequest) names() named {
	n := named{instance: in.InstanceArn}
	if in.Filter == nil || in.Filter.ApplicationArn == nil {
		return n
	}
	if a, err := arn.ParseApplication(*in.Filter.ApplicationArn); err == nil {
		n.own = a.AccountID
	}
	return n
}
func (in *CreateApplicationAssignmentRequest) names() named {
	return named{application: in.ApplicationArn}
}
func (in *DeleteApplicationAssignmentRequest) names() named {
	return named{application: in.ApplicationArn}
}
func (in *DescribeApplicationAssignmentRequest) names() named {
	return named{application: in.ApplicationArn}
}
func (in *ListApplicationAssignmentsRequest) names() named {
	return named{application: in.ApplicationArn}
}
func (in *DeleteApplicationRequest) names() named   { return named{application: in.ApplicationArn} }
func (in *DescribeApplicationRequest) names() named { return named{application: in.ApplicationArn} }
func (in *UpdateApplicationRequest) names() named   { return named{application: in.ApplicationArn} }
func (in *GetApplicationAssignmentConfigurationRequest) names() named {
	return named{application: in.ApplicationArn}
}
func (in *PutApplicationAssignmentConfigurationRequest) names() named {
	return named{application: in.ApplicationArn}
}
func (in *GetApplicationAccessScopeRequest) names() named {
	return named{application: in.ApplicationArn}
}
func (in *PutApplicationAccessScopeRequest) names() named {
	return named{application: in.ApplicationArn}
}
func (in *DeleteApplicationAccessScopeRequest) names() named {
	return named{application: in.ApplicationArn}
}
func (in *ListApplicationAccessScopesRequest) names() named {
	return named{application: in.ApplicationArn}
}
func (in *GetApplicationAuthenticationMethodRequest) names() named {
	return named{application: in.ApplicationArn}
}
func (in *PutApplicationAuthenticationMethodRequest) names() named {
	return named{application: in.ApplicationArn}
}
func (in *DeleteApplicationAuthenticationMethodRequest) names() named {
	return named{application: in.ApplicationArn}
}
func (in *ListApplicationAuthenticationMethodsRequest) names() named {
	return named{application: in.ApplicationArn}
}
func (in *GetApplicationGrantRequest) names() named    { return named{application: in.ApplicationArn} }
func (in *PutApplicationGrantRequest) names() named    { return named{application: in.ApplicationArn} }
func (in *DeleteApplicationGrantRequest) names() named { return named{application: in.ApplicationArn} }
func (in *ListApplicationGrantsRequest) names() named  { return named{application: in.ApplicationArn} }
func (in *GetApplicationSessionConfigurationRequest) names() named {
	return named{application: in.ApplicationArn}
}
func (in *PutApplicationSessionConfigurationRequest) names() named {
	return named{application: in.ApplicationArn}
}
func (in *CreateTrustedTokenIssuerRequest) names() named {
	return named{instance: in.InstanceArn, tags: in.Tags, makes: makesIssuer}
}
func (in *DescribeTrustedTokenIssuerRequest) names() named {
	return named{issuer: in.TrustedTokenIssuerArn}
}
func (in *UpdateTrustedTokenIssuerRequest) names() named {
	return named{issuer: in.TrustedTokenIssuerArn}
}
func (in *DeleteTrustedTokenIssuerRequest) names() named {
	return named{issuer: in.TrustedTokenIssuerArn}
}
func (in *ListTrustedTokenIssuersRequest) names() named { return named{instance: in.InstanceArn} }
func (in *UpdateInstanceRequest) names() named          { return named{instance: in.InstanceArn} }
func (in *DeleteInstanceRequest) names() named          { return named{instance: in.InstanceArn} }
func (in *AddRegionRequest) names() named               { return named{instance: in.InstanceArn} }
func (in *RemoveRegionRequest) names() named            { return named{instance: in.InstanceArn} }
func (in *DescribeRegionRequest) names() named          { return named{instance: in.InstanceArn} }
func (in *ListRegionsRequest) names() named             { return named{instance: in.InstanceArn} }
func (in *CreateInstanceAccessControlAttributeConfigurationRequest) names() named {
	return named{instance: in.InstanceArn}
}
func (in *UpdateInstanceAccessControlAttributeConfigurationRequest) names() named {
	return named{instance: in.InstanceArn}
}
func (in *DescribeInstanceAccessControlAttributeConfigurationRequest) names() named {
	return named{instance: in.InstanceArn}
}
func (in *DeleteInstanceAccessControlAttributeConfigurationRequest) names() named {
	return named{instance: in.InstanceArn}
}
