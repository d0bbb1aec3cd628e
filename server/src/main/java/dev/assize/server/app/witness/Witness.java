package dev.assize.server.app.witness;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.assize.client.ledger.Checkpoint;
import dev.assize.client.ledger.MerkleProof;
import dev.assize.client.ledger.NotProvenException;
import dev.assize.client.ledger.SignedNote;
import dev.assize.client.ledger.VerifierKey;
import dev.assize.server.anchor.OutsideStore;
import dev.assize.server.anchor.OutsideStore.Versioned;
import dev.assize.server.ledger.note.NoteSigner;
import java.time.InstantSource;
import java.util.Collection;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A witness of logs (C2SP tlog-witness): signs a checkpoint where it continues the one signed before, and nothing else.
 *
 * <p>Of each log it keeps the last checkpoint that it signed. That is replaced by compare-and-swap, durably, before the
 * signature is handed out: of two requests that were checked against the same one, only one is answered, and a restart
 * forgets nothing.
 */
final class Witness {

    /** SHA-256 of nothing: the root of the tree without leaves. */
    private static final String EMPTY_ROOT = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    private final NoteSigner signer;
    private final VerifierKey own;
    private final Map<String, WatchedLog> logs;
    private final Map<String, WatchedLog> logsByHash;
    private final OutsideStore store;
    private final InstantSource clock;

    /** Held from reading what is stored until it is replaced. */
    private final Object turn = new Object();

    /** Refuses to begin where what is stored is not what this key has signed. */
    Witness(NoteSigner signer, Collection<WatchedLog> logs, OutsideStore store, InstantSource clock)
            throws NotProvenException {
        this.signer = signer;
        this.own = VerifierKey.parse(signer.verifierKey().toString());
        this.logs = logs.stream().collect(Collectors.toUnmodifiableMap(WatchedLog::origin, Function.identity()));
        this.logsByHash = logs.stream().collect(Collectors.toUnmodifiableMap(WatchedLog::hash, Function.identity()));
        this.store = store;
        this.clock = clock;
        for (WatchedLog log : logs) {
            Seen _ = seen(log);
        }
    }

    /** The key that others verify its signatures with. */
    String verifierKey() {
        return own.toString();
    }

    /** The `add-checkpoint` call. */
    WitnessAnswer add(byte[] body) {
        AddCheckpoint request;
        Checkpoint next;
        try {
            request = AddCheckpoint.parse(body);
            next = Checkpoint.parse(request.note().text());
        } catch (NotProvenException e) {
            return new WitnessAnswer.Malformed(String.valueOf(e.getMessage()));
        }
        WatchedLog log = logs.get(next.origin());
        if (log == null) {
            return new WitnessAnswer.UnknownLog(next.origin());
        }
        try {
            request.note().verify(log.keys());
        } catch (NotProvenException e) {
            return new WitnessAnswer.NotSigned(String.valueOf(e.getMessage()));
        }
        if (request.oldSize() > next.size()) {
            return new WitnessAnswer.Malformed("the old size is larger than the checkpoint's");
        }
        synchronized (turn) {
            return advance(log, request, next);
        }
    }

    private WitnessAnswer advance(WatchedLog log, AddCheckpoint request, Checkpoint next) {
        try {
            Seen before = seen(log);
            if (request.oldSize() != before.size()) {
                return new WitnessAnswer.Conflict(before.size());
            }
            Optional<String> fault = fault(before, request, next);
            if (fault.isPresent()) {
                return new WitnessAnswer.Inconsistent(fault.get(), next.text() + "\n" + vouching(request.note(), log));
            }
            String line = signer.cosign(
                    request.note().text(), Math.max(1, clock.instant().getEpochSecond()));
            String kept = request.note().text() + "\n" + vouching(request.note(), log) + line;
            return store.replace(log.hash(), before.version(), kept.getBytes(UTF_8))
                    .<WitnessAnswer>map(_ -> new WitnessAnswer.Cosigned(line))
                    // Another process uses the same directory, and was faster.
                    .orElseGet(() -> new WitnessAnswer.Conflict(size(log)));
        } catch (NotProvenException e) {
            throw new IllegalStateException(
                    "what is kept of `" + log.origin() + "` is not what was signed: " + e.getMessage(), e);
        }
    }

    /** Why a checkpoint does not continue the one before. */
    private static Optional<String> fault(Seen before, AddCheckpoint request, Checkpoint next) {
        try {
            MerkleProof.requireConsistency(before.size(), before.root(), next.size(), next.root(), request.proof());
            return Optional.empty();
        } catch (NotProvenException e) {
            return Optional.of(String.valueOf(e.getMessage()));
        }
    }

    private long size(WatchedLog log) {
        try {
            return seen(log).size();
        } catch (NotProvenException e) {
            throw new IllegalStateException(e);
        }
    }

    /** The `checkpoint` call: the last one signed, of the log whose origin has that hash. */
    Optional<byte[]> checkpoint(String originHash) {
        return Optional.ofNullable(logsByHash.get(originHash))
                .flatMap(log -> store.read(log.hash()))
                .map(Versioned::content);
    }

    private Seen seen(WatchedLog log) throws NotProvenException {
        Versioned kept = store.read(log.hash()).orElse(null);
        if (kept == null) {
            return new Seen(null, 0, HexFormat.of().parseHex(EMPTY_ROOT));
        }
        SignedNote note = SignedNote.parse(kept.content());
        note.verify(Set.of(own));
        Checkpoint checkpoint = Checkpoint.parse(note.text());
        if (!checkpoint.origin().equals(log.origin())) {
            throw new NotProvenException("it is of `" + checkpoint.origin() + "`");
        }
        return new Seen(kept.version(), checkpoint.size(), checkpoint.root());
    }

    /** Those lines of a note that the log's keys have made: what others have signed is not vouched for here. */
    private static String vouching(SignedNote note, WatchedLog log) {
        return note.toString()
                .substring(note.text().length() + 1)
                .lines()
                .map(line -> line + "\n")
                .filter(line -> isOf(log, note.text() + "\n" + line))
                .collect(Collectors.joining());
    }

    private static boolean isOf(WatchedLog log, String note) {
        try {
            return !SignedNote.parse(note.getBytes(UTF_8)).verify(log.keys()).isEmpty();
        } catch (NotProvenException another) {
            return false;
        }
    }

    /**
     * What was signed last.
     *
     * @param version of what is stored; null where nothing is, and the tree is the empty one
     */
    private record Seen(@Nullable String version, long size, byte[] root) {}
}
