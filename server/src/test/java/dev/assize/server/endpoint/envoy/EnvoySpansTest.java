package dev.assize.server.endpoint.envoy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.proto.envoy.v3.AuthorizationGrpc;
import dev.assize.proto.envoy.v3.CheckRequest;
import dev.assize.proto.envoy.v3.CheckResponse;
import dev.assize.server.decision.PolicyStaleException;
import dev.assize.server.endpoint.call.CallContext;
import dev.assize.server.endpoint.call.CallSpans;
import dev.assize.server.endpoint.grpc.GrpcFixture;
import dev.assize.server.model.Reason;
import dev.assize.server.prompt.Prompt;
import io.grpc.Metadata;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.MetadataUtils;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.testing.exporter.InMemorySpanExporter;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What Envoy's calls leave behind for whoever traces them. A span ends before its answer is sent. */
@Timeout(60)
class EnvoySpansTest {

    private static final String TRACE = "0af7651916cd43dd8448eb211c80319c";
    private static final String PARENT = "b7ad6b7169203331";
    private static final String TRACEPARENT = "00-" + TRACE + "-" + PARENT + "-01";
    private static final String MAPPING = """
            tenant: acme
            subjects: [{principal: {type: service}}]
            routes: [{name: all, path: "/{rest...}", actions: {GET: browse}, resource: "page:{rest}"}]
            """;

    private final InMemorySpanExporter exported = InMemorySpanExporter.create();
    private final GrpcFixture fixture;

    EnvoySpansTest(@TempDir Path directory) throws Exception {
        fixture = new GrpcFixture(
                directory,
                new EnvoyModule(Mapping.read(Files.writeString(directory.resolve("mapping.yaml"), MAPPING))),
                CallSpans.madeBy(OpenTelemetrySdk.builder()
                        .setTracerProvider(SdkTracerProvider.builder()
                                .addSpanProcessor(SimpleSpanProcessor.create(exported))
                                .build())
                        .build()));
    }

    @AfterEach
    void close() {
        fixture.close();
    }

    @Test
    void whoeverIsNotLetInLeavesNoSpan() {
        assertThat(ask("asz_none", TRACEPARENT).getStatus().getCode()).isNotZero();

        assertThat(exported.getFinishedSpanItems()).isEmpty();
    }

    @Test
    void aDenyIsNoFaultAndACallThatFailsIsOne() {
        fixture.decisions.answer(query -> Reason.EXPLICIT_DENY);
        assertThat(ask(fixture.admin, TRACEPARENT).getStatus().getCode()).isNotZero();
        assertThat(next().getStatus().getStatusCode()).isEqualTo(StatusCode.UNSET);

        fixture.decisions.answer(query -> {
            throw new PolicyStaleException(Duration.ofSeconds(70), Duration.ofSeconds(60));
        });
        assertThatThrownBy(() -> ask(fixture.admin, TRACEPARENT)).isInstanceOf(StatusRuntimeException.class);
        SpanData failed = next();
        assertThat(failed.getStatus().getStatusCode()).isEqualTo(StatusCode.ERROR);
        assertThat(failed.getAttributes().get(AttributeKey.longKey("rpc.grpc.status_code")))
                .isEqualTo(14);
    }

    @Test
    void aCallIsOneSpanOfEnvoysTraceAlsoWhereItHasToWait() {
        for (boolean away : List.of(false, true)) {
            CompletableFuture<String> within = new CompletableFuture<>();
            fixture.decisions.answer(query -> {
                if (away) {
                    Prompt.requireTime();
                }
                within.complete(Span.current().getSpanContext().getSpanId());
                return Reason.ALLOWED;
            });
            assertThat(ask(fixture.admin, TRACEPARENT).getStatus().getCode()).isZero();

            SpanData span = next();
            assertThat(span.getName()).isEqualTo("envoy.service.auth.v3.Authorization/Check");
            assertThat(span.getTraceId()).isEqualTo(TRACE);
            assertThat(span.getParentSpanId()).isEqualTo(PARENT);
            assertThat(span.getSpanId()).isEqualTo(within.join());
            assertThat(span.getAttributes().asMap())
                    .containsOnly(
                            Map.entry(AttributeKey.stringKey("rpc.system"), "grpc"),
                            Map.entry(AttributeKey.stringKey("rpc.service"), "envoy.service.auth.v3.Authorization"),
                            Map.entry(AttributeKey.stringKey("rpc.method"), "Check"),
                            Map.entry(AttributeKey.longKey("rpc.grpc.status_code"), 0L));
        }
    }

    @Test
    void aTraceThatBeginsHereIsTheCalls() {
        CompletableFuture<String> call = new CompletableFuture<>();
        fixture.decisions.answer(query -> {
            call.complete(String.valueOf(CallContext.current().traceContext()));
            return Reason.ALLOWED;
        });
        ask(fixture.admin, "none");

        SpanData span = next();
        assertThat(call.join())
                .isEqualTo("00-" + span.getTraceId() + "-" + span.getSpanId() + "-"
                        + span.getSpanContext().getTraceFlags().asHex());
    }

    private CheckResponse ask(String key, String traceparent) {
        CheckRequest.Builder request = CheckRequest.newBuilder();
        request.getAttributesBuilder().getSourceBuilder().setPrincipal("web");
        request.getAttributesBuilder()
                .getRequestBuilder()
                .getHttpBuilder()
                .setMethod("GET")
                .setHost("shop")
                .setPath("/a");
        Metadata headers = new Metadata();
        headers.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + key);
        headers.put(Metadata.Key.of("traceparent", Metadata.ASCII_STRING_MARSHALLER), traceparent);
        return AuthorizationGrpc.newBlockingStub(fixture.channel)
                .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers))
                .check(request.build());
    }

    private SpanData next() {
        List<SpanData> spans = List.copyOf(exported.getFinishedSpanItems());
        exported.reset();
        assertThat(spans).hasSize(1);
        return spans.getFirst();
    }
}
