package dev.assize.server.endpoint.grpc;

import com.google.inject.Inject;
import dev.assize.server.endpoint.call.ErrorReason;
import dev.assize.server.endpoint.call.RefusedException;
import dev.assize.server.model.Recorder;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The streams that go on until their callers have heard enough: so many of a caller, so many in all. */
final class Watches {

    static final int OF_A_CALLER = 100;
    static final int IN_ALL = 5_000;

    private static final Duration RETRY_AFTER = Duration.ofSeconds(5);

    /** Guarded by this, like what follows. */
    private final Map<Recorder, Integer> ofCallers = new HashMap<>();

    private final Set<WatchStream<?>> streams = new HashSet<>();
    private boolean closed;

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
    synchronized void add(Recorder caller, WatchStream<?> stream) {
        if (closed) {
            throw ended();
        }
        if (streams.size() >= IN_ALL) {
            throw busy("this node has " + IN_ALL + " streams open, which is as many as it keeps");
        }
        if (ofCallers.getOrDefault(caller, 0) >= OF_A_CALLER) {
            throw busy("`" + caller.caller() + "` has " + OF_A_CALLER + " streams open, which is as many as it may");
        }
        ofCallers.merge(caller, 1, Integer::sum);
        streams.add(stream);
    }

    synchronized void remove(Recorder caller, WatchStream<?> stream) {
        if (streams.remove(stream)) {
            ofCallers.computeIfPresent(caller, (any, count) -> count == 1 ? null : count - 1);
        }
    }

    /** Ends them all, and takes none in any more: a server that stops does not wait for those who listen. */
    void close() {
        List<WatchStream<?>> open;
        synchronized (this) {
            closed = true;
            open = List.copyOf(streams);
        }
        open.forEach(WatchStream::end);
    }

    /** What a listener is told who is to come back, to another node perhaps. */
    static RefusedException ended() {
        return RefusedException.retry(ErrorReason.WATCH_ENDED, "this node ends its streams; call again", Duration.ZERO);
    }

    private static RefusedException busy(String message) {
        return RefusedException.retry(ErrorReason.WATCH_BUSY, message, RETRY_AFTER);
    }
}
