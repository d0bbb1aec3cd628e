package dev.assize.server.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.assize.server.cli.policytest.PolicyTestResult;
import dev.assize.server.cli.policytest.PolicyTestResult.Coverage;
import dev.assize.server.cli.policytest.PolicyTests;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.file.Path;
import java.time.temporal.ChronoUnit;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Runs a policy's own tests, without a server. */
@Command(
        name = "test",
        mixinStandardHelpOptions = true,
        description = {
            "Runs the tests that stand beside a policy, in directories named `tests`, with a clock that stands still.",
            "Needs no server. Exits with 1 where a check fails, fewer rules are met than asked for, or nothing could be"
                    + " run."
        })
public final class PolicyTestCommand implements Callable<Integer> {

    @Parameters(paramLabel = "DIR", description = "A directory of policy files and their tests.")
    private Path directory = Path.of(".");

    @Option(names = "--output", paramLabel = "table|json", description = "How to print the result.")
    private ConnectionOptions.@Nullable Output output;

    @Option(names = "--junit", paramLabel = "FILE", description = "Write the outcome as JUnit's XML, too.")
    private @Nullable Path junit;

    @Option(names = "--coverage", description = "List the rules that no check met.")
    private boolean coverage;

    @Option(
            names = "--min-coverage",
            paramLabel = "PERCENT",
            description = "Exit with 1 where the checks meet fewer of the rules.")
    private int minCoverage;

    @Option(names = "--watch", description = "Run again whenever a file under DIR changes, until interrupted.")
    private boolean watch;

    @Spec
    private @Nullable CommandSpec spec;

    private final Surroundings surroundings;

    PolicyTestCommand(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    @Override
    public Integer call() throws IOException {
        if (spec == null) {
            throw new IllegalStateException("Not run by a command line");
        }
        if (minCoverage < 0 || minCoverage > 100) {
            throw new ParameterException(
                    spec.commandLine(), "--min-coverage is `" + minCoverage + "`: expected 0 to 100");
        }
        PrintWriter out = spec.commandLine().getOut();
        boolean json = ConnectionOptions.wantsJson(output, spec);
        // Looked at before the first run: what changes during it is run again.
        DirectoryWatch changes = new DirectoryWatch(directory);
        int exitCode = run(out, json);
        tellOfWatch(changes);
        while (watch && changes.await()) {
            out.println();
            exitCode = run(out, json);
            tellOfWatch(changes);
        }
        return exitCode;
    }

    /** Beside the result, so that whoever reads that by program has it pure. */
    private void tellOfWatch(DirectoryWatch changes) {
        if (watch && spec != null) {
            PrintWriter err = spec.commandLine().getErr();
            err.println("Ran at " + surroundings.clock().instant().truncatedTo(ChronoUnit.SECONDS) + ". Watching "
                    + changes.files() + (changes.files() == 1 ? " file" : " files") + " under " + directory
                    + "; Ctrl-C ends.");
            err.flush();
        }
    }

    private int run(PrintWriter out, boolean json) throws IOException {
        PolicyTestResult result = PolicyTests.run(directory, json ? new PrintWriter(Writer.nullWriter()) : out, junit);
        if (json) {
            out.println(json(result).toPrettyString());
        } else {
            report(result, out);
        }
        out.flush();
        return result.isSuccess() && isCovered(result) ? ExitCodes.DONE : ExitCodes.ERROR;
    }

    private void report(PolicyTestResult result, PrintWriter out) {
        if (coverage) {
            result.coverage().unmet().forEach(rule -> out.println(rule + " was met by no check"));
        }
        if (result.problems().isEmpty() && !isCovered(result)) {
            out.println(directory + ": " + result.coverage().percent() + " % of the rules met: expected at least "
                    + minCoverage + " %");
        }
    }

    private boolean isCovered(PolicyTestResult result) {
        return result.coverage().percent() >= minCoverage;
    }

    private ObjectNode json(PolicyTestResult result) {
        ObjectNode json = ClientCommand.object()
                .put("success", result.isSuccess() && isCovered(result))
                .put("passed", result.passed())
                .put("failed", result.failed());
        Coverage rules = result.coverage();
        ObjectNode met = json.putObject("coverage")
                .put("rules", rules.rules())
                .put("met", rules.met())
                .put("percent", rules.percent());
        ArrayNode unmet = met.putArray("unmet");
        rules.unmet().forEach(unmet::add);
        ArrayNode problems = json.putArray("problems");
        result.problems().forEach(it -> problems.add(it.message()));
        return json;
    }
}
