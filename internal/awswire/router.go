package awswire

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
)

// Config is what a Router needs.
type Config[P any] struct {
	// Verifier checks signatures.
	Verifier *Verifier[P]
	// Authorizer decides what callers may do.
	Authorizer Authorizer[P]
	// Random mints request ids where the context carries none.
	Random io.Reader
	// Log takes the causes of internal errors.
	Log *slog.Logger
	// Observe, if not nil, is told of every request that was answered.
	Observe func(Observation)
}

// Observation is one answered request, for metrics. Service and Operation are names of the model, or
// empty: never what a client made up.
type Observation struct {
	Service, Operation string
	// Code is the error code, or empty.
	Code string
	// Status is the HTTP status.
	Status int
	// Took is the time from the first byte to the encoded answer.
	Took time.Duration
}

// Router answers the requests of several services: on "/" those that speak JSON 1.1 or Query, on their own paths those that speak rest-json.
type Router[P any] struct {
	cfg      Config[P]
	services []*service[P]
}

type service[P any] struct {
	Service[P]
	rows      map[string]Operation[P]
	templates []template // of a REST service, the most specific first
}

// NewRouter returns a router for the services. It refuses a row that the service's model does not have,
// two rows of one name, and two services that a request could not tell apart.
func NewRouter[P any](cfg Config[P], services ...Service[P]) (*Router[P], error) {
	rt := &Router[P]{cfg: cfg}
	seen := map[string]bool{}
	for _, s := range services {
		if key := s.Model.Target + "/" + s.Model.Signing; seen[key] {
			return nil, fmt.Errorf("awswire: two services are %s", key)
		} else {
			seen[key] = true
		}
		in := &service[P]{Service: s, rows: make(map[string]Operation[P], len(s.Operations))}
		for _, o := range s.Operations {
			if _, ok := s.Model.Operation(o.Name); !ok {
				return nil, fmt.Errorf("awswire: %s has no operation %s", s.Model.Service, o.Name)
			}
			if _, twice := in.rows[o.Name]; twice {
				return nil, fmt.Errorf("awswire: %s has two rows %s", s.Model.Service, o.Name)
			}
			in.rows[o.Name] = o
		}
		if s.Model.Protocol == REST {
			for _, o := range s.Model.Operations {
				t, err := newTemplate(o)
				if err != nil {
					return nil, err
				}
				in.templates = append(in.templates, t)
			}
			slices.SortStableFunc(in.templates, specific)
		}
		rt.services = append(rt.services, in)
	}
	return rt, nil
}

// Wants reports whether a request is meant for the services of the router: on "/" every POST, and a GET that is presigned (sts:GetCallerIdentity as a URL);
// elsewhere what is signed for a REST service, or has a path of one that begins with a literal.
func (rt *Router[P]) Wants(r *http.Request) bool {
	if r.URL.Path == "/" && (r.Method == http.MethodPost || r.Method == http.MethodGet && strings.Contains(r.URL.RawQuery, "X-Amz-Signature=")) {
		return true
	}
	return rt.rest(r) != nil
}

// rest returns the REST service that a request is for, or nil. The credential scope says it, wherever the path leads, so that a signed request with a wrong path
// is answered in the words of its service; a request without one is told by its path.
func (rt *Router[P]) rest(r *http.Request) *service[P] {
	if s, err := ParseAuthorization(r.Header.Get("Authorization")); err == nil {
		for _, svc := range rt.services {
			if svc.Model.Protocol == REST && svc.Model.Signing == s.Service {
				return svc
			}
		}
	}
	path, err := splitPath(r.URL.EscapedPath())
	if err != nil {
		return nil
	}
	q, err := parseValues(r.URL.RawQuery)
	if err != nil {
		return nil
	}
	for _, svc := range rt.services {
		for i := range svc.templates {
			if t := &svc.templates[i]; t.anchored() {
				if _, ok := t.match(path, q); ok {
					return svc
				}
			}
		}
	}
	return nil
}

// exchange is one request on its way through the router.
type exchange[P any] struct {
	rt        *Router[P]
	w         http.ResponseWriter
	r         *http.Request
	requestID string
	begun     time.Time

	svc    *service[P] // nil until known
	op     string      // the operation's name, once the model is known to have it
	sig    *Signature  // what the request claims, nil with sigErr
	sigErr error
	body   []byte
	params map[string]string // of a Query request
	query  url.Values        // of a REST request
	labels map[string]string // of a REST request: the values of its path's labels
}

// ServeHTTP answers one request.
func (rt *Router[P]) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange[P]{rt: rt, w: w, r: r, begun: rt.cfg.Verifier.Now()}
	origin := audit.OriginOf(r.Context())
	if origin.RequestID == "" {
		origin.RequestID = arn.UUID(rt.cfg.Random)
	}
	if origin.ClientAddr == "" {
		origin.ClientAddr, _, _ = net.SplitHostPort(r.RemoteAddr)
	}
	x.requestID = origin.RequestID
	x.r = r.WithContext(audit.WithOrigin(r.Context(), origin))
	out, err := x.guarded()
	if err != nil {
		x.fail(err)
		return
	}
	x.succeed(out)
}

// guarded turns a panic into an internal error. None is expected: this keeps one defect from taking
// the answer of one client, and puts it into the log.
func (x *exchange[P]) guarded() (out any, err error) {
	defer func() {
		if p := recover(); p != nil {
			if p == http.ErrAbortHandler {
				panic(p)
			}
			out, err = nil, fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return x.run()
}

// run does the whole of a request in order: whose is it, who asks, what, may he, do it.
func (x *exchange[P]) run() (any, error) {
	name, err := "", error(nil)
	if x.svc = x.rt.rest(x.r); x.svc != nil {
		name, err = x.routeREST()
	}
	if err != nil {
		return nil, err
	}
	if err := x.read(); err != nil {
		return nil, err
	}
	if x.svc == nil {
		if name, err = x.route(); err != nil {
			return nil, err
		}
	}
	m, ok := x.svc.Model.Operation(name)
	if !ok {
		return nil, fault.New(fault.Invalid, "%s has no operation %q in version %s.", x.svc.Model.Service, clip(name), x.svc.Model.Version).For(ReasonUnknownOperation)
	}
	x.op = name
	call := &Call[P]{Service: x.svc.Model.Service, Operation: name, RequestID: x.requestID, Request: x.r, Actor: audit.Actor{Kind: audit.Anonymous}}
	call.authorizer, call.context = x.rt.cfg.Authorizer, x.facts()
	if !m.Unsigned {
		if x.sigErr != nil {
			return nil, x.sigErr
		}
		c, err := x.rt.cfg.Verifier.check(x.sig, x.r, x.body, x.svc.Model.Signing)
		if err != nil {
			return nil, err
		}
		call.Principal, call.Actor = c.Principal, c.Actor
	}
	row, ok := x.svc.rows[name]
	if !ok {
		return nil, fault.New(fault.Invalid, "Gatehouse does not implement %s %s yet.", x.svc.Model.Service, name).For(ReasonUnimplemented)
	}
	return x.perform(call, row)
}

func (x *exchange[P]) perform(call *Call[P], row Operation[P]) (any, error) {
	in := row.newInput()
	if err := x.decode(in); err != nil {
		return nil, err
	}
	var c Check
	in.Check(&c)
	if err := c.Fault(); err != nil {
		return nil, err
	}
	ctx := x.r.Context()
	if row.Action != "" {
		var t Target
		if row.target != nil {
			var err error
			if t, err = row.target(ctx, call, in); err != nil {
				return nil, err
			}
		}
		if err := call.Authorize(ctx, row.Action, t); err != nil {
			return nil, err
		}
		for _, f := range t.Further {
			if err := call.Authorize(ctx, f.Action, f.On); err != nil {
				return nil, err
			}
		}
	}
	return row.handle(ctx, call, in)
}

// read takes the body, up to its limit.
func (x *exchange[P]) read() error {
	limit := int64(MaxBody)
	if x.svc != nil && x.svc.MaxBody > 0 {
		limit = x.svc.MaxBody
	}
	body, err := io.ReadAll(http.MaxBytesReader(x.w, x.r.Body, limit))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return fault.New(fault.Invalid, "The request body is larger than %d bytes.", limit).For(ReasonTooLarge)
	}
	if err != nil {
		return malformed("The request body could not be read to its end.")
	}
	x.body = body
	x.sig, x.sigErr = ParseSignature(x.r)
	return nil
}

// routeREST finds the operation of the REST service by method, path and query.
func (x *exchange[P]) routeREST() (string, error) {
	path, err := splitPath(x.r.URL.EscapedPath())
	if err != nil {
		return "", err
	}
	if x.query, err = parseValues(x.r.URL.RawQuery); err != nil {
		return "", err
	}
	name, labels, allow := findREST(x.svc.templates, x.r.Method, path, x.query)
	switch {
	case name != "":
		x.labels = labels
		return name, nil
	case len(allow) > 0:
		methods := strings.Join(allow, ", ")
		x.w.Header().Set("Allow", methods)
		return "", fault.New(fault.Invalid, "%s has no method %s at %q; it has %s.", x.svc.Model.Service, clip(x.r.Method), clip(x.r.URL.Path), methods).For(ReasonWrongMethod)
	}
	return "", fault.New(fault.Invalid, "%s has no operation at %s %q in version %s.", x.svc.Model.Service, clip(x.r.Method), clip(x.r.URL.Path), x.svc.Model.Version).For(ReasonUnknownOperation)
}

// route finds the service and the name of the operation: by X-Amz-Target, else by the credential scope,
// else (an unsigned operation) by the API version, which differs between Query services.
func (x *exchange[P]) route() (string, error) {
	if target := x.r.Header.Get("X-Amz-Target"); target != "" {
		prefix, name, _ := strings.Cut(target, ".")
		for _, s := range x.rt.services {
			if s.Model.Protocol == JSON && s.Model.Target == prefix {
				x.svc = s
				return name, nil
			}
		}
		return "", fault.New(fault.Invalid, "No service here answers to X-Amz-Target %q.", clip(target)).For(ReasonUnknownOperation)
	}
	raw := string(x.body)
	if x.r.Method == http.MethodGet {
		raw = x.r.URL.RawQuery
	}
	params, err := ParseForm(raw)
	if err != nil {
		return "", err
	}
	x.params = params
	scope := ""
	if x.sigErr == nil {
		scope = x.sig.Service
	}
	for _, s := range x.rt.services {
		if s.Model.Protocol == Query && (s.Model.Signing == scope || scope == "" && s.Model.Version == params["Version"]) {
			x.svc = s
		}
	}
	if x.svc == nil {
		return "", x.unrouted()
	}
	if v := params["Version"]; v != x.svc.Model.Version {
		return "", fault.New(fault.Invalid, "%s has no version %q; it has %s.", x.svc.Model.Service, clip(v), x.svc.Model.Version).For(ReasonUnknownOperation)
	}
	return params["Action"], nil
}

// unrouted says why a request without X-Amz-Target belongs to no service.
func (x *exchange[P]) unrouted() error {
	if x.sigErr != nil {
		return x.sigErr
	}
	return fault.New(fault.Invalid, "The request names no operation: neither X-Amz-Target nor the credential scope is that of a service here.").For(ReasonUnknownOperation)
}

func (x *exchange[P]) decode(in Checker) error {
	switch x.svc.Model.Protocol {
	case Query:
		return DecodeQuery(x.params, in)
	case REST:
		return decodeREST(x.r, x.labels, x.query, x.body, in)
	}
	return DecodeJSON(x.body, in)
}

// facts are the condition keys that every request has.
func (x *exchange[P]) facts() map[string][]string {
	c := map[string][]string{"aws:SecureTransport": {strconv.FormatBool(x.r.TLS != nil)}}
	set := func(key, value string) {
		if value != "" {
			c[key] = []string{value}
		}
	}
	set("aws:SourceIp", audit.OriginOf(x.r.Context()).ClientAddr)
	set("aws:UserAgent", x.r.UserAgent())
	set("aws:Referer", x.r.Referer())
	if x.sigErr == nil {
		set("aws:RequestedRegion", x.sig.Region)
	}
	return c
}

func (x *exchange[P]) succeed(out any) {
	status, contentType, body, err := http.StatusOK, jsonType, []byte(nil), error(nil)
	switch x.svc.Model.Protocol {
	case Query:
		contentType, body = "text/xml", EncodeQuery(x.svc.Model.Namespace, x.op, x.requestID, out)
	case REST:
		m, _ := x.svc.Model.Operation(x.op)
		contentType = restType
		status, body, err = encodeREST(x.w.Header(), m.Success, out)
	default:
		body, err = EncodeJSON(out)
	}
	if err != nil {
		x.fail(fmt.Errorf("encode the answer: %w", err))
		return
	}
	write(x.w, status, contentType, x.requestID, body)
	x.observe(status, "")
}

const jsonType = "application/x-amz-json-1.1"

// fail answers with an error, and is the one place that logs it.
func (x *exchange[P]) fail(err error) {
	protocol, namespace := x.protocol()
	e := protocol.wireError(err, x.requestID)
	if x.svc != nil && x.svc.Errors != nil && adjustable(protocol, err) {
		e = x.svc.Errors(x.op, err, e)
		if status, ok := x.svc.Model.Status(e.Code); ok {
			e.Status = status
		}
	}
	if e.Status == 0 {
		e.Status = http.StatusBadRequest
	}
	if f := fault.Of(err); f.Kind == fault.Internal || f.Kind == fault.Unavailable {
		x.rt.cfg.Log.ErrorContext(x.r.Context(), "request failed", "operation", x.op, "request_id", x.requestID, "error", err)
	}
	switch protocol {
	case Query:
		write(x.w, e.Status, "text/xml", x.requestID, encodeQueryError(namespace, x.requestID, e))
	case REST:
		var body []byte
		if x.svc != nil && x.svc.ErrorBody != nil {
			body = x.svc.ErrorBody(e)
		}
		if body == nil {
			body = encodeRESTError(e)
		}
		WriteRESTError(x.w, x.requestID, e, body)
	default:
		x.w.Header().Set("x-amzn-ErrorType", e.Code)
		write(x.w, e.Status, jsonType, x.requestID, encodeJSONError(e))
	}
	x.observe(e.Status, e.Code)
}

// adjustable reports whether a service may choose the code of an error: not where it is the
// protocol's own affair. The faults of the protocol are known by their reasons.
func adjustable(p Protocol, err error) bool {
	f := fault.Of(err)
	_, own := p.table().reasons[f.Reason]
	switch {
	case f.Kind == fault.Unauthenticated:
		return p == REST && !own // a handler's: an OAuth client that is not who it says
	case f.Kind == fault.Invalid && p == REST && (f.Reason == ReasonSerialization || f.Reason == ReasonTooLarge):
		return true
	}
	return f.Kind != fault.Invalid || !own
}

// protocol is the service's, or the one that the request looks like.
func (x *exchange[P]) protocol() (p Protocol, namespace string) {
	switch {
	case x.svc != nil:
		return x.svc.Model.Protocol, x.svc.Model.Namespace
	case x.r.Header.Get("X-Amz-Target") == "" && (x.r.Method == http.MethodGet || strings.HasPrefix(x.r.Header.Get("Content-Type"), "application/x-www-form-urlencoded")):
		return Query, ""
	}
	return JSON, ""
}

func (x *exchange[P]) observe(status int, code string) {
	if x.rt.cfg.Observe == nil {
		return
	}
	o := Observation{Operation: x.op, Code: code, Status: status, Took: x.rt.cfg.Verifier.Now().Sub(x.begun)}
	if x.svc != nil {
		o.Service = x.svc.Model.Service
	}
	x.rt.cfg.Observe(o)
}
