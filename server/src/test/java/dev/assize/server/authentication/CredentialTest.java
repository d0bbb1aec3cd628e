package dev.assize.server.authentication;

import static org.assertj.core.api.Assertions.assertThat;

import java.security.SecureRandom;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class CredentialTest {

    private static final Pattern FORM = Pattern.compile("asz_([a-z0-9]{16})_([A-Za-z0-9_-]{43})");
    private static final String CHARACTERS = "azAZ09_-.~ :\u0000\u00e9\u0663\ud83d";

    @Test
    void readsWhatHasTheFormAndNothingElse() {
        SplittableRandom random = new SplittableRandom(20261122);
        int read = 0;
        for (int i = 0; i < 20_000; i++) {
            StringBuilder text =
                    new StringBuilder(Credential.random(new SecureRandom()).text());
            for (int changes = random.nextInt(3); changes > 0; changes--) {
                change(text, random);
            }
            boolean hasForm = FORM.matcher(text).matches();
            assertThat(Credential.parse(text.toString()).map(Credential::text))
                    .as(text.toString())
                    .isEqualTo(hasForm ? Optional.of(text.toString()) : Optional.empty());
            read += hasForm ? 1 : 0;
        }
        assertThat(read).isBetween(5_000, 15_000);
    }

    private static void change(StringBuilder text, SplittableRandom random) {
        int place = random.nextInt(text.length());
        char character = CHARACTERS.charAt(random.nextInt(CHARACTERS.length()));
        switch (random.nextInt(8)) {
            case 0 -> text.insert(place, character);
            case 1 -> text.deleteCharAt(place);
            default -> text.setCharAt(place, character);
        }
    }
}
