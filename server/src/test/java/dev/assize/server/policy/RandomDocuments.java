package dev.assize.server.policy;

import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document.Effect;
import dev.assize.server.policy.Document.GroupDocument;
import dev.assize.server.policy.Document.Obligation;
import dev.assize.server.policy.Document.Permission;
import dev.assize.server.policy.Document.ResourceTypeDocument;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.Document.RoleDocument;
import dev.assize.server.policy.Document.Scope;
import dev.assize.server.policy.Document.TenantDocument;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Well-formed documents by chance, with names and texts that a careless reader or writer would spoil. */
final class RandomDocuments {

    private static final List<String> ODD_TEXTS = List.of(
            "true",
            "no",
            "null",
            "~",
            "1",
            "0x1F",
            "1e3",
            ".inf",
            "2026-01-01",
            "- a",
            "a: b",
            "a #b",
            "#",
            "---",
            "...",
            "%",
            "\"quoted\" 'twice'",
            "back\\slash",
            "tab\tline\nline",
            " leading and trailing ",
            "&a",
            "*a",
            "!t",
            "| >",
            "[a, b]",
            "{a: b}",
            "@`",
            "?",
            ":",
            "a:",
            "grüße 例 😀",
            "\u00A0\u2003");

    private final SplittableRandom random;

    RandomDocuments(long seed) {
        random = new SplittableRandom(seed);
    }

    Document next() {
        SourcePlace place = place();
        return switch (random.nextInt(5)) {
            case 0 -> {
                String name = tenantName();
                yield new TenantDocument(
                        metadata(PolicyScope.of(new TenantId(name)), name),
                        place,
                        listOf(this::environment),
                        new TreeMap<>());
            }
            case 1 ->
                new ResourceTypeDocument(
                        metadata(scope(), type()), place, listOf(this::action), implies(), new TreeMap<>());
            case 2 -> {
                List<Permission> permissions = random.nextInt(4) == 0 ? List.of() : listOf(() -> permission(place));
                List<String> inherits = permissions.isEmpty() || random.nextBoolean() ? listOf(this::name) : List.of();
                yield new RoleDocument(metadata(scope(), name()), place, inherits, permissions);
            }
            case 3 -> new GroupDocument(metadata(tenantScope(), name()), place, listOf(this::subject));
            default -> binding(place);
        };
    }

    private RoleBindingDocument binding(SourcePlace place) {
        Instant notBefore = instant();
        Instant notAfter = notBefore.plusNanos(random.nextLong(1, Long.MAX_VALUE / 4));
        return new RoleBindingDocument(
                metadata(tenantScope(), name()),
                place,
                listOf(this::pattern),
                name(),
                grantScope(),
                orNull(() -> new TenantId(tenantName())),
                orNull(() -> notBefore),
                orNull(() -> notAfter),
                null,
                orNull(this::text));
    }

    private Scope grantScope() {
        return new Scope(
                maybe(() -> anyOf(this::environment)), maybe(() -> anyOf(this::type)), maybe(() -> listOf(this::path)));
    }

    private Permission permission(SourcePlace place) {
        return new Permission(
                new SourcePlace(place.file(), random.nextInt(1, 1_000), 0),
                random.nextBoolean() ? Effect.ALLOW : Effect.DENY,
                anyOf(this::type),
                anyOf(this::action),
                anyOf(this::environment),
                null,
                random.nextInt(3) == 0 ? listOf(() -> new Obligation(key(), key(), texts())) : List.of());
    }

    private SortedMap<Action, AnyOf<Action>> implies() {
        SortedMap<Action, AnyOf<Action>> implies = new TreeMap<>();
        for (int i = random.nextInt(3); i > 0; i--) {
            implies.put(action(), anyOf(this::action));
        }
        return implies;
    }

    private Metadata metadata(PolicyScope scope, String name) {
        return new Metadata(scope, name, texts(), orNull(this::name));
    }

    private SourcePlace place() {
        return new SourcePlace("policies/" + random.nextInt(9) + ".yaml", random.nextInt(1, 10_000), 0);
    }

    private PolicyScope scope() {
        return random.nextInt(3) == 0 ? PolicyScope.PLATFORM : tenantScope();
    }

    private PolicyScope tenantScope() {
        return PolicyScope.of(new TenantId(tenantName()));
    }

    private SubjectPattern pattern() {
        return switch (random.nextInt(4)) {
            case 0 -> new SubjectPattern.Anyone();
            case 1 -> new SubjectPattern.AnyOfType("user");
            default -> new SubjectPattern.Named(subject());
        };
    }

    private Subject subject() {
        return new Subject(type(), id());
    }

    private ResourcePath path() {
        StringBuilder path = new StringBuilder(type() + ":" + id());
        for (int i = random.nextInt(3); i > 0; i--) {
            path.append('/').append(type()).append(':').append(id());
        }
        return ResourcePath.parse(path.toString());
    }

    private String id() {
        String id = pick(ODD_TEXTS)
                .replace("%", "%25")
                .replace("/", "%2F")
                .replace("\n", "")
                .replace("\t", "")
                .replace("*", "x");
        return id.isEmpty() ? "x" : id;
    }

    private String tenantName() {
        return pick(List.of("acme", "A", "1", "0x1F", "true", "null", "no", "tenant-A", "1e3", "2026-01-01", "a.b_c"));
    }

    private Environment environment() {
        return new Environment(tenantName());
    }

    private Action action() {
        return new Action(
                pick(List.of("read", "yes", "Null", "replay:execute", "a", "Y", "edit_all", "a.b-c", "end:")));
    }

    private String type() {
        return pick(List.of("vault", "on", "n", "user", "x-y_z9", "null", "subject"));
    }

    private String name() {
        return pick(List.of("admin", "Platform-Admin", "007", "a@b.c:d+e", "off", "1.5", "0o7", "x:"));
    }

    private String key() {
        return pick(List.of("k", "example.com/team", "1", "false", "a:b", "z:"));
    }

    private SortedMap<String, String> texts() {
        SortedMap<String, String> texts = new TreeMap<>();
        for (int i = random.nextInt(3); i > 0; i--) {
            texts.put(key(), text());
        }
        return texts;
    }

    private String text() {
        return pick(ODD_TEXTS);
    }

    private Instant instant() {
        long nanos = random.nextBoolean() ? 0 : random.nextInt(1_000_000_000);
        return Instant.ofEpochSecond(random.nextLong(-1_000_000_000L, 4_000_000_000L), nanos);
    }

    private <T> AnyOf<T> anyOf(Supplier<T> value) {
        return random.nextInt(4) == 0 ? new AnyOf.All<>() : new AnyOf.Listed<>(listOf(value));
    }

    private <T> List<T> listOf(Supplier<T> value) {
        List<T> values = new ArrayList<>();
        for (int i = random.nextInt(1, 4); i > 0; i--) {
            values.add(value.get());
        }
        return List.copyOf(values);
    }

    private <T> Optional<T> maybe(Supplier<T> value) {
        return random.nextBoolean() ? Optional.of(value.get()) : Optional.empty();
    }

    private <T> @Nullable T orNull(Supplier<T> value) {
        return random.nextBoolean() ? value.get() : null;
    }

    private <T> T pick(List<T> values) {
        return values.get(random.nextInt(values.size()));
    }
}
