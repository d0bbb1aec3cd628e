package dev.assize.server.endpoint.grpc;

import dev.assize.server.ledger.archive.ArchiveStore;
import dev.assize.server.ledger.archive.ArchiveUnavailableException;
import dev.assize.server.model.Digest;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.TenantId;
import dev.assize.server.retention.ArchiveBundles;
import dev.assize.server.retention.PolicyKeeper;
import dev.assize.server.retention.Pruning;
import dev.assize.server.retention.Pruning.Plan;
import dev.assize.server.retention.Pruning.ProposalResult;
import dev.assize.server.retention.Pruning.Wish;
import dev.assize.server.retention.PruningRepository;
import java.io.InputStream;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Optional;
import java.util.function.Function;

/** A database whose entries are all too young, and no archive. */
final class NothingPruned implements PruningRepository, ArchiveStore, ArchiveBundles, PolicyKeeper {

    @Override
    public Plan plan(Wish wish, Instant now) {
        return new Plan(
                0,
                0,
                new Pruning.Limit(Pruning.Limit.Kind.YOUNG, 0, "entry 0 stays: it is not 31 days old"),
                Pruning.YOUNGEST);
    }

    @Override
    public ProposalResult propose(Wish wish, Recorder by, String reason, Instant now) {
        return new ProposalResult.Nothing(plan(wish, now));
    }

    @Override
    public Optional<Pruning> find(TenantId tenant, String id) {
        return Optional.empty();
    }

    @Override
    public Instant recordedAt(TenantId tenant, long seq) {
        throw new UnsupportedOperationException("Nothing is old enough");
    }

    @Override
    public void read(TenantId tenant, long fromSeq, long toSeq, Reader reader) {
        throw new UnsupportedOperationException("Nothing is old enough");
    }

    @Override
    public Ending prune(Removal removal, Function<Digest, Statement> statement, Instant now) {
        throw new UnsupportedOperationException("Nothing is old enough");
    }

    @Override
    public boolean create(String name, Path content, Instant retainUntil) {
        throw new ArchiveUnavailableException("there is none", null);
    }

    @Override
    public Optional<InputStream> read(String name) {
        throw new ArchiveUnavailableException("there is none", null);
    }

    @Override
    public String describe() {
        return "nowhere";
    }

    @Override
    public void write(Path file, Part part, Entries entries) {
        throw new UnsupportedOperationException("Nothing is old enough");
    }

    @Override
    public void verify(Path file, Part part) {
        throw new UnsupportedOperationException("Nothing is old enough");
    }

    @Override
    public void keep(TenantId tenant, long fromSeq) {}
}
