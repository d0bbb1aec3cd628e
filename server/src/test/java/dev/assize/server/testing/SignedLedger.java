package dev.assize.server.testing;

import dev.assize.client.ledger.BundleWriter;
import dev.assize.client.ledger.KeptValue;
import dev.assize.client.ledger.LedgerHead;
import dev.assize.client.ledger.LedgerPart;
import dev.assize.client.ledger.NotProvenException;
import dev.assize.client.ledger.SignedNote;
import dev.assize.client.ledger.TlogProof;
import dev.assize.client.ledger.VerifierKey;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.audit.Erasable;
import dev.assize.server.audit.ErasureEvents;
import dev.assize.server.ledger.EntryDraft;
import dev.assize.server.ledger.ErasableValue;
import dev.assize.server.ledger.Sequencer;
import dev.assize.server.ledger.merkle.GrownTree;
import dev.assize.server.ledger.merkle.Prover;
import dev.assize.server.ledger.merkle.TileId;
import dev.assize.server.ledger.merkle.TreeHash;
import dev.assize.server.ledger.note.CheckpointText;
import dev.assize.server.ledger.note.NoteSigner;
import dev.assize.server.ledger.note.SigningKey;
import dev.assize.server.model.Action;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/** A ledger made with the server's own code, but without a server: the same calls make the same bytes. */
public final class SignedLedger {

    /** Who signs; the second half of its name is what a database would call itself. */
    public static final String DEPLOYMENT = "assize.example.com/00112233445566778899aabbccddeeff";

    /** The key that everybody knows. */
    public static final SigningKey GOLDEN_KEY =
            SigningKey.parse("PRIVATE+KEY+" + DEPLOYMENT + "+968dc7ce+AQABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f");

    private static final int HEADS = 4;
    private static final AuditCodec CODEC = new AuditCodec();
    private static final Instant NOON = Instant.parse("2026-03-01T12:00:00Z");

    private final String origin;
    private final SigningKey key;
    private final List<byte[]> frames = new ArrayList<>();
    private final SortedMap<Long, List<ErasableValue>> beside = new TreeMap<>();
    private dev.assize.server.ledger.LedgerHead head;

    public SignedLedger(String tenant, SigningKey key) {
        this.origin = DEPLOYMENT + "/" + tenant;
        this.key = key;
        this.head = Sequencer.genesis(origin);
    }

    /** With the key that everybody knows. */
    public static SignedLedger golden() {
        return new SignedLedger("acme", GOLDEN_KEY);
    }

    /** Appends entries, a second apart. */
    public SignedLedger append(int count) {
        return append(count, "run-");
    }

    /** The same in runs of that name. */
    public SignedLedger append(int count, String run) {
        for (int i = 0; i < count; i++) {
            append(event(run + frames.size()));
        }
        return this;
    }

    /** Appends an entry whose reason and payload can be erased. */
    public SignedLedger appendErasable() {
        AuditEvent plain = event("erasable");
        return append(new AuditEvent(
                plain.type(),
                plain.category(),
                plain.actor(),
                plain.role(),
                plain.action(),
                plain.resource(),
                plain.env(),
                plain.outcome(),
                plain.occurredAt(),
                plain.runId(),
                plain.decisionId(),
                "for Ann",
                false,
                "{}",
                List.of(),
                List.of(),
                null,
                null,
                Set.of(Erasable.REASON, Erasable.PAYLOAD)));
    }

    /** Loses a value beside an entry. */
    public SignedLedger lose(long seq, Erasable part) {
        List<ErasableValue> left = new ArrayList<>(beside.getOrDefault(seq, List.of()));
        left.removeIf(value -> value.field() == part.field());
        beside.put(seq, left);
        return this;
    }

    /** Says that a value was erased. */
    public SignedLedger appendErasure(long seq, Erasable part) {
        return append(ErasureEvents.erased(
                new TenantId(origin.substring(DEPLOYMENT.length() + 1)), Recorder.ASSIZE, seq, Set.of(part), "r"));
    }

    private SignedLedger append(AuditEvent event) {
        return append(CODEC.encode(event, Recorder.ASSIZE));
    }

    /** Appends an entry. */
    public SignedLedger append(EntryDraft draft) {
        var sequenced = Sequencer.sequence(head, List.of(draft), NOON.plus(Duration.ofSeconds(frames.size())));
        sequenced.entries().forEach(entry -> {
            frames.add(entry.frame());
            beside.put(entry.seq(), entry.beside());
        });
        head = sequenced.head();
        return this;
    }

    /** What is left of this ledger when its end is lost, as another incarnation. */
    public SignedLedger continuedAt(int size) {
        SignedLedger left = new SignedLedger(origin.substring(DEPLOYMENT.length() + 1), key);
        left.append(size);
        left.head = new dev.assize.server.ledger.LedgerHead(
                origin, head.incarnation() + 1, size, left.head.lastHash(), left.head.lastRecordedAt());
        return left;
    }

    public List<byte[]> frames() {
        return List.copyOf(frames);
    }

    public VerifierKey verifierKey() throws NotProvenException {
        return VerifierKey.parse(key.verifierKey().toString());
    }

    /** The checkpoint of all of it, third in a log of four heads. */
    public LedgerHead head() throws NotProvenException {
        String meta = new CheckpointText(DEPLOYMENT + "/~meta/1", HEADS, heads().root(HEADS)).text();
        TlogProof place = TlogProof.of(2, placeHashes(), sign(meta));
        return new LedgerHead(sign(checkpointText()), place, List.of(verifierKey()));
    }

    /** That it is in the log of heads. */
    public List<byte[]> placeHashes() {
        return heads().inclusion(2, HEADS);
    }

    private Prover heads() {
        List<byte[]> leaves = new ArrayList<>();
        for (String leaf : List.of("one\n", "two\n", checkpointText(), "four\n")) {
            leaves.add(new TreeHash().leaf(leaf.getBytes(StandardCharsets.UTF_8)));
        }
        GrownTree heads = new GrownTree();
        heads.grow(leaves);
        return new Prover(heads);
    }

    /** That an entry is in the tree. */
    public List<byte[]> inclusion(int seq) {
        return new Prover(tree()).inclusion(seq, frames.size());
    }

    /** That the tree continues a smaller one. */
    public List<byte[]> consistency(int fromSize) {
        return new Prover(tree()).consistency(fromSize, frames.size());
    }

    /** The proof of an entry, with the entry. */
    public TlogProof proof(int seq) throws NotProvenException {
        return TlogProof.of(seq, inclusion(seq), head().checkpoint()).with(frames.get(seq));
    }

    /** All of it, as a tar file. */
    public byte[] bundle() throws NotProvenException, IOException {
        ByteArrayOutputStream tar = new ByteArrayOutputStream();
        addAll(new BundleWriter(head(), Set.of(verifierKey()), tar), 0, frames.size());
        return tar.toByteArray();
    }

    private void addAll(BundleWriter bundle, int from, int to) throws NotProvenException, IOException {
        for (long seq = from; seq < to; seq++) {
            List<KeptValue> values = new ArrayList<>();
            for (ErasableValue value : beside.getOrDefault(seq, List.of())) {
                values.add(new KeptValue(seq, value.field(), value.salt(), value.value()));
            }
            bundle.add(frames.get((int) seq), values);
        }
        bundle.finish();
    }

    /** A part of it, as a tar file. */
    public byte[] part(int from, int to) throws NotProvenException, IOException {
        return part(from, to, from == 0 ? Sequencer.genesis(origin).lastHash().bytes() : leaf(from - 1));
    }

    /** The same, said to come behind an entry of that hash. */
    public byte[] part(int from, int to, byte[] prevHash) throws NotProvenException, IOException {
        GrownTree tree = tree();
        List<byte[]> edges = new ArrayList<>();
        for (int level = 0, hashes = from; hashes > 0; level++, hashes /= TileId.FULL) {
            int width = hashes % TileId.FULL;
            edges.add(
                    width == 0
                            ? new byte[0]
                            : tree.read(List.of(new TileId(level, hashes / TileId.FULL, width)))
                                    .getFirst());
        }
        ByteArrayOutputStream tar = new ByteArrayOutputStream();
        LedgerPart part = new LedgerPart(from, to, prevHash, new Prover(tree).consistency(to, frames.size()));
        BundleWriter bundle = BundleWriter.ofPart(head(), part, edges, Set.of(verifierKey()), tar);
        addAll(bundle, from, to);
        return tar.toByteArray();
    }

    private byte[] leaf(int seq) {
        return new TreeHash().leaf(frames.get(seq));
    }

    private String checkpointText() {
        byte[] root = frames.isEmpty() ? TreeHash.emptyRoot() : new Prover(tree()).root(frames.size());
        return new CheckpointText(origin + "/" + head.incarnation(), frames.size(), root).text();
    }

    private GrownTree tree() {
        GrownTree tree = new GrownTree();
        tree.grow(frames.stream().map(frame -> new TreeHash().leaf(frame)).toList());
        return tree;
    }

    private SignedNote sign(String text) throws NotProvenException {
        return SignedNote.parse(new NoteSigner(key).sign(text).getBytes(StandardCharsets.UTF_8));
    }

    private static AuditEvent event(String run) {
        return EventBuilder.event(
                        "replay.executed",
                        new Subject("user", "alice"),
                        new Action("replay"),
                        ResourcePath.parse("vault:company"))
                .category("replay")
                .role("operator")
                .occurredAt(NOON)
                .runId(run)
                .build();
    }
}
