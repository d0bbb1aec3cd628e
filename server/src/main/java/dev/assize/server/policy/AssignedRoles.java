package dev.assize.server.policy;

import dev.assize.server.model.Environment;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document.Duty;
import dev.assize.server.policy.Document.GroupDocument;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.Document.SeparationOfDutyDocument;
import dev.assize.server.policy.RolesHeld.Holder;
import dev.assize.server.policy.RolesHeld.Holding;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Finds who holds more of the roles that a separation of duty keeps apart than it allows, at one moment from now on and
 * in one environment.
 *
 * <p>A subject holds a role by a binding, through groups, or by a role that inherits it; scopes but environments, and
 * conditions, are left aside. Two bindings thus conflict exactly if their times from now on and their environments
 * within the rule's have something in common. Of a change only what is new is a violation: at each moment and in each
 * environment, what a subject held already is compared with what it holds then, and only subjects that the change
 * touches are looked at.
 */
public final class AssignedRoles {

    private final RolesHeld before;
    private final RolesHeld after;
    private final Instant now;

    private AssignedRoles(RolesHeld before, RolesHeld after, Instant now) {
        this.before = before;
        this.after = after;
        this.now = now;
    }

    /**
     * Somebody who holds too much.
     *
     * @param rule of the tenant or of the platform
     * @param home null where it is the tenant itself
     * @param roles of the rule, held at once
     * @param limit how many of them may be
     * @param existing whether nobody was given anything: a new or changed rule found it
     */
    public record Violation(
            DocumentKey rule,
            Subject subject,
            @Nullable TenantId home,
            SortedSet<String> roles,
            int limit,
            boolean existing) {

        private static final Comparator<Violation> ORDER = Comparator.comparing(Violation::rule)
                .thenComparing(Violation::subject)
                .thenComparing(violation -> String.valueOf(violation.home));

        /** Who holds what, as the value of a problem. */
        public String holding(TenantId tenant) {
            return subject + " of tenant " + (home == null ? tenant : home)
                    + (home == null ? "" : " in tenant " + tenant) + " with roles " + String.join(", ", roles);
        }

        /** What the rule demands, as a problem says it. */
        public String expected() {
            return "at most " + limit + " of them (separation of duty `" + rule.name() + "`)";
        }

        /** For people: who, which roles, which rule. */
        public String message() {
            String who = "`" + subject + "`" + (home == null ? "" : " of tenant `" + home + "`");
            List<String> others = List.copyOf(roles).subList(1, roles.size());
            return who + ": role `" + roles.getFirst() + "` conflicts with `" + String.join("`, `", others)
                    + "` (separation of duty `" + rule.name() + "`" + (limit == 1 ? "" : ", at most " + limit) + ")";
        }
    }

    /** Everybody who holds too much. */
    public static List<Violation> violations(PolicySet tenant, PolicySet platform, Instant now) {
        RolesHeld nothing = new RolesHeld(PolicySet.empty(tenant.scope()), PolicySet.empty(PolicyScope.PLATFORM));
        RolesHeld held = new RolesHeld(tenant, platform);
        return new AssignedRoles(nothing, held, now).among(held.holdersOf(held.constrainedRoles()));
    }

    /** A problem for everybody who holds too much, in policy that is valid otherwise. */
    public static List<Problem> problems(PolicySet tenant, PolicySet platform, Instant now) {
        return violations(tenant, platform, now).stream()
                .map(violation -> new Problem(
                        Stream.of(tenant, platform)
                                .flatMap(policy -> policy.find(violation.rule()).stream())
                                .map(Document::place)
                                .findFirst()
                                .orElse(SourcePlace.UNKNOWN),
                        violation.rule().toString(),
                        violation.holding(tenant.scope().ledgerTenant()),
                        violation.expected()))
                .toList();
    }

    /**
     * Who holds too much after a change and did not, or not so much, before.
     *
     * @param changed every document that differs, of the tenant and of the platform
     */
    public static List<Violation> newViolations(
            PolicySet before,
            PolicySet after,
            PolicySet platformBefore,
            PolicySet platformAfter,
            Set<DocumentKey> changed,
            Instant now) {
        RolesHeld held = new RolesHeld(after, platformAfter);
        if (held.rules().isEmpty()) {
            return List.of();
        }
        RolesHeld was = new RolesHeld(before, platformBefore, held.keptApart());
        return new AssignedRoles(was, held, now).among(Touched.by(was, held, changed));
    }

    private List<Violation> among(Collection<Holder> holders) {
        List<Violation> found = new ArrayList<>();
        for (Holder holder : holders) {
            List<Holding> holdings = after.holdingsOf(holder, now);
            for (Rule rule : after.rules().values()) {
                if (rule.reachedBy(holdings).size() > rule.limit()) {
                    judge(holder, rule, holdings).ifPresent(found::add);
                }
            }
        }
        found.sort(Violation.ORDER);
        return List.copyOf(found);
    }

    private Optional<Violation> judge(Holder holder, Rule rule, List<Holding> holdings) {
        List<Holding> earlier = before.holdingsOf(holder, now);
        Comparison comparison = new Comparison(rule, before.rules().get(rule.key()), before.environments(), now);
        for (Environment environment : after.environments()) {
            if (rule.environments().contains(environment)) {
                comparison.compare(environment, earlier, holdings);
            }
        }
        return comparison
                .worst()
                .map(worst -> new Violation(
                        rule.key(),
                        holder.subject(),
                        after.homeShown(holder),
                        worst.roles(),
                        rule.limit(),
                        worst.existing()));
    }

    /** A separation of duty of assigned roles. */
    record Rule(DocumentKey key, Set<String> roles, int limit, AnyOf<Environment> environments) {

        static Optional<Rule> of(SeparationOfDutyDocument document) {
            return document.duty() instanceof Duty.AssignedRoles duty
                    ? Optional.of(
                            new Rule(document.key(), Set.copyOf(duty.roles()), duty.limit(), document.environments()))
                    : Optional.empty();
        }

        private Set<String> reachedBy(Collection<Holding> holdings) {
            Set<String> reached = new HashSet<>();
            holdings.forEach(
                    holding -> holding.roles().stream().filter(roles::contains).forEach(reached::add));
            return reached;
        }
    }

    /** The subjects that a change may have given something. */
    private static final class Touched {

        private final RolesHeld before;
        private final RolesHeld after;
        private final Set<Holder> holders = new LinkedHashSet<>();

        private Touched(RolesHeld before, RolesHeld after) {
            this.before = before;
            this.after = after;
        }

        static Set<Holder> by(RolesHeld before, RolesHeld after, Set<DocumentKey> changed) {
            Touched touched = new Touched(before, after);
            boolean wide = false;
            for (DocumentKey key : changed) {
                switch (key.kind()) {
                    case ROLE_BINDING -> touched.addBinding(key);
                    case GROUP -> touched.addGroup(key);
                    case ROLE, SEPARATION_OF_DUTY, TENANT -> wide = true;
                    case RESOURCE_TYPE, SUBJECT, RESOURCE, APPROVAL_RULE, FREEZE -> {}
                }
            }
            if (wide) {
                touched.holders.addAll(after.holdersOf(touched.widerRoles()));
            }
            return touched.holders;
        }

        private void addBinding(DocumentKey key) {
            after.find(key, RoleBindingDocument.class)
                    .filter(binding -> !after.constrained(binding.role()).isEmpty())
                    .ifPresent(binding -> after.addHolders(binding, holders));
        }

        private void addGroup(DocumentKey key) {
            Set<Subject> old = new HashSet<>(before.find(key, GroupDocument.class)
                    .map(GroupDocument::members)
                    .orElse(List.of()));
            after.find(key, GroupDocument.class).stream()
                    .flatMap(group -> group.members().stream())
                    .filter(member -> !old.contains(member))
                    .forEach(member -> after.addMembers(member, holders));
        }

        /** The roles that lead to others than before, or to some that are kept apart otherwise than before. */
        private Set<String> widerRoles() {
            Set<String> judgedAnew = new HashSet<>();
            boolean newEnvironments = !before.environments().containsAll(after.environments());
            after.rules().forEach((key, rule) -> {
                if (newEnvironments || !rule.equals(before.rules().get(key))) {
                    judgedAnew.addAll(rule.roles());
                }
            });
            Set<String> wider = new HashSet<>();
            for (String role : after.constrainedRoles()) {
                Set<String> reached = after.constrained(role);
                if (!before.closure(role).containsAll(reached)
                        || reached.stream().anyMatch(judgedAnew::contains)) {
                    wider.add(role);
                }
            }
            return wider;
        }
    }
}
