package dev.assize.server.endpoint.call;

import com.google.inject.Inject;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.ErrorInfo;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.server.decision.DecisionService;
import dev.assize.server.decision.FactsElsewhereException;
import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.endpoint.call.AnswersOnRecord.Given;
import dev.assize.server.upstream.CentreUnavailableException;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * One question of a door that speaks another protocol: decided and put on record here, or, where this node is a sidecar that
 * must not answer it by itself, at its centre.
 */
public final class DecisionsOnRecord {

    private final DecisionService decisions;
    private final AnswersOnRecord onRecord;
    private final DecisionIds ids;
    private final Elsewhere elsewhere;
    private final InstantSource clock;

    @Inject
    public DecisionsOnRecord(
            DecisionService decisions,
            AnswersOnRecord onRecord,
            DecisionIds ids,
            Elsewhere elsewhere,
            InstantSource clock) {
        this.decisions = decisions;
        this.onRecord = onRecord;
        this.ids = ids;
        this.elsewhere = elsewhere;
        this.clock = clock;
    }

    /** The answer, which is on record where the tenant wants that. */
    public Given decide(CheckQuery query) {
        onRecord.requireTimeToWait(query.tenant());
        Deadlines.requireListener();
        try {
            return decideHere(query);
        } catch (FactsElsewhereException theirs) {
            return ask(query);
        }
    }

    /** What is to go on record a sidecar has nowhere to put, and it is asked at the centre. */
    private Given decideHere(CheckQuery query) {
        Answer answer = decisions.evaluate(query);
        Given given = onRecord.given(ids.next(), query, answer);
        onRecord.put(query.tenant(), List.of(given));
        return given;
    }

    private Given ask(CheckQuery query) {
        try {
            CheckResponse response = elsewhere.check(CheckMessages.request(query), query.tenant());
            return new Given(response.getDecisionId(), clock.instant(), query, CheckMessages.answer(response));
        } catch (StatusRuntimeException said) {
            throw refused(said);
        } catch (CentreUnavailableException failure) {
            throw isBug(failure) ? new IllegalStateException("The centre failed over a question", failure) : failure;
        }
    }

    /** What the centre refuses is refused here under its reason. */
    private static RuntimeException refused(StatusRuntimeException said) {
        Status status = said.getStatus();
        if (status.getCode() == Status.Code.CANCELLED) {
            return said;
        }
        return reason(said)
                .<RuntimeException>map(
                        reason -> RefusedException.of(reason, "the centre says: " + status.getDescription(), Map.of()))
                .orElseGet(() -> new CentreUnavailableException("the centre says: " + status.getCode(), said));
    }

    private static Optional<ErrorReason> reason(StatusRuntimeException said) {
        com.google.rpc.Status status = StatusProto.fromThrowable(said);
        if (status == null) {
            return Optional.empty();
        }
        return status.getDetailsList().stream()
                .filter(detail -> detail.is(ErrorInfo.class))
                .map(detail -> {
                    try {
                        return detail.unpack(ErrorInfo.class).getReason();
                    } catch (InvalidProtocolBufferException unreadable) {
                        return "";
                    }
                })
                .flatMap(name -> Arrays.stream(ErrorReason.values())
                        .filter(known -> known.name().equals(name)))
                .findFirst();
    }

    /** Whoever asks can bring that about by what is asked, unlike a centre that is away. */
    private static boolean isBug(CentreUnavailableException failure) {
        return failure.getCause() instanceof StatusRuntimeException status
                && switch (status.getStatus().getCode()) {
                    case INTERNAL, UNKNOWN, DATA_LOSS -> true;
                    default -> false;
                };
    }
}
