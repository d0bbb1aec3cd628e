package dev.assize.server.ledger.note;

import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * The line that a witness adds to a checkpoint (C2SP tlog-cosignature).
 *
 * @param line its end included
 * @param epochSecond when it was made, as the witness says
 */
public record WitnessLine(String line, long epochSecond) {

    /**
     * The line of a witness among those that were answered; those of other keys are passed over.
     *
     * @param text of the checkpoint
     * @param lines each ended
     * @return empty where there is none of this key, or one that is false or without a time
     */
    public static Optional<WitnessLine> find(VerifierKey witness, CheckpointText text, String lines) {
        if (!lines.endsWith("\n") || lines.length() > NoteVerifier.MAX_BYTES) {
            return Optional.empty();
        }
        Optional<WitnessLine> found = Optional.empty();
        for (String line : lines.substring(0, lines.length() - 1).split("\n", -1)) {
            Optional<SignatureLine> signature = SignatureLine.parse(line);
            if (signature.isEmpty()) {
                return Optional.empty();
            }
            if (signature.get().isOf(witness)) {
                found = verified(witness, text, line, signature.get().bytes());
                if (found.isEmpty()) {
                    return Optional.empty();
                }
            }
        }
        return found;
    }

    private static Optional<WitnessLine> verified(VerifierKey witness, CheckpointText text, String line, byte[] bytes) {
        if (witness.type() != SignatureType.COSIGNATURE || !Cosignature.verifies(witness, text.text(), bytes)) {
            return Optional.empty();
        }
        long epochSecond = ByteBuffer.wrap(bytes).getLong();
        return epochSecond == 0 ? Optional.empty() : Optional.of(new WitnessLine(line + "\n", epochSecond));
    }
}
