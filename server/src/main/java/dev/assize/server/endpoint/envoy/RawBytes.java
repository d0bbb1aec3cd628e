package dev.assize.server.endpoint.envoy;

import io.grpc.MethodDescriptor.Marshaller;
import io.grpc.Status;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;

/** Messages as they come from the transport. */
final class RawBytes implements Marshaller<byte[]> {

    @Override
    public InputStream stream(byte[] message) {
        return new ByteArrayInputStream(message);
    }

    @Override
    public byte[] parse(InputStream stream) {
        try {
            return stream.readAllBytes();
        } catch (IOException broken) {
            throw Status.INTERNAL
                    .withDescription("the message cannot be read")
                    .withCause(broken)
                    .asRuntimeException();
        }
    }
}
