package dev.assize.benchmarks.load;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.MathContext;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Everything that was measured, burst by burst, as JSON of the schema {@code assize/load/1}, which the report reads and
 * {@code docs/performance/load.md} describes.
 */
final class ResultFile {

    static final String SCHEMA = "assize/load/1";

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final MathContext DIGITS = new MathContext(5);

    private ResultFile() {}

    /** One burst a line, so that two runs can be compared as text, and with as many digits as mean something. */
    static void write(Path file, Map<String, Object> run, Findings findings) throws IOException {
        List<String> members = new ArrayList<>();
        for (Map.Entry<String, Object> member : content(run, findings).entrySet()) {
            members.add(JSON.writeValueAsString(member.getKey()) + ":" + text(member.getValue()));
        }
        Files.writeString(file, "{" + String.join(",\n", members) + "}\n");
    }

    private static String text(Object value) throws IOException {
        if (!(value instanceof List<?> list) || list.isEmpty()) {
            return JSON.writeValueAsString(kept(value));
        }
        List<String> lines = new ArrayList<>();
        for (Object each : list) {
            lines.add(JSON.writeValueAsString(kept(each)));
        }
        return "[\n" + String.join(",\n", lines) + "\n]";
    }

    /** As it may be kept and shown. */
    private static Object kept(Object value) {
        return switch (value) {
            case Map<?, ?> map -> {
                Map<Object, Object> members = new LinkedHashMap<>();
                map.forEach((name, each) -> members.put(name, kept(each)));
                yield members;
            }
            case List<?> list -> list.stream().map(ResultFile::kept).toList();
            case double[] values ->
                Arrays.stream(values).mapToObj(ResultFile::kept).toList();
            case Double number
            when Double.isFinite(number) ->
                BigDecimal.valueOf(number).round(DIGITS).doubleValue();
            case String text -> Discretion.of(text);
            default -> value;
        };
    }

    /** @param run what is said of the run as a whole */
    static Map<String, Object> content(Map<String, Object> run, Findings findings) {
        Map<String, Object> content = new LinkedHashMap<>();
        content.put("schema", SCHEMA);
        content.putAll(run);
        List<Map<String, Object>> measurements = new ArrayList<>();
        for (MeasuredSet set : findings.sets()) {
            for (MeasuredSet.Row row : set.rows()) {
                row.bursts().forEach(burst -> measurements.add(measurement(set, row.cell(), burst)));
            }
        }
        content.put("measurements", measurements);
        content.put("ratios", findings.ratios().stream().map(ResultFile::ratio).toList());
        content.put("facts", findings.facts().stream().map(ResultFile::fact).toList());
        content.put("remarks", findings.remarks());
        return content;
    }

    private static Map<String, Object> measurement(MeasuredSet set, Cell cell, Burst burst) {
        WireRun.Observed observed = burst.observed();
        Workload workload = cell.workload();
        Map<String, Object> one = new LinkedHashMap<>();
        one.put("set", set.name());
        one.put("label", cell.label());
        one.put("world", workload.world());
        one.put("service", cell.server().name());
        one.put("call", workload.call());
        one.put("transport", cell.server().endpoint().transport());
        one.put("model", cell.isOpen() ? "open" : "closed");
        one.put("connections", cell.shape().connections());
        one.put("streams", cell.shape().streams());
        one.put("depth", cell.shape().depth());
        one.put("offeredPerSecond", cell.perSecond());
        one.put("burst", burst.round());
        one.put("disturbed", !set.isCounted(burst));
        one.put("seconds", burst.seconds());
        one.put("requests", observed.requests());
        one.put("decisionsPerRequest", workload.decisions());
        one.put("decisions", observed.requests() * workload.decisions());
        one.put("errors", observed.failures());
        one.put("wrong", observed.wrong());
        one.put("checked", observed.checked());
        one.put("serverCpuSeconds", burst.serverSeconds());
        one.put("cpuMicrosPerRequest", burst.cpuMicrosPerRequest());
        one.put("serverCores", burst.serverCores());
        one.put("databaseCores", burst.databaseCores());
        one.put("clientCores", burst.clientCores());
        one.put("clientSaturated", burst.isClientSaturated());
        one.put("foreignCores", burst.foreignCores());
        one.put("latencyMicros", observed.latencies().micros());
        if (cell.isOpen()) {
            one.put("lateMicros", observed.lateness().micros());
        } else {
            one.put("correctedMicros", corrected(cell, burst).micros());
        }
        return one;
    }

    /** Each caller would ask once in the time that it took on average. */
    private static Latencies corrected(Cell cell, Burst burst) {
        double perCaller = burst.requestsPerSecond() / cell.shape().outstanding();
        long interval = perCaller > 0 ? (long) (1e9 / perCaller) : 0;
        return burst.observed().latencies().corrected(interval);
    }

    private static Map<String, Object> ratio(Findings.Ratio ratio) {
        Estimate estimate = ratio.estimate();
        Map<String, Object> one = new LinkedHashMap<>();
        one.put("name", ratio.name());
        one.put("wanted", ratio.bar() == null ? "" : ratio.bar().toString());
        one.put("values", ratio.values());
        one.put("median", estimate.median());
        one.put("low", estimate.low());
        one.put("high", estimate.high());
        one.put("coverage", estimate.coverage());
        one.put("verdict", ratio.verdict());
        if (ratio.bar() != null) {
            one.put("margin", ratio.bar().margin(estimate));
        }
        return one;
    }

    private static Map<String, Object> fact(Findings.Fact fact) {
        Map<String, Object> one = new LinkedHashMap<>();
        one.put("name", fact.name());
        one.put("value", fact.value());
        if (fact.bar() != null) {
            one.put("wanted", fact.bar().toString());
            one.put("verdict", fact.verdict());
        }
        return one;
    }
}
