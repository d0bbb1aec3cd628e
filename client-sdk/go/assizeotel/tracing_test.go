package assizeotel_test

import (
	"context"
	"strings"
	"testing"

	assize "assize.dev/client-sdk/go"
	"assize.dev/client-sdk/go/assizeotel"
	"assize.dev/client-sdk/go/assizetest"
	"go.opentelemetry.io/otel/attribute"
	otelcodes "go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
)

func traced(t *testing.T, fake *assizetest.Fake) (*assize.Client, *tracetest.SpanRecorder, *[]string) {
	t.Helper()
	spans := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
	sent := &[]string{}
	listen := func(ctx context.Context, method string, request, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		outgoing, _ := metadata.FromOutgoingContext(ctx)
		*sent = append(*sent, outgoing.Get("traceparent")...)
		return invoke(ctx, method, request, reply, conn, opts...)
	}
	client := fake.Client(
		assize.WithTracing(assizeotel.Tracing(assizeotel.WithTracerProvider(provider))),
		assize.WithDialOptions(grpc.WithChainUnaryInterceptor(listen)),
	)
	return client, spans, sent
}

func outcomeOf(span sdktrace.ReadOnlySpan) string {
	for _, one := range span.Attributes() {
		if one.Key == attribute.Key(assizeotel.AttributeOutcome) {
			return one.Value.AsString()
		}
	}
	return ""
}

func TestEachCallHasASpanThatTravelsAlong(t *testing.T) {
	fake := assizetest.Start(t)
	fake.Allow("user:alice", "doc:1", "read")
	client, spans, sent := traced(t, fake)
	for _, subject := range []string{"user:alice", "user:bob"} {
		if _, err := client.Check(t.Context(), assize.Question{Subject: subject, Resource: "doc:1", Action: "read"}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := client.CheckBatch(t.Context(), []assize.Question{{}}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.AppendAudit(t.Context(), assize.Append{Events: []assize.Event{{Type: "a"}}}); err != nil {
		t.Fatal(err)
	}
	ended := spans.Ended()
	want := []string{"assize.check ALLOW", "assize.check DENY", "assize.check_batch ANSWERED", "assize.append_audit APPENDED"}
	if len(ended) != len(want) || len(*sent) != len(want) {
		t.Fatalf("%d spans, sent %q", len(ended), *sent)
	}
	for i, span := range ended {
		if got := span.Name() + " " + outcomeOf(span); got != want[i] {
			t.Errorf("got %q, not %q", got, want[i])
		}
		if !strings.Contains((*sent)[i], span.SpanContext().TraceID().String()+"-"+span.SpanContext().SpanID().String()) {
			t.Errorf("sent %q", (*sent)[i])
		}
		for _, one := range span.Attributes() {
			if strings.Contains(one.Value.AsString(), "alice") {
				t.Errorf("%s tells who asked", one.Key)
			}
		}
	}
}

func TestAFailedCallIsAFailedSpan(t *testing.T) {
	fake := assizetest.Start(t)
	fake.Fail(codes.Internal)
	client, spans, _ := traced(t, fake)
	if result, _ := client.Check(t.Context(), assize.Question{}); result.Allowed {
		t.Fatal("allowed")
	}
	span := spans.Ended()[0]
	if span.Status().Code != otelcodes.Error || outcomeOf(span) != "INTERNAL" {
		t.Errorf("got %v, %q", span.Status(), outcomeOf(span))
	}
}
