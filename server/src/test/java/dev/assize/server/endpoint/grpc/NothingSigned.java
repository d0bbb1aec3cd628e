package dev.assize.server.endpoint.grpc;

import dev.assize.server.anchor.AnchorRepository;
import dev.assize.server.anchor.OutsideStore;
import dev.assize.server.anchor.Published;
import dev.assize.server.ledger.EntryDraft;
import dev.assize.server.ledger.Receipt;
import dev.assize.server.ledger.Sequencer;
import dev.assize.server.ledger.merkle.TileSource;
import dev.assize.server.model.Digest;
import dev.assize.server.model.TenantId;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A node that always finds another one signing: nothing is signed yet, and the copy outside has nothing in it. */
final class NothingSigned implements AnchorRepository, OutsideStore {

    private final Map<String, Versioned> objects = new ConcurrentHashMap<>();
    private final AtomicBoolean looked = new AtomicBoolean();
    private volatile @Nullable String bound;

    @Override
    public String deployment() {
        return "assize.test/00000000000000000000000000000000";
    }

    @Override
    public Optional<String> boundTo() {
        return Optional.ofNullable(bound);
    }

    @Override
    public void bind(String anchorId, Instant now) {
        bound = anchorId;
    }

    /** For the first round, which only looks; who needs one would try for ten seconds. */
    @Override
    public <T> Optional<T> inRound(Function<Round, T> work) {
        if (!looked.compareAndSet(false, true)) {
            throw new IllegalStateException("No round runs here");
        }
        return Optional.empty();
    }

    @Override
    public boolean halt(TenantId tenant, String reason) {
        throw new IllegalStateException("No round runs here");
    }

    @Override
    public Standing standing(TenantId tenant) {
        var genesis = Sequencer.genesis(deployment() + "/" + tenant);
        return new Standing(tenant, genesis.origin(), genesis.incarnation(), genesis.size(), genesis.lastHash(), null);
    }

    @Override
    public long metaSize(int incarnation) {
        return 0;
    }

    @Override
    public List<Waiting> waiting(int limit) {
        return List.of();
    }

    @Override
    public OptionalLong behindHead(TenantId tenant) {
        return OptionalLong.empty();
    }

    @Override
    public Receipt begin(TenantId tenant, int incarnation, Function<LeftBeside, EntryDraft> first) {
        throw new IllegalStateException("Nothing is lost here");
    }

    @Override
    public <T> T published(Function<Published, T> work) {
        return work.apply(new Nothing());
    }

    @Override
    public List<PrunedRow> pruned(TenantId tenant) {
        return List.of();
    }

    @Override
    public Digest pastActions(TenantId tenant, long toSeq) {
        throw new UnsupportedOperationException("Nothing was pruned");
    }

    @Override
    public void recordSigningKey(String key, Instant now, Function<String, EntryDraft> entry) {
        // The first key of all needs no entry.
    }

    @Override
    public Receipt rebind(String from, String to, Instant now, EntryDraft entry) {
        throw new IllegalStateException("Nothing is lost here");
    }

    @Override
    public void keep(List<CosignedCheckpoint> cosigned) {
        throw new IllegalStateException("Nothing is signed");
    }

    @Override
    public Optional<Versioned> read(String name) {
        return Optional.ofNullable(objects.get(name));
    }

    @Override
    public void put(String name, byte[] content) {
        throw new IllegalStateException("No round runs here");
    }

    @Override
    public Optional<String> replace(String name, @Nullable String version, byte[] content) {
        objects.put(name, new Versioned("1", content));
        return Optional.of("1");
    }

    @Override
    public void remove(String name) {
        throw new IllegalStateException("No round runs here");
    }

    @Override
    public String describe() {
        return "nowhere";
    }

    private static final class Nothing implements Published {

        @Override
        public Optional<AnchorRepository.PublishedCheckpoint> checkpoint(String log) {
            return Optional.empty();
        }

        @Override
        public List<AnchorRepository.PublishedCheckpoint> checkpoints(TenantId tenant, long beyondSize) {
            return List.of();
        }

        @Override
        public List<String> kept(TenantId tenant) {
            return List.of();
        }

        @Override
        public Map<Long, Integer> begun(TenantId tenant) {
            return Map.of();
        }

        @Override
        public Optional<String> misdated(TenantId tenant) {
            return Optional.empty();
        }

        @Override
        public void fullTiles(String log, int incarnation, TileReader reader) {}

        @Override
        public void leaves(int incarnation, LeafReader reader) {}

        @Override
        public Optional<AnchorRepository.MetaLeaf> latestLeaf(TenantId tenant, int metaIncarnation, long metaSize) {
            return Optional.empty();
        }

        @Override
        public List<AnchorRepository.CosignedCheckpoint> cosigned() {
            return List.of();
        }

        @Override
        public TileSource tiles(String log, int incarnation) {
            throw new IllegalStateException("Nothing is signed");
        }
    }
}
