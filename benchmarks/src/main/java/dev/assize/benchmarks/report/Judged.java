package dev.assize.benchmarks.report;

import dev.assize.benchmarks.report.Decisions.Figure;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * A figure of which something is asked.
 *
 * @param name by which it is found again; the same in every profile, as far as that measures the same
 * @param interval empty where it is known exactly, and `once` where there is one value and nothing to say how others would be
 */
record Judged(String name, String measured, String interval, String wanted, String verdict) {

    private static final String HOT = "HOT";

    static List<Judged> of(Decisions decisions) {
        List<Judged> judged = new ArrayList<>();
        for (String model : decisions.models(Cell.DESK)) {
            decisions
                    .figure(Cell.DESK, "desk", model, HOT)
                    .ifPresent(desk -> judged.addAll(ofDesk(decisions, model, desk)));
        }
        judged.addAll(ofOthers(decisions, "peers"));
        for (String part : List.of("policies", "bindings", "hospital")) {
            ofGrowth(decisions, part).ifPresent(judged::add);
        }
        judged.addAll(ofHeaps(decisions));
        judged.addAll(ofOthers(decisions, Cell.WORLDS));
        return judged;
    }

    static List<Judged> of(Load load) {
        List<Judged> judged = new ArrayList<>();
        for (Load.Ratio ratio : load.ratiosOrNone()) {
            String wanted = Objects.requireNonNullElse(ratio.wanted(), "");
            if (!wanted.isEmpty() && !ratio.values().isEmpty()) {
                Spread spread = Spread.of(ratio.values());
                judged.add(new Judged(
                        ratio.name(),
                        Numbers.plain(spread.median()),
                        interval(spread),
                        wanted,
                        Objects.requireNonNullElse(ratio.verdict(), "")));
            }
        }
        for (Load.Fact fact : load.factsOrNone()) {
            if (fact.wanted() != null) {
                judged.add(new Judged(
                        fact.name(),
                        Numbers.plain(fact.value()),
                        "",
                        fact.wanted(),
                        Objects.requireNonNullElse(fact.verdict(), "")));
            }
        }
        return judged;
    }

    private static List<Judged> ofDesk(Decisions decisions, String model, Figure desk) {
        List<Judged> judged = new ArrayList<>();
        judged.add(judged(
                "decision from a request's bytes, " + model + ": ns", DecisionChapter.desk(model), desk.nanos()));
        judged.add(new Judged(
                "decision from a request's bytes, " + model + ": bytes allocated",
                Numbers.plain(desk.bytes()),
                "",
                "0",
                DecisionChapter.allocation(desk)));
        decisions
                .figure(Cell.DESK, Profile.MAPS, model, HOT)
                .map(maps -> judged(
                        "hash maps in hash maps from the same bytes, " + model + ": times as long",
                        DecisionChapter.MAPS,
                        maps.ratioTo(desk)))
                .ifPresent(judged::add);
        return judged;
    }

    private static List<Judged> ofOthers(Decisions decisions, String part) {
        List<Judged> judged = new ArrayList<>();
        for (String model : decisions.models(part)) {
            Optional<Figure> us = decisions.figure(part, DecisionChapter.US, model, HOT);
            for (String engine : decisions.engines(part)) {
                Wanted wanted = DecisionChapter.WANTED.get(engine);
                Optional<Figure> other = decisions.figure(part, engine, model, HOT);
                if (us.isPresent() && other.isPresent() && wanted != null) {
                    judged.add(judged(
                            engine + ", " + model + ": times as long as ours",
                            wanted,
                            other.get().ratioTo(us.get())));
                }
            }
        }
        return judged;
    }

    private static Optional<Judged> ofGrowth(Decisions decisions, String part) {
        List<String> models = decisions.models(part).stream()
                .filter(model ->
                        decisions.figure(part, DecisionChapter.US, model, HOT).isPresent())
                .toList();
        if (models.size() < 2) {
            return Optional.empty();
        }
        Figure first = decisions
                .figure(part, DecisionChapter.US, models.getFirst(), HOT)
                .orElseThrow();
        Figure last = decisions
                .figure(part, DecisionChapter.US, models.getLast(), HOT)
                .orElseThrow();
        return Optional.of(judged(
                "the same questions, " + models.getFirst() + " to " + models.getLast() + ": times as long",
                DecisionChapter.GROWTH,
                last.ratioTo(first)));
    }

    private static List<Judged> ofHeaps(Decisions decisions) {
        return decisions.heapsOrNone().stream()
                .filter(DecisionChapter::isJudged)
                .map(heap -> new Judged(
                        "memory: bytes a binding, of " + Numbers.plain(heap.bindings()),
                        Numbers.plain(DecisionChapter.bytes(heap)),
                        "",
                        DecisionChapter.BYTES.toString(),
                        DecisionChapter.verdict(heap)))
                .toList();
    }

    private static String interval(Spread spread) {
        return spread.values() == 1 ? "once" : Numbers.interval(spread);
    }

    private static Judged judged(String name, Wanted wanted, Spread spread) {
        return new Judged(
                name, Numbers.plain(spread.median()), interval(spread), wanted.toString(), wanted.verdict(spread));
    }
}
