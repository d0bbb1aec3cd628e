package dev.assize.benchmarks;

import dev.assize.benchmarks.load.LoadCommand;
import dev.assize.benchmarks.load.SidecarsCommand;
import dev.assize.benchmarks.report.FlameCommand;
import dev.assize.benchmarks.report.ReportCommand;
import java.io.PrintWriter;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;

/** What {@code assize bench} starts: a driver by its name, or else JMH. */
public final class Main {

    private Main() {}

    public static void main(String[] arguments) throws Exception {
        Object driver = arguments.length == 0 ? null : driver(arguments[0]);
        if (driver == null) {
            org.openjdk.jmh.Main.main(arguments);
            return;
        }
        int exitCode = new CommandLine(driver)
                .setCommandName("assize bench " + arguments[0])
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setOut(new PrintWriter(System.out, true, System.out.charset()))
                .setErr(new PrintWriter(System.err, true, System.err.charset()))
                .execute(Arrays.copyOfRange(arguments, 1, arguments.length));
        System.exit(exitCode);
    }

    private static @Nullable Object driver(String name) {
        return switch (name) {
            case "ledger" -> new LedgerHammer();
            case "append" -> new AppendDriver();
            case "flame" -> new FlameCommand();
            case "report" -> new ReportCommand();
            case "load" -> new LoadCommand();
            case "sidecars" -> new SidecarsCommand();
            case "scale" -> new LedgerScaleReport();
            default -> null;
        };
    }
}
