package dev.assize.server.decision.impact;

import dev.assize.server.policy.AnyOf;
import dev.assize.server.policy.Document.ApprovalRuleDocument;
import dev.assize.server.policy.Document.FreezeDocument;
import dev.assize.server.policy.Document.FreezeTarget;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.Document.Scope;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.FreezeStrength;
import dev.assize.server.policy.PolicySet;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Whether a change lets somebody approve what it could not, or approve it with fewer others.
 *
 * <p>Compared is rule by rule and binding by binding: a way to approve is no gain where one as wide was there before.
 * What a rule newly asks approval for needed nobody's before, so to approve that is no gain. Whom a freeze kept
 * from approving gains where that stops less. A condition on a binding
 * counts as another one where what is stored of the subject, its groups or resources changes.
 */
final class ApproverGains {

    private final Side before;
    private final Side after;
    private final Set<DocumentKey> changed;
    private final Person person;
    private final Instant now;
    private final List<ApprovalRuleDocument> earlier;

    ApproverGains(Side before, Side after, Set<DocumentKey> changed, Person person, Instant now) {
        this.before = before;
        this.after = after;
        this.changed = changed;
        this.person = person;
        this.now = now;
        this.earlier = rules(before).toList();
    }

    /** The first one, as people read it. */
    Optional<String> first(List<RoleBindingDocument> was, List<RoleBindingDocument> is) {
        return rules(after)
                .filter(rule -> is.stream()
                        .filter(binding -> gives(after, binding, rule))
                        .anyMatch(binding -> isNew(rule, binding, was) || isFreed(rule, binding)))
                .findFirst()
                .map(rule ->
                        "`" + person.subject() + "` could approve what `" + rule.key() + "` asks approval for, as `"
                                + rule.approverRole() + "`, and cannot now, or not with as few others");
    }

    private static Stream<ApprovalRuleDocument> rules(Side side) {
        return Stream.of(side.state().platform(), side.state().tenant()).flatMap(set -> rules(set).stream());
    }

    private static List<ApprovalRuleDocument> rules(PolicySet set) {
        return set.ofKind(ApprovalRuleDocument.class);
    }

    /** Whether the binding makes the person an approver, some time from now on. */
    private boolean gives(Side side, RoleBindingDocument binding, ApprovalRuleDocument rule) {
        Instant end = binding.notAfter();
        return rule.approverTypes().contains(person.subject().type())
                && side.closure(binding.role()).contains(rule.approverRole())
                && (end == null || end.isAfter(now));
    }

    private boolean isNew(ApprovalRuleDocument rule, RoleBindingDocument binding, List<RoleBindingDocument> was) {
        return replaced(rule).stream()
                .anyMatch(old -> old.approvals() > rule.approvals()
                        || was.stream().noneMatch(held -> gives(before, held, old) && isAsWide(held, binding)));
    }

    /** Whether a freeze that kept the person from approving stops less, or not the person any more. */
    private boolean isFreed(ApprovalRuleDocument rule, RoleBindingDocument binding) {
        return before.freezes().stream()
                .filter(was -> !FreezeStrength.isOver(was, now) && stops(before, was, binding, rule))
                .anyMatch(was -> after.freezes().stream()
                        .filter(is -> is.key().equals(was.key()))
                        .noneMatch(is -> stops(after, is, binding, rule) && FreezeStrength.isKept(is, was, now)));
    }

    /** Whether it may: what lies under a resource may be of any type. */
    private boolean stops(Side side, FreezeDocument freeze, RoleBindingDocument binding, ApprovalRuleDocument rule) {
        FreezeTarget target = freeze.target();
        return target.wholeTenant()
                || (target.run() == null
                        && (target.subject() == null
                                || side.names(person.subject(), person.home()).contains(target.subject()))
                        && (target.role() == null
                                || side.closure(binding.role()).contains(target.role()))
                        && isAmong(rule.actions(), target.action())
                        && isAmong(rule.environments(), target.environment())
                        && isAmong(rule.resources(), target.resourceType()));
    }

    private static <T> boolean isAmong(AnyOf<T> listed, @Nullable T value) {
        return value == null || listed.contains(value);
    }

    /** The rules that asked approval for the same: the rule itself where it speaks of no more than it did. */
    private List<ApprovalRuleDocument> replaced(ApprovalRuleDocument rule) {
        List<ApprovalRuleDocument> itself = earlier.stream()
                .filter(old -> old.key().equals(rule.key()))
                .filter(old -> isWithin(rule.resources(), old.resources())
                        && isWithin(rule.actions(), old.actions())
                        && isWithin(rule.environments(), old.environments()))
                .toList();
        return itself.isEmpty()
                ? earlier.stream()
                        .filter(old -> meets(rule.resources(), old.resources())
                                && meets(rule.actions(), old.actions())
                                && meets(rule.environments(), old.environments()))
                        .toList()
                : itself;
    }

    private boolean isAsWide(RoleBindingDocument was, RoleBindingDocument is) {
        Instant begin = was.notBefore();
        Instant end = was.notAfter();
        Instant newBegin = is.notBefore();
        Instant newEnd = is.notAfter();
        return (begin == null || !begin.isAfter(now) || (newBegin != null && !newBegin.isBefore(begin)))
                && (end == null || (newEnd != null && !newEnd.isAfter(end)))
                && (was.when() == null || (was.when().equals(is.when()) && isAsBefore()))
                && isWithin(is.scopeOfGrant(), was.scopeOfGrant());
    }

    /** Whether nothing changes that a condition may look at. */
    private boolean isAsBefore() {
        return changed.stream().noneMatch(key -> switch (key.kind()) {
            case SUBJECT -> key.name().equals(person.subject().toString());
            case GROUP, RESOURCE, TENANT -> true;
            case RESOURCE_TYPE, ROLE, ROLE_BINDING, SEPARATION_OF_DUTY, APPROVAL_RULE, FREEZE -> false;
        });
    }

    private static boolean isWithin(Scope inner, Scope outer) {
        return isWithin(inner.environments(), outer.environments())
                && isWithin(inner.resourceTypes(), outer.resourceTypes())
                && (outer.resources().isEmpty()
                        || inner.resources()
                                .filter(paths -> outer.resources().get().containsAll(paths))
                                .isPresent());
    }

    private static <T> boolean isWithin(Optional<AnyOf<T>> inner, Optional<AnyOf<T>> outer) {
        return outer.isEmpty() || isWithin(inner.orElseGet(AnyOf.All::new), outer.get());
    }

    private static <T> boolean isWithin(AnyOf<T> inner, AnyOf<T> outer) {
        return switch (inner) {
            case AnyOf.All<T> _ -> outer instanceof AnyOf.All<T>;
            case AnyOf.Listed<T>(List<T> values) -> values.stream().allMatch(outer::contains);
        };
    }

    private static <T> boolean meets(AnyOf<T> one, AnyOf<T> other) {
        return switch (one) {
            case AnyOf.All<T> _ -> true;
            case AnyOf.Listed<T>(List<T> values) -> values.stream().anyMatch(other::contains);
        };
    }
}
