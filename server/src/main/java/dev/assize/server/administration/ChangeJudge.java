package dev.assize.server.administration;

import dev.assize.server.administration.ChangeResult.DocumentChange;
import dev.assize.server.administration.ChangeResult.ScopeChange;
import dev.assize.server.administration.PolicyRepository.Present;
import dev.assize.server.decision.compile.PolicyTooLargeException;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.Document.TenantDocument;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.DocumentReader;
import dev.assize.server.policy.Kind;
import dev.assize.server.policy.PolicySet;
import dev.assize.server.policy.PolicyValidator;
import dev.assize.server.policy.Problem;
import dev.assize.server.policy.SourcePlace;
import java.util.ArrayList;
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

    private final ChangeSet change;
    private final List<ScopeChange> changes;
    private final Present before;
    private final SortedMap<PolicyScope, PolicySet> after;
    private final List<Problem> problems = new ArrayList<>();

    /**
     * @param changes of each scope the change names
     * @param before what the store has
     * @param after what results in each scope the change names
     */
    ChangeJudge(ChangeSet change, List<ScopeChange> changes, Present before, SortedMap<PolicyScope, PolicySet> after) {
        this.change = change;
        this.changes = changes;
        this.before = before;
        this.after = after;
    }

    List<Problem> problems() {
        problems.addAll(DocumentReader.findRepeated(change.puts()));
        judgeDeletes();
        Set<DocumentKey> ofPlatform = changed(PolicyScope.PLATFORM);
        if (ofPlatform.isEmpty()) {
            PolicySet platform = before.documents(PolicyScope.PLATFORM);
            after.values().stream()
                    .filter(set -> !set.scope().isPlatform())
                    .forEach(tenant -> judge(tenant, platform, changed(tenant.scope())));
        } else {
            judgeEverywhere(resulting(PolicyScope.PLATFORM), ofPlatform);
        }
        return List.copyOf(problems);
    }

    private void judgeEverywhere(PolicySet platform, Set<DocumentKey> ofPlatform) {
        problems.addAll(PolicyValidator.validatePlatform(platform));
        Set<PolicyScope> created = new TreeSet<>(after.keySet());
        created.remove(PolicyScope.PLATFORM);
        for (PolicySet tenant : before.tenants()) {
            if (problems.size() >= PROBLEMS) {
                return;
            }
            created.remove(tenant.scope());
            judgeBeside(platform, ofPlatform, after.getOrDefault(tenant.scope(), tenant));
        }
        created.forEach(scope -> judgeBeside(platform, ofPlatform, resulting(scope)));
    }

    private void judgeBeside(PolicySet platform, Set<DocumentKey> ofPlatform, PolicySet tenant) {
        Set<DocumentKey> changed = new HashSet<>(changed(tenant.scope()));
        changed.addAll(ofPlatform);
        judge(tenant, platform, changed);
    }

    /** What is invalid cannot be compiled. */
    private void judge(PolicySet tenant, PolicySet platform, Set<DocumentKey> changed) {
        if (changed.isEmpty()) {
            return;
        }
        problems.addAll(PolicyValidator.validate(tenant, platform));
        SizeOfSchema size = new SizeOfSchema(tenant, platform);
        if (problems.isEmpty() && size.dependsOn(changed)) {
            requireFits(tenant, size);
        }
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
