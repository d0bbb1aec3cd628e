package dev.assize.client;

import dev.assize.proto.v1.AccessServiceGrpc.AccessServiceBlockingStub;
import dev.assize.proto.v1.CleanUpGrantsRequest;
import dev.assize.proto.v1.CleanUpGrantsResponse;
import dev.assize.proto.v1.DeleteTenantRequest;
import dev.assize.proto.v1.DeleteTenantResponse;
import dev.assize.proto.v1.EndedGrant;
import dev.assize.proto.v1.ListTenantsRequest;
import dev.assize.proto.v1.ListTenantsResponse;
import dev.assize.proto.v1.ResumeTenantRequest;
import dev.assize.proto.v1.ResumeTenantResponse;
import dev.assize.proto.v1.ReviewAccessRequest;
import dev.assize.proto.v1.SuspendTenantRequest;
import dev.assize.proto.v1.SuspendTenantResponse;
import dev.assize.proto.v1.TenantEntry;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Who holds what, and what nobody holds any more. From {@link AssizeClient#access}; thread-safe. */
public final class AccessClient {

    private static final int PAGE_SIZE = 500;

    private final AccessServiceBlockingStub stub;
    private final String tenant;
    private final Patience patience;
    private final Duration deadline;

    AccessClient(AccessServiceBlockingStub stub, String tenant, Patience patience, Duration deadline) {
        this.stub = stub;
        this.tenant = tenant;
        this.patience = patience;
        this.deadline = deadline;
    }

    /** The access of another tenant. */
    public AccessClient inTenant(String tenant) {
        return new AccessClient(stub, tenant, patience, deadline);
    }

    /** What everybody has. */
    public AccessReview review() {
        return review("", "");
    }

    /**
     * What some have.
     *
     * @param subject only this one, also by `*` and `type:*`; empty for everybody
     * @param role only this one, however it is come by; empty for all
     */
    public AccessReview review(String subject, String role) {
        ReviewAccessRequest request = ReviewAccessRequest.newBuilder()
                .setTenant(tenant)
                .setSubject(subject)
                .setRole(role)
                .setPageSize(PAGE_SIZE)
                .build();
        return new AccessReview(cursor -> stub.withDeadlineAfter(deadline)
                .reviewAccess(request.toBuilder().setCursor(cursor).build()));
    }

    /**
     * Deletes bindings that ended long ago, as one change; to be called again while there are more.
     *
     * @param endedFor how long ago, at least; null for what the server is configured to
     * @param dryRun only says what would go
     * @throws AssizeException where the server refuses or did not answer in time
     */
    public CleanedUp cleanUp(@Nullable Duration endedFor, boolean dryRun) {
        CleanUpGrantsRequest.Builder request =
                CleanUpGrantsRequest.newBuilder().setTenant(tenant).setDryRun(dryRun);
        if (endedFor != null) {
            request.setEndedFor(com.google.protobuf.Duration.newBuilder()
                    .setSeconds(endedFor.toSeconds())
                    .setNanos(endedFor.toNanosPart()));
        }
        try {
            CleanUpGrantsResponse response = stub.withDeadlineAfter(deadline).cleanUpGrants(request.build());
            return new CleanedUp(
                    response.getGrantsList().stream()
                            .map(EndedGrant::getBinding)
                            .toList(),
                    response.getTruncated(),
                    response.getRevision(),
                    response.getSeq());
        } catch (StatusRuntimeException failure) {
            throw AssizeException.of(failure);
        }
    }

    /**
     * Stops everything in the tenant, until it is resumed; says which nodes do not act on it within a second.
     *
     * @throws AssizeException where the server refuses or did not answer in time
     */
    public PolicyChangeReceipt suspendTenant(String reason) {
        return suspendTenant(reason, PolicyClient.newKey());
    }

    /** The same under a key of the caller's: to call again with it is answered as at first. */
    public PolicyChangeReceipt suspendTenant(String reason, String idempotencyKey) {
        SuspendTenantRequest request = SuspendTenantRequest.newBuilder()
                .setTenant(tenant)
                .setReason(reason)
                .setIdempotencyKey(idempotencyKey)
                .build();
        SuspendTenantResponse response =
                patience.untilKnown(left -> stub.withDeadlineAfter(left).suspendTenant(request));
        return PolicyClient.receipt(tenant, response.getCommit(), PolicyClient.nodes(response.getNodes()));
    }

    /**
     * Lets the tenant go on.
     *
     * @throws AssizeException where the server refuses or did not answer in time
     */
    public PolicyChangeReceipt resumeTenant(String reason) {
        return resumeTenant(reason, PolicyClient.newKey());
    }

    /** The same under a key of the caller's: to call again with it is answered as at first. */
    public PolicyChangeReceipt resumeTenant(String reason, String idempotencyKey) {
        ResumeTenantRequest request = ResumeTenantRequest.newBuilder()
                .setTenant(tenant)
                .setReason(reason)
                .setIdempotencyKey(idempotencyKey)
                .build();
        ResumeTenantResponse response =
                patience.untilKnown(left -> stub.withDeadlineAfter(left).resumeTenant(request));
        return PolicyClient.receipt(tenant, response.getCommit(), PolicyClient.nodes(response.getNodes()));
    }

    /**
     * Deletes the tenant, which must be suspended: its policy in one change, and its keys. Its ledger stays.
     *
     * @throws AssizeException where the server refuses or did not answer in time
     */
    public PolicyChangeReceipt deleteTenant(String reason) {
        return deleteTenant(reason, PolicyClient.newKey());
    }

    /** The same under a key of the caller's: to call again with it is answered as at first. */
    public PolicyChangeReceipt deleteTenant(String reason, String idempotencyKey) {
        DeleteTenantRequest request = DeleteTenantRequest.newBuilder()
                .setTenant(tenant)
                .setReason(reason)
                .setIdempotencyKey(idempotencyKey)
                .build();
        DeleteTenantResponse response =
                patience.untilKnown(left -> stub.withDeadlineAfter(left).deleteTenant(request));
        return PolicyClient.receipt(tenant, response.getCommit(), PolicyClient.nodes(response.getNodes()));
    }

    /**
     * The tenants that the credential reaches, those that are no more included, by name, fetched page by page while
     * iterating.
     *
     * @throws AssizeException while iterating, when a page cannot be had
     */
    public Iterable<TenantState> tenants() {
        return () -> new Pages<>(token -> {
            ListTenantsResponse page = stub.withDeadlineAfter(deadline)
                    .listTenants(ListTenantsRequest.newBuilder()
                            .setPageSize(PAGE_SIZE)
                            .setPageToken(token)
                            .build());
            return new Pages.Page<>(
                    page.getTenantsList().stream().map(AccessClient::state).toList(), page.getNextPageToken());
        });
    }

    private static TenantState state(TenantEntry entry) {
        return new TenantState(
                entry.getTenant(),
                entry.getExists(),
                entry.hasSuspended(),
                entry.getEnvironmentsList(),
                entry.getRevision());
    }

    /**
     * A tenant.
     *
     * @param exists false for one that is no more, and has a ledger still
     * @param revision of its policy
     */
    public record TenantState(
            String tenant, boolean exists, boolean suspended, List<String> environments, long revision) {
        public TenantState {
            environments = List.copyOf(environments);
        }
    }

    /**
     * What went, or would go.
     *
     * @param truncated whether there are more
     * @param revision of the change; 0 where nothing was changed
     * @param seq of its manifest in the tenant's ledger
     */
    public record CleanedUp(List<String> bindings, boolean truncated, long revision, long seq) {
        public CleanedUp {
            bindings = List.copyOf(bindings);
        }
    }
}
