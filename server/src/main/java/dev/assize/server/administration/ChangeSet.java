package dev.assize.server.administration;

import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.DocumentKey;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Documents to write and to delete, all or none.
 *
 * @param preconditions the revisions the change was made for
 * @param dryRun validates and compares, changes nothing
 * @param force accepts those who already hold what a new or stricter separation of duty keeps apart; never anybody new
 * @param reason why, for people
 * @param origin what made it
 */
public record ChangeSet(
        List<Document> puts,
        List<DocumentKey> deletes,
        List<Precondition> preconditions,
        boolean dryRun,
        boolean force,
        @Nullable String reason,
        ChangeOrigin origin) {

    /** A change that was applied as it is. */
    public ChangeSet(
            List<Document> puts,
            List<DocumentKey> deletes,
            List<Precondition> preconditions,
            boolean dryRun,
            boolean force,
            @Nullable String reason) {
        this(puts, deletes, preconditions, dryRun, force, reason, ChangeOrigin.APPLY);
    }

    public ChangeSet {
        puts = List.copyOf(puts);
        deletes = List.copyOf(deletes);
        preconditions = List.copyOf(preconditions);
    }

    /** Every scope it names, also where it only has a precondition. */
    public SortedSet<PolicyScope> scopes() {
        TreeSet<PolicyScope> scopes = new TreeSet<>();
        puts.forEach(document -> scopes.add(document.scope()));
        deletes.forEach(key -> scopes.add(key.scope()));
        preconditions.forEach(precondition -> scopes.add(precondition.scope()));
        return scopes;
    }

    /** The revision a scope must be at. */
    public record Precondition(PolicyScope scope, Revision revision) {}
}
