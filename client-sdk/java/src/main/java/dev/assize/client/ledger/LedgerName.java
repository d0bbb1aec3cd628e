package dev.assize.client.ledger;

import static dev.assize.client.ledger.NotProvenException.require;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Which ledger a checkpoint is of. Its origin line is {@code <ledger name>/<deployment>/<tenant>/<incarnation>}.
 *
 * @param deployment {@code <ledger name>/<deployment>}: the name of the keys that sign, too
 * @param incarnation rises when a ledger is continued after a loss; each has a tree of its own
 */
public record LedgerName(String deployment, String tenant, int incarnation) {

    /** The name that the log of heads has in place of a tenant's. */
    static final String HEADS = "~meta";

    private static final Pattern FORM = Pattern.compile("([A-Za-z0-9][A-Za-z0-9.-]{0,127}/[0-9a-f]{32})/" + "(" + HEADS
            + "|[A-Za-z0-9][A-Za-z0-9._-]{0,62})/([1-9][0-9]{0,9})");

    /** Reads the origin line of a checkpoint. */
    public static LedgerName parse(String origin) throws NotProvenException {
        Matcher parts = FORM.matcher(origin);
        require(
                parts.matches(),
                "`" + origin + "` names no ledger: expected <name>/<deployment>/<tenant>/<incarnation>");
        long incarnation = Long.parseLong(parts.group(3));
        require(incarnation <= Integer.MAX_VALUE, "`" + origin + "` has no such incarnation");
        return new LedgerName(parts.group(1), parts.group(2), (int) incarnation);
    }

    /** What the frames of the ledger name as their origin, in every incarnation. */
    public String origin() {
        return deployment + "/" + tenant;
    }

    /** Whether both are of one ledger, be it in another incarnation. */
    boolean isSameLedger(LedgerName other) {
        return origin().equals(other.origin());
    }

    /** The origin line. */
    @Override
    public String toString() {
        return origin() + "/" + incarnation;
    }
}
