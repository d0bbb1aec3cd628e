package dev.assize.server.endpoint.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.proto.v1.ExportAuditRequest;
import dev.assize.proto.v1.ExportAuditResponse;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.audit.AuditCsv;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

class ExportStreamTest {

    private static final ExportAuditRequest NOBODY =
            ExportAuditRequest.newBuilder().setActor("user:nobody").build();

    private final AtomicLong nanos = new AtomicLong();
    private final List<ExportAuditResponse> sent = new ArrayList<>();

    @Test
    void tellsHowFarItIsWhereNothingIsFound() {
        ExportStream stream = stream(sent::add);
        stream.begin(1_000);
        sent.clear();
        stream.passed(99);
        assertThat(sent).as("not each time").isEmpty();
        after(Duration.ofMillis(201));
        stream.passed(199);
        // What is at its beginning is on its way before.
        assertThat(sent.getFirst().getText().toStringUtf8()).isEqualTo(AuditCsv.header());
        assertThat(sent.getLast().getProgress().getPosition()).isEqualTo(200);
        sent.clear();
        after(Duration.ofMillis(201));
        stream.passed(299);
        assertThat(sent).singleElement().satisfies(message -> {
            assertThat(message.getProgress().getPosition()).isEqualTo(300);
            assertThat(message.getProgress().getExported()).isZero();
            assertThat(message.getProgress().getEnd()).isEqualTo(1_000);
        });
    }

    /** Whoever is told that nobody listens says so by throwing. */
    @Test
    void endsWhereNobodyListensAndNothingIsFound() {
        IllegalStateException cancelled = new IllegalStateException("cancelled");
        ExportStream stream = stream(message -> {
            if (message.hasProgress() && message.getProgress().getPosition() > 0) {
                throw cancelled;
            }
        });
        stream.begin(1_000);
        stream.passed(99);
        after(Duration.ofMillis(201));
        assertThatThrownBy(() -> stream.passed(199)).isSameAs(cancelled);
    }

    private void after(Duration time) {
        nanos.addAndGet(time.toNanos());
    }

    private ExportStream stream(Consumer<ExportAuditResponse> out) {
        return new ExportStream(ExportForm.CSV, new AuditCodec(), NOBODY, _ -> List.of(), out, nanos::get);
    }
}
