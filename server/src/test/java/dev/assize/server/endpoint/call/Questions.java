package dev.assize.server.endpoint.call;

import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.CheckQuery;

/** Questions and answers as messages, for tests of other rooms. */
public final class Questions {

    private Questions() {}

    /** The message that asks for everything an answer can say. */
    public static CheckRequest of(CheckQuery query) {
        return CheckMessages.request(query);
    }

    /** What a centre's answer says. */
    public static Answer answer(CheckResponse response) {
        return CheckMessages.answer(response);
    }
}
