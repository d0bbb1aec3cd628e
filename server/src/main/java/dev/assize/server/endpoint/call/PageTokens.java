package dev.assize.server.endpoint.call;

import com.google.inject.Inject;
import dev.assize.server.authentication.Pepper;
import dev.assize.server.model.Limits;
import dev.assize.server.model.MalformedException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Base64;
import org.jspecify.annotations.Nullable;

/**
 * Page tokens: a position, signed together with the conditions it belongs to. A token that was changed, or that is
 * presented with other conditions, is refused; one of another node is as good.
 */
public final class PageTokens {

    private static final String PURPOSE = "assize/page-token";
    private static final int SIGNATURE_BYTES = 16;

    /** What may stand in a position before its name. */
    private static final int PREFIX_BYTES = 16;

    /** Of the longest name there is, a resource path. */
    private static final int OWN_LENGTH = (SIGNATURE_BYTES + PREFIX_BYTES + Limits.PATH_BYTES) * 4 / 3 + 4;

    /** A sidecar's positions are tokens of its centre. */
    private static final int MAX_LENGTH = (SIGNATURE_BYTES + PREFIX_BYTES + OWN_LENGTH) * 4 / 3 + 4;

    private final Pepper pepper;

    @Inject
    public PageTokens(Pepper pepper) {
        this.pepper = pepper;
    }

    /**
     * The token of a position.
     *
     * @param conditions everything but the page size that makes the list what it is, unambiguously
     */
    public String of(String position, byte[] conditions) {
        byte[] text = position.getBytes(StandardCharsets.UTF_8);
        byte[] token = Arrays.copyOf(signature(text, conditions), SIGNATURE_BYTES + text.length);
        System.arraycopy(text, 0, token, SIGNATURE_BYTES, text.length);
        return Base64.getUrlEncoder().withoutPadding().encodeToString(token);
    }

    /** The position behind which the page begins; null without a token. */
    @Nullable
    public String position(String token, byte[] conditions) {
        return position("page_token", token, conditions);
    }

    /** The same of a token in another field. */
    @Nullable
    public String position(String field, String token, byte[] conditions) {
        if (token.isEmpty()) {
            return null;
        }
        byte[] bytes = decode(field, token);
        byte[] text = bytes.length <= SIGNATURE_BYTES
                ? new byte[0]
                : Arrays.copyOfRange(bytes, SIGNATURE_BYTES, bytes.length);
        byte[] signature = Arrays.copyOf(bytes, SIGNATURE_BYTES);
        if (text.length == 0 || !MessageDigest.isEqual(signature, signature(text, conditions))) {
            throw refused(field, token);
        }
        return new String(text, StandardCharsets.UTF_8);
    }

    private byte[] signature(byte[] position, byte[] conditions) {
        byte[] message = Arrays.copyOf(conditions, conditions.length + position.length + Integer.BYTES);
        System.arraycopy(position, 0, message, conditions.length, position.length);
        // The length last: what is the end of the conditions is never taken for a beginning of the position.
        for (int i = 0; i < Integer.BYTES; i++) {
            message[message.length - 1 - i] = (byte) (position.length >>> (8 * i));
        }
        return Arrays.copyOf(pepper.mac(PURPOSE, message).bytes(), SIGNATURE_BYTES);
    }

    private static byte[] decode(String field, String token) {
        if (token.length() > MAX_LENGTH) {
            throw refused(field, token);
        }
        try {
            return Base64.getUrlDecoder().decode(token);
        } catch (IllegalArgumentException e) {
            throw refused(field, token);
        }
    }

    private static RefusedException refused(String field, String token) {
        return RefusedException.violated(
                ErrorReason.PAGE_TOKEN_INVALID,
                field,
                MalformedException.shown(token),
                "`" + answered(field) + "` of an answer to the same request");
    }

    /** Where an answer has what a request has in the field. */
    private static String answered(String field) {
        return switch (field) {
            case "cursor" -> "cursor";
            case "page.token" -> "page.next_token";
            default -> "next_page_token";
        };
    }
}
