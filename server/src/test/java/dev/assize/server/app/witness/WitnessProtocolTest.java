package dev.assize.server.app.witness;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.client.ledger.Checkpoint;
import dev.assize.client.ledger.NotProvenException;
import dev.assize.client.ledger.SignedNote;
import dev.assize.client.ledger.TrustPolicy;
import dev.assize.client.ledger.VerifierKey;
import dev.assize.server.anchor.FileOutsideStore;
import dev.assize.server.anchor.OutsideStore;
import dev.assize.server.anchor.OutsideUnavailableException;
import dev.assize.server.ledger.merkle.ReferenceTree;
import dev.assize.server.ledger.merkle.TreeHash;
import dev.assize.server.ledger.note.CheckpointText;
import dev.assize.server.ledger.note.NoteSigner;
import dev.assize.server.ledger.note.SignatureType;
import dev.assize.server.ledger.note.SigningKey;
import dev.assize.server.model.Digest;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The witness over HTTP, each answer of C2SP tlog-witness once at least, and logs that lie. */
class WitnessProtocolTest {

    private static final String ORIGIN = "log.example/7/~meta/1";
    private static final String NAME = "witness.example";
    private static final Instant NOW = Instant.parse("2026-03-01T12:00:05Z");
    private static final List<byte[]> LEAVES = leaves(64, "leaf ");
    private static final List<byte[]> FORK = fork();

    private final HttpClient http = HttpClient.newHttpClient();
    private final SigningKey logKey = SigningKey.generate("log.example/7", SignatureType.NOTE);
    private final NoteSigner log = new NoteSigner(logKey);

    @TempDir
    private Path home;

    private RunningWitness witness;

    @BeforeEach
    void start() throws IOException {
        witness = RunningWitness.start(home, 0, NAME, () -> NOW, logKey.toString());
    }

    @AfterEach
    void stop() {
        witness.close();
        http.shutdownNow();
    }

    @Test
    void signsWhatContinues() throws Exception {
        for (int size : new int[] {0, 1, 2, 5, 5, 8, 9, 33, 64}) {
            int before = size(witness);
            HttpResponse<String> answer = add(before, proof(before, size), note(size));

            assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
            assertThat(answer.body())
                    .startsWith("\u2014 witness.example ")
                    .endsWith("\n")
                    .hasLineCount(1);
            SignedNote cosigned = SignedNote.parse((note(size) + answer.body()).getBytes(UTF_8));
            assertThat(policy(1).accept(cosigned).size()).isEqualTo(size);
            assertThat(cosigned.verify(Set.of(witness.key())).getFirst().time()).contains(NOW);
        }
    }

    @Test
    void showsTheLastThatItSigned() throws Exception {
        assertThat(get("/" + originHash() + "/checkpoint").statusCode()).isEqualTo(404);
        SigningKey stranger = SigningKey.generate("stranger.example", SignatureType.COSIGNATURE);
        String note = note(3);
        String foreign = new NoteSigner(stranger).cosign(CheckpointText.parse(text(3, LEAVES)), 7);
        add(0, List.of(), note + foreign);

        HttpResponse<String> shown = get("/" + originHash() + "/checkpoint");

        assertThat(shown.statusCode()).isEqualTo(200);
        assertThat(shown.body()).startsWith(note).doesNotContain("stranger");
        Checkpoint accepted = policy(1).accept(SignedNote.parse(shown.body().getBytes(UTF_8)));
        assertThat(accepted.size()).isEqualTo(3);
        assertThat(get("/" + "0".repeat(64) + "/checkpoint").statusCode()).isEqualTo(404);
        assertThat(get("/" + originHash().toUpperCase(java.util.Locale.ROOT) + "/checkpoint")
                        .statusCode())
                .isEqualTo(404);
        assertThat(get("/add-checkpoint").statusCode()).isEqualTo(405);
    }

    @Test
    void malformedRequestsAre400() throws Exception {
        String hash = Base64.getEncoder().encodeToString(LEAVES.getFirst());
        String note = note(8);
        assertMalformed("");
        assertMalformed("old 0\n" + note);
        assertMalformed("\n" + note);
        for (String old : List.of(
                "old",
                "old ",
                "Old 0",
                "old 00",
                "old 01",
                "old -1",
                "old +1",
                "old 1 ",
                "old  1",
                "old 0x1",
                "old 9223372036854775808",
                "old \u0661",
                "size 0",
                "old 0\r")) {
            assertMalformed(old + "\n\n" + note);
        }
        assertMalformed("old 9\n\n" + note);
        for (String line :
                List.of("?", hash + " ", " " + hash, hash.substring(4), hash.replace("=", ""), hash + "\r")) {
            assertMalformed("old 1\n" + line + "\n\n" + note);
        }
        assertMalformed("old 1\n" + (hash + "\n").repeat(64) + "\n" + note);
        assertMalformed("old 0\n\n" + text(8, LEAVES));
        assertMalformed("old 0\n\n" + note.stripTrailing());
        assertMalformed("old 0\n\n" + log.sign(ORIGIN + "\n08\n" + hash + "\n"));
        assertMalformed("old 0\n\n" + log.sign(ORIGIN + "\n8\n"));
        assertMalformed("old 0\n\n" + log.sign(ORIGIN + "\n8\n" + hash.substring(4) + "\n"));
        assertMalformed("old 0\n\n" + note + "\u2014 a b\n".repeat(AddCheckpoint.MAX_BYTES / 8));
        assertThat(size(witness)).isZero();
    }

    @Test
    void sixtyThreeLinesOfProofAreRead() throws Exception {
        String hash = Base64.getEncoder().encodeToString(LEAVES.getFirst());
        add(0, List.of(), note(1));

        assertThat(post("old 1\n" + (hash + "\n").repeat(63) + "\n" + note(8)).statusCode())
                .isEqualTo(422);
    }

    @Test
    void unsignedCheckpointsAre403() throws Exception {
        SigningKey other = SigningKey.generate("log.example/7", SignatureType.NOTE);
        String text = text(8, LEAVES);
        String note = note(8);
        assertThat(add(0, List.of(), new NoteSigner(other).sign(text)).statusCode())
                .as("another key of that name")
                .isEqualTo(403);
        assertThat(add(0, List.of(), note.replace("\n8\n", "\n9\n")).statusCode())
                .as("another text than was signed")
                .isEqualTo(403);
        String falseLine = log.sign(text(7, LEAVES)).substring(text(7, LEAVES).length() + 1);
        assertThat(add(0, List.of(), note + falseLine).statusCode())
                .as("a true signature and a false one of the same key")
                .isEqualTo(403);
        assertThat(add(0, List.of(), new NoteSigner(other).sign(text) + note.substring(text.length() + 1))
                        .statusCode())
                .as("signed by a stranger too")
                .isEqualTo(200);
    }

    @Test
    void logsThatAreNotWatchedAre404() throws Exception {
        String text = new CheckpointText("log.example/7/~meta/2", 1, ReferenceTree.root(LEAVES.subList(0, 1))).text();

        assertThat(add(0, List.of(), log.sign(text)).statusCode()).isEqualTo(404);
        assertThat(get("/").statusCode()).isEqualTo(404);
        assertThat(get("/add-checkpoint/").statusCode()).isEqualTo(404);
    }

    @Test
    void anotherSizeThanTheLastIs409() throws Exception {
        assertConflict(add(3, proof(3, 8), note(8)), 0);
        add(0, List.of(), note(8));
        assertConflict(add(0, List.of(), note(20)), 8);
        assertConflict(add(5, proof(5, 20), note(20)), 8);
        assertConflict(add(0, List.of(), note(5)), 8);
        assertConflict(add(20, List.of(), note(20)), 8);
    }

    @Test
    void whatDoesNotContinueIs422() throws Exception {
        assertThat(add(0, proof(3, 8), note(8)).statusCode())
                .as("a proof from nothing")
                .isEqualTo(422);
        String emptyText = ORIGIN + "\n0\n" + Base64.getEncoder().encodeToString(LEAVES.getFirst()) + "\n";
        assertThat(add(0, List.of(), log.sign(emptyText)).statusCode())
                .as("a root of no leaves that is none")
                .isEqualTo(422);
        add(0, List.of(), note(8));
        assertThat(add(8, List.of(), log.sign(text(8, FORK))).statusCode())
                .as("another root of the same size")
                .isEqualTo(422);
        assertThat(add(8, proof(8, 8), log.sign(text(8, FORK))).statusCode()).isEqualTo(422);
        assertThat(add(8, ReferenceTree.proof(8, FORK.subList(0, 20)), log.sign(text(20, FORK)))
                        .statusCode())
                .as("a fork, with its own proof")
                .isEqualTo(422);
        assertThat(add(8, proof(8, 20), log.sign(text(20, FORK))).statusCode())
                .as("a fork, with the proof of the other")
                .isEqualTo(422);
        assertThat(add(8, List.of(), note(20)).statusCode()).as("no proof").isEqualTo(422);
        assertThat(add(8, proof(7, 20), note(20)).statusCode())
                .as("the proof from another size")
                .isEqualTo(422);
        List<byte[]> long20 = new ArrayList<>(proof(8, 20));
        long20.add(LEAVES.getFirst());
        assertThat(add(8, long20, note(20)).statusCode()).as("a proof too long").isEqualTo(422);
        assertThat(add(8, LEAVES.subList(0, 1), note(8)).statusCode())
                .as("a proof between equal sizes")
                .isEqualTo(422);
        assertThat(add(8, proof(8, 20), note(20)).statusCode())
                .as("and nothing of that was taken")
                .isEqualTo(200);
    }

    @Test
    void rolledBackLogsAreNotSigned() throws Exception {
        add(0, List.of(), note(20));
        for (int claimed : new int[] {0, 8, 10}) {
            assertThat(add(claimed, proof(claimed, 10), note(10)).statusCode()).isEqualTo(409);
        }
        assertThat(add(20, proof(10, 20), note(10)).statusCode()).isEqualTo(400);
        assertThat(size(witness)).isEqualTo(20);
    }

    @Test
    void restartsWhereItStopped() throws Exception {
        add(0, List.of(), note(20));
        VerifierKey key = witness.key();
        witness.close();
        witness = RunningWitness.start(home, 0, NAME, () -> NOW.plusSeconds(9), logKey.toString());

        assertThat(witness.key()).isEqualTo(key);
        assertConflict(add(0, List.of(), note(8)), 20);
        assertThat(add(20, proof(20, 33), note(33)).statusCode()).isEqualTo(200);
        assertThat(size(witness)).isEqualTo(33);
    }

    @Test
    void doesNotStartOnWhatItHasNotSigned() throws Exception {
        add(0, List.of(), note(20));
        Path kept = home.resolve("logs").resolve(originHash());
        String true20 = Files.readString(kept);
        for (String changed :
                List.of(true20.replace("\n20\n", "\n8\n"), note(8), "", true20.substring(0, true20.length() / 2))) {
            Files.writeString(kept, changed);
            assertThatThrownBy(() -> RunningWitness.start(home, 0, NAME, () -> NOW, logKey.toString()))
                    .as(changed)
                    .hasCauseInstanceOf(NotProvenException.class);
            assertThat(add(20, proof(20, 33), note(33)).statusCode())
                    .as("changed under its feet")
                    .isEqualTo(500);
        }
        Files.writeString(kept, true20);
        assertThat(add(20, proof(20, 33), note(33)).statusCode()).isEqualTo(200);
    }

    @Test
    void ofTwoThatBeginAtTheSameOneIsSigned() throws Exception {
        add(0, List.of(), note(1));
        for (int round = 0; round < 10; round++) {
            int before = size(witness);
            CountDownLatch go = new CountDownLatch(1);
            List<CompletableFuture<HttpResponse<String>>> answers = IntStream.rangeClosed(1, 6)
                    .mapToObj(i -> CompletableFuture.supplyAsync(() -> {
                        await(go);
                        return uncheckedAdd(before, before + i);
                    }))
                    .toList();
            go.countDown();
            List<Integer> codes =
                    answers.stream().map(it -> it.join().statusCode()).toList();

            assertThat(codes).containsOnlyOnce(200).containsOnly(200, 409);
            int signed = before + 1 + codes.indexOf(200);
            assertThat(size(witness)).as("what was signed is what is kept").isEqualTo(signed);
        }
    }

    /** The race of the specification: the larger one is kept while the smaller one, checked before, is on its way. */
    @Test
    void theStoredSizeNeverGoesBack() throws Exception {
        Path other = home.resolve("other");
        FileOutsideStore files = new FileOutsideStore(other.resolve("logs"));
        try (RunningWitness second = RunningWitness.start(other, 0, NAME, () -> NOW, files, logKey.toString())) {
            assertThat(add(second, 0, List.of(), note(8)).statusCode()).isEqualTo(200);
            Overtaking overtaking = new Overtaking(
                    files,
                    () -> assertThat(add(second, 8, proof(8, 33), note(33)).statusCode())
                            .isEqualTo(200));
            try (RunningWitness first =
                    RunningWitness.start(other, 0, NAME, () -> NOW, overtaking, logKey.toString())) {
                overtaking.armed = true;
                assertConflict(add(first, 8, proof(8, 20), note(20)), 33);
                assertThat(size(first)).isEqualTo(33);
                assertThat(size(second)).isEqualTo(33);
            }
        }
    }

    @Test
    void nothingIsSignedThatIsNotKept() throws Exception {
        FileOutsideStore files = new FileOutsideStore(home.resolve("broken"));
        OutsideStore broken = new Overtaking(files, () -> {
            throw new OutsideUnavailableException("the disk is full", null);
        });
        ((Overtaking) broken).armed = true;
        try (RunningWitness full = RunningWitness.start(home, 0, NAME, () -> NOW, broken, logKey.toString())) {
            HttpResponse<String> answer = add(full, 0, List.of(), note(8));
            assertThat(answer.statusCode()).isEqualTo(500);
            assertThat(answer.body()).doesNotContain("\u2014");
            assertThat(add(full, 0, List.of(), note(20)).statusCode()).isEqualTo(200);
        }
    }

    @Test
    void aLogMayHaveSeveralKeysAndAnyOrigin() throws Exception {
        SigningKey next = SigningKey.generate("log.example/7", SignatureType.NOTE);
        String origin = "example.com/@home";
        Path other = home.resolve("other");
        try (RunningWitness both = RunningWitness.start(
                other, 0, NAME, () -> NOW, logKey + "@" + origin, next + "@" + origin, next.toString())) {
            String text = new CheckpointText(origin, 8, ReferenceTree.root(LEAVES.subList(0, 8))).text()
                    + "an extension line\n";
            HttpResponse<String> first = add(both, 0, List.of(), log.sign(text));
            HttpResponse<String> second = add(both, 8, List.of(), new NoteSigner(next).sign(text));

            assertThat(first.statusCode()).isEqualTo(200);
            assertThat(second.statusCode()).isEqualTo(200);
            SignedNote cosigned = SignedNote.parse((log.sign(text) + first.body()).getBytes(UTF_8));
            assertThat(cosigned.verify(Set.of(both.key()))).hasSize(1);
            assertThat(add(both, 0, List.of(), note(8)).statusCode())
                    .as("its key, and not that of the log of heads")
                    .isEqualTo(403);
        }
    }

    private void assertMalformed(String body) throws Exception {
        assertThat(post(body).statusCode())
                .as(body.lines().findFirst().orElse(""))
                .isEqualTo(400);
    }

    private static void assertConflict(HttpResponse<String> answer, int size) {
        assertThat(answer.statusCode()).isEqualTo(409);
        assertThat(answer.headers().firstValue("Content-Type")).contains("text/x.tlog.size");
        assertThat(answer.body()).isEqualTo(size + "\n");
    }

    private TrustPolicy policy(int quorum) throws NotProvenException {
        return new TrustPolicy(ORIGIN, Set.of(VerifierKey.parse(logKey.toString())), Set.of(witness.key()), quorum);
    }

    /** What it says that it has signed last. */
    private int size(RunningWitness asked) throws Exception {
        HttpResponse<String> shown = get(asked, "/" + originHash() + "/checkpoint");
        return shown.statusCode() == 404
                ? 0
                : Integer.parseInt(shown.body().lines().skip(1).findFirst().orElseThrow());
    }

    private HttpResponse<String> uncheckedAdd(int before, int size) {
        try {
            return add(before, proof(before, size), note(size));
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    private HttpResponse<String> add(int before, List<byte[]> proof, String note) throws Exception {
        return add(witness, before, proof, note);
    }

    private HttpResponse<String> add(RunningWitness asked, int before, List<byte[]> proof, String note)
            throws Exception {
        StringBuilder body = new StringBuilder("old " + before + "\n");
        proof.forEach(
                hash -> body.append(Base64.getEncoder().encodeToString(hash)).append("\n"));
        return post(asked, body.append("\n").append(note).toString());
    }

    private HttpResponse<String> post(String body) throws Exception {
        return post(witness, body);
    }

    private HttpResponse<String> post(RunningWitness asked, String body) throws Exception {
        return http.send(
                HttpRequest.newBuilder(URI.create(asked.url() + "/add-checkpoint"))
                        .POST(BodyPublishers.ofString(body))
                        .build(),
                BodyHandlers.ofString());
    }

    private HttpResponse<String> get(String path) throws Exception {
        return get(witness, path);
    }

    private HttpResponse<String> get(RunningWitness asked, String path) throws Exception {
        return http.send(HttpRequest.newBuilder(URI.create(asked.url() + path)).build(), BodyHandlers.ofString());
    }

    private String note(int size) {
        return log.sign(text(size, LEAVES));
    }

    private static String text(int size, List<byte[]> leaves) {
        return new CheckpointText(ORIGIN, size, ReferenceTree.root(leaves.subList(0, size))).text();
    }

    private static List<byte[]> proof(int before, int size) {
        return before == 0 ? List.of() : ReferenceTree.proof(before, LEAVES.subList(0, size));
    }

    private static String originHash() {
        return Digest.sha256(ORIGIN.getBytes(UTF_8)).toString();
    }

    private static List<byte[]> leaves(int count, String prefix) {
        TreeHash hash = new TreeHash();
        return IntStream.range(0, count)
                .mapToObj(i -> hash.leaf((prefix + i).getBytes(UTF_8)))
                .toList();
    }

    /** The same but for the third leaf. */
    private static List<byte[]> fork() {
        byte[][] fork = LEAVES.toArray(byte[][]::new);
        fork[2] = leaves(1, "another ").getFirst();
        return Arrays.asList(fork);
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Lets something else happen between the check and the replacement, once. */
    private static final class Overtaking implements OutsideStore {

        private final OutsideStore store;
        private final Happening happening;
        private boolean armed;

        Overtaking(OutsideStore store, Happening happening) {
            this.store = store;
            this.happening = happening;
        }

        @Override
        public Optional<Versioned> read(String name) {
            return store.read(name);
        }

        @Override
        public void put(String name, byte[] content) {
            store.put(name, content);
        }

        @Override
        public Optional<String> replace(String name, @Nullable String version, byte[] content) {
            if (armed) {
                armed = false;
                happening.run();
            }
            return store.replace(name, version, content);
        }

        @Override
        public void remove(String name) {
            store.remove(name);
        }

        @Override
        public String describe() {
            return store.describe();
        }
    }

    /** What happens. */
    @FunctionalInterface
    private interface Happening {
        void happen() throws Exception;

        default void run() {
            try {
                happen();
            } catch (RuntimeException e) {
                throw e;
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        }
    }
}
