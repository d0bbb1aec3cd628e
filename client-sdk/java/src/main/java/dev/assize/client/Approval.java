package dev.assize.client;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * A request that an action be approved, and what became of it.
 *
 * @param requester who asked
 * @param requesterTenant its home
 * @param subject who may do the action once it is approved
 * @param subjectTenant its home
 * @param reason in the requester's words; may be empty
 * @param expiresAt until when it waits, or holds; empty where it is over
 * @param rules as they were when it was asked for
 * @param votes in the order in which they were given
 * @param comments what was said without deciding, in order
 */
public record Approval(
        String id,
        String tenant,
        State state,
        String requester,
        String requesterTenant,
        String subject,
        String subjectTenant,
        String action,
        String resource,
        String env,
        String reason,
        Instant requestedAt,
        Optional<Instant> expiresAt,
        List<Rule> rules,
        List<Vote> votes,
        List<Comment> comments) {

    public Approval {
        rules = List.copyOf(rules);
        votes = List.copyOf(votes);
        comments = List.copyOf(comments);
    }

    /** Where a request stands. */
    public enum State {
        PENDING,
        APPROVED,
        REJECTED,
        /** It waited too long, or its approval ran out. */
        EXPIRED,
        /** It was for a single use, which was made. */
        USED,
        CANCELLED,
        /** One that this client does not know; read only. */
        UNKNOWN
    }

    /**
     * An approval rule as it was when the request was made.
     *
     * @param approvals how many it needs
     * @param approverRole what an approver holds
     * @param approverTypes the types of subjects that approve
     */
    public record Rule(
            String name,
            int approvals,
            String approverRole,
            List<String> approverTypes,
            Duration pendingTtl,
            Duration ttl,
            boolean singleUse) {
        public Rule {
            approverTypes = List.copyOf(approverTypes);
        }
    }

    /** What somebody said to it without deciding it. */
    public record Comment(String author, String authorTenant, String comment, Instant at) {}

    /**
     * What one approver said.
     *
     * @param rules those it counts for
     */
    public record Vote(
            String approver, String approverTenant, boolean approves, String comment, Instant at, List<String> rules) {
        public Vote {
            rules = List.copyOf(rules);
        }
    }
}
