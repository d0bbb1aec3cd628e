package dev.assize.client;

/** Why a check was denied by the client and not by policy. The same words in the clients of all languages. */
public enum Failure {
    /** No server could be reached, or it may not answer now. */
    UNAVAILABLE,
    /** There was no answer in time. */
    DEADLINE_EXCEEDED,
    /** The credential is missing, malformed, unknown, expired or revoked. */
    UNAUTHENTICATED,
    /** The caller may not ask this. */
    PERMISSION_DENIED,
    /** The question is malformed: a mistake of the caller, and nothing could be decided. */
    INVALID_ARGUMENT,
    /** The server has too much to do, or the message was too large. */
    RESOURCE_EXHAUSTED,
    /** The server answered something that is no answer to what was asked. */
    MALFORMED_ANSWER,
    /** The server's decision is neither an allow nor a deny. */
    UNSPECIFIED_DECISION,
    /** The server allows under a duty of a type that the caller has not declared to know. */
    UNKNOWN_OBLIGATION,
    /** It was allowed then; nobody may act on an answer about the past. */
    HISTORICAL,
    /** The caller gave up. */
    CANCELLED,
    /** Everything else that an RPC can end with. */
    INTERNAL;

    /** Of an RPC that ended with this status code, by its name. */
    static Failure ofCode(String code) {
        return switch (code) {
            case "UNAVAILABLE" -> UNAVAILABLE;
            case "DEADLINE_EXCEEDED" -> DEADLINE_EXCEEDED;
            case "UNAUTHENTICATED" -> UNAUTHENTICATED;
            case "PERMISSION_DENIED" -> PERMISSION_DENIED;
            case "INVALID_ARGUMENT" -> INVALID_ARGUMENT;
            case "RESOURCE_EXHAUSTED" -> RESOURCE_EXHAUSTED;
            case "CANCELLED" -> CANCELLED;
            case AssizeException.MALFORMED_ANSWER -> MALFORMED_ANSWER;
            default -> INTERNAL;
        };
    }
}
