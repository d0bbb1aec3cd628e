package dev.assize.server.anchor;

import com.google.inject.Inject;
import dev.assize.server.anchor.AnchorRepository.MetaLeaves;
import dev.assize.server.anchor.AnchorRepository.MetaSize;
import dev.assize.server.anchor.AnchorRepository.PresentHead;
import dev.assize.server.anchor.AnchorRepository.PublishedCheckpoint;
import dev.assize.server.anchor.AnchorRepository.Round;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.ledger.EntryDraft;
import dev.assize.server.ledger.LedgerUnanchoredException;
import dev.assize.server.ledger.Receipt;
import dev.assize.server.ledger.Verification;
import dev.assize.server.ledger.merkle.Prover;
import dev.assize.server.ledger.merkle.TileMismatchException;
import dev.assize.server.ledger.note.CheckpointText;
import dev.assize.server.model.Digest;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.TenantId;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Goes on with a new place outside where the old one is lost for good. What the old one alone could show is gone with it:
 * whether the database had more, or other entries. So everything that the database itself signed is verified first, what
 * fails is halted, and that it was done is an entry, and an incarnation of the log of heads that everybody sees.
 */
public final class Rebinding {

    private final AnchorRepository repository;
    private final Outside outside;
    private final CheckpointSigner signer;
    private final AnchorView view;
    private final SignedLedgerVerifier verifier;
    private final AuditCodec codec;
    private final InstantSource clock;

    @Inject
    Rebinding(
            AnchorRepository repository,
            Outside outside,
            CheckpointSigner signer,
            AnchorView view,
            SignedLedgerVerifier verifier,
            AuditCodec codec,
            InstantSource clock) {
        this.repository = repository;
        this.outside = outside;
        this.signer = signer;
        this.view = view;
        this.verifier = verifier;
        this.codec = codec;
        this.clock = clock;
    }

    /**
     * Verifies what the database holds, by its own checkpoints. Changes nothing.
     *
     * @throws NotLostException where nothing is to be done
     */
    public Findings examine() {
        String bound = requireLost();
        String deployment = repository.deployment();
        SignedState state = inTurn(round -> stateOf(deployment, round));
        SortedMap<TenantId, String> faults = new TreeMap<>(state.faults());
        long entries = 0;
        for (SignedHead head : state.heads()) {
            if (!faults.containsKey(head.tenant())) {
                entries += head.size();
                if (verifier.verifyInside(head.tenant(), (_, _) -> {}) instanceof Verification.Broken broken) {
                    faults.put(
                            head.tenant(),
                            "entry " + broken.fault().seq() + ": "
                                    + broken.fault().message());
                }
            }
        }
        return new Findings(
                bound,
                outside.describe(),
                state.heads().size(),
                entries,
                faults,
                Optional.ofNullable(state.metaFault()));
    }

    /**
     * Makes the copy in the new place, and says that this is the one from now on.
     *
     * @param findings what was just found; the ledgers with a fault are halted
     * @return the entry that records it
     */
    public Receipt rebind(Findings findings, String reason) {
        String fault = findings.faults().get(TenantId.ASSIZE);
        if (fault != null) {
            throw new NotLostException("the ledger of tenant `assize`, which has to record this, cannot be continued: "
                    + fault + ". Restore it first");
        }
        String deployment = repository.deployment();
        return inTurn(round -> {
            SignedState state = stateOf(deployment, round);
            OutsideCopy copy = copyOf(deployment, state);
            findings.faults().forEach(repository::halt);
            view.confirm(copy);
            Instant now = clock.instant();
            EntryDraft entry = codec.encode(
                    RebindRecord.event(findings, state.meta(), copy, reason, now), Recorder.ASSIZE, TenantId.ASSIZE);
            return repository.rebind(findings.from(), copy.anchorId(), now, entry);
        });
    }

    private String requireLost() {
        String bound = repository
                .boundTo()
                .orElseThrow(
                        () -> new NotLostException(
                                "the heads of this database are kept nowhere yet: start a server, and it makes the first copy"));
        if (outside.read(repository.deployment(), null)
                .filter(copy -> copy.anchorId().equals(bound))
                .isPresent()) {
            throw new NotLostException("the copy " + bound + " is at " + outside.describe() + ": nothing is lost");
        }
        return bound;
    }

    /** A new copy; or the one that an attempt before this one has made, and got no further. */
    private OutsideCopy copyOf(String deployment, SignedState state) {
        int incarnation = state.meta().incarnation() + 1;
        Optional<OutsideCopy> present = outside.read(deployment, null);
        if (present.isEmpty()) {
            return outside.createWith(deployment, incarnation, state.heads())
                    .orElseThrow(() -> new LedgerUnanchoredException("somebody else has put a copy there; try again"));
        }
        boolean begun = present.get().incarnation() == incarnation
                && List.copyOf(new TreeMap<>(present.get().heads()).values()).equals(state.heads());
        if (!begun) {
            throw new OutsideCorruptException("at " + outside.describe() + " is the copy "
                    + present.get().anchorId() + " already: expected an empty place");
        }
        return present.get();
    }

    /** What the database says was signed, by tenant; its signatures are verified, its entries not yet. */
    private SignedState stateOf(String deployment, Round round) {
        SortedMap<TenantId, SignedHead> heads = new TreeMap<>();
        SortedMap<TenantId, String> faults = new TreeMap<>();
        MetaSize meta = round.metaSize();
        MetaLeaves leaves = round.leaves(meta.incarnation());
        for (String leaf : leaves.latest()) {
            SignedHead head = SignedHead.parse(deployment, leaf);
            heads.put(head.tenant(), head);
        }
        Map<TenantId, PresentHead> present = new HashMap<>();
        round.heads().forEach(head -> present.put(head.tenant(), head));
        present.forEach((tenant, head) -> {
            SignedHead published = head.published();
            if (published == null) {
                return;
            }
            if (!isSigned(deployment, tenant, published)) {
                faults.put(tenant, "its checkpoint of " + published.size() + " entries is not signed by our key");
            } else {
                heads.merge(tenant, published, (leaf, tree) -> leaf.isBehind(tree) ? tree : leaf);
            }
        });
        heads.forEach((tenant, head) -> {
            PresentHead there = present.getOrDefault(tenant, new PresentHead(tenant, 1, 0, null));
            if (AnchorView.isBehind(there.incarnation(), there.size(), head)) {
                faults.put(tenant, AnchorView.behind(tenant, there.incarnation(), there.size(), head));
            }
        });
        return new SignedState(meta, List.copyOf(heads.values()), faults, metaFault(deployment, round, meta, leaves));
    }

    private boolean isSigned(String deployment, TenantId tenant, SignedHead head) {
        return repository
                .published(published -> published.checkpoint(tenant.value()))
                .map(PublishedCheckpoint::note)
                .filter(note -> signer.isOurs(deployment, note, head.text(deployment)))
                .isPresent();
    }

    /** What is wrong with the log of heads itself, null where nothing is. */
    private @Nullable String metaFault(String deployment, Round round, MetaSize meta, MetaLeaves leaves) {
        if (meta.size() == 0) {
            return null;
        }
        String text = new CheckpointText(
                        SignedHead.origin(deployment, OutsideCopy.META, meta.incarnation()),
                        meta.size(),
                        meta.root().bytes())
                .text();
        boolean signed = repository
                .published(published -> published.checkpoint(OutsideCopy.META))
                .filter(checkpoint -> signer.isOurs(deployment, checkpoint.note(), text))
                .isPresent();
        if (!signed) {
            return "its checkpoint of " + meta.size() + " leaves is not signed by our key";
        }
        if (leaves.count() != meta.size()) {
            return "it has " + leaves.count() + " leaves, and " + meta.size() + " were signed";
        }
        try {
            byte[] root = new Prover(round.tiles(OutsideCopy.META, meta.incarnation())).root(meta.size());
            return Digest.of(root).equals(meta.root()) ? null : "its leaves are not those that were signed";
        } catch (TileMismatchException e) {
            return String.valueOf(e.getMessage());
        }
    }

    private <T> T inTurn(Function<Round, T> work) {
        return repository
                .inRound(work)
                .orElseThrow(() -> new LedgerUnanchoredException(
                        "a node is signing: stop the servers that still have the old place"));
    }

    /** What the database says. */
    private record SignedState(
            MetaSize meta,
            List<SignedHead> heads,
            SortedMap<TenantId, String> faults,
            @Nullable String metaFault) {}

    /**
     * What was found.
     *
     * @param from the copy that is lost
     * @param place the new one
     * @param ledgers that were signed
     * @param entries that were verified
     * @param faults ledgers that are not what was signed
     * @param metaFault what is wrong with the log of heads; empty where nothing is
     */
    public record Findings(
            String from,
            String place,
            int ledgers,
            long entries,
            SortedMap<TenantId, String> faults,
            Optional<String> metaFault) {}

    /** There is nothing to rebind, or it cannot be done. */
    public static final class NotLostException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        NotLostException(String message) {
            super(message);
        }
    }
}
