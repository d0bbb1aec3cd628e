package dev.assize.server.endpoint.grpc;

import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.MessageLite;
import dev.assize.proto.v1.CheckBatchResponse;
import dev.assize.proto.v1.CheckBatchResult;
import dev.assize.proto.v1.Detail;
import dev.assize.server.decision.check.Answer;
import dev.assize.server.endpoint.call.Fields;
import dev.assize.server.model.Reason;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;

/** Writes the bytes of a `CheckBatchResponse`, one result after the other. */
final class BatchWriter {

    private static final byte RESULTS = (byte) PlainQuestion.tag(CheckBatchResponse.RESULTS_FIELD_NUMBER);
    private static final byte RESPONSE = (byte) PlainQuestion.tag(CheckBatchResult.RESPONSE_FIELD_NUMBER);

    private static final int MINIMAL_BYTES = AnswerWriter.MINIMAL_BYTES;

    private byte[] bytes;
    private int size;

    /** For about so many results. */
    BatchWriter(int results) {
        this.bytes = new byte[results * (MINIMAL_BYTES + 2 * 2)];
    }

    /** A result that says decision and reason only. */
    void minimal(Reason reason) {
        makeRoom(MINIMAL_BYTES + 2 * 2);
        bytes[size++] = RESULTS;
        bytes[size++] = MINIMAL_BYTES + 2;
        bytes[size++] = RESPONSE;
        bytes[size++] = MINIMAL_BYTES;
        AnswerWriter.minimal(reason, bytes, size);
        size += MINIMAL_BYTES;
    }

    void answer(Answer answer, String decisionId, Detail detail) {
        AnswerWriter writer = new AnswerWriter(answer, decisionId, detail);
        int answerSize = writer.size();
        int resultSize = 1 + CodedOutputStream.computeUInt32SizeNoTag(answerSize) + answerSize;
        write(resultSize, out -> {
            out.write(RESPONSE);
            out.writeUInt32NoTag(answerSize);
            writer.write(out);
        });
    }

    void message(MessageLite result) {
        write(result.getSerializedSize(), result::writeTo);
    }

    MessageBytes bytes() {
        return new MessageBytes(size == bytes.length ? bytes : Arrays.copyOf(bytes, size));
    }

    private void write(int resultSize, Fields fields) {
        int all = 1 + CodedOutputStream.computeUInt32SizeNoTag(resultSize) + resultSize;
        makeRoom(all);
        CodedOutputStream out = CodedOutputStream.newInstance(bytes, size, all);
        try {
            out.write(RESULTS);
            out.writeUInt32NoTag(resultSize);
            fields.writeTo(out);
        } catch (IOException impossible) {
            throw new UncheckedIOException(impossible);
        }
        out.checkNoSpaceLeft();
        size += all;
    }

    private void makeRoom(int more) {
        if (bytes.length - size < more) {
            bytes = Arrays.copyOf(bytes, Math.max(2 * bytes.length, size + more));
        }
    }

    /** What a result says. */
    private interface Fields {
        void writeTo(CodedOutputStream out) throws IOException;
    }
}
