package dev.assize.client;

import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckResponse;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Has concurrent questions travel together. A question goes at once, by itself and by the thread that asks, while there is
 * room under way; otherwise it waits with others until a call is answered, and all that wait then go as one CheckBatch.
 * So nothing waits for a timer, nobody who is alone waits at all, and the more is asked at a time, the larger the batches.
 *
 * <p>Only questions of one tenant and environment wait together; all of them have the client's credential. Everybody keeps a
 * deadline, a cancellation and a failure of their own: see {@link Lane}.
 */
final class Gathering {

    /** Tenants and environments with a lane; a question of one more goes by itself. */
    private static final int MOST_LANES = 1_024;

    private final CheckCalls calls;
    private final ConcurrentHashMap<Place, Lane> lanes = new ConcurrentHashMap<>();

    private record Place(String tenant, String env) {}

    Gathering(CheckCalls calls) {
        this.calls = calls;
    }

    /**
     * The answer, at the latest when the deadline has passed.
     *
     * @throws RuntimeException gRPC's or {@link AssizeException}
     */
    CheckResponse ask(CheckRequest request, Duration deadline) {
        return lane(request).ask(request, deadline);
    }

    /** The same, later. Cancelling the future withdraws the question. */
    CompletableFuture<CheckResponse> askLater(CheckRequest request, Duration deadline) {
        return lane(request).askLater(request, deadline);
    }

    private Lane lane(CheckRequest request) {
        Place place = new Place(request.getTenant(), request.getEnv());
        Lane lane = lanes.get(place);
        if (lane != null) {
            return lane;
        }
        return lanes.size() < MOST_LANES
                ? lanes.computeIfAbsent(place, _ -> new Lane(calls, place.tenant))
                : new Lane(calls, place.tenant);
    }
}
