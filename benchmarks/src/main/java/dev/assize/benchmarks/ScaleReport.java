package dev.assize.benchmarks;

import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.compile.GraphCompiler;
import dev.assize.server.decision.evaluate.DecisionGraph;
import dev.assize.server.decision.evaluate.Evaluator;
import dev.assize.server.model.Revision;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.PolicySet;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntFunction;
import java.util.stream.Stream;

/**
 * What one large tenant costs: the heap of its graph, the time to compile it and to bring it up to date, and how long
 * checks take while it changes a hundred times a second.
 *
 * <pre>java -Xmx6g -cp 'benchmarks/target/*:benchmarks/target/lib/*' dev.assize.benchmarks.ScaleReport</pre>
 */
public final class ScaleReport {

    private static final int BINDINGS = Integer.getInteger("assize.scale.bindings", 1_000_000);
    private static final int UPDATES = 200;

    private ScaleReport() {}

    public static void main(String[] args) throws InterruptedException {
        long before = BindingHeap.usedBytes();
        PolicySet policy = ScaleWorld.policy(BINDINGS);
        long documents = BindingHeap.usedBytes();
        SplittableRandom random = new SplittableRandom(2);
        List<CheckQuery> queries =
                Stream.generate(() -> ScaleWorld.query(random)).limit(100_000).toList();
        long withQueries = BindingHeap.usedBytes();
        long start = System.nanoTime();
        DecisionGraph graph = GraphCompiler.compile(policy, ScaleWorld.PLATFORM);
        long compiled = System.nanoTime() - start;
        long withGraph = BindingHeap.usedBytes();
        print("documents, bytes a binding", (documents - before) / BINDINGS);
        print("graph, bytes a binding", (withGraph - withQueries) / BINDINGS);
        print("estimated weight of both, bytes a binding", graph.weightBytes() / BINDINGS);
        print("compile, ms", TimeUnit.NANOSECONDS.toMillis(compiled));
        queries.forEach(query -> Evaluator.evaluate(graph, query, DecisionWorld.NOW));
        print("graph with what was resolved, bytes a binding", (BindingHeap.usedBytes() - withQueries) / BINDINGS);
        update("binding", graph, i -> ScaleWorld.binding(i * 7, ScaleWorld.user(i), i % ScaleWorld.ROLES));
        update("group of 40", graph, i -> ScaleWorld.group(i, ScaleWorld.GROUPS + 1));
        update("role", graph, i -> ScaleWorld.role(i, random));
        quiet("checks, quiet", graph, queries);
        changing(graph, queries);
    }

    private static void update(String kind, DecisionGraph graph, IntFunction<Document> document) {
        DecisionGraph updated = graph;
        long[] nanos = new long[UPDATES];
        for (int i = 0; i < UPDATES; i++) {
            PolicySet next = with(updated, document.apply(i));
            long start = System.nanoTime();
            updated = GraphCompiler.update(
                    updated, next, ScaleWorld.PLATFORM, Set.of(document.apply(i).key()));
            nanos[i] = System.nanoTime() - start;
        }
        distribution("update of one " + kind, nanos);
    }

    private static PolicySet with(DecisionGraph graph, Document document) {
        return graph.origin().tenant().with(new Revision(2), List.of(document), List.of());
    }

    private static void quiet(String name, DecisionGraph graph, List<CheckQuery> queries) {
        AtomicReference<DecisionGraph> current = new AtomicReference<>(graph);
        measured(current, queries);
        distribution(name, measured(current, queries));
    }

    private static void changing(DecisionGraph graph, List<CheckQuery> queries) throws InterruptedException {
        AtomicReference<DecisionGraph> current = new AtomicReference<>(graph);
        Thread changes = Thread.ofPlatform().daemon().start(() -> {
            for (int i = 0; !Thread.currentThread().isInterrupted(); i++) {
                DecisionGraph old = current.get();
                Document document = i % 5 == 0
                        ? ScaleWorld.group(i % ScaleWorld.GROUPS, ScaleWorld.GROUPS + (i % 2))
                        : ScaleWorld.binding(i, ScaleWorld.user(i % ScaleWorld.USERS), i % ScaleWorld.ROLES);
                current.set(
                        GraphCompiler.update(old, with(old, document), ScaleWorld.PLATFORM, Set.of(document.key())));
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(10));
            }
        });
        long[] nanos = new long[0];
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(5);
        while (System.nanoTime() < end) {
            nanos = measured(current, queries);
        }
        distribution("checks while 100 changes a second stream in", nanos);
        changes.interrupt();
        changes.join();
    }

    private static long[] measured(AtomicReference<DecisionGraph> current, List<CheckQuery> queries) {
        long[] nanos = new long[queries.size()];
        for (int i = 0; i < nanos.length; i++) {
            long start = System.nanoTime();
            Evaluator.evaluate(current.get(), queries.get(i), DecisionWorld.NOW);
            nanos[i] = System.nanoTime() - start;
        }
        return nanos;
    }

    private static void distribution(String name, long[] nanos) {
        Arrays.sort(nanos);
        print(name + ", p50 ns", nanos[nanos.length / 2]);
        print(name + ", p99 ns", nanos[nanos.length * 99 / 100]);
    }

    private static void print(String name, long value) {
        System.out.printf("%-60s %,15d%n", name, value);
    }
}
