package dev.assize.benchmarks.report;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What the load driver measured over the wire, as it is kept; members that the page does not show are not read. */
@JsonIgnoreProperties(ignoreUnknown = true)
record Load(
        @Nullable String schema,
        @Nullable String command,
        @Nullable List<String> remarks,
        @Nullable List<Measurement> measurements,
        @Nullable List<Ratio> ratios,
        @Nullable List<Fact> facts) {

    static final String SCHEMA = "assize/load/1";

    /**
     * One burst.
     *
     * @param set what was measured in turns with it; null in files of before they had it
     * @param label by which it is told from the others of its set; null as well
     * @param model `open` where requests are sent when they are due, `closed` where each waits for the one before
     * @param disturbed by others on the machine: left out of medians
     */
    @JsonIgnoreProperties(ignoreUnknown = true)
    record Measurement(
            @Nullable String set,
            @Nullable String label,
            String world,
            String service,
            String call,
            String transport,
            String model,
            int streams,
            double offeredPerSecond,
            int burst,
            double seconds,
            long requests,
            long decisions,
            long errors,
            @Nullable Double cpuMicrosPerRequest,
            boolean disturbed,
            SortedMap<String, Double> latencyMicros) {

        /** What bursts of one kind have in common. */
        Kind kind() {
            return new Kind(
                    Objects.requireNonNullElse(set, ""),
                    Objects.requireNonNullElse(label, service),
                    world,
                    service,
                    call,
                    transport,
                    model,
                    streams,
                    offeredPerSecond);
        }
    }

    /** One service under one load in one set. */
    record Kind(
            String set,
            String label,
            String world,
            String service,
            String call,
            String transport,
            String model,
            int streams,
            double offeredPerSecond) {

        /** The same but for the service and how much is asked, in whatever set: what a picture of rates shows. */
        String scenes() {
            return world + ", " + call + ", " + transport + ", " + model;
        }

        /** What was measured in turns: what a picture of percentiles shows. */
        String scene() {
            return set.isEmpty() ? scenes() + ", " + streams + " streams" : set;
        }

        /** Nothing but a service under a load; not one of two ways to ask it. */
        boolean isPlain() {
            return label.equals(service);
        }

        /** The same in any set. */
        Kind anywhere() {
            return new Kind("", label, world, service, call, transport, model, streams, offeredPerSecond);
        }
    }

    @JsonIgnoreProperties(ignoreUnknown = true)
    record Ratio(
            String name, @Nullable String wanted, @Nullable String verdict, List<Double> values) {}

    @JsonIgnoreProperties(ignoreUnknown = true)
    record Fact(
            String name,
            double value,
            @Nullable String wanted,
            @Nullable String verdict) {}

    List<Ratio> ratiosOrNone() {
        return ratios == null ? List.of() : ratios;
    }

    List<Fact> factsOrNone() {
        return facts == null ? List.of() : facts;
    }

    List<String> remarksOrNone() {
        return remarks == null ? List.of() : remarks;
    }

    private List<Measurement> measurementsOrNone() {
        return measurements == null ? List.of() : measurements;
    }

    /** Parts that were measured one by one, as one; a remark of several is told once. */
    static Load of(List<Load> parts) {
        return new Load(
                SCHEMA,
                null,
                parts.stream()
                        .map(Load::remarksOrNone)
                        .flatMap(List::stream)
                        .distinct()
                        .toList(),
                parts.stream()
                        .map(Load::measurementsOrNone)
                        .flatMap(List::stream)
                        .toList(),
                parts.stream().map(Load::ratiosOrNone).flatMap(List::stream).toList(),
                parts.stream().map(Load::factsOrNone).flatMap(List::stream).toList());
    }

    /** Undisturbed bursts by their kind, in the order of the file; disturbed ones where a kind has no others. */
    Map<Kind, List<Measurement>> bursts() {
        Map<Kind, List<Measurement>> quiet = new LinkedHashMap<>();
        Map<Kind, List<Measurement>> all = new LinkedHashMap<>();
        for (Measurement measured : measurementsOrNone()) {
            all.computeIfAbsent(measured.kind(), absent -> new ArrayList<>()).add(measured);
            if (!measured.disturbed) {
                quiet.computeIfAbsent(measured.kind(), absent -> new ArrayList<>())
                        .add(measured);
            }
        }
        all.forEach(quiet::putIfAbsent);
        return quiet;
    }

    /** A percentile over the bursts, by its name. */
    static SortedMap<Double, Spread> percentiles(List<Measurement> bursts) {
        SortedMap<Double, Spread> spreads = new TreeMap<>();
        for (String percentile : bursts.getFirst().latencyMicros.keySet()) {
            List<Double> values = bursts.stream()
                    .map(burst -> burst.latencyMicros.get(percentile))
                    .filter(Objects::nonNull)
                    .toList();
            spreads.put(Double.valueOf(percentile), Spread.of(values));
        }
        return spreads;
    }
}
