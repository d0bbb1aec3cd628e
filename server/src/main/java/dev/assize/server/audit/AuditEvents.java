package dev.assize.server.audit;

import dev.assize.server.ledger.Frame;
import dev.assize.server.model.Action;
import dev.assize.server.model.Limits;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.Names;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Judges events that callers want appended. All problems at once; the server's own events do not come by here. */
public final class AuditEvents {

    /** Bytes of a category, a role, a run's or a decision's id. */
    public static final int NAME_BYTES = 256;

    public static final int REASON_BYTES = 1_024;
    public static final int URI_BYTES = 1_024;

    /** URIs of an event, reads and writes together. */
    public static final int URIS = 64;

    /** Bytes of an event as encoded; leaves room in the frame for the longest envelope there can be. */
    public static final int EVENT_BYTES = Frame.MAX_BYTES - 1_535;

    private static final AuditCodec CODEC = new AuditCodec();

    private final List<EventProblem> problems = new ArrayList<>();

    private AuditEvents() {}

    /** What speaks against appending the events for a caller; nothing, if they are right. */
    public static List<EventProblem> problems(List<AuditEvent> events, @Nullable String idempotencyKey) {
        List<EventProblem> problems = new ArrayList<>();
        if (idempotencyKey != null && idempotencyKey.startsWith(SpooledBatch.KEYS)) {
            problems.add(EventProblem.of(
                    "idempotency_key",
                    idempotencyKey,
                    "a key that does not begin with `" + SpooledBatch.KEYS + "`, which is for what spools send"));
        }
        problems.addAll(judged(events, idempotencyKey));
        return List.copyOf(problems);
    }

    /** The same for what a spool sends, under the key that it has in the ledger. */
    public static List<EventProblem> problemsOfSpooled(List<AuditEvent> events, String spoolId, long number) {
        return judged(events, SpooledBatch.key(spoolId, number));
    }

    private static List<EventProblem> judged(List<AuditEvent> events, @Nullable String idempotencyKey) {
        AuditEvents judge = new AuditEvents();
        judge.judgeKey(idempotencyKey);
        if (events.isEmpty() || events.size() > Limits.AUDIT_EVENTS) {
            judge.add("events", events.size() + " events", "1 to " + Limits.AUDIT_EVENTS + " events");
        } else {
            for (int i = 0; i < events.size(); i++) {
                judge.judge("events[" + i + "]", events.get(i), idempotencyKey);
            }
        }
        return List.copyOf(judge.problems);
    }

    private void judgeKey(@Nullable String key) {
        if (key != null && key.isEmpty()) {
            add("idempotency_key", "", "a key, or none");
        }
        judgeText("idempotency_key", key, Limits.IDEMPOTENCY_KEY_BYTES, Names::isClean);
    }

    private void judge(String field, AuditEvent event, @Nullable String idempotencyKey) {
        int before = problems.size();
        judgeType(field + ".type", event.type());
        if (event.actor().isGroup()) {
            add(field + ".actor", event.actor().toString(), Subject.EXPECTED_OF_REQUEST);
        }
        judgeName(field + ".actor", event.actor());
        judgeName(field + ".on_behalf_of", event.onBehalfOf());
        judgeText(field + ".category", event.category(), NAME_BYTES, Names::isClean);
        judgeText(field + ".role", event.role(), NAME_BYTES, Names::isClean);
        judgeText(field + ".run_id", event.runId(), NAME_BYTES, Names::isClean);
        judgeText(field + ".decision_id", event.decisionId(), NAME_BYTES, Names::isClean);
        judgeText(field + ".reason", event.reason(), REASON_BYTES, AuditEvents::isText);
        judgePayload(field + ".payload", event.payload());
        judgeUris(field, event);
        if (problems.size() == before) {
            judgeSize(field, event, idempotencyKey);
        }
    }

    /** What stands for somebody in a ledger is put there by the server alone. */
    private void judgeName(String field, @Nullable Subject subject) {
        if (subject != null && subject.isPseudonym()) {
            add(field, subject.toString(), "a subject, not a pseudonym");
        }
    }

    private void judgeType(String field, String type) {
        if (type.startsWith(AuditEvent.OWN_TYPES)) {
            add(
                    field,
                    type,
                    "a type that does not begin with `" + AuditEvent.OWN_TYPES + "`, which is the server's own");
        }
        try {
            // Types have the form of actions.
            new Action(type);
        } catch (MalformedException e) {
            add(field, type, "a type, `[A-Za-z][A-Za-z0-9_.:-]{0,127}`");
        }
    }

    private void judgeText(String field, @Nullable String text, int maxBytes, Predicate<String> isClean) {
        if (text == null) {
            return;
        }
        if (!isClean.test(text)) {
            add(field, text, "a text without control characters");
        } else if (Names.utf8Length(text) > maxBytes) {
            add(field, Names.utf8Length(text) + " bytes", "at most " + maxBytes + " bytes");
        }
    }

    private void judgePayload(String field, @Nullable String payload) {
        if (payload == null) {
            return;
        }
        int bytes = Names.utf8Length(payload);
        if (bytes > Limits.AUDIT_PAYLOAD_BYTES) {
            add(field, bytes + " bytes", "at most " + Limits.AUDIT_PAYLOAD_BYTES + " bytes");
            return;
        }
        Optional<String> fault = isText(payload) ? JsonText.fault(payload) : Optional.of("it is not text");
        fault.ifPresent(why -> add(field, payload, "one JSON value (" + why + ")"));
    }

    private void judgeUris(String field, AuditEvent event) {
        int count = event.reads().size() + event.writes().size();
        if (count > URIS) {
            add(field + ".reads", count + " reads and writes", "at most " + URIS + " in all");
            return;
        }
        judgeUris(field + ".reads", event.reads());
        judgeUris(field + ".writes", event.writes());
    }

    private void judgeUris(String field, List<String> uris) {
        for (int i = 0; i < uris.size(); i++) {
            String uri = uris.get(i);
            if (uri.isEmpty()) {
                add(field + "[" + i + "]", "", "a URI");
            }
            judgeText(field + "[" + i + "]", uri, URI_BYTES, Names::isClean);
        }
    }

    /** Each part is within its bounds, all together may still not fit a frame. */
    private void judgeSize(String field, AuditEvent event, @Nullable String idempotencyKey) {
        int bytes = CODEC.encode(event, Recorder.ASSIZE, TenantId.ASSIZE, idempotencyKey)
                .body()
                .length;
        if (bytes > EVENT_BYTES) {
            add(field, bytes + " bytes in all", "at most " + EVENT_BYTES + " bytes");
        }
    }

    /** Free text has lines and tabs; a NUL or half a character it has not. */
    private static boolean isText(String text) {
        return text.codePoints()
                .noneMatch(c -> c == 0 || (c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE));
    }

    private void add(String field, String value, String expected) {
        problems.add(EventProblem.of(field, value, expected));
    }
}
