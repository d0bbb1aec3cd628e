package dev.assize.server.administration;

import com.google.inject.Inject;
import dev.assize.server.administration.PolicyHistory.TextChange;
import dev.assize.server.administration.PolicyRepository.RevisionRecord;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.policy.StoredDocument;
import dev.assize.server.policy.replay.Manifest;
import dev.assize.server.policy.replay.PolicyEntry;
import dev.assize.server.policy.replay.ReplayException;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** What policies were: who changed them, what is not the same at two revisions, and all of one. Blocks. */
public final class PolicyRevisions {

    private final PolicyRepository repository;
    private final PolicyLedger ledger;
    private final PolicyHistory history;

    @Inject
    PolicyRevisions(PolicyRepository repository, PolicyLedger ledger, PolicyHistory history) {
        this.repository = repository;
        this.ledger = ledger;
        this.history = history;
    }

    /**
     * An accepted change.
     *
     * @param manifest as its ledger tells it; null where the entry is not there any more, or is none
     */
    public record Accepted(RevisionRecord record, @Nullable Manifest manifest) {}

    /** Accepted changes below a revision, newest first. */
    public List<Accepted> page(PolicyScope scope, @Nullable Revision before, int limit) {
        List<RevisionRecord> records = repository.revisions(scope, before, limit);
        Map<Long, Manifest> told = new HashMap<>();
        ledger.manifests(
                        scope.ledgerTenant(),
                        records.stream().map(RevisionRecord::seq).toList())
                .forEach(entry -> manifest(entry).ifPresent(manifest -> told.put(entry.seq(), manifest)));
        return records.stream()
                .map(record -> new Accepted(record, of(record, told.get(record.seq()))))
                .toList();
    }

    /** One that was accepted. */
    public Optional<Accepted> find(PolicyScope scope, Revision revision) {
        return page(scope, revision.next(), 1).stream()
                .filter(found -> found.record().revision().equals(revision))
                .findFirst();
    }

    /** The current revision; 0 where nothing was ever committed. */
    public Revision present(PolicyScope scope) {
        return history.present(scope);
    }

    /** The revision that was current at a moment; 0 where nothing had been committed. */
    public Revision at(PolicyScope scope, Instant moment) {
        return history.at(scope, moment);
    }

    /** Hands out every document at a revision, by kind and name. Blocks for as long as the reader takes. */
    public void read(PolicyScope scope, Revision revision, Consumer<StoredDocument> reader) {
        history.read(scope, revision, reader);
    }

    /** Hands out what is not the same at two revisions, by kind and name. Blocks for as long as the reader takes. */
    public void compare(PolicyScope scope, Revision from, Revision to, Consumer<TextChange> reader) {
        history.compare(scope, from, to, reader);
    }

    /** A manifest of another revision says nothing of this one; a replay says why it stands there. */
    private static @Nullable Manifest of(RevisionRecord record, @Nullable Manifest manifest) {
        return manifest != null && manifest.revision().equals(record.revision()) ? manifest : null;
    }

    private static Optional<Manifest> manifest(PolicyEntry entry) {
        try {
            return Optional.of(Manifest.of(entry));
        } catch (ReplayException altered) {
            return Optional.empty();
        }
    }
}
