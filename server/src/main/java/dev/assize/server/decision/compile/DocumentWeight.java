package dev.assize.server.decision.compile;

import dev.assize.server.policy.Document;
import dev.assize.server.policy.Document.ApprovalRuleDocument;
import dev.assize.server.policy.Document.FreezeDocument;
import dev.assize.server.policy.Document.GroupDocument;
import dev.assize.server.policy.Document.ResourceDocument;
import dev.assize.server.policy.Document.ResourceTypeDocument;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.Document.RoleDocument;
import dev.assize.server.policy.Document.SeparationOfDutyDocument;
import dev.assize.server.policy.Document.SubjectDocument;
import dev.assize.server.policy.Document.TenantDocument;
import dev.assize.server.policy.PolicySet;
import java.util.Collection;

/** What documents weigh in the heap, estimated from what they list: the cache needs proportion, not precision. */
final class DocumentWeight {

    /** Name, labels, place and the entry in its set. */
    private static final long FRAME_BYTES = 350;

    private static final long NAME_BYTES = 72;
    private static final long SUBJECT_BYTES = 144;
    private static final long PATH_BYTES = 160;
    private static final long PERMISSION_BYTES = 400;

    private DocumentWeight() {}

    static long of(PolicySet policy) {
        return policy.documents().stream().mapToLong(DocumentWeight::of).sum();
    }

    static long of(Document document) {
        return FRAME_BYTES
                + switch (document) {
                    case TenantDocument tenant ->
                        NAME_BYTES * tenant.environments().size();
                    case ResourceTypeDocument type ->
                        NAME_BYTES
                                * (type.actions().size() + 2L * type.implies().size());
                    case RoleDocument role ->
                        NAME_BYTES * role.inherits().size()
                                + PERMISSION_BYTES * role.permissions().size();
                    case GroupDocument group -> SUBJECT_BYTES * group.members().size();
                    case RoleBindingDocument binding ->
                        SUBJECT_BYTES * binding.subjects().size()
                                + PATH_BYTES
                                        * binding.scopeOfGrant()
                                                .resources()
                                                .map(Collection::size)
                                                .orElse(0);
                    case SubjectDocument subject ->
                        NAME_BYTES * 2 * subject.attributes().size();
                    case ResourceDocument resource ->
                        NAME_BYTES * 2 * resource.attributes().size();
                    case SeparationOfDutyDocument _, ApprovalRuleDocument _, FreezeDocument _ -> PERMISSION_BYTES;
                };
    }
}
