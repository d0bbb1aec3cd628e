package dev.assize.server.anchor;

import com.google.inject.Inject;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.audit.AuditSettings;
import dev.assize.server.audit.Masking;
import dev.assize.server.ledger.LedgerHaltedException;
import dev.assize.server.ledger.LedgerUnanchoredException;
import dev.assize.server.ledger.Receipt;
import dev.assize.server.ledger.merkle.TreeHash;
import dev.assize.server.model.Digest;
import dev.assize.server.model.TenantId;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Continues ledgers that have lost entries, or are halted, when an operator says so. What is left of them stays; the loss
 * is kept outside and recorded in the first entry of the new incarnation.
 *
 * <p>The new incarnation is begun outside first: without that, nobody who merely writes to the database can begin one.
 */
public final class Incarnations {

    /** How often, and after what pause, it is tried while a node signs. */
    private static final int ATTEMPTS = 200;

    private static final Duration PAUSE = Duration.ofMillis(50);

    private final AnchorRepository repository;
    private final Outside outside;
    private final AuditCodec codec;
    private final AuditSettings settings;
    private final InstantSource clock;

    @Inject
    Incarnations(
            AnchorRepository repository,
            Outside outside,
            AuditCodec codec,
            AuditSettings settings,
            InstantSource clock) {
        this.repository = repository;
        this.outside = outside;
        this.codec = codec;
        this.settings = settings;
        this.clock = clock;
    }

    /**
     * Begins the next incarnation of a ledger.
     *
     * @return the entry that records it; empty where nothing stands against the ledger as it is
     * @throws OutsideUnavailableException where the outside copy cannot be reached
     * @throws LedgerUnanchoredException where it was changed meanwhile too often
     */
    public Optional<Begun> begin(TenantId tenant, IncarnationRecord record) {
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            Optional<Optional<Begun>> begun = repository.inRound(_ -> beginInTurn(tenant, record));
            if (begun.isPresent()) {
                return begun.get();
            }
            LockSupport.parkNanos(PAUSE.toNanos());
        }
        throw new LedgerUnanchoredException("a node has been signing all the while; try again");
    }

    private Optional<Begun> beginInTurn(TenantId tenant, IncarnationRecord record) {
        String deployment = repository.deployment();
        OutsideCopy copy = read(deployment);
        AnchorRepository.Standing standing = repository.standing(tenant);
        SignedHead signed = copy.heads().get(tenant);
        boolean lost = signed != null && AnchorView.isBehind(standing.incarnation(), standing.size(), signed);
        if (!lost && standing.halted() == null) {
            return Optional.empty();
        }
        OptionalLong behind = repository.behindHead(tenant);
        if (behind.isPresent()) {
            throw new LedgerHaltedException("no incarnation is begun: entry " + behind.getAsLong() + " of tenant `"
                    + tenant + "` stands behind the head, which counts " + standing.size()
                    + " entries; it would be lost by that. Restore the head, or move what stands behind it away");
        }
        int next = begunOutside(standing, signed)
                ? signedIncarnation(signed)
                : beginOutside(deployment, copy, standing, signed);
        Masking masking = new Masking(settings.piiPatterns(tenant));
        Instant now = clock.instant();
        Receipt first = repository.begin(
                tenant,
                next,
                left -> codec.encode(
                        masking.apply(record.event(standing, signed, left, next, now)), record.by(), tenant));
        return Optional.of(new Begun(next, first));
    }

    private OutsideCopy read(String deployment) {
        OutsideCopy copy = outside.read(deployment, null)
                .orElseThrow(() -> new OutsideCorruptException(
                        "the outside copy of the ledgers' heads is not at " + outside.describe()));
        if (!repository.boundTo().equals(Optional.of(copy.anchorId()))) {
            throw new OutsideCorruptException("the outside copy at " + outside.describe() + " is " + copy.anchorId()
                    + ", the database was kept in " + repository.boundTo().orElse("none"));
        }
        return copy;
    }

    /** An attempt before this one got only as far as that. */
    private static boolean begunOutside(AnchorRepository.Standing standing, @Nullable SignedHead signed) {
        return signed != null && signed.size() == 0 && signed.incarnation() > standing.incarnation();
    }

    private static int signedIncarnation(@Nullable SignedHead signed) {
        return signed == null ? 1 : signed.incarnation();
    }

    private int beginOutside(
            String deployment, OutsideCopy copy, AnchorRepository.Standing standing, @Nullable SignedHead signed) {
        int next = Math.max(standing.incarnation(), signedIncarnation(signed)) + 1;
        OutsideCopy whole =
                outside.leaves(copy, repository.metaSize(copy.incarnation())).isPresent()
                        ? copy
                        : outside.beginAnew(deployment, copy).orElseThrow(Incarnations::moved);
        SignedHead first = new SignedHead(standing.tenant(), next, 0, Digest.of(TreeHash.emptyRoot()));
        if (outside.advance(deployment, whole, List.of(first)).isEmpty()) {
            throw moved();
        }
        return next;
    }

    private static LedgerUnanchoredException moved() {
        return new LedgerUnanchoredException("the outside copy was changed meanwhile; try again");
    }

    /** An incarnation, and the entry that records it. */
    public record Begun(int incarnation, Receipt entry) {}
}
