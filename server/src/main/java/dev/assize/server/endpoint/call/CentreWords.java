package dev.assize.server.endpoint.call;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.ErrorInfo;
import dev.assize.server.upstream.CentreUnavailableException;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/** What a centre says where it does not answer, for doors that speak another protocol and say it in theirs. */
final class CentreWords {

    private static final Duration SOON = Duration.ofSeconds(1);

    private CentreWords() {}

    /**
     * What the centre answers. What it refuses is refused here under its reason.
     *
     * @throws CentreUnavailableException where it cannot be asked, or does not say why it refuses
     * @throws IllegalStateException where it fails over the question
     */
    static <R> R of(Supplier<R> question) {
        try {
            return question.get();
        } catch (StatusRuntimeException said) {
            throw refused(said);
        } catch (CentreUnavailableException failure) {
            throw isBug(failure) ? new IllegalStateException("The centre failed over a question", failure) : failure;
        }
    }

    private static RuntimeException refused(StatusRuntimeException said) {
        Status status = said.getStatus();
        if (status.getCode() == Status.Code.CANCELLED) {
            return said;
        }
        com.google.rpc.Status details = StatusProto.fromThrowable(said);
        return Optional.ofNullable(details)
                .flatMap(known -> reason(known.getDetailsList()))
                .<RuntimeException>map(reason -> refused(reason, String.valueOf(status.getDescription())))
                .orElseGet(() -> new CentreUnavailableException("the centre says: " + status.getCode(), said));
    }

    /**
     * What it says of one question of many.
     *
     * @throws IllegalStateException where it does not say why, which is a bug there
     */
    static RefusedException refused(com.google.rpc.Status said) {
        return reason(said.getDetailsList())
                .map(reason -> refused(reason, said.getMessage()))
                .orElseThrow(() -> new IllegalStateException("The centre failed over a question: " + said));
    }

    private static RefusedException refused(ErrorReason reason, String description) {
        String message = "the centre says: " + description;
        return switch (reason.code()) {
            case UNAVAILABLE, RESOURCE_EXHAUSTED -> RefusedException.retry(reason, message, SOON);
            default -> RefusedException.of(reason, message, Map.of());
        };
    }

    private static Optional<ErrorReason> reason(List<Any> details) {
        return details.stream()
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
