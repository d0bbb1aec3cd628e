package dev.assize.server.endpoint.grpc;

import com.google.inject.Inject;
import dev.assize.server.endpoint.call.ErrorReason;
import dev.assize.server.endpoint.call.RefusedException;
import dev.assize.server.model.Recorder;
import dev.assize.server.upstream.UpstreamConfig;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The streams that go on until their callers have heard enough: so many of a caller, so many in all. Those that listen and
 * those that decide for others, by the documents they are told, are counted apart: neither takes the other's place.
 */
final class Watches {

    /** What a stream is for. */
    enum Purpose {
        /** To hear of answers, or of states by their names. */
        LISTENING(100, 5_000),

        /** To decide by documents: one for each tenant of a sidecar, and once more while its old connection dies. */
        DECIDING(2 * UpstreamConfig.TENANTS, 5_000);

        final int ofCaller;
        final int inAll;

        Purpose(int ofCaller, int inAll) {
            this.ofCaller = ofCaller;
            this.inAll = inAll;
        }
    }

    /** A stream that is open. */
    interface Open {

        /** Tells its listener to come back. */
        void end();
    }

    private static final Duration RETRY_AFTER = Duration.ofSeconds(5);

    /** Guarded by this, like what follows. */
    private final Map<Use, Integer> uses = new HashMap<>();

    private final Map<Open, Use> streams = new HashMap<>();
    private final Map<Purpose, Integer> inAll = new EnumMap<>(Purpose.class);
    private boolean closed;

    private record Use(Recorder caller, Purpose purpose) {}

    @Inject
    Watches(MeterRegistry registry) {
        Gauge.builder("assize.watches", this, Watches::size)
                .description("Streams of decisions and of policy that are open")
                .register(registry);
    }

    synchronized int size() {
        return streams.size();
    }

    /** Takes a stream in. */
    synchronized void add(Recorder caller, Purpose purpose, Open stream) {
        if (closed) {
            throw ended();
        }
        Use use = new Use(caller, purpose);
        if (inAll.getOrDefault(purpose, 0) >= purpose.inAll) {
            throw busy("this node has " + purpose.inAll + " such streams open, which is as many as it keeps");
        }
        if (uses.getOrDefault(use, 0) >= purpose.ofCaller) {
            throw busy("`" + caller.caller() + "` has " + purpose.ofCaller
                    + " such streams open, which is as many as it may");
        }
        uses.merge(use, 1, Integer::sum);
        inAll.merge(purpose, 1, Integer::sum);
        streams.put(stream, use);
    }

    synchronized void remove(Open stream) {
        Use use = streams.remove(stream);
        if (use != null) {
            uses.computeIfPresent(use, (any, count) -> count == 1 ? null : count - 1);
            inAll.merge(use.purpose, -1, Integer::sum);
        }
    }

    /** Ends them all, and takes none in any more: a server that stops does not wait for those who listen. */
    void close() {
        List<Open> open;
        synchronized (this) {
            closed = true;
            open = List.copyOf(streams.keySet());
        }
        open.forEach(Open::end);
    }

    /** What a listener is told who is to come back, to another node perhaps. */
    static RefusedException ended() {
        return RefusedException.retry(ErrorReason.WATCH_ENDED, "this node ends its streams; call again", Duration.ZERO);
    }

    private static RefusedException busy(String message) {
        return RefusedException.retry(ErrorReason.WATCH_BUSY, message, RETRY_AFTER);
    }
}
