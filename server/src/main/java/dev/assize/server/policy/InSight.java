package dev.assize.server.policy;

import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Subject;
import dev.assize.server.policy.Document.GroupDocument;
import dev.assize.server.policy.Document.ResourceTypeDocument;
import dev.assize.server.policy.Document.RoleDocument;
import dev.assize.server.policy.Document.TenantDocument;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What the documents of a set can name: their own and the platform's; and the problem with what is not among it. */
final class InSight {

    private final Problems problems;
    private final PolicySet set;
    private final PolicySet platform;
    private final Map<String, ResourceTypeDocument> types;

    /** Which types declare an action; empty where no types are declared, and then nothing is checked. */
    private final Map<Action, Set<String>> typesByAction = new HashMap<>();

    /** Null where they are not known: on the platform, and in a tenant that does not say. */
    private final @Nullable Set<Environment> environments;

    InSight(PolicySet set, PolicySet platform, Problems problems) {
        this.problems = problems;
        this.set = set;
        this.platform = platform;
        types = byName(platform, ResourceTypeDocument.class);
        types.putAll(byName(set, ResourceTypeDocument.class));
        types.forEach((name, type) -> type.actions()
                .forEach(action -> typesByAction
                        .computeIfAbsent(action, key -> new HashSet<>())
                        .add(name)));
        List<TenantDocument> tenants = set.ofKind(TenantDocument.class);
        environments =
                tenants.isEmpty() ? null : new HashSet<>(tenants.getFirst().environments());
    }

    PolicySet set() {
        return set;
    }

    PolicySet platform() {
        return platform;
    }

    /** Its own and the platform's. */
    Collection<RoleDocument> rolesByName() {
        Map<String, RoleDocument> roles = new TreeMap<>(byName(platform, RoleDocument.class));
        roles.putAll(byName(set, RoleDocument.class));
        return roles.values();
    }

    /** Of its own, or else of the platform's. */
    @Nullable
    RoleDocument role(String name) {
        return (RoleDocument) set.find(new DocumentKey(set.scope(), Kind.ROLE, name))
                .or(() -> platform.find(new DocumentKey(platform.scope(), Kind.ROLE, name)))
                .orElse(null);
    }

    Optional<GroupDocument> group(String name) {
        return set.find(new DocumentKey(set.scope(), Kind.GROUP, name)).map(GroupDocument.class::cast);
    }

    boolean isTenantMissing() {
        return environments == null;
    }

    boolean hasType(String type) {
        return types.isEmpty() || types.containsKey(type);
    }

    boolean hasEnvironment(Environment environment) {
        return environments == null || environments.contains(environment);
    }

    boolean hasAction(Action action) {
        return isDeclared(action, Set.of(), true);
    }

    void checkOnlyHere(Document document) {
        DocumentKey onPlatform = new DocumentKey(platform.scope(), document.kind(), document.name());
        if (!set.scope().isPlatform() && platform.find(onPlatform).isPresent()) {
            add(document, "metadata.name", document.name(), "a name that the platform does not define already");
        }
    }

    /** Types that exist, and actions each of which one of them declares. */
    void checkTypesAndActions(
            Document document,
            SourcePlace place,
            String field,
            AnyOf<String> covered,
            AnyOf<Action> actions,
            String whose) {
        Set<String> named = new HashSet<>();
        forEachListed(covered, (type, index) -> {
            named.add(type);
            checkType(document, place, field + "resources[" + index + "]", type);
        });
        boolean allTypes = covered instanceof AnyOf.All<?>;
        forEachListed(actions, (action, index) -> {
            if (!isDeclared(action, named, allTypes)) {
                add(
                        document,
                        place,
                        field + "actions[" + index + "]",
                        action.value(),
                        allTypes
                                ? "an action that a resource type declares"
                                : "an action that one of the " + whose + "'s resource types declares");
            }
        });
    }

    /** Looks through the smaller of the two sets. */
    boolean isDeclared(Action action, Set<String> named, boolean allTypes) {
        if (types.isEmpty()) {
            return true;
        }
        Set<String> declaring = typesByAction.getOrDefault(action, Set.of());
        if (allTypes) {
            return !declaring.isEmpty();
        }
        return named.size() < declaring.size()
                ? named.stream().anyMatch(declaring::contains)
                : declaring.stream().anyMatch(named::contains);
    }

    void checkType(Document document, SourcePlace place, String field, String type) {
        if (!hasType(type)) {
            add(document, place, field, type, "a declared resource type (kind `ResourceType`)");
        }
    }

    void checkEnvironments(Document document, SourcePlace place, String field, AnyOf<Environment> names) {
        Set<Environment> declared = environments;
        if (declared != null) {
            forEachListed(names, (environment, index) -> {
                if (!declared.contains(environment)) {
                    add(document, place, field + "[" + index + "]", environment.value(), environmentExpected());
                }
            });
        }
    }

    String environmentExpected() {
        return "an environment that `Tenant/" + set.scope().key() + "` declares";
    }

    void checkRoleExists(Document document, String field, String role) {
        if (role(role) == null) {
            add(document, field, role, "an existing role of " + visibleFrom());
        }
    }

    void checkGroupExists(Document document, String field, Subject subject) {
        if (subject.isGroup() && group(subject.id()).isEmpty()) {
            add(document, field, subject.toString(), "an existing group of " + set.scope());
        }
    }

    private String visibleFrom() {
        return set.scope().isPlatform() ? "the platform" : set.scope() + " or of the platform";
    }

    void add(Document document, String field, String value, String expected) {
        add(document, document.place(), field, value, expected);
    }

    void add(Document document, SourcePlace place, String field, String value, String expected) {
        problems.add(place, document.key() + ": " + field, value, expected);
    }

    private static <D extends Document> Map<String, D> byName(PolicySet set, Class<D> kind) {
        Map<String, D> byName = new HashMap<>();
        set.ofKind(kind).forEach(document -> byName.put(document.name(), document));
        return byName;
    }

    static <T> void forEachListed(AnyOf<T> names, Indexed<T> each) {
        if (names instanceof AnyOf.Listed<T> listed) {
            for (int i = 0; i < listed.values().size(); i++) {
                each.accept(listed.values().get(i), i);
            }
        }
    }

    /** Takes a value and its position in its list. */
    interface Indexed<T> {
        void accept(T value, int index);
    }
}
