package dev.assize.server.administration;

import dev.assize.server.model.Digest;
import org.jspecify.annotations.Nullable;

/**
 * What made a change.
 *
 * @param text as the manifest says it: `apply`, `freeze` and so on
 * @param once what tells a retry of the same request; null where nobody gave it a key
 */
public record ChangeOrigin(String text, @Nullable Once once) {

    public static final ChangeOrigin APPLY = new ChangeOrigin("apply", null);

    /**
     * A request that is to be carried out once.
     *
     * @param key of the caller's
     * @param content of the request, so that another one under the same key is not taken for a retry
     * @param name of the document that the first answer named
     */
    public record Once(String key, Digest content, String name) {}
}
