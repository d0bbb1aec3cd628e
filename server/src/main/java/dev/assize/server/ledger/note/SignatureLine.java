package dev.assize.server.ledger.note;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Optional;

/** A line under a note: who claims to have signed, and the signature. */
record SignatureLine(String name, int id, byte[] bytes) {

    private static final int PARTS = 3;

    /** Reads a line without its end; empty where it is none. */
    static Optional<SignatureLine> parse(String line) {
        String[] parts = line.split(" ", -1);
        if (parts.length != PARTS || !(parts[0] + " ").equals(NoteSigner.DASH)) {
            return Optional.empty();
        }
        try {
            byte[] bytes = Encoding.base64(parts[2]);
            return bytes.length <= Integer.BYTES
                    ? Optional.empty()
                    : Optional.of(new SignatureLine(
                            parts[1],
                            ByteBuffer.wrap(bytes).getInt(),
                            Arrays.copyOfRange(bytes, Integer.BYTES, bytes.length)));
        } catch (MalformedNoteException e) {
            return Optional.empty();
        }
    }

    boolean isOf(VerifierKey key) {
        return id == key.id() && name.equals(key.name());
    }
}
