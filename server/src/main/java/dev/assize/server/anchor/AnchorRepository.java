package dev.assize.server.anchor;

import dev.assize.server.ledger.EntryDraft;
import dev.assize.server.ledger.Receipt;
import dev.assize.server.ledger.merkle.Tile;
import dev.assize.server.ledger.merkle.TileSource;
import dev.assize.server.model.Digest;
import dev.assize.server.model.TenantId;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** What signing needs of the database. Blocks; a broken surrounding is an exception. */
public interface AnchorRepository {

    /** What the origin of every ledger of this database begins with: `<ledger name>/<deployment>`. */
    String deployment();

    /** The outside copy that the heads of this database are kept in; empty where there has been none yet. */
    Optional<String> boundTo();

    /** Says which outside copy they are kept in from now on. */
    void bind(String anchorId, Instant now);

    /**
     * Says that they are kept in another copy from now on, and records it; both or neither.
     *
     * @param from the copy that they were kept in, and still are
     * @param entry for the ledger of tenant `assize`
     */
    Receipt rebind(String from, String to, Instant now, EntryDraft entry);

    /** Runs one round of signing, in one transaction; empty, and nothing run, while another node is in one. */
    <T> Optional<T> inRound(Function<Round, T> work);

    /**
     * Lets nothing be appended to a ledger any more, on any node, until a new incarnation begins.
     *
     * @return whether it was not halted already
     */
    boolean halt(TenantId tenant, String reason);

    /** A ledger as it stands in the database. */
    Standing standing(TenantId tenant);

    /** Ledgers with entries that no published checkpoint covers, and since when; longest first, halted ones left out. */
    List<Waiting> waiting(int limit);

    /** Leaves that the database has of an incarnation of the log of heads. */
    long metaSize(int incarnation);

    /** The first entry that stands behind a ledger's head, where any does: the head is lost then, not the entries. */
    OptionalLong behindHead(TenantId tenant);

    /**
     * Begins an incarnation with its first entry; the ledger is halted no more. What is left beside entries that are lost
     * is removed, so that their positions and keys can be used again.
     *
     * @param first given what was removed
     */
    Receipt begin(TenantId tenant, int incarnation, Function<LeftBeside, EntryDraft> first);

    /** Reads what is published, all of one moment. */
    <T> T published(Function<Published, T> work);

    /**
     * Records that a key signs from now on, once for all nodes.
     *
     * @param key its public half
     * @param entry for the ledger of tenant `assize`, given the key before it; not asked for the first key of all
     */
    void recordSigningKey(String key, Instant now, Function<String, EntryDraft> entry);

    /** Keeps what witnesses have signed, unless a later one of theirs is kept already. */
    void keep(List<CosignedCheckpoint> cosigned);

    /** What was pruned of a ledger, first parts first; of the last one also the entry that records it. */
    List<PrunedRow> pruned(TenantId tenant);

    /** A digest of what the entries pruned up to a position show to have been done, as it is kept. */
    Digest pastActions(TenantId tenant, long toSeq);

    /**
     * A ledger with entries that are not signed.
     *
     * @param kept entries that are, in this incarnation
     * @param since when the first of the others was recorded
     */
    record Waiting(TenantId tenant, int incarnation, long kept, Instant since) {}

    /**
     * Rows that stood beside entries that are lost.
     *
     * @param lineage what they read and wrote
     * @param values that could have been erased
     * @param decisions on record
     * @param keys under which they were sent
     */
    record LeftBeside(long lineage, long values, long decisions, long keys) {}

    /** One transaction that signs. */
    interface Round {

        /** Leaves of the log of heads that the database has, and of which incarnation of it. */
        MetaSize metaSize();

        /** Ledgers with entries that no published checkpoint covers, the longest unsigned first; halted ones and some others left out. */
        List<Unsigned> unsigned(int limit, Set<TenantId> left);

        /** Every ledger's head as the database has it, halted or not. */
        List<PresentHead> heads();

        /** What is left of an incarnation of the log of heads. */
        MetaLeaves leaves(int incarnation);

        /** Reads entries, in order of tenant and seq. */
        void entries(List<Span> spans, EntryReader reader);

        /** The tiles of a ledger's tree, or of the log of heads. */
        TileSource tiles(String log, int incarnation);

        /** The same as {@link AnchorRepository#pruned}, without entries. */
        List<PrunedRow> pruned(TenantId tenant);

        /** Gives an incarnation the full tiles that an earlier one has of the entries before a position. */
        void adoptTiles(TenantId tenant, int incarnation, long toSeq);

        /** Writes what has been signed; it is to be seen when the round has ended. */
        void publish(Publication publication);
    }

    /** Hears of entries. */
    @FunctionalInterface
    interface EntryReader {
        void accept(TenantId tenant, long seq, byte[] frame, byte[] entryHash);
    }

    /**
     * What the database says was pruned.
     *
     * @param entryFrame of the entry that records it; null where it is missing, or was not asked for
     */
    record PrunedRow(long toSeq, String note, long prunedSeq, byte @Nullable [] entryFrame) {}

    /** Where the log of heads in the database ends, and the root it was published with. */
    record MetaSize(int incarnation, long size, Digest root) {}

    /**
     * The end of a ledger in the database.
     *
     * @param published as it was last published, null where it never was
     */
    record PresentHead(
            TenantId tenant,
            int incarnation,
            long size,
            @Nullable SignedHead published) {}

    /**
     * A ledger with entries to sign.
     *
     * @param incarnation of the head
     * @param size of the head
     * @param publishedIncarnation of the checkpoint last published, 0 where there is none
     * @param publishedSize of that checkpoint, 0 where there is none
     */
    record Unsigned(TenantId tenant, int incarnation, long size, int publishedIncarnation, long publishedSize) {}

    /**
     * A ledger as it stands in the database.
     *
     * @param origin of the ledger
     * @param incarnation 1 where there is nothing of it
     * @param halted why nothing is appended, null where nothing stands against it
     */
    record Standing(
            TenantId tenant,
            String origin,
            int incarnation,
            long size,
            Digest lastHash,
            @Nullable String halted) {}

    /** Entries from a position to before another. */
    record Span(TenantId tenant, long fromSeq, long toSeq) {}

    /**
     * Leaves of the log of heads.
     *
     * @param count of all there are
     * @param latest the text of the last leaf of each ledger
     */
    record MetaLeaves(long count, List<String> latest) {}

    /** A leaf of the log of heads. */
    record MetaLeaf(long index, String text) {}

    /**
     * A checkpoint that is to be seen.
     *
     * @param note signed
     */
    record PublishedCheckpoint(int incarnation, long size, Digest root, String note, Instant signedAt) {}

    /**
     * A checkpoint of the log of heads, and the line of a witness that belongs under it.
     *
     * @param witness its verifier key
     * @param checkpoint with the log's signature alone, and when the witness has signed it
     */
    record CosignedCheckpoint(String witness, PublishedCheckpoint checkpoint, String line) {}

    /** New tiles of a tree. */
    record GrownTree(String log, int incarnation, List<Tile> tiles) {}

    /** A ledger's checkpoint. */
    record SignedTree(SignedHead head, String note) {}

    /**
     * What a round has signed.
     *
     * @param leaves of the log of heads, from its size in the database on; the tenant and the text of each
     * @param meta the checkpoint of the log of heads
     */
    record Publication(
            List<SignedTree> trees,
            List<GrownTree> tiles,
            long leavesFrom,
            List<SignedHead> leaves,
            PublishedCheckpoint meta) {}
}
