package dev.assize.benchmarks.load;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What others read: the names of members are an agreement. */
class ResultFileTest {

    private static final Workload BATCHES = new Workload(
            "one tenant",
            "CheckBatch 10",
            Workload.Kind.BATCH,
            new byte[][] {{0, 0, 0, 0, 0}},
            10,
            (request, message) -> true);

    @TempDir
    private Path directory;

    private final Findings findings = new Findings();

    @BeforeEach
    void measure() {
        Cell closed = Cell.closed("assize", new FakeServer("assize"), BATCHES, Shape.of(2, 4));
        Cell open = Cell.closed("no-op", new FakeServer("no-op"), BATCHES, Shape.of(2, 4))
                .at(500);
        MeasuredSet set = new MeasuredSet("batches", List.of(closed, open), 0.25);
        for (int round = 1; round <= 9; round++) {
            set.row("assize").bursts().add(burst(round, 1_000, round == 9 ? 0.5 : 0));
            set.row("no-op").bursts().add(burst(round, 500, 0));
        }
        findings.add(set);
        findings.ratio("rate, assize to no-op", set, "assize", "no-op", Burst::requestsPerSecond, Bar.atLeast(1.9));
        findings.fact("loads", 2, Bar.atMost(1));
        findings.remark("said");
    }

    @Test
    void everyBurstIsOneMeasurement() throws IOException {
        JsonNode result = written();

        assertThat(result.get("schema").asText()).isEqualTo("assize/load/1");
        assertThat(result.get("profile").asText()).isEqualTo("smoke");
        assertThat(result.get("measurements")).hasSize(18);
        JsonNode first = result.get("measurements").get(0);
        assertThat(first.get("set").asText()).isEqualTo("batches");
        assertThat(first.get("label").asText()).isEqualTo("assize");
        assertThat(first.get("world").asText()).isEqualTo("one tenant");
        assertThat(first.get("service").asText()).isEqualTo("assize");
        assertThat(first.get("call").asText()).isEqualTo("CheckBatch 10");
        assertThat(first.get("transport").asText()).isEqualTo("tcp");
        assertThat(first.get("model").asText()).isEqualTo("closed");
        assertThat(first.get("streams").asInt()).isEqualTo(4);
        assertThat(first.get("burst").asInt()).isEqualTo(1);
        assertThat(first.get("disturbed").asBoolean()).isFalse();
        assertThat(first.get("requests").asLong()).isEqualTo(1_000);
        assertThat(first.get("decisions").asLong()).isEqualTo(10_000);
        assertThat(first.get("serverCpuSeconds").asDouble()).isEqualTo(0.5);
        assertThat(first.get("latencyMicros").get("99")).isNotNull();
        assertThat(first.get("correctedMicros").get("99")).isNotNull();
        assertThat(first.get("lateMicros")).isNull();
    }

    @Test
    void theOpenModelSaysItsRateAndHowLateTheClientWas() throws IOException {
        JsonNode last = written().get("measurements").get(17);

        assertThat(last.get("model").asText()).isEqualTo("open");
        assertThat(last.get("offeredPerSecond").asDouble()).isEqualTo(500);
        assertThat(last.get("lateMicros").get("99")).isNotNull();
        assertThat(last.get("correctedMicros")).isNull();
    }

    @Test
    void aDisturbedBurstIsThereAndMarked() throws IOException {
        JsonNode result = written();

        assertThat(result.get("measurements").get(8).get("disturbed").asBoolean())
                .isTrue();
        assertThat(result.get("ratios").get(0).get("values")).hasSize(8);
    }

    @Test
    void aRatioHasItsBarItsIntervalAndAWord() throws IOException {
        JsonNode ratio = written().get("ratios").get(0);

        assertThat(ratio.get("name").asText()).isEqualTo("rate, assize to no-op");
        assertThat(ratio.get("wanted").asText()).isEqualTo("1.9 or more");
        assertThat(ratio.get("median").asDouble()).isEqualTo(2);
        assertThat(ratio.get("low").asDouble()).isEqualTo(2);
        assertThat(ratio.get("verdict").asText()).isEqualTo("met");
        assertThat(ratio.get("margin").asDouble()).isEqualTo(1.0526);
    }

    @Test
    void factsAndRemarksAreThere() throws IOException {
        JsonNode result = written();

        assertThat(result.get("facts").get(0).get("name").asText()).isEqualTo("loads");
        assertThat(result.get("facts").get(0).get("verdict").asText()).isEqualTo("not met");
        assertThat(result.get("remarks").get(0).asText()).isEqualTo("said");
    }

    /** So that a whole run can be kept in the repository, and two of them be compared as text. */
    @Test
    void aBurstIsALineOfLessThanAThousandLetters() throws IOException {
        written();

        assertThat(Files.readAllLines(directory.resolve("load.json")))
                .filteredOn(line -> line.contains("latencyMicros"))
                .hasSize(18)
                .allSatisfy(line -> assertThat(line.length()).isLessThan(1_000));
    }

    @Test
    void saysNothingOfWhereFilesLie() throws IOException {
        findings.incomplete(
                "Check",
                new IOException(
                        "no answer; see " + directory.resolve("server.log").toAbsolutePath()));

        assertThat(written().get("remarks").get(1).asText())
                .isEqualTo("Check could not be measured to its end: no answer; see server.log");
    }

    @Test
    void saysWhereTheOpenModelFellBehind() {
        Cell open = Cell.closed("assize", new FakeServer("assize"), BATCHES, Shape.of(2, 4))
                .at(1_100);
        MeasuredSet behind = new MeasuredSet("open batches", List.of(open), 0.25);
        behind.row("assize").bursts().add(burst(1, 1_000, 0));

        findings.add(behind);

        assertThat(findings.remarks())
                .contains("open batches, assize: it fell behind what was asked in most bursts; its times are those of a"
                        + " queue that grows")
                .hasSize(2);
    }

    @Test
    void isPrintedForPeople() {
        StringWriter text = new StringWriter();
        new ResultTable(new PrintWriter(text)).print(findings);

        assertThat(text.toString())
                .contains("batches", "10,000", "met (by less than 1.3)", "not met", "* said")
                .containsPattern("rate, assize to no-op +2\\.000 +2\\.000 to 2\\.000 +1\\.9 or more");
    }

    private JsonNode written() throws IOException {
        Path file = directory.resolve("load.json");
        ResultFile.write(file, Map.of("profile", "smoke"), findings);
        return new ObjectMapper().readTree(file.toFile());
    }

    private static Burst burst(int round, int requests, double foreign) {
        Latencies latencies = new Latencies();
        latencies.record(1_000_000);
        WireRun.Observed observed =
                new WireRun.Observed(requests, 0, 0, 10, latencies, latencies, 0, 1_000_000_000, null);
        return new Burst(round, observed, 0.5, 0, 0.1, foreign);
    }
}
