package dev.assize.server.recording;

import dev.assize.server.decision.DeskDecision;
import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.CheckBytes;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.Subject;
import java.nio.charset.StandardCharsets;

/**
 * Encodes the decisions of one thread's desk, as {@link DecisionCodec} does those whose questions were read into something
 * that keeps: their names are copied as the bytes that they are. A test holds the records of both against each other.
 */
final class DeskCodec {

    private final RecordBytes record = new RecordBytes();
    private final Salts salts = new Salts();

    /** Who asked last, as whoever asks often does. */
    private Subject caller = Recorder.ASSIZE.caller();

    private byte[] callerBytes = utf8(caller.toString());

    /** The decision as a record. */
    byte[] encode(DeskDecision made) {
        CheckBytes names = made.names();
        Answer answer = made.answer();
        byte[] bytes = names.bytes();
        record.again()
                .bytes(RecordField.SALT, salts.next())
                .text(RecordField.DECISION_ID, made.id())
                .i64(RecordField.DECIDED_AT, DecisionCodec.micros(made.decidedAt()))
                .bytes(RecordField.CALLER, bytesOf(made.caller().caller()))
                .text(RecordField.CALLER_TENANT, made.caller().home().value())
                .bytes(RecordField.SUBJECT, bytes, names.subjectOffset(), names.subjectLength())
                .text(RecordField.SUBJECT_TENANT, made.tenant().value())
                .bytes(RecordField.ACTION, bytes, names.actionOffset(), names.actionLength())
                .bytes(RecordField.RESOURCE, bytes, names.resourceOffset(), names.resourceLength())
                .bytes(RecordField.ENV, names.envBytes(), names.envOffset(), names.envLength());
        DecisionCodec.putAnswer(record, answer);
        return record.text(RecordField.TRACE_CONTEXT, made.traceContext()).toBytes();
    }

    private byte[] bytesOf(Subject asks) {
        if (!asks.equals(caller)) {
            caller = asks;
            callerBytes = utf8(asks.toString());
        }
        return callerBytes;
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
