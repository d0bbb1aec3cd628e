package dev.assize.server.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.proto.v1.AuditEntry;
import dev.assize.server.audit.Acknowledgement;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.audit.AuditIntake.Taken;
import dev.assize.server.ledger.AppendResult;
import dev.assize.server.ledger.LedgerUnavailableException;
import dev.assize.server.ledger.Receipt;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a sidecar's intake spools, and what it hands to the ledger at once. */
@Timeout(300)
class SpooledIntakeTest extends ForwardingFixture {

    @Test
    void aKeyIsRecognisedWhereItWasSpooled() {
        try (Sidecar sidecar = new Sidecar(directory.resolve("sidecar"))) {
            long number = sidecar.spool("a", "key");
            assertThat(sidecar.spool("a", "key")).isEqualTo(number);
            assertThat(sidecar.take("other", "approve", "key", Acknowledgement.SPOOLED)
                            .join())
                    .isEqualTo(new Taken.InLedger(new AppendResult.KeyReused("key")));
            assertThat(sidecar.take("a", "approve", "key", Acknowledgement.IN_LEDGER)
                            .join())
                    .isEqualTo(new Taken.InLedger(new AppendResult.KeyReused("key")));
            sidecar.drain();
            assertThat(sidecar.spool("a", "key")).isEqualTo(number);
        }
        assertThat(reasons()).containsExactly("a");
        AuditEntry entry = entries().getFirst();
        assertThat(entry.getRecordedBy()).isEqualTo("user:admin");
        assertThat(entry.getEvent().hasOccurredAt()).isTrue();
    }

    @Test
    void anActionThatTheLedgerIsAskedAboutIsNotSpooled() {
        decisions.askHistoryOf(Set.of("approve"));
        try (Sidecar sidecar = new Sidecar(directory.resolve("sidecar"))) {
            assertThat(sidecar.take("a", "approve", null, Acknowledgement.SPOOLED)
                            .join())
                    .isInstanceOf(Taken.InLedger.class);
            assertThat(sidecar.take("b", "look", null, Acknowledgement.SPOOLED).join())
                    .isInstanceOf(Taken.Spooled.class);

            decisions.askHistoryOf(null);
            assertThat(sidecar.take("c", "look", null, Acknowledgement.SPOOLED).join())
                    .as("remembered")
                    .isInstanceOf(Taken.Spooled.class);
            sidecar.drain();
        }
        try (Sidecar sidecar = new Sidecar(directory.resolve("sidecar"))) {
            assertThatThrownBy(() -> sidecar.take("d", "look", "key", Acknowledgement.SPOOLED))
                    .as("never known")
                    .isInstanceOf(LedgerUnavailableException.class);
            decisions.askHistoryOf(Set.of());
            assertThat(sidecar.take("d", "look", "key", Acknowledgement.SPOOLED).join())
                    .as("nothing was sent under the key")
                    .isInstanceOf(Taken.Spooled.class);
            sidecar.drain();
        }
        assertThat(reasons()).containsExactly("a", "b", "c", "d");
    }

    @Test
    void whatWasSentToTheLedgerUnderAKeyIsNotSpooledUnderIt() {
        decisions.askHistoryOf(Set.of("approve"));
        try (Sidecar sidecar = new Sidecar(directory.resolve("sidecar"))) {
            assertThat(sidecar.take("a", "approve", "key a", Acknowledgement.SPOOLED)
                            .join())
                    .isInstanceOf(Taken.InLedger.class);
            Receipt b = sidecar.append("b", "key b");

            decisions.askHistoryOf(Set.of());
            assertThat(sidecar.take("a", "approve", "key a", Acknowledgement.SPOOLED)
                            .join())
                    .isInstanceOf(Taken.InLedger.class);
            assertThat(sidecar.take("b", "look", "key b", Acknowledgement.SPOOLED)
                            .join())
                    .isEqualTo(new Taken.InLedger(new AppendResult.Replayed(List.of(b))));
            sidecar.spool("c", "key c");
            sidecar.drain();
        }
        assertThat(reasons()).containsExactly("a", "b", "c");
    }

    @Test
    void aRequestThatIsTooLargeIsNotSpooled() {
        AuditEvent large = large(null);
        AuditEvent larger = large("c".repeat(250));
        try (Sidecar sidecar = new Sidecar(directory.resolve("sidecar"))) {
            assertThat(sidecar.take(Collections.nCopies(500, large), null, Acknowledgement.SPOOLED)
                            .join())
                    .isInstanceOf(Taken.Spooled.class);
            assertThat(sidecar.take(Collections.nCopies(500, larger), null, Acknowledgement.SPOOLED)
                            .join())
                    .isInstanceOf(Taken.InLedger.class);
        }
        assertThat(reasons()).hasSize(1_000);
    }

    private static AuditEvent large(@Nullable String category) {
        return event("large", "look", category, "\"" + "x".repeat(8_188) + "\"");
    }
}
