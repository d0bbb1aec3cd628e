package dev.assize.server.administration;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.assize.server.administration.FiledProposal.Acceptance;
import dev.assize.server.administration.FiledProposal.Base;
import dev.assize.server.administration.FiledProposal.End;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.audit.Outcome;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.ResourcePath;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What the ledger is told of proposals; what an accepted one changes stands in the entries of that change. */
final class ProposalEvents {

    private static final String CATEGORY = "proposal";

    private ProposalEvents() {}

    static AuditEvent proposed(FiledProposal proposal) {
        ObjectNode payload = payload(proposal, proposal.base())
                .put("count", proposal.documentCount())
                .put("content", proposal.content().toString())
                .put("force", proposal.force())
                .put("expires_at", proposal.expiresAt().toString());
        if (proposal.prunedManager() != null) {
            payload.put("prune_manager", proposal.prunedManager());
        }
        return event("proposed", "propose", proposal, proposal.proposer(), proposal.reason(), payload);
    }

    /** @param count of acceptances of the same digest, this one included */
    static AuditEvent accepted(FiledProposal proposal, Acceptance acceptance, int count, int needed) {
        ObjectNode payload =
                payload(proposal, acceptance.base()).put("accepted", count).put("needed", needed);
        return event("accepted", "accept", proposal, acceptance.acceptor(), acceptance.comment(), payload);
    }

    /** Whose words the reason is. */
    static AuditEvent commented(FiledProposal proposal, Base base, Comment comment) {
        return event("commented", "comment", proposal, comment.author(), comment.text(), payload(proposal, base));
    }

    /** What ended it, in the words of that. */
    static AuditEvent ended(FiledProposal proposal, Base base, End end) {
        ObjectNode payload = payload(proposal, base);
        if (end.revision() != null) {
            payload.put("revision", end.revision().value());
        }
        return switch (end.how()) {
            case APPLIED -> event("applied", "apply", proposal, end.by(), null, payload);
            case REJECTED -> event("rejected", "reject", proposal, end.by(), end.comment(), payload);
            case WITHDRAWN -> event("withdrawn", "withdraw", proposal, end.by(), end.comment(), payload);
            case EXPIRED -> event("expired", "expire", proposal, end.by(), null, payload);
        };
    }

    private static ObjectNode payload(FiledProposal proposal, Base base) {
        return JsonNodeFactory.instance
                .objectNode()
                .put("proposal", proposal.id())
                .put("scope", proposal.scope().key())
                .put("digest", proposal.digest(base).toString())
                .put("base", base.revision().value())
                .put("platform_base", base.platform().value())
                .put("proposer", proposal.proposer().caller().toString());
    }

    private static AuditEvent event(
            String type,
            String action,
            FiledProposal proposal,
            Recorder actor,
            @Nullable String reason,
            ObjectNode payload) {
        if (!actor.home().equals(proposal.scope().ledgerTenant())) {
            payload.put("actor_tenant", actor.home().value());
        }
        return new AuditEvent(
                "assize.proposal." + type,
                CATEGORY,
                actor.caller(),
                null,
                new Action(action),
                ResourcePath.parse("tenant:" + proposal.scope().ledgerTenant() + "/proposal:" + proposal.id()),
                Environment.DEFAULT,
                Outcome.SUCCESS,
                null,
                null,
                null,
                reason,
                false,
                payload.toString(),
                List.of(),
                List.of(),
                null,
                null);
    }
}
