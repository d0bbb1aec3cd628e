package dev.assize.server.endpoint.envoy;

import dev.assize.server.model.Limits;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.Names;
import dev.assize.server.model.Subject;
import dev.assize.server.policy.Fields;
import dev.assize.server.policy.Problems;
import dev.assize.server.policy.YamlNode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Reads in the mapping file where requests say who makes them, and what conditions read of them. */
final class SourcesReader {

    static final int MAX_SUBJECTS = 16;

    private static final String TEXT_EXPECTED = "a text of 1 to 256 bytes without control characters";
    private static final String UNDER_EXPECTED =
            "how principals begin, up to a slash, such as `spiffe://example.com/`; only whole parts are cut off";
    private static final String TYPE_EXPECTED = "a type of subjects, `[a-z][a-z0-9_-]{0,31}`, and not `group`";
    private static final String PART_EXPECTED = "`method`, `host` or `path`";
    private static final String CONTEXT_EXPECTED = "`request`, `header` or `claim`";
    private static final String NAME_EXPECTED = "a name that conditions can write, `[A-Za-z_][A-Za-z0-9_]{0,63}`";
    private static final Pattern NAME = Pattern.compile("[A-Za-z_][A-Za-z0-9_]{0,63}");

    private final Problems problems;

    SourcesReader(Problems problems) {
        this.problems = problems;
    }

    /** Who makes requests. */
    List<SubjectSource> subjects(Fields fields, YamlNode node) {
        List<SubjectSource> sources = new ArrayList<>();
        List<YamlNode> items = fields.items("subjects", node, "a list with at least one source");
        if (items.size() > MAX_SUBJECTS) {
            fields.refuse("subjects", items.size() + " sources", "at most " + MAX_SUBJECTS);
            return sources;
        }
        for (int i = 0; i < items.size(); i++) {
            String field = fields.nameOf("subjects") + "[" + i + "]";
            Fields.mapping(problems, field, items.get(i), "`jwt`, `principal` or `header`, each with a mapping")
                    .flatMap(mapping -> source(field + ".", mapping))
                    .ifPresent(sources::add);
        }
        return sources;
    }

    private Optional<SubjectSource> source(String prefix, YamlNode.Mapping node) {
        Fields fields = new Fields(problems, prefix, node, List.of("jwt", "principal", "header"), List.of());
        if (node.entries().size() != 1) {
            problems.add(
                    node.place(),
                    prefix.substring(0, prefix.length() - 1),
                    node.shown(),
                    "one of `jwt`, `principal` and `header`");
            return Optional.empty();
        }
        return of(fields, "jwt", List.of("type", "namespace", "payload", "claim", "issuer"), SourcesReader::jwt)
                .or(() -> of(fields, "principal", List.of("type", "under"), SourcesReader::principal))
                .or(() -> of(fields, "header", List.of("type", "name"), SourcesReader::header));
    }

    private Optional<SubjectSource> of(
            Fields fields, String kind, List<String> known, BiFunction<Fields, String, Optional<SubjectSource>> read) {
        return fields.optionalNode(kind)
                .flatMap(node -> Fields.mapping(problems, fields.nameOf(kind), node, "a mapping"))
                .flatMap(node -> {
                    Fields inner = new Fields(problems, fields.nameOf(kind) + ".", node, known, List.of());
                    return inner.value("type", TYPE_EXPECTED, SourcesReader::subjectType)
                            .flatMap(type -> read.apply(inner, type));
                });
    }

    private static Optional<SubjectSource> jwt(Fields fields, String type) {
        String claim = fields.optionalValue("claim", SourcesReader::text).orElse("sub");
        return token(fields).map(token -> new SubjectSource.Jwt(type, token, claim));
    }

    private static Optional<SubjectSource> principal(Fields fields, String type) {
        String under = fields.optionalValue("under", SourcesReader::under).orElse("");
        return Optional.of(new SubjectSource.Principal(type, under));
    }

    private static Optional<SubjectSource> header(Fields fields, String type) {
        return fields.value("name", "the name of a header", HeaderRules::name)
                .map(name -> new SubjectSource.Header(type, name));
    }

    private static Optional<VerifiedToken> token(Fields fields) {
        String namespace =
                fields.optionalValue("namespace", SourcesReader::text).orElse(VerifiedToken.NAMESPACE);
        @Nullable
        String issuer = fields.optionalValue("issuer", SourcesReader::text).orElse(null);
        return fields.value("payload", "the provider's `payload_in_metadata` in Envoy", SourcesReader::text)
                .map(payload -> new VerifiedToken(namespace, payload, issuer));
    }

    /** What conditions read of requests; empty where nothing is said of it. */
    Optional<Map<String, ContextSource>> context(Fields fields) {
        return fields.optionalNode("context")
                .flatMap(node ->
                        Fields.mapping(problems, fields.nameOf("context"), node, "a mapping from names to sources"))
                .map(node -> context(fields, node));
    }

    private Map<String, ContextSource> context(Fields fields, YamlNode.Mapping node) {
        Map<String, ContextSource> sources = new HashMap<>();
        if (node.entries().isEmpty() || node.entries().size() > Limits.ATTRIBUTES) {
            fields.refuse("context", node.entries().size() + " names", "1 to " + Limits.ATTRIBUTES);
            return sources;
        }
        for (YamlNode.Entry entry : node.entries()) {
            String field = fields.nameOf("context") + "." + entry.key();
            if (!NAME.matcher(entry.key()).matches()) {
                problems.add(entry.place(), field, entry.key(), NAME_EXPECTED);
            } else if (sources.containsKey(entry.key())) {
                problems.add(entry.place(), field, entry.key(), "each name once");
            } else {
                Fields.mapping(problems, field, entry.value(), CONTEXT_EXPECTED)
                        .flatMap(source -> contextSource(field, source))
                        .ifPresent(source -> sources.put(entry.key(), source));
            }
        }
        return sources;
    }

    private Optional<ContextSource> contextSource(String field, YamlNode.Mapping node) {
        Fields fields = new Fields(problems, field + ".", node, List.of("request", "header", "claim"), List.of());
        if (node.entries().size() != 1) {
            problems.add(node.place(), field, node.shown(), "one of " + CONTEXT_EXPECTED);
            return Optional.empty();
        }
        return fields.optionalValue("request", SourcesReader::part)
                .or(() -> fields.optionalValue("header", HeaderRules::name).map(ContextSource.Header::new))
                .or(() -> fields.optionalNode("claim")
                        .flatMap(claim -> Fields.mapping(problems, fields.nameOf("claim"), claim, "a mapping"))
                        .flatMap(claim -> claim(fields.nameOf("claim") + ".", claim)));
    }

    private Optional<ContextSource> claim(String prefix, YamlNode.Mapping node) {
        Fields fields =
                new Fields(problems, prefix, node, List.of("name", "namespace", "payload", "issuer"), List.of());
        Optional<VerifiedToken> token = token(fields);
        Optional<String> name = fields.value("name", "the claim", SourcesReader::text);
        return token.flatMap(of -> name.map(claim -> new ContextSource.Claim(of, claim)));
    }

    private static ContextSource part(String text) {
        return switch (text) {
            case "method" -> ContextSource.Part.METHOD;
            case "host" -> ContextSource.Part.HOST;
            case "path" -> ContextSource.Part.PATH;
            default -> throw new MalformedException(text, PART_EXPECTED);
        };
    }

    static String text(String text) {
        if (text.isEmpty() || Names.utf8Length(text) > 256 || !Names.isClean(text)) {
            throw new MalformedException(text, TEXT_EXPECTED);
        }
        return text;
    }

    private static String under(String text) {
        if (!text.endsWith("/")) {
            throw new MalformedException(text, UNDER_EXPECTED);
        }
        return text(text);
    }

    private static String subjectType(String text) {
        if (!Names.isType(text) || text.equals(Subject.GROUP_TYPE)) {
            throw new MalformedException(text, TYPE_EXPECTED);
        }
        return text;
    }
}
