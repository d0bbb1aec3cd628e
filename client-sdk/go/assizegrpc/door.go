// Package assizegrpc is the door for gRPC servers: interceptors that ask Assize before a method runs.
//
//	door, err := assizegrpc.New(client, subject, assizegrpc.Methods{
//		docs.Docs_Get_FullMethodName: func(ctx context.Context, request any) (assize.Question, error) {
//			return assize.Question{Action: "read", Resource: "doc:" + assize.EscapeID(request.(*docs.GetRequest).Id)}, nil
//		},
//		healthpb.Health_Check_FullMethodName: assizegrpc.Open,
//	})
//	server := grpc.NewServer(grpc.UnaryInterceptor(door.Unary()), grpc.StreamInterceptor(door.Stream()))
//
// A method that is not listed is denied.
package assizegrpc

import (
	"context"
	"errors"
	"fmt"
	"strings"

	assize "assize.dev/client-sdk/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// Subject says who makes a call, as `type:id`, from what the service has verified. An error, or no subject, is answered
// with UNAUTHENTICATED.
type Subject func(ctx context.Context) (string, error)

// Method says what is asked for a call. The request is nil for a stream, of which nothing has come yet. Where the
// question names no subject it is who makes the call.
type Method func(ctx context.Context, request any) (assize.Question, error)

// Methods are the methods that may be called at all, by their full names: `/package.Service/Method`.
type Methods map[string]Method

var errOpen = errors.New("nothing is asked")

// Open lets every call of a method through, without a question.
func Open(context.Context, any) (assize.Question, error) { return assize.Question{}, errOpen }

// Enforcer asks and carries obligations out; a *assize.Client is one.
type Enforcer interface {
	Enforce(ctx context.Context, question assize.Question) (assize.Result, error)
}

// Door asks before calls pass.
type Door struct {
	enforcer Enforcer
	subject  Subject
	methods  Methods
}

// New makes a door.
func New(enforcer Enforcer, subject Subject, methods Methods) (*Door, error) {
	if enforcer == nil || subject == nil {
		return nil, errors.New("assizegrpc: a door has a client and a subject")
	}
	for name, method := range methods {
		if method == nil || !strings.HasPrefix(name, "/") || strings.Count(name, "/") != 2 {
			return nil, fmt.Errorf("assizegrpc: %q: expected /package.Service/Method and what is asked for it", name)
		}
	}
	return &Door{enforcer, subject, methods}, nil
}

// Unary is the interceptor of unary calls.
func (d *Door) Unary() grpc.UnaryServerInterceptor {
	return func(ctx context.Context, request any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
		ctx, err := d.pass(ctx, info.FullMethod, request)
		if err != nil {
			return nil, err
		}
		return next(ctx, request)
	}
}

// Stream is the interceptor of streams. It asks once, before anything is read; who runs for long asks again by itself.
func (d *Door) Stream() grpc.StreamServerInterceptor {
	return func(server any, stream grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
		ctx, err := d.pass(stream.Context(), info.FullMethod, nil)
		if err != nil {
			return err
		}
		return next(server, &passed{stream, ctx})
	}
}

func (d *Door) pass(ctx context.Context, name string, request any) (context.Context, error) {
	method := d.methods[name]
	if method == nil {
		return nil, status.Error(codes.PermissionDenied, "denied")
	}
	question, err := method(ctx, request)
	if errors.Is(err, errOpen) {
		return ctx, nil
	}
	subject, unknown := d.subject(ctx)
	if unknown != nil || subject == "" {
		return nil, status.Error(codes.Unauthenticated, "nobody is known")
	}
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, "the request does not say what is asked for")
	}
	if question.Subject == "" {
		question.Subject = subject
	}
	result, err := d.enforcer.Enforce(ctx, question)
	if err != nil || !result.Allowed {
		if result.DecisionID != "" {
			_ = grpc.SetTrailer(ctx, metadata.Pairs("assize-decision-id", result.DecisionID)) // there is a call
		}
		return nil, refusal(result)
	}
	return context.WithValue(ctx, resultKey{}, result), nil
}

// refusal says no more than it must: why somebody is denied is for the service's own log, where the decision of the
// trailer assize-decision-id can be found.
func refusal(result assize.Result) error {
	switch result.Failure {
	case assize.FailureNone, assize.FailureUnspecified, assize.FailureUnknownObligation, assize.FailureHistorical:
		return status.Error(codes.PermissionDenied, "denied")
	case assize.FailureInvalidArgument:
		return status.Error(codes.InvalidArgument, "denied: the question was malformed")
	default:
		return status.Error(codes.Unavailable, "denied: there was no answer")
	}
}

// passed is a stream that was let through.
type passed struct {
	grpc.ServerStream
	ctx context.Context
}

func (p *passed) Context() context.Context { return p.ctx }

type resultKey struct{}

// Result is what allowed a call that the door has let through; false where nothing was asked. Its DecisionID belongs into
// the event of what is then done.
func Result(ctx context.Context) (assize.Result, bool) {
	result, has := ctx.Value(resultKey{}).(assize.Result)
	return result, has
}
