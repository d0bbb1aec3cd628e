package dev.assize.client;

import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A proposal as it is shown.
 *
 * @param tenant empty for the platform
 * @param digest in hexadecimal: of what is proposed and of the revisions it is judged against
 * @param baseRevision the tenant's, of those
 * @param needed how many must accept it; 0 where it is over
 * @param acceptors who accepted it as it is now, as {@code user:bob}
 * @param endedBy empty while it is pending
 * @param revision that it made; 0 where it was not applied
 * @param comments what was said without deciding, in order
 */
public record ProposedChange(
        String id,
        String tenant,
        State state,
        String proposer,
        String reason,
        Instant proposedAt,
        Instant expiresAt,
        String digest,
        long baseRevision,
        int needed,
        List<String> acceptors,
        String endedBy,
        @Nullable Instant endedAt,
        String comment,
        long revision,
        List<Comment> comments) {

    public ProposedChange {
        acceptors = List.copyOf(acceptors);
        comments = List.copyOf(comments);
    }

    byte[] digestBytes() {
        return HexFormat.of().parseHex(digest);
    }

    /** Where a proposal stands. */
    public enum State {
        PENDING,
        APPLIED,
        REJECTED,
        WITHDRAWN,
        EXPIRED,
        /** Of a newer server. */
        UNKNOWN
    }

    /** What somebody said to it without deciding it. */
    public record Comment(String author, String comment, Instant at) {}

    /**
     * One of its documents.
     *
     * @param before YAML as it is; empty where there is none, or where the proposal is over
     * @param after YAML as it is to be; empty where it is deleted
     */
    public record Document(String kind, String name, String before, String after) {}

    /** A proposal and its documents: what to look at before accepting it. */
    public record Whole(ProposedChange proposal, List<Document> documents) {
        public Whole {
            documents = List.copyOf(documents);
        }
    }
}
