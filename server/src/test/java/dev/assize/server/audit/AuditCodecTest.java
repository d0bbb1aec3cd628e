package dev.assize.server.audit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.ledger.EntryDraft;
import dev.assize.server.ledger.Frame;
import dev.assize.server.ledger.FrameBody;
import dev.assize.server.ledger.FrameFields;
import dev.assize.server.ledger.MalformedFrameException;
import dev.assize.server.ledger.Sequencer;
import dev.assize.server.ledger.Sequencer.SequencedEntry;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class AuditCodecTest {

    private static final Instant NOW = Instant.parse("2026-03-01T12:00:00.123456Z");
    private final AuditCodec codec = new AuditCodec();

    @Test
    void refusesUnknownFields() {
        byte[] frame = frame(minimal().text(37, "x"));
        assertThatThrownBy(() -> codec.project(frame))
                .isInstanceOf(MalformedFrameException.class)
                .hasMessage("field 37 is unknown");
    }

    @Test
    void refusesFramesWithoutAnActor() {
        byte[] frame = frame(new FrameBody()
                .text(21, "read")
                .text(22, "vault")
                .text(23, "default")
                .u8(24, 1));
        assertThatThrownBy(() -> codec.project(frame))
                .isInstanceOf(MalformedFrameException.class)
                .hasMessage("field 17 is missing");
    }

    @Test
    void refusesOutcomesAndFlagsThatDoNotExist() {
        byte[] outcome = frame(new FrameBody()
                .text(17, "user:a")
                .text(21, "read")
                .text(22, "vault")
                .text(23, "default")
                .u8(24, 5));
        assertThatThrownBy(() -> codec.project(outcome)).hasMessage("outcome 5 is unknown");
        byte[] override = frame(minimal().u8(29, 0));
        assertThatThrownBy(() -> codec.project(override)).hasMessage("field 29 is 0: expected 1");
    }

    @Test
    void refusesTornCommitments() {
        for (String commitments : List.of("", "x", "\0\u001c" + "c".repeat(31), "\0\u001c" + "c".repeat(33))) {
            byte[] frame = frame(minimal().text(36, commitments));
            assertThatThrownBy(() -> codec.project(frame))
                    .isInstanceOf(MalformedFrameException.class)
                    .hasMessageContaining("commitments in field 36");
        }
    }

    @Test
    void refusesCommitmentsOutOfOrderOrBesideTheirValue() {
        String toReason = "\0\u001c" + "c".repeat(32);
        for (String commitments : List.of(toReason + toReason, "\0\u0011" + "c".repeat(32))) {
            byte[] frame = frame(minimal().text(36, commitments));
            assertThatThrownBy(() -> codec.project(frame)).hasMessageContaining("commitments in field 36");
        }
    }

    @Test
    void readsFieldsThatItDoesNotYetWrite() {
        byte[] frame = frame(new FrameBody()
                .text(18, "partner")
                .text(19, "user:bob")
                .text(21, "read")
                .text(22, "vault")
                .text(23, "default")
                .u8(24, 1)
                .text(33, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
                .texts(34, List.of("/payload/iban"))
                .text(36, "\0\u0011" + "c".repeat(32) + "\0\u001c" + "d".repeat(32)));
        assertThat(codec.project(frame)).containsEntry("action", "read").doesNotContainKey("actor");
    }

    @Test
    void projectsTheQueryColumns() {
        AuditEvent event = new AuditEvent(
                "replay.executed",
                "replay",
                new Subject("user", "alice"),
                "operator",
                new Action("replay"),
                ResourcePath.parse("vault:company"),
                new Environment("production"),
                Outcome.DENIED,
                Instant.parse("2026-02-28T00:00:00Z"),
                "run-1",
                "decision-1",
                "because",
                true,
                "{}",
                List.of("r"),
                List.of("w"),
                null,
                null);
        assertThat(codec.project(frame(codec.encode(event, Recorder.ASSIZE))))
                .isEqualTo(Map.ofEntries(
                        Map.entry("recorded_at", "1772366400123456"),
                        Map.entry("recorded_by", "service:assize"),
                        Map.entry("recorded_by_tenant", "assize"),
                        Map.entry("type", "replay.executed"),
                        Map.entry("category", "replay"),
                        Map.entry("actor", "user:alice"),
                        Map.entry("role", "operator"),
                        Map.entry("action", "replay"),
                        Map.entry("resource", "vault:company"),
                        Map.entry("env", "production"),
                        Map.entry("outcome", "3"),
                        Map.entry("occurred_at", "1772236800000000"),
                        Map.entry("run_id", "run-1"),
                        Map.entry("decision_id", "decision-1"),
                        Map.entry("lineage", "reads[0] r\nwrites[0] w")));
    }

    @Test
    void saysWhereAnActorIsFromThatIsAGuest() {
        AuditEvent event = minimalEvent(null);
        TenantId acme = new TenantId("acme");
        Recorder guest = new Recorder(event.actor(), new TenantId("elsewhere"));
        Recorder resident = new Recorder(event.actor(), acme);
        Recorder speaker = new Recorder(new Subject("service", "speaks-for-others"), new TenantId("elsewhere"));

        assertThat(actorTenant(codec.encode(event, guest, acme))).isEqualTo("elsewhere");
        assertThat(actorTenant(codec.encode(event, resident, acme))).isNull();
        assertThat(actorTenant(codec.encode(event, speaker, acme)))
                .as("speaks for a subject of the tenant")
                .isNull();
        assertThat(actorTenant(codec.encode(minimalEvent(new TenantId("partner")), speaker, acme)))
                .as("speaks for a subject of a third tenant")
                .isEqualTo("partner");
        assertThat(actorTenant(codec.encode(minimalEvent(acme), guest, acme)))
                .as("speaks for the tenant's own subject of its name")
                .isNull();
    }

    private static AuditEvent minimalEvent(@Nullable TenantId actorTenant) {
        return new AuditEvent(
                "replay.executed",
                null,
                new Subject("user", "alice"),
                null,
                new Action("replay"),
                ResourcePath.parse("vault:company"),
                Environment.DEFAULT,
                Outcome.SUCCESS,
                null,
                null,
                null,
                null,
                false,
                null,
                List.of(),
                List.of(),
                null,
                actorTenant);
    }

    private static @Nullable String actorTenant(EntryDraft draft) {
        return FrameFields.read(frame(draft)).text(AuditField.ACTOR_TENANT);
    }

    @Test
    void readsBackWhateverItWrites() {
        long seed = System.nanoTime();
        AuditEventGenerator generator = new AuditEventGenerator(new SplittableRandom(seed));
        for (int i = 0; i < 2_000; i++) {
            AuditEvent event = generator.event();
            Recorder recorder = generator.recorder();
            SequencedEntry entry = entry(codec.encode(event, recorder));
            RecordedEvent read = codec.decode(entry.frame(), entry.entryHash());
            assertThat(read)
                    .as("seed %d, event %d", seed, i)
                    .isEqualTo(new RecordedEvent(
                            0, entry.entryHash(), entry.recordedAt(), recorder, event, entry.frame()));
        }
    }

    private static FrameBody minimal() {
        return new FrameBody()
                .text(17, "user:a")
                .text(21, "read")
                .text(22, "vault")
                .text(23, "default")
                .u8(24, 1);
    }

    private static byte[] frame(FrameBody body) {
        return frame(new EntryDraft(Recorder.ASSIZE, "t", body.toBytes()));
    }

    private static byte[] frame(EntryDraft draft) {
        byte[] frame = entry(draft).frame();
        assertThat(frame.length).isLessThan(Frame.MAX_BYTES);
        return frame;
    }

    private static SequencedEntry entry(EntryDraft draft) {
        return Sequencer.sequence(Sequencer.genesis("o"), List.of(draft), NOW)
                .entries()
                .getFirst();
    }
}
