package dev.assize.server.endpoint.grpc;

import com.google.protobuf.CodedOutputStream;
import com.google.rpc.Status;
import dev.assize.proto.v1.CheckStreamRequest;
import dev.assize.proto.v1.CheckStreamResponse;
import dev.assize.server.model.PlainNames;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/**
 * Reads where the question of a `CheckStreamRequest` lies, and writes its answer back; {@link PlainQuestion} reads the
 * question. Keeps no message.
 */
final class PlainStreamRequest {

    private static final int CORRELATION = PlainQuestion.tag(CheckStreamRequest.CORRELATION_ID_FIELD_NUMBER);
    private static final int CHECK = PlainQuestion.tag(CheckStreamRequest.CHECK_FIELD_NUMBER);
    private static final byte RESPONSE = (byte) PlainQuestion.tag(CheckStreamResponse.RESPONSE_FIELD_NUMBER);

    private int correlationOffset;
    private int correlationLength;
    private int from;
    private int to;

    /** Whether it is read whole: at most one plain correlation, then one question. */
    boolean read(byte[] message) {
        correlationOffset = 0;
        correlationLength = 0;
        int at = 0;
        if (message.length > 0 && message[0] == CORRELATION) {
            correlationLength = PlainQuestion.length(message, 1, message.length);
            if (correlationLength < 0) {
                return false;
            }
            correlationOffset = 1 + PlainQuestion.lengthBytes(correlationLength);
            at = correlationOffset + correlationLength;
            if (correlationLength > StreamAnswers.CORRELATION_BYTES
                    || !PlainNames.isClean(message, correlationOffset, correlationLength)) {
                return false;
            }
        }
        if (at >= message.length || message[at] != CHECK) {
            return false;
        }
        int length = PlainQuestion.length(message, at + 1, message.length);
        from = at + 1 + PlainQuestion.lengthBytes(length);
        to = from + length;
        return length >= 0 && to == message.length;
    }

    /** Where the question begins. */
    int from() {
        return from;
    }

    /** Where it ends. */
    int to() {
        return to;
    }

    /** A response to the message that was read, which says why there is no answer. */
    CheckStreamResponse failed(byte[] message, Status error) {
        return CheckStreamResponse.newBuilder()
                .setCorrelationId(new String(message, correlationOffset, correlationLength, StandardCharsets.US_ASCII))
                .setError(error)
                .build();
    }

    /** A `CheckStreamResponse` to the message that was read, of the answer, a whole `CheckResponse`. */
    MessageBytes answered(byte[] message, byte[] answer) {
        int correlationBytes = correlationLength == 0 ? 0 : correlationOffset + correlationLength;
        int head = correlationBytes + 1 + CodedOutputStream.computeUInt32SizeNoTag(answer.length);
        byte[] response = new byte[head + answer.length];
        System.arraycopy(message, 0, response, 0, correlationBytes);
        writeLength(response, correlationBytes, head, answer.length);
        System.arraycopy(answer, 0, response, head, answer.length);
        return new MessageBytes(response);
    }

    private static void writeLength(byte[] response, int from, int to, int length) {
        CodedOutputStream out = CodedOutputStream.newInstance(response, from, to - from);
        try {
            out.write(RESPONSE);
            out.writeUInt32NoTag(length);
        } catch (IOException impossible) {
            throw new UncheckedIOException(impossible);
        }
    }
}
