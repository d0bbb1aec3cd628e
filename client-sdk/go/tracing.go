package assize

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// Tracing hears of each call of a client. The module assizeotel has one for OpenTelemetry.
type Tracing interface {
	// Start begins a span. What it returns ends it: with ALLOW, DENY, ANSWERED (a batch), APPENDED or a
	// Failure, and the error if there is one.
	Start(ctx context.Context, operation, tenant string) (context.Context, func(outcome string, err *Error))

	// Headers are the metadata by which the span of ctx travels, for example traceparent. A CheckBatch of gathered
	// Checks travels with those of the first.
	Headers(ctx context.Context) map[string]string
}

// untraced is the Tracing of a client that has none.
type untraced struct{}

func (untraced) Start(ctx context.Context, _, _ string) (context.Context, func(string, *Error)) {
	return ctx, func(string, *Error) {}
}

func (untraced) Headers(context.Context) map[string]string { return nil }

func outcomeOf(result Result) string {
	if result.Failure != FailureNone {
		return string(result.Failure)
	}
	return string(result.Decision)
}

func traceUnary(tracing Tracing) grpc.UnaryClientInterceptor {
	return func(ctx context.Context, method string, request, reply any, conn *grpc.ClientConn,
		invoke grpc.UnaryInvoker, opts ...grpc.CallOption,
	) error {
		return invoke(withHeaders(ctx, tracing), method, request, reply, conn, opts...)
	}
}

func traceStream(tracing Tracing) grpc.StreamClientInterceptor {
	return func(ctx context.Context, description *grpc.StreamDesc, conn *grpc.ClientConn, method string,
		stream grpc.Streamer, opts ...grpc.CallOption,
	) (grpc.ClientStream, error) {
		return stream(withHeaders(ctx, tracing), description, conn, method, opts...)
	}
}

func withHeaders(ctx context.Context, tracing Tracing) context.Context {
	for name, value := range tracing.Headers(ctx) {
		ctx = metadata.AppendToOutgoingContext(ctx, name, value)
	}
	return ctx
}
