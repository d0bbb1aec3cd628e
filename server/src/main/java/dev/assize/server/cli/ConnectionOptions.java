package dev.assize.server.cli;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;

/** Where the server is, who calls, and how to print the answer; accepted before and after the command's name. */
public final class ConnectionOptions extends ServerOptions {

    @Option(names = "--output", paramLabel = "table|json", description = "How to print the answer; default: table.")
    @Nullable
    Output output;

    /** How an answer is printed. */
    public enum Output {
        TABLE,
        JSON
    }

    /** For commands without a server, whose `--output` may stand before their name all the same. */
    public static boolean wantsJson(@Nullable Output own, CommandSpec spec) {
        CommandSpec root = spec.root().mixins().get(MIXIN);
        Output before = root != null && root.userObject() instanceof ConnectionOptions options ? options.output : null;
        return (own == null ? before : own) == Output.JSON;
    }
}
