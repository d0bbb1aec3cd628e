package dev.assize.benchmarks.load;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import dev.assize.benchmarks.load.SidecarsPlan.Cost;
import dev.assize.benchmarks.load.SidecarsPlan.Found;
import dev.assize.benchmarks.load.SidecarsPlan.Size;
import dev.assize.server.cli.ExitCodes;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.time.format.DateTimeParseException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Has many sidecars follow the policy of one server, and changes it. */
@Command(
        name = "sidecars",
        mixinStandardHelpOptions = true,
        description = {
            "Starts a server on data of its own and has many sidecars follow the policy of one tenant, as streams of"
                    + " WatchPolicy with documents, each by a key of its own: what first states, listening and changes"
                    + " cost the server, and how long a change takes to come to each."
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:every sidecar heard of every change, and the same",
            "1:could not be found out",
            "2:usage",
            "3:one did not"
        })
public final class SidecarsCommand implements Callable<Integer> {

    private static final double MILLIS = 1e3;
    private static final double MICROS = 1e6;
    private static final double KILOBYTE = 1e3;
    private static final double MEGABYTE = 1e6;

    @Option(names = "--sidecars", defaultValue = "1000", description = "Default: 1000.")
    private int sidecars;

    @Option(
            names = "--connections",
            defaultValue = "20",
            description = "Which they share; a real sidecar has one of its own. Default: 20.")
    private int connections;

    @Option(names = "--documents", defaultValue = "1000", description = "Of the tenant; default: 1000.")
    private int documents;

    @Option(names = "--changes-per-second", defaultValue = "5", description = "Default: 5.")
    private double perSecond;

    @Option(names = "--duration", defaultValue = "20s", description = "Of each part, as 30s or 10m; default: 20s.")
    private String duration = "20s";

    @Option(
            names = "--server-option",
            paramLabel = "OPTION",
            description = "Of the server's JVM, may be repeated; default: -Xmx3g -XX:+UseG1GC.")
    private List<String> serverOptions = List.of();

    @Option(names = "--json", paramLabel = "FILE", description = "Writes what was found there.")
    private @Nullable Path json;

    @Spec
    private @Nullable CommandSpec spec;

    @Override
    public Integer call() throws Exception {
        if (sidecars < 1 || connections < 1 || documents < 1 || perSecond <= 0) {
            throw usage("expected at least 1 sidecar, connection and document, and changes");
        }
        Size size = new Size(sidecars, connections, documents, perSecond, length());
        List<String> options = serverOptions.isEmpty() ? List.of("-Xmx3g", "-XX:+UseG1GC") : serverOptions;
        Cores cores = new Cores("", "", "");
        AssizeProcess.Launch launch = AssizeProcess.Launch.of(cores, LoadCommand.FLAGS, options, null);
        say("starting a server ...");
        Found found;
        try (AssizeProcess server = AssizeProcess.start("assize", launch, Map.of());
                SidecarsPlan plan = new SidecarsPlan(size, server, this::say)) {
            found = plan.run();
        }
        print(found);
        if (json != null) {
            new ObjectMapper()
                    .enable(SerializationFeature.INDENT_OUTPUT)
                    .writeValue(json.toFile(), content(found, cores, options));
        }
        return isWhole(found) ? ExitCodes.DONE : ExitCodes.NO;
    }

    private static boolean isWhole(Found found) {
        return found.fanOut().missing() == 0
                && found.fanOut().disagreements() == 0
                && found.ended().isEmpty();
    }

    private void print(Found found) {
        Size size = found.size();
        Cost quiet = found.quiet().minus(found.alone());
        double changes = size.changes();
        Cost change = found.changes().minus(found.quiet());
        Cost changeAlone = found.changesAlone().minus(found.alone());
        Latencies heard = found.fanOut().sinceSent();
        Latencies behind = found.fanOut().sinceAnswered();
        PrintWriter out = Objects.requireNonNull(spec).commandLine().getOut();
        out.printf(
                Locale.ROOT,
                "%,d sidecars of a tenant of %,d documents, over %,d connections%n",
                size.sidecars(),
                size.documents(),
                size.connections());
        out.printf(
                Locale.ROOT,
                "first states     all after %.1f s; %.1f s of the server's processor, %.2f ms and %.0f KB each%n",
                found.first().seconds(),
                found.first().server(),
                found.first().server() / size.sidecars() * MILLIS,
                found.firstBytes() / KILOBYTE / size.sidecars());
        out.printf(
                Locale.ROOT,
                "memory           %.0f MB of live heap, %.1f KB each; resident %.0f MB more%n",
                found.heapBytes() / MEGABYTE,
                found.heapBytes() / KILOBYTE / size.sidecars(),
                found.residentBytes() / MEGABYTE);
        out.printf(
                Locale.ROOT,
                "nothing changes  %.3f of a processor, %.0f us a second and sidecar; PostgreSQL %.3f%n",
                quiet.server() / quiet.seconds(),
                quiet.server() / quiet.seconds() / size.sidecars() * MICROS,
                quiet.database() / quiet.seconds());
        out.printf(
                Locale.ROOT,
                "changes          %,d at %.1f a second; answered after p50 %.1f, p99 %.1f, max %.1f ms%n",
                size.changes(),
                size.perSecond(),
                millis(found.fanOut().answers(), 50),
                millis(found.fanOut().answers(), 99),
                millis(found.fanOut().answers(), 100));
        out.printf(
                Locale.ROOT,
                "fan-out          from the call p50 %.1f, p99 %.1f, max %.1f ms; behind its answer p50 %.1f, p99 %.1f, max"
                        + " %.1f ms%n",
                millis(heard, 50),
                millis(heard, 99),
                millis(heard, 100),
                millis(behind, 50),
                millis(behind, 99),
                millis(behind, 100));
        out.printf(
                Locale.ROOT,
                "cost of one      %.1f ms of the server's processor, %.1f of them without sidecars: %.0f us a sidecar%n",
                change.server() / changes * MILLIS,
                changeAlone.server() / changes * MILLIS,
                (change.server() - changeAlone.server()) / changes / size.sidecars() * MICROS);
        out.printf(
                Locale.ROOT,
                "%s  %,d changes not heard, %,d states told in two ways, %,d streams ended%s%n",
                isWhole(found) ? "HOLDS " : "BROKEN",
                found.fanOut().missing(),
                found.fanOut().disagreements(),
                found.ended().size(),
                found.ended().isEmpty() ? "" : ": " + found.ended().getFirst());
    }

    private static double millis(Latencies latencies, double percentile) {
        return latencies.micros(percentile) / MILLIS;
    }

    private static Map<String, Object> content(Found found, Cores cores, List<String> options) {
        Map<String, Object> content = new LinkedHashMap<>();
        content.put("schema", "assize/sidecars/1");
        content.put("machine", Machine.describe(cores));
        content.put("versions", Machine.versions());
        content.put("options", options);
        Size size = found.size();
        content.put("sidecars", size.sidecars());
        content.put("connections", size.connections());
        content.put("documents", size.documents());
        content.put("changes", size.changes());
        content.put("changesPerSecond", size.perSecond());
        content.put("alone", cost(found.alone()));
        content.put("changesAlone", cost(found.changesAlone()));
        content.put("firstStates", cost(found.first()));
        content.put("firstBytes", found.firstBytes());
        content.put("quiet", cost(found.quiet()));
        content.put("confirmations", found.confirmations());
        content.put("changing", cost(found.changes()));
        content.put("liveHeapBytes", found.heapBytes());
        content.put("residentBytes", found.residentBytes());
        content.put("answeredMicros", found.fanOut().answers().micros());
        content.put("heardMicros", found.fanOut().sinceSent().micros());
        content.put("heardBehindAnswerMicros", found.fanOut().sinceAnswered().micros());
        content.put("notHeard", found.fanOut().missing());
        content.put("toldInTwoWays", found.fanOut().disagreements());
        content.put("ended", found.ended());
        return content;
    }

    private static Map<String, Double> cost(Cost cost) {
        Map<String, Double> content = new LinkedHashMap<>();
        content.put("seconds", cost.seconds());
        content.put("serverCpuSeconds", cost.server());
        content.put("databaseCpuSeconds", cost.database());
        return content;
    }

    private Duration length() {
        try {
            Duration parsed = Duration.parse("PT" + duration);
            if (parsed.isPositive()) {
                return parsed;
            }
        } catch (DateTimeParseException e) {
            // Told below, with what was expected.
        }
        throw usage("--duration `" + duration + "`: expected a duration such as 30s or 10m");
    }

    private ParameterException usage(String message) {
        return new ParameterException(Objects.requireNonNull(spec).commandLine(), message);
    }

    private void say(String line) {
        PrintWriter err = Objects.requireNonNull(spec).commandLine().getErr();
        err.println(line);
        err.flush();
    }
}
