package dev.assize.server.app;

import dev.assize.server.app.witness.WitnessCommand;
import dev.assize.server.cli.AccessCommand;
import dev.assize.server.cli.ApprovalCommand;
import dev.assize.server.cli.AuditCommand;
import dev.assize.server.cli.CheckCommand;
import dev.assize.server.cli.CommandErrors;
import dev.assize.server.cli.CommandFactory;
import dev.assize.server.cli.ConnectionOptions;
import dev.assize.server.cli.ExplainCommand;
import dev.assize.server.cli.FreezeCommand;
import dev.assize.server.cli.GrantCommand;
import dev.assize.server.cli.KeyCommand;
import dev.assize.server.cli.PolicyCommand;
import dev.assize.server.cli.RevokeCommand;
import dev.assize.server.cli.SearchCommand;
import dev.assize.server.cli.SpoolCommand;
import dev.assize.server.cli.Surroundings;
import dev.assize.server.cli.TenantCommand;
import dev.assize.server.cli.UnfreezeCommand;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Everything Assize can be told to do. */
@Command(
        name = "assize",
        mixinStandardHelpOptions = true,
        versionProvider = PrintedVersion.class,
        description = "Decides who may do what, and keeps a record that cannot be quietly changed.",
        synopsisSubcommandLabel = "COMMAND",
        footerHeading = "%nExit codes:%n",
        footer = {
            "  0  allowed, or done",
            "  1  error",
            "  2  usage",
            "  3  denied, or the verification failed",
            "",
            "`assize bench` runs the benchmarks."
        })
public final class Main {

    private static final String SERVE = "serve";

    @Mixin(name = ConnectionOptions.MIXIN)
    ConnectionOptions connection = new ConnectionOptions();

    private Main() {}

    public static void main(String[] args) {
        Surroundings surroundings = new Surroundings(System.getenv(), isTerminal(), InstantSource.system());
        System.exit(
                isPlainServe(args)
                        ? serve(surroundings)
                        : commandLine(surroundings, args).execute(args));
    }

    /** Without options, as most servers are started. */
    private static boolean isPlainServe(String... args) {
        return args.length == 1 && args[0].equals(SERVE);
    }

    /** The same as by the command line, of which there is nothing to be read: to make one takes a tenth of a start. */
    private static int serve(Surroundings surroundings) {
        try {
            return new ServeCommand(surroundings, writer(System.out)).call();
        } catch (Exception failure) {
            return CommandErrors.tell(failure, writer(System.err));
        }
    }

    /** With the commands that these arguments may mean. */
    static CommandLine commandLine(Surroundings surroundings, String... args) {
        return CommandErrors.install(Every.of(surroundings, commands(args)))
                .setColorScheme(CommandLine.Help.defaultColorScheme(
                        surroundings.colours() ? CommandLine.Help.Ansi.ON : CommandLine.Help.Ansi.OFF))
                .setOut(writer(System.out))
                .setErr(writer(System.err));
    }

    private static PrintWriter writer(PrintStream stream) {
        return new PrintWriter(stream, true, stream.charset());
    }

    /** A server is started without what the other commands need, which are a good part of all classes. */
    private static List<Class<?>> commands(String... args) {
        return args.length > 0 && args[0].equals(SERVE) ? List.of(ServeCommand.class) : Every.COMMAND;
    }

    private static boolean isTerminal() {
        return Optional.ofNullable(System.console())
                .map(java.io.Console::isTerminal)
                .orElse(false);
    }

    /** What a plain {@code serve} does without. */
    private static final class Every {

        static CommandLine of(Surroundings surroundings, List<Class<?>> commands) {
            CommandLine commandLine = new CommandLine(new Main(), new CommandFactory(surroundings));
            commands.forEach(commandLine::addSubcommand);
            return commandLine;
        }

        /** In the order of the help. */
        static final List<Class<?>> COMMAND = List.of(
                QuickstartCommand.class,
                ServeCommand.class,
                CheckCommand.class,
                ExplainCommand.class,
                SearchCommand.class,
                PolicyCommand.class,
                GrantCommand.class,
                RevokeCommand.class,
                FreezeCommand.class,
                UnfreezeCommand.class,
                ApprovalCommand.class,
                AuditCommand.class,
                AccessCommand.class,
                SpoolCommand.class,
                TenantCommand.class,
                KeyCommand.class,
                SigningKeyCommand.class,
                AnchorCommand.class,
                WitnessCommand.class);
    }
}
