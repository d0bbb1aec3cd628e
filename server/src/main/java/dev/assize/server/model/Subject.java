package dev.assize.server.model;

/**
 * Who acts: a type and an id, written `type:id`. Only the first colon separates, so an id may contain others.
 *
 * @param type `[a-z][a-z0-9_-]{0,31}`
 * @param id 1 to 256 bytes of UTF-8
 */
public record Subject(String type, String id) implements Comparable<Subject> {

    /** The type whose subjects are groups of others; a request never names one. */
    public static final String GROUP_TYPE = "group";

    /** The type of names that stand in ledgers for subjects; nobody that a request speaks of is of it. */
    public static final String PSEUDONYM_TYPE = "pseudonym";

    /** What a subject looks like. */
    public static final String EXPECTED = "a subject, `type:id` with type `[a-z][a-z0-9_-]{0,31}` and an id of 1 to "
            + Limits.ID_BYTES + " bytes without control characters";

    /** What the subject of a request looks like. */
    public static final String EXPECTED_OF_REQUEST = EXPECTED + ", and not a group";

    /** What the subject looks like whose name ledgers are to have. */
    public static final String EXPECTED_OF_ACTOR = EXPECTED + ", and neither a group nor a pseudonym";

    public Subject {
        if (!Names.isType(type) || !isId(id)) {
            throw new MalformedException(type + ":" + id, EXPECTED);
        }
    }

    /** Reads `type:id`. */
    public static Subject parse(String text) {
        int colon = text.indexOf(':');
        if (colon < 0) {
            throw new MalformedException(text, EXPECTED);
        }
        return new Subject(text.substring(0, colon), text.substring(colon + 1));
    }

    /** Reads the subject, actor or caller of a request, which is never a group. */
    public static Subject parseOfRequest(String text) {
        Subject subject = parse(text);
        if (subject.isGroup()) {
            throw new MalformedException(text, EXPECTED_OF_REQUEST);
        }
        return subject;
    }

    /**
     * Reads the subject that is to act, or to have a credential: neither a group, nor what stands for somebody in a ledger, which
     * the server alone puts there.
     */
    public static Subject parseOfActor(String text) {
        Subject subject = parse(text);
        if (subject.isGroup() || subject.isPseudonym()) {
            throw new MalformedException(text, EXPECTED_OF_ACTOR);
        }
        return subject;
    }

    /** Reads a type whose subjects may stand in ledgers under pseudonyms. */
    public static String pseudonymousType(String text) {
        if (!Names.isType(text) || text.equals(GROUP_TYPE) || text.equals(PSEUDONYM_TYPE)) {
            throw new MalformedException(
                    text,
                    "a type of subjects, `[a-z][a-z0-9_-]{0,31}`, and neither `" + GROUP_TYPE + "` nor `"
                            + PSEUDONYM_TYPE + "`");
        }
        return text;
    }

    /** Whether it stands for another in ledgers. */
    public boolean isPseudonym() {
        return type.equals(PSEUDONYM_TYPE);
    }

    public boolean isGroup() {
        return type.equals(GROUP_TYPE);
    }

    @Override
    public int compareTo(Subject other) {
        return toString().compareTo(other.toString());
    }

    @Override
    public String toString() {
        return type + ":" + id;
    }

    private static boolean isId(String id) {
        return !id.isEmpty()
                && id.length() <= Limits.ID_BYTES
                && Names.isClean(id)
                && Names.utf8Length(id) <= Limits.ID_BYTES;
    }
}
