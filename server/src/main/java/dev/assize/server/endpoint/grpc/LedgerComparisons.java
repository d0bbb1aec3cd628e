package dev.assize.server.endpoint.grpc;

import com.google.inject.Inject;
import dev.assize.proto.v1.AnswerChange;
import dev.assize.proto.v1.ApplyPolicyHeader;
import dev.assize.proto.v1.ApplyPolicyResponse;
import dev.assize.proto.v1.DecisionFlip;
import dev.assize.proto.v1.LedgerComparison;
import dev.assize.server.access.Permission;
import dev.assize.server.administration.ChangeResult.Compared;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.check.CheckQuery.Delegator;
import dev.assize.server.decision.impact.Impact;
import dev.assize.server.decision.impact.LedgerImpact;
import dev.assize.server.decision.impact.LedgerImpact.Flip;
import dev.assize.server.endpoint.call.CallContext;
import dev.assize.server.endpoint.call.Deadlines;
import dev.assize.server.endpoint.call.ErrorReason;
import dev.assize.server.endpoint.call.Fields;
import dev.assize.server.endpoint.call.Gate;
import dev.assize.server.endpoint.call.RefusedException;
import dev.assize.server.model.TenantId;
import dev.assize.server.recording.RecordedRequests;
import dev.assize.server.recording.RecordedRequests.Read;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/** Puts decisions on record to a policy that is only proposed. */
final class LedgerComparisons {

    static final Duration LONGEST = Duration.ofDays(31);

    /** At a time on a node: each compiles two policies. */
    static final int SLOTS = 2;

    /** Bytes of flips in one answer. */
    static final int FLIP_BYTES = 1 << 20;

    private static final Duration RETRY_AFTER = Duration.ofSeconds(10);

    private final RecordedRequests requests;
    private final Gate gate;
    private final InstantSource clock;
    private final Semaphore free = new Semaphore(SLOTS);

    @Inject
    LedgerComparisons(RecordedRequests requests, Gate gate, InstantSource clock) {
        this.requests = requests;
        this.gate = gate;
        this.clock = clock;
    }

    /** The period that a header asks about; null where it asks about none. */
    @Nullable
    Duration period(ApplyPolicyHeader header) {
        if (!header.hasAgainstLedger()) {
            return null;
        }
        long seconds = header.getAgainstLedger().getSeconds();
        int nanos = header.getAgainstLedger().getNanos();
        boolean fits = seconds >= 0 && seconds <= LONGEST.toSeconds() && nanos >= 0 && (seconds > 0 || nanos > 0);
        Duration period = fits ? Duration.ofSeconds(seconds, nanos) : Duration.ZERO;
        if (!fits || period.compareTo(LONGEST) > 0) {
            throw RefusedException.invalid(
                    "header.against_ledger",
                    seconds + " s, " + nanos + " ns",
                    "more than 0 and at most " + LONGEST.toDays() + " days");
        }
        if (!header.getDryRun()) {
            throw RefusedException.invalid("header.against_ledger", period.toString(), "nothing without `dry_run`");
        }
        return period;
    }

    /** The answer to a dry run, with what the decisions of a period would have been. */
    ApplyPolicyResponse addTo(ApplyPolicyResponse answer, Compared compared, Duration period) {
        compared.impacts().forEach(impact -> gate.require(impact.tenant(), Permission.READ_DECISIONS));
        if (!free.tryAcquire()) {
            throw RefusedException.retry(
                    ErrorReason.VERIFIER_BUSY,
                    SLOTS + " comparisons with decisions on record are under way on this node, which is as many as it"
                            + " runs at a time",
                    RETRY_AFTER);
        }
        try {
            ApplyPolicyResponse.Builder whole = answer.toBuilder();
            Room room = new Room();
            for (Impact impact : compared.impacts()) {
                Deadlines.requireListener();
                whole.addAgainstLedger(compare(impact, clock.instant(), period, room));
            }
            return whole.build();
        } finally {
            free.release();
        }
    }

    private LedgerComparison compare(Impact impact, Instant now, Duration period, Room room) {
        TenantId tenant = impact.tenant();
        Instant from = now.minus(period);
        Read read = requests.read(tenant, from, CallContext.current().caller().envs());
        LedgerImpact found = LedgerImpact.of(impact.before(), impact.after(), read.requests(), now);
        LedgerComparison.Builder wire = LedgerComparison.newBuilder()
                .setTenant(tenant.value())
                .setFrom(Fields.timestamp(from))
                .setDecisions(read.decisions())
                .setComplete(read.complete())
                .setRequests(read.requests().size())
                .setFlipCount(found.flipCount())
                .setFlipped(found.flipped())
                .setOpen(found.open())
                .setMoved(found.moved())
                .setOutside(found.outside())
                .setUnreadable(read.unreadable());
        found.flips().stream()
                .map(LedgerComparisons::wire)
                .takeWhile(room::takes)
                .forEach(wire::addFlips);
        return wire.build();
    }

    private static DecisionFlip wire(Flip flip) {
        CheckQuery query = flip.request().query();
        DecisionFlip.Builder wire = DecisionFlip.newBuilder()
                .setChange(AnswerChange.newBuilder()
                        .setSubject(query.subject().toString())
                        .setSubjectTenant(query.subjectTenant().value())
                        .setAction(query.action().value())
                        .setResource(query.resource().value())
                        .setEnv(query.env().value())
                        .setRunId(query.runId() == null ? "" : query.runId())
                        .setFrom(ImpactTranslator.outlook(flip.from()))
                        .setTo(ImpactTranslator.outlook(flip.to())))
                .setAllowed(flip.request().allowed())
                .setDenied(flip.request().denied())
                .setDecisionId(flip.request().lastId());
        Delegator delegator = query.onBehalfOf();
        if (delegator != null) {
            wire.setOnBehalfOf(delegator.subject().toString())
                    .setOnBehalfOfTenant(delegator.home().value());
        }
        return wire.build();
    }

    /** What is left for flips in one answer. */
    private static final class Room {

        private int bytesLeft = FLIP_BYTES;

        boolean takes(DecisionFlip flip) {
            bytesLeft -= flip.getSerializedSize();
            return bytesLeft >= 0;
        }
    }
}
