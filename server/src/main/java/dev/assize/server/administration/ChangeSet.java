package dev.assize.server.administration;

import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.DocumentKey;
import java.util.List;
import java.util.Set;
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
 * @param prunedManager whose documents go that the change does not put, in the scopes it names, but for tenants and
 *     freezes; null for nobody's
 * @param besides scopes that it names though it neither puts nor deletes anything of them
 */
public record ChangeSet(
        List<Document> puts,
        List<DocumentKey> deletes,
        List<Precondition> preconditions,
        boolean dryRun,
        boolean force,
        @Nullable String reason,
        ChangeOrigin origin,
        @Nullable String prunedManager,
        Set<PolicyScope> besides) {

    public ChangeSet {
        besides = Set.copyOf(besides);
        puts = List.copyOf(puts);
        deletes = List.copyOf(deletes);
        preconditions = List.copyOf(preconditions);
    }

    /** A change that names no scopes besides. */
    public ChangeSet(
            List<Document> puts,
            List<DocumentKey> deletes,
            List<Precondition> preconditions,
            boolean dryRun,
            boolean force,
            @Nullable String reason,
            ChangeOrigin origin,
            @Nullable String prunedManager) {
        this(puts, deletes, preconditions, dryRun, force, reason, origin, prunedManager, Set.of());
    }

    /** A change that was applied as it is, and prunes nothing. */
    public ChangeSet(
            List<Document> puts,
            List<DocumentKey> deletes,
            List<Precondition> preconditions,
            boolean dryRun,
            boolean force,
            @Nullable String reason) {
        this(puts, deletes, preconditions, dryRun, force, reason, ChangeOrigin.APPLY);
    }

    /** A change that prunes nothing. */
    public ChangeSet(
            List<Document> puts,
            List<DocumentKey> deletes,
            List<Precondition> preconditions,
            boolean dryRun,
            boolean force,
            @Nullable String reason,
            ChangeOrigin origin) {
        this(puts, deletes, preconditions, dryRun, force, reason, origin, null);
    }

    /** Every scope it names, also where it only has a precondition. */
    public SortedSet<PolicyScope> scopes() {
        TreeSet<PolicyScope> scopes = new TreeSet<>(besides);
        puts.forEach(document -> scopes.add(document.scope()));
        deletes.forEach(key -> scopes.add(key.scope()));
        preconditions.forEach(precondition -> scopes.add(precondition.scope()));
        return scopes;
    }

    /** The revision a scope must be at. */
    public record Precondition(PolicyScope scope, Revision revision) {}
}
