package dev.assize.server.administration;

import dev.assize.server.model.Subject;
import dev.assize.server.policy.AssignedRoles.Violation;
import dev.assize.server.policy.Document.GroupDocument;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.PolicySet;
import dev.assize.server.policy.SubjectPattern;
import java.util.Set;
import java.util.TreeSet;

/** Finds the document of a change that its author has to look at where somebody is given too much. */
final class GivingChange {

    private GivingChange() {}

    /** The binding or group that names the subject, else the first that could have given it something, else the rule. */
    static DocumentKey of(Violation violation, PolicySet tenant, Set<DocumentKey> changed) {
        DocumentKey likely = violation.rule();
        boolean isFound = false;
        for (DocumentKey key : new TreeSet<>(changed)) {
            switch (key.kind()) {
                case ROLE_BINDING, GROUP -> {
                    if (names(tenant, key, violation.subject())) {
                        return key;
                    }
                    likely = isFound ? likely : key;
                    isFound = true;
                }
                case ROLE -> {
                    likely = isFound ? likely : key;
                    isFound = true;
                }
                case TENANT, RESOURCE_TYPE, SUBJECT, RESOURCE, SEPARATION_OF_DUTY, APPROVAL_RULE, FREEZE -> {}
            }
        }
        return likely;
    }

    private static boolean names(PolicySet tenant, DocumentKey key, Subject subject) {
        return tenant.find(key)
                .filter(document -> document instanceof RoleBindingDocument binding
                        ? binding.subjects().contains(new SubjectPattern.Named(subject))
                        : document instanceof GroupDocument group
                                && group.members().contains(subject))
                .isPresent();
    }
}
