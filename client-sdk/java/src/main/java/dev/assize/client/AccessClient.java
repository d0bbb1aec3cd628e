package dev.assize.client;

import dev.assize.proto.v1.AccessServiceGrpc.AccessServiceBlockingStub;
import dev.assize.proto.v1.ReviewAccessRequest;
import java.time.Duration;

/** Who holds what. From {@link AssizeClient#access}; thread-safe. */
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
}
