package dev.assize.server.audit;

import dev.assize.server.audit.Masking.Masked;
import dev.assize.server.ledger.EntryDraft;
import dev.assize.server.ledger.Envelope;
import dev.assize.server.ledger.ErasableValue;
import dev.assize.server.ledger.ErasureNotice;
import dev.assize.server.ledger.Frame;
import dev.assize.server.ledger.FrameBody;
import dev.assize.server.ledger.FrameFields;
import dev.assize.server.ledger.MalformedFrameException;
import dev.assize.server.ledger.Projector;
import dev.assize.server.model.Action;
import dev.assize.server.model.Digest;
import dev.assize.server.model.Environment;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.SortedMap;
import java.util.StringJoiner;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The one encoding of audit events into frames, and back. */
public final class AuditCodec implements Projector {

    private static final int[] REQUIRED = {
        AuditField.ACTOR, AuditField.ACTION, AuditField.RESOURCE, AuditField.ENV, AuditField.OUTCOME
    };

    /** The fields of {@link RawColumns#TEXTS}, without the lineage, which is made of two. */
    private static final int[] TEXT_FIELDS = {
        Frame.RECORDED_BY,
        Frame.RECORDED_BY_TENANT,
        FrameFields.TYPE,
        AuditField.CATEGORY,
        AuditField.ACTOR,
        AuditField.ROLE,
        AuditField.ACTION,
        AuditField.RESOURCE,
        AuditField.ENV,
        AuditField.RUN_ID,
        AuditField.DECISION_ID
    };

    /** The body's fields with a subject, which may stand there under a pseudonym. */
    public static final Set<Integer> SUBJECTS = Set.of(AuditField.ACTOR, AuditField.ON_BEHALF_OF);

    /** With this a spool is mentioned, its id behind it; pseudonyms are mentioned as they stand. */
    public static final String MENTIONED_SPOOL = "spool:";

    private static final byte[] PSEUDONYM = (Subject.PSEUDONYM_TYPE + ":").getBytes(StandardCharsets.US_ASCII);
    private static final byte[] SPOOL_KEY = SpooledBatch.KEYS.getBytes(StandardCharsets.US_ASCII);

    private static final int COMMITMENT_BYTES = Short.BYTES + Digest.LENGTH;

    private final SecureRandom random = new SecureRandom();

    /** The event as a draft for the ledger of the recorder's home tenant. */
    public EntryDraft encode(AuditEvent event, Recorder recorder) {
        return encode(event, recorder, recorder.home());
    }

    /** The event as a draft for a tenant's ledger. */
    public EntryDraft encode(AuditEvent event, Recorder recorder, TenantId ledger) {
        return encode(event, recorder, ledger, null);
    }

    /** The event as a draft for a tenant's ledger, with what was masked in it. */
    public EntryDraft encode(Masked event, Recorder recorder, TenantId ledger) {
        return encode(event, recorder, ledger, null);
    }

    /** The event as a draft that names the key under which it was sent. */
    EntryDraft encode(AuditEvent event, Recorder recorder, TenantId ledger, @Nullable String idempotencyKey) {
        return encode(new Masked(event, List.of()), recorder, ledger, idempotencyKey);
    }

    EntryDraft encode(Masked masked, Recorder recorder, TenantId ledger, @Nullable String idempotencyKey) {
        AuditEvent event = masked.event();
        List<ErasableValue> beside = new ArrayList<>();
        for (Erasable part : event.erasable()) {
            String value = event.erasableValue(part);
            if (value != null) {
                beside.add(new ErasableValue(part.field(), salt(), value.getBytes(StandardCharsets.UTF_8)));
            }
        }
        byte[] body = body(masked, recorder, ledger, idempotencyKey, event.traceContext(), beside);
        return new EntryDraft(recorder, event.type(), body, beside);
    }

    /**
     * The body as it is the same for the same event: without the commitments and the trace, which are another's in a retry.
     * Of what is kept beside the frame it tells that it is, and not what.
     */
    byte[] comparable(Masked masked, Recorder recorder, TenantId ledger, @Nullable String idempotencyKey) {
        byte[] body = body(masked, recorder, ledger, idempotencyKey, null, List.of());
        AuditEvent event = masked.event();
        if (event.erasable().isEmpty()) {
            return body;
        }
        byte[] names = event.erasable().toString().getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(body.length + names.length)
                .put(body)
                .put(names)
                .array();
    }

    /** The number under which an event of a spool was sent; empty where the frame holds no event of that spool. */
    public OptionalLong spoolNumber(byte[] frame, String spoolId) {
        String key = FrameFields.read(frame).text(AuditField.IDEMPOTENCY_KEY);
        String prefix = SpooledBatch.key(spoolId, "");
        return key != null
                        && key.startsWith(prefix)
                        && key.substring(prefix.length()).matches("[0-9]{1,18}")
                ? OptionalLong.of(Long.parseLong(key.substring(prefix.length())))
                : OptionalLong.empty();
    }

    /** The spool that the event of a frame was in, whoever's it is; empty where it was in none. */
    public Optional<String> spool(byte[] frame) {
        String key = FrameFields.read(frame).text(AuditField.IDEMPOTENCY_KEY);
        return Optional.ofNullable(key).flatMap(SpooledBatch::spool);
    }

    private byte[] salt() {
        byte[] salt = new byte[ErasableValue.SALT_BYTES];
        random.nextBytes(salt);
        return salt;
    }

    private static @Nullable String inFrame(AuditEvent event, Erasable part, @Nullable Object value) {
        return event.erasable().contains(part) ? null : text(value);
    }

    private static byte[] body(
            Masked masked,
            Recorder recorder,
            TenantId ledger,
            @Nullable String idempotencyKey,
            @Nullable String traceContext,
            List<ErasableValue> beside) {
        AuditEvent event = masked.event();
        FrameBody body = new FrameBody()
                .text(AuditField.CATEGORY, event.category())
                .text(AuditField.ACTOR, event.actor().toString())
                .text(AuditField.ACTOR_TENANT, actorTenant(event, recorder, ledger))
                .text(AuditField.ON_BEHALF_OF, inFrame(event, Erasable.ON_BEHALF_OF, event.onBehalfOf()))
                .text(AuditField.ROLE, event.role())
                .text(AuditField.ACTION, event.action().value())
                .text(AuditField.RESOURCE, event.resource().value())
                .text(AuditField.ENV, event.env().value())
                .u8(AuditField.OUTCOME, event.outcome().number())
                .i64(AuditField.OCCURRED_AT, micros(event.occurredAt()))
                .text(AuditField.RUN_ID, event.runId())
                .text(AuditField.DECISION_ID, event.decisionId())
                .text(AuditField.REASON, inFrame(event, Erasable.REASON, event.reason()));
        if (event.override()) {
            body.u8(AuditField.OVERRIDE, 1);
        }
        return body.text(AuditField.PAYLOAD, inFrame(event, Erasable.PAYLOAD, event.payload()))
                .texts(AuditField.READS, event.reads())
                .texts(AuditField.WRITES, event.writes())
                .text(AuditField.TRACE_CONTEXT, traceContext)
                .texts(AuditField.MASKED, masked.masked())
                .text(AuditField.IDEMPOTENCY_KEY, idempotencyKey)
                .commitments(AuditField.PAYLOAD_COMMITMENTS, beside)
                .toBytes();
    }

    /** A caller that acts itself away from home is somebody else than the tenant's own subject of that name. */
    private static @Nullable String actorTenant(AuditEvent event, Recorder recorder, TenantId ledger) {
        TenantId home = event.actorTenant();
        if (home == null) {
            home = event.actor().equals(recorder.caller()) ? recorder.home() : ledger;
        }
        return home.equals(ledger) ? null : home.value();
    }

    /** The event a frame holds, without what is kept beside it. */
    public RecordedEvent decode(byte[] frame, Digest entryHash) {
        return decode(frame, entryHash, List.of());
    }

    /** The event a frame holds, with what is kept beside it. */
    public RecordedEvent decode(byte[] frame, Digest entryHash, List<ErasableValue> beside) {
        FrameFields fields = read(frame);
        Envelope envelope = Envelope.of(fields);
        SortedMap<Integer, String> values = new TreeMap<>();
        beside.forEach(value -> values.put(value.field(), new String(value.value(), StandardCharsets.UTF_8)));
        SortedMap<Integer, Digest> gone = new TreeMap<>(commitments(fields));
        Set<Erasable> erasable = EnumSet.noneOf(Erasable.class);
        gone.keySet().forEach(field -> Erasable.ofField(field).ifPresent(erasable::add));
        gone.keySet().removeAll(values.keySet());
        try {
            return new RecordedEvent(
                    envelope.seq(),
                    entryHash,
                    envelope.recordedAt(),
                    new Recorder(Subject.parse(envelope.recordedBy()), new TenantId(envelope.recordedByTenant())),
                    event(envelope.type(), fields, values, erasable),
                    frame,
                    fields.texts(AuditField.MASKED),
                    gone.keySet().stream().map(AuditCodec::name).toList());
        } catch (MalformedException e) {
            throw new MalformedFrameException("the frame holds `" + e.value() + "`: expected " + e.expected());
        }
    }

    /** The same columns as the bytes that the frame has. */
    @Override
    public SortedMap<String, String> project(byte[] frame) {
        FrameFields fields = check(FrameFields.read(frame));
        long recordedAt = Frame.micros(Envelope.of(fields).recordedAt());
        int[] offsets = new int[RawColumns.TEXTS.size()];
        int[] lengths = new int[RawColumns.TEXTS.size()];
        for (int place = 0; place < TEXT_FIELDS.length; place++) {
            offsets[place] = fields.offset(TEXT_FIELDS[place]);
            lengths[place] = fields.length(TEXT_FIELDS[place]);
        }
        String lines = lineage(fields);
        byte[] lineage = lines == null ? new byte[0] : lines.getBytes(StandardCharsets.UTF_8);
        byte[] row = lines == null ? frame : Arrays.copyOf(frame, frame.length + lineage.length);
        System.arraycopy(lineage, 0, row, frame.length, lineage.length);
        offsets[TEXT_FIELDS.length] = frame.length;
        lengths[TEXT_FIELDS.length] = lines == null ? -1 : lineage.length;
        Integer outcome = fields.u8(AuditField.OUTCOME);
        return new RawColumns(
                row,
                recordedAt,
                outcome == null ? null : Long.valueOf(outcome),
                fields.i64(AuditField.OCCURRED_AT),
                offsets,
                lengths);
    }

    /** Knows every field, also those that this version does not write: what it cannot read it does not vouch for. */
    @Override
    public SortedMap<String, String> project(FrameFields fields) {
        check(fields);
        Envelope envelope = Envelope.of(fields);
        Columns columns = new Columns();
        columns.put(AuditColumns.RECORDED_AT, Frame.micros(envelope.recordedAt()));
        columns.put(AuditColumns.RECORDED_BY, envelope.recordedBy());
        columns.put(AuditColumns.RECORDED_BY_TENANT, envelope.recordedByTenant());
        columns.put(AuditColumns.TYPE, envelope.type());
        columns.put(AuditColumns.CATEGORY, fields.text(AuditField.CATEGORY));
        columns.put(AuditColumns.ACTOR, fields.text(AuditField.ACTOR));
        columns.put(AuditColumns.ROLE, fields.text(AuditField.ROLE));
        columns.put(AuditColumns.ACTION, fields.text(AuditField.ACTION));
        columns.put(AuditColumns.RESOURCE, fields.text(AuditField.RESOURCE));
        columns.put(AuditColumns.ENV, fields.text(AuditField.ENV));
        if (fields.has(AuditField.OUTCOME)) {
            columns.put(AuditColumns.OUTCOME, fields.requiredU8(AuditField.OUTCOME));
        }
        columns.put(AuditColumns.OCCURRED_AT, fields.i64(AuditField.OCCURRED_AT));
        columns.put(AuditColumns.RUN_ID, fields.text(AuditField.RUN_ID));
        columns.put(AuditColumns.DECISION_ID, fields.text(AuditField.DECISION_ID));
        columns.put(AuditColumns.LINEAGE, lineage(fields));
        return columns.byName;
    }

    @Override
    public boolean fits(FrameFields fields, Envelope envelope, SortedMap<String, String> columns) {
        if (!(columns instanceof RawColumns raw)) {
            return false;
        }
        check(fields);
        return raw.recordedAtMicros == Frame.micros(envelope.recordedAt())
                && raw.outcome != null
                && raw.outcome == fields.requiredU8(AuditField.OUTCOME)
                && Objects.equals(raw.occurredAt, fields.i64(AuditField.OCCURRED_AT))
                && fitTexts(fields, raw);
    }

    private static boolean fitTexts(FrameFields fields, RawColumns raw) {
        for (int place = 0; place < TEXT_FIELDS.length; place++) {
            int length = raw.lengths[place];
            boolean fits = length < 0
                    ? !fields.has(TEXT_FIELDS[place])
                    : fields.isText(TEXT_FIELDS[place], raw.row, raw.offsets[place], length);
            if (!fits) {
                return false;
            }
        }
        return Objects.equals(lineage(fields), raw.lineage());
    }

    private static @Nullable String lineage(FrameFields fields) {
        if (!fields.has(AuditField.READS) && !fields.has(AuditField.WRITES)) {
            return null;
        }
        StringJoiner lines = new StringJoiner("\n");
        addLines(lines, AuditColumns.READS, fields.texts(AuditField.READS));
        addLines(lines, AuditColumns.WRITES, fields.texts(AuditField.WRITES));
        return lines.toString();
    }

    private static void addLines(StringJoiner lines, String list, List<String> uris) {
        for (int i = 0; i < uris.size(); i++) {
            lines.add(list + i + "] " + uris.get(i).replace("\\", "\\\\").replace("\n", "\\n"));
        }
    }

    /** As the format page names it, where this version knows it. */
    private static String name(int field) {
        return Erasable.ofField(field).map(Erasable::text).orElse("field " + field);
    }

    /** A value of the frame, or beside it. */
    private static @Nullable String part(FrameFields fields, SortedMap<Integer, String> values, Erasable part) {
        String text = fields.text(part.field());
        return text == null ? values.get(part.field()) : text;
    }

    /** What the frame has in place of values beside it, by field. */
    public SortedMap<Integer, Digest> commitments(byte[] frame) {
        return commitments(FrameFields.read(frame));
    }

    @Override
    public Optional<ErasureNotice> erasure(FrameFields fields) {
        if (!ErasureEvents.TYPE.equals(fields.text(FrameFields.TYPE))) {
            return Optional.empty();
        }
        return Optional.of(ErasureEvents.read(Envelope.of(fields).seq(), fields.text(AuditField.PAYLOAD)));
    }

    @Override
    public void mentions(FrameFields fields, Consumer<String> names) {
        if (fields.startsWith(AuditField.ON_BEHALF_OF, PSEUDONYM)) {
            names.accept(fields.requiredText(AuditField.ON_BEHALF_OF));
        }
        if (fields.startsWith(AuditField.IDEMPOTENCY_KEY, SPOOL_KEY)) {
            SpooledBatch.spool(fields.requiredText(AuditField.IDEMPOTENCY_KEY))
                    .ifPresent(id -> names.accept(MENTIONED_SPOOL + id));
        }
    }

    @Override
    public SortedMap<Integer, Digest> commitments(FrameFields fields) {
        if (!fields.has(AuditField.PAYLOAD_COMMITMENTS)) {
            return Collections.emptySortedMap();
        }
        SortedMap<Integer, Digest> commitments = new TreeMap<>();
        ByteBuffer list = commitmentBytes(fields);
        while (list.remaining() >= COMMITMENT_BYTES) {
            int field = Short.toUnsignedInt(list.getShort());
            byte[] digest = new byte[Digest.LENGTH];
            list.get(digest);
            commitments.put(field, Digest.of(digest));
        }
        return commitments;
    }

    private static AuditEvent event(
            String type, FrameFields fields, SortedMap<Integer, String> values, Set<Erasable> erasable) {
        return new AuditEvent(
                type,
                fields.text(AuditField.CATEGORY),
                Subject.parse(fields.requiredText(AuditField.ACTOR)),
                fields.text(AuditField.ROLE),
                new Action(fields.requiredText(AuditField.ACTION)),
                ResourcePath.parse(fields.requiredText(AuditField.RESOURCE)),
                new Environment(fields.requiredText(AuditField.ENV)),
                Outcome.ofNumber(fields.requiredU8(AuditField.OUTCOME)),
                instant(fields.i64(AuditField.OCCURRED_AT)),
                fields.text(AuditField.RUN_ID),
                fields.text(AuditField.DECISION_ID),
                part(fields, values, Erasable.REASON),
                fields.has(AuditField.OVERRIDE),
                part(fields, values, Erasable.PAYLOAD),
                fields.texts(AuditField.READS),
                fields.texts(AuditField.WRITES),
                optional(part(fields, values, Erasable.ON_BEHALF_OF), Subject::parse),
                optional(fields.text(AuditField.ACTOR_TENANT), TenantId::new),
                erasable,
                fields.text(AuditField.TRACE_CONTEXT));
    }

    /** The fields, all of them known and of their form. */
    private static FrameFields read(byte[] frame) {
        return check(FrameFields.read(frame));
    }

    private static FrameFields check(FrameFields fields) {
        fields.forEachBodyNumber(number -> checkForm(fields, number));
        for (int number : REQUIRED) {
            if (!fields.has(number) && !isCommitted(fields, number)) {
                throw new MalformedFrameException("field " + number + " is missing");
            }
        }
        return fields;
    }

    private static void checkForm(FrameFields fields, int number) {
        switch (number) {
            case AuditField.CATEGORY,
                    AuditField.ACTOR,
                    AuditField.ACTOR_TENANT,
                    AuditField.ON_BEHALF_OF,
                    AuditField.ROLE,
                    AuditField.ACTION,
                    AuditField.RESOURCE,
                    AuditField.ENV,
                    AuditField.RUN_ID,
                    AuditField.DECISION_ID,
                    AuditField.REASON,
                    AuditField.PAYLOAD,
                    AuditField.TRACE_CONTEXT,
                    AuditField.IDEMPOTENCY_KEY -> fields.requireText(number);
            case AuditField.READS, AuditField.WRITES, AuditField.MASKED -> fields.texts(number);
            case AuditField.OUTCOME -> Outcome.ofNumber(fields.requiredU8(number));
            case AuditField.OCCURRED_AT -> fields.requiredI64(number);
            case AuditField.OVERRIDE -> checkOverride(fields.requiredU8(number));
            case AuditField.PAYLOAD_COMMITMENTS -> checkCommitments(fields);
            default -> throw new MalformedFrameException("field " + number + " is unknown");
        }
    }

    private static void checkOverride(int value) {
        if (value != 1) {
            throw new MalformedFrameException("field " + AuditField.OVERRIDE + " is " + value + ": expected 1");
        }
    }

    /** Ascending, and each in place of a field: a value stands either in the frame or beside it. */
    private static void checkCommitments(FrameFields fields) {
        ByteBuffer commitments = commitmentBytes(fields);
        int last = AuditField.CATEGORY - 1;
        do {
            int number = commitments.remaining() < COMMITMENT_BYTES ? 0 : nextCommitted(commitments);
            if (number <= last || number >= AuditField.PAYLOAD_COMMITMENTS || fields.has(number)) {
                throw new MalformedFrameException(
                        "the commitments in field " + AuditField.PAYLOAD_COMMITMENTS + " are malformed");
            }
            last = number;
        } while (commitments.hasRemaining());
    }

    private static boolean isCommitted(FrameFields fields, int number) {
        ByteBuffer commitments = commitmentBytes(fields);
        while (commitments.hasRemaining()) {
            if (nextCommitted(commitments) == number) {
                return true;
            }
        }
        return false;
    }

    private static ByteBuffer commitmentBytes(FrameFields fields) {
        byte[] value = fields.bytes(AuditField.PAYLOAD_COMMITMENTS);
        return ByteBuffer.wrap(value == null ? new byte[0] : value);
    }

    private static int nextCommitted(ByteBuffer commitments) {
        int number = Short.toUnsignedInt(commitments.getShort());
        commitments.position(commitments.position() + Digest.LENGTH);
        return number;
    }

    private static @Nullable String text(@Nullable Object value) {
        return value == null ? null : value.toString();
    }

    private static <T> @Nullable T optional(@Nullable String text, Function<String, T> form) {
        return text == null ? null : form.apply(text);
    }

    private static @Nullable Long micros(@Nullable Instant time) {
        return time == null ? null : Frame.micros(time);
    }

    private static @Nullable Instant instant(@Nullable Long micros) {
        return micros == null ? null : Frame.instant(micros);
    }

    /** Columns with values; an absent value has none. */
    private static final class Columns {

        private final SortedMap<String, String> byName = new TreeMap<>();

        void put(String name, @Nullable Object value) {
            if (value != null) {
                byName.put(name, value.toString());
            }
        }
    }
}
