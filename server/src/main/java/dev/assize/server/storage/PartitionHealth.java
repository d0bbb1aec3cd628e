package dev.assize.server.storage;

import com.google.inject.Inject;
import dev.assize.server.model.StoreUnavailableException;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.YearMonth;
import java.time.ZoneOffset;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** How far ahead of time the ledger's months are made, and whether entries had to go where no month was made. */
public final class PartitionHealth {

    private static final Duration KEPT = Duration.ofMinutes(1);

    private static final String PARTITIONS = "SELECT c.relname, CASE WHEN c.relname = 'ledger_entry_default'"
            + " THEN pg_relation_size(c.oid) ELSE 0 END FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
            + " WHERE i.inhparent = 'assize.ledger_entry'::regclass";

    private final Database database;
    private final InstantSource clock;

    /** Guarded by this. */
    private @Nullable State last;

    @Inject
    PartitionHealth(Database database, InstantSource clock, MeterRegistry registry) {
        this.database = database;
        this.clock = clock;
        Gauge.builder(
                        "assize.ledger.partitions.ahead.months",
                        this,
                        it -> it.shown().monthsAhead())
                .description("Coming months for which the ledger has partitions")
                .register(registry);
        Gauge.builder(
                        "assize.ledger.partitions.default.bytes",
                        this,
                        it -> it.shown().defaultBytes())
                .description("Bytes of entries for whose month there was no partition")
                .register(registry);
    }

    /** What an operator must look at; empty where all is well. */
    public Optional<String> complaint() {
        State state;
        try {
            state = state();
        } catch (StorageException | StoreUnavailableException e) {
            return Optional.of("unknown: " + Reasons.of(e));
        }
        if (state.defaultBytes() > 0) {
            return Optional.of("entries are in the default partition, for no month was made for them");
        }
        return state.monthsAhead() < 1
                ? Optional.of("the ledger has no partition for the coming month")
                : Optional.empty();
    }

    /** As it was last, where it cannot be known. */
    private State shown() {
        try {
            return state();
        } catch (StorageException | StoreUnavailableException e) {
            synchronized (this) {
                return last == null ? new State(clock.instant(), 0, 0) : last;
            }
        }
    }

    private synchronized State state() {
        Instant now = clock.instant();
        State present = last;
        if (present == null || present.at().plus(KEPT).isBefore(now)) {
            present = read(now);
            last = present;
        }
        return present;
    }

    private State read(Instant now) {
        return database.inSnapshot("", transaction -> {
            Set<String> names = new HashSet<>();
            long bytes = 0;
            try (PreparedStatement statement = transaction.connection().prepareStatement(PARTITIONS);
                    ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    names.add(row.getString(1));
                    bytes += row.getLong(2);
                }
            }
            YearMonth present = YearMonth.from(now.atOffset(ZoneOffset.UTC));
            int ahead = 0;
            while (names.contains(name(present.plusMonths(ahead + 1)))) {
                ahead++;
            }
            return new State(now, ahead, bytes);
        });
    }

    private static String name(YearMonth month) {
        return "ledger_entry_%04d_%02d".formatted(month.getYear(), month.getMonthValue());
    }

    private record State(Instant at, int monthsAhead, long defaultBytes) {}
}
