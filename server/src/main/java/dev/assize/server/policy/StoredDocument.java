package dev.assize.server.policy;

import java.util.List;

/**
 * A document as it is stored: a text that nobody has read yet.
 *
 * @param yaml as {@link DocumentText#write} wrote it
 * @param file where it stood when it was applied, empty where unknown
 * @param lines as {@link DocumentText#lines} gave them then
 */
public record StoredDocument(DocumentKey key, String yaml, String file, List<Integer> lines) {

    public StoredDocument {
        lines = List.copyOf(lines);
    }
}
