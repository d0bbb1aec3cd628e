package dev.assize.server.authentication;

import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.Optional;
import java.util.function.IntPredicate;

/** What a caller presents: `asz_<id>_<secret>`, the id to look up and 32 random bytes to prove it. */
record Credential(String id, String secret) {

    private static final String PREFIX = "asz_";
    private static final int ID_LENGTH = 16;
    private static final int SECRET_BYTES = 32;
    private static final String ID_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789";
    private static final int SECRET_LENGTH = 43;
    static final int TEXT_LENGTH = PREFIX.length() + ID_LENGTH + 1 + SECRET_LENGTH;

    /**
     * Empty where the text has not the form, {@code asz_[a-z0-9]{16}_[A-Za-z0-9_-]{43}}; that alone tells nothing about
     * which keys there are. Each call reads one.
     */
    static Optional<Credential> parse(String text) {
        int separator = PREFIX.length() + ID_LENGTH;
        if (text.length() != TEXT_LENGTH || !text.startsWith(PREFIX) || text.charAt(separator) != '_') {
            return Optional.empty();
        }
        String id = text.substring(PREFIX.length(), separator);
        String secret = text.substring(separator + 1);
        return isMadeOf(id, Credential::isOfId) && isMadeOf(secret, Credential::isOfSecret)
                ? Optional.of(new Credential(id, secret))
                : Optional.empty();
    }

    private static boolean isMadeOf(String text, IntPredicate part) {
        for (int i = 0; i < text.length(); i++) {
            if (!part.test(text.charAt(i))) {
                return false;
            }
        }
        return true;
    }

    private static boolean isOfId(int character) {
        return (character >= 'a' && character <= 'z') || (character >= '0' && character <= '9');
    }

    private static boolean isOfSecret(int character) {
        return isOfId(character) || (character >= 'A' && character <= 'Z') || character == '-' || character == '_';
    }

    static Credential random(SecureRandom random) {
        StringBuilder id = new StringBuilder(ID_LENGTH);
        for (int i = 0; i < ID_LENGTH; i++) {
            id.append(ID_ALPHABET.charAt(random.nextInt(ID_ALPHABET.length())));
        }
        byte[] secret = new byte[SECRET_BYTES];
        random.nextBytes(secret);
        return new Credential(
                id.toString(), Base64.getUrlEncoder().withoutPadding().encodeToString(secret));
    }

    byte[] secretBytes() {
        return secret.getBytes(StandardCharsets.US_ASCII);
    }

    /** As it is shown, once. */
    String text() {
        return PREFIX + id + "_" + secret;
    }

    /** Without the secret, whoever prints it. */
    @Override
    public String toString() {
        return PREFIX + id + "_…";
    }
}
