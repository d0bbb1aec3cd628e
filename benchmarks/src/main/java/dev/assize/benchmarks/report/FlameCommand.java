package dev.assize.benchmarks.report;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Draws where the time of a recording went. */
@Command(
        name = "flame",
        mixinStandardHelpOptions = true,
        description =
                "Draws a flame graph of recordings of JDK Flight Recorder, as a page that needs nothing beside it.")
public final class FlameCommand implements Callable<Integer> {

    @Parameters(paramLabel = "FILE", arity = "1..*", description = "Recordings (*.jfr), drawn as one.")
    private List<Path> recordings = List.of();

    @Option(names = "--output", paramLabel = "FILE", description = "Where the page goes; default: flame.html.")
    private Path output = Path.of("flame.html");

    @Spec
    private @Nullable CommandSpec spec;

    @Override
    public Integer call() throws Exception {
        FlameGraph graph = FlameGraph.of(recordings);
        String names = String.join(", ", recordings.stream().map(Path::toString).toList());
        Page page = new Page(
                "Flame graph",
                List.of(
                        new Block.Paragraph("""
                                %s: %,d samples of threads that ran Java code. A box is a method, as wide as its share of \
                                them, above its caller; point at it for its name.""".formatted(names, graph.samples())),
                        new Block.Plot("flame", "Flame graph", graph.svg())));
        Files.writeString(output, page.html());
        Objects.requireNonNull(spec).commandLine().getErr().println("wrote " + output);
        return 0;
    }
}
