package dev.assize.server.authentication;

import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What a caller presents: `asz_<id>_<secret>`, the id to look up and 32 random bytes to prove it. */
record Credential(String id, String secret) {

    private static final String PREFIX = "asz_";
    private static final int ID_LENGTH = 16;
    private static final int SECRET_BYTES = 32;
    private static final String ID_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789";
    private static final Pattern FORM = Pattern.compile(PREFIX + "([a-z0-9]{16})_([A-Za-z0-9_-]{43})");

    /** Empty where the text has not the form; that alone tells nothing about which keys there are. */
    static Optional<Credential> parse(String text) {
        Matcher matcher = FORM.matcher(text);
        return matcher.matches() ? Optional.of(new Credential(matcher.group(1), matcher.group(2))) : Optional.empty();
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
