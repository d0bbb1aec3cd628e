package dev.assize.benchmarks.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import jdk.jfr.Recording;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FlameGraphTest {

    @Test
    void isEmptyWhereNothingWasSampled() {
        assertThat(new FlameGraph().svg()).contains("0 samples").doesNotContain("NaN");
    }

    @Test
    void drawsEachMethodAsWideAsItsShare() {
        FlameGraph graph = new FlameGraph();
        graph.add(List.of("a.Main.run", "a.Fast.<init>"));
        graph.add(List.of("a.Main.run", "a.Slow.work"));
        graph.add(List.of("a.Main.run", "a.Slow.work"));
        graph.add(List.of("b.Other.run"));

        assertThat(graph.svg())
                .contains("a.Main.run, 75.0 % (3 samples)", "<rect x=\"0.0\"", "width=\"900.0\"")
                .contains("a.Slow.work, 50.0 % (2 samples)", "width=\"600.0\"")
                .contains("a.Fast.&lt;init&gt;, 25.0 % (1 samples)");
    }

    @Test
    void readsARecording(@TempDir Path directory) throws IOException {
        Path file = directory.resolve("own.jfr");
        try (Recording recording = new Recording()) {
            recording.enable("jdk.ExecutionSample").withPeriod(Duration.ofMillis(1));
            recording.start();
            FlameGraph busy = new FlameGraph();
            for (int i = 0; i < 200_000; i++) {
                busy.add(List.of("a" + i % 7, "b" + i % 11));
            }
            recording.stop();
            recording.dump(file);
        }

        assertThat(FlameGraph.of(List.of(file)).svg()).startsWith("<svg");
    }
}
