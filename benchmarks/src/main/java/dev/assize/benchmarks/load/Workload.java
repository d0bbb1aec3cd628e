package dev.assize.benchmarks.load;

import com.google.protobuf.MessageLite;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * Requests of one kind, encoded before anything is measured, and what is to come back. They are asked one after the other,
 * and again from the beginning.
 *
 * @param world what they are about, as the report says it
 * @param call as the report says it: `Check`, `CheckBatch 100`, `CheckStream`
 * @param frames each as it travels: a byte that says uncompressed, the length in four bytes, and the message
 * @param decisions asked with one request
 * @param answers tells right ones
 */
record Workload(String world, String call, Kind kind, byte[][] frames, int decisions, AnswerCheck answers) {

    static final int PREFIX_BYTES = 5;

    Workload {
        if (frames.length == 0) {
            throw new IllegalArgumentException("No requests");
        }
    }

    static byte[][] frames(List<? extends MessageLite> messages) {
        return messages.stream().map(Workload::frame).toArray(byte[][]::new);
    }

    /** The same requests, put to a server that answers each of them the same way. */
    Workload answeredBy(AnswerCheck check) {
        return new Workload(world, call, kind, frames, decisions, check);
    }

    private static byte[] frame(MessageLite message) {
        byte[] bytes = message.toByteArray();
        return ByteBuffer.allocate(PREFIX_BYTES + bytes.length)
                .put((byte) 0)
                .putInt(bytes.length)
                .put(bytes)
                .array();
    }

    /** Which RPC. */
    enum Kind {
        /** Its answers begin with the decision. */
        CHECK("Check", 0x08),
        /** Its answers begin with the first result. */
        BATCH("CheckBatch", 0x0a),
        /** Its answers, to requests without a correlation id, begin with the response; an error begins otherwise. */
        STREAM("CheckStream", 0x12);

        private final String rpc;
        private final int firstByte;

        Kind(String rpc, int firstByte) {
            this.rpc = rpc;
            this.firstByte = firstByte;
        }

        String path() {
            return "/assize.v1.DecisionService/" + rpc;
        }

        /** What every right answer begins with. */
        int firstByte() {
            return firstByte;
        }
    }

    /** Whether an answer is the right one to a request. */
    interface AnswerCheck {

        boolean isRight(int request, byte[] message) throws java.io.IOException;
    }
}
