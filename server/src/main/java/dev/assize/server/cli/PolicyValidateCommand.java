package dev.assize.server.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.AssignedRoles;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.DocumentReader;
import dev.assize.server.policy.DocumentReader.ReadResult;
import dev.assize.server.policy.FieldPlaces;
import dev.assize.server.policy.PolicySet;
import dev.assize.server.policy.PolicyValidator;
import dev.assize.server.policy.Problem;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Judges policy files without a server. */
@Command(
        name = "validate",
        mixinStandardHelpOptions = true,
        description = {
            "Judges policy files without a server: whether they can be read, and whether what they name is among them.",
            "To judge a change against what a server holds, use `policy diff`."
        })
public final class PolicyValidateCommand implements Callable<Integer> {

    /** What the tenant `assize` of every server starts with. */
    private static final String FIRST_POLICY = "/bootstrap/assize.yaml";

    @Parameters(arity = "1..*", paramLabel = "DIR|FILE", description = "Policy files, or directories of them.")
    private List<Path> paths = new ArrayList<>();

    @Option(names = "--output", paramLabel = "table|json", description = "How to print the problems.")
    private ConnectionOptions.@Nullable Output output;

    @Spec
    private @Nullable CommandSpec spec;

    private final Surroundings surroundings;

    PolicyValidateCommand(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    @Override
    public Integer call() {
        if (spec == null) {
            throw new IllegalStateException("Not run by a command line");
        }
        List<Problem> problems = new ArrayList<>();
        FieldPlaces places = new FieldPlaces();
        List<Document> documents = read(problems, places);
        problems.addAll(places.refine(DocumentReader.findRepeated(documents)));
        if (problems.isEmpty()) {
            problems.addAll(places.refine(
                    judge(withFirstPolicy(documents), surroundings.clock().instant())));
        }
        if (ConnectionOptions.wantsJson(output, spec)) {
            spec.commandLine().getOut().println(json(documents, problems).toPrettyString());
        } else if (problems.isEmpty()) {
            spec.commandLine().getOut().println(documents.size() + " documents, no problems");
        } else {
            problems.forEach(it -> spec.commandLine().getErr().println(Printable.text(it.message())));
        }
        return problems.isEmpty() ? ExitCodes.DONE : ExitCodes.ERROR;
    }

    private List<Document> read(List<Problem> problems, FieldPlaces places) {
        List<Document> documents = new ArrayList<>();
        for (PolicyFiles.Piece piece : PolicyFiles.read(paths)) {
            ReadResult result = DocumentReader.read(piece.file(), piece.line(), piece.yaml());
            places.add(piece.file(), piece.line(), piece.yaml());
            documents.addAll(result.documents());
            problems.addAll(result.problems());
        }
        return documents;
    }

    /** Documents of tenant `assize` stand beside those that every server starts with, and may replace them. */
    private static List<Document> withFirstPolicy(List<Document> documents) {
        PolicyScope assize = PolicyScope.of(TenantId.ASSIZE);
        Set<DocumentKey> given = documents.stream()
                .filter(it -> it.scope().equals(assize))
                .map(Document::key)
                .collect(Collectors.toSet());
        if (given.isEmpty()) {
            return documents;
        }
        List<Document> all = new ArrayList<>(documents);
        firstPolicy().stream().filter(it -> !given.contains(it.key())).forEach(all::add);
        return all;
    }

    private static List<Document> firstPolicy() {
        try (InputStream in = PolicyValidateCommand.class.getResourceAsStream(FIRST_POLICY)) {
            if (in == null) {
                throw new IllegalStateException(FIRST_POLICY + " is not in the jar");
            }
            return DocumentReader.read(FIRST_POLICY, 1, in.readAllBytes()).documents();
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }

    private static List<Problem> judge(List<Document> documents, Instant now) {
        Map<PolicyScope, List<Document>> byScope =
                documents.stream().collect(Collectors.groupingBy(Document::scope, TreeMap::new, Collectors.toList()));
        PolicySet platform = PolicySet.of(
                PolicyScope.PLATFORM, Revision.NONE, byScope.getOrDefault(PolicyScope.PLATFORM, List.of()));
        List<Problem> problems = new ArrayList<>();
        List<PolicySet> tenants = byScope.entrySet().stream()
                .filter(entry -> !entry.getKey().isPlatform())
                .map(entry -> PolicySet.of(entry.getKey(), Revision.NONE, entry.getValue()))
                .toList();
        problems.addAll(PolicyValidator.validatePlatform(platform));
        tenants.forEach(tenant -> problems.addAll(PolicyValidator.validate(tenant, platform)));
        if (problems.isEmpty()) {
            tenants.forEach(tenant -> problems.addAll(AssignedRoles.problems(tenant, platform, now)));
        }
        return problems;
    }

    private static ObjectNode json(List<Document> documents, List<Problem> problems) {
        ObjectNode json = ClientCommand.object().put("documents", documents.size());
        ArrayNode array = json.putArray("problems");
        problems.forEach(it -> array.addObject()
                .put("file", it.place().file())
                .put("line", it.place().line())
                .put("column", it.place().column())
                .put("field", it.field())
                .put("value", it.value())
                .put("expected", it.expected())
                .put("message", it.message()));
        return json;
    }
}
