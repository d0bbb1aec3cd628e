package dev.assize.server.prompt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

/** Prompt work is given up where it would wait or costs too much; other work is not. */
class PromptTest {

    @Test
    void spendsWhatItHasAndNoMore() {
        Prompt.run(() -> {
            Prompt.spend(Prompt.STEPS - 1);
            Prompt.spend(0);
            Prompt.spend(1);
            assertThat(Prompt.spent()).isEqualTo(Prompt.STEPS);
            assertThatThrownBy(() -> Prompt.spend(1)).isInstanceOf(WouldWaitException.class);
        });
        Prompt.run(() -> {
            assertThat(Prompt.spent()).as("anew each time").isZero();
            assertThatThrownBy(() -> Prompt.spend(Prompt.STEPS + 1)).isInstanceOf(WouldWaitException.class);
            Prompt.spend(Prompt.STEPS);
            assertThatThrownBy(() -> Prompt.spend(Integer.MAX_VALUE)).isInstanceOf(WouldWaitException.class);
        });
    }

    @Test
    void boundsNothingElse() {
        Prompt.requireTime();
        Prompt.spend(Integer.MAX_VALUE);
        Prompt.spend(Integer.MAX_VALUE);
        assertThat(Prompt.spent()).isZero();
        Prompt.run(() -> assertThatThrownBy(Prompt::requireTime).isInstanceOf(WouldWaitException.class));
    }
}
