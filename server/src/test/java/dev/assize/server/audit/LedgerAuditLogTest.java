package dev.assize.server.audit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.ledger.AppendResult;
import dev.assize.server.ledger.AppendResult.Appended;
import dev.assize.server.ledger.AppendResult.KeyReused;
import dev.assize.server.ledger.AppendResult.Refused;
import dev.assize.server.ledger.AppendResult.Replayed;
import dev.assize.server.ledger.Appender;
import dev.assize.server.ledger.InMemoryLedgerStore;
import dev.assize.server.ledger.LedgerConfig;
import dev.assize.server.ledger.LedgerMetrics;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.TenantId;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class LedgerAuditLogTest {

    private static final TenantId ACME = new TenantId("acme");

    private final AuditCodec codec = new AuditCodec();
    private final InMemoryLedgerStore store = new InMemoryLedgerStore(InstantSource.system(), codec);
    private final Appender appender =
            new Appender(store, LedgerConfig.defaults(), new LedgerMetrics(new SimpleMeterRegistry()));
    private final AuditLog log = new LedgerAuditLog(appender, codec);
    private final AuditEventGenerator generator = new AuditEventGenerator(new SplittableRandom(7));

    @AfterEach
    void stop() {
        appender.close();
    }

    @Test
    void refusesOtherEventsUnderTheSameKey() {
        List<AuditEvent> events = events(3);
        append(events, "k");
        assertThat(append(events(3), "k")).isEqualTo(new KeyReused("k"));
        assertThat(append(events.reversed(), "k")).isEqualTo(new KeyReused("k"));
        assertThat(append(events.subList(0, 2), "k")).isEqualTo(new KeyReused("k"));
        assertThat(read()).isEqualTo(events);
    }

    @Test
    void appendsOnlyIfThePreconditionHolds() {
        AuditEvent event = generator.event();
        assertThat(log.appendIf(ACME, Recorder.ASSIZE, event, "k", () -> false).join())
                .isEqualTo(new Refused());
        assertThat(read()).isEmpty();
        AppendResult first =
                log.appendIf(ACME, Recorder.ASSIZE, event, "k", () -> true).join();
        assertThat(log.appendIf(ACME, Recorder.ASSIZE, event, "k", () -> false).join())
                .isEqualTo(new Replayed(((Appended) first).receipts()));
        assertThat(read()).containsExactly(event);
    }

    @Test
    void recognisesARetry() {
        List<AuditEvent> events = events(3);
        Appended first = (Appended) append(events, "k");
        assertThat(append(events, "k")).isEqualTo(new Replayed(first.receipts()));
        assertThat(append(events, "other")).isInstanceOf(Appended.class);
        assertThat(append(events, null)).isInstanceOf(Appended.class);
        assertThat(append(events, null)).isInstanceOf(Appended.class);
        assertThat(read()).hasSize(12);
    }

    @Test
    void keepsEventsInOrder() {
        List<AuditEvent> events = events(100);
        append(events.subList(0, 40), null);
        append(events.subList(40, 100), "k");
        assertThat(read()).isEqualTo(events);
    }

    private AppendResult append(List<AuditEvent> events, @Nullable String key) {
        return log.append(ACME, Recorder.ASSIZE, events, key).join();
    }

    private List<AuditEvent> events(int count) {
        return Stream.generate(generator::event).limit(count).toList();
    }

    private List<AuditEvent> read() {
        List<AuditEvent> events = new ArrayList<>();
        store.scan(
                ACME,
                0,
                Long.MAX_VALUE,
                entry -> events.add(
                        codec.decode(entry.frame(), entry.entryHash()).event()));
        return events;
    }
}
