package dev.assize.benchmarks;

import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.compile.GraphCompiler;
import dev.assize.server.decision.evaluate.DecisionGraph;
import dev.assize.server.decision.evaluate.Evaluator;
import dev.assize.server.policy.PolicySet;
import java.lang.management.ManagementFactory;
import java.lang.ref.Reference;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;

/**
 * What one large tenant's policy takes of the heap: prints two lines, each a word and bytes. By itself in its process, since
 * it takes what is used before and after for what was made meanwhile.
 */
public final class BindingHeap {

    public static final String DOCUMENTS = "documents";
    public static final String GRAPH = "graph";

    private static final int QUESTIONS = 100_000;

    private BindingHeap() {}

    /**
     * Measures, and prints both.
     *
     * @param arguments how many bindings
     */
    public static void main(String[] arguments) {
        int bindings = Integer.parseInt(arguments[0]);
        SplittableRandom random = new SplittableRandom(2);
        List<CheckQuery> queries =
                Stream.generate(() -> ScaleWorld.query(random)).limit(QUESTIONS).toList();
        long before = usedBytes();
        PolicySet policy = ScaleWorld.policy(bindings);
        try {
            long withDocuments = usedBytes();
            DecisionGraph graph = GraphCompiler.compile(policy, ScaleWorld.PLATFORM);
            try {
                queries.forEach(query -> Evaluator.evaluate(graph, query, DecisionWorld.NOW));
                print(DOCUMENTS, withDocuments - before);
                print(GRAPH, usedBytes() - withDocuments);
            } finally {
                Reference.reachabilityFence(graph);
            }
        } finally {
            Reference.reachabilityFence(policy);
            Reference.reachabilityFence(queries);
        }
    }

    /** What is left after collections. */
    static long usedBytes() {
        for (int i = 0; i < 3; i++) {
            System.gc();
        }
        return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
    }

    private static void print(String what, long bytes) {
        System.out.println(what + " " + bytes);
    }
}
