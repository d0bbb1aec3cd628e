package dev.assize.server.administration;

import dev.assize.server.model.Digest;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.Revision;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A proposal as it is kept, but for its documents.
 *
 * @param proposer who proposes, and its home
 * @param recordedBy the caller that did so for it
 * @param content of what is proposed, whatever it is judged against
 * @param force as a change set has it
 * @param prunedManager as a change set has it
 * @param documentCount documents put and deleted
 * @param base what it was last judged against
 * @param acceptances in their order, those too that were given before policy moved
 * @param end null while it waits
 * @param comments in their order
 */
public record FiledProposal(
        String id,
        PolicyScope scope,
        Recorder proposer,
        Recorder recordedBy,
        Digest content,
        @Nullable String reason,
        boolean force,
        @Nullable String prunedManager,
        int documentCount,
        Instant proposedAt,
        Instant expiresAt,
        Base base,
        List<Acceptance> acceptances,
        @Nullable End end,
        List<Comment> comments) {

    private static final byte[] DIGEST = "assize/v1/policy-proposal\0".getBytes(StandardCharsets.US_ASCII);

    public FiledProposal {
        acceptances = List.copyOf(acceptances);
        comments = List.copyOf(comments);
    }

    /** The revisions that a proposal is judged against: of its scope, and of the platform. */
    public record Base(Revision revision, Revision platform) {}

    /** That somebody accepted it, as it was judged then. */
    public record Acceptance(
            Recorder acceptor, Base base, @Nullable String comment, Instant at) {}

    /**
     * How it ended.
     *
     * @param comment what was said to that
     * @param revision that it made; null where it was not applied
     */
    public record End(
            How how,
            Recorder by,
            Instant at,
            @Nullable String comment,
            @Nullable Revision revision) {}

    /** The ways in which a proposal ends. */
    public enum How {
        APPLIED,
        REJECTED,
        WITHDRAWN,
        EXPIRED
    }

    /** Where a proposal stands. */
    public enum State {
        PENDING,
        APPLIED,
        REJECTED,
        WITHDRAWN,
        EXPIRED
    }

    State state(Instant at) {
        if (end == null) {
            return at.isBefore(expiresAt) ? State.PENDING : State.EXPIRED;
        }
        return switch (end.how) {
            case APPLIED -> State.APPLIED;
            case REJECTED -> State.REJECTED;
            case WITHDRAWN -> State.WITHDRAWN;
            case EXPIRED -> State.EXPIRED;
        };
    }

    /** What an acceptance names: the change and what it is judged against. */
    public Digest digest(Base judgedAgainst) {
        return Digest.sha256(
                DIGEST,
                content.bytes(),
                ByteBuffer.allocate(2 * Long.BYTES)
                        .putLong(judgedAgainst.revision.value())
                        .putLong(judgedAgainst.platform.value())
                        .array());
    }

    /** Those given to it as it is judged against these. */
    public List<Acceptance> acceptances(Base judgedAgainst) {
        return acceptances.stream()
                .filter(acceptance -> acceptance.base.equals(judgedAgainst))
                .toList();
    }

    /** How much was said to it, in acceptances and without deciding; about as many bytes. */
    int saidBytes() {
        return Comment.bytes(comments)
                + acceptances.stream()
                        .mapToInt(one ->
                                Objects.requireNonNullElse(one.comment(), "").length())
                        .sum();
    }

    /** Whether it is somebody's own: who proposed it, and who wrote it down. */
    boolean isOf(Recorder somebody) {
        return proposer.equals(somebody) || recordedBy.equals(somebody);
    }

    FiledProposal with(Base judgedAgainst, List<Acceptance> allAcceptances, @Nullable End newEnd) {
        return new FiledProposal(
                id,
                scope,
                proposer,
                recordedBy,
                content,
                reason,
                force,
                prunedManager,
                documentCount,
                proposedAt,
                expiresAt,
                judgedAgainst,
                allAcceptances,
                newEnd,
                comments);
    }

    FiledProposal with(Comment comment) {
        List<Comment> all = new ArrayList<>(comments);
        all.add(comment);
        return new FiledProposal(
                id,
                scope,
                proposer,
                recordedBy,
                content,
                reason,
                force,
                prunedManager,
                documentCount,
                proposedAt,
                expiresAt,
                base,
                acceptances,
                end,
                all);
    }
}
