package dev.assize.server.audit;

import dev.assize.server.model.Digest;
import java.util.List;
import java.util.Optional;

/**
 * What a spool sends at once: records that follow each other.
 *
 * @param spoolId which spool, among all of the tenant's
 * @param records none asks where the ledger stands
 * @param before over all records before these
 * @param after over all records with these
 * @param highestNumber the highest that the spool has
 */
public record SpooledBatch(
        String spoolId, List<SpooledEvents> records, Digest before, Digest after, long highestNumber) {

    /** Bytes that a spooled event has in its frame beyond what its caller sent: its key, and when it was taken. */
    private static final int OWN_BYTES = 80;

    /** With this begin keys under which the ledger has what was spooled, and no others. */
    static final String KEYS = "spool/";

    public SpooledBatch {
        records = List.copyOf(records);
    }

    /** Events that were spooled together, under their number. */
    public record SpooledEvents(long number, List<AuditEvent> events) {
        public SpooledEvents {
            events = List.copyOf(events);
        }
    }

    long firstNumber() {
        return records.getFirst().number();
    }

    /** The number of the last record. */
    public long lastNumber() {
        return records.getLast().number();
    }

    /** The key under which the ledger has the events of a record. */
    public static String key(String spoolId, long number) {
        return key(spoolId, Long.toString(number));
    }

    static String key(String spoolId, String number) {
        return KEYS + spoolId + "/" + number;
    }

    /** Of which spool a key is. */
    static Optional<String> spool(String key) {
        int end = key.indexOf('/', KEYS.length());
        return key.startsWith(KEYS) && end > 0 ? Optional.of(key.substring(KEYS.length(), end)) : Optional.empty();
    }

    /** A key that leaves no less room in a frame than a spooled event's: what fits with it fits when it is forwarded. */
    public static String widestKey() {
        return "s".repeat(OWN_BYTES);
    }
}
