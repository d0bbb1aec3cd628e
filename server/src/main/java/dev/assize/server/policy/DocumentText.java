package dev.assize.server.policy;

import dev.assize.server.model.PolicyScope;
import java.util.List;

/** Documents as YAML in their one canonical layout: what is stored, exported and digested. */
@SuppressWarnings("DoNotCallSuggester")
public final class DocumentText {

    private DocumentText() {}

    /** The document in its canonical layout. */
    public static String write(Document document) {
        throw new UnsupportedOperationException(document.toString());
    }

    /**
     * Reads back what {@link #write} wrote.
     *
     * @param file where the document stood when it was applied, empty where unknown
     * @param lines what {@link #lines} gave then
     */
    public static Document readStored(PolicyScope scope, String yaml, String file, List<Integer> lines) {
        throw new UnsupportedOperationException(scope + yaml + file + lines);
    }

    /** The line at which the document stood, then those of its permissions. */
    public static List<Integer> lines(Document document) {
        throw new UnsupportedOperationException(document.toString());
    }
}
