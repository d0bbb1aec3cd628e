package dev.assize.server.policy.replay;

import dev.assize.server.model.Digest;
import dev.assize.server.policy.StoredDocument;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * What a replay keeps of a document: enough to tell whether another one is the same, whatever that is, in as few bytes.
 *
 * @param text of its yaml
 * @param place of the file and the lines at which it stood
 * @param seq of the entry with which it was told last
 */
public record Trace(Digest text, Digest place, long seq) {

    static Trace of(StoredDocument document, long seq) {
        return new Trace(text(document.yaml()), place(document), seq);
    }

    static Digest text(String yaml) {
        return Digest.sha256(yaml.getBytes(StandardCharsets.UTF_8));
    }

    /** How a document that is stored is not the one that was told. */
    public Difference to(StoredDocument stored) {
        if (!text.equals(text(stored.yaml()))) {
            return Difference.TEXT;
        }
        return place.equals(place(stored)) ? Difference.NONE : Difference.PLACE;
    }

    /** How two documents of one name are not the same. */
    public enum Difference {
        NONE,
        TEXT,
        PLACE
    }

    private static Digest place(StoredDocument document) {
        ByteBuffer lines = ByteBuffer.allocate(Integer.BYTES * document.lines().size());
        document.lines().forEach(lines::putInt);
        byte[] file = document.file().getBytes(StandardCharsets.UTF_8);
        return Digest.sha256(
                ByteBuffer.allocate(Integer.BYTES).putInt(file.length).array(), file, lines.array());
    }
}
