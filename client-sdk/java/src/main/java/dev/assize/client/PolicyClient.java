package dev.assize.client;

import com.google.protobuf.Timestamp;
import dev.assize.client.PolicyChangeReceipt.Node;
import dev.assize.client.PolicyChangeReceipt.Nodes;
import dev.assize.proto.v1.ApplyPolicyRequest;
import dev.assize.proto.v1.ApplyPolicyResponse;
import dev.assize.proto.v1.FreezeEntry;
import dev.assize.proto.v1.FreezeRequest;
import dev.assize.proto.v1.FreezeResponse;
import dev.assize.proto.v1.GrantRequest;
import dev.assize.proto.v1.GrantResponse;
import dev.assize.proto.v1.ListFreezesRequest;
import dev.assize.proto.v1.ListFreezesResponse;
import dev.assize.proto.v1.NodeConfirmations;
import dev.assize.proto.v1.PolicyCommit;
import dev.assize.proto.v1.PolicyServiceGrpc;
import dev.assize.proto.v1.PolicyServiceGrpc.PolicyServiceBlockingStub;
import dev.assize.proto.v1.PolicyServiceGrpc.PolicyServiceStub;
import dev.assize.proto.v1.RevokeRequest;
import dev.assize.proto.v1.UnfreezeRequest;
import dev.assize.proto.v1.UnfreezeResponse;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.UUID;

/**
 * Changes policy: applies documents, and in short grants, revokes, freezes and lifts freezes. From {@link
 * AssizeClient#policy}; thread-safe.
 *
 * <p>Every method throws {@link AssizeException} where the server refuses or did not answer in time. While the outcome is
 * unknown a call is tried again under the same key, until the append deadline; to try again later, call with that key.
 */
public final class PolicyClient {

    private static final int PAGE_SIZE = 500;

    /** What a lost answer is no reason for: the server looks for the key before it looks at the revision. */
    private static final String REVISION_MOVED = "REVISION_MOVED";

    private final PolicyServiceBlockingStub stub;
    private final String tenant;
    private final Patience patience;
    private final Duration readDeadline;

    PolicyClient(PolicyServiceBlockingStub stub, String tenant, Patience patience, Duration readDeadline) {
        this.stub = stub;
        this.tenant = tenant;
        this.patience = patience;
        this.readDeadline = readDeadline;
    }

    /** The policy of another tenant. */
    public PolicyClient inTenant(String tenant) {
        return new PolicyClient(stub, tenant, patience, readDeadline);
    }

    /** Applies a change, under a key of the client's own. */
    public AppliedChange apply(PolicyChange change) {
        return apply(change, newKey());
    }

    /**
     * Applies a change of any tenants, under a key of the caller's; large ones take long, so that its tries have the read
     * deadline together.
     */
    public AppliedChange apply(PolicyChange change, String idempotencyKey) {
        Iterable<ApplyPolicyRequest> messages = ChangeWire.messages(change, idempotencyKey);
        PolicyServiceStub streaming = PolicyServiceGrpc.newStub(stub.getChannel());
        ApplyPolicyResponse response = new Patience(readDeadline).untilKnown(left -> {
            ChangeUpload<ApplyPolicyRequest, ApplyPolicyResponse> upload = new ChangeUpload<>();
            streaming.withDeadlineAfter(left).applyPolicy(upload);
            try {
                return upload.send(messages);
            } catch (StatusRuntimeException failure) {
                AssizeException error = AssizeException.of(failure);
                if (error.reason().equals(REVISION_MOVED)) {
                    throw error;
                }
                throw failure;
            }
        });
        return ChangeWire.applied(response, idempotencyKey);
    }

    /** Changes that others are to accept. */
    public ProposalsClient proposals() {
        return new ProposalsClient(stub, tenant, readDeadline);
    }

    /** Gives a role. */
    public PolicyChangeReceipt grant(Grant grant) {
        return grant(grant, newKey());
    }

    /** Gives a role, under a key of the caller's. */
    public PolicyChangeReceipt grant(Grant grant, String idempotencyKey) {
        GrantRequest.Builder request = GrantRequest.newBuilder()
                .setTenant(tenant)
                .setName(grant.name())
                .addAllSubjects(grant.subjects())
                .setRole(grant.role())
                .addAllEnvironments(grant.environments())
                .addAllResourceTypes(grant.resourceTypes())
                .addAllResources(grant.resources())
                .setFromTenant(grant.fromTenant())
                .setWhen(grant.when())
                .setReason(grant.reason())
                .setIdempotencyKey(idempotencyKey);
        if (grant.notBefore() != null) {
            request.setNotBefore(timestamp(grant.notBefore()));
        }
        if (grant.notAfter() != null) {
            request.setNotAfter(timestamp(grant.notAfter()));
        }
        GrantResponse response =
                patience.untilKnown(left -> stub.withDeadlineAfter(left).grant(request.build()));
        return receipt(response.getName(), response.getCommit(), Nodes.NOT_ASKED);
    }

    /** Takes away what a binding gives. */
    public PolicyChangeReceipt revoke(String binding, String reason) {
        return revoke(binding, "", reason, newKey());
    }

    /**
     * Takes away what a binding gives, under a key of the caller's.
     *
     * @param subject as it stands in the binding; empty for the whole binding
     */
    public PolicyChangeReceipt revoke(String binding, String subject, String reason, String idempotencyKey) {
        RevokeRequest request = RevokeRequest.newBuilder()
                .setTenant(tenant)
                .setBinding(binding)
                .setSubject(subject)
                .setReason(reason)
                .setIdempotencyKey(idempotencyKey)
                .build();
        PolicyCommit commit = patience.untilKnown(
                        left -> stub.withDeadlineAfter(left).revoke(request))
                .getCommit();
        return receipt(binding, commit, Nodes.NOT_ASKED);
    }

    /** Stops what matches; says which nodes do not act on it within a second. */
    public PolicyChangeReceipt freeze(Freeze freeze) {
        return freeze(freeze, newKey());
    }

    /** Stops what matches, under a key of the caller's. */
    public PolicyChangeReceipt freeze(Freeze freeze, String idempotencyKey) {
        FreezeRequest.Builder request = FreezeRequest.newBuilder()
                .setTenant(tenant)
                .setName(freeze.name())
                .setSubject(freeze.subject())
                .setRole(freeze.role())
                .setAction(freeze.action())
                .setResource(freeze.resource())
                .setResourceType(freeze.resourceType())
                .setEnvironment(freeze.env())
                .setRun(freeze.run())
                .setAll(freeze.all())
                .setReason(freeze.reason())
                .setIdempotencyKey(idempotencyKey);
        if (freeze.from() != null) {
            request.setFrom(timestamp(freeze.from()));
        }
        if (freeze.until() != null) {
            request.setUntil(timestamp(freeze.until()));
        }
        FreezeResponse response =
                patience.untilKnown(left -> stub.withDeadlineAfter(left).freeze(request.build()));
        return receipt(response.getName(), response.getCommit(), nodes(response.getNodes()));
    }

    /** Lifts a freeze. */
    public PolicyChangeReceipt unfreeze(String name, String reason) {
        return unfreeze(name, reason, newKey());
    }

    /** Lifts a freeze, under a key of the caller's. */
    public PolicyChangeReceipt unfreeze(String name, String reason, String idempotencyKey) {
        UnfreezeRequest request = UnfreezeRequest.newBuilder()
                .setTenant(tenant)
                .setName(name)
                .setReason(reason)
                .setIdempotencyKey(idempotencyKey)
                .build();
        UnfreezeResponse response =
                patience.untilKnown(left -> stub.withDeadlineAfter(left).unfreeze(request));
        return receipt(name, response.getCommit(), nodes(response.getNodes()));
    }

    /**
     * The freezes that stand, by name, fetched page by page while iterating.
     *
     * @throws AssizeException while iterating, when a page cannot be had
     */
    public Iterable<Freeze> freezes() {
        return () -> new Pages<>(token -> {
            ListFreezesResponse page = stub.withDeadlineAfter(readDeadline)
                    .listFreezes(ListFreezesRequest.newBuilder()
                            .setTenant(tenant)
                            .setPageSize(PAGE_SIZE)
                            .setPageToken(token)
                            .build());
            return new Pages.Page<>(
                    page.getFreezesList().stream().map(PolicyClient::freeze).toList(), page.getNextPageToken());
        });
    }

    /** What this policy was. */
    public PolicyHistory history() {
        return new PolicyHistory(stub, tenant, readDeadline);
    }

    static String newKey() {
        return UUID.randomUUID().toString();
    }

    static PolicyChangeReceipt receipt(String name, PolicyCommit commit, Nodes nodes) {
        return new PolicyChangeReceipt(
                name,
                commit.getRevision(),
                commit.getSeq(),
                instant(commit.getCommittedAt()),
                commit.getReplayed(),
                nodes);
    }

    static Nodes nodes(NodeConfirmations found) {
        return new Nodes(
                found.getConfirmed(),
                found.getUnconfirmedList().stream()
                        .map(node -> new Node(
                                node.getName(),
                                node.getInstanceId(),
                                instant(node.getLastSeenAt()),
                                node.getCutOff(),
                                Duration.ofSeconds(
                                        node.getFreshnessBound().getSeconds(),
                                        node.getFreshnessBound().getNanos())))
                        .toList(),
                !found.getUnknown());
    }

    private static Freeze freeze(FreezeEntry entry) {
        return new Freeze(
                entry.getName(),
                entry.getSubject(),
                entry.getRole(),
                entry.getAction(),
                entry.getResource(),
                entry.getResourceType(),
                entry.getEnvironment(),
                entry.getRun(),
                entry.getAll(),
                entry.getReason(),
                entry.hasFrom() ? instant(entry.getFrom()) : null,
                entry.hasUntil() ? instant(entry.getUntil()) : null);
    }

    private static Timestamp timestamp(Instant moment) {
        return Timestamp.newBuilder()
                .setSeconds(moment.getEpochSecond())
                .setNanos(moment.getNano())
                .build();
    }

    private static Instant instant(Timestamp timestamp) {
        return Instant.ofEpochSecond(timestamp.getSeconds(), timestamp.getNanos());
    }
}
