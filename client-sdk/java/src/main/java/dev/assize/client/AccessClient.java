package dev.assize.client;

import dev.assize.proto.v1.AccessServiceGrpc.AccessServiceBlockingStub;
import dev.assize.proto.v1.CleanUpGrantsRequest;
import dev.assize.proto.v1.CleanUpGrantsResponse;
import dev.assize.proto.v1.EndedGrant;
import dev.assize.proto.v1.ReviewAccessRequest;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Who holds what, and what nobody holds any more. From {@link AssizeClient#access}; thread-safe. */
public final class AccessClient {

    private static final int PAGE_SIZE = 500;

    private final AccessServiceBlockingStub stub;
    private final String tenant;
    private final Duration deadline;

    AccessClient(AccessServiceBlockingStub stub, String tenant, Duration deadline) {
        this.stub = stub;
        this.tenant = tenant;
        this.deadline = deadline;
    }

    /** The access of another tenant. */
    public AccessClient inTenant(String tenant) {
        return new AccessClient(stub, tenant, deadline);
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
