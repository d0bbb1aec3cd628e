package dev.assize.client;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

/**
 * A change of policy, all or nothing; see {@link #of}.
 *
 * @param parts asked for anew with every try, and sent one by one: of many, let the iteration read them from where they
 *     are, so that they are never in memory together; it must give the same each time
 * @param reason why, kept in the history and in the ledger; empty for none
 * @param expected the revisions that tenants must be at, by name; empty for any
 * @param force accepts subjects that already hold what a new separation of duty keeps apart
 * @param pruneManager whose documents go that the change does not put, in the tenants it names; empty for nobody's
 */
public record PolicyChange(
        Iterable<Part> parts, String reason, Map<String, Long> expected, boolean force, String pruneManager) {

    public PolicyChange {
        expected = Map.copyOf(expected);
    }

    /** A change that has no preconditions, forces nothing and prunes nothing. */
    public static PolicyChange of(Iterable<Part> parts, String reason) {
        return new PolicyChange(parts, reason, Map.of(), false, "");
    }

    /** Documents as YAML. */
    public static PolicyChange of(String yaml, String reason) {
        return of(List.of(new Put("", 1, yaml.getBytes(StandardCharsets.UTF_8))), reason);
    }

    /** The same, but only where a tenant is at this revision; an empty name is the platform. */
    public PolicyChange expecting(String tenant, long revision) {
        return new PolicyChange(parts, reason, Map.of(tenant, revision), force, pruneManager);
    }

    /** One part of a change. */
    public sealed interface Part {}

    /**
     * Documents to write: YAML of at most 256 KiB.
     *
     * @param file where they come from, named in problems
     * @param line of that file at which they begin, from 1
     */
    @SuppressWarnings("ArrayRecordComponent") // Sent as it is, and compared by nobody.
    public record Put(String file, int line, byte[] yaml) implements Part {}

    /**
     * A document to delete.
     *
     * @param tenant empty for the platform
     * @param kind for example {@code RoleBinding}
     */
    public record Delete(String tenant, String kind, String name) implements Part {}
}
