package dev.assize.server.storage;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.audit.AuditCodec;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.ledger.AppendCommand;
import dev.assize.server.ledger.EntryDraft;
import dev.assize.server.model.Action;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.testing.EventBuilder;
import dev.assize.server.testing.TestDatabase;
import java.nio.ByteBuffer;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How a ledger is read as a whole: in the order of its index, and with what stands beside its entries. */
class EntrySlicesTest {

    private static final TenantId ACME = new TenantId("acme");
    private static final TenantId OTHER = new TenantId("other");
    private static final AuditCodec CODEC = new AuditCodec();
    private static final int ENTRIES = 700;

    /** The first of a plan is of all of it. */
    private static final Pattern BUFFERS = Pattern.compile("Buffers: shared hit=(\\d+)");

    private static TestDatabase testDatabase;
    private static Database database;
    private static Connection owner;

    @BeforeAll
    static void append() throws SQLException {
        testDatabase = TestDatabase.migrated();
        database = testDatabase.open(InstantSource.system());
        append(ACME, ENTRIES);
        append(OTHER, 2 * ENTRIES);
        owner = DriverManager.getConnection(
                testDatabase.superuser().url(),
                testDatabase.superuser().user(),
                testDatabase.superuser().password());
        try (Statement statement = owner.createStatement()) {
            statement.execute("ANALYZE");
        }
    }

    @AfterAll
    static void drop() throws SQLException {
        owner.close();
        database.close();
        testDatabase.close();
    }

    /** What an entry lists has a bound together with its neighbours; where it is reached, less is read at a time. */
    @ParameterizedTest
    @CsvSource({"1000, 1", "1000, 500", "64, 500", "7, 4000000", "1, 1", "1000, 4000000"})
    void handsOutTheSameHoweverMuchIsReadAtOnce(int slice, int lineageBytes) {
        List<String> ends = new ArrayList<>();
        assertThat(rows(slice, lineageBytes, ends)).isEqualTo(rows(ENTRIES, Integer.MAX_VALUE, new ArrayList<>()));
        assertThat(ends.getFirst()).startsWith(Long.MIN_VALUE + " ");
        assertThat(ends.getLast()).endsWith(" " + (ENTRIES - 1));
        for (int i = 1; i < ends.size(); i++) {
            long before =
                    Long.parseLong(ends.get(i - 1).substring(ends.get(i - 1).indexOf(' ') + 1));
            assertThat(ends.get(i)).startsWith((before + 1) + " ");
        }
    }

    private static List<ByteBuffer> rows(int slice, int lineageBytes, List<String> ends) {
        return database.inSnapshot(ACME.value(), transaction -> {
            List<ByteBuffer> rows = new ArrayList<>();
            new EntrySlices(transaction.connection(), ACME, slice, lineageBytes)
                    .read(0, ENTRIES - 1, new EntrySlices.Sink() {
                        @Override
                        public boolean row(ByteBuffer row) {
                            return rows.add(row);
                        }

                        @Override
                        public boolean end(long from, long to) {
                            return ends.add(from + " " + to);
                        }
                    });
            return rows;
        });
    }

    /** Also where the ledgers of others are in the same months, and in an order that says nothing of positions. */
    @Test
    void isReadInTheOrderOfItsIndexAndNothingOfOthers() {
        List<String> plans = database.inSnapshot(ACME.value(), transaction -> {
            // What is said of how it is to be planned holds for the rest of the transaction.
            new EntrySlices(transaction.connection(), ACME, 10).read(0, 9, new Nothing());
            return List.of(
                    plan(transaction, EntrySlices.copy(ACME, 100, 299, false)),
                    plan(transaction, EntrySlices.copy(ACME, 100, 299, true)),
                    plan(transaction, LineageRows.copy(ACME, 100, 299)));
        });
        for (String plan : plans) {
            assertThat(plan)
                    .contains("Index Scan")
                    .doesNotContain("Seq Scan")
                    .doesNotContain("Bitmap")
                    .doesNotContainPattern("(?m)^ *(-> +)?Sort +\\(")
                    .doesNotContain("Rows Removed by Filter");
        }
        assertThat(plans.getFirst()).containsPattern("ledger_entry_\\d{4}_\\d{2}.*\\(.*actual rows=200[. ]");
        // Those that are read, and of each other month one of its index.
        assertThat(buffers(plans.getFirst())).isLessThan(100);
        assertThat(plans.getLast()).contains("ledger_lineage_pkey");
        assertThat(buffers(plans.getLast())).isLessThan(50);
    }

    private static String plan(TenantTransaction transaction, String copy) throws SQLException {
        String query = copy.substring(copy.indexOf('(') + 1, copy.lastIndexOf(") TO STDOUT"));
        StringBuilder plan = new StringBuilder();
        try (Statement statement = transaction.connection().createStatement();
                ResultSet row =
                        statement.executeQuery("EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, SUMMARY OFF) " + query)) {
            while (row.next()) {
                plan.append(row.getString(1)).append('\n');
            }
        }
        return plan.toString();
    }

    private static long buffers(String plan) {
        Matcher buffers = BUFFERS.matcher(plan);
        return buffers.find() ? Long.parseLong(buffers.group(1)) : 0;
    }

    private static void append(TenantId tenant, int count) {
        LedgerWriter writer = new LedgerWriter(database, CODEC, (_, _) -> {}, InstantSource.system());
        List<EntryDraft> drafts = IntStream.range(0, count)
                .mapToObj(i -> CODEC.encode(event(i), Recorder.ASSIZE))
                .toList();
        new PostgresLedgerStore(database, writer)
                .append(tenant, List.of(new AppendCommand(Recorder.ASSIZE, drafts, null)));
    }

    private static AuditEvent event(int number) {
        return EventBuilder.event(
                        "replay.executed",
                        new Subject("user", "u" + number % 7),
                        new Action("run"),
                        ResourcePath.parse("replay:" + number))
                .reads(number % 3 == 0 ? List.of("a" + number, "b\\\n") : List.of())
                .writes(number % 5 == 0 ? List.of("c") : List.of())
                .build();
    }

    private static final class Nothing implements EntrySlices.Sink {

        @Override
        public boolean row(ByteBuffer row) {
            return true;
        }

        @Override
        public boolean end(long from, long to) {
            return true;
        }
    }
}
