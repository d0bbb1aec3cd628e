package dev.assize.server.administration;

import com.google.inject.Inject;
import dev.assize.server.administration.PolicyRepository.RevisionRecord;
import dev.assize.server.administration.ReplayResult.Broken;
import dev.assize.server.administration.ReplayResult.Drift;
import dev.assize.server.administration.ReplayResult.DriftType;
import dev.assize.server.administration.ReplayResult.Rebuilt;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.StoredDocument;
import dev.assize.server.policy.replay.Manifest;
import dev.assize.server.policy.replay.PolicyEntry;
import dev.assize.server.policy.replay.PolicyReplay;
import dev.assize.server.policy.replay.ReplayException;
import dev.assize.server.policy.replay.Trace;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Rebuilds policies from their ledgers alone and holds what is stored to the result. Blocks.
 *
 * <p>The ledger is taken at its word here: that its entries are those that were written is what its verification proves.
 */
public final class PolicyReplays {

    /** Drifts that are named. */
    static final int MAX_DRIFTS = 500;

    /** Drifts that are shown with the texts of both sides, which may have 256 KiB each. */
    static final int MAX_SHOWN = 20;

    /** Manifests held to the stored revisions at a time. */
    private static final int MANIFESTS = 500;

    private final PolicyLedger ledger;
    private final PolicyHistory history;
    private final PolicyRepository repository;

    @Inject
    public PolicyReplays(PolicyLedger ledger, PolicyHistory history, PolicyRepository repository) {
        this.ledger = ledger;
        this.history = history;
        this.repository = repository;
    }

    /**
     * What to rebuild.
     *
     * @param revision null for the last that the ledger tells of
     * @param whole begins at the first revision that is there instead of at the newest snapshot, and holds every snapshot
     *     on the way to what was rebuilt
     */
    public record Wish(PolicyScope scope, @Nullable Revision revision, boolean whole) {}

    /** Hears how far a replay is; what it throws ends the replay. */
    public interface Progress {
        void at(Revision revision, long entries);
    }

    /** Rebuilds, and compares. */
    public ReplayResult replay(Wish wish, Progress progress) {
        Revision stored = history.present(wish.scope);
        Run run = new Run(wish, wish.revision == null ? Revision.NONE : wish.revision, Set.of());
        try {
            run.go(progress);
            run.requireReached(wish.revision == null ? stored : wish.revision);
            Set<DocumentKey> shown = run.compare(history.present(wish.scope));
            if (!shown.isEmpty()) {
                Run again = new Run(wish, run.replay.revision(), shown);
                again.go(progress);
                run.show(again.replay.texts());
            }
        } catch (ReplayException e) {
            return new Broken(run.replay.revision(), e.seq(), String.valueOf(e.getMessage()), run.entries);
        }
        return run.rebuilt();
    }

    /** One pass over the entries. */
    private final class Run {

        private final Wish wish;
        private final PolicyScope scope;

        /** 0 for the last that there is. */
        private final Revision until;

        private final PolicyReplay replay;
        private final OptionalLong snapshot;
        private final List<Manifest> manifests = new ArrayList<>();
        private final List<Drift> drifts = new ArrayList<>();
        private long driftCount;
        private long entries;
        private long next;

        Run(Wish wish, Revision until, Set<DocumentKey> kept) {
            this.wish = wish;
            this.scope = wish.scope;
            this.until = until;
            this.replay = new PolicyReplay(scope, kept);
            Revision atMost = until.equals(Revision.NONE) ? new Revision(Long.MAX_VALUE) : until;
            this.snapshot = wish.whole ? OptionalLong.empty() : ledger.newestSnapshot(scope, atMost);
            this.next = snapshot.orElse(0);
        }

        void go(Progress progress) throws ReplayException {
            for (List<PolicyEntry> some = read(); !some.isEmpty() && !isDone(); some = read()) {
                for (PolicyEntry entry : some) {
                    if (!isDone()) {
                        take(entry);
                    }
                }
                progress.at(replay.revision(), entries);
            }
            if (!isDone()) {
                replay.finish(next);
            }
            hold();
        }

        private boolean isDone() {
            return !until.equals(Revision.NONE) && replay.revision().compareTo(until) >= 0;
        }

        private List<PolicyEntry> read() {
            return ledger.read(scope.ledgerTenant(), next);
        }

        private void take(PolicyEntry entry) throws ReplayException {
            Optional<Manifest> manifest = replay.take(entry);
            entries++;
            next = entry.seq() + 1;
            manifest.ifPresent(manifests::add);
            if (manifests.size() == MANIFESTS) {
                hold();
            }
        }

        void requireReached(Revision expected) throws ReplayException {
            Revision reached = replay.revision();
            if (reached.compareTo(expected) < 0) {
                throw PolicyReplay.ended(next, reached, expected);
            }
            if (wish.revision != null && !reached.equals(expected)) {
                throw PolicyReplay.begun(next, reached, expected);
            }
        }

        /** The revisions as they are stored beside what their manifests say. */
        private void hold() {
            if (manifests.isEmpty()) {
                return;
            }
            Map<Revision, RevisionRecord> stored = new HashMap<>();
            repository
                    .revisions(scope, manifests.getLast().revision().next(), manifests.size())
                    .forEach(record -> stored.put(record.revision(), record));
            for (Manifest manifest : manifests) {
                difference(manifest, stored.get(manifest.revision()))
                        .ifPresent(message -> drift(new Drift(
                                DriftType.REVISION,
                                null,
                                OptionalLong.of(manifest.seq()),
                                "revision " + manifest.revision() + " " + message,
                                null,
                                null)));
            }
            manifests.clear();
        }

        private static Optional<String> difference(Manifest manifest, @Nullable RevisionRecord stored) {
            if (stored == null) {
                return Optional.of("is not stored");
            }
            if (!stored.policyDigest().equals(manifest.policyDigest())) {
                return Optional.of(
                        "is stored with policy digest " + stored.policyDigest() + ", not " + manifest.policyDigest());
            }
            if (!stored.changeDigest().equals(manifest.changeDigest())) {
                return Optional.of(
                        "is stored with change digest " + stored.changeDigest() + ", not " + manifest.changeDigest());
            }
            if (!stored.actor().caller().toString().equals(manifest.actor())) {
                return Optional.of(
                        "is stored as made by `" + stored.actor().caller() + "`, not `" + manifest.actor() + "`");
            }
            if (stored.seq() != manifest.seq() || stored.changeCount() != manifest.count()) {
                return Optional.of("is stored with " + stored.changeCount() + " documents at entry " + stored.seq()
                        + ", not " + manifest.count() + " at " + manifest.seq());
            }
            return Optional.empty();
        }

        /** Names what is not the same, and answers with the documents whose texts are to be shown. */
        Set<DocumentKey> compare(Revision present) {
            Revision at = replay.revision();
            if (present.compareTo(at) < 0) {
                drift(new Drift(
                        DriftType.REVISION,
                        null,
                        OptionalLong.empty(),
                        "the ledger tells of revision " + at + ", and what is stored stands at " + present,
                        null,
                        null));
            }
            Map<DocumentKey, Trace> left = new HashMap<>(replay.documents());
            history.read(scope, at, stored -> compare(stored, left.remove(stored.key())));
            new TreeMap<>(left)
                    .forEach((key, told) -> drift(new Drift(
                            DriftType.MISSING,
                            key,
                            OptionalLong.of(told.seq()),
                            key + " is told by entry " + told.seq() + ", and is not stored",
                            null,
                            null)));
            Set<DocumentKey> shown = new TreeSet<>();
            drifts.stream()
                    .map(Drift::key)
                    .filter(key -> key != null && replay.documents().containsKey(key))
                    .limit(MAX_SHOWN)
                    .forEach(shown::add);
            return shown;
        }

        private void compare(StoredDocument stored, @Nullable Trace told) {
            DocumentKey key = stored.key();
            if (told == null) {
                drift(new Drift(
                        DriftType.UNKNOWN,
                        key,
                        OptionalLong.empty(),
                        key + " is stored, and the ledger does not tell of it",
                        null,
                        shown(stored)));
                return;
            }
            switch (told.to(stored)) {
                case NONE -> {}
                case TEXT ->
                    drift(new Drift(
                            DriftType.TEXT,
                            key,
                            OptionalLong.of(told.seq()),
                            key + " is stored with another text than entry " + told.seq() + " tells",
                            null,
                            shown(stored)));
                case PLACE ->
                    drift(new Drift(
                            DriftType.PLACE,
                            key,
                            OptionalLong.of(told.seq()),
                            key + " is stored with another file or other lines than entry " + told.seq() + " tells",
                            null,
                            shown(stored)));
            }
        }

        private @Nullable StoredDocument shown(StoredDocument stored) {
            return drifts.size() < MAX_SHOWN ? stored : null;
        }

        private void drift(Drift drift) {
            driftCount++;
            if (drifts.size() < MAX_DRIFTS) {
                drifts.add(drift);
            }
        }

        void show(Map<DocumentKey, StoredDocument> texts) {
            drifts.replaceAll(drift -> drift.key() == null
                    ? drift
                    : new Drift(
                            drift.type(),
                            drift.key(),
                            drift.seq(),
                            drift.message(),
                            texts.get(drift.key()),
                            drift.stored()));
        }

        Rebuilt rebuilt() {
            return new Rebuilt(
                    replay.revision(),
                    replay.digest(),
                    replay.documents().size(),
                    entries,
                    snapshot,
                    List.copyOf(drifts),
                    driftCount);
        }
    }
}
