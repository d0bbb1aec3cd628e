package dev.assize.server.endpoint.call;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.model.Digest;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class PresentedTest {

    private static final byte[] HEADER = bytes("Bearer asz_a_secret");

    private final Presented presented = new Presented();

    @Test
    void knowsNothingBeforeSomebodyWasLetIn() {
        assertThat(presented.digestOf(HEADER)).isNull();
        assertThat(presented.digestOf(new byte[0])).isNull();
    }

    @Test
    void knowsTheLastHeaderOnlyAndOnlyToTheLastByte() {
        Digest digest = Digest.sha256(HEADER);
        presented.remember(HEADER, digest);
        assertThat(presented.digestOf(HEADER.clone())).isSameAs(digest);
        for (int i = 0; i < HEADER.length; i++) {
            byte[] other = HEADER.clone();
            other[i] ^= 1;
            assertThat(presented.digestOf(other)).as("byte " + i).isNull();
        }
        assertThat(presented.digestOf(bytes("Bearer asz_a_secre"))).isNull();
        assertThat(presented.digestOf(bytes("Bearer asz_a_secret "))).isNull();
        assertThat(presented.digestOf(new byte[0])).isNull();

        byte[] next = bytes("Bearer asz_b_secret");
        presented.remember(next, Digest.sha256(next));
        assertThat(presented.digestOf(HEADER)).isNull();
        assertThat(presented.digestOf(next)).isEqualTo(Digest.sha256(next));
    }

    @Test
    void keepsNoSecretBeyondTheNextCollection() {
        presented.remember(bytes("Bearer asz_a_secret"), Digest.sha256(HEADER));
        long end = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while (presented.digestOf(HEADER) != null) {
            assertThat(System.nanoTime()).isLessThan(end);
            System.gc();
        }
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }
}
