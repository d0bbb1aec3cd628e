package dev.assize.benchmarks.peer;

import java.util.List;
import java.util.ServiceLoader;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** The engines by their names, and the proof that they agree. */
public final class Peers {

    /** How many questions every engine must answer alike before anything is timed. */
    public static final int ASSERTED_QUESTIONS = 10_000;

    /** Ours first, then maps written by hand, then the engines of others; at the end those that only some builds have. */
    public static final List<String> NAMES = Stream.concat(
                    Stream.of(
                            "assize",
                            "assize-objects",
                            "assize-graph",
                            "nested-maps",
                            "nested-maps-given-strings",
                            "jcasbin",
                            "jcasbin-cached",
                            "jcasbin-cached-from-bytes",
                            "cedar-java",
                            "authzforce"),
                    providers().map(PeerProvider::name))
            .toList();

    private Peers() {}

    public static Peer open(String name, RoleModel model) throws Exception {
        return switch (name) {
            case "assize" -> AssizePeer.desk(model);
            case "assize-objects" -> AssizePeer.objects(model);
            case "assize-graph" -> AssizePeer.graph(model);
            case "nested-maps" -> NestedMapsPeer.fromBytes(model);
            case "nested-maps-given-strings" -> NestedMapsPeer.givenStrings(model);
            case "jcasbin" -> JCasbinPeer.plain(model);
            case "jcasbin-cached" -> JCasbinPeer.cachedGivenStrings(model);
            case "jcasbin-cached-from-bytes" -> JCasbinPeer.cachedFromBytes(model);
            case "cedar-java" -> new CedarPeer(model);
            case "authzforce" -> new AuthzForcePeer(model);
            default -> provided(name).open(model);
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

    private static PeerProvider provided(String name) {
        return providers()
                .filter(provider -> provider.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("engine `" + name + "`: expected one of " + NAMES));
    }

    /** Those that only some builds have. */
    public static Stream<PeerProvider> providers() {
        return ServiceLoader.load(PeerProvider.class).stream().map(ServiceLoader.Provider::get);
    }
}
