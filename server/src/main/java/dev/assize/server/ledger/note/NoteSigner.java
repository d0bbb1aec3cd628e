package dev.assize.server.ledger.note;

import java.nio.charset.StandardCharsets;

/** Signs texts as notes (C2SP signed-note), and checkpoints as a witness that saw them (C2SP tlog-cosignature). */
public final class NoteSigner {

    /** An em dash and a space: how a line with a signature begins. */
    static final String DASH = "\u2014 ";

    private final SigningKey key;

    public NoteSigner(SigningKey key) {
        this.key = key;
    }

    public VerifierKey verifierKey() {
        return key.verifierKey();
    }

    /** The note: the text, an empty line, the signature. */
    public String sign(String text) {
        require(SignatureType.NOTE);
        return requireText(text) + "\n" + key.line(key.sign(utf8(text)));
    }

    /** The line with which a witness says that it saw a checkpoint at that time. */
    public String cosign(CheckpointText checkpoint, long epochSecond) {
        return cosign(checkpoint.text(), epochSecond);
    }

    /** The same for the text of any log's checkpoint, which may have further lines. */
    public String cosign(String text, long epochSecond) {
        require(SignatureType.COSIGNATURE);
        if (epochSecond < 0) {
            throw new IllegalArgumentException("no time before 1970: " + epochSecond);
        }
        return key.line(Cosignature.of(epochSecond, key.sign(Cosignature.message(requireText(text), epochSecond))));
    }

    private void require(SignatureType type) {
        if (verifierKey().type() != type) {
            throw new IllegalStateException("`" + verifierKey() + "` does not sign as " + type);
        }
    }

    private static String requireText(String text) {
        boolean clean = text.endsWith("\n") && text.chars().allMatch(c -> c >= ' ' || c == '\n');
        if (!clean || !StandardCharsets.UTF_8.newEncoder().canEncode(text)) {
            throw new MalformedNoteException("a note is UTF-8 without control characters, its last line ended");
        }
        return text;
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
