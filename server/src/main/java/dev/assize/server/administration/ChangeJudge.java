package dev.assize.server.administration;

import dev.assize.server.administration.ChangeResult.DocumentChange;
import dev.assize.server.administration.ChangeResult.DutyViolation;
import dev.assize.server.administration.ChangeResult.ScopeChange;
import dev.assize.server.administration.PolicyRepository.Present;
import dev.assize.server.decision.compile.PolicyTooLargeException;
import dev.assize.server.decision.impact.Gains;
import dev.assize.server.decision.impact.Gains.Gain;
import dev.assize.server.decision.impact.Keepers;
import dev.assize.server.decision.impact.PolicyState;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.AssignedRoles;
import dev.assize.server.policy.AssignedRoles.Violation;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.Document.TenantDocument;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.DocumentReader;
import dev.assize.server.policy.Kind;
import dev.assize.server.policy.PolicySet;
import dev.assize.server.policy.PolicyValidator;
import dev.assize.server.policy.Problem;
import dev.assize.server.policy.SourcePlace;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * Everything that is wrong with a change: in itself, in each policy that results, and in what is compiled from it. A
 * change of the platform is judged in every tenant, for every tenant sees it.
 */
final class ChangeJudge {

    private static final DocumentKey OWN_TENANT =
            new DocumentKey(PolicyScope.of(TenantId.ASSIZE), Kind.TENANT, TenantId.ASSIZE.value());

    /** Nobody reads more; of a change of the platform every tenant might have its own. */
    private static final int PROBLEMS = 1_000;

    /** Tenants whose answers are compared for one dry run. */
    static final int COMPARED_TENANTS = 16;

    private final ChangeSet change;
    private final List<ScopeChange> changes;
    private final Present before;
    private final SortedMap<PolicyScope, PolicySet> after;
    private final Instant now;
    private final List<Recorder> ungiven;
    private final List<Problem> problems = new ArrayList<>();
    private final List<DutyViolation> violations = new ArrayList<>();
    private final List<Gain> gains = new ArrayList<>();
    private final List<Comparison> comparisons = new ArrayList<>();
    private int comparisonsLeftOut;

    /**
     * @param changes of each scope the change names
     * @param before what the store has
     * @param after what results in each scope the change names
     * @param now from when on it matters who holds what
     * @param ungiven to whom the change must give nothing
     */
    ChangeJudge(
            ChangeSet change,
            List<ScopeChange> changes,
            Present before,
            SortedMap<PolicyScope, PolicySet> after,
            Instant now,
            List<Recorder> ungiven) {
        this.change = change;
        this.changes = changes;
        this.before = before;
        this.after = after;
        this.now = now;
        this.ungiven = ungiven;
    }

    /** Asked once. */
    List<Problem> problems() {
        problems.addAll(DocumentReader.findRepeated(change.puts()));
        judgeDeletes();
        judgeManagers();
        Set<DocumentKey> ofPlatform = changed(PolicyScope.PLATFORM);
        if (ofPlatform.isEmpty()) {
            after.keySet().stream()
                    .filter(scope -> !scope.isPlatform())
                    .forEach(scope -> judge(before.documents(scope), ofPlatform));
        } else {
            judgeEverywhere(ofPlatform);
        }
        return List.copyOf(problems);
    }

    /** What the change would give to whom it must not, one thing each a tenant; known once the problems are. */
    List<Gain> gains() {
        return List.copyOf(gains);
    }

    /** The policies whose answers are to be compared; known once the problems are, and of a dry run only. */
    List<Comparison> comparisons() {
        return List.copyOf(comparisons);
    }

    /** Tenants beyond those. */
    int comparisonsLeftOut() {
        return comparisonsLeftOut;
    }

    /** Two policies of a tenant, and the documents in which they differ. */
    record Comparison(PolicyState before, PolicyState after, Set<DocumentKey> changed) {}

    /** Who would hold too much; known once the problems are. */
    List<DutyViolation> violations() {
        return List.copyOf(violations);
    }

    private void judgeEverywhere(Set<DocumentKey> ofPlatform) {
        problems.addAll(PolicyValidator.validatePlatform(resulting(PolicyScope.PLATFORM)));
        Set<PolicyScope> created = new TreeSet<>(after.keySet());
        created.remove(PolicyScope.PLATFORM);
        for (PolicySet tenant : before.tenants()) {
            if (problems.size() >= PROBLEMS) {
                return;
            }
            created.remove(tenant.scope());
            judge(tenant, ofPlatform);
        }
        created.forEach(scope -> judge(before.documents(scope), ofPlatform));
    }

    /** What is invalid can neither be compiled nor compared. */
    private void judge(PolicySet was, Set<DocumentKey> ofPlatform) {
        Set<DocumentKey> changed = new HashSet<>(changed(was.scope()));
        changed.addAll(ofPlatform);
        if (changed.isEmpty()) {
            return;
        }
        PolicySet tenant = after.getOrDefault(was.scope(), was);
        PolicySet platform = resulting(PolicyScope.PLATFORM);
        problems.addAll(PolicyValidator.validate(tenant, platform, changed));
        if (!problems.isEmpty()) {
            return;
        }
        SizeOfSchema size = new SizeOfSchema(was, tenant, platform);
        if (size.dependsOn(changed)) {
            requireFits(tenant, size);
        }
        requireKeepers(was, tenant, platform, changed);
        compare(was, tenant, platform, changed);
        AssignedRoles.newViolations(was, tenant, before.documents(PolicyScope.PLATFORM), platform, changed, now)
                .forEach(violation -> judge(violation, tenant, platform, changed));
    }

    /** What answers become, and whether somebody gains by it who must not. */
    private void compare(PolicySet was, PolicySet tenant, PolicySet platform, Set<DocumentKey> changed) {
        PolicyState earlier = new PolicyState(was, before.documents(PolicyScope.PLATFORM));
        PolicyState later = new PolicyState(tenant, platform);
        for (Recorder somebody : ungiven) {
            Gains.first(earlier, later, changed, somebody.caller(), somebody.home(), now)
                    .ifPresent(gains::add);
        }
        if (change.dryRun() && comparisons.size() < COMPARED_TENANTS) {
            comparisons.add(new Comparison(earlier, later, Set.copyOf(changed)));
        } else if (change.dryRun()) {
            comparisonsLeftOut++;
        }
    }

    /** Whoever is given too much is refused; whoever a rule finds with too much is accepted by force. */
    private void judge(Violation violation, PolicySet tenant, PolicySet platform, Set<DocumentKey> changed) {
        if (violations.size() >= PROBLEMS) {
            return;
        }
        violations.add(new DutyViolation(tenant.scope().ledgerTenant(), violation));
        if (violation.existing() && change.force()) {
            return;
        }
        DocumentKey culprit =
                violation.existing() ? violation.rule() : GivingChange.of(violation, tenant, platform, changed);
        problems.add(new Problem(
                tenant.find(culprit)
                        .or(() -> platform.find(culprit))
                        .map(Document::place)
                        .orElse(SourcePlace.UNKNOWN),
                culprit.toString(),
                violation.holding(tenant.scope().ledgerTenant()),
                violation.expected()
                        + (violation.existing() ? "; it holds them already: to accept that, force the change" : "")));
    }

    private Set<DocumentKey> changed(PolicyScope scope) {
        return changes.stream()
                .filter(one -> one.scope().equals(scope))
                .flatMap(one -> one.changed().stream())
                .map(DocumentChange::key)
                .collect(Collectors.toSet());
    }

    private void judgeDeletes() {
        Set<DocumentKey> put = new HashSet<>();
        change.puts().forEach(document -> put.add(document.key()));
        Set<DocumentKey> seen = new TreeSet<>();
        for (DocumentKey key : change.deletes()) {
            if (put.contains(key)) {
                refuse(key, "either put or deleted, not both in one change");
            } else if (!seen.add(key)) {
                refuse(key, "each name once in a change");
            } else if (key.equals(OWN_TENANT)) {
                refuse(key, "another tenant: Assize guards itself by the policy of this one");
            } else if (!isThere(key)) {
                refuse(key, "the name of an existing " + key.kind().text() + " of " + key.scope());
            }
        }
    }

    /** Whoever prunes what it wrote must be known by what it writes. */
    private void judgeManagers() {
        String manager = change.prunedManager();
        if (manager == null) {
            return;
        }
        for (Document put : change.puts()) {
            String its = put.metadata().manager();
            if (!manager.equals(its) && problems.size() < PROBLEMS) {
                problems.add(new Problem(
                        put.place(),
                        put.key() + ": metadata.manager",
                        its == null ? "" : its,
                        "`" + manager + "`, whose documents this change prunes"));
            }
        }
    }

    private void refuse(DocumentKey key, String expected) {
        problems.add(new Problem(SourcePlace.UNKNOWN, key + ": delete", key.name(), expected));
    }

    private boolean isThere(DocumentKey key) {
        return before.documents(key.scope()).find(key).isPresent();
    }

    private PolicySet resulting(PolicyScope scope) {
        PolicySet set = after.get(scope);
        return set == null ? before.documents(scope) : set;
    }

    /** Nobody locks Assize for good: what is done to the policy by which it guards itself, somebody can undo. */
    private void requireKeepers(PolicySet was, PolicySet tenant, PolicySet platform, Set<DocumentKey> changed) {
        if (!tenant.scope().equals(OWN_TENANT.scope())) {
            return;
        }
        String lost = Keepers.lost(
                new PolicyState(was, before.documents(PolicyScope.PLATFORM)), new PolicyState(tenant, platform), now);
        if (lost != null) {
            DocumentKey culprit = changed.stream()
                    .min(Comparator.comparing((DocumentKey key) -> key.kind() != Kind.FREEZE)
                            .thenComparing(Comparator.naturalOrder()))
                    .orElse(OWN_TENANT);
            problems.add(new Problem(
                    tenant.find(culprit).map(Document::place).orElse(SourcePlace.UNKNOWN),
                    culprit.toString(),
                    culprit.name(),
                    "a change after which somebody may still " + lost
                            + ", whom a binding names and who needs no condition, approval or obligation for it"));
        }
    }

    /** Nothing that does not compile is committed. */
    private void requireFits(PolicySet tenant, SizeOfSchema size) {
        PolicyTooLargeException excess = size.excess();
        if (excess != null) {
            Document place = tenant.ofKind(TenantDocument.class).getFirst();
            problems.add(new Problem(
                    place.place(),
                    place.key().toString(),
                    tenant.size() + " documents",
                    "a smaller policy: " + excess.getMessage()));
        }
    }
}
