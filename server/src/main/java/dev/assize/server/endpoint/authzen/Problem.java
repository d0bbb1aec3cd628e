package dev.assize.server.endpoint.authzen;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

/** What the profile of access requests has a name of its own for, where a request for access is refused (RFC 9457). */
enum Problem {
    NOT_REQUESTABLE("not_requestable", HttpStatus.BAD_REQUEST, "Access is not requestable"),
    EXPIRED_DENIAL("expired_denial", HttpStatus.GONE, "The denial has expired"),
    INVALID_DENIAL_BINDING("invalid_denial_binding", HttpStatus.BAD_REQUEST, "The request is not of this denial"),
    DUPLICATE_REQUEST("duplicate_request", HttpStatus.CONFLICT, "The key was used with another request"),
    UNKNOWN_TASK("unknown_task", HttpStatus.NOT_FOUND, "There is no such task");

    /** The type of what has none of its own: the status says it all. */
    private static final String BLANK = "about:blank";

    private static final String PREFIX = "urn:openid:authzen:access-request:error:";

    private final String type;
    private final int status;
    private final String title;

    Problem(String name, int status, String title) {
        this.type = PREFIX + name;
        this.status = status;
        this.title = title;
    }

    int status() {
        return status;
    }

    ObjectNode body(String detail) {
        return body(type, title, status, detail);
    }

    /** What is refused for another reason. */
    static ObjectNode other(int status, String detail) {
        return body(BLANK, "The request is refused", status, detail);
    }

    ProblemException because(String detail) {
        return new ProblemException(this, detail);
    }

    private static ObjectNode body(String type, String title, int status, String detail) {
        return JsonNodeFactory.instance
                .objectNode()
                .put("type", type)
                .put("title", title)
                .put("status", status)
                .put("detail", detail);
    }
}
