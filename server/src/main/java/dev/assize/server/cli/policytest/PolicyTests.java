package dev.assize.server.cli.policytest;

import dev.assize.server.cli.policytest.TestSuite.TestCheck;
import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.compile.GraphCompiler;
import dev.assize.server.decision.evaluate.DecisionGraph;
import dev.assize.server.decision.evaluate.Evaluator;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Reason;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.DocumentReader;
import dev.assize.server.policy.DocumentReader.ReadResult;
import dev.assize.server.policy.PolicySet;
import dev.assize.server.policy.PolicyValidator;
import dev.assize.server.policy.Problem;
import dev.assize.server.policy.Problems;
import dev.assize.server.policy.SourcePlace;
import dev.assize.server.policy.YamlSource;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * The front desk: tests the policy of a directory.
 *
 * <p>Policy is every `*.yaml` and `*.yml` under it; suites are those in directories named `tests`. The policy is
 * read, validated and compiled as the server does it, and asked without a server: policy that a server would refuse
 * fails before the first check.
 */
public final class PolicyTests {

    private static final String TESTS = "tests";

    private final Path directory;
    private final PrintWriter out;
    private final Problems problems = new Problems();

    private PolicyTests(Path directory, PrintWriter out) {
        this.directory = directory;
        this.out = out;
    }

    /** Runs every suite under the directory and reports what failed, then the counts. */
    public static PolicyTestResult run(Path directory, PrintWriter out) {
        PolicyTestResult result = new PolicyTests(directory, out).run();
        out.flush();
        return result;
    }

    private PolicyTestResult run() {
        List<Document> documents = new ArrayList<>();
        List<TestSuite> suites = new ArrayList<>();
        SuiteReader suiteReader = new SuiteReader(problems);
        for (Path file : yamlFiles()) {
            read(file).ifPresent(yaml -> {
                if (isSuite(file)) {
                    suites.addAll(suiteReader.read(file.toString(), yaml));
                } else {
                    ReadResult read = DocumentReader.read(file.toString(), 1, yaml);
                    documents.addAll(read.documents());
                    read.problems().forEach(problems::add);
                }
            });
        }
        if (suites.isEmpty() && problems.found() == 0) {
            refuse(directory, "no test suites", "YAML documents of kind `PolicyTest` in a directory named `tests`");
        }
        DocumentReader.findRepeated(documents).forEach(problems::add);
        if (problems.found() > 0) {
            return refused();
        }
        return run(policies(documents), suites);
    }

    private PolicyTestResult run(Map<PolicyScope, PolicySet> policies, List<TestSuite> suites) {
        PolicySet platform = policies.getOrDefault(PolicyScope.PLATFORM, PolicySet.empty(PolicyScope.PLATFORM));
        PolicyValidator.validatePlatform(platform).forEach(problems::add);
        policies.values().stream()
                .filter(policy -> !policy.scope().isPlatform())
                .flatMap(policy -> PolicyValidator.validate(policy, platform).stream())
                .forEach(problems::add);
        for (TestSuite suite : suites) {
            if (suite.checks().isEmpty()) {
                refuse(directory, "suite " + suite.name(), "at least one check");
            }
        }
        if (problems.found() > 0) {
            return refused();
        }
        Map<TenantId, DecisionGraph> graphs = new TreeMap<>();
        policies.forEach((scope, policy) ->
                scope.tenant().ifPresent(tenant -> graphs.put(tenant, GraphCompiler.compile(policy, platform))));
        return check(graphs, suites);
    }

    private PolicyTestResult check(Map<TenantId, DecisionGraph> graphs, List<TestSuite> suites) {
        int passed = 0;
        int failed = 0;
        for (TestSuite suite : suites) {
            for (TestCheck check : suite.checks()) {
                DecisionGraph graph = graphs.get(check.query().tenant());
                Optional<Answer> answer = Optional.ofNullable(graph)
                        .map(it -> Evaluator.evaluate(it, check.query(), check.now())
                                .answer());
                Reason reason = answer.map(Answer::reason).orElse(Reason.TENANT_UNKNOWN);
                if (check.expected().isMetBy(reason)) {
                    passed++;
                } else {
                    failed++;
                    out.println(failure(
                            suite,
                            check,
                            reason + answer.map(PolicyTests::because).orElse("")));
                }
            }
        }
        out.println(directory + ": " + suites.size() + " suites, " + passed + " checks passed, " + failed + " failed");
        return new PolicyTestResult(passed, failed, List.of());
    }

    private PolicyTestResult refused() {
        List<Problem> all = problems.toList();
        all.forEach(problem -> out.println(problem.message()));
        out.println(directory + ": " + problems.found() + " problems, no check was run");
        return new PolicyTestResult(0, 0, all);
    }

    private static String failure(TestSuite suite, TestCheck check, String actual) {
        CheckQuery query = check.query();
        String home = query.subjectTenant().equals(query.tenant()) ? "" : " of " + query.subjectTenant();
        return check.place() + ": " + suite.name() + ": " + check.title() + ": " + query.subject() + home + " "
                + query.action() + " " + query.resource() + " in " + query.tenant() + "/" + query.env()
                + ": expected " + check.expected().text() + ", was " + actual;
    }

    private static String because(Answer answer) {
        return switch (answer.decidedBy()) {
            case null -> "";
            case Answer.DecidedBy.Grant(String binding, String role, int position) ->
                " (RoleBinding/" + binding + ", Role/" + role + ", permissions[" + position + "])";
            case Answer.DecidedBy.Freeze(String name) -> " (Freeze/" + name + ")";
            case Answer.DecidedBy.Duty(String name) -> " (SeparationOfDuty/" + name + ")";
            case Answer.DecidedBy.Approval(String name) -> " (ApprovalRule/" + name + ")";
        };
    }

    private static Map<PolicyScope, PolicySet> policies(List<Document> documents) {
        Map<PolicyScope, List<Document>> byScope = new TreeMap<>();
        documents.forEach(document -> byScope.computeIfAbsent(document.scope(), scope -> new ArrayList<>())
                .add(document));
        Map<PolicyScope, PolicySet> policies = new TreeMap<>();
        byScope.forEach((scope, list) -> policies.put(scope, PolicySet.of(scope, new Revision(1), list)));
        return policies;
    }

    private List<Path> yamlFiles() {
        if (!Files.isDirectory(directory)) {
            refuse(directory, directory.toString(), "a directory of policy files");
            return List.of();
        }
        try (Stream<Path> files = Files.walk(directory)) {
            return files.filter(Files::isRegularFile)
                    .filter(this::isPolicyOrSuite)
                    .sorted(Comparator.comparing(Path::toString))
                    .toList();
        } catch (IOException | UncheckedIOException e) {
            refuse(directory, String.valueOf(e.getMessage()), "a readable directory");
            return List.of();
        }
    }

    private boolean isPolicyOrSuite(Path file) {
        for (Path part : directory.relativize(file)) {
            if (part.toString().startsWith(".")) {
                return false;
            }
        }
        return file.toString().endsWith(".yaml") || file.toString().endsWith(".yml");
    }

    private boolean isSuite(Path file) {
        for (Path part : directory.relativize(file)) {
            if (part.toString().equals(TESTS)) {
                return true;
            }
        }
        return false;
    }

    private Optional<byte[]> read(Path file) {
        try (InputStream in = Files.newInputStream(file)) {
            return Optional.of(in.readNBytes(YamlSource.MAX_BYTES + 1));
        } catch (IOException e) {
            refuse(file, String.valueOf(e.getMessage()), "a readable file");
            return Optional.empty();
        }
    }

    private void refuse(Path path, String value, String expected) {
        problems.add(new SourcePlace(path.toString(), 0, 0), "policy test", value, expected);
    }
}
