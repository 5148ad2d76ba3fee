package awswire

// Protocol is how a service writes requests and answers.
type Protocol uint8

const (
	// JSON is AWS JSON 1.1: POST /, X-Amz-Target, JSON in and out.
	JSON Protocol = iota
	// Query is AWS Query: POST /, a form in with an Action, XML out.
	Query
	// REST is rest-json: a path per operation, JSON in and out.
	REST
)

// Model is what the shape generator knows of one service. It is generated; never edit one by hand.
type Model struct {
	// Service is our name of the service, such as "sso-admin".
	Service string
	// Version is the API version, a date; the Query protocol sends it.
	Version string
	// Protocol says how it is spoken.
	Protocol Protocol
	// Target is the prefix of X-Amz-Target (JSON).
	Target string
	// Namespace is the XML namespace of answers (Query).
	Namespace string
	// Signing is the service name in the SigV4 credential scope.
	Signing string
	// Operations lists every operation of the API, also those not implemented yet.
	Operations []OperationModel
	// Errors lists the error shapes of the API.
	Errors []ErrorModel
}

// OperationModel is one operation of a service.
type OperationModel struct {
	Name string
	// Method and Path are set for REST. The path is a template, with labels ("/things/{id}") and literal query parameters ("/token?aws_iam=t").
	Method, Path string
	// Success is the HTTP status of an answer that is no error (REST); zero means 200.
	Success int
	// Unsigned operations carry no signature.
	Unsigned bool
	// Errors are the names of the error shapes that the model allows.
	Errors []string
}

// ErrorModel is one error shape of a service.
type ErrorModel struct {
	// Shape is the name clients know, Code what goes over the wire (they differ in Query).
	Shape, Code string
	// Status is the HTTP status.
	Status int
}

// Operation returns the operation of that exact name.
func (m *Model) Operation(name string) (OperationModel, bool) {
	for _, o := range m.Operations {
		if o.Name == name {
			return o, true
		}
	}
	return OperationModel{}, false
}

// Status returns the HTTP status of an error code, and whether the model knows the code.
func (m *Model) Status(code string) (int, bool) {
	for _, e := range m.Errors {
		if e.Code == code || e.Shape == code {
			return e.Status, true
		}
	}
	return 0, false
}
