package dev.assize.server.endpoint.authzen;

import static dev.assize.server.endpoint.authzen.AuthzenDoor.BASE;
import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.endpoint.call.CallContext;
import dev.assize.server.endpoint.call.CallSpans;
import dev.assize.server.model.Reason;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.testing.exporter.InMemorySpanExporter;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What calls over HTTP leave behind for whoever traces them. A span ends before its answer is sent. */
@Timeout(60)
class AuthzenSpansTest {

    private static final String TRACE = "0af7651916cd43dd8448eb211c80319c";
    private static final String PARENT = "b7ad6b7169203331";
    private static final String TRACEPARENT = "00-" + TRACE + "-" + PARENT + "-01";
    private static final String BODY =
            "{\"subject\":{\"type\":\"user\",\"id\":\"alice\"},\"action\":{\"name\":\"read\"},"
                    + "\"resource\":{\"type\":\"record\",\"id\":\"1\"}}";

    private final InMemorySpanExporter exported = InMemorySpanExporter.create();
    private final AuthzenDoor door;

    AuthzenSpansTest(@TempDir Path directory) throws IOException {
        door = new AuthzenDoor(
                directory,
                CallSpans.madeBy(OpenTelemetrySdk.builder()
                        .setTracerProvider(SdkTracerProvider.builder()
                                .addSpanProcessor(SimpleSpanProcessor.create(exported))
                                .build())
                        .build()));
    }

    @AfterEach
    void close() {
        door.close();
    }

    @Test
    void whoeverIsNotLetInLeavesNoSpan() throws Exception {
        door.key = "asz_none";
        assertThat(traced(BODY).statusCode()).isEqualTo(401);
        assertThat(door.get("/none").statusCode()).isEqualTo(404);
        assertThat(door.get("/.well-known/authzen-configuration").statusCode()).isEqualTo(200);

        assertThat(exported.getFinishedSpanItems()).isEmpty();
    }

    @Test
    void aRefusalIsNoFaultAndAnErrorOfOursIsOne() throws Exception {
        assertThat(traced("{}").statusCode()).isEqualTo(400);
        assertThat(next().getStatus().getStatusCode()).isEqualTo(StatusCode.UNSET);

        door.fixture.decisions.answer(query -> {
            throw new IllegalStateException("shown");
        });
        assertThat(traced(BODY).statusCode()).isEqualTo(500);
        SpanData fault = next();
        assertThat(fault.getStatus().getStatusCode()).isEqualTo(StatusCode.ERROR);
        assertThat(fault.getEvents()).isEmpty();
    }

    @Test
    void aCallIsASpanOfItsCallersTraceAndSaysNothingOfWhatWasAsked() throws Exception {
        CompletableFuture<String> within = new CompletableFuture<>();
        CompletableFuture<String> call = new CompletableFuture<>();
        told(within, call);

        assertThat(traced(BODY).statusCode()).isEqualTo(200);

        SpanData span = next();
        assertThat(span.getName()).isEqualTo("POST /{tenant}/access/v1/evaluation");
        assertThat(span.getKind()).isEqualTo(SpanKind.SERVER);
        assertThat(span.getTraceId()).isEqualTo(TRACE);
        assertThat(span.getParentSpanId()).isEqualTo(PARENT);
        assertThat(span.getAttributes().asMap())
                .containsOnly(
                        Map.entry(AttributeKey.stringKey("http.request.method"), "POST"),
                        Map.entry(AttributeKey.stringKey("http.route"), "/{tenant}/access/v1/evaluation"),
                        Map.entry(AttributeKey.longKey("http.response.status_code"), 200L));
        assertThat(within.join()).isEqualTo(span.getSpanId());
        assertThat(call.join()).isEqualTo(TRACEPARENT);
    }

    @Test
    void aCallWithoutATraceBeginsOne() throws Exception {
        CompletableFuture<String> within = new CompletableFuture<>();
        CompletableFuture<String> call = new CompletableFuture<>();
        told(within, call);

        assertThat(door.post("/access/v1/evaluation", BODY).statusCode()).isNotEqualTo(500);
        assertThat(door.post(BASE + "evaluation", BODY).statusCode()).isEqualTo(200);

        assertThat(exported.getFinishedSpanItems())
                .extracting(SpanData::getName)
                .containsExactly("POST /access/v1/evaluation", "POST /{tenant}/access/v1/evaluation");
        SpanData span = exported.getFinishedSpanItems().getLast();
        assertThat(within.join()).isEqualTo(span.getSpanId());
        assertThat(call.join())
                .isEqualTo("00-" + span.getTraceId() + "-" + span.getSpanId() + "-"
                        + span.getSpanContext().getTraceFlags().asHex());
    }

    /** Has the engine tell what it is asked within, in another tenant than Assize's own. */
    private void told(CompletableFuture<String> within, CompletableFuture<String> call) {
        door.fixture.decisions.answer(query -> {
            within.complete(Span.current().getSpanContext().getSpanId());
            call.complete(String.valueOf(CallContext.current().traceContext()));
            return Reason.ALLOWED;
        });
    }

    private HttpResponse<String> traced(String body) throws IOException, InterruptedException {
        return door.send(door.request(BASE + "evaluation")
                .header("traceparent", TRACEPARENT)
                .POST(HttpRequest.BodyPublishers.ofString(body)));
    }

    private SpanData next() {
        List<SpanData> spans = List.copyOf(exported.getFinishedSpanItems());
        exported.reset();
        assertThat(spans).hasSize(1);
        return spans.getFirst();
    }
}
