package dev.assize.client;

import com.google.protobuf.ByteString;
import com.google.protobuf.Timestamp;
import dev.assize.client.ProposedChange.State;
import dev.assize.client.ProposedChange.Whole;
import dev.assize.proto.v1.AcceptProposalRequest;
import dev.assize.proto.v1.CommentProposalRequest;
import dev.assize.proto.v1.GetProposalRequest;
import dev.assize.proto.v1.GetProposalResponse;
import dev.assize.proto.v1.ListProposalsRequest;
import dev.assize.proto.v1.ListProposalsResponse;
import dev.assize.proto.v1.PolicyServiceGrpc;
import dev.assize.proto.v1.PolicyServiceGrpc.PolicyServiceBlockingStub;
import dev.assize.proto.v1.PolicyServiceGrpc.PolicyServiceStub;
import dev.assize.proto.v1.Proposal;
import dev.assize.proto.v1.ProposalAcceptance;
import dev.assize.proto.v1.ProposalState;
import dev.assize.proto.v1.ProposeChangeRequest;
import dev.assize.proto.v1.ProposeChangeResponse;
import dev.assize.proto.v1.ProposedDocument;
import dev.assize.proto.v1.RejectProposalRequest;
import dev.assize.proto.v1.WithdrawProposalRequest;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.List;
import java.util.UUID;
import java.util.function.Supplier;

/**
 * Changes of one tenant's policy that others are to accept. From {@link PolicyClient#proposals}; thread-safe.
 *
 * <p>Every method throws {@link AssizeException} where the server refuses or did not answer in time. Who accepts, rejects or
 * withdraws may do so again: it counts once, and is answered as at first.
 */
public final class ProposalsClient {

    private static final int PAGE_SIZE = 500;
    private static final String MOVED = "PROPOSAL_MOVED";

    private final PolicyServiceBlockingStub stub;
    private final String tenant;
    private final Duration deadline;

    ProposalsClient(PolicyServiceBlockingStub stub, String tenant, Duration deadline) {
        this.stub = stub;
        this.tenant = tenant;
        this.deadline = deadline;
    }

    /** Proposes a change of the tenant for some time, under a key of the client's own. */
    public ProposedChange propose(PolicyChange change, Duration ttl) {
        return propose(change, ttl, UUID.randomUUID().toString());
    }

    /**
     * Proposes a change of the tenant, under a key of the caller's.
     *
     * @param change without expectations: it is for whatever revision it is accepted at
     * @param ttl how long it waits, 1 min to 30 days
     */
    public ProposedChange propose(PolicyChange change, Duration ttl, String idempotencyKey) {
        Iterable<ProposeChangeRequest> messages = ChangeWire.proposal(change, tenant, ttl, idempotencyKey);
        PolicyServiceStub streaming = PolicyServiceGrpc.newStub(stub.getChannel());
        return proposal(new Patience(deadline)
                .untilKnown(left -> {
                    ChangeUpload<ProposeChangeRequest, ProposeChangeResponse> upload = new ChangeUpload<>();
                    streaming.withDeadlineAfter(left).proposeChange(upload);
                    return upload.send(messages);
                })
                .getProposal());
    }

    /**
     * Proposals, newest first, fetched page by page while iterating.
     *
     * @throws AssizeException while iterating, when a page cannot be had
     */
    public Iterable<ProposedChange> list() {
        return () -> new Pages<>(token -> {
            ListProposalsResponse page = stub.withDeadlineAfter(deadline)
                    .listProposals(ListProposalsRequest.newBuilder()
                            .setTenant(tenant)
                            .setPageSize(PAGE_SIZE)
                            .setPageToken(token)
                            .build());
            return new Pages.Page<>(
                    page.getProposalsList().stream()
                            .map(ProposalsClient::proposal)
                            .toList(),
                    page.getNextPageToken());
        });
    }

    /** A proposal with its documents. */
    public Whole get(String id) {
        return outside(() -> {
            Iterator<GetProposalResponse> parts = stub.withDeadlineAfter(deadline)
                    .getProposal(GetProposalRequest.newBuilder()
                            .setTenant(tenant)
                            .setId(id)
                            .build());
            if (!parts.hasNext()) {
                throw AssizeException.broken("the server ended the call without a proposal");
            }
            ProposedChange proposal = proposal(parts.next().getOutlook().getProposal());
            List<ProposedChange.Document> documents = new ArrayList<>();
            parts.forEachRemaining(part -> documents.add(document(part.getDocument())));
            return new Whole(proposal, documents);
        });
    }

    /**
     * Accepts exactly what was seen. Where policy moved since, it throws with reason {@code PROPOSAL_MOVED}: look again.
     *
     * @param seen from {@link #get}
     */
    public ProposedChange accept(ProposedChange seen, String comment) {
        AcceptProposalRequest request = AcceptProposalRequest.newBuilder()
                .setTenant(tenant)
                .setId(seen.id())
                .setDigest(ByteString.copyFrom(seen.digestBytes()))
                .setBaseRevision(seen.baseRevision())
                .setComment(comment)
                .build();
        return proposal(new Patience(deadline)
                .untilKnown(left -> {
                    try {
                        return stub.withDeadlineAfter(left).acceptProposal(request);
                    } catch (StatusRuntimeException failure) {
                        AssizeException error = AssizeException.of(failure);
                        if (error.reason().equals(MOVED)) {
                            throw error;
                        }
                        throw failure;
                    }
                })
                .getProposal());
    }

    /** Ends a proposal of somebody else's. */
    public ProposedChange reject(String id, String comment) {
        RejectProposalRequest request = RejectProposalRequest.newBuilder()
                .setTenant(tenant)
                .setId(id)
                .setComment(comment)
                .build();
        return proposal(new Patience(deadline)
                .untilKnown(left -> stub.withDeadlineAfter(left).rejectProposal(request))
                .getProposal());
    }

    /**
     * Says something to a pending proposal, and decides nothing.
     *
     * @param comment of 1 to 1,024 bytes
     */
    public ProposedChange comment(String id, String comment) {
        CommentProposalRequest request = CommentProposalRequest.newBuilder()
                .setTenant(tenant)
                .setId(id)
                .setComment(comment)
                .setIdempotencyKey(UUID.randomUUID().toString())
                .build();
        return proposal(new Patience(deadline)
                .untilKnown(left -> stub.withDeadlineAfter(left).commentProposal(request))
                .getProposal());
    }

    /** Takes a proposal of one's own back. */
    public ProposedChange withdraw(String id, String comment) {
        WithdrawProposalRequest request = WithdrawProposalRequest.newBuilder()
                .setTenant(tenant)
                .setId(id)
                .setComment(comment)
                .build();
        return proposal(new Patience(deadline)
                .untilKnown(left -> stub.withDeadlineAfter(left).withdrawProposal(request))
                .getProposal());
    }

    private static <T> T outside(Supplier<T> call) {
        try {
            return call.get();
        } catch (StatusRuntimeException failure) {
            throw AssizeException.of(failure);
        }
    }

    private static ProposedChange proposal(Proposal wire) {
        return new ProposedChange(
                wire.getId(),
                wire.getTenant(),
                state(wire.getState()),
                wire.getProposer(),
                wire.getReason(),
                instant(wire.getProposedAt()),
                instant(wire.getExpiresAt()),
                HexFormat.of().formatHex(wire.getDigest().toByteArray()),
                wire.getBaseRevision(),
                wire.getAcceptancesNeeded(),
                wire.getAcceptancesList().stream()
                        .map(ProposalAcceptance::getAcceptor)
                        .toList(),
                wire.getEndedBy(),
                wire.hasEndedAt() ? instant(wire.getEndedAt()) : null,
                wire.getComment(),
                wire.getRevision(),
                wire.getCommentsList().stream()
                        .map(said -> new ProposedChange.Comment(
                                said.getAuthor(), said.getComment(), instant(said.getSaidAt())))
                        .toList());
    }

    private static State state(ProposalState state) {
        return switch (state) {
            case PROPOSAL_STATE_PENDING -> State.PENDING;
            case PROPOSAL_STATE_APPLIED -> State.APPLIED;
            case PROPOSAL_STATE_REJECTED -> State.REJECTED;
            case PROPOSAL_STATE_WITHDRAWN -> State.WITHDRAWN;
            case PROPOSAL_STATE_EXPIRED -> State.EXPIRED;
            case PROPOSAL_STATE_UNSPECIFIED, UNRECOGNIZED -> State.UNKNOWN;
        };
    }

    private static ProposedChange.Document document(ProposedDocument wire) {
        return new ProposedChange.Document(
                wire.getKind(),
                wire.getName(),
                wire.getBefore().toStringUtf8(),
                wire.getAfter().toStringUtf8());
    }

    private static Instant instant(Timestamp timestamp) {
        return Instant.ofEpochSecond(timestamp.getSeconds(), timestamp.getNanos());
    }
}
