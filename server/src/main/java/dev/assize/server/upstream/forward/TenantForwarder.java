package dev.assize.server.upstream.forward;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.assize.proto.v1.AppendSpooledRequest;
import dev.assize.proto.v1.AppendSpooledResponse;
import dev.assize.proto.v1.SpooledRecord;
import dev.assize.server.ledger.LedgerUnavailableException;
import dev.assize.server.model.Digest;
import dev.assize.server.model.Limits;
import dev.assize.server.model.TenantId;
import dev.assize.server.spool.SpoolFailedException;
import dev.assize.server.spool.SpoolQueue;
import dev.assize.server.spool.SpoolRecord;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.DoubleSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Forwards one tenant's queue, step by step.
 *
 * <p>The ledger says which record it expects next, and the hash up to there; from that one on the queue is sent. So nothing
 * is sent twice to any effect, whatever became of an answer; a ledger that was restored from a backup is sent again what it
 * lost; and a queue that was restored from a copy, or is used twice, no longer fits and is not sent at all. What the ledger
 * refuses for good stays the next record: it is sent again now and then, and what is behind it waits, until somebody mends
 * what it is refused for, or tells the ledger that it will not come. So it is where the ledger takes no more spools.
 */
final class TenantForwarder {

    /** Where nothing is to be sent: how often the ledger is asked whether it still has what it had. */
    static final Duration ASK_EVERY = Duration.ofSeconds(30);

    /** After an attempt in vain: how long whoever would wait for the next one is refused at once. */
    static final Duration IN_VAIN_FOR = Duration.ofSeconds(1);

    /** Where something waits for an operator. */
    static final Duration STOPPED_PAUSE = Duration.ofSeconds(30);

    static final Duration FIRST_PAUSE = Duration.ofMillis(100);
    static final Duration LONGEST_PAUSE = Duration.ofSeconds(15);
    static final int BATCH_BYTES = 1_024 * 1_024;

    private static final int MAX_DOUBLINGS = 10;

    private static final Logger LOG = LoggerFactory.getLogger(TenantForwarder.class);

    private final TenantId tenant;
    private final SpoolQueue queue;
    private final LedgerLink link;
    private final InstantSource clock;
    private final DoubleSupplier random;
    private final ForwardMetrics metrics;

    /** Of the thread that steps. */
    private @Nullable Instant askedAt;

    private int failures;
    private int oneByOne;

    /** Guards what follows, which others read. */
    private final Object guard = new Object();

    private final List<Waiting> waiting = new ArrayList<>();
    private @Nullable String cutOff;
    private @Nullable String stopped;
    private @Nullable InVain inVain;

    /** The last attempt, where it was in vain. */
    private record InVain(Instant at, String why) {}

    /** Somebody who waits until a record is forwarded. */
    private record Waiting(long number, CompletableFuture<Void> done) {}

    /**
     * How long to wait before the next step.
     *
     * @param idle whether there was nothing to send, so that the next record ends it
     */
    record Pause(Duration duration, boolean idle) {

        static final Pause NONE = new Pause(Duration.ZERO, false);
    }

    TenantForwarder(
            TenantId tenant,
            SpoolQueue queue,
            LedgerLink link,
            InstantSource clock,
            DoubleSupplier random,
            ForwardMetrics metrics) {
        this.tenant = tenant;
        this.queue = queue;
        this.link = link;
        this.clock = clock;
        this.random = random;
        this.metrics = metrics;
    }

    SpoolQueue queue() {
        return queue;
    }

    /** Sends the next records, if there are any. Blocks for one call. */
    Pause step() {
        try {
            return queue.id().isEmpty() ? stop(String.valueOf(queue.complaint().orElse(""))) : forward();
        } catch (StatusRuntimeException e) {
            askedAt = null;
            return LedgerLink.isForNow(e) ? failed(e) : refused(e);
        } catch (SpoolFailedException e) {
            return stop(String.valueOf(e.getMessage()));
        } catch (Misfit e) {
            return stop(String.valueOf(e.getMessage()));
        } catch (RuntimeException | Error bug) {
            return broken(bug);
        }
    }

    private Pause forward() throws Misfit {
        Instant now = clock.instant();
        if (queue.last() == 0) {
            // Nothing was ever spooled: nobody needs to be asked.
            return new Pause(ASK_EVERY, true);
        }
        if (askedAt == null || !askedAt.plus(ASK_EVERY).isAfter(now)) {
            follow(link.send(request(List.of())));
            askedAt = now;
            return new Pause(Duration.ZERO, false);
        }
        List<SpooledRecord> records = next();
        if (records.isEmpty()) {
            queue.tidy();
            return new Pause(Duration.between(now, askedAt.plus(ASK_EVERY)), true);
        }
        AppendSpooledResponse answer = send(records);
        boolean moved = answer.getNextNumber() != records.getFirst().getNumber();
        follow(answer);
        if (!moved) {
            throw new Misfit("the ledger does not take record " + answer.getNextNumber() + ", and does not say why");
        }
        return Pause.NONE;
    }

    /** One refused record does not keep others from the ledger that stand before it. */
    private AppendSpooledResponse send(List<SpooledRecord> records) {
        try {
            AppendSpooledResponse answer = link.send(request(records));
            oneByOne = Math.max(0, oneByOne - 1);
            return answer;
        } catch (StatusRuntimeException e) {
            if (records.size() > 1 && !LedgerLink.isForNow(e) && !LedgerLink.isFull(e)) {
                oneByOne = records.size();
                return send(records.subList(0, 1));
            }
            if (e.getStatus().getCode() == Status.Code.RESOURCE_EXHAUSTED) {
                // Together they may be more than is taken at once.
                oneByOne = records.size();
            }
            throw e;
        }
    }

    private List<SpooledRecord> next() throws Misfit {
        int most = oneByOne > 0 ? 1 : Limits.AUDIT_EVENTS;
        List<SpooledRecord> records = new ArrayList<>();
        int events = 0;
        for (SpoolRecord record : queue.read(queue.forwarded() + 1, most, BATCH_BYTES)) {
            SpooledRecord parsed = parse(record);
            events += parsed.getEventsCount();
            if (!records.isEmpty() && events > Limits.AUDIT_EVENTS) {
                break;
            }
            records.add(parsed);
        }
        return records;
    }

    private static SpooledRecord parse(SpoolRecord record) throws Misfit {
        try {
            return SpooledRecord.parseFrom(record.payload()).toBuilder()
                    .setNumber(record.number())
                    .build();
        } catch (InvalidProtocolBufferException e) {
            throw new Misfit("record " + record.number() + " of the spool is of no form that is known here");
        }
    }

    private AppendSpooledRequest request(List<SpooledRecord> records) {
        AppendSpooledRequest.Builder request = AppendSpooledRequest.newBuilder()
                .setTenant(tenant.value())
                .setSpoolId(queue.id())
                .addAllRecords(records)
                .setHighestNumber(queue.last());
        if (!records.isEmpty()) {
            request.setPreviousHash(hashBefore(records.getFirst().getNumber()))
                    .setLastHash(hashBefore(records.getLast().getNumber() + 1));
        }
        return request.build();
    }

    private ByteString hashBefore(long number) {
        return ByteString.copyFrom(queue.hashBefore(number).bytes());
    }

    /** Goes on where the ledger stands. */
    private void follow(AppendSpooledResponse answer) throws Misfit {
        long next = answer.getNextNumber();
        long forwarded = queue.forwarded();
        requireFit(next, answer.getLastHash());
        if (next - 1 < forwarded) {
            metrics.rewound();
            LOG.warn(
                    "the ledger of {} has lost records {} to {} of the spool, which it had: they are sent again",
                    tenant,
                    next,
                    forwarded);
        } else {
            metrics.forwarded(next - 1 - forwarded);
        }
        if (answer.getLastHash().isEmpty() && next - 1 > forwarded) {
            LOG.warn(
                    "the ledger of {} takes no records {} to {}: they were declared lost",
                    tenant,
                    forwarded + 1,
                    next - 1);
        }
        queue.forwarded(next - 1);
        failures = 0;
        recovered();
    }

    private void requireFit(long next, ByteString lastHash) throws Misfit {
        if (next < queue.first()) {
            throw new Misfit("the ledger expects record " + next + " of the spool, and the oldest that is kept is "
                    + queue.first() + ": what it had before is lost");
        }
        if (next - 1 > queue.last()) {
            throw new Misfit("the ledger has record " + (next - 1) + " of the spool, which ends at " + queue.last()
                    + ": the spool is an older copy, or used twice");
        }
        if (!lastHash.isEmpty() && !Digest.of(lastHash.toByteArray()).equals(queue.hashBefore(next))) {
            throw new Misfit("the ledger has another record " + (next - 1)
                    + " of the spool: the spool is a copy, or was changed");
        }
    }

    private void recovered() {
        long forwarded = queue.forwarded();
        List<Waiting> done = new ArrayList<>();
        synchronized (guard) {
            cutOff = null;
            stopped = null;
            inVain = null;
            waiting.removeIf(it -> it.number <= forwarded && done.add(it));
        }
        done.forEach(it -> it.done.complete(null));
    }

    private Pause failed(StatusRuntimeException e) {
        metrics.failure();
        String said = said(e);
        synchronized (guard) {
            cutOff = said;
        }
        giveUpWaiting("the ledger cannot be reached for what is spooled before: " + said);
        long millis = Math.min(LONGEST_PAUSE.toMillis(), FIRST_PAUSE.toMillis() << Math.min(failures, MAX_DOUBLINGS));
        failures++;
        // Half of it at random, so that sidecars that were cut off together do not come back together.
        return new Pause(Duration.ofMillis((long) (millis * (0.5 + random.getAsDouble() / 2))), false);
    }

    private Pause refused(StatusRuntimeException e) {
        metrics.refusal();
        return stop((queue.depth() == 0
                        ? "the ledger does not say where it stands with the spool: "
                        : "the ledger refuses record " + (queue.forwarded() + 1) + " of the spool: ")
                + said(e));
    }

    /** Whatever it was, the thread that steps goes on: it is tried again, and those who wait are told. */
    private Pause broken(Throwable bug) {
        metrics.failure();
        LOG.error("forwarding of tenant {} failed", tenant, bug);
        return stop("forwarding failed: " + bug);
    }

    private Pause stop(String why) {
        boolean news;
        synchronized (guard) {
            news = !why.equals(stopped);
            stopped = why;
        }
        if (news) {
            LOG.error("nothing of tenant {} is forwarded until somebody acts: {}", tenant, why);
        }
        giveUpWaiting(why);
        askedAt = null;
        return new Pause(STOPPED_PAUSE, false);
    }

    private static String said(StatusRuntimeException e) {
        String description = e.getStatus().getDescription();
        return e.getStatus().getCode() + (description == null ? "" : ": " + description);
    }

    private void giveUpWaiting(String why) {
        List<Waiting> given;
        synchronized (guard) {
            given = List.copyOf(waiting);
            waiting.clear();
            inVain = new InVain(clock.instant(), why);
        }
        given.forEach(it -> it.done.completeExceptionally(unavailable(why)));
    }

    private static LedgerUnavailableException unavailable(String why) {
        return new LedgerUnavailableException(why, null);
    }

    /**
     * Completes when the ledger has everything that was spooled so far; exceptionally where it does not get it now, or did not
     * a moment ago: each who waits has the ledger asked, and many do not have it asked all the time.
     */
    CompletableFuture<Void> whenForwarded() {
        long last = queue.last();
        CompletableFuture<Void> done = new CompletableFuture<>();
        synchronized (guard) {
            if (queue.forwarded() >= last) {
                return CompletableFuture.completedFuture(null);
            }
            if (inVain != null && inVain.at.plus(IN_VAIN_FOR).isAfter(clock.instant())) {
                return CompletableFuture.failedFuture(unavailable(inVain.why));
            }
            waiting.add(new Waiting(last, done));
        }
        return done;
    }

    /** Why an operator must act; empty where nobody must. */
    Optional<String> complaint() {
        Optional<String> damage = queue.complaint();
        synchronized (guard) {
            return damage.or(() -> Optional.ofNullable(stopped));
        }
    }

    /** What was said when the ledger was last asked in vain; empty where it answers. */
    Optional<String> cutOff() {
        synchronized (guard) {
            return Optional.ofNullable(cutOff);
        }
    }

    /** The ledger and the queue do not fit each other. */
    private static final class Misfit extends Exception {

        private static final long serialVersionUID = 1;

        Misfit(String message) {
            super(message);
        }
    }
}
