package localiam

import "gatehouse/internal/fault"

// ReasonTradeIn: a trade-in token that buys nothing. (ExpiredTradeInTokenException)
const ReasonTradeIn = "trade-in"

// Delegation requests (IAM User Guide, «Temporary delegation») come from products of AWS's partners. A partner is onboarded by AWS, registers the
// policies it may ask for as templates, and is sent the trade-in token through its own SNS topic. None of the three exists here: there are no templates,
// so no request can be made, none is ever there, and no trade-in token was ever given out. These answers say so.

// NoDelegationTemplate is the answer to every request for delegated access.
func NoDelegationTemplate(templateARN string) error {
	return invalid("Permissions", "The policy template %s is not registered: this server has no partners who ask for delegated access.", clip(templateARN))
}

// NoDelegationRequest is the answer to every question about one.
func NoDelegationRequest(id string) error {
	return fault.New(fault.NotFound, "Delegation request %s does not exist.", clip(id)).About("DELEGATION_REQUEST", id)
}

// NoTradeIn is the answer to every trade-in token.
func NoTradeIn() error {
	return fault.New(fault.Invalid, "The trade-in token is not valid or has expired").For(ReasonTradeIn)
}
