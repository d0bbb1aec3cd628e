package dev.assize.server.anchor;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.ledger.LedgerHead;
import dev.assize.server.ledger.LedgerUnanchoredException;
import dev.assize.server.ledger.merkle.Frontier;
import dev.assize.server.model.Digest;
import dev.assize.server.model.TenantId;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.pcollections.HashTreePMap;

/** Who may be appended to while much waits to be signed. */
class AnchorViewTest {

    private static final Instant NOW = Instant.parse("2026-01-01T00:00:00Z");
    private static final Duration MAX_LAG = Duration.ofSeconds(30);
    private static final LedgerHead HEAD = new LedgerHead("origin", 1, 5, Digest.sha256(new byte[0]), NOW);
    private static final TenantId NAMED = new TenantId("named");
    private static final TenantId OTHER = new TenantId("other");

    private long seconds;

    private final AnchorView view = new AnchorView(
            new AnchorConfig(Path.of("keys"), Duration.ofSeconds(1), MAX_LAG, 1, 1, 0),
            () -> TimeUnit.SECONDS.toNanos(seconds));

    @Test
    void whatTheDatabaseDidNotNameCountsAsTheLastThatItDid() {
        waitsFor(20, 2);
        assertThatCode(() -> view.admit(OTHER, HEAD)).doesNotThrowAnyException();
        waitsFor(31, 2);
        assertThatThrownBy(() -> view.admit(NAMED, HEAD)).isInstanceOf(LedgerUnanchoredException.class);
        assertThatCode(() -> view.admit(OTHER, HEAD)).as("it named all").doesNotThrowAnyException();
    }

    @Test
    void aLedgerBeyondThoseThatAreNamedIsRefusedWhenTheyAreLate() {
        waitsFor(31, 1);
        assertThatThrownBy(() -> view.admit(OTHER, HEAD))
                .isInstanceOf(LedgerUnanchoredException.class)
                .hasMessageContaining("entry 0 of tenant `other`", "31 s");
        assertThatCode(() -> view.admit(new TenantId("empty"), new LedgerHead("origin", 1, 0, HEAD.lastHash(), null)))
                .as("nothing of it waits")
                .doesNotThrowAnyException();
    }

    @Test
    void aLedgerBeyondThoseThatAreNamedGoesOnWaitingWithThem() {
        waitsFor(20, 1);
        assertThatCode(() -> view.admit(OTHER, HEAD)).doesNotThrowAnyException();
        seconds += 11;
        view.confirm(copy());
        assertThatThrownBy(() -> view.admit(OTHER, HEAD)).isInstanceOf(LedgerUnanchoredException.class);
    }

    @Test
    void whatWasAssumedEndsWhereTheDatabaseKnowsBetter() {
        waitsFor(31, 1);
        assertThatThrownBy(() -> view.admit(OTHER, HEAD)).isInstanceOf(LedgerUnanchoredException.class);
        view.waiting(List.of(new AnchorRepository.Waiting(OTHER, 1, 0, NOW.minusSeconds(2))), 1, NOW);
        assertThatCode(() -> view.admit(OTHER, HEAD)).as("it is named").doesNotThrowAnyException();
        TenantId third = new TenantId("third");
        waitsFor(31, 1);
        assertThatThrownBy(() -> view.admit(third, HEAD)).isInstanceOf(LedgerUnanchoredException.class);
        waitsFor(31, 2);
        assertThatCode(() -> view.admit(third, HEAD)).as("all are named").doesNotThrowAnyException();
    }

    /** The place outside is reached, and the database names one ledger that waits. */
    private void waitsFor(int ofSeconds, int most) {
        view.confirm(copy());
        view.waiting(List.of(new AnchorRepository.Waiting(NAMED, 1, 0, NOW.minusSeconds(ofSeconds))), most, NOW);
    }

    private static OutsideCopy copy() {
        return new OutsideCopy("1", "id", 1, Frontier.empty(), "", List.of(), List.of(), HashTreePMap.empty());
    }
}
