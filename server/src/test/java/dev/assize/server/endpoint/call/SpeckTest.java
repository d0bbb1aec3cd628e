package dev.assize.server.endpoint.call;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class SpeckTest {

    /** The test vector of Speck64/128. */
    @Test
    void enciphersAsThePaperDoes() {
        Speck speck = new Speck(0x1b1a1918, 0x13121110, 0x0b0a0908, 0x03020100);
        assertThat(speck.encipher(0x3b7265747475432dL)).isEqualTo(0x8c6fa548454e028bL);
    }
}
