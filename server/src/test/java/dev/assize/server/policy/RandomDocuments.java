package dev.assize.server.policy;

import dev.assize.server.model.Action;
import dev.assize.server.model.AttributeValue;
import dev.assize.server.model.Environment;
import dev.assize.server.model.PiiPattern;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document.ApprovalRuleDocument;
import dev.assize.server.policy.Document.Duty;
import dev.assize.server.policy.Document.Effect;
import dev.assize.server.policy.Document.FreezeDocument;
import dev.assize.server.policy.Document.FreezeTarget;
import dev.assize.server.policy.Document.GroupDocument;
import dev.assize.server.policy.Document.Obligation;
import dev.assize.server.policy.Document.Permission;
import dev.assize.server.policy.Document.ResourceDocument;
import dev.assize.server.policy.Document.ResourceTypeDocument;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.Document.RoleDocument;
import dev.assize.server.policy.Document.Scope;
import dev.assize.server.policy.Document.SeparationOfDutyDocument;
import dev.assize.server.policy.Document.SubjectDocument;
import dev.assize.server.policy.Document.TenantDocument;
import dev.assize.server.policy.condition.AttributeDeclaration;
import dev.assize.server.policy.condition.AttributeDeclaration.Source;
import dev.assize.server.policy.condition.AttributeType;
import java.time.Duration;
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

    private TenantTerms terms() {
        return new TenantTerms(
                random.nextBoolean() ? null : name(),
                random.nextBoolean() ? null : 1 + random.nextInt(TenantTerms.MOST),
                random.nextBoolean() ? null : random.nextInt(TenantTerms.MOST + 1));
    }

    Document next() {
        SourcePlace place = place();
        return switch (random.nextInt(10)) {
            case 0 -> {
                String name = tenantName();
                yield new TenantDocument(
                        metadata(PolicyScope.of(new TenantId(name)), name),
                        place,
                        listOf(this::environment),
                        declarations(),
                        random.nextBoolean() ? TenantAudit.NONE : audit(),
                        random.nextInt(4),
                        terms());
            }
            case 1 ->
                new ResourceTypeDocument(
                        metadata(scope(), type()), place, listOf(this::action), implies(), declarations());
            case 2 -> {
                List<Permission> permissions = random.nextInt(4) == 0 ? List.of() : listOf(() -> permission(place));
                List<String> inherits = permissions.isEmpty() || random.nextBoolean() ? listOf(this::name) : List.of();
                yield new RoleDocument(metadata(scope(), name()), place, inherits, permissions);
            }
            case 3 -> new GroupDocument(metadata(tenantScope(), name()), place, listOf(this::subject));
            case 4 -> {
                Subject subject = new Subject("user", id());
                yield new SubjectDocument(metadata(tenantScope(), subject.toString()), place, subject, attributes());
            }
            case 5 -> {
                ResourcePath path = path();
                yield new ResourceDocument(metadata(tenantScope(), path.value()), place, path, attributes());
            }
            case 6 -> new SeparationOfDutyDocument(metadata(scope(), name()), place, duty(), anyOf(this::environment));
            case 7 -> approvalRule(place);
            case 8 -> freeze(place);
            default -> binding(place);
        };
    }

    private Duty duty() {
        List<String> roles = List.of("a", "on", "007", "x:").subList(0, random.nextInt(2, 5));
        int limit = random.nextInt(1, roles.size());
        return switch (random.nextInt(3)) {
            case 0 -> new Duty.AssignedRoles(roles, limit);
            case 1 -> new Duty.ActiveRoles(roles, limit);
            default -> new Duty.PerformedActions(List.of(new Action("yes"), new Action("end:")), anyOf(this::type));
        };
    }

    private ApprovalRuleDocument approvalRule(SourcePlace place) {
        return new ApprovalRuleDocument(
                metadata(tenantScope(), name()),
                place,
                anyOf(this::type),
                anyOf(this::action),
                anyOf(this::environment),
                random.nextInt(1, 101),
                name(),
                random.nextBoolean() ? List.of("user") : List.of("service", "on"),
                duration(),
                duration(),
                random.nextBoolean());
    }

    private Duration duration() {
        return pick(List.of(
                Duration.ofSeconds(1),
                Duration.ofMinutes(15),
                Duration.ofHours(36),
                Duration.ofDays(366),
                Duration.ofSeconds(random.nextInt(1, 31_622_400))));
    }

    private FreezeDocument freeze(SourcePlace place) {
        Instant from = instant();
        Instant until = from.plusNanos(random.nextLong(1, Long.MAX_VALUE / 4));
        FreezeTarget target = new FreezeTarget(
                orNull(this::subject),
                orNull(this::name),
                orNull(this::action),
                orNull(this::path),
                orNull(this::type),
                orNull(this::environment),
                orNull(this::id),
                true);
        return new FreezeDocument(
                metadata(tenantScope(), name()), place, target, text(), orNull(() -> from), orNull(() -> until));
    }

    private TenantAudit audit() {
        List<PiiPattern> patterns = random.nextBoolean()
                ? List.of()
                : listOf(() -> new PiiPattern(pick(List.of("\\d{13,19}", "(?i)iban", "[a-z]+@[a-z.]+", "on", ": #"))));
        List<String> pseudonyms = random.nextBoolean() ? List.of() : listOf(() -> pick(List.of("user", "agent")));
        DecisionLog log = new DecisionLog(
                pick(List.of(DecisionLog.Mode.values())), pick(List.of(DecisionLog.Acknowledge.values())));
        return new TenantAudit(
                patterns.isEmpty() || random.nextBoolean() ? duration() : null, patterns, pseudonyms, log);
    }

    private SortedMap<String, AttributeDeclaration> declarations() {
        SortedMap<String, AttributeDeclaration> declarations = new TreeMap<>();
        for (int i = random.nextInt(3); i > 0; i--) {
            declarations.put(
                    text().strip() + "x",
                    new AttributeDeclaration(
                            AttributeType.parse(pick(List.of("string", "int", "list(double)", "map(list(timestamp))"))),
                            pick(List.of(Source.values()))));
        }
        declarations.keySet().removeIf(name -> name.contains("\n") || name.contains("\t"));
        return declarations;
    }

    private SortedMap<String, AttributeValue> attributes() {
        SortedMap<String, AttributeValue> attributes = new TreeMap<>();
        for (int i = random.nextInt(4); i > 0; i--) {
            attributes.put(id(), attribute(4));
        }
        return attributes;
    }

    private AttributeValue attribute(int left) {
        return switch (random.nextInt(left == 0 ? 4 : 6)) {
            case 0 -> new AttributeValue.Text(random.nextInt(9) == 0 ? "\r\u0007\u200B" : text());
            case 1 -> new AttributeValue.Whole(pick(List.of(0L, -1L, Long.MIN_VALUE, Long.MAX_VALUE)));
            case 2 -> new AttributeValue.Fraction(pick(List.of(0.0, -0.0, 1.0, 1e300, Double.MIN_VALUE, -1.5e-7)));
            case 3 -> new AttributeValue.Truth(random.nextBoolean());
            case 4 -> {
                List<AttributeValue> values = new ArrayList<>();
                for (int i = random.nextInt(4); i > 0; i--) {
                    values.add(attribute(left - 1));
                }
                yield new AttributeValue.Many(values);
            }
            default -> {
                SortedMap<String, AttributeValue> values = new TreeMap<>();
                for (int i = random.nextInt(4); i > 0; i--) {
                    values.put(id(), attribute(left - 1));
                }
                yield new AttributeValue.Fields(values);
            }
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
                orNull(this::condition),
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
                orNull(this::condition),
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

    private String condition() {
        return pick(List.of("true", "subject.attr.level >= 3 &&\n\t'a' in resource.attr[\"x y\"]", " env == 'a' "));
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
