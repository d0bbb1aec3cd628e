package dev.assize.client.tracing;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.client.AssizeClient;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.DecisionServiceGrpc;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import io.grpc.stub.StreamObserver;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Scope;
import io.opentelemetry.context.propagation.ContextPropagators;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.testing.exporter.InMemorySpanExporter;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import java.io.IOException;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class OpenTelemetryInterceptorTest {

    private static final Metadata.Key<String> TRACE_PARENT =
            Metadata.Key.of("traceparent", Metadata.ASCII_STRING_MARSHALLER);

    private final InMemorySpanExporter spans = InMemorySpanExporter.create();
    private final OpenTelemetrySdk telemetry = OpenTelemetrySdk.builder()
            .setTracerProvider(SdkTracerProvider.builder()
                    .addSpanProcessor(SimpleSpanProcessor.create(spans))
                    .build())
            .setPropagators(ContextPropagators.create(W3CTraceContextPropagator.getInstance()))
            .build();
    private final List<String> parents = new CopyOnWriteArrayList<>();
    private volatile @Nullable Status failure;
    private final Server server;
    private final AssizeClient client;

    OpenTelemetryInterceptorTest() throws IOException {
        String name = UUID.randomUUID().toString();
        server = InProcessServerBuilder.forName(name)
                .addService(new Service())
                .intercept(new ServerInterceptor() {
                    @Override
                    public <Q, R> ServerCall.Listener<Q> interceptCall(
                            ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
                        parents.add(String.valueOf(headers.get(TRACE_PARENT)));
                        return next.startCall(call, headers);
                    }
                })
                .build()
                .start();
        client = AssizeClient.builder()
                .tenant("acme")
                .build(InProcessChannelBuilder.forName(name)
                        .intercept(new OpenTelemetryInterceptor(telemetry))
                        .build());
    }

    @AfterEach
    void stop() {
        client.close();
        server.shutdownNow();
        telemetry.close();
    }

    @Test
    void saysThatACallFailed() {
        failure = Status.PERMISSION_DENIED;
        client.check("user:alice", "doc:1", "read");
        SpanData span = spans.getFinishedSpanItems().getFirst();
        assertThat(span.getStatus().getStatusCode()).isEqualTo(StatusCode.ERROR);
        assertThat(span.getAttributes().get(AttributeKey.longKey("rpc.grpc.status_code")))
                .isEqualTo(Status.Code.PERMISSION_DENIED.value());
    }

    @Test
    void takesTheTraceAlong() {
        Span outer = telemetry.getTracer("test").spanBuilder("outer").startSpan();
        try (Scope _ = outer.makeCurrent()) {
            client.check("user:alice", "doc:1", "read");
        }
        outer.end();
        SpanData call = spans.getFinishedSpanItems().getFirst();
        assertThat(call.getName()).isEqualTo("assize.v1.DecisionService/Check");
        assertThat(call.getParentSpanId()).isEqualTo(outer.getSpanContext().getSpanId());
        assertThat(parents)
                .singleElement()
                .asString()
                .startsWith("00-" + call.getTraceId() + "-" + call.getSpanId() + "-");
    }

    private final class Service extends DecisionServiceGrpc.DecisionServiceImplBase {

        @Override
        public void check(CheckRequest request, StreamObserver<CheckResponse> to) {
            Status status = failure;
            if (status != null) {
                to.onError(status.asRuntimeException());
            } else {
                to.onNext(CheckResponse.getDefaultInstance());
                to.onCompleted();
            }
        }
    }
}
