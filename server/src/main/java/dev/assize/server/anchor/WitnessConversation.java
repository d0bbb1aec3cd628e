package dev.assize.server.anchor;

import dev.assize.server.anchor.AnchorRepository.CosignedCheckpoint;
import dev.assize.server.anchor.AnchorRepository.PublishedCheckpoint;
import dev.assize.server.anchor.WitnessMetrics.Result;
import dev.assize.server.anchor.witness.WitnessAddress;
import dev.assize.server.anchor.witness.WitnessClient;
import dev.assize.server.anchor.witness.WitnessReply;
import dev.assize.server.ledger.merkle.Prover;
import dev.assize.server.ledger.note.CheckpointText;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What goes on with one witness. One thread at a time speaks; the meters look on. */
final class WitnessConversation {

    private static final Logger LOG = LoggerFactory.getLogger(WitnessConversation.class);

    /** Proofs sent for one checkpoint, each from the size that the witness named last. */
    private static final int MOST_TRIES = 4;

    private static final Duration FIRST_BACKOFF = Duration.ofMillis(500);
    private static final int MOST_DOUBLINGS = 7;

    private final WitnessAddress witness;
    private final WitnessClient client;
    private final AnchorRepository repository;
    private final WitnessMetrics metrics;
    private final InstantSource clock;

    private volatile Instant signedAt;
    private int failures;
    private Instant notBefore;
    private @Nullable String said;

    WitnessConversation(
            WitnessAddress witness,
            WitnessClient client,
            AnchorRepository repository,
            WitnessMetrics metrics,
            InstantSource clock) {
        this.witness = witness;
        this.client = client;
        this.repository = repository;
        this.metrics = metrics;
        this.clock = clock;
        this.signedAt = clock.instant();
        this.notBefore = clock.instant();
        metrics.watch(
                witness.name(),
                () -> Duration.between(signedAt, clock.instant()).toMillis() / 1_000.0);
    }

    /** The witness's verifier key. */
    String key() {
        return witness.key().toString();
    }

    /** What this or another node has had signed. */
    void remember(@Nullable CosignedCheckpoint last) {
        if (last != null) {
            signedAt = last.checkpoint().signedAt();
        }
    }

    /** Whether it may be asked, or is left alone because it failed a moment ago. */
    boolean isDue() {
        return !clock.instant().isBefore(notBefore);
    }

    /**
     * Shows it a checkpoint; where it has another one than was thought, with the proof from there.
     *
     * @param last that it has signed as far as is known here
     * @return empty where it has not signed
     */
    Optional<CosignedCheckpoint> show(PublishedCheckpoint newest, @Nullable CosignedCheckpoint last)
            throws InterruptedException {
        try {
            return tryToShow(newest, last);
        } catch (RuntimeException e) {
            // Most likely a proof that could not be made.
            return failed(Result.REFUSED, "cannot be shown a checkpoint: " + e.getMessage());
        }
    }

    private Optional<CosignedCheckpoint> tryToShow(PublishedCheckpoint newest, @Nullable CosignedCheckpoint last)
            throws InterruptedException {
        CheckpointText text =
                CheckpointText.parse(newest.note().substring(0, newest.note().lastIndexOf("\n\n") + 1));
        boolean sameLog = last != null && last.checkpoint().incarnation() == newest.incarnation();
        long from = sameLog && last != null ? Math.min(last.checkpoint().size(), newest.size()) : 0;
        for (int tries = 0; tries < MOST_TRIES; tries++) {
            switch (client.add(witness, from, proof(newest, from), text, newest.note())) {
                case WitnessReply.Cosigned cosigned -> {
                    return Optional.of(signed(newest, cosigned));
                }
                case WitnessReply.Conflict conflict -> {
                    if (conflict.size() > newest.size()) {
                        return overtaken(newest, conflict.size());
                    }
                    from = conflict.size();
                }
                case WitnessReply.Refused refused -> {
                    return failed(Result.REFUSED, "does not sign: " + refused.reason());
                }
                case WitnessReply.Unreached unreached -> {
                    return failed(Result.UNREACHED, "is not reached: " + unreached.reason());
                }
            }
        }
        return failed(Result.REFUSED, "names another size with every answer");
    }

    private List<byte[]> proof(PublishedCheckpoint newest, long from) {
        return repository.published(published ->
                new Prover(published.tiles(OutsideCopy.META, newest.incarnation())).consistency(from, newest.size()));
    }

    private CosignedCheckpoint signed(PublishedCheckpoint newest, WitnessReply.Cosigned cosigned) {
        if (said != null) {
            LOG.info("The witness {} signs again", witness.name());
        }
        said = null;
        failures = 0;
        signedAt = clock.instant();
        metrics.asked(witness.name(), Result.COSIGNED);
        PublishedCheckpoint seen = new PublishedCheckpoint(
                newest.incarnation(),
                newest.size(),
                newest.root(),
                newest.note(),
                Instant.ofEpochSecond(cosigned.line().epochSecond()));
        return new CosignedCheckpoint(key(), seen, cosigned.line().line());
    }

    /** Another node has shown it a later checkpoint, which is here by now; else entries are gone that it has seen. */
    private Optional<CosignedCheckpoint> overtaken(PublishedCheckpoint newest, long size) {
        PublishedCheckpoint present = repository
                .published(published -> published.checkpoint(OutsideCopy.META))
                .orElse(newest);
        if (present.incarnation() != newest.incarnation() || present.size() >= size) {
            metrics.asked(witness.name(), Result.OVERTAKEN);
            return Optional.empty();
        }
        return failed(
                Result.AHEAD,
                "has signed " + size + " leaves of the log of heads, and here are " + present.size()
                        + ": what is here is older than what was published");
    }

    private Optional<CosignedCheckpoint> failed(Result result, String reason) {
        metrics.asked(witness.name(), result);
        notBefore = clock.instant().plus(FIRST_BACKOFF.multipliedBy(1L << Math.min(failures, MOST_DOUBLINGS)));
        failures++;
        if (!reason.equals(said)) {
            LOG.error("The witness {} {}", witness.name(), reason);
        }
        said = reason;
        return Optional.empty();
    }
}
