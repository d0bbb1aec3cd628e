package dev.assize.server.endpoint.call;

import dev.assize.proto.v1.CheckRequest;
import dev.assize.server.decision.check.CheckQuery;

/** Questions as messages, for tests of other rooms. */
public final class Questions {

    private Questions() {}

    /** The message that asks for everything an answer can say. */
    public static CheckRequest of(CheckQuery query) {
        return CheckMessages.request(query);
    }
}
