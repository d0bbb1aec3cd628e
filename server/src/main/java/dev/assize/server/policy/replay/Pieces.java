package dev.assize.server.policy.replay;

import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.StoredDocument;
import java.util.ArrayList;
import java.util.List;

/** A document while it is put together from pieces; at most a document before and after is in memory. */
final class Pieces {

    final DocumentKey key;
    final long seq;
    final StringBuilder before = new StringBuilder();
    final StringBuilder after = new StringBuilder();
    final List<Integer> lines = new ArrayList<>();
    private String file = "";

    Pieces(DocumentKey key, long seq) {
        this.key = key;
        this.seq = seq;
    }

    /** @param text the member that holds the document as it is */
    void add(Told piece, String text) throws ReplayException {
        before.append(piece.textOrEmpty("before"));
        after.append(piece.textOrEmpty(text));
        if (piece.has("file")) {
            file = piece.text("file");
        }
        lines.addAll(piece.lines());
    }

    StoredDocument document() {
        return new StoredDocument(key, after.toString(), file, lines);
    }
}
