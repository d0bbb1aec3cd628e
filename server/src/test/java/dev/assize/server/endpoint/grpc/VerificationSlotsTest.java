package dev.assize.server.endpoint.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.endpoint.call.ErrorReason;
import dev.assize.server.endpoint.call.RefusedException;
import org.junit.jupiter.api.Test;

class VerificationSlotsTest {

    private final VerificationSlots slots = new VerificationSlots();

    @Test
    void refusesOneMoreThanItRuns() {
        assertThat(nested(VerificationSlots.SLOTS)).isEqualTo(VerificationSlots.SLOTS);
        assertThatThrownBy(() -> nested(VerificationSlots.SLOTS + 1))
                .isInstanceOfSatisfying(RefusedException.class, refused -> {
                    assertThat(refused.reason()).isEqualTo(ErrorReason.VERIFIER_BUSY);
                    assertThat(refused.retryAfter()).isNotNull();
                });
    }

    @Test
    void freesTheSlotOfOneThatFailed() {
        for (int i = 0; i <= VerificationSlots.SLOTS; i++) {
            assertThatThrownBy(() -> slots.run(() -> {
                        throw new IllegalStateException("the caller has gone");
                    }))
                    .isInstanceOf(IllegalStateException.class);
        }
        assertThat(nested(VerificationSlots.SLOTS)).isEqualTo(VerificationSlots.SLOTS);
    }

    private int nested(int depth) {
        return depth == 0 ? 0 : slots.run(() -> 1 + nested(depth - 1));
    }
}
