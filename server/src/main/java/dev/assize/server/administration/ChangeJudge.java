package dev.assize.server.administration;

import dev.assize.server.decision.compile.GraphCompiler;
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
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Everything that is wrong with a change: in itself, in each policy that results, and in what is compiled from it. A
 * change of the platform is judged in every tenant, for every tenant sees it.
 */
final class ChangeJudge {

    private static final DocumentKey OWN_TENANT =
            new DocumentKey(PolicyScope.of(TenantId.ASSIZE), Kind.TENANT, TenantId.ASSIZE.value());

    private final ChangeSet change;
    private final Map<PolicyScope, PolicySet> before;
    private final SortedMap<PolicyScope, PolicySet> after;
    private final List<Problem> problems = new ArrayList<>();

    /**
     * @param before what the store has
     * @param after what results in each scope the change names
     */
    ChangeJudge(ChangeSet change, Map<PolicyScope, PolicySet> before, SortedMap<PolicyScope, PolicySet> after) {
        this.change = change;
        this.before = before;
        this.after = after;
    }

    List<Problem> problems() {
        problems.addAll(DocumentReader.findRepeated(change.puts()));
        judgeDeletes();
        PolicySet platform = resulting(PolicyScope.PLATFORM);
        if (isChanged(PolicyScope.PLATFORM)) {
            problems.addAll(PolicyValidator.validatePlatform(platform));
        }
        List<PolicySet> tenants = affectedTenants();
        tenants.forEach(tenant -> problems.addAll(PolicyValidator.validate(tenant, platform)));
        if (problems.isEmpty()) {
            tenants.forEach(tenant -> compile(tenant, platform));
        }
        return List.copyOf(problems);
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
        PolicySet set = before.get(key.scope());
        return set != null && set.find(key).isPresent();
    }

    private List<PolicySet> affectedTenants() {
        SortedMap<PolicyScope, PolicySet> affected = new TreeMap<>();
        if (isChanged(PolicyScope.PLATFORM)) {
            affected.putAll(before);
            affected.putAll(after);
        } else {
            after.keySet().stream().filter(this::isChanged).forEach(scope -> affected.put(scope, resulting(scope)));
        }
        affected.remove(PolicyScope.PLATFORM);
        return List.copyOf(affected.values());
    }

    private boolean isChanged(PolicyScope scope) {
        PolicySet was = before.get(scope);
        PolicySet is = after.get(scope);
        return is != null && (was == null || !is.revision().equals(was.revision()));
    }

    private PolicySet resulting(PolicyScope scope) {
        PolicySet set = after.getOrDefault(scope, before.get(scope));
        return Objects.requireNonNullElseGet(set, () -> PolicySet.empty(scope));
    }

    /** Nothing that does not compile is committed. A tenant that was deleted has nothing to compile. */
    private void compile(PolicySet tenant, PolicySet platform) {
        List<TenantDocument> self = tenant.ofKind(TenantDocument.class);
        if (self.isEmpty()) {
            return;
        }
        try {
            var _ = GraphCompiler.compile(tenant, platform);
        } catch (PolicyTooLargeException e) {
            Document place = self.getFirst();
            problems.add(new Problem(
                    place.place(),
                    place.key().toString(),
                    tenant.documents().size() + " documents",
                    "a smaller policy: " + e.getMessage()));
        }
    }
}
