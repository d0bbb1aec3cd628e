package dev.assize.server.upstream;

import com.google.protobuf.Timestamp;
import dev.assize.proto.v1.PolicyServiceGrpc;
import dev.assize.proto.v1.PolicyState;
import dev.assize.proto.v1.WatchPolicyRequest;
import dev.assize.proto.v1.WatchPolicyResponse;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.upstream.Mark.Place;
import dev.assize.server.upstream.TenantPolicy.Reading;
import io.grpc.Attributes;
import io.grpc.CallOptions;
import io.grpc.ClientStreamTracer;
import io.grpc.Context;
import io.grpc.Context.CancellableContext;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import java.time.Duration;
import java.time.Instant;
import java.util.Iterator;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.LockSupport;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Follows the policy of one tenant on a thread of its own: goes on from what it has, takes a state when it has the digests
 * that its ledger holds and does not go back, and begins again, later each time, when the stream ends.
 *
 * <p>When a state was confirmed is told from when the request came in there, which is not before it was sent here; so that
 * what was long on its way, or lay in a buffer, is known to be as old as it is, and no clock need agree with another. It is sent
 * when there is a connection: what it took to make one would else be added to the age of all that the stream ever says.
 */
final class PolicyStream implements Runnable {

    /** The centre says something each second. */
    static final Duration SILENCE = Duration.ofSeconds(10);

    static final String BEGUN_ANEW = "; its ledger has begun anew: restart this sidecar";

    private static final Duration FIRST_PAUSE = Duration.ofMillis(200);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(10);

    private static final Logger LOG = LoggerFactory.getLogger(PolicyStream.class);

    private final TenantPolicy tenant;
    private final Centre centre;
    private final Marks marks;
    private final PlatformShare platforms;
    private final UpstreamConfig config;
    private final UpstreamMetrics metrics;
    private final Runnable changed;
    private volatile boolean closed;

    /** Why the last stream ended; null while one goes on. */
    private volatile @Nullable RuntimeException failure;

    /** Guarded by this; null where none is open. */
    private @Nullable CancellableContext call;

    /** When the thread began to wait for the next message; 0 while it has one to work on. */
    private volatile long waitingSinceNanos;

    /** Of the thread alone. */
    private Duration pause = FIRST_PAUSE;

    /** Whether what is there cannot be gone on from. */
    private boolean anew;

    /** What this process took last, also after the centre has refused; null before the first. */
    private @Nullable Mark taken;

    private @Nullable Thread thread;

    PolicyStream(
            TenantPolicy tenant,
            Centre centre,
            Marks marks,
            PlatformShare platforms,
            UpstreamConfig config,
            UpstreamMetrics metrics,
            Runnable changed) {
        this.tenant = tenant;
        this.centre = centre;
        this.marks = marks;
        this.platforms = platforms;
        this.config = config;
        this.metrics = metrics;
        this.changed = changed;
    }

    void start() {
        // Also so that a mark that cannot be read ends the start, and not the thread.
        var _ = marks.read(tenant.tenant());
        thread = Thread.ofVirtual().name("policy-stream-" + tenant.tenant()).start(this);
    }

    void close() {
        closed = true;
        cancel("this sidecar stops");
        if (thread != null) {
            LockSupport.unpark(thread);
        }
    }

    /** Why the last stream ended; null while one goes on, and before. */
    @Nullable
    RuntimeException failure() {
        return failure;
    }

    /** Ends a stream on which nothing has come for too long; it begins again. */
    void endIfSilent() {
        long since = waitingSinceNanos;
        if (since != 0 && System.nanoTime() - since > SILENCE.toNanos()) {
            centre.connectAnewIfSilent(SILENCE);
            cancel("the centre said nothing for " + SILENCE.toSeconds() + " s");
        }
    }

    private synchronized void cancel(String why) {
        if (call != null) {
            call.cancel(Status.UNAVAILABLE.withDescription(why).asRuntimeException());
        }
    }

    @Override
    public void run() {
        while (!closed) {
            try {
                begin();
            } catch (RuntimeException | Error bug) {
                // Whatever it was: a thread that ended here would leave the sidecar without policy for as long as it
                // runs.
                LOG.error("The policy of tenant `{}` could not be followed", tenant.tenant(), bug);
                tenant.lose(String.valueOf(bug));
            }
            rest();
        }
    }

    private void begin() {
        try {
            follow();
        } catch (RuntimeException ended) {
            end(ended);
        }
    }

    /** Jitter keeps many sidecars from coming back at once. */
    private void rest() {
        if (!closed) {
            long nanos = pause.toNanos();
            LockSupport.parkNanos(nanos / 2 + ThreadLocalRandom.current().nextLong(nanos));
            pause = pause.multipliedBy(2).compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : pause.multipliedBy(2);
        }
    }

    private void follow() {
        centre.readKey();
        centre.connectNow();
        CancellableContext context = Context.ROOT.withCancellation();
        synchronized (this) {
            call = context;
        }
        Context before = context.attach();
        try {
            Departure departure = new Departure();
            take(
                    ClientCalls.blockingServerStreamingCall(
                            centre.channel(),
                            PolicyServiceGrpc.getWatchPolicyMethod(),
                            CallOptions.DEFAULT.withStreamTracerFactory(departure),
                            request()),
                    departure);
        } finally {
            context.detach(before);
            waitingSinceNanos = 0;
            synchronized (this) {
                call = null;
            }
            context.cancel(null);
        }
    }

    private WatchPolicyRequest request() {
        Followed state = tenant.state();
        Mark known = state == null ? marks.read(tenant.tenant()).orElse(null) : state.mark();
        WatchPolicyRequest.Builder request = WatchPolicyRequest.newBuilder()
                .setTenant(tenant.tenant().value())
                .setDocuments(true)
                .setWhole(state == null || anew)
                .addAllActAs(config.actAs());
        if (known != null) {
            Place own = known.own();
            Place platform = known.platform();
            request.setKnownRevision(own.revision())
                    .setKnownIncarnation(own.incarnation())
                    .setKnownPolicyDigest(own.digest())
                    .setKnownPlatformRevision(platform.revision())
                    .setKnownPlatformIncarnation(platform.incarnation())
                    .setKnownPlatformPolicyDigest(platform.digest());
        }
        return request.build();
    }

    private void take(Iterator<WatchPolicyResponse> messages, Departure departure) {
        Assembly next = assembly();
        while (isNext(messages)) {
            WatchPolicyResponse message = messages.next();
            Reading sentAt = departure.at;
            centre.heard();
            switch (message.getUpdateCase()) {
                case AUTHORITY -> tenant.allow(Authority.of(message.getAuthority()));
                case DOCUMENTS -> next.add(message.getDocuments());
                case STATE -> {
                    take(next, message, sentAt);
                    next = assembly();
                }
                case CONFIRMED_AT -> confirm(message, message.getConfirmedAt(), sentAt);
                case UPDATE_NOT_SET ->
                    throw new UpstreamMismatchException("the centre says something that this version does not know");
            }
        }
        throw Status.UNAVAILABLE.withDescription("the centre ended the stream").asRuntimeException();
    }

    /** When a request is handed to a connection, which is not after it comes in at the other end. */
    private final class Departure extends ClientStreamTracer.Factory {

        private volatile Reading at = tenant.read();

        @Override
        public ClientStreamTracer newClientStreamTracer(ClientStreamTracer.StreamInfo info, Metadata headers) {
            return new ClientStreamTracer() {
                @Override
                public void streamCreated(Attributes connection, Metadata sent) {
                    at = tenant.read();
                }
            };
        }
    }

    private boolean isNext(Iterator<?> messages) {
        waitingSinceNanos = System.nanoTime() | 1;
        try {
            return messages.hasNext();
        } finally {
            waitingSinceNanos = 0;
        }
    }

    private Assembly assembly() {
        return new Assembly(PolicyScope.of(tenant.tenant()), anew ? null : tenant.state());
    }

    private void take(Assembly assembly, WatchPolicyResponse message, Reading sentAt) {
        PolicyState name = message.getState();
        requireToFollow(Mark.of(name));
        Followed state;
        try {
            state = platforms.shared(assembly.state(name));
        } catch (UpstreamMismatchException torn) {
            anew = true;
            throw torn;
        }
        marks.write(tenant.tenant(), state.mark());
        taken = state.mark();
        anew = false;
        metrics.taken(assembly.isWhole());
        heard(state, message, name.getConfirmedAt(), sentAt);
        changed.run();
    }

    /** What revisions alone are compared by in this process must not go back within it, whatever the ledgers say. */
    private void requireToFollow(Mark next) {
        Mark known = taken;
        String objection = known == null
                ? marks.read(tenant.tenant())
                        .map(mark -> mark.objectionTo(next))
                        .map(why -> why.isEmpty() ? why : why + "; " + wayOut())
                        .orElse("")
                : known.objectionTo(next);
        if (objection.isEmpty() && known != null) {
            String within = known.objectionWithinIncarnationTo(next);
            objection = within.isEmpty() ? "" : within + BEGUN_ANEW;
        }
        if (!objection.isEmpty()) {
            throw new UpstreamMismatchException(objection);
        }
    }

    private String wayOut() {
        return "if that is meant, stop this sidecar, delete " + marks.file(tenant.tenant()) + " and start it again";
    }

    private void confirm(WatchPolicyResponse message, Timestamp confirmedAt, Reading sentAt) {
        Followed state = tenant.state();
        if (state == null) {
            throw new UpstreamMismatchException("the centre confirms a state that it has not told");
        }
        heard(state, message, confirmedAt, sentAt);
    }

    private void heard(Followed state, WatchPolicyResponse message, Timestamp confirmedAt, Reading sentAt) {
        if (!message.hasConfirmedAfter()) {
            throw new UpstreamMismatchException("the centre does not say how long ago it confirmed its state");
        }
        Duration after = Duration.ofSeconds(
                message.getConfirmedAfter().getSeconds(),
                message.getConfirmedAfter().getNanos());
        tenant.confirm(
                state, sentAt.plus(after), Instant.ofEpochSecond(confirmedAt.getSeconds(), confirmedAt.getNanos()));
        pause = FIRST_PAUSE;
        if (failure != null) {
            LOG.info("The policy of tenant `{}` is followed again", tenant.tenant());
            failure = null;
        }
    }

    private void end(RuntimeException ended) {
        if (closed) {
            return;
        }
        String why = reason(ended);
        boolean refused = isRefusal(ended);
        metrics.ended(refused);
        if (failure == null || !reason(failure).equals(why)) {
            LOG.warn("The policy of tenant `{}` is not followed: {}", tenant.tenant(), why);
        }
        failure = ended;
        if (refused) {
            tenant.refuse(why);
            changed.run();
        } else {
            tenant.lose(why);
        }
    }

    /** Whether the centre said no, rather than nothing: then what was there does not stand either. */
    static boolean isRefusal(RuntimeException ended) {
        return ended instanceof StatusRuntimeException status
                && switch (status.getStatus().getCode()) {
                    case UNAUTHENTICATED, PERMISSION_DENIED, NOT_FOUND, FAILED_PRECONDITION, INVALID_ARGUMENT -> true;
                    default -> false;
                };
    }

    /** Whether it cannot become better by waiting: then a sidecar that begins need not. */
    static boolean isFinal(RuntimeException ended) {
        return isRefusal(ended)
                || ended instanceof UpstreamMismatchException
                || isUntrusted(ended)
                || (ended instanceof StatusRuntimeException status
                        && status.getStatus().getCode() == Status.Code.UNIMPLEMENTED);
    }

    private static boolean isUntrusted(Throwable failure) {
        for (Throwable cause = failure.getCause(); cause != null; cause = cause.getCause()) {
            if (cause instanceof SSLException) {
                return true;
            }
        }
        return false;
    }

    /** For the operator, in one line. */
    String reason(RuntimeException ended) {
        if (!(ended instanceof StatusRuntimeException status)) {
            return String.valueOf(ended.getMessage());
        }
        String said = status.getStatus().getDescription();
        if (isUntrusted(ended)) {
            return "the certificate of the centre, " + config.address()
                    + ", is not one of upstream.ca's, or not for that" + " name: " + status.getCause();
        }
        String forWhat = "the centre, " + config.address() + ", ";
        return isRefusal(ended)
                ? forWhat + "refuses: " + said
                : forWhat + "does not answer: " + status.getStatus().getCode() + (said == null ? "" : ", " + said);
    }
}
