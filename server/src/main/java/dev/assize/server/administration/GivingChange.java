package dev.assize.server.administration;

import dev.assize.server.policy.AssignedRoles.Violation;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.Document.GroupDocument;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.Document.RoleDocument;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.PolicySet;
import dev.assize.server.policy.SubjectPattern;
import java.util.Set;
import java.util.TreeSet;

/**
 * Finds the document of a change that its author has to look at where somebody is given too much: a binding that names
 * the subject beside one of the roles, else what names the subject, else what could have given it something.
 */
final class GivingChange {

    /** How likely a document is to be the one, most likely first. */
    private enum Likelihood {
        NAMES_SUBJECT_AND_ROLE,
        NAMES_SUBJECT,
        MAY_GIVE,
        GIVES_NOTHING
    }

    private GivingChange() {}

    /** Of several that are as likely the first by name; the rule where there is none. */
    static DocumentKey of(Violation violation, PolicySet tenant, PolicySet platform, Set<DocumentKey> changed) {
        DocumentKey found = violation.rule();
        Likelihood best = Likelihood.GIVES_NOTHING;
        for (DocumentKey key : new TreeSet<>(changed)) {
            Likelihood likelihood = tenant.find(key)
                    .or(() -> platform.find(key))
                    .map(document -> likelihood(document, violation))
                    .orElse(Likelihood.GIVES_NOTHING);
            if (likelihood.compareTo(best) < 0) {
                best = likelihood;
                found = key;
            }
        }
        return found;
    }

    private static Likelihood likelihood(Document document, Violation violation) {
        if (document instanceof RoleBindingDocument binding) {
            boolean named = binding.subjects().contains(new SubjectPattern.Named(violation.subject()));
            return !named
                    ? Likelihood.MAY_GIVE
                    : violation.roles().contains(binding.role())
                            ? Likelihood.NAMES_SUBJECT_AND_ROLE
                            : Likelihood.NAMES_SUBJECT;
        }
        if (document instanceof GroupDocument group) {
            return group.members().contains(violation.subject()) ? Likelihood.NAMES_SUBJECT : Likelihood.MAY_GIVE;
        }
        return document instanceof RoleDocument ? Likelihood.MAY_GIVE : Likelihood.GIVES_NOTHING;
    }
}
