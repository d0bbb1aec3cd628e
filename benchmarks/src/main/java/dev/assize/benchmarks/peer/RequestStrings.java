package dev.assize.benchmarks.peer;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.assize.benchmarks.RequestMessage;
import dev.assize.proto.v1.CheckRequest;
import java.util.List;

/**
 * What whoever decides by strings makes of a question as it comes: the generated code of the message reads its bytes, and
 * the types are cut off where they are not asked for.
 */
final class RequestStrings {

    private RequestStrings() {}

    /** The same bytes as {@link AssizeDesk} is asked with. */
    static byte[][] messages(List<Question> questions) {
        return questions.stream().map(AssizePeer::query).map(RequestMessage::of).toArray(byte[][]::new);
    }

    static CheckRequest read(byte[] message) {
        try {
            return CheckRequest.parseFrom(message);
        } catch (InvalidProtocolBufferException e) {
            throw new IllegalStateException(e);
        }
    }

    static String user(CheckRequest request) {
        String subject = request.getSubject();
        return subject.substring(subject.indexOf(':') + 1);
    }

    static String type(CheckRequest request) {
        String resource = request.getResource();
        return resource.substring(0, resource.indexOf(':'));
    }
}
