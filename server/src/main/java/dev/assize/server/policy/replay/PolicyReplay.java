package dev.assize.server.policy.replay;

import dev.assize.server.model.Digest;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.PolicyDigest;
import dev.assize.server.policy.PolicySum;
import dev.assize.server.policy.StoredDocument;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Rebuilds one policy from the entries of its ledger, taken in their order. For one thread.
 *
 * <p>It begins at the first revision or at a snapshot, whichever comes first; what stands before is passed over, since the
 * manifest of it may have been pruned. From there on nothing may be missing: each manifest continues the revision before
 * it, is followed by the documents it counts, each of which was what it says it was, and the whole then has the digest
 * that the manifest names. So the entries vouch for each other, and for the result. Snapshots on the way must be the
 * policy that is there.
 *
 * <p>Of a document only digests are kept, about 300 bytes whatever it says, and the texts of those that are asked for.
 */
public final class PolicyReplay {

    private final PolicyScope scope;
    private final Set<DocumentKey> kept;
    private final Map<DocumentKey, StoredDocument> texts = new HashMap<>();
    private final Map<DocumentKey, Trace> documents = new HashMap<>();
    private final PolicySum.Running sum = new PolicySum.Running();
    private boolean begun;
    private Revision revision = Revision.NONE;
    private Digest digest;
    private @Nullable Change change;
    private @Nullable Snapshot snapshot;
    private long skipped = -1;

    /** @param kept documents whose texts are to be there at the end */
    public PolicyReplay(PolicyScope scope, Set<DocumentKey> kept) {
        this.scope = scope;
        this.kept = Set.copyOf(kept);
        this.digest = PolicyDigest.ofPolicy(scope, 0, PolicySum.ZERO);
    }

    /**
     * Takes the next entry. One of another scope, which shares the ledger, is nothing here.
     *
     * @return the manifest of the change that is now complete, if one is
     */
    public Optional<Manifest> take(PolicyEntry entry) throws ReplayException {
        Told told = Told.of(entry);
        if (!told.scope().equals(scope)) {
            return Optional.empty();
        }
        return switch (entry.type()) {
            case PolicyEntry.MANIFEST -> manifest(entry, told);
            case PolicyEntry.DIFF -> diff(entry, told);
            case PolicyEntry.SNAPSHOT -> {
                snapshot(entry, told);
                yield Optional.empty();
            }
            default -> throw told.broken("`" + entry.type() + "` tells nothing of a policy");
        };
    }

    /** That nothing is half told, behind the last entry. */
    public void finish(long seq) throws ReplayException {
        requireWhole(seq);
        if (!begun && skipped >= 0) {
            throw new ReplayException(
                    skipped, "it tells of a policy whose beginning is not there, and no snapshot follows");
        }
    }

    /** That a ledger ends before a revision that it should tell of. */
    public static ReplayException ended(long seq, Revision reached, Revision expected) {
        return new ReplayException(
                seq, "revision " + expected + " is missing: what the ledger tells ends with revision " + reached);
    }

    /** That a ledger does not tell of a revision any more. */
    public static ReplayException begun(long seq, Revision reached, Revision expected) {
        return new ReplayException(
                seq, "revision " + expected + " is missing: what the ledger tells begins with revision " + reached);
    }

    /** What was rebuilt so far. */
    public Revision revision() {
        return revision;
    }

    /** Of the policy at that revision. */
    public Digest digest() {
        return digest;
    }

    /** Every document at that revision. */
    public Map<DocumentKey, Trace> documents() {
        return Collections.unmodifiableMap(documents);
    }

    /** The texts that were asked for, of documents that are there. */
    public Map<DocumentKey, StoredDocument> texts() {
        return Collections.unmodifiableMap(texts);
    }

    private void requireWhole(long seq) throws ReplayException {
        if (change != null) {
            throw new ReplayException(seq, change.incomplete());
        }
        if (snapshot != null) {
            throw new ReplayException(seq, snapshot.incomplete());
        }
    }

    private Optional<Manifest> manifest(PolicyEntry entry, Told told) throws ReplayException {
        requireWhole(entry.seq());
        Manifest manifest = Manifest.of(entry.seq(), told);
        if (!begun && !manifest.base().equals(Revision.NONE)) {
            skipped = entry.seq();
            return Optional.empty();
        }
        if (!manifest.base().equals(revision) || !manifest.revision().equals(revision.next())) {
            throw told.broken("revision " + revision.next() + " is missing: it begins revision " + manifest.revision()
                    + " behind " + manifest.base());
        }
        begun = true;
        change = new Change(manifest);
        return manifest.count() == 0 ? complete(change) : Optional.empty();
    }

    private Optional<Manifest> diff(PolicyEntry entry, Told told) throws ReplayException {
        Change present = change;
        if (present == null) {
            if (begun) {
                throw told.broken("a changed document without a manifest");
            }
            skipped = entry.seq();
            return Optional.empty();
        }
        Pieces pieces = present.next(entry, told, scope);
        if (told.number("part") < told.number("parts")) {
            return Optional.empty();
        }
        replace(told, pieces, told.text("change"));
        present.done();
        return present.index == present.manifest.count() ? complete(present) : Optional.empty();
    }

    private void replace(Told told, Pieces pieces, String type) throws ReplayException {
        Trace there = documents.get(pieces.key);
        String before = pieces.before.toString();
        if (type.equals("created") != (there == null)) {
            throw told.broken(pieces.key + " is " + type + ", but was "
                    + (there == null ? "not there" : "there already, since entry " + there.seq()));
        }
        if (there != null) {
            if (!there.text().equals(Trace.text(before))) {
                throw told.broken(pieces.key + " is said to have been another than entry " + there.seq() + " made it");
            }
            sum.subtract(pieces.key, before);
            documents.remove(pieces.key);
            texts.remove(pieces.key);
        }
        if (!type.equals("deleted")) {
            put(pieces);
        }
    }

    private void put(Pieces pieces) {
        StoredDocument document = pieces.document();
        sum.add(document.key(), document.yaml());
        documents.put(document.key(), Trace.of(document, pieces.seq));
        if (kept.contains(document.key())) {
            texts.put(document.key(), document);
        }
    }

    private Optional<Manifest> complete(Change done) throws ReplayException {
        Digest now = PolicyDigest.ofPolicy(scope, documents.size(), sum.sum());
        Manifest manifest = done.manifest;
        if (!now.equals(manifest.policyDigest())) {
            throw new ReplayException(
                    manifest.seq(),
                    "revision " + manifest.revision() + " has digest " + now + " when it is rebuilt, not "
                            + manifest.policyDigest());
        }
        digest = now;
        revision = manifest.revision();
        change = null;
        return Optional.of(manifest);
    }

    private void snapshot(PolicyEntry entry, Told told) throws ReplayException {
        if (change != null) {
            throw told.broken(change.incomplete());
        }
        long part = told.number("part");
        if (snapshot == null && part > 1 && !begun) {
            skipped = entry.seq();
            return;
        }
        if (snapshot == null) {
            snapshot = new Snapshot(told.revision("revision"), told.digest("policy_digest"));
        }
        Snapshot present = snapshot;
        present.next(told, part);
        for (Told piece : told.documents()) {
            Pieces pieces = present.pieces(entry, piece, scope);
            if (piece.has("end")) {
                present.take(pieces, begun ? null : this);
            }
        }
        if (told.has("parts")) {
            present.finish(told, part, this);
            begun = true;
            snapshot = null;
        }
    }

    /** A change while its documents come. */
    private static final class Change {

        final Manifest manifest;
        long index;
        private @Nullable Pieces pieces;
        private long part;

        Change(Manifest manifest) {
            this.manifest = manifest;
        }

        Pieces next(PolicyEntry entry, Told told, PolicyScope scope) throws ReplayException {
            if (!told.revision("revision").equals(manifest.revision()) || told.number("index") != index) {
                throw told.broken(incomplete());
            }
            if (told.number("part") != part + 1) {
                throw told.broken("part " + (part + 1) + " of " + told.key(scope) + " is missing");
            }
            part++;
            if (pieces == null) {
                pieces = new Pieces(told.key(scope), entry.seq());
            } else if (!pieces.key.equals(told.key(scope))) {
                throw told.broken(incomplete());
            }
            pieces.add(told, "after");
            return pieces;
        }

        void done() {
            index++;
            part = 0;
            pieces = null;
        }

        String incomplete() {
            return "revision " + manifest.revision() + " is not whole: of its " + manifest.count() + " documents "
                    + index + " are there before it";
        }
    }

    /** A snapshot while its parts come. */
    private static final class Snapshot {

        private final Revision revision;
        private final Digest digest;
        private final PolicySum.Running sum = new PolicySum.Running();
        private final Set<DocumentKey> names = new HashSet<>();
        private @Nullable Pieces pieces;
        private long parts;

        Snapshot(Revision revision, Digest digest) {
            this.revision = revision;
            this.digest = digest;
        }

        void next(Told told, long part) throws ReplayException {
            if (part != parts + 1
                    || !told.revision("revision").equals(revision)
                    || !told.digest("policy_digest").equals(digest)) {
                throw told.broken(incomplete());
            }
            parts = part;
        }

        Pieces pieces(PolicyEntry entry, Told piece, PolicyScope scope) throws ReplayException {
            DocumentKey key = piece.key(scope);
            Pieces present = pieces;
            if (present == null) {
                present = new Pieces(key, entry.seq());
                pieces = present;
            } else if (!present.key.equals(key)) {
                throw piece.broken(incomplete());
            }
            present.add(piece, "yaml");
            return present;
        }

        /** @param into the replay that begins with it; null where that has begun */
        void take(Pieces whole, @Nullable PolicyReplay into) {
            StoredDocument document = whole.document();
            names.add(document.key());
            sum.add(document.key(), document.yaml());
            if (into != null) {
                into.put(whole);
            }
            pieces = null;
        }

        void finish(Told told, long part, PolicyReplay into) throws ReplayException {
            if (pieces != null || told.number("parts") != part || told.number("count") != names.size()) {
                throw told.broken(incomplete());
            }
            Digest now = PolicyDigest.ofPolicy(into.scope, names.size(), sum.sum());
            if (!now.equals(digest)) {
                throw told.broken("the snapshot of revision " + revision + " has digest " + now
                        + " when it is rebuilt, not " + digest);
            }
            if (into.begun && !(revision.equals(into.revision) && digest.equals(into.digest))) {
                throw told.broken("the snapshot of revision " + revision + " is not the policy that was rebuilt, at"
                        + " revision " + into.revision);
            }
            into.revision = revision;
            into.digest = digest;
        }

        String incomplete() {
            return "the snapshot of revision " + revision + " is not whole: " + parts + " of its parts are there before"
                    + " it";
        }
    }
}
