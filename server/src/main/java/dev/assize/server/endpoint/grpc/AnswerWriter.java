package dev.assize.server.endpoint.grpc;

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

    private AnswerWriter() {}

    /** A whole `CheckResponse`. */
    static MessageBytes response(Answer answer, String decisionId, Detail detail) {
        byte[] bytes = new byte[size(answer, decisionId, detail)];
        CodedOutputStream out = CodedOutputStream.newInstance(bytes);
        try {
            write(out, answer, decisionId, detail);
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
    static int size(Answer answer, String decisionId, Detail detail) {
        int size = CodedOutputStream.computeEnumSize(CheckResponse.DECISION_FIELD_NUMBER, decision(answer))
                + CodedOutputStream.computeEnumSize(CheckResponse.REASON_FIELD_NUMBER, reason(answer.reason()));
        if (detail != Detail.DETAIL_MINIMAL) {
            size += sizeOfRest(answer, decisionId);
        }
        return size
                + (answer.isHistorical()
                        ? CodedOutputStream.computeBoolSize(CheckResponse.HISTORICAL_FIELD_NUMBER, true)
                        : 0);
    }

    static void write(CodedOutputStream out, Answer answer, String decisionId, Detail detail) throws IOException {
        boolean full = detail != Detail.DETAIL_MINIMAL;
        out.writeEnum(CheckResponse.DECISION_FIELD_NUMBER, decision(answer));
        out.writeEnum(CheckResponse.REASON_FIELD_NUMBER, reason(answer.reason()));
        if (full) {
            writeUpToObligations(out, answer, decisionId);
        }
        if (answer.isHistorical()) {
            out.writeBool(CheckResponse.HISTORICAL_FIELD_NUMBER, true);
        }
        if (full) {
            writeBehindHistorical(out, answer);
        }
    }

    private static int sizeOfRest(Answer answer, String decisionId) {
        int size = sizeOf(answer.decidedBy())
                + sizeOf(CheckResponse.REVISION_FIELD_NUMBER, answer.revision().value())
                + sizeOf(
                        CheckResponse.PLATFORM_REVISION_FIELD_NUMBER,
                        answer.platformRevision().value())
                + sizeOf(CheckResponse.DECISION_ID_FIELD_NUMBER, decisionId)
                + sizeOf(answer.validUntil());
        for (var obligation : answer.obligations()) {
            size += CodedOutputStream.computeMessageSize(
                    CheckResponse.OBLIGATIONS_FIELD_NUMBER, AnswerTranslator.obligation(obligation));
        }
        if (answer.delegatorReason() != null) {
            size += CodedOutputStream.computeEnumSize(
                    CheckResponse.DELEGATOR_REASON_FIELD_NUMBER, reason(answer.delegatorReason()));
        }
        return size + sizeOf(CheckResponse.APPROVAL_ID_FIELD_NUMBER, text(answer.approvalId()));
    }

    private static void writeUpToObligations(CodedOutputStream out, Answer answer, String decisionId)
            throws IOException {
        writeDecidedBy(out, answer.decidedBy());
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

    private static void writeBehindHistorical(CodedOutputStream out, Answer answer) throws IOException {
        if (answer.delegatorReason() != null) {
            out.writeEnum(CheckResponse.DELEGATOR_REASON_FIELD_NUMBER, reason(answer.delegatorReason()));
        }
        write(out, CheckResponse.APPROVAL_ID_FIELD_NUMBER, text(answer.approvalId()));
    }

    private static int sizeOf(Answer.@Nullable DecidedBy decidedBy) {
        return decidedBy == null
                ? 0
                : CodedOutputStream.computeTagSize(CheckResponse.DECIDED_BY_FIELD_NUMBER)
                        + CodedOutputStream.computeUInt32SizeNoTag(fieldsSize(decidedBy))
                        + fieldsSize(decidedBy);
    }

    private static int fieldsSize(Answer.DecidedBy decidedBy) {
        return switch (decidedBy) {
            case Answer.DecidedBy.Grant(String binding, String role, int position) ->
                sizeOf(DecidedBy.BINDING_FIELD_NUMBER, binding)
                        + sizeOf(DecidedBy.ROLE_FIELD_NUMBER, role)
                        + sizeOf(DecidedBy.RULE_FIELD_NUMBER, AnswerTranslator.rule(position));
            case Answer.DecidedBy.Freeze(String name) -> sizeOf(DecidedBy.FREEZE_FIELD_NUMBER, name);
            case Answer.DecidedBy.Duty(String name) -> sizeOf(DecidedBy.SEPARATION_OF_DUTY_FIELD_NUMBER, name);
            case Answer.DecidedBy.Approval(String name) -> sizeOf(DecidedBy.APPROVAL_RULE_FIELD_NUMBER, name);
        };
    }

    private static void writeDecidedBy(CodedOutputStream out, Answer.@Nullable DecidedBy decidedBy) throws IOException {
        if (decidedBy == null) {
            return;
        }
        out.writeTag(CheckResponse.DECIDED_BY_FIELD_NUMBER, WireFormat.WIRETYPE_LENGTH_DELIMITED);
        out.writeUInt32NoTag(fieldsSize(decidedBy));
        switch (decidedBy) {
            case Answer.DecidedBy.Grant(String binding, String role, int position) -> {
                write(out, DecidedBy.BINDING_FIELD_NUMBER, binding);
                write(out, DecidedBy.ROLE_FIELD_NUMBER, role);
                write(out, DecidedBy.RULE_FIELD_NUMBER, AnswerTranslator.rule(position));
            }
            case Answer.DecidedBy.Freeze(String name) -> write(out, DecidedBy.FREEZE_FIELD_NUMBER, name);
            case Answer.DecidedBy.Duty(String name) -> write(out, DecidedBy.SEPARATION_OF_DUTY_FIELD_NUMBER, name);
            case Answer.DecidedBy.Approval(String name) -> write(out, DecidedBy.APPROVAL_RULE_FIELD_NUMBER, name);
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

    private static int sizeOf(int field, String text) {
        return text.isEmpty() ? 0 : CodedOutputStream.computeStringSize(field, text);
    }

    private static int sizeOf(int field, long number) {
        return number == 0 ? 0 : CodedOutputStream.computeInt64Size(field, number);
    }

    private static void write(CodedOutputStream out, int field, String text) throws IOException {
        if (!text.isEmpty()) {
            out.writeString(field, text);
        }
    }

    private static void write(CodedOutputStream out, int field, long number) throws IOException {
        if (number != 0) {
            out.writeInt64(field, number);
        }
    }

    private static String text(@Nullable String text) {
        return text == null ? "" : text;
    }

    private static int decision(Answer answer) {
        return AnswerTranslator.decision(answer.reason()).getNumber();
    }

    private static int reason(Reason reason) {
        return AnswerTranslator.reason(reason).getNumber();
    }
}
