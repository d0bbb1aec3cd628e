package dev.assize.server.decision.evaluate;

import static java.util.stream.Collectors.joining;

import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.check.Explanation.BindingState;
import dev.assize.server.model.AttributeValue;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.Subject;
import dev.assize.server.policy.AnyOf;
import dev.assize.server.policy.Document.FreezeDocument;
import dev.assize.server.policy.Document.FreezeTarget;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.Document.Scope;
import dev.assize.server.policy.condition.Condition;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** What became of the rules of a policy, said to people, with the values compared. */
final class Sentences {

    /** What a condition may name, as it writes it. */
    private static final Pattern NAMED = Pattern.compile("\\b(?:(?<place>subject\\.attr|resource\\.attr|context)"
            + "(?:\\.(?<field>\\w+)|\\[\\s*[\"'](?<key>[^\"']*)[\"']\\s*])"
            + "|(?<plain>subject\\.(?:type|id|groups)|resource\\.(?:type|id|path)|action|env|tenant|now)\\b)");

    private final CheckQuery query;
    private final Instant now;
    private final Facts facts;

    Sentences(CheckQuery query, Instant now, Facts facts) {
        this.query = query;
        this.now = now;
        this.facts = facts;
    }

    /** What became of a binding. */
    String of(BindingState state, RoleBindingDocument binding, @Nullable Condition when) {
        return switch (state) {
            case HOLDS -> "holds: " + held(binding, when);
            case NOT_ACTIVE ->
                "would hold, but the request names active roles " + listed(query.activeRoles()) + ", not `"
                        + binding.role() + "`: its allows do not count, its denies do";
            case OUT_OF_SCOPE -> outOfScope(binding.scopeOfGrant());
            case EXPIRED -> "ended at " + binding.notAfter() + ", and it is " + now;
            case NOT_YET_VALID -> "begins at " + binding.notBefore() + ", and it is " + now;
            case CONDITION_FALSE, CONDITION_ERROR -> when == null ? "" : of(when, when.evaluate(facts));
        };
    }

    /** What became of a condition, with all it looked at. */
    String of(Condition when, Condition.Verdict verdict) {
        String seen = seen(when.text());
        return "its condition `" + when.text() + "` "
                + switch (verdict) {
                    case Condition.Verdict.Holds _ -> "is true";
                    case Condition.Verdict.Fails _ -> "is false";
                    case Condition.Verdict.Broken(String message) -> "fails: " + message;
                }
                + (seen.isEmpty() ? "" : ", with " + seen);
    }

    /** Whether a freeze names something of the request, or everything. */
    boolean namesSomething(FreezeTarget target) {
        return target.wholeTenant()
                || (target.role() != null && Freezes.matches(target, query, facts::groups))
                || parts(target).anyMatch(Part::matches);
    }

    /** What became of a freeze. */
    String of(FreezeDocument freeze) {
        FreezeTarget target = freeze.target();
        String role = target.role() == null ? "" : "takes role `" + target.role() + "` out of all allows: ";
        List<Part> missed = parts(target).filter(part -> !part.matches()).toList();
        if (!missed.isEmpty()) {
            return role
                    + missed.stream()
                            .map(part -> "it names " + part.name() + " `" + part.frozen() + "`, and the request has "
                                    + part.asked())
                            .collect(joining("; "));
        }
        String matched = target.wholeTenant() && parts(target).findAny().isEmpty()
                ? "everything"
                : parts(target)
                        .map(part -> part.name() + " `" + part.frozen() + "`")
                        .collect(joining(" and "));
        String match = matched.isEmpty() ? "it stops every request" : "it stops " + matched;
        if (freeze.from() != null && now.isBefore(freeze.from())) {
            return role + match + ", from " + freeze.from() + ", and it is " + now;
        }
        if (freeze.until() != null && !now.isBefore(freeze.until())) {
            return role + match + ", until " + freeze.until() + ", and it is " + now;
        }
        return role + match + (freeze.until() == null ? "" : " until " + freeze.until()) + ": " + freeze.reason();
    }

    /** Names, for people. */
    static String listed(Collection<String> names) {
        return names.stream().map(name -> "`" + name + "`").collect(joining(", "));
    }

    /** A field of a freeze beside that of the request. */
    private record Part(String name, Object frozen, String asked, boolean matches) {}

    private Stream<Part> parts(FreezeTarget target) {
        return Stream.of(
                        target.subject() == null ? null : subject(target.subject()),
                        part("action", target.action(), query.action()),
                        target.resource() == null
                                ? null
                                : new Part(
                                        "resource",
                                        target.resource(),
                                        "`" + query.resource() + "`",
                                        query.resource().isUnder(target.resource())),
                        part(
                                "resource type",
                                target.resourceType(),
                                query.resource().type()),
                        part("environment", target.environment(), query.env()),
                        part("run", target.run(), query.runId()))
                .flatMap(Stream::ofNullable);
    }

    private Part subject(Subject frozen) {
        boolean matches = frozen.isGroup() ? facts.groups().contains(frozen.id()) : frozen.equals(query.subject());
        return new Part("subject", frozen, "`" + query.subject() + "`", matches);
    }

    private static @Nullable Part part(String name, @Nullable Object frozen, @Nullable Object asked) {
        return frozen == null
                ? null
                : new Part(name, frozen, asked == null ? "none" : "`" + asked + "`", frozen.equals(asked));
    }

    private String held(RoleBindingDocument binding, @Nullable Condition when) {
        String held = times(binding) + ", and its scope covers environment `" + query.env() + "` and resource `"
                + query.resource() + "`";
        return when == null ? held : held + ", and " + of(when, Condition.Verdict.TRUE);
    }

    private String times(RoleBindingDocument binding) {
        if (binding.notBefore() == null && binding.notAfter() == null) {
            return "it has no limit in time";
        }
        return "it is " + now + ", "
                + Stream.of(limit("from ", binding.notBefore()), limit("before ", binding.notAfter()))
                        .filter(limit -> !limit.isEmpty())
                        .collect(joining(" and "));
    }

    private static String limit(String word, @Nullable Instant limit) {
        return limit == null ? "" : word + limit;
    }

    private String outOfScope(Scope scope) {
        List<String> misses = new ArrayList<>();
        if (scope.environments().filter(names -> !names.contains(query.env())).isPresent()) {
            misses.add(
                    "its scope has environments " + shown(scope.environments().get()) + ", not `" + query.env() + "`");
        }
        String type = query.resource().type();
        if (scope.resourceTypes().filter(names -> !names.contains(type)).isPresent()) {
            misses.add("its scope has resource types "
                    + shown(scope.resourceTypes().get()) + ", not `" + type + "`");
        }
        if (scope.resources()
                .filter(paths -> paths.stream().noneMatch(query.resource()::isUnder))
                .isPresent()) {
            misses.add("its scope has resources "
                    + shown(new AnyOf.Listed<>(scope.resources().get())) + ", and `" + query.resource()
                    + "` is under none of them");
        }
        return String.join("; ", misses);
    }

    private static <T> String shown(AnyOf<T> names) {
        return switch (names) {
            case AnyOf.All<T>() -> "`*`";
            case AnyOf.Listed<T>(List<T> listed) ->
                listed.stream().map(name -> "`" + name + "`").collect(joining(", "));
        };
    }

    /** The values of all that a condition names. */
    private String seen(String condition) {
        Set<String> seen = new LinkedHashSet<>();
        Matcher named = NAMED.matcher(condition);
        while (named.find()) {
            String plain = named.group("plain");
            String field = named.group("field") == null ? named.group("key") : named.group("field");
            seen.add(named.group() + " = " + (plain == null ? attribute(named.group("place"), field) : value(plain)));
        }
        return String.join(", ", seen);
    }

    private String attribute(String place, @Nullable String name) {
        Map<String, AttributeValue> attributes = switch (place) {
            case "subject.attr" -> facts.subjectAttributes();
            case "resource.attr" -> facts.resourceAttributes();
            default -> facts.context();
        };
        AttributeValue value = attributes.get(name);
        return value == null ? "nothing" : text(value);
    }

    private String value(String name) {
        return switch (name) {
            case "subject.type" -> quoted(query.subject().type());
            case "subject.id" -> quoted(query.subject().id());
            case "subject.groups" ->
                facts.groups().stream().map(Sentences::quoted).toList().toString();
            case "resource.type" -> quoted(query.resource().type());
            case "resource.id" -> quoted(id(query.resource().value()));
            case "resource.path" -> quoted(query.resource().value());
            case "action" -> quoted(query.action().value());
            case "env" -> quoted(query.env().value());
            case "tenant" -> quoted(query.tenant().value());
            default -> now.toString();
        };
    }

    private static String id(String path) {
        String innermost = path.substring(path.lastIndexOf('/') + 1);
        return innermost.substring(innermost.indexOf(':') + 1);
    }

    private static String text(AttributeValue value) {
        return switch (value) {
            case AttributeValue.Text(String text) -> quoted(text);
            case AttributeValue.Whole(long whole) -> Long.toString(whole);
            case AttributeValue.Fraction(double fraction) -> Double.toString(fraction);
            case AttributeValue.Truth(boolean truth) -> Boolean.toString(truth);
            case AttributeValue.Time(Instant time) -> time.toString();
            case AttributeValue.Many(List<AttributeValue> values) ->
                values.stream().map(Sentences::text).collect(joining(", ", "[", "]"));
            case AttributeValue.Fields fields ->
                fields.values().entrySet().stream()
                        .map(field -> field.getKey() + ": " + text(field.getValue()))
                        .collect(joining(", ", "{", "}"));
        };
    }

    private static String quoted(String text) {
        return "\"" + MalformedException.shown(text) + "\"";
    }
}
