package dev.assize.server.endpoint.grpc;

import com.google.inject.Inject;
import dev.assize.proto.v1.AppendAuditRequest;
import dev.assize.proto.v1.AppendAuditResponse;
import dev.assize.proto.v1.LedgerServiceGrpc.LedgerServiceImplBase;
import io.grpc.stub.StreamObserver;

/** Serves what a sidecar serves of `LedgerService` by itself: appends. */
final class SpooledAppendEndpoint extends LedgerServiceImplBase {

    private final AppendCalls appends;
    private final Replies replies;

    @Inject
    SpooledAppendEndpoint(AppendCalls appends, Replies replies) {
        this.appends = appends;
        this.replies = replies;
    }

    /** Whether the tenant exists is the ledger's to say; the caller was told to be allowed to append to it. */
    @Override
    public void appendAudit(AppendAuditRequest request, StreamObserver<AppendAuditResponse> observer) {
        replies.replyLater(observer, () -> appends.append(request, tenant -> {}));
    }
}
