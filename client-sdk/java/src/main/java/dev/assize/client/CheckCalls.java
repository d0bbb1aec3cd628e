package dev.assize.client;

import dev.assize.proto.v1.CheckBatchRequest;
import dev.assize.proto.v1.CheckBatchResponse;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckResponse;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/** Single tries of calls that decide. Each ends, by its deadline at the latest, with an answer or with gRPC's exception. */
interface CheckCalls {

    /** By the calling thread. */
    CheckResponse checkHere(CheckRequest request, Duration deadline);

    /** By the calling thread. */
    CheckBatchResponse checkBatchHere(CheckBatchRequest request, Duration deadline);

    /** Cancelling the future cancels the call, and nothing of the calling thread's context does. */
    CompletableFuture<CheckResponse> check(CheckRequest request, Duration deadline);

    /** Cancelling the future cancels the call, and nothing of the calling thread's context does. */
    CompletableFuture<CheckBatchResponse> checkBatch(CheckBatchRequest request, Duration deadline);
}
