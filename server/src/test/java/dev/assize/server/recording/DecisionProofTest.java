package dev.assize.server.recording;

import static dev.assize.server.testing.EventBuilder.event;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.client.ledger.BundleWriter;
import dev.assize.client.ledger.DecisionField;
import dev.assize.client.ledger.DecisionProof;
import dev.assize.client.ledger.LedgerBundle;
import dev.assize.client.ledger.NotProvenException;
import dev.assize.client.ledger.ProvenDecision;
import dev.assize.client.ledger.VerifierKey;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.ledger.EntryDraft;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.testing.SignedLedger;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The server packs and proves, the client verifies: two codes, held against each other. */
class DecisionProofTest {

    private final DecisionCodec codec = new DecisionCodec();
    /** Else some of them. */
    private static final boolean EVERY_BIT = Boolean.getBoolean("assize.test.everyByte");

    private final SplittableRandom dice = new SplittableRandom(11);

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 7, 8, 9, 31, 33, 100})
    void eachDecisionIsProvenAlone(int size) throws NotProvenException {
        DecisionPack pack = pack(size);
        SignedLedger ledger = ledger(pack);
        Set<VerifierKey> keys = Set.of(ledger.verifierKey());
        for (int i = 0; i < size; i++) {
            DecisionProof proof = proof(ledger, pack, i, size, pack.path(i));
            ProvenDecision proven = DecisionProof.parse(bytes(proof)).verify(keys);
            assertThat(proven.record().text(DecisionField.DECISION_ID)).hasValue("d-" + i);
            assertThat(proven.entry().frame().seq()).isEqualTo(2);
            assertThat(DecisionProof.parse(bytes(proof))).isEqualTo(proof);
        }
    }

    @Test
    void noOtherPlaceOrPathProvesIt() throws NotProvenException {
        int size = 7;
        DecisionPack pack = pack(size);
        SignedLedger ledger = ledger(pack);
        Set<VerifierKey> keys = Set.of(ledger.verifierKey());
        for (int i = 0; i < size; i++) {
            for (int place = 0; place < size + 2; place++) {
                for (int count = size - 1; count <= size + 1; count++) {
                    if (place != i || count != size) {
                        DecisionProof moved = proof(ledger, pack, place, count, pack.path(i), i);
                        assertRefused(moved, keys);
                    }
                }
            }
            List<byte[]> path = pack.path(i);
            for (int left = 0; left < path.size(); left++) {
                List<byte[]> shorter = new ArrayList<>(path);
                shorter.remove(left);
                assertRefused(proof(ledger, pack, i, size, shorter), keys);
                List<byte[]> longer = new ArrayList<>(path);
                longer.add(left, path.get(left));
                assertRefused(proof(ledger, pack, i, size, longer), keys);
            }
        }
        DecisionPack other = pack(size);
        assertRefused(proof(ledger, other, 0, size, other.path(0)), keys);
        assertRefused(proof(ledger, pack, 0, size, pack.path(0)), Set.of());
    }

    /** A proof is text, so whatever is flipped in it is either no proof any more or proves nothing. */
    @Test
    void everyFlippedBitOfAProofIsFound() throws NotProvenException {
        DecisionPack pack = pack(5);
        SignedLedger ledger = ledger(pack);
        Set<VerifierKey> keys = Set.of(ledger.verifierKey());
        byte[] whole = bytes(proof(ledger, pack, 2, 5, pack.path(2)));
        int end = new String(whole, StandardCharsets.UTF_8).lastIndexOf("\n\n");
        for (int at = 0; at < end; at += EVERY_BIT ? 1 : dice.nextInt(1, 4)) {
            byte[] flipped = whole.clone();
            flipped[at] ^= (byte) (1 << dice.nextInt(8));
            assertThatThrownBy(() -> DecisionProof.parse(flipped).verify(keys))
                    .as("byte %s", at)
                    .isInstanceOf(NotProvenException.class);
        }
    }

    /** The same of the record alone, with every bit of it: the hash is what proves it. */
    @Test
    void everyFlippedBitOfARecordIsFound() throws NotProvenException {
        DecisionPack pack = pack(3);
        SignedLedger ledger = ledger(pack);
        Set<VerifierKey> keys = Set.of(ledger.verifierKey());
        byte[] record = pack.records().get(1);
        for (int bit = 0; bit < record.length * 8; bit += EVERY_BIT ? 1 : dice.nextInt(1, 8)) {
            byte[] flipped = record.clone();
            flipped[bit / 8] ^= (byte) (1 << bit % 8);
            DecisionProof proof = DecisionProof.of(flipped, 1, 3, pack.path(1), ledger.proof(2));
            assertRefused(proof, keys);
        }
    }

    @Test
    void anEntryThatVouchesForNothingProvesNothing() throws NotProvenException {
        DecisionPack pack = pack(1);
        SignedLedger ledger = ledger(pack);
        DecisionProof proof = DecisionProof.of(pack.records().getFirst(), 0, 1, List.of(), ledger.proof(1));
        assertRefused(proof, Set.of(ledger.verifierKey()));
    }

    @Test
    void aBundleHoldsTheDecisionsAndEachBitOfThem(@TempDir Path directory) throws NotProvenException, IOException {
        DecisionPack pack = pack(20);
        SignedLedger ledger = ledger(pack);
        Set<VerifierKey> keys = Set.of(ledger.verifierKey());
        assertThatThrownBy(() -> bundle(ledger, keys, List.of()))
                .isInstanceOf(NotProvenException.class)
                .hasMessageContaining("decisions that entry 2 vouches for are missing");
        List<byte[]> other = new ArrayList<>(pack.records());
        other.set(3, other.get(4));
        assertThatThrownBy(() -> bundle(ledger, keys, other)).isInstanceOf(NotProvenException.class);

        byte[] bundle = bundle(ledger, keys, pack.records());
        Path file = Files.write(directory.resolve("bundle.tar"), bundle);
        verify(file, keys);
        int begin = indexOf(bundle, pack.records().getFirst());
        for (int tries = 0; tries < 100; tries++) {
            byte[] flipped = bundle.clone();
            flipped[begin + dice.nextInt(20 * pack.records().getFirst().length)] ^= (byte) (1 << dice.nextInt(8));
            Files.write(file, flipped);
            assertThatThrownBy(() -> verify(file, keys)).isInstanceOf(NotProvenException.class);
        }
    }

    private static void verify(Path file, Set<VerifierKey> keys) throws NotProvenException, IOException {
        try (LedgerBundle opened = LedgerBundle.open(file)) {
            var _ = opened.verify(keys, null, (entries, total) -> {});
        }
    }

    private static byte[] bundle(SignedLedger ledger, Set<VerifierKey> keys, List<byte[]> records)
            throws NotProvenException, IOException {
        ByteArrayOutputStream to = new ByteArrayOutputStream();
        BundleWriter writer = new BundleWriter(ledger.head(), keys, to);
        for (int seq = 0; seq < ledger.frames().size(); seq++) {
            writer.add(ledger.frames().get(seq));
            if (seq == 2 && !records.isEmpty()) {
                writer.addDecisions(seq, records.subList(0, 7));
                writer.addDecisions(seq, records.subList(7, records.size()));
            }
        }
        writer.finish();
        return to.toByteArray();
    }

    private static int indexOf(byte[] whole, byte[] part) {
        for (int at = 0; ; at++) {
            if (Arrays.equals(whole, at, at + part.length, part, 0, part.length)) {
                return at;
            }
        }
    }

    private static void assertRefused(DecisionProof proof, Set<VerifierKey> keys) {
        assertThatThrownBy(() -> proof.verify(keys)).isInstanceOf(NotProvenException.class);
    }

    private DecisionPack pack(int size) {
        return new DecisionPack(IntStream.range(0, size)
                .mapToObj(i -> codec.encode(Decisions.random(dice, "d-" + i)))
                .toList());
    }

    /** Two entries, the one that vouches for the pack, and one more. */
    private static SignedLedger ledger(DecisionPack pack) {
        return SignedLedger.golden().append(2).append(entry(pack)).append(1);
    }

    private static EntryDraft entry(DecisionPack pack) {
        AuditEvent event = event(
                        DecisionPack.ENTRY_TYPE,
                        Recorder.ASSIZE.caller(),
                        new Action("record-decisions"),
                        ResourcePath.parse("tenant:acme/decisions"))
                .env(Environment.DEFAULT)
                .category("decision")
                .payload(pack.payload())
                .build();
        return new AuditCodec().encode(event, Recorder.ASSIZE, Decisions.ACME);
    }

    private static DecisionProof proof(
            SignedLedger ledger, DecisionPack pack, int position, int count, List<byte[]> path)
            throws NotProvenException {
        return proof(ledger, pack, position, count, path, position);
    }

    private static DecisionProof proof(
            SignedLedger ledger, DecisionPack pack, int position, int count, List<byte[]> path, int record)
            throws NotProvenException {
        return DecisionProof.of(pack.records().get(record), position, count, path, ledger.proof(2));
    }

    private static byte[] bytes(DecisionProof proof) {
        return proof.toString().getBytes(StandardCharsets.UTF_8);
    }
}
