package dev.assize.server.cli;

import dev.assize.server.policy.Kind;
import dev.assize.server.policy.PolicySchema;
import java.util.Arrays;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Prints what documents may look like, for editors. */
@Command(
        name = "schema",
        mixinStandardHelpOptions = true,
        description = {
            "Prints the JSON Schema (draft-07) of policy documents, without a server: of any kind, or of one.",
            "For an editor that checks and completes policy files, write it to a file and name that in its settings."
        })
public final class PolicySchemaCommand implements Callable<Integer> {

    @Parameters(
            arity = "0..1",
            paramLabel = "KIND",
            description = "For example Role; default: the schema of all kinds together, which is what editors need.")
    private @Nullable String kind;

    @Spec
    private @Nullable CommandSpec spec;

    @Override
    public Integer call() {
        if (spec == null) {
            throw new IllegalStateException("Not run by a command line");
        }
        String schema = kind == null ? PolicySchema.ofAnyKind() : PolicySchema.of(known(kind, spec));
        spec.commandLine().getOut().print(schema);
        spec.commandLine().getOut().flush();
        return ExitCodes.DONE;
    }

    private static Kind known(String text, CommandSpec spec) {
        return Kind.ofText(text)
                .orElseThrow(() -> new ParameterException(
                        spec.commandLine(),
                        "KIND `" + Printable.text(text) + "`: expected one of "
                                + Arrays.stream(Kind.values())
                                        .map(Kind::text)
                                        .collect(Collectors.joining("`, `", "`", "`"))));
    }
}
