// Package assizeotel traces a client's calls with OpenTelemetry: a span for each, and W3C trace context on the wire, so
// that the server's spans belong to it.
//
//	client, err := assize.New(target, assize.WithTracing(assizeotel.Tracing()))
package assizeotel

import (
	"context"

	assize "assize.dev/client-sdk/go"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Attributes of a span. None says who asked for what: traces go further than decisions may.
const (
	AttributeTenant  = "assize.tenant"
	AttributeOutcome = "assize.outcome" // ALLOW, DENY, ANSWERED (a batch), APPENDED or a failure
	AttributeReason  = "assize.error.reason"
)

// Option says where spans go.
type Option func(*tracing)

// WithTracerProvider takes spans elsewhere than to the global provider.
func WithTracerProvider(provider trace.TracerProvider) Option {
	return func(t *tracing) { t.tracer = provider.Tracer(scope) }
}

// WithPropagator writes another context than the W3C's.
func WithPropagator(propagator propagation.TextMapPropagator) Option {
	return func(t *tracing) { t.propagator = propagator }
}

const scope = "assize.dev/client-sdk/go/assizeotel"

type tracing struct {
	tracer     trace.Tracer
	propagator propagation.TextMapPropagator
}

// Tracing is for assize.WithTracing.
func Tracing(opts ...Option) assize.Tracing {
	t := &tracing{tracer: otel.Tracer(scope), propagator: propagation.TraceContext{}}
	for _, option := range opts {
		option(t)
	}
	return t
}

func (t *tracing) Start(ctx context.Context, operation, tenant string) (context.Context, func(string, *assize.Error)) {
	ctx, span := t.tracer.Start(ctx, operation,
		trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attribute.String(AttributeTenant, tenant)))
	return ctx, func(outcome string, err *assize.Error) {
		span.SetAttributes(attribute.String(AttributeOutcome, outcome))
		if err != nil {
			span.SetStatus(codes.Error, string(err.Failure))
			if err.Reason != "" {
				span.SetAttributes(attribute.String(AttributeReason, err.Reason))
			}
		}
		span.End()
	}
}

func (t *tracing) Headers(ctx context.Context) map[string]string {
	headers := propagation.MapCarrier{}
	t.propagator.Inject(ctx, headers)
	return headers
}
