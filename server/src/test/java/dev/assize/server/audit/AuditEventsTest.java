package dev.assize.server.audit;

import static dev.assize.server.testing.EventBuilder.event;
import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.ledger.Sequencer;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AuditEventsTest {

    @Test
    void refusesNoEventsAndTooManyEvents() {
        assertThat(AuditEvents.problems(List.of(), null))
                .containsExactly(new EventProblem("events", "0 events", "1 to 500 events"));
        assertThat(AuditEvents.problems(Collections.nCopies(501, new Event().build()), null))
                .containsExactly(new EventProblem("events", "501 events", "1 to 500 events"));
        assertThat(AuditEvents.problems(Collections.nCopies(500, new Event().build()), null))
                .isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "1a", "a b", "ä", "a/b", "assize.policy.changed"})
    void refusesTypes(String type) {
        assertProblem(new Event().type(type), "events[0].type");
    }

    @Test
    void boundsTypes() {
        assertProblem(new Event().type("a".repeat(129)), "events[0].type");
        assertFine(new Event().type("a".repeat(128)));
        assertFine(new Event().type("assizes"));
    }

    @Test
    void refusesGroupsAsActors() {
        assertProblem(new Event().actor("group:g"), "events[0].actor");
    }

    @Test
    void boundsNames() {
        assertProblem(new Event().category("x".repeat(257)), "events[0].category");
        assertProblem(new Event().role("ü".repeat(129)), "events[0].role");
        assertProblem(new Event().runId("x".repeat(257)), "events[0].run_id");
        assertProblem(new Event().runId("a\nb"), "events[0].run_id");
        assertProblem(new Event().runId("a\ud800"), "events[0].run_id");
        assertFine(new Event().category("x".repeat(256)).role("ü".repeat(128)).runId("x".repeat(256)));
    }

    @Test
    void boundsReasons() {
        assertProblem(new Event().reason("x".repeat(1_025)), "events[0].reason");
        assertProblem(new Event().reason("a\0b"), "events[0].reason");
        assertProblem(new Event().reason("\udc00"), "events[0].reason");
        assertFine(new Event().reason("x".repeat(1_023) + "\n"));
    }

    @Test
    void boundsPayloads() {
        assertProblem(new Event().payload("\"" + "x".repeat(8_191) + "\""), "events[0].payload");
        assertFine(new Event().payload("\"" + "x".repeat(8_190) + "\""));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                " ",
                "{",
                "}",
                "[1",
                "[1,]",
                "{\"a\":1,}",
                "{\"a\"}",
                "{a:1}",
                "{'a':1}",
                "nul",
                "NaN",
                "Infinity",
                "01",
                "1.",
                ".5",
                "+1",
                "-",
                "1 2",
                "{} {}",
                "{}x",
                "\"a",
                "\"\t\"",
                "\"\\x\"",
                "\"\\u12\"",
                "// c\n1",
                "/* c */ 1",
                "{\"a\":1,\"a\":2}",
                "{\"a\":{\"b\":1,\"b\":1}}",
                "[1,\"\\q\"]",
                "\uFEFF1",
                "tru",
                "truex"
            })
    void refusesPayloadsThatAreNotJson(String payload) {
        assertProblem(new Event().payload(payload), "events[0].payload");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "null",
                "true",
                "0",
                "-1.5e-3",
                "\"\"",
                "\"\\ud800\"",
                "[]",
                "{}",
                " {\"a\" : [1, {\"a\" : null}]}\r\n",
                "1234567890123456789012345678901234567890",
                "{\"a\":1,\"A\":2}"
            })
    void acceptsEveryKindOfJson(String payload) {
        assertFine(new Event().payload(payload));
    }

    @Test
    void boundsNesting() {
        assertProblem(new Event().payload("[".repeat(65) + "]".repeat(65)), "events[0].payload");
        assertFine(new Event().payload("[".repeat(64) + "]".repeat(64)));
    }

    @Test
    void boundsUris() {
        assertProblem(
                new Event().reads(Collections.nCopies(33, "r")).writes(Collections.nCopies(32, "w")),
                "events[0].reads");
        assertProblem(new Event().writes(List.of("w", "")), "events[0].writes[1]");
        assertProblem(new Event().reads(List.of("x".repeat(1_025))), "events[0].reads[0]");
        assertFine(new Event().reads(Collections.nCopies(32, "r")).writes(Collections.nCopies(32, "x".repeat(1_024))));
    }

    @Test
    void refusesEventsThatNoFrameHolds() {
        assertProblem(new Event().reads(Collections.nCopies(64, "x".repeat(1_024))), "events[0]");
    }

    @Test
    void leavesRoomForTheLongestEnvelope() {
        int full = 1_000 * 64;
        Event almost = new Event().reads(Collections.nCopies(63, "x".repeat(1_000)));
        int bytes = new AuditCodec().encode(almost.build(), Recorder.ASSIZE).body().length;
        AuditEvent longest = almost.reason("x".repeat(full - bytes - 6)).build();
        assertThat(AuditEvents.problems(List.of(longest), null)).isEmpty();
        String name = "x".repeat(63);
        Recorder recorder = new Recorder(new Subject("x".repeat(32), "x".repeat(256)), new TenantId(name));
        String origin = "x".repeat(253) + "/" + "0".repeat(32) + "/" + name;
        assertThat(Sequencer.sequence(
                                Sequencer.genesis(origin),
                                List.of(new AuditCodec().encode(longest, recorder)),
                                Instant.EPOCH)
                        .entries())
                .hasSize(1);
    }

    /** Whoever could choose them could pass off what was appended as spooled, and records as sent that are not. */
    @Test
    void keysOfSpoolsAreForWhatSpoolsSend() {
        List<AuditEvent> events = List.of(new Event().build());
        assertThat(AuditEvents.problems(events, "spool/0123456789abcdef0123456789abcdef/999"))
                .extracting(EventProblem::field)
                .containsExactly("idempotency_key");
        assertThat(AuditEvents.problems(events, "spool")).isEmpty();
        assertThat(AuditEvents.problemsOfSpooled(events, "0123456789abcdef0123456789abcdef", 999))
                .isEmpty();
    }

    @Test
    void boundsKeys() {
        List<AuditEvent> events = List.of(new Event().build());
        for (String key : List.of("", "x".repeat(129), "a\nb")) {
            assertThat(AuditEvents.problems(events, key))
                    .extracting(EventProblem::field)
                    .containsExactly("idempotency_key");
        }
        assertThat(AuditEvents.problems(events, "x".repeat(128))).isEmpty();
    }

    @Test
    void namesEveryProblemAtOnce() {
        AuditEvent bad = new Event().type("assize.x").reason("\0").payload("{").build();
        assertThat(AuditEvents.problems(List.of(new Event().build(), bad), "\n"))
                .extracting(EventProblem::field)
                .containsExactly("idempotency_key", "events[1].type", "events[1].reason", "events[1].payload");
    }

    private static void assertProblem(Event event, String field) {
        assertThat(AuditEvents.problems(List.of(event.build()), null))
                .extracting(EventProblem::field)
                .containsExactly(field);
    }

    private static void assertFine(Event event) {
        assertThat(AuditEvents.problems(List.of(event.build()), null)).isEmpty();
    }

    /** An event that is right but for what a test says. */
    private static final class Event {

        private String type = "replay.executed";
        private String actor = "user:alice";
        private @Nullable String category;
        private @Nullable String role;
        private @Nullable String runId;
        private @Nullable String reason;
        private @Nullable String payload;
        private List<String> reads = List.of();
        private List<String> writes = List.of();

        Event type(String value) {
            type = value;
            return this;
        }

        Event actor(String value) {
            actor = value;
            return this;
        }

        Event category(String value) {
            category = value;
            return this;
        }

        Event role(String value) {
            role = value;
            return this;
        }

        Event runId(String value) {
            runId = value;
            return this;
        }

        Event reason(String value) {
            reason = value;
            return this;
        }

        Event payload(String value) {
            payload = value;
            return this;
        }

        Event reads(List<String> value) {
            reads = value;
            return this;
        }

        Event writes(List<String> value) {
            writes = value;
            return this;
        }

        AuditEvent build() {
            return event(type, Subject.parse(actor), new Action("replay"), ResourcePath.parse("vault:company"))
                    .env(Environment.DEFAULT)
                    .category(category)
                    .role(role)
                    .runId(runId)
                    .reason(reason)
                    .payload(payload)
                    .reads(reads)
                    .writes(writes)
                    .build();
        }
    }
}
