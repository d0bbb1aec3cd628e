// Package assizehttp is the door for net/http: middleware that asks Assize before a handler runs.
//
//	door, err := assizehttp.New(client, subject, assizehttp.Routes{
//		"GET /docs/{id}":    {Action: "read", Resource: "doc:{id}"},
//		"DELETE /docs/{id}": {Action: "delete", Resource: "doc:{id}"},
//		"GET /healthz":      assizehttp.Open,
//	})
//	http.ListenAndServe(address, door.Protect(mux))
//
// A request that fits no route is denied, and so is one whose path the handlers behind the door might read otherwise than
// the door: with a slash that is encoded (unless the route allows it), with empty segments or dots, with a backslash, a
// semicolon or a control character, or with bytes that are no UTF-8.
package assizehttp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	assize "assize.dev/client-sdk/go"
)

// Subject says who makes a request, as `type:id`, from what the service has verified: a session, a token, a client
// certificate; never a plain header. An error, or no subject, is answered with 401.
type Subject func(r *http.Request) (string, error)

// Routes says what is asked for requests, by the patterns of http.ServeMux.
type Routes map[string]Route

// Route is what is asked.
type Route struct {
	// Action, for example `read`.
	Action string

	// Resource is a path in which {name} stands for that part of the request's own path, escaped so that it stays one id:
	// `folder:{folder}/doc:{id}`.
	Resource string

	// Tenant and Env are the client's where they are empty.
	Tenant, Env string

	// Refine, if it is there, may add to the question: attributes, context, a tenant.
	Refine func(r *http.Request, question *assize.Question) error

	// EncodedSlashes lets paths pass in which a slash is encoded (%2F), and is a part of an id. The door and
	// http.ServeMux see it so; what routes by the decoded path, as http.FileServer and http/httputil.ReverseProxy, serves
	// another path than was asked about.
	EncodedSlashes bool

	open bool
}

// Open lets every request of a route through, without a question.
var Open = Route{open: true}

// Enforcer asks and carries obligations out; a *assize.Client is one.
type Enforcer interface {
	Enforce(ctx context.Context, question assize.Question) (assize.Result, error)
}

// Door asks before requests pass.
type Door struct {
	enforcer Enforcer
	subject  Subject
	routes   Routes
	refuse   func(w http.ResponseWriter, r *http.Request, status int, result assize.Result)
}

// Option changes how a door is.
type Option func(*Door)

// WithRefusal has denied requests answered by somebody else. The status is 401 where nobody is known, 403 for a deny, 400
// for a question that is malformed, and 503 where there was no answer or an obligation was not carried out. The header
// Assize-Decision-Id, by which somebody can look up why, is set already where there was a decision.
func WithRefusal(refuse func(w http.ResponseWriter, r *http.Request, status int, result assize.Result)) Option {
	return func(d *Door) { d.refuse = refuse }
}

var escapedDot = regexp.MustCompile(`(?i)%2e`)

var placeholder = regexp.MustCompile(`\{([^{}]*)\}`)

// New makes a door. It refuses routes whose pattern is none, that ask nothing, or whose resource names a part that the
// pattern has not.
func New(enforcer Enforcer, subject Subject, routes Routes, opts ...Option) (*Door, error) {
	if enforcer == nil || subject == nil {
		return nil, errors.New("assizehttp: a door has a client and a subject")
	}
	door := &Door{enforcer: enforcer, subject: subject, routes: routes, refuse: refuse}
	for _, option := range opts {
		option(door)
	}
	mux := http.NewServeMux()
	for pattern, route := range routes {
		if err := check(mux, pattern, route); err != nil {
			return nil, fmt.Errorf("assizehttp: route %q: %w", pattern, err)
		}
	}
	return door, nil
}

func check(mux *http.ServeMux, pattern string, route Route) (err error) {
	defer func() {
		if wrong := recover(); wrong != nil { // how ServeMux refuses a pattern
			err = fmt.Errorf("%v", wrong)
		}
	}()
	mux.Handle(pattern, http.NotFoundHandler())
	if route.open {
		return nil
	}
	if route.Action == "" || route.Resource == "" {
		return errors.New("expected an action and a resource, or Open")
	}
	var parts []string
	for _, part := range placeholder.FindAllStringSubmatch(pattern, -1) {
		parts = append(parts, regexp.MustCompile(`\.\.\.$`).ReplaceAllString(part[1], ""))
	}
	for _, part := range placeholder.FindAllStringSubmatch(route.Resource, -1) {
		if !slices.Contains(parts, part[1]) {
			return fmt.Errorf("%q is no part of the pattern", part[0])
		}
	}
	return nil
}

// Protect has next serve only what is allowed. The result is in the context of its requests: see Result.
func (d *Door) Protect(next http.Handler) http.Handler {
	mux := http.NewServeMux()
	for pattern, route := range d.routes {
		if route.open {
			mux.Handle(pattern, next)
		} else {
			mux.Handle(pattern, d.guard(route, next))
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, pattern := mux.Handler(r)
		if pattern == "" || !d.isPlain(r, pattern) {
			d.refuse(w, r, http.StatusForbidden, assize.Result{})
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// isPlain tells whether everybody reads the path of a request alike. ServeMux does not clean that of CONNECT.
func (d *Door) isPlain(r *http.Request, pattern string) bool {
	escaped, read := r.URL.EscapedPath(), r.URL.Path
	if d.routes[pattern].EncodedSlashes {
		read = escapedDot.ReplaceAllString(escaped, ".")
	} else if strings.Contains(strings.ToUpper(escaped), "%2F") {
		return false
	}
	if !utf8.ValidString(r.URL.Path) || strings.ContainsFunc(r.URL.Path, isMisread) {
		return false
	}
	clean := path.Clean(read)
	if strings.HasSuffix(read, "/") && clean != "/" {
		clean += "/"
	}
	return r.Method != http.MethodConnect && clean == read
}

// isMisread tells of characters that some read as the end of a segment, and behind which others read nothing.
func isMisread(char rune) bool { return char == '\\' || char == ';' || unicode.IsControl(char) }

func (d *Door) guard(route Route, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		subject, err := d.subject(r)
		if err != nil || subject == "" {
			d.refuse(w, r, http.StatusUnauthorized, assize.Result{})
			return
		}
		question := assize.Question{
			Subject: subject, Action: route.Action, Resource: route.resource(r), Tenant: route.Tenant, Env: route.Env,
		}
		if route.Refine != nil {
			if err := route.Refine(r, &question); err != nil {
				d.refuse(w, r, http.StatusBadRequest, assize.Result{})
				return
			}
		}
		result, err := d.enforcer.Enforce(r.Context(), question)
		if err != nil || !result.Allowed {
			if result.DecisionID != "" {
				w.Header().Set("Assize-Decision-Id", result.DecisionID)
			}
			d.refuse(w, r, status(result), result)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), resultKey{}, result)))
	})
}

func (r Route) resource(request *http.Request) string {
	return placeholder.ReplaceAllStringFunc(r.Resource, func(part string) string {
		return assize.EscapeID(request.PathValue(part[1 : len(part)-1]))
	})
}

func status(result assize.Result) int {
	switch result.Failure {
	case assize.FailureNone, assize.FailureUnspecified, assize.FailureUnknownObligation, assize.FailureHistorical:
		return http.StatusForbidden
	case assize.FailureInvalidArgument:
		return http.StatusBadRequest
	default:
		return http.StatusServiceUnavailable
	}
}

// refuse says no more than the status does: why somebody is denied is for the service's own log.
func refuse(w http.ResponseWriter, _ *http.Request, status int, _ assize.Result) {
	http.Error(w, http.StatusText(status), status)
}

type resultKey struct{}

// Result is what allowed a request that Protect has let through; false where nothing was asked. Its DecisionID belongs
// into the event of what is then done.
func Result(ctx context.Context) (assize.Result, bool) {
	result, has := ctx.Value(resultKey{}).(assize.Result)
	return result, has
}
