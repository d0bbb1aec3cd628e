package dev.assize.server.audit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.ledger.AppendResult;
import dev.assize.server.ledger.AppendResult.Appended;
import dev.assize.server.ledger.AppendResult.KeyReused;
import dev.assize.server.ledger.AppendResult.Refused;
import dev.assize.server.ledger.AppendResult.Replayed;
import dev.assize.server.ledger.Appender;
import dev.assize.server.ledger.ChainVerifier;
import dev.assize.server.ledger.ErasableValue;
import dev.assize.server.ledger.InMemoryLedgerStore;
import dev.assize.server.ledger.LedgerConfig;
import dev.assize.server.ledger.LedgerMetrics;
import dev.assize.server.ledger.StoredEntry;
import dev.assize.server.ledger.Verification;
import dev.assize.server.ledger.Verification.Broken;
import dev.assize.server.ledger.Verification.Fault;
import dev.assize.server.ledger.Verification.Kind;
import dev.assize.server.ledger.Verification.Sound;
import dev.assize.server.model.PiiPattern;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.TenantId;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.charset.StandardCharsets;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LedgerAuditLogTest {

    private static final TenantId ACME = new TenantId("acme");

    /** Where no type of subjects has pseudonyms nobody is asked for one. */
    private static final Pseudonyms SAME = (_, subject) -> {
        throw new AssertionError(subject + " has no pseudonym");
    };

    private final AuditCodec codec = new AuditCodec();
    private final InMemoryLedgerStore store = new InMemoryLedgerStore(InstantSource.system(), codec);
    private final Appender appender =
            new Appender(store, LedgerConfig.defaults(), new LedgerMetrics(new SimpleMeterRegistry()));
    private final AuditLog log = new LedgerAuditLog(appender, codec, _ -> List.of(), SAME);
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
    void writesNothingWhereItIsNotKnownWhatIsMasked() {
        AuditLog blind = new LedgerAuditLog(
                appender,
                codec,
                _ -> {
                    throw new IllegalStateException("not known");
                },
                SAME);
        assertThatThrownBy(() -> blind.append(ACME, Recorder.ASSIZE, events(1), null))
                .hasMessage("not known");
        assertThat(read()).isEmpty();
    }

    @Test
    void masksBeforeItWrites() {
        AuditLog masking = new LedgerAuditLog(appender, codec, _ -> List.of(new PiiPattern("\\d{16}")), SAME);
        AuditEvent event = generator.event().withTexts("card 4111111111111111", "{\"a\":[\"4111111111111111\"]}");
        masking.append(ACME, Recorder.ASSIZE, List.of(event), null).join();
        RecordedEvent recorded = recorded().getFirst();
        assertThat(recorded.event()).isEqualTo(event.withTexts("card [masked]", "{\"a\":[\"[masked]\"]}"));
        assertThat(recorded.masked()).containsExactly("reason", "/a/0");
        assertThat(new String(recorded.frame(), StandardCharsets.ISO_8859_1)).doesNotContain("4111");
    }

    @Test
    void keepsWhatCanBeErasedBesideTheFrame() {
        AuditEvent event = erasable("for Ann", "{\"name\":\"Ann\"}");
        append(List.of(event), null);
        RecordedEvent recorded = recorded().getFirst();
        assertThat(recorded.event()).isEqualTo(event);
        assertThat(recorded.erased()).isEmpty();
        assertThat(new String(recorded.frame(), StandardCharsets.ISO_8859_1)).doesNotContain("Ann");
        RecordedEvent without = codec.decode(recorded.frame(), recorded.entryHash());
        assertThat(without.erased()).containsExactly("reason", "payload");
        assertThat(without.event()).isEqualTo(event.withTexts(null, null));
    }

    @Test
    void recognisesARetryThoughEverySaltIsFresh() {
        AuditEvent event = erasable("for Ann", "{}");
        Appended first = (Appended) append(List.of(event), "k");
        assertThat(append(List.of(event), "k")).isEqualTo(new Replayed(first.receipts()));
        assertThat(append(List.of(event.withTexts("for Bob", "{}")), "k")).isEqualTo(new KeyReused("k"));
        AuditEvent inFrame =
                new AuditEventGenerator(new SplittableRandom(8)).event().withTexts("for Ann", "{}");
        assertThat(append(List.of(inFrame), "k")).isEqualTo(new KeyReused("k"));
        forgetValues();
        assertThat(append(List.of(event), "k")).isEqualTo(new Replayed(first.receipts()));
    }

    @Test
    void verifiesValuesAsIntactErasedOrLost() {
        append(List.of(erasable("for Ann", "{}"), generator.event()), null);
        assertThat(verify(null))
                .isInstanceOf(Sound.class)
                .extracting("span.redacted")
                .isEqualTo(0L);

        StoredEntry intact = Objects.requireNonNull(store.rows(ACME).get(0L));
        forgetValues();
        assertThat(verify(null))
                .isInstanceOfSatisfying(
                        Broken.class,
                        broken -> assertThat(broken.fault())
                                .isEqualTo(
                                        new Fault(
                                                0,
                                                Kind.COMMITMENT,
                                                "entry 0 has lost the value of field 28, and no entry says that it was erased")));

        append(List.of(ErasureEvents.erased(ACME, Recorder.ASSIZE, 0, Set.of(Erasable.REASON), "request 7")), null);
        assertThat(verify(null))
                .isInstanceOfSatisfying(
                        Broken.class,
                        broken -> assertThat(broken.fault().message()).contains("field 30"));
        append(List.of(ErasureEvents.erased(ACME, Recorder.ASSIZE, 0, Set.of(Erasable.PAYLOAD), "request 7")), null);
        assertThat(verify(null))
                .isInstanceOf(Sound.class)
                .extracting("span.redacted")
                .isEqualTo(1L);
        assertThat(verify(0L))
                .isInstanceOf(Sound.class)
                .extracting("span.redacted")
                .isEqualTo(1L);

        ErasableValue reason = intact.beside().getFirst();
        byte[] other = reason.value().clone();
        other[0] ^= 1;
        store.rows(ACME)
                .put(
                        0L,
                        new StoredEntry(
                                0,
                                intact.frame(),
                                intact.entryHash(),
                                intact.columns(),
                                List.of(new ErasableValue(reason.field(), reason.salt(), other))));
        assertThat(verify(null))
                .isInstanceOfSatisfying(
                        Broken.class,
                        broken -> assertThat(broken.fault().message())
                                .isEqualTo("entry 0 did not commit to the value of field 28 beside it"));
    }

    @Test
    void findsAValueThatIsThereThoughItWasErased() {
        append(List.of(erasable("a reason", "{}")), null);
        append(List.of(ErasureEvents.erased(ACME, Recorder.ASSIZE, 0, Set.of(Erasable.REASON), "request 7")), null);
        assertThat(verify(null))
                .isInstanceOfSatisfying(
                        Broken.class,
                        broken -> assertThat(broken.fault())
                                .isEqualTo(new Fault(
                                        0, Kind.COMMITMENT, "field 28 of entry 0 was erased, and is not gone")));
        forgetValues();
        append(List.of(ErasureEvents.erased(ACME, Recorder.ASSIZE, 0, Set.of(Erasable.PAYLOAD), "request 7")), null);
        append(List.of(ErasureEvents.erased(ACME, Recorder.ASSIZE, 0, Set.of(Erasable.REASON), "again")), null);
        assertThat(verify(null)).isInstanceOf(Sound.class);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{}",
                "{\"seq\":0,\"fields\":[]}",
                "{\"seq\":1,\"fields\":[\"reason\"]}",
                "{\"seq\":00,\"fields\":[\"reason\"]}",
                "{\"seq\":0,\"fields\":[\"payload\",\"reason\"]}",
                "{\"seq\":0,\"fields\":[\"type\"]}"
            })
    void findsANoticeOfAnErasureOfAnotherForm(String payload) {
        append(List.of(erasable("a reason", "{}")), null);
        AuditEvent notice = ErasureEvents.erased(ACME, Recorder.ASSIZE, 0, Set.of(Erasable.REASON), "request 7");
        append(
                List.of(new AuditEvent(
                        notice.type(),
                        notice.category(),
                        notice.actor(),
                        notice.role(),
                        notice.action(),
                        notice.resource(),
                        notice.env(),
                        notice.outcome(),
                        notice.occurredAt(),
                        notice.runId(),
                        notice.decisionId(),
                        notice.reason(),
                        notice.override(),
                        payload,
                        notice.reads(),
                        notice.writes(),
                        null,
                        null)),
                null);
        assertThat(verify(null))
                .isInstanceOfSatisfying(
                        Broken.class,
                        broken -> assertThat(List.of(
                                        broken.fault().seq(), broken.fault().kind()))
                                .containsExactly(1L, Kind.FRAME));
    }

    private AuditEvent erasable(String reason, String payload) {
        AuditEvent event = new AuditEventGenerator(new SplittableRandom(8)).event();
        return new AuditEvent(
                event.type(),
                event.category(),
                event.actor(),
                event.role(),
                event.action(),
                event.resource(),
                event.env(),
                event.outcome(),
                event.occurredAt(),
                event.runId(),
                event.decisionId(),
                reason,
                event.override(),
                payload,
                event.reads(),
                event.writes(),
                null,
                event.actorTenant(),
                Set.of(Erasable.PAYLOAD, Erasable.REASON));
    }

    private void forgetValues() {
        store.rows(ACME).replaceAll((seq, row) -> new StoredEntry(seq, row.frame(), row.entryHash(), row.columns()));
    }

    private Verification verify(@Nullable Long toSeq) {
        return new ChainVerifier(store, codec, new LedgerMetrics(new SimpleMeterRegistry()))
                .verify(ACME, 0, toSeq, (_, _) -> {});
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
        return recorded().stream().map(RecordedEvent::event).toList();
    }

    private List<RecordedEvent> recorded() {
        List<RecordedEvent> events = new ArrayList<>();
        store.scan(
                ACME,
                0,
                Long.MAX_VALUE,
                entry -> events.add(codec.decode(entry.frame(), entry.entryHash(), entry.beside())));
        return events;
    }
}
