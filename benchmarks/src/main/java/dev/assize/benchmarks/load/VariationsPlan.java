package dev.assize.benchmarks.load;

import dev.assize.benchmarks.load.BareServer.Answers;
import dev.assize.proto.v1.CheckBatchResponse;
import dev.assize.proto.v1.CheckBatchResult;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.CheckStreamResponse;
import dev.assize.proto.v1.Decision;
import dev.assize.proto.v1.Reason;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * What single choices are worth on the wire: the no-op with one thing other than it is, and Assize with one option of the
 * JVM other than it is started with. Nothing is asked of the figures; they say what to keep.
 */
final class VariationsPlan implements AutoCloseable {

    private static final int REQUESTS = 2_048;
    private static final Shape SHAPE = Shape.of(8, 128);

    /** Of eighteen servers, each of which does one kind of call. */
    private static final int PART_OF_WARM_UP = 2;

    private static final Departments WORLD = Departments.of("one", 1, 20, 5);
    private static final String AS_IT_IS = "assize";
    private static final String COLLECTOR = "-XX:+UseG1GC";

    /** By what they are called in the report; a collector takes the place of the usual one. */
    private static final Map<String, List<String>> OPTIONS = options();

    private final Profile profile;
    private final Cores cores;
    private final List<String> flags;
    private final List<String> options;
    private final Function<List<String>, AssizeProcess.Launch> launch;
    private final Path directory;
    private final Findings findings;
    private final Consumer<String> progress;
    private final LoadClient client = new LoadClient();
    private final BurstMeter meter = new BurstMeter(client, new ProcessorTime());
    private final List<ServerUnderTest> started = new ArrayList<>();

    /**
     * @param flags that Assize's launcher gives, and the no-op is to have
     * @param options of every server's JVM, the collector among them
     * @param launch how Assize is started with options
     */
    VariationsPlan(
            Profile profile,
            Cores cores,
            List<String> flags,
            List<String> options,
            Function<List<String>, AssizeProcess.Launch> launch,
            Path directory,
            Findings findings,
            Consumer<String> progress) {
        this.profile = profile;
        this.cores = cores;
        this.flags = flags;
        this.options = options;
        this.launch = launch;
        this.directory = directory;
        this.findings = findings;
        this.progress = progress;
    }

    private static Map<String, List<String>> options() {
        Map<String, List<String>> options = new LinkedHashMap<>();
        options.put(AS_IT_IS, List.of(COLLECTOR));
        options.put("the parallel collector", List.of("-XX:+UseParallelGC"));
        options.put("the serial collector", List.of("-XX:+UseSerialGC"));
        options.put("ZGC", List.of("-XX:+UseZGC"));
        options.put("no compact object headers", List.of(COLLECTOR, "-XX:-UseCompactObjectHeaders"));
        options.put("transparent huge pages", List.of(COLLECTOR, "-XX:+UseTransparentHugePages"));
        options.put("no search for leaked buffers", List.of(COLLECTOR, netty("leakDetection.level=disabled")));
        options.put("Netty's adaptive allocator", List.of(COLLECTOR, "-Dio.grpc.netty.useCustomAllocator=false"));
        return options;
    }

    private static String netty(String property) {
        return "-Dio.grpc.netty.shaded.io.netty." + property;
    }

    void run() throws IOException, InterruptedException {
        answers().write(directory);
        List<String> all = Stream.concat(flags.stream(), options.stream()).toList();
        List<Cell> noOps = new ArrayList<>();
        for (Variation variation : Variation.values()) {
            progress.accept("starting the no-op, " + variation.text() + " ...");
            noOps.add(cell(variation.text(), started(BareProcess.start(variation.style(), cores, all, directory))));
        }
        compare("Check, 128 streams, the no-op varied", noOps);
        end();
        List<Cell> assizes = new ArrayList<>();
        for (Map.Entry<String, List<String>> option : OPTIONS.entrySet()) {
            progress.accept("starting assize, " + option.getKey() + " ...");
            assizes.add(cell(option.getKey(), started(assize(option.getValue()))));
        }
        compare("Check, 128 streams, assize by options of the JVM", assizes);
    }

    @Override
    public void close() throws IOException {
        end();
        client.close();
    }

    private AssizeProcess assize(List<String> with) throws IOException {
        List<String> all = Stream.concat(options.stream().filter(option -> !option.equals(COLLECTOR)), with.stream())
                .toList();
        AssizeProcess server = AssizeProcess.start("assize", launch.apply(all), Map.of());
        server.load(WORLD);
        return server;
    }

    private Cell cell(String label, ServerUnderTest server) {
        return Cell.closed(label, server, new Requests(WORLD, "one tenant", 2).checks(Requests.ofOne(REQUESTS)), SHAPE);
    }

    /** Each with the first. */
    private void compare(String name, List<Cell> cells) throws IOException, InterruptedException {
        for (Cell cell : cells) {
            progress.accept("warming up " + cell.label() + " ...");
            cores.free(cell.server().pid());
            meter.measure(0, cell, profile.settle(), profile.warmUp().dividedBy(PART_OF_WARM_UP));
            cores.pinServer(cell.server().pid());
        }
        progress.accept(name + " ...");
        MeasuredSet set = new Rounds(meter::measure, profile).measure(name, cells);
        findings.add(set);
        String first = cells.getFirst().label();
        for (Cell cell : cells.subList(1, cells.size())) {
            findings.ratio(
                    name + ": CPU a request, " + cell.label() + ", to " + first,
                    set,
                    cell.label(),
                    first,
                    Burst::cpuMicrosPerRequest,
                    null);
        }
    }

    private void end() throws IOException {
        for (ServerUnderTest server : started.reversed()) {
            server.close();
        }
        started.clear();
    }

    private <S extends ServerUnderTest> S started(S server) {
        started.add(server);
        return server;
    }

    /** About as long as Assize's are. */
    private static Answers answers() {
        CheckResponse answer = CheckResponse.newBuilder()
                .setDecision(Decision.DECISION_ALLOW)
                .setReason(Reason.REASON_ALLOWED)
                .setDecisionId("0123456789abcdef0123456789abcdef")
                .setRevision(1)
                .build();
        return new Answers(
                answer.toByteArray(),
                CheckBatchResponse.newBuilder()
                        .addResults(CheckBatchResult.newBuilder().setResponse(answer))
                        .build()
                        .toByteArray(),
                CheckStreamResponse.newBuilder().setResponse(answer).build().toByteArray());
    }
}
