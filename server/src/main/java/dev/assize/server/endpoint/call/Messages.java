package dev.assize.server.endpoint.call;

import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.Message;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/** Messages as bytes to recognise them by. */
public final class Messages {

    private Messages() {}

    /** The same bytes for the same message, whose maps have no order of their own on the wire; never those of another. */
    public static byte[] bytes(Message message) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try {
            bytes.write(message.getDescriptorForType().getFullName().getBytes(StandardCharsets.UTF_8));
            bytes.write(0);
            CodedOutputStream out = CodedOutputStream.newInstance(bytes);
            out.useDeterministicSerialization();
            message.writeTo(out);
            out.flush();
        } catch (IOException impossible) {
            throw new UncheckedIOException(impossible);
        }
        return bytes.toByteArray();
    }
}
