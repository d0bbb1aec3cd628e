package dev.assize.server.policy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.model.Environment;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.model.Subject;
import dev.assize.server.policy.Document.Duty;
import dev.assize.server.policy.Document.GroupDocument;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.Document.RoleDocument;
import dev.assize.server.policy.Document.SeparationOfDutyDocument;
import dev.assize.server.policy.Document.TenantDocument;
import dev.assize.server.policy.RandomChanges.Change;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** Looking at what a change touches finds what looking at everybody, in each environment, in each month would. */
class AssignedRolesPropertyTest {

    private static final PolicySet NO_PLATFORM = PolicySet.empty(PolicyScope.PLATFORM);
    private static final Instant NOW = Instant.parse("2026-06-15T00:00:00Z");
    private static final List<Instant> MOMENTS = List.of(
            NOW,
            Instant.parse("2026-07-01T00:00:00Z"),
            Instant.parse("2026-08-01T00:00:00Z"),
            Instant.parse("2026-09-01T00:00:00Z"));

    /** More of them by the property; what they find must be enough to tell. */
    private static final int WORLDS = Integer.getInteger("assize.fuzz.worlds", 40);

    @Test
    void findsWhatLookingAtEverythingFinds() {
        long start = new SplittableRandom().nextLong();
        int found = 0;
        for (long seed = start; seed < start + WORLDS; seed++) {
            RandomChanges changes = new RandomChanges(seed, true);
            PolicySet set = PolicySet.of(RandomChanges.ACME, new Revision(1), List.of(RandomChanges.TENANT));
            for (int i = 0; i < 100; i++) {
                Change change = changes.next(set);
                PolicySet next = set.with(new Revision(2), change.puts(), change.deletes());
                if (!PolicyValidator.validate(next, NO_PLATFORM).isEmpty()) {
                    continue;
                }
                Set<String> expected = expected(set, next);

                assertThat(AssignedRoles.newViolations(
                                set, next, NO_PLATFORM, NO_PLATFORM, PolicyChangeValidationTest.keys(change), NOW))
                        .as("seed %d, step %d: %s", seed, i, change)
                        .extracting(
                                it -> it.subject() + " " + (it.home() != null) + " " + it.rule() + " " + it.existing())
                        .containsExactlyInAnyOrderElementsOf(expected);

                found += expected.size();
                set = next;
            }
        }
        assertThat(found).isGreaterThan(WORLDS / 4);
    }

    private static Set<String> expected(PolicySet before, PolicySet after) {
        Set<String> expected = new TreeSet<>();
        for (SeparationOfDutyDocument rule : after.ofKind(SeparationOfDutyDocument.class)) {
            if (rule.duty() instanceof Duty.AssignedRoles duty) {
                for (int i = 0; i < 5; i++) {
                    for (boolean foreign : new boolean[] {false, true}) {
                        Subject subject = new Subject("user", "u" + i);
                        worst(before, after, rule, duty, subject, foreign)
                                .ifPresent(existing ->
                                        expected.add(subject + " " + foreign + " " + rule.key() + " " + existing));
                    }
                }
            }
        }
        return expected;
    }

    private static Optional<Boolean> worst(
            PolicySet before,
            PolicySet after,
            SeparationOfDutyDocument rule,
            Duty.AssignedRoles duty,
            Subject subject,
            boolean foreign) {
        Set<Boolean> found = new TreeSet<>();
        for (Environment environment :
                after.ofKind(TenantDocument.class).getFirst().environments()) {
            for (Instant moment : MOMENTS) {
                Set<String> held = held(after, subject, foreign, environment, moment);
                held.retainAll(duty.roles());
                if (!rule.environments().contains(environment) || held.size() <= duty.limit()) {
                    continue;
                }
                Set<String> earlier = held(before, subject, foreign, environment, moment);
                if (!earlier.containsAll(held)) {
                    found.add(false);
                } else if (!wasViolation(before, rule.key(), environment, earlier, held)) {
                    found.add(true);
                }
            }
        }
        return found.stream().findFirst();
    }

    private static boolean wasViolation(
            PolicySet before, DocumentKey key, Environment environment, Set<String> earlier, Set<String> held) {
        return before.find(key)
                .map(SeparationOfDutyDocument.class::cast)
                .filter(old -> old.environments().contains(environment))
                .filter(old -> old.duty() instanceof Duty.AssignedRoles duty
                        && duty.roles().containsAll(held)
                        && duty.roles().stream().filter(earlier::contains).count() > duty.limit())
                .isPresent();
    }

    private static Set<String> held(
            PolicySet set, Subject subject, boolean foreign, Environment environment, Instant moment) {
        Set<String> roles = new HashSet<>();
        for (RoleBindingDocument binding : set.ofKind(RoleBindingDocument.class)) {
            boolean names = binding.subjects().stream()
                    .anyMatch(pattern -> pattern instanceof SubjectPattern.Named(Subject named)
                            && (named.equals(subject) || (!foreign && isIn(set, subject, named))));
            if (names
                    && foreign == (binding.fromTenant() != null)
                    && (binding.notBefore() == null || !moment.isBefore(binding.notBefore()))
                    && (binding.notAfter() == null || moment.isBefore(binding.notAfter()))
                    && binding.scopeOfGrant().environments().stream().allMatch(any -> any.contains(environment))) {
                addWithInherited(set, binding.role(), roles);
            }
        }
        return roles;
    }

    private static boolean isIn(PolicySet set, Subject subject, Subject group) {
        return group.isGroup()
                && set.ofKind(GroupDocument.class).stream()
                        .filter(it -> it.name().equals(group.id()))
                        .flatMap(it -> it.members().stream())
                        .anyMatch(member -> member.equals(subject) || isIn(set, subject, member));
    }

    private static void addWithInherited(PolicySet set, String name, Set<String> roles) {
        roles.add(name);
        set.ofKind(RoleDocument.class).stream()
                .filter(role -> role.name().equals(name))
                .flatMap(role -> role.inherits().stream())
                .forEach(inherited -> addWithInherited(set, inherited, roles));
    }
}
