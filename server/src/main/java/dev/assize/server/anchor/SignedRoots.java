package dev.assize.server.anchor;

import com.google.inject.Inject;
import dev.assize.server.anchor.AnchorRepository.PublishedCheckpoint;
import dev.assize.server.anchor.AnchorRepository.Standing;
import dev.assize.server.ledger.LedgerUnanchoredException;
import dev.assize.server.ledger.TreeCheck;
import dev.assize.server.ledger.TreeCheck.SignedRoot;
import dev.assize.server.ledger.Verification.Fault;
import dev.assize.server.ledger.Verification.Kind;
import dev.assize.server.model.TenantId;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Knows what was signed of a ledger: the checkpoints in the database, those that the log of heads has of incarnations that have
 * ended, and the head outside.
 */
final class SignedRoots {

    private final AnchorRepository repository;
    private final AnchorView view;
    private final CheckpointSigner signer;

    @Inject
    SignedRoots(AnchorRepository repository, AnchorView view, CheckpointSigner signer) {
        this.repository = repository;
        this.view = view;
        this.signer = signer;
    }

    /** Every root that was signed beyond a size, in the database and outside of it. */
    Signed beyond(Standing standing, long size) {
        Signed inside = inside(standing, size);
        Signed kept = standing.incarnation() > 1 ? kept(standing.tenant(), size) : Signed.nothing();
        if (inside.fault != null || kept.fault != null) {
            return inside.fault != null ? inside : kept;
        }
        List<SignedRoot> roots = new ArrayList<>(inside.roots);
        roots.addAll(kept.roots);
        SignedHead head = outside().heads().get(standing.tenant());
        if (head == null || head.incarnation() != standing.incarnation()) {
            return new Signed(roots, null, null);
        }
        SignedRoot outside = root(head);
        roots.add(outside);
        return new Signed(roots, outside, null);
    }

    /** Every root that was signed beyond a size, as the database alone has it, of the present incarnation and what it has kept of others. */
    Signed inside(Standing standing, long size) {
        List<SignedRoot> roots = new ArrayList<>();
        String deployment = repository.deployment();
        for (PublishedCheckpoint checkpoint : published(standing, size)) {
            SignedHead head =
                    new SignedHead(standing.tenant(), checkpoint.incarnation(), checkpoint.size(), checkpoint.root());
            if (!signer.isOurs(deployment, checkpoint.note(), head.text(deployment))) {
                return Signed.not(new Fault(
                        Math.max(0, checkpoint.size() - 1),
                        Kind.CHECKPOINT,
                        "the checkpoint of " + checkpoint.size()
                                + " entries is not signed by a key of this deployment"));
            }
            roots.add(root(head));
        }
        return new Signed(roots, null, null);
    }

    /** Of every incarnation: what one has signed holds for as much as the next one has kept. */
    private List<PublishedCheckpoint> published(Standing standing, long beyondSize) {
        return repository.published(read -> {
            List<PublishedCheckpoint> published = new ArrayList<>(read.checkpoints(standing.tenant(), beyondSize));
            PublishedTree.latest(read, standing).ifPresent(published::add);
            return published;
        });
    }

    /**
     * What the log of heads has of incarnations that have ended; of each hour the database keeps one checkpoint only. Where none has
     * begun beyond a size, nothing of what was signed beyond it was kept, and the log, which grows with history, is not read.
     */
    private Signed kept(TenantId tenant, long beyondSize) {
        Set<Long> begun = repository.published(read -> read.begun(tenant)).keySet();
        if (begun.stream().noneMatch(seq -> seq > beyondSize)) {
            return Signed.nothing();
        }
        String deployment = repository.deployment();
        List<SignedRoot> roots = new ArrayList<>();
        for (String text : repository.published(read -> read.kept(tenant))) {
            try {
                roots.add(root(SignedHead.parse(deployment, text)));
            } catch (OutsideCorruptException e) {
                return Signed.not(
                        new Fault(0, Kind.CHECKPOINT, "the log of heads holds what is no head of the ledger"));
            }
        }
        return new Signed(roots, null, null);
    }

    /**
     * Of what each incarnation has signed beyond what was verified, and the ledger as it stands still has, the first and the last;
     * and what is outside.
     */
    Set<SignedRoot> behind(Standing standing, Signed signed, TreeCheck verified) {
        long size = verified.size();
        Map<Long, Integer> begun =
                standing.incarnation() > 1 ? repository.published(read -> read.begun(standing.tenant())) : Map.of();
        Map<Integer, List<SignedRoot>> byIncarnation = signed.roots.stream()
                .filter(root -> root.size() > size && root.incarnation() >= verified.incarnation())
                .filter(root -> begun.entrySet().stream()
                        .noneMatch(entry -> entry.getKey() >= size
                                && entry.getKey() < root.size()
                                && entry.getValue() > root.incarnation()))
                .sorted(Comparator.comparingLong(SignedRoot::size))
                .collect(Collectors.groupingBy(SignedRoot::incarnation));
        Set<SignedRoot> behind = new LinkedHashSet<>();
        for (List<SignedRoot> ofOne : byIncarnation.values()) {
            behind.add(ofOne.getFirst());
            behind.add(ofOne.getLast());
        }
        SignedRoot outside = signed.outside;
        if (outside != null && outside.size() > size) {
            behind.add(outside);
        }
        return behind;
    }

    /**
     * The copy of the heads outside, as this node last saw it.
     *
     * @throws LedgerUnanchoredException where it has not seen it yet
     */
    OutsideCopy outside() {
        return view.copy()
                .orElseThrow(
                        () -> new LedgerUnanchoredException(
                                "nothing is verified before the copy of the ledgers' heads outside"
                                        + " was read once: without it nothing shows that the database is the one that was signed"));
    }

    private static SignedRoot root(SignedHead head) {
        return new SignedRoot(head.incarnation(), head.size(), head.root());
    }

    /** Roots, which of them is outside, or what speaks against one of them. */
    record Signed(
            List<SignedRoot> roots,
            @Nullable SignedRoot outside,
            @Nullable Fault fault) {

        private static Signed nothing() {
            return new Signed(List.of(), null, null);
        }

        private static Signed not(Fault fault) {
            return new Signed(List.of(), null, fault);
        }
    }
}
