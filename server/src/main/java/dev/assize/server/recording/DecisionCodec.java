package dev.assize.server.recording;

import dev.assize.server.decision.DecisionMade;
import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.Answer.DecidedBy;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.check.CheckQuery.Delegator;
import dev.assize.server.model.Digest;
import dev.assize.server.model.Reason;
import dev.assize.server.policy.Document.Obligation;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The one encoding of decisions into records, and back.
 *
 * <p>Each record has a salt that nobody can guess: who is shown one record with its path sees the hashes of others, and
 * could otherwise try out what they say. It is drawn from a secret of this process and the decision's id, for a generator
 * that all checks shared would make them wait for each other; a thread that has a desk draws from {@link Salts} of its own.
 */
public final class DecisionCodec {

    private static final int SECRET_BYTES = 32;
    private static final int ALLOW = 1;
    private static final int DENY = 2;

    private final byte[] secret = new byte[SECRET_BYTES];

    public DecisionCodec() {
        new SecureRandom().nextBytes(secret);
    }

    /** The decision as a record. */
    byte[] encode(DecisionMade made) {
        CheckQuery query = made.query();
        Answer answer = made.answer();
        Delegator delegator = query.onBehalfOf();
        byte[] salt = salt(made.id());
        RecordBytes record = new RecordBytes()
                .bytes(RecordField.SALT, salt)
                .text(RecordField.DECISION_ID, made.id())
                .i64(RecordField.DECIDED_AT, micros(made.decidedAt()))
                .text(RecordField.CALLER, made.caller().caller().toString())
                .text(RecordField.CALLER_TENANT, made.caller().home().value())
                .text(RecordField.SUBJECT, query.subject().toString())
                .text(RecordField.SUBJECT_TENANT, query.subjectTenant().value())
                .text(
                        RecordField.ON_BEHALF_OF,
                        delegator == null ? null : delegator.subject().toString())
                .text(
                        RecordField.ON_BEHALF_OF_TENANT,
                        delegator == null ? null : delegator.home().value())
                .text(RecordField.ACTION, query.action().value())
                .text(RecordField.RESOURCE, query.resource().value())
                .text(RecordField.ENV, query.env().value())
                .text(RecordField.RUN_ID, query.runId())
                .texts(RecordField.ACTIVE_ROLES, query.activeRoles());
        putAnswer(record, answer);
        return record.bytes(RecordField.ATTRIBUTES, AttributesDigest.of(salt, query))
                .text(RecordField.TRACE_CONTEXT, made.traceContext())
                .toBytes();
    }

    /** The fields of what was answered, which stand together. */
    static void putAnswer(RecordBytes record, Answer answer) {
        record.u8(RecordField.DECISION, answer.reason().isAllow() ? ALLOW : DENY)
                .text(RecordField.REASON, answer.reason().name())
                .text(
                        RecordField.DELEGATOR_REASON,
                        answer.delegatorReason() == null
                                ? null
                                : answer.delegatorReason().name());
        putDecidedBy(record, answer.decidedBy());
        record.i64(RecordField.REVISION, answer.revision().value())
                .i64(RecordField.PLATFORM_REVISION, answer.platformRevision().value())
                .text(RecordField.APPROVAL_ID, answer.approvalId());
        if (!answer.obligations().isEmpty()) {
            record.texts(
                    RecordField.OBLIGATIONS,
                    answer.obligations().stream().map(Obligation::id).toList());
        }
    }

    private static void putDecidedBy(RecordBytes record, @Nullable DecidedBy decidedBy) {
        switch (decidedBy) {
            case null -> {}
            case DecidedBy.Grant(String binding, String role, int position) ->
                record.text(RecordField.BINDING, binding)
                        .text(RecordField.ROLE, role)
                        .u32(RecordField.RULE, position);
            case DecidedBy.Freeze(String name) -> record.text(RecordField.FREEZE, name);
            case DecidedBy.Duty(String name) -> record.text(RecordField.SEPARATION_OF_DUTY, name);
            case DecidedBy.Approval(String name) -> record.text(RecordField.APPROVAL_RULE, name);
        }
    }

    private byte[] salt(String decisionId) {
        byte[] hash = Digest.sha256(secret, decisionId.getBytes(StandardCharsets.UTF_8))
                .bytes();
        return Arrays.copyOf(hash, Salts.BYTES);
    }

    /**
     * What a record says.
     *
     * @throws MalformedRecordException where the bytes are none
     */
    public static DecisionRecord decode(byte[] record) {
        RecordFields fields = RecordFields.read(record);
        byte[] _ = fields.requiredBytes(RecordField.SALT, Salts.BYTES);
        return new DecisionRecord(
                fields.requiredText(RecordField.DECISION_ID),
                instant(fields.requiredI64(RecordField.DECIDED_AT)),
                fields.requiredText(RecordField.CALLER),
                fields.requiredText(RecordField.CALLER_TENANT),
                fields.requiredText(RecordField.SUBJECT),
                fields.requiredText(RecordField.SUBJECT_TENANT),
                fields.text(RecordField.ON_BEHALF_OF),
                fields.has(RecordField.ON_BEHALF_OF)
                        ? fields.requiredText(RecordField.ON_BEHALF_OF_TENANT)
                        : absent(fields, RecordField.ON_BEHALF_OF_TENANT),
                fields.requiredText(RecordField.ACTION),
                fields.requiredText(RecordField.RESOURCE),
                fields.requiredText(RecordField.ENV),
                fields.text(RecordField.RUN_ID),
                fields.texts(RecordField.ACTIVE_ROLES),
                reason(fields),
                fields.has(RecordField.DELEGATOR_REASON)
                        ? reason(fields.requiredText(RecordField.DELEGATOR_REASON))
                        : null,
                decidedBy(fields),
                fields.requiredU64(RecordField.REVISION),
                fields.requiredU64(RecordField.PLATFORM_REVISION),
                fields.text(RecordField.APPROVAL_ID),
                fields.texts(RecordField.OBLIGATIONS),
                fields.has(RecordField.ATTRIBUTES)
                        ? fields.requiredBytes(RecordField.ATTRIBUTES, Digest.LENGTH)
                        : new byte[0],
                fields.text(RecordField.TRACE_CONTEXT));
    }

    private static Reason reason(RecordFields fields) {
        Reason reason = reason(fields.requiredText(RecordField.REASON));
        if (fields.requiredU8(RecordField.DECISION) != (reason.isAllow() ? ALLOW : DENY)) {
            throw new MalformedRecordException("its decision and its reason contradict each other");
        }
        return reason;
    }

    private static Reason reason(String name) {
        try {
            return Reason.valueOf(name);
        } catch (IllegalArgumentException e) {
            throw new MalformedRecordException("reason `" + name + "` is unknown");
        }
    }

    private static @Nullable DecidedBy decidedBy(RecordFields fields) {
        DecidedBy found = null;
        int parties = 0;
        if (fields.has(RecordField.BINDING) || fields.has(RecordField.ROLE) || fields.has(RecordField.RULE)) {
            found = new DecidedBy.Grant(
                    fields.requiredText(RecordField.BINDING),
                    fields.requiredText(RecordField.ROLE),
                    fields.requiredU32(RecordField.RULE));
            parties++;
        }
        if (fields.has(RecordField.FREEZE)) {
            found = new DecidedBy.Freeze(fields.requiredText(RecordField.FREEZE));
            parties++;
        }
        if (fields.has(RecordField.SEPARATION_OF_DUTY)) {
            found = new DecidedBy.Duty(fields.requiredText(RecordField.SEPARATION_OF_DUTY));
            parties++;
        }
        if (fields.has(RecordField.APPROVAL_RULE)) {
            found = new DecidedBy.Approval(fields.requiredText(RecordField.APPROVAL_RULE));
            parties++;
        }
        if (parties > 1) {
            throw new MalformedRecordException("it names more than one that decided");
        }
        return found;
    }

    private static @Nullable String absent(RecordFields fields, int number) {
        if (fields.has(number)) {
            throw new MalformedRecordException("field " + number + " stands without its companion");
        }
        return null;
    }

    static long micros(Instant time) {
        return ChronoUnit.MICROS.between(Instant.EPOCH, time);
    }

    static Instant instant(long micros) {
        return Instant.EPOCH.plus(micros, ChronoUnit.MICROS);
    }
}
