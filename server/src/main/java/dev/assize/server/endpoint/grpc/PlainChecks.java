package dev.assize.server.endpoint.grpc;

import com.google.inject.Inject;
import dev.assize.proto.v1.Detail;
import dev.assize.server.authentication.Caller;
import dev.assize.server.decision.DecisionService;
import dev.assize.server.decision.Desk;
import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.CheckBytes;
import dev.assize.server.decision.evaluate.NameBytes;
import dev.assize.server.endpoint.call.AnswersOnRecord;
import dev.assize.server.endpoint.call.CallContext;
import dev.assize.server.endpoint.call.DecisionIds;
import dev.assize.server.endpoint.call.Elsewhere;
import dev.assize.server.endpoint.call.Gate;
import dev.assize.server.model.PlainNames;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.DecisionLog;
import dev.assize.server.prompt.Prompt;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Answers plain questions from their bytes to the bytes of their answers, at a desk of the engine, without a message, a
 * query or a string on the way. Whatever is not plain, is not decided there, or is not answered so, is null here: nothing
 * has come of it then, and it is asked as a message.
 */
final class PlainChecks {

    private final Gate gate;
    private final DecisionIds ids;
    private final AnswersOnRecord onRecord;
    private final Elsewhere elsewhere;

    /** One for each event loop. */
    private final ThreadLocal<Place> places;

    @Inject
    PlainChecks(DecisionService decisions, Gate gate, DecisionIds ids, AnswersOnRecord onRecord, Elsewhere elsewhere) {
        this.gate = gate;
        this.ids = ids;
        this.onRecord = onRecord;
        this.elsewhere = elsewhere;
        this.places = ThreadLocal.withInitial(() -> new Place(decisions.desk()));
    }

    /** A `CheckResponse` to a `CheckRequest`. */
    @Nullable
    MessageBytes check(CallContext call, MessageBytes request) {
        TenantId tenant = read(call, request.bytes(), 0, request.bytes().length);
        if (tenant == null) {
            return null;
        }
        gate.admit(call, tenant);
        return decide(call, tenant);
    }

    /** The tenant that a plain request on the event loop is about; away from it there is no desk that is worth its making. */
    @Nullable
    TenantId read(CallContext call, byte[] bytes, int from, int to) {
        if (!Prompt.isRequired() || isLimited(call.caller())) {
            return null;
        }
        Place place = places.get();
        PlainQuestion question = place.question;
        return question.read(bytes, from, to)
                ? place.tenants.of(bytes, question.tenantOffset(), question.tenantLength())
                : null;
    }

    /** A `CheckResponse` to what this thread has read last, once the call is admitted to the tenant. */
    @Nullable
    MessageBytes decide(CallContext call, TenantId tenant) {
        Place place = places.get();
        CheckBytes names = place.question.names();
        try (Desk desk = place.desk) {
            if (!desk.open(names) || isAwaited(desk.decisionLog()) || !desk.decide(names)) {
                return null;
            }
            DecisionLog log = desk.decisionLog();
            boolean recorded = log.covers(desk.reason().isAllow());
            if (recorded && elsewhere.isThere()) {
                desk.abandon();
                return null;
            }
            boolean minimal = place.question.detailOr(Detail.DETAIL_FULL_VALUE) == Detail.DETAIL_MINIMAL_VALUE;
            if (minimal && !recorded) {
                return AnswerWriter.minimal(desk.reason());
            }
            String id = ids.next();
            Answer answer = desk.answer();
            if (recorded) {
                pen(place).put(call, tenant, id, names, answer);
            }
            return minimal
                    ? AnswerWriter.minimal(answer.reason())
                    : new AnswerWriter(answer, id, Detail.DETAIL_FULL).response();
        }
    }

    /** Made where one is needed first: most threads of most servers never do. */
    private AnswersOnRecord.Pen pen(Place place) {
        AnswersOnRecord.Pen pen = place.pen;
        if (pen == null) {
            pen = onRecord.pen();
            place.pen = pen;
        }
        return pen;
    }

    /** A `CheckBatchResponse` to a `CheckBatchRequest`. */
    @Nullable
    MessageBytes batch(CallContext call, MessageBytes request) {
        if (isLimited(call.caller())) {
            return null;
        }
        byte[] bytes = request.bytes();
        Place place = places.get();
        PlainBatch batch = place.batch;
        if (!batch.read(bytes)) {
            return null;
        }
        TenantId tenant = place.tenants.of(bytes, batch.tenantOffset(), batch.tenantLength());
        if (tenant == null) {
            return null;
        }
        gate.admit(call, tenant);
        if (batch.size() > BatchCheck.PROMPT_ITEMS) {
            Prompt.requireTime();
        }
        return decideAll(place, bytes);
    }

    private @Nullable MessageBytes decideAll(Place place, byte[] bytes) {
        PlainBatch batch = place.batch;
        try (Desk desk = place.desk) {
            boolean opened = false;
            BatchWriter answers = new BatchWriter(batch.size());
            for (int i = 0; i < batch.size(); i++) {
                PlainQuestion question = place.question;
                if (!batch.readItem(i, bytes, question)) {
                    desk.abandon();
                    return null;
                }
                if (!opened) {
                    if (!desk.open(question.names()) || desk.decisionLog().mode() != DecisionLog.Mode.NONE) {
                        return null;
                    }
                    opened = true;
                }
                if (!desk.decide(question.names())) {
                    desk.abandon();
                    return null;
                }
                if (question.detailOr(batch.detail()) == Detail.DETAIL_MINIMAL_VALUE) {
                    answers.minimal(desk.reason());
                } else {
                    answers.answer(desk.answer(), ids.next(), Detail.DETAIL_FULL);
                }
            }
            return answers.bytes();
        }
    }

    /** Whether what the caller may ask about is to be held against the request, or its call to be recorded. */
    private static boolean isLimited(Caller caller) {
        return caller.breakGlass() || !caller.envs().isEmpty();
    }

    private static boolean isAwaited(DecisionLog log) {
        return log.mode() != DecisionLog.Mode.NONE && log.acknowledge() == DecisionLog.Acknowledge.BEFORE;
    }

    /** What one thread works with. */
    private static final class Place {

        private final Desk desk;
        private final PlainQuestion question = new PlainQuestion();
        private final PlainBatch batch = new PlainBatch();
        private final Tenants tenants = new Tenants();
        private AnswersOnRecord.@Nullable Pen pen;

        Place(Desk desk) {
            this.desk = desk;
        }
    }

    /** Names of tenants met lately: to read one takes long beside a decision. */
    private static final class Tenants {

        private static final int SLOTS = 256;

        private final byte[][] names = new byte[SLOTS][];
        private final @Nullable TenantId[] tenants = new TenantId[SLOTS];

        /** Null where it is none. */
        @Nullable
        TenantId of(byte[] bytes, int offset, int length) {
            int slot = slot(bytes, offset, length);
            byte[] name = names[slot];
            return name != null && Arrays.equals(name, 0, name.length, bytes, offset, offset + length)
                    ? tenants[slot]
                    : read(slot, bytes, offset, length);
        }

        private @Nullable TenantId read(int slot, byte[] bytes, int offset, int length) {
            if (!PlainNames.isTenant(bytes, offset, length)) {
                return null;
            }
            TenantId read = new TenantId(new String(bytes, offset, length, StandardCharsets.US_ASCII));
            names[slot] = Arrays.copyOfRange(bytes, offset, offset + length);
            tenants[slot] = read;
            return read;
        }

        private static int slot(byte[] bytes, int offset, int length) {
            int hash = NameBytes.hash(bytes, offset, length);
            return (hash ^ hash >>> 8) & SLOTS - 1;
        }
    }
}
