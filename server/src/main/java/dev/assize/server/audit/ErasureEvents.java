package dev.assize.server.audit;

import dev.assize.server.ledger.ErasureNotice;
import dev.assize.server.ledger.MalformedFrameException;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.TenantId;
import java.util.List;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What the ledger is told of erased values. Verifiers read it again, so its payload has exactly one form:
 * {@code {"seq":7,"fields":["payload","reason"]}}, fields in the order of their numbers.
 */
public final class ErasureEvents {

    /** The type of these entries. */
    public static final String TYPE = AuditEvent.OWN_TYPES + "ledger.erased";

    private static final Pattern PAYLOAD =
            Pattern.compile("\\{\"seq\":(0|[1-9][0-9]{0,17}),\"fields\":\\[(\"[a-z_]+\"(?:,\"[a-z_]+\"){0,19})]}");

    /** The fields that can be kept beside a frame, from number 16 on, as the format page names them. */
    private static final List<String> NAMES = List.of(
            "category",
            "actor",
            "actor_tenant",
            "on_behalf_of",
            "role",
            "action",
            "resource",
            "env",
            "outcome",
            "occurred_at",
            "run_id",
            "decision_id",
            "reason",
            "override",
            "payload",
            "reads",
            "writes",
            "trace_context",
            "masked",
            "idempotency_key");

    private ErasureEvents() {}

    /**
     * Says that values are erased.
     *
     * @param basis on which, in the words of whoever asked
     */
    public static AuditEvent erased(TenantId tenant, Recorder by, long seq, Set<Erasable> parts, String basis) {
        String fields = new TreeSet<>(parts)
                .stream().map(part -> '"' + part.text() + '"').collect(Collectors.joining(","));
        return new AuditEvent(
                TYPE,
                "ledger",
                by.caller(),
                null,
                new Action("erase"),
                resource(tenant, seq),
                Environment.DEFAULT,
                Outcome.SUCCESS,
                null,
                null,
                null,
                basis,
                false,
                "{\"seq\":" + seq + ",\"fields\":[" + fields + "]}",
                List.of(),
                List.of(),
                null,
                null);
    }

    /** What such an entry is about. */
    public static ResourcePath resource(TenantId tenant, long seq) {
        return ResourcePath.parse("tenant:" + tenant + "/entry:" + seq);
    }

    /** What the payload of such an entry says, whose own position is given. Other versions may have kept other fields. */
    static ErasureNotice read(long seq, @Nullable String payload) {
        Matcher matcher = PAYLOAD.matcher(payload == null ? "" : payload);
        if (!matcher.matches()) {
            throw new MalformedFrameException("it does not say what was erased");
        }
        // A position of 19 digits is none before any entry that there can be.
        long of = Long.parseLong(matcher.group(1));
        SortedSet<Integer> fields = new TreeSet<>();
        int last = 0;
        for (String name : matcher.group(2).replace("\"", "").split(",", -1)) {
            int field = AuditField.CATEGORY + NAMES.indexOf(name);
            if (of >= seq || field < AuditField.CATEGORY || field <= last) {
                throw new MalformedFrameException("it says of an erasure what cannot be: " + payload);
            }
            last = field;
            fields.add(field);
        }
        return new ErasureNotice(of, fields);
    }
}
