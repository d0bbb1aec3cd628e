package dev.assize.server.endpoint.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.rpc.BadRequest;
import com.google.rpc.Code;
import com.google.rpc.ErrorInfo;
import com.google.rpc.Status;
import dev.assize.server.endpoint.call.ErrorReason;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.util.List;
import java.util.Optional;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;

/** A status as a client gets it, opened. */
record Refusal(Status status) {

    static Refusal of(ThrowingCallable call) {
        StatusRuntimeException thrown = catchThrowableOfType(StatusRuntimeException.class, call);
        assertThat(thrown).as("a refusal").isNotNull();
        Status status = StatusProto.fromThrowable(thrown);
        return new Refusal(status == null ? Status.getDefaultInstance() : status);
    }

    /** Of a call that is refused just before its deadline: asked again where the refusal came too late to be heard. */
    static Refusal inTime(ThrowingCallable call) {
        Refusal refusal = of(call);
        for (int again = 0; again < 30 && refusal.status.getCode() == Code.DEADLINE_EXCEEDED_VALUE; again++) {
            refusal = of(call);
        }
        return refusal;
    }

    Refusal is(ErrorReason reason) {
        assertThat(status.getMessage()).isNotBlank();
        ErrorInfo info = detail(ErrorInfo.class).orElseThrow(() -> new AssertionError("no ErrorInfo: " + status));
        assertThat(info.getReason()).as(status.getMessage()).isEqualTo(reason.name());
        assertThat(info.getDomain()).isEqualTo("assize.dev");
        assertThat(status.getCode()).isEqualTo(reason.code().value());
        return this;
    }

    Refusal naming(String field) {
        assertThat(fields()).as(status.getMessage()).contains(field);
        assertThat(status.getMessage()).contains(field);
        return this;
    }

    Refusal saying(String part) {
        assertThat(status.getMessage()).contains(part);
        return this;
    }

    List<String> fields() {
        return detail(BadRequest.class).stream()
                .flatMap(bad -> bad.getFieldViolationsList().stream())
                .map(BadRequest.FieldViolation::getField)
                .toList();
    }

    <M extends Message> Optional<M> detail(Class<M> type) {
        for (Any any : status.getDetailsList()) {
            if (any.is(type)) {
                try {
                    return Optional.of(any.unpack(type));
                } catch (InvalidProtocolBufferException e) {
                    throw new AssertionError(e);
                }
            }
        }
        return Optional.empty();
    }
}
