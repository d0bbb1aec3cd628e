package dev.assize.server.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.assize.server.cli.policytest.PolicyTestResult;
import dev.assize.server.cli.policytest.PolicyTests;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Runs a policy's own tests, without a server. */
@Command(
        name = "test",
        mixinStandardHelpOptions = true,
        description = {
            "Runs the tests that stand beside a policy, in directories named `tests`, with a clock that stands still.",
            "Needs no server. Exits with 1 where a check fails or nothing could be run."
        })
public final class PolicyTestCommand implements Callable<Integer> {

    @Parameters(paramLabel = "DIR", description = "A directory of policy files and their tests.")
    private Path directory = Path.of(".");

    @Option(names = "--output", paramLabel = "table|json", description = "How to print the result.")
    private ConnectionOptions.@Nullable Output output;

    @Spec
    private @Nullable CommandSpec spec;

    @Override
    public Integer call() {
        if (spec == null) {
            throw new IllegalStateException("Not run by a command line");
        }
        PrintWriter out = spec.commandLine().getOut();
        boolean json = ConnectionOptions.wantsJson(output, spec);
        PolicyTestResult result = PolicyTests.run(directory, json ? new PrintWriter(Writer.nullWriter()) : out);
        if (json) {
            out.println(json(result).toPrettyString());
        }
        return result.isSuccess() ? ExitCodes.DONE : ExitCodes.ERROR;
    }

    private static ObjectNode json(PolicyTestResult result) {
        ObjectNode json = ClientCommand.object()
                .put("success", result.isSuccess())
                .put("passed", result.passed())
                .put("failed", result.failed());
        ArrayNode problems = json.putArray("problems");
        result.problems().forEach(it -> problems.add(it.message()));
        return json;
    }
}
