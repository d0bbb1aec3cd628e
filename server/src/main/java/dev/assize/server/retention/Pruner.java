package dev.assize.server.retention;

import com.google.inject.Inject;
import dev.assize.server.anchor.AnchorRepository;
import dev.assize.server.anchor.Checkpoints;
import dev.assize.server.anchor.NoSuchTreeException;
import dev.assize.server.anchor.Prefixes;
import dev.assize.server.anchor.PrunedPrefix;
import dev.assize.server.anchor.SignedLedgerVerifier;
import dev.assize.server.ledger.Beginning;
import dev.assize.server.ledger.Frame;
import dev.assize.server.ledger.LedgerUnanchoredException;
import dev.assize.server.ledger.Verification;
import dev.assize.server.ledger.Verification.Broken;
import dev.assize.server.ledger.Verification.Fault;
import dev.assize.server.ledger.Verification.Kind;
import dev.assize.server.ledger.archive.ArchiveStore;
import dev.assize.server.ledger.archive.ArchiveUnavailableException;
import dev.assize.server.model.Digest;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.TenantId;
import dev.assize.server.retention.ArchiveBundles.UnprovenException;
import dev.assize.server.retention.Pruning.Limit;
import dev.assize.server.retention.Pruning.Part;
import dev.assize.server.retention.Pruning.Plan;
import dev.assize.server.retention.Pruning.ProposalResult;
import dev.assize.server.retention.Pruning.Result;
import dev.assize.server.retention.Pruning.Wish;
import dev.assize.server.retention.PruningRepository.Ending;
import dev.assize.server.retention.PruningRepository.Removal;
import dev.assize.server.retention.PruningRepository.Statement;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;

/**
 * Moves the beginning of ledgers into the archive, a slice at a time. Each step leaves everything as it was, or is the
 * last:
 *
 * <ol>
 *   <li>the slice is verified from its stored bytes, from where the ledger begins, with everything beside it;
 *   <li>it is written as a bundle that proves itself, by the verifier that auditors have, against the newest published
 *       checkpoint;
 *   <li>the bundle is created in the archive, read back from there, compared byte for byte, and verified once more from the
 *       bytes that came back;
 *   <li>in one transaction that locks the head, as holds do: what speaks against it is asked once more, what it shows to
 *       have been done is kept, the entry that says where it went is appended, and the rows go.
 * </ol>
 *
 * A slice and no more, so that appends wait a moment only, and that whoever stops it anywhere calls again.
 */
public final class Pruner {

    /** Entries that go together, in whole tiles. */
    private static final int SLICE = 64 * Pruning.TILE;

    private final PruningRepository repository;
    private final SignedLedgerVerifier verifier;
    private final Prefixes prefixes;
    private final Checkpoints checkpoints;
    private final AnchorRepository anchors;
    private final ArchiveStore archive;
    private final ArchiveBundles bundles;
    private final PolicyKeeper policy;
    private final RetentionMetrics metrics;
    private final InstantSource clock;

    @Inject
    Pruner(
            PruningRepository repository,
            SignedLedgerVerifier verifier,
            Prefixes prefixes,
            Checkpoints checkpoints,
            AnchorRepository anchors,
            ArchiveStore archive,
            ArchiveBundles bundles,
            PolicyKeeper policy,
            RetentionMetrics metrics,
            InstantSource clock) {
        this.repository = repository;
        this.verifier = verifier;
        this.prefixes = prefixes;
        this.checkpoints = checkpoints;
        this.anchors = anchors;
        this.archive = archive;
        this.bundles = bundles;
        this.policy = policy;
        this.metrics = metrics;
        this.clock = clock;
    }

    /** What of a wish may go now, and why not more. */
    public Plan plan(Wish wish) {
        return repository.plan(wish, clock.instant());
    }

    /** Proposes what of a wish may go; recorded. */
    public ProposalResult propose(Wish wish, Recorder by, String reason) {
        return repository.propose(wish, by, reason, clock.instant());
    }

    /** Where it goes. */
    public String destination() {
        return archive.describe();
    }

    /**
     * Agrees to a proposal, and prunes the first of what of it is left; blocks for that long. To be repeated until nothing
     * remains, and where it failed.
     *
     * @throws ArchiveUnavailableException where the archive cannot be reached, or does not keep what it is given
     * @throws LedgerUnanchoredException where the newest checkpoint is not to be had
     */
    public Result agree(TenantId tenant, Recorder by, String id) {
        Pruning pruning = repository.find(tenant, id).orElse(null);
        if (pruning == null) {
            return new Result.NoSuchPruning();
        }
        if (pruning.by().equals(by)) {
            return new Result.Own(pruning);
        }
        Instant now = clock.instant();
        Plan plan = repository.plan(new Wish(tenant, pruning.toSeq(), null), now);
        if (plan.fromSeq() >= pruning.toSeq()) {
            return new Result.Pruned(pruning, null, 0);
        }
        if (!pruning.at().plus(Pruning.OPEN_FOR).isAfter(now)) {
            return new Result.Expired(pruning);
        }
        Limit limit = plan.limit();
        Duration kept = plan.retention();
        if (limit != null) {
            return refused(limit);
        }
        if (kept == null) {
            throw new IllegalStateException("Without a retention " + id + " was not held up");
        }
        long from = plan.fromSeq();
        long to = Math.min(pruning.toSeq(), from - from % SLICE + SLICE);
        Result result = prune(new Removal(pruning, by, from, to, 0), kept);
        if (result instanceof Result.Pruned) {
            metrics.pruned(to - from);
        }
        return result;
    }

    private Result refused(Limit limit) {
        if (limit.kind() == Limit.Kind.HOLD) {
            metrics.pruningHeld();
        }
        return new Result.Refused(limit);
    }

    private Result prune(Removal removal, Duration retention) {
        TenantId tenant = removal.pruning().tenant();
        SignedLedgerVerifier.Verified verified = verifier.verifyBeginning(tenant, removal.toSeq());
        Verification found = verified.found();
        if (found instanceof Broken broken) {
            return new Result.Unsound(broken.fault());
        }
        if (!(found instanceof Verification.Sound sound) || sound.span().lastHash() == null) {
            throw new IllegalStateException("Of " + removal + " nothing was verified: " + found);
        }
        policy.keep(tenant, removal.toSeq());
        Path work = workDirectory();
        try {
            Archived archived = archive(removal, work, retention);
            Beginning left = new Beginning(
                    removal.toSeq(), sound.span().lastHash(), repository.recordedAt(tenant, removal.toSeq() - 1));
            return remove(removal, archived, left, verified);
        } catch (UnprovenException e) {
            return new Result.Unsound(new Fault(Math.max(0, e.seq()), Kind.CHECKPOINT, String.valueOf(e.getMessage())));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            delete(work);
        }
    }

    private Result remove(Removal removal, Archived archived, Beginning left, SignedLedgerVerifier.Verified verified) {
        TenantId tenant = removal.pruning().tenant();
        Ending ending = repository.prune(
                new Removal(removal.pruning(), removal.by(), removal.fromSeq(), removal.toSeq(), archived.values),
                actions -> {
                    PrunedPrefix prefix = new PrunedPrefix(
                            tenant,
                            removal.fromSeq(),
                            left,
                            new PrunedPrefix.PeakHashes(verified.tree().peaks()),
                            actions,
                            archived.object,
                            archived.digest,
                            removal.pruning().id());
                    return new Statement(prefixes.seal(prefix), archived.object, archived.digest, prefix.root());
                },
                clock.instant());
        return switch (ending) {
            case Ending.Removed(Part part) ->
                new Result.Pruned(removal.pruning(), part, removal.pruning().toSeq() - removal.toSeq());
            case Ending.Refused(Limit limit) -> refused(limit);
            case Ending.Moved(long base) ->
                new Result.Pruned(
                        removal.pruning(), null, Math.max(0, removal.pruning().toSeq() - base));
        };
    }

    /** An object of the archive that was read back. */
    private record Archived(String object, Digest digest, long values) {}

    private Archived archive(Removal removal, Path work, Duration retention) throws IOException {
        TenantId tenant = removal.pruning().tenant();
        ArchiveBundles.Part part = part(removal);
        Path written = work.resolve("bundle.tar");
        AtomicLong values = new AtomicLong();
        bundles.write(
                written,
                part,
                reader ->
                        repository.read(tenant, removal.fromSeq(), removal.toSeq(), (seq, frame, beside, decisions) -> {
                            values.addAndGet(beside.size());
                            reader.accept(seq, frame, beside, decisions);
                        }));
        Digest digest = digest(written);
        String object = tenant + "/" + part.checkpoint().signed().incarnation() + "/" + removal.fromSeq() + "-"
                + removal.toSeq() + "-" + digest.toString().substring(0, 16) + ".tar";
        // One that is there already is of an attempt that got no further; reading it back shows whether it is whole.
        boolean _ = archive.create(object, written, clock.instant().plus(retention));
        Path readBack = work.resolve("read-back.tar");
        try (InputStream in = archive.read(object)
                .orElseThrow(() -> new ArchiveUnavailableException(
                        "the archive " + archive.describe() + " does not have what it was given: " + object, null))) {
            Files.copy(in, readBack);
        }
        if (Files.mismatch(written, readBack) >= 0) {
            throw new ArchiveUnavailableException(
                    "the archive " + archive.describe() + " has other bytes in " + object + " than it was given", null);
        }
        bundles.verify(readBack, part);
        return new Archived(object, digest, values.get());
    }

    private ArchiveBundles.Part part(Removal removal) {
        TenantId tenant = removal.pruning().tenant();
        Optional<PrunedPrefix> before = prefixes.of(tenant);
        Digest prevHash = before.map(prefix -> prefix.beginning().lastHash())
                .orElseGet(() -> Frame.genesisHash(anchors.standing(tenant).origin()));
        Checkpoints.Checkpoint newest = checkpoints
                .latest(tenant)
                .orElseThrow(() ->
                        new NoSuchTreeException("nothing of the ledger of tenant `" + tenant + "` is signed yet"));
        Checkpoints.Place place = newest.place();
        if (place == null || !newest.signed().note().startsWith(place.leaf().text() + "\n")) {
            throw new LedgerUnanchoredException(
                    "a checkpoint of the ledger of tenant `" + tenant + "` is just being published; try again");
        }
        return new ArchiveBundles.Part(
                newest,
                removal.fromSeq(),
                removal.toSeq(),
                prevHash,
                checkpoints.edges(tenant, removal.fromSeq()),
                checkpoints
                        .consistency(tenant, removal.toSeq(), newest.signed().size())
                        .proof());
    }

    private static Digest digest(Path file) throws IOException {
        try (InputStream in = Files.newInputStream(file)) {
            return Digest.sha256(in);
        }
    }

    private static Path workDirectory() {
        try {
            return Files.createTempDirectory("assize-prune");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void delete(Path directory) {
        try (Stream<Path> files = Files.walk(directory)) {
            List<Path> all = files.sorted(Comparator.reverseOrder()).toList();
            for (Path file : all) {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
