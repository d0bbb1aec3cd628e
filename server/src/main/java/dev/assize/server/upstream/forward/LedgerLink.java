package dev.assize.server.upstream.forward;

import com.google.inject.Inject;
import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.ErrorInfo;
import dev.assize.proto.v1.AppendAuditRequest;
import dev.assize.proto.v1.AppendAuditResponse;
import dev.assize.proto.v1.AppendSpooledRequest;
import dev.assize.proto.v1.AppendSpooledResponse;
import dev.assize.proto.v1.LedgerServiceGrpc;
import dev.assize.proto.v1.LedgerServiceGrpc.LedgerServiceBlockingStub;
import dev.assize.proto.v1.LedgerServiceGrpc.LedgerServiceStub;
import dev.assize.server.ledger.LedgerUnavailableException;
import io.grpc.Channel;
import io.grpc.Context;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** The calls to the server with the ledgers. */
class LedgerLink {

    /** For a call whose caller has set none. */
    private static final Duration DEADLINE = Duration.ofSeconds(10);

    /** What the ledger says where the credential has begun as many spools as it may. */
    static final String FULL = "SPOOLS_FULL";

    /** After these nothing is known of what was asked, and asking again is right. */
    private static final Set<Status.Code> FOR_NOW = Set.of(
            Status.Code.UNAVAILABLE,
            Status.Code.DEADLINE_EXCEEDED,
            Status.Code.RESOURCE_EXHAUSTED,
            Status.Code.ABORTED,
            Status.Code.CANCELLED,
            Status.Code.INTERNAL,
            Status.Code.UNKNOWN);

    /**
     * Around what is forwarded. Threads that forward also read files, and are not to be interrupted: that would close these.
     */
    private final Context.CancellableContext forwarding = Context.ROOT.withCancellation();

    private final LedgerServiceBlockingStub blocking;
    private final LedgerServiceStub stub;

    @Inject
    LedgerLink(Channel channel) {
        this.blocking = LedgerServiceGrpc.newBlockingStub(channel);
        this.stub = LedgerServiceGrpc.newStub(channel);
    }

    /** Sends what is spooled. Blocks; throws the status where there is no answer. */
    AppendSpooledResponse send(AppendSpooledRequest request) {
        Context before = forwarding.attach();
        try {
            return blocking.withDeadlineAfter(DEADLINE.toMillis(), TimeUnit.MILLISECONDS)
                    .appendSpooled(request);
        } finally {
            forwarding.detach(before);
        }
    }

    /** Ends what is being sent, and sends no more. */
    void stop() {
        forwarding.cancel(null);
    }

    /** Appends for a caller, within its deadline, and gives up when it does. */
    CompletableFuture<AppendAuditResponse> append(AppendAuditRequest request, Context caller) {
        if (caller.isCancelled()) {
            return CompletableFuture.failedFuture(new StatusRuntimeException(Status.CANCELLED));
        }
        CompletableFuture<AppendAuditResponse> answer = new CompletableFuture<>();
        LedgerServiceStub within = caller.getDeadline() == null
                ? stub.withDeadlineAfter(DEADLINE.toMillis(), TimeUnit.MILLISECONDS)
                : stub;
        caller.run(() -> within.appendAudit(request, new StreamObserver<>() {
            private @Nullable AppendAuditResponse received;

            @Override
            public void onNext(AppendAuditResponse response) {
                received = response;
            }

            @Override
            public void onError(Throwable failure) {
                answer.completeExceptionally(told(failure));
            }

            @Override
            public void onCompleted() {
                if (received == null) {
                    answer.completeExceptionally(new LedgerUnavailableException("an answer without a message", null));
                } else {
                    answer.complete(received);
                }
            }
        }));
        return answer;
    }

    /** What the server with the ledgers says is passed on; that it could not be asked is said in this server's words. */
    private static RuntimeException told(Throwable failure) {
        com.google.rpc.Status said = StatusProto.fromThrowable(failure);
        return said == null || said.getDetailsCount() == 0
                ? new LedgerUnavailableException("the server with the ledger does not answer", failure)
                : StatusProto.toStatusRuntimeException(said);
    }

    /** Whether waiting may help, and nobody has to act first. */
    static boolean isForNow(StatusRuntimeException failure) {
        return FOR_NOW.contains(failure.getStatus().getCode()) && !isFull(failure);
    }

    /** Whether the ledger lets the credential begin no more spools: it is not busy, and waiting alone will not help. */
    static boolean isFull(StatusRuntimeException failure) {
        com.google.rpc.Status said = StatusProto.fromThrowable(failure);
        return said != null
                && said.getDetailsList().stream()
                        .filter(detail -> detail.is(ErrorInfo.class))
                        .anyMatch(detail -> reason(detail).equals(FULL));
    }

    private static String reason(Any detail) {
        try {
            return detail.unpack(ErrorInfo.class).getReason();
        } catch (InvalidProtocolBufferException e) {
            return "";
        }
    }
}
