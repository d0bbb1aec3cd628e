package dev.assize.benchmarks.load;

import dev.assize.benchmarks.load.BareServer.Answers;
import dev.assize.proto.v1.DecisionServiceGrpc;
import io.grpc.Drainable;
import io.grpc.KnownLength;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.Marshaller;
import io.grpc.ServerCall;
import io.grpc.ServerServiceDefinition;
import io.grpc.ServiceDescriptor;
import io.grpc.Status;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;

/** The no-op's handlers: a request is bytes whose fields are found, and an answer is bytes that are there already. */
final class BareService {

    private static final Marshaller<byte[]> BYTES = new Bytes();

    private final Answers answers;
    private int sink;

    BareService(Answers answers) {
        this.answers = answers;
    }

    ServerServiceDefinition definition() {
        MethodDescriptor<byte[], byte[]> check = asBytes(DecisionServiceGrpc.getCheckMethod());
        MethodDescriptor<byte[], byte[]> batch = asBytes(DecisionServiceGrpc.getCheckBatchMethod());
        MethodDescriptor<byte[], byte[]> stream = asBytes(DecisionServiceGrpc.getCheckStreamMethod());
        ServiceDescriptor service = ServiceDescriptor.newBuilder(DecisionServiceGrpc.SERVICE_NAME)
                .addMethod(check)
                .addMethod(batch)
                .addMethod(stream)
                .build();
        return ServerServiceDefinition.builder(service)
                .addMethod(
                        check,
                        ServerCalls.asyncUnaryCall((request, observer) -> answer(request, answers.check(), observer)))
                .addMethod(
                        batch,
                        ServerCalls.asyncUnaryCall((request, observer) -> answer(request, answers.batch(), observer)))
                .addMethod(stream, ServerCalls.asyncBidiStreamingCall(this::stream))
                .build();
    }

    /** The same where unary calls have no handler of gRPC's between them and the answer. */
    ServerServiceDefinition handledByItself() {
        MethodDescriptor<byte[], byte[]> check = asBytes(DecisionServiceGrpc.getCheckMethod());
        MethodDescriptor<byte[], byte[]> batch = asBytes(DecisionServiceGrpc.getCheckBatchMethod());
        ServiceDescriptor service = ServiceDescriptor.newBuilder(DecisionServiceGrpc.SERVICE_NAME)
                .addMethod(check)
                .addMethod(batch)
                .build();
        return ServerServiceDefinition.builder(service)
                .addMethod(check, (call, _) -> handled(call, answers.check()))
                .addMethod(batch, (call, _) -> handled(call, answers.batch()))
                .build();
    }

    private ServerCall.Listener<byte[]> handled(ServerCall<byte[], byte[]> call, byte[] answer) {
        call.request(1);
        return new ServerCall.Listener<>() {
            @Override
            public void onMessage(byte[] request) {
                look(request, 0, request.length, false);
            }

            @Override
            public void onHalfClose() {
                call.sendHeaders(new Metadata());
                call.sendMessage(answer);
                call.close(Status.OK, new Metadata());
            }
        };
    }

    private void answer(byte[] request, byte[] answer, StreamObserver<byte[]> observer) {
        look(request, 0, request.length, false);
        observer.onNext(answer);
        observer.onCompleted();
    }

    private StreamObserver<byte[]> stream(StreamObserver<byte[]> observer) {
        return new StreamObserver<>() {
            @Override
            public void onNext(byte[] request) {
                look(request, 0, request.length, false);
                observer.onNext(answers.streamed());
            }

            @Override
            public void onError(Throwable failure) {
                // The client is gone.
            }

            @Override
            public void onCompleted() {
                observer.onCompleted();
            }
        };
    }

    /** Finds each field, and those of the messages inside that hold a check. */
    private void look(byte[] bytes, int begin, int end, boolean isCheck) {
        for (int at = begin; at < end; ) {
            int tag = bytes[at++] & 0xff;
            int length = 0;
            for (int shift = 0; ; shift += 7) {
                int value = bytes[at++];
                length |= (value & 0x7f) << shift;
                if (value >= 0) {
                    break;
                }
            }
            if ((tag & 7) == 2) {
                // In a Check these are its names; in a batch the items have number 3, in a stream's request the check
                // has 2.
                boolean isInside = !isCheck && length > 0 && bytes[at] == 0x0a;
                if (isInside) {
                    look(bytes, at, at + length, true);
                }
                sink += length > 0 ? bytes[at] : 0;
                at += length;
            }
        }
    }

    @Override
    public String toString() {
        return "BareService[" + sink + "]";
    }

    private static MethodDescriptor<byte[], byte[]> asBytes(MethodDescriptor<?, ?> method) {
        return method.toBuilder(BYTES, BYTES).build();
    }

    private static final class Bytes implements Marshaller<byte[]> {

        @Override
        public InputStream stream(byte[] message) {
            return new Message(message);
        }

        @Override
        public byte[] parse(InputStream stream) {
            try {
                byte[] bytes = new byte[stream.available()];
                int read = stream.readNBytes(bytes, 0, bytes.length);
                return read == bytes.length ? bytes : stream.readAllBytes();
            } catch (IOException broken) {
                throw Status.INTERNAL.withCause(broken).asRuntimeException();
            }
        }
    }

    /** Knows how long it is, and writes itself as a whole. */
    private static final class Message extends ByteArrayInputStream implements Drainable, KnownLength {

        Message(byte[] bytes) {
            super(bytes);
        }

        @Override
        public int drainTo(OutputStream target) throws IOException {
            int length = count - pos;
            target.write(buf, pos, length);
            pos = count;
            return length;
        }
    }
}
