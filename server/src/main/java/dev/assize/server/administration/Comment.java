package dev.assize.server.administration;

import dev.assize.server.model.Recorder;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What somebody said to a request for approval, or to a proposal, without deciding it: a question, or the answer to one.
 *
 * @param author whose words they are, and its home
 * @param saidBy the caller
 * @param text 1 to 1,024 bytes
 * @param idempotencyKey null where a retry is not to be recognised
 */
public record Comment(
        Recorder author,
        Recorder saidBy,
        String text,
        Instant at,
        @Nullable String idempotencyKey) {

    /** Of one request or proposal. */
    public static final int MOST = 100;

    /** What was said under this key before; empty without one. */
    static Optional<Comment> earlier(List<Comment> comments, Recorder saidBy, @Nullable String idempotencyKey) {
        return idempotencyKey == null
                ? Optional.empty()
                : comments.stream()
                        .filter(comment ->
                                comment.saidBy.equals(saidBy) && idempotencyKey.equals(comment.idempotencyKey))
                        .findFirst();
    }

    /** How much was said in all of them; about as many bytes. */
    static int bytes(List<Comment> comments) {
        return comments.stream().mapToInt(comment -> comment.text.length()).sum();
    }

    boolean says(Recorder somebody, String words) {
        return author.equals(somebody) && text.equals(words);
    }
}
