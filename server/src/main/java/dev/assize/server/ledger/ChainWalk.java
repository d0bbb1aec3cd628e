package dev.assize.server.ledger;

import dev.assize.server.ledger.MentionCheck.Mention;
import dev.assize.server.ledger.Verification.Fault;
import dev.assize.server.ledger.Verification.Kind;
import dev.assize.server.ledger.merkle.TreeHash;
import dev.assize.server.model.Digest;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.TenantId;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Walks along a chain, entry by entry, and stops at the first fault. Not for two threads. */
final class ChainWalk {

    private final TenantId tenant;
    private final long fromSeq;
    private final Projector projector;
    private final TreeCheck tree;
    private final TreeHash hashing = new TreeHash();

    private long nextSeq;
    private long verified;
    private @Nullable String origin;
    private int incarnation;
    private @Nullable Digest lastHash;
    private @Nullable Instant lastRecordedAt;
    private @Nullable Fault fault;

    /** Fields whose values are gone, by position, until an entry says that they were erased. */
    private final SortedMap<Long, SortedSet<Integer>> missing = new TreeMap<>();

    /** What entries mention, since it was last taken. */
    private Map<String, Mention> mentions = new TreeMap<>();

    /** Fields whose values are gone, as entries say. */
    private final Map<Long, Set<Integer>> redacted = new HashMap<>();

    /**
     * A walk that verifies from a position on; the entry before it may come first, and only lends its hash.
     *
     * @param beginning where the walk begins with what is left of a pruned ledger; null elsewhere
     */
    ChainWalk(TenantId tenant, long fromSeq, @Nullable Beginning beginning, Projector projector, TreeCheck tree) {
        this.tenant = tenant;
        this.fromSeq = fromSeq;
        if (beginning != null) {
            this.lastHash = beginning.lastHash();
            this.lastRecordedAt = beginning.lastRecordedAt();
        }
        this.nextSeq = fromSeq;
        this.projector = projector;
        this.tree = tree;
    }

    /** Whether the entry is sound; if not, the walk has ended. */
    boolean accept(StoredEntry entry) {
        if (entry.seq() == fromSeq - 1 && verified == 0 && lastHash == null) {
            lastHash = Frame.hash(entry.frame());
            return true;
        }
        fault = check(entry);
        return fault == null;
    }

    /** Ends the walk at an entry that was accepted, for what is kept beside it; always false. */
    boolean refuse(StoredEntry entry, String besideFault) {
        verified = entry.seq() - fromSeq;
        nextSeq = entry.seq() + 1;
        lastHash = entry.entryHash();
        fault = new Fault(entry.seq(), Kind.DECISIONS, "entry " + entry.seq() + " " + besideFault);
        return false;
    }

    /** Ends the walk for something else than the next entry; always false. */
    boolean refuse(Fault found) {
        fault = found;
        return false;
    }

    private void mention(String name) {
        mentions.merge(name, new Mention(nextSeq, nextSeq), Mention::until);
    }

    /** What entries mention, that were accepted since this was last asked. */
    Map<String, Mention> takeMentions() {
        Map<String, Mention> taken = mentions;
        mentions = new TreeMap<>();
        return taken;
    }

    long fromSeq() {
        return fromSeq;
    }

    @Nullable
    Fault fault() {
        return fault;
    }

    long verified() {
        return verified;
    }

    /** How many of the entries have lost a value, as an entry says. */
    long redacted() {
        return redacted.size();
    }

    /** Takes an entry behind the walk: what it says was erased counts, if it is one of this ledger, with its own hash. */
    void hear(StoredEntry entry) {
        try {
            FrameFields fields = FrameFields.read(entry.frame());
            Envelope envelope = Envelope.of(fields);
            if (envelope.seq() != entry.seq()
                    || !envelope.origin().equals(origin)
                    || !Frame.hash(entry.frame()).equals(entry.entryHash())) {
                return;
            }
            // What it says of values that are there is for a walk that comes to it.
            projector.erasure(fields).ifPresent(notice -> {
                Fault _ = excuse(notice);
            });
        } catch (MalformedFrameException unreadable) {
            // It is behind what is verified here, and says nothing.
            return;
        }
    }

    /** The positions of which values are gone, and no entry has said so yet. */
    List<Long> missing() {
        return List.copyOf(missing.keySet());
    }

    /** The first value that is gone without a word. */
    @Nullable
    Fault missingValue() {
        var first = missing.firstEntry();
        return first == null
                ? null
                : new Fault(
                        first.getKey(),
                        Kind.COMMITMENT,
                        "entry " + first.getKey() + " has lost the value of field "
                                + first.getValue().first() + ", and no entry says that it was erased");
    }

    /** Checkpoints that the entries were held to, and fit. */
    int checkpoints() {
        return tree.compared();
    }

    /** What was signed beyond a ledger of that many entries. */
    @Nullable
    Fault missingAt(long size, int present) {
        String missing = tree.missingAt(size, present);
        return missing == null ? null : new Fault(size, Kind.CHECKPOINT, missing);
    }

    /** The position behind the last sound entry. */
    long nextSeq() {
        return nextSeq;
    }

    /** Of the entries; empty before the first. */
    String origin() {
        return origin == null ? "" : origin;
    }

    /** Of the last sound entry, null before the first. */
    @Nullable
    Digest lastHash() {
        return verified == 0 ? null : lastHash;
    }

    /** What of the head does not fit the end of this walk. */
    @Nullable
    Fault compare(LedgerHead head) {
        Digest end = nextSeq == 0 ? Frame.genesisHash(head.origin()) : lastHash;
        long lastSeq = Math.max(0, nextSeq - 1);
        if (end != null && !head.lastHash().equals(end)) {
            return new Fault(lastSeq, Kind.HEAD, "the head's hash is not that of entry " + lastSeq);
        }
        if (verified == 0) {
            return null;
        }
        if (!head.origin().equals(origin())) {
            return new Fault(
                    lastSeq,
                    Kind.HEAD,
                    "the head is of `" + shown(head.origin()) + "`, the entries of `" + origin + "`");
        }
        if (head.incarnation() != incarnation) {
            return new Fault(lastSeq, Kind.HEAD, "the head's incarnation is not that of entry " + lastSeq);
        }
        if (!Objects.equals(head.lastRecordedAt(), lastRecordedAt)) {
            return new Fault(lastSeq, Kind.HEAD, "the head's time is not that of entry " + lastSeq);
        }
        return null;
    }

    private @Nullable Fault check(StoredEntry entry) {
        if (entry.seq() != nextSeq) {
            return misplaced(entry.seq());
        }
        Digest hash = Digest.of(hashing.leaf(entry.frame()));
        if (!hash.equals(entry.entryHash())) {
            return fault(Kind.ENTRY_HASH, "is stored with hash " + entry.entryHash() + ", its frame has " + hash);
        }
        Fault found;
        try {
            FrameFields fields = FrameFields.read(entry.frame());
            found = checkFrame(entry, fields, Envelope.of(fields));
        } catch (MalformedFrameException e) {
            found = fault(Kind.FRAME, "cannot be read: " + e.getMessage());
        }
        if (found != null) {
            return found;
        }
        String unsigned = tree.accept(hash, incarnation);
        if (unsigned != null) {
            return new Fault(nextSeq, Kind.CHECKPOINT, unsigned);
        }
        lastHash = hash;
        nextSeq++;
        verified++;
        return null;
    }

    private @Nullable Fault checkFrame(StoredEntry entry, FrameFields fields, Envelope envelope) {
        Fault found = checkPlace(envelope);
        if (found != null) {
            return found;
        }
        if (!projector.fits(fields, envelope, entry.columns())) {
            found = checkColumns(entry.columns(), projector.project(fields));
        }
        if (found == null) {
            found = checkValues(entry.beside(), projector.commitments(fields));
        }
        if (found == null) {
            projector.mentions(fields, this::mention);
            ErasureNotice notice = projector.erasure(fields).orElse(null);
            found = notice == null ? null : excuse(notice);
        }
        origin = envelope.origin();
        incarnation = envelope.incarnation();
        lastRecordedAt = envelope.recordedAt();
        return found;
    }

    private @Nullable Fault checkPlace(Envelope envelope) {
        if (!envelope.origin().endsWith("/" + tenant)
                || (origin != null && !envelope.origin().equals(origin))) {
            return fault(Kind.ORIGIN, "belongs to the ledger `" + shown(envelope.origin()) + "`");
        }
        if (envelope.seq() != nextSeq) {
            return fault(Kind.SEQUENCE, "holds a frame of position " + envelope.seq());
        }
        if (envelope.incarnation() < incarnation) {
            return fault(Kind.ORIGIN, "belongs to incarnation " + envelope.incarnation() + ", which has ended");
        }
        Digest expected = nextSeq == 0 ? Frame.genesisHash(envelope.origin()) : lastHash;
        if (expected != null && !envelope.prevHash().equals(expected)) {
            return fault(Kind.LINK, "does not contain the hash of the entry before it");
        }
        if (lastRecordedAt != null && !envelope.recordedAt().isAfter(lastRecordedAt)) {
            return fault(Kind.SEQUENCE, "was recorded no later than the entry before it");
        }
        return null;
    }

    /** Columns are what queries believe: one that lies hides an entry as well as deleting it would. */
    private @Nullable Fault checkColumns(SortedMap<String, String> stored, SortedMap<String, String> expected) {
        if (stored.equals(expected)) {
            return null;
        }
        TreeSet<String> names = new TreeSet<>(expected.keySet());
        names.addAll(stored.keySet());
        for (String name : names) {
            String is = stored.get(name);
            String shouldBe = expected.get(name);
            if (!Objects.equals(is, shouldBe)) {
                return fault(
                        Kind.PROJECTION,
                        "has " + shownColumn(is) + " in column " + name + ", its frame " + shownColumn(shouldBe));
            }
        }
        return null;
    }

    /** Each value opens a commitment, and each commitment has a value, or had one. */
    private @Nullable Fault checkValues(List<ErasableValue> beside, SortedMap<Integer, Digest> commitments) {
        if (beside.isEmpty() && commitments.isEmpty()) {
            return null;
        }
        SortedMap<Integer, Digest> unopened = new TreeMap<>(commitments);
        for (ErasableValue value : beside) {
            Digest commitment = unopened.remove(value.field());
            if (commitment == null || !value.commitment().equals(commitment)) {
                return fault(Kind.COMMITMENT, "did not commit to the value of field " + value.field() + " beside it");
            }
        }
        if (!unopened.isEmpty()) {
            missing.put(nextSeq, new TreeSet<>(unopened.keySet()));
        }
        return null;
    }

    /** Takes an entry's word for what is gone; a fault where it is not gone. Of what is not walked over nobody can tell. */
    private @Nullable Fault excuse(ErasureNotice notice) {
        if (notice.seq() < fromSeq) {
            return null;
        }
        SortedSet<Integer> gone = missing.getOrDefault(notice.seq(), new TreeSet<>());
        Set<Integer> erased = redacted.getOrDefault(notice.seq(), new HashSet<>());
        for (int field : notice.fields()) {
            if (!gone.remove(field) && !erased.contains(field)) {
                return new Fault(
                        notice.seq(),
                        Kind.COMMITMENT,
                        "field " + field + " of entry " + notice.seq() + " was erased, and is not gone");
            }
            erased.add(field);
        }
        redacted.put(notice.seq(), erased);
        if (gone.isEmpty()) {
            missing.remove(notice.seq());
        }
        return null;
    }

    private Fault misplaced(long seq) {
        if (seq < fromSeq) {
            return new Fault(
                    seq, Kind.SEQUENCE, "entry " + seq + " is there, and the ledger was pruned up to " + fromSeq);
        }
        return seq < nextSeq
                ? new Fault(seq, Kind.SEQUENCE, "entry " + seq + " stands there twice")
                : new Fault(nextSeq, Kind.SEQUENCE, "entry " + nextSeq + " is missing: entry " + seq + " follows");
    }

    private Fault fault(Kind kind, String what) {
        return new Fault(nextSeq, kind, "entry " + nextSeq + " " + what);
    }

    private static String shownColumn(@Nullable String value) {
        return value == null ? "nothing" : "`" + shown(value) + "`";
    }

    private static String shown(String value) {
        return MalformedException.shown(value);
    }
}
