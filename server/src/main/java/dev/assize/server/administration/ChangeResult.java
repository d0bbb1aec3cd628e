package dev.assize.server.administration;

import dev.assize.server.decision.impact.Gains.Gain;
import dev.assize.server.decision.impact.Impact;
import dev.assize.server.model.Digest;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.AssignedRoles.Violation;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.Problem;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** How a change set ended. */
public sealed interface ChangeResult {

    /**
     * Committed; a scope in which nothing changed has no new revision. One change for each scope, platform first.
     *
     * @param violations those that were there and that the change was forced to accept
     */
    record Accepted(List<ScopeChange> changes, List<DutyViolation> violations) implements ChangeResult {}

    /**
     * A dry run: what would be done, and everything that is wrong with it; violations that refuse it are problems too.
     *
     * @param gains what the change would give to its own author, for which it would be refused
     * @param impacts whose answers it would alter, by tenant; none of a change that is wrong
     * @param impactsLeftOut tenants beyond those that are looked at
     * @param acceptancesNeeded how many others must accept it; 0 where it may be applied
     */
    record Compared(
            List<ScopeChange> changes,
            List<Problem> problems,
            List<DutyViolation> violations,
            List<Gain> gains,
            List<Impact> impacts,
            int impactsLeftOut,
            int acceptancesNeeded)
            implements ChangeResult {

        /** Of no change at all. */
        public static final Compared NOTHING =
                new Compared(List.of(), List.of(), List.of(), List.of(), List.of(), 0, 0);
    }

    /** Nothing was changed now: this is what an earlier request under the same key did. */
    record Replayed(List<ScopeChange> changes) implements ChangeResult {}

    /** Nothing was changed: the key was used for another request. */
    record KeyReused(String key) implements ChangeResult {}

    /** Nothing was changed; everything that is wrong. */
    record Invalid(List<Problem> problems) implements ChangeResult {}

    /** Nothing was changed: a scope is not at the revision the change was made for. */
    record RevisionMoved(PolicyScope scope, Revision expected, Revision actual) implements ChangeResult {}

    /** Nothing was changed: it would give its own author something, first of all this. */
    record SelfEscalation(Gain gain) implements ChangeResult {}

    /** Nothing was changed: so many others must accept what changes there. */
    record AcceptanceNeeded(PolicyScope scope, int acceptances) implements ChangeResult {}

    /** Nothing was changed: the caller may not make this tenant. */
    record TenantCreationRefused(TenantId tenant) implements ChangeResult {}

    /** Nothing was changed: it would lift a freeze there, which the caller may not. */
    record LiftRefused(TenantId tenant) implements ChangeResult {}

    /** Nothing was changed: it would say anew what the tenant may have, which the caller may not. */
    record TermsRefused(TenantId tenant) implements ChangeResult {}

    /** Nothing was changed: the document concerns environments that its author's credential is not for. */
    record BeyondEnvironments(DocumentKey document) implements ChangeResult {}

    /** Somebody of a tenant who would hold more than a separation of duty allows. */
    record DutyViolation(TenantId tenant, Violation violation) {}

    /**
     * What a change does in one scope.
     *
     * @param revision the new one; the base where nothing changes
     * @param documents every one the change set names, by key
     * @param seq of the manifest; null where nothing was committed
     */
    record ScopeChange(
            PolicyScope scope,
            Revision base,
            Revision revision,
            List<DocumentChange> documents,
            Digest changeDigest,
            Digest policyDigest,
            @Nullable Long seq) {

        ScopeChange committedAt(long manifestSeq) {
            return new ScopeChange(scope, base, revision, documents, changeDigest, policyDigest, manifestSeq);
        }

        boolean isChange() {
            return !revision.equals(base);
        }

        /** The documents that are not the same afterwards. */
        List<DocumentChange> changed() {
            return documents.stream()
                    .filter(document -> document.type() != ChangeType.UNCHANGED)
                    .toList();
        }
    }

    /**
     * What happens to one document.
     *
     * @param before null where it is new
     * @param after null where it is deleted
     */
    record DocumentChange(
            DocumentKey key,
            ChangeType type,
            @Nullable Document before,
            @Nullable Document after) {}

    /** What a change does to a document; the same canonical text is no change. */
    enum ChangeType {
        CREATED,
        REPLACED,
        DELETED,
        UNCHANGED
    }
}
