package dev.assize.server.endpoint.grpc;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.Timestamp;
import com.google.protobuf.WireFormat;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.DecidedBy;
import dev.assize.proto.v1.Detail;
import dev.assize.server.decision.check.Answer;
import dev.assize.server.model.Reason;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Writes answers as the bytes of `CheckResponse`, field by field in the order of their numbers. {@link AnswerTranslator}
 * says the same in messages, and takes five objects for it; a test compares the two.
 */
final class AnswerWriter {

    /** Of an answer that says decision and reason only. */
    static final int MINIMAL_BYTES = 4;

    /** These, by the reason; nobody changes them. */
    private static final Map<Reason, byte[]> MINIMAL = newMinimal();

    private static final byte[] NONE = {};

    private final Answer answer;
    private final boolean full;

    // Encoded once: each is counted, some in two lengths, and then written.
    private final byte[] decisionId;
    private final byte[] approvalId;
    private final @Nullable By decidedBy;
    private final int size;

    AnswerWriter(Answer answer, String decisionId, Detail detail) {
        this.answer = answer;
        this.full = detail != Detail.DETAIL_MINIMAL;
        this.decisionId = full ? utf8(decisionId) : NONE;
        this.approvalId = full ? utf8(answer.approvalId()) : NONE;
        this.decidedBy = full ? By.of(answer.decidedBy()) : null;
        this.size = CodedOutputStream.computeEnumSize(CheckResponse.DECISION_FIELD_NUMBER, decision(answer))
                + CodedOutputStream.computeEnumSize(CheckResponse.REASON_FIELD_NUMBER, reason(answer.reason()))
                + (full ? sizeOfRest() : 0)
                + (answer.isHistorical()
                        ? CodedOutputStream.computeBoolSize(CheckResponse.HISTORICAL_FIELD_NUMBER, true)
                        : 0);
    }

    /** A whole `CheckResponse`. */
    MessageBytes response() {
        byte[] bytes = new byte[size];
        CodedOutputStream out = CodedOutputStream.newInstance(bytes);
        try {
            write(out);
        } catch (IOException impossible) {
            throw new UncheckedIOException(impossible);
        }
        out.checkNoSpaceLeft();
        return new MessageBytes(bytes);
    }

    /** A `CheckResponse` that says decision and reason only. */
    static MessageBytes minimal(Reason reason) {
        return new MessageBytes(minimalBytes(reason));
    }

    /** The same four bytes among others. */
    static void minimal(Reason reason, byte[] bytes, int offset) {
        System.arraycopy(minimalBytes(reason), 0, bytes, offset, MINIMAL_BYTES);
    }

    private static byte[] minimalBytes(Reason reason) {
        return Objects.requireNonNull(MINIMAL.get(reason));
    }

    private static Map<Reason, byte[]> newMinimal() {
        Map<Reason, byte[]> all = new EnumMap<>(Reason.class);
        for (Reason reason : Reason.values()) {
            all.put(reason, newMinimal(reason));
        }
        return all;
    }

    private static byte[] newMinimal(Reason reason) {
        return new byte[] {
            CheckResponse.DECISION_FIELD_NUMBER << 3,
            (byte) AnswerTranslator.decision(reason).getNumber(),
            CheckResponse.REASON_FIELD_NUMBER << 3,
            (byte) reason(reason)
        };
    }

    /** How many bytes {@link #write} will write. */
    int size() {
        return size;
    }

    void write(CodedOutputStream out) throws IOException {
        out.writeEnum(CheckResponse.DECISION_FIELD_NUMBER, decision(answer));
        out.writeEnum(CheckResponse.REASON_FIELD_NUMBER, reason(answer.reason()));
        if (full) {
            writeUpToObligations(out);
        }
        if (answer.isHistorical()) {
            out.writeBool(CheckResponse.HISTORICAL_FIELD_NUMBER, true);
        }
        if (full) {
            writeBehindHistorical(out);
        }
    }

    private int sizeOfRest() {
        int rest = (decidedBy == null ? 0 : decidedBy.size())
                + sizeOf(CheckResponse.REVISION_FIELD_NUMBER, answer.revision().value())
                + sizeOf(
                        CheckResponse.PLATFORM_REVISION_FIELD_NUMBER,
                        answer.platformRevision().value())
                + sizeOf(CheckResponse.DECISION_ID_FIELD_NUMBER, decisionId)
                + sizeOf(answer.validUntil());
        for (var obligation : answer.obligations()) {
            rest += CodedOutputStream.computeMessageSize(
                    CheckResponse.OBLIGATIONS_FIELD_NUMBER, AnswerTranslator.obligation(obligation));
        }
        if (answer.delegatorReason() != null) {
            rest += CodedOutputStream.computeEnumSize(
                    CheckResponse.DELEGATOR_REASON_FIELD_NUMBER, reason(answer.delegatorReason()));
        }
        return rest + sizeOf(CheckResponse.APPROVAL_ID_FIELD_NUMBER, approvalId);
    }

    private void writeUpToObligations(CodedOutputStream out) throws IOException {
        if (decidedBy != null) {
            decidedBy.write(out);
        }
        write(out, CheckResponse.REVISION_FIELD_NUMBER, answer.revision().value());
        write(
                out,
                CheckResponse.PLATFORM_REVISION_FIELD_NUMBER,
                answer.platformRevision().value());
        write(out, CheckResponse.DECISION_ID_FIELD_NUMBER, decisionId);
        writeValidUntil(out, answer.validUntil());
        for (var obligation : answer.obligations()) {
            out.writeMessage(CheckResponse.OBLIGATIONS_FIELD_NUMBER, AnswerTranslator.obligation(obligation));
        }
    }

    private void writeBehindHistorical(CodedOutputStream out) throws IOException {
        if (answer.delegatorReason() != null) {
            out.writeEnum(CheckResponse.DELEGATOR_REASON_FIELD_NUMBER, reason(answer.delegatorReason()));
        }
        write(out, CheckResponse.APPROVAL_ID_FIELD_NUMBER, approvalId);
    }

    /**
     * A `DecidedBy`.
     *
     * @param field of the name
     * @param role and the rule are a grant's, and empty where it is none
     */
    private record By(int field, byte[] name, byte[] role, byte[] rule, int fieldsSize) {

        static @Nullable By of(Answer.@Nullable DecidedBy decidedBy) {
            return switch (decidedBy) {
                case null -> null;
                case Answer.DecidedBy.Grant(String binding, String role, int position) ->
                    of(DecidedBy.BINDING_FIELD_NUMBER, binding, utf8(role), utf8(AnswerTranslator.rule(position)));
                case Answer.DecidedBy.Freeze(String name) -> of(DecidedBy.FREEZE_FIELD_NUMBER, name, NONE, NONE);
                case Answer.DecidedBy.Duty(String name) ->
                    of(DecidedBy.SEPARATION_OF_DUTY_FIELD_NUMBER, name, NONE, NONE);
                case Answer.DecidedBy.Approval(String name) ->
                    of(DecidedBy.APPROVAL_RULE_FIELD_NUMBER, name, NONE, NONE);
            };
        }

        private static By of(int field, String text, byte[] role, byte[] rule) {
            byte[] name = utf8(text);
            return new By(
                    field,
                    name,
                    role,
                    rule,
                    sizeOf(field, name)
                            + sizeOf(DecidedBy.ROLE_FIELD_NUMBER, role)
                            + sizeOf(DecidedBy.RULE_FIELD_NUMBER, rule));
        }

        int size() {
            return CodedOutputStream.computeTagSize(CheckResponse.DECIDED_BY_FIELD_NUMBER)
                    + CodedOutputStream.computeUInt32SizeNoTag(fieldsSize)
                    + fieldsSize;
        }

        void write(CodedOutputStream out) throws IOException {
            out.writeTag(CheckResponse.DECIDED_BY_FIELD_NUMBER, WireFormat.WIRETYPE_LENGTH_DELIMITED);
            out.writeUInt32NoTag(fieldsSize);
            AnswerWriter.write(out, field, name);
            AnswerWriter.write(out, DecidedBy.ROLE_FIELD_NUMBER, role);
            AnswerWriter.write(out, DecidedBy.RULE_FIELD_NUMBER, rule);
        }
    }

    /** A `Timestamp`: seconds, then nanoseconds, each left out where 0. */
    private static int sizeOf(@Nullable Instant validUntil) {
        return validUntil == null
                ? 0
                : CodedOutputStream.computeTagSize(CheckResponse.VALID_UNTIL_FIELD_NUMBER) + 1 + fieldsSize(validUntil);
    }

    private static int fieldsSize(Instant instant) {
        return sizeOf(Timestamp.SECONDS_FIELD_NUMBER, instant.getEpochSecond())
                + (instant.getNano() == 0
                        ? 0
                        : CodedOutputStream.computeInt32Size(Timestamp.NANOS_FIELD_NUMBER, instant.getNano()));
    }

    private static void writeValidUntil(CodedOutputStream out, @Nullable Instant validUntil) throws IOException {
        if (validUntil == null) {
            return;
        }
        out.writeTag(CheckResponse.VALID_UNTIL_FIELD_NUMBER, WireFormat.WIRETYPE_LENGTH_DELIMITED);
        out.writeUInt32NoTag(fieldsSize(validUntil));
        long seconds = validUntil.getEpochSecond();
        int nanos = validUntil.getNano();
        write(out, Timestamp.SECONDS_FIELD_NUMBER, seconds);
        if (nanos != 0) {
            out.writeInt32(Timestamp.NANOS_FIELD_NUMBER, nanos);
        }
    }

    private static int sizeOf(int field, byte[] text) {
        return text.length == 0 ? 0 : CodedOutputStream.computeByteArraySize(field, text);
    }

    private static int sizeOf(int field, long number) {
        return number == 0 ? 0 : CodedOutputStream.computeInt64Size(field, number);
    }

    private static void write(CodedOutputStream out, int field, byte[] text) throws IOException {
        if (text.length > 0) {
            out.writeByteArray(field, text);
        }
    }

    private static void write(CodedOutputStream out, int field, long number) throws IOException {
        if (number != 0) {
            out.writeInt64(field, number);
        }
    }

    private static byte[] utf8(@Nullable String text) {
        return text == null ? NONE : text.getBytes(UTF_8);
    }

    private static int decision(Answer answer) {
        return AnswerTranslator.decision(answer.reason()).getNumber();
    }

    private static int reason(Reason reason) {
        return AnswerTranslator.reason(reason).getNumber();
    }
}
