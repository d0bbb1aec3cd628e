package dev.assize.benchmarks.peer;

import java.util.List;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/** The engines by their names, and the proof that they agree. */
public final class Peers {

    /** How many questions every engine must answer alike before anything is timed. */
    public static final int ASSERTED_QUESTIONS = 10_000;

    /** Ours first, then maps written by hand, then the engines of others. */
    public static final List<String> NAMES = List.of(
            "assize",
            "assize-objects",
            "assize-graph",
            "nested-maps",
            "jcasbin",
            "jcasbin-cached",
            "cedar-java",
            "authzforce");

    private Peers() {}

    public static Peer open(String name, RoleModel model) throws Exception {
        return switch (name) {
            case "assize" -> AssizePeer.desk(model);
            case "assize-objects" -> AssizePeer.objects(model);
            case "assize-graph" -> AssizePeer.graph(model);
            case "nested-maps" -> new NestedMapsPeer(model);
            case "jcasbin" -> JCasbinPeer.plain(model);
            case "jcasbin-cached" -> JCasbinPeer.cached(model);
            case "cedar-java" -> new CedarPeer(model);
            case "authzforce" -> new AuthzForcePeer(model);
            default -> throw new IllegalArgumentException("engine `" + name + "`: expected one of " + NAMES);
        };
    }

    /** Throws where the engine answers one of these questions otherwise than the model says. */
    public static void requireEqualAnswers(String name, Peer peer, RoleModel model, List<Question> questions) {
        IntPredicate asked = peer.asked(questions);
        PlainAnswers plain = new PlainAnswers(model);
        IntStream.range(0, questions.size()).forEach(i -> {
            boolean expected = plain.allows(questions.get(i));
            if (asked.test(i) != expected) {
                throw new AssertionError(
                        name + " answers " + !expected + " to " + questions.get(i) + ": expected " + expected);
            }
        });
    }
}
