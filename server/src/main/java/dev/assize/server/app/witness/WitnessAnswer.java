package dev.assize.server.app.witness;

/** What a witness answers to a checkpoint, each with its status of HTTP. */
sealed interface WitnessAnswer {

    /** 200: the line that it adds to the checkpoint. */
    record Cosigned(String line) implements WitnessAnswer {}

    /** 400: cannot be read, or asks for what there cannot be. */
    record Malformed(String reason) implements WitnessAnswer {}

    /** 403: no key of that log has signed it, or one's signature is false. */
    record NotSigned(String reason) implements WitnessAnswer {}

    /** 404: a log that is not watched. */
    record UnknownLog(String origin) implements WitnessAnswer {}

    /** 409: the proof begins at another checkpoint than the one signed last, which has this size. */
    record Conflict(long size) implements WitnessAnswer {}

    /**
     * 422: the log does not continue what was signed, or does not show that it does.
     *
     * @param checkpoint as the log has signed it: with what is kept, evidence of two histories where it is one
     */
    record Inconsistent(String reason, String checkpoint) implements WitnessAnswer {}
}
