package dev.assize.server.administration;

import dev.assize.server.administration.ChangeResult.DocumentChange;
import dev.assize.server.model.Environment;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.AnyOf;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.Document.ApprovalRuleDocument;
import dev.assize.server.policy.Document.FreezeDocument;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.Document.SeparationOfDutyDocument;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Whether a change concerns no other environments than some: the document names none but these, as it was and as it is to
 * be. What names none concerns all, and roles, groups and attributes are used wherever somebody binds them. So is what
 * tenant `assize` says of the one environment that it has: by that everybody is judged, whatever the environment asked about.
 */
final class Confinement {

    private static final PolicyScope GUARD = PolicyScope.of(TenantId.ASSIZE);

    private Confinement() {}

    static boolean holds(DocumentChange change, Set<Environment> envs) {
        return !change.key().scope().equals(GUARD) && isWithin(change.before(), envs) && isWithin(change.after(), envs);
    }

    private static boolean isWithin(@Nullable Document document, Set<Environment> envs) {
        return switch (document) {
            case null -> true;
            case RoleBindingDocument binding ->
                binding.scopeOfGrant()
                        .environments()
                        .map(named -> isWithin(named, envs))
                        .orElse(false);
            case FreezeDocument freeze ->
                freeze.target().environment() != null
                        && envs.contains(freeze.target().environment());
            case ApprovalRuleDocument rule -> isWithin(rule.environments(), envs);
            case SeparationOfDutyDocument duty -> isWithin(duty.environments(), envs);
            case Document.TenantDocument _,
                    Document.ResourceTypeDocument _,
                    Document.RoleDocument _,
                    Document.GroupDocument _,
                    Document.SubjectDocument _,
                    Document.ResourceDocument _ -> false;
        };
    }

    private static boolean isWithin(AnyOf<Environment> named, Set<Environment> envs) {
        return named instanceof AnyOf.Listed<Environment> listed && envs.containsAll(listed.values());
    }
}
