package dev.assize.server.cli.policytest;

import dev.assize.server.cli.policytest.TestSuite.TestCheck;
import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.check.CheckQuery.Delegator;
import dev.assize.server.decision.check.Explanation;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Reason;
import dev.assize.server.model.Revision;
import dev.assize.server.policy.AssignedRoles;
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
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

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
    private final @Nullable Path junit;
    private final Problems problems = new Problems();

    private PolicyTests(Path directory, PrintWriter out, @Nullable Path junit) {
        this.directory = directory;
        this.out = out;
        this.junit = junit;
    }

    /**
     * Runs every suite under the directory and reports what failed, then the counts.
     *
     * @param junit where to write the outcome as XML, too; null for nowhere
     */
    public static PolicyTestResult run(Path directory, PrintWriter out, @Nullable Path junit) throws IOException {
        PolicyTestResult result = new PolicyTests(directory, out, junit).run();
        out.flush();
        return result;
    }

    private PolicyTestResult run() throws IOException {
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

    private PolicyTestResult run(Map<PolicyScope, PolicySet> policies, List<TestSuite> suites) throws IOException {
        PolicySet platform = policies.getOrDefault(PolicyScope.PLATFORM, PolicySet.empty(PolicyScope.PLATFORM));
        PolicyValidator.validatePlatform(platform).forEach(problems::add);
        policies.values().stream()
                .filter(policy -> !policy.scope().isPlatform())
                .flatMap(policy -> PolicyValidator.validate(policy, platform).stream())
                .forEach(problems::add);
        if (problems.found() == 0) {
            assignedRoles(policies, platform, suites);
        }
        for (TestSuite suite : suites) {
            if (suite.checks().isEmpty()) {
                refuse(directory, "suite " + suite.name(), "at least one check");
            }
        }
        return problems.found() > 0 ? refused() : check(new TestWorld(policies), new RuleCoverage(policies), suites);
    }

    /** Nobody holds too much, from the earliest moment that a check asks about. */
    private void assignedRoles(Map<PolicyScope, PolicySet> policies, PolicySet platform, List<TestSuite> suites) {
        suites.stream()
                .flatMap(suite -> suite.checks().stream())
                .map(TestCheck::now)
                .min(Comparator.naturalOrder())
                .ifPresent(earliest -> policies.values().stream()
                        .filter(policy -> !policy.scope().isPlatform())
                        .flatMap(policy -> AssignedRoles.problems(policy, platform, earliest).stream())
                        .forEach(problems::add));
    }

    private PolicyTestResult check(TestWorld world, RuleCoverage coverage, List<TestSuite> suites) throws IOException {
        JUnitReport report = new JUnitReport();
        int passed = 0;
        int failed = 0;
        for (TestSuite suite : suites) {
            List<JUnitReport.Case> cases = new ArrayList<>();
            for (TestCheck check : suite.checks()) {
                Explanation explanation = world.explain(check);
                coverage.meet(check.query().tenant(), explanation);
                Optional<String> failure = failure(check, explanation.answer());
                cases.add(new JUnitReport.Case(check.title() + ": " + question(check), failure));
                failure.ifPresent(it -> out.println(check.place() + ": " + suite.name() + ": " + check.title() + ": "
                        + question(check) + ": " + it));
                passed += failure.isPresent() ? 0 : 1;
                failed += failure.isPresent() ? 1 : 0;
            }
            report.add(suite.name(), cases);
        }
        if (junit != null) {
            report.write(junit);
        }
        out.println(directory + ": " + counted(suites.size(), "suite") + ", " + counted(passed, "check") + " passed, "
                + failed + " failed, " + coverage.metCount() + " of " + coverage.count() + " rules met");
        return new PolicyTestResult(passed, failed, counted(coverage), List.of());
    }

    private static String counted(int number, String what) {
        return number + " " + what + (number == 1 ? "" : "s");
    }

    private static PolicyTestResult.Coverage counted(RuleCoverage coverage) {
        return new PolicyTestResult.Coverage(
                coverage.count(),
                coverage.metCount(),
                coverage.percent(),
                coverage.unmet().stream()
                        .map(rule -> rule.place() + ": " + rule.name())
                        .toList());
    }

    private PolicyTestResult refused() {
        List<Problem> all = problems.toList();
        all.forEach(problem -> out.println(problem.message()));
        out.println(directory + ": " + counted(problems.found(), "problem") + ", no check was run");
        return new PolicyTestResult(0, 0, PolicyTestResult.Coverage.NONE, all);
    }

    private static Optional<String> failure(TestCheck check, Answer answer) {
        if (!check.expected().isMetBy(answer.reason())) {
            return Optional.of("expected " + check.expected().text() + ", was " + answer.reason() + because(answer));
        }
        SortedSet<String> ids = new TreeSet<>();
        answer.obligations().forEach(obligation -> ids.add(obligation.id()));
        return check.obligations()
                .filter(expected -> !expected.equals(ids))
                .map(expected -> "expected obligations " + new TreeSet<>(expected) + ", were " + ids);
    }

    private static String question(TestCheck check) {
        CheckQuery query = check.query();
        String home = query.subjectTenant().equals(query.tenant()) ? "" : " of " + query.subjectTenant();
        Delegator delegator = query.onBehalfOf();
        String behalf = delegator == null ? "" : " on behalf of " + delegator.subject();
        return query.subject() + home + behalf + " " + query.action() + " " + query.resource() + " in " + query.tenant()
                + "/" + query.env();
    }

    private static String because(Answer answer) {
        String decidedBy = switch (answer.decidedBy()) {
            case null -> "";
            case Answer.DecidedBy.Grant(String binding, String role, int position) ->
                " (RoleBinding/" + binding + ", Role/" + role + ", permissions[" + position + "])";
            case Answer.DecidedBy.Freeze(String name) -> " (Freeze/" + name + ")";
            case Answer.DecidedBy.Duty(String name) -> " (SeparationOfDuty/" + name + ")";
            case Answer.DecidedBy.Approval(String name) -> " (ApprovalRule/" + name + ")";
        };
        Reason delegatorReason = answer.delegatorReason();
        return delegatorReason == null ? decidedBy : " because " + delegatorReason + decidedBy;
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
