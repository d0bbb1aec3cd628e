package dev.assize.server.policy.replay;

/**
 * An entry of a ledger that tells of a policy.
 *
 * @param seq its position
 * @param type one of the types named here
 * @param payload JSON
 */
public record PolicyEntry(long seq, String type, String payload) {

    /** Begins a change: what it is based on, how many documents it changes, what the policy then adds up to. */
    public static final String MANIFEST = "assize.policy.manifest";

    /** What one changed document was and is, or a part of that; these follow the manifest. */
    public static final String DIFF = "assize.policy.diff";

    /** A part of all documents at one revision; the parts of one snapshot follow each other. */
    public static final String SNAPSHOT = "assize.policy.snapshot";
}
