package dev.assize.server.endpoint.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.proto.v1.AppendAuditRequest;
import dev.assize.proto.v1.AuditEvent;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.LedgerServiceGrpc;
import dev.assize.proto.v1.Outcome;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.endpoint.call.CallSpans;
import dev.assize.server.endpoint.call.ErrorReason;
import dev.assize.server.model.Reason;
import io.grpc.Metadata;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.stub.AbstractStub;
import io.grpc.stub.MetadataUtils;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.testing.exporter.InMemorySpanExporter;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What calls leave behind for whoever traces them. */
@Timeout(60)
class SpansTest {

    private static final String TRACE = "0af7651916cd43dd8448eb211c80319c";
    private static final String PARENT = "b7ad6b7169203331";

    @TempDir
    Path directory;

    private final InMemorySpanExporter exported = InMemorySpanExporter.create();
    private GrpcFixture door;

    @BeforeEach
    void open() {
        CallSpans spans = CallSpans.madeBy(OpenTelemetrySdk.builder()
                .setTracerProvider(SdkTracerProvider.builder()
                        .addSpanProcessor(SimpleSpanProcessor.create(exported))
                        .build())
                .build());
        door = new GrpcFixture(directory, GrpcConfig.defaults(), ExportCalls.Patience.DEFAULT, spans);
    }

    @AfterEach
    void close() {
        door.close();
    }

    /** Else a stranger could have as much exported as it likes, by a header that says that it is sampled. */
    @Test
    void whoeverIsNotLetInLeavesNoSpan() {
        Refusal.of(() -> traced(door.decisions("asz_none")).check(question())).is(ErrorReason.CREDENTIALS_INVALID);
        Refusal.of(() -> traced(door.decisions("asz_none")).check(question())).is(ErrorReason.CREDENTIALS_INVALID);
        traced(door.decisions(door.admin)).check(question());

        assertThat(next().getAttributes().get(AttributeKey.longKey("rpc.grpc.status_code")))
                .isZero();
    }

    @Test
    void aRefusalIsNoFaultAndAnErrorOfOursIsOne() {
        Refusal.of(() -> traced(door.decisions(door.replay)).check(question())).is(ErrorReason.PERMISSION_MISSING);
        assertThat(next().getStatus().getStatusCode()).isEqualTo(StatusCode.UNSET);

        door.decisions.answer(query -> {
            throw new IllegalStateException("shown");
        });
        Refusal.of(() -> traced(door.decisions(door.admin)).check(question())).is(ErrorReason.INTERNAL_ERROR);
        SpanData fault = next();
        assertThat(fault.getStatus().getStatusCode()).isEqualTo(StatusCode.ERROR);
        assertThat(fault.getAttributes().get(AttributeKey.longKey("rpc.grpc.status_code")))
                .isEqualTo(13);
    }

    @Test
    void healthIsNotTraced() {
        var _ = HealthGrpc.newBlockingStub(door.channel).check(HealthCheckRequest.getDefaultInstance());
        traced(door.decisions(door.admin)).check(question());
        assertThat(next().getName()).isEqualTo("assize.v1.DecisionService/Check");
        assertThat(exported.getFinishedSpanItems()).isEmpty();
    }

    @Test
    void aCallIsASpanOfItsCallersTraceAndSaysNothingOfWhatWasAsked() {
        traced(door.decisions(door.admin)).check(question());

        SpanData span = next();
        assertThat(span.getName()).isEqualTo("assize.v1.DecisionService/Check");
        assertThat(span.getKind()).isEqualTo(SpanKind.SERVER);
        assertThat(span.getTraceId()).isEqualTo(TRACE);
        assertThat(span.getParentSpanId()).isEqualTo(PARENT);
        assertThat(span.getEvents()).isEmpty();
        assertThat(span.getAttributes().asMap())
                .containsOnly(
                        Map.entry(AttributeKey.stringKey("rpc.system"), "grpc"),
                        Map.entry(AttributeKey.stringKey("rpc.service"), "assize.v1.DecisionService"),
                        Map.entry(AttributeKey.stringKey("rpc.method"), "Check"),
                        Map.entry(AttributeKey.longKey("rpc.grpc.status_code"), 0L));
    }

    @Test
    void theSpanIsThereWhereverTheCallIsWorkedOn() {
        // From now on the key is known, and need not be looked up away from the event loop.
        var _ = door.decisions(door.admin).check(question());
        next();
        for (boolean away : List.of(false, true)) {
            CompletableFuture<String> within = new CompletableFuture<>();
            CompletableFuture<Boolean> virtual = new CompletableFuture<>();
            door.decisions.answer(query -> {
                within.complete(Span.current().getSpanContext().getTraceId());
                virtual.complete(Thread.currentThread().isVirtual());
                return Reason.ALLOWED;
            });
            // The past is not asked on the event loop, and asked to be is what moves a call.
            CheckRequest question =
                    away ? question().toBuilder().setAtRevision(1).build() : question();
            traced(door.decisions(door.admin)).check(question);
            assertThat(within.join()).as("away: %s", away).isEqualTo(TRACE);
            assertThat(virtual.join()).isEqualTo(away);
            next();
        }
    }

    @Test
    void aTraceThatBeginsHereIsOnTheEntryToo() {
        var _ = door.ledger(door.admin)
                .appendAudit(AppendAuditRequest.newBuilder()
                        .setTenant("acme")
                        .addEvents(AuditEvent.newBuilder()
                                .setType("replay.executed")
                                .setAction("execute")
                                .setResource("replay:922")
                                .setOutcome(Outcome.OUTCOME_SUCCESS))
                        .build());
        SpanData span = next();
        assertThat(span.getName()).isEqualTo(LedgerServiceGrpc.SERVICE_NAME + "/AppendAudit");
        assertThat(door.ledger.rows(GrpcFixture.ACME).values())
                .singleElement()
                .satisfies(row -> assertThat(new AuditCodec()
                                .decode(row.frame(), row.entryHash())
                                .event()
                                .traceContext())
                        .isEqualTo("00-" + span.getTraceId() + "-" + span.getSpanId() + "-"
                                + span.getSpanContext().getTraceFlags().asHex()));
    }

    private <S extends AbstractStub<S>> S traced(S stub) {
        Metadata headers = new Metadata();
        headers.put(
                Metadata.Key.of("traceparent", Metadata.ASCII_STRING_MARSHALLER), "00-" + TRACE + "-" + PARENT + "-01");
        return stub.withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers));
    }

    private static CheckRequest question() {
        return CheckRequest.newBuilder()
                .setTenant("acme")
                .setSubject("user:alice")
                .setResource("doc:1")
                .setAction("read")
                .build();
    }

    /** The one span that there is: it ends just after its caller has been answered. */
    private SpanData next() {
        List<SpanData> spans = exported.getFinishedSpanItems();
        while (spans.isEmpty()) {
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
            spans = exported.getFinishedSpanItems();
        }
        exported.reset();
        assertThat(spans).hasSize(1);
        return spans.getFirst();
    }
}
