package dev.assize.server.storage;

import dev.assize.server.audit.AuditFilter;
import dev.assize.server.audit.Outcome;
import dev.assize.server.model.Environment;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.TenantId;
import dev.assize.server.storage.LedgerMonths.Month;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads entries that fulfil a filter from where they are known to be: between positions, at positions, or at a resource.
 *
 * <p>Each statement has the place within and the filter around it, and PostgreSQL does not mix them ({@code OFFSET 0}): what
 * it reads is what the place has, whatever it believes of how often a value occurs. Equalities and ranges are all that
 * there is, as nothing else gets below row-level security into an index.
 */
final class EntryReads {

    private static final String FIND = "SELECT e.seq, e.frame, e.entry_hash FROM (";

    private static final String INNER =
            "SELECT i.seq, i.frame, i.entry_hash, i.recorded_at, i.outcome, i.type, i.actor,"
                    + " i.action, i.resource, i.env, i.run_id FROM assize.ledger_entry i"
                    + " WHERE i.tenant_id = ? AND i.recorded_at >= ? AND i.recorded_at < ?";

    private static final String AT_RESOURCE = " AND i.resource = ?";

    /** Whole segments only: what is under `a:b` begins with `a:b/`, and `0` is the byte behind `/`. */
    private static final String UNDER_RESOURCE = " AND i.resource >= ? || '/' AND i.resource < ? || '0'";

    /** Of two ranges in one question all would be read before the first is counted. */
    private static final String COUNT = "SELECT" + count(AT_RESOURCE) + " + " + count(UNDER_RESOURCE);

    private final TenantTransaction transaction;
    private final TenantId tenant;
    private final AuditFilter filter;
    private final String outer;

    /** Within a snapshot, whose statements are planned by indexes. */
    EntryReads(TenantTransaction transaction, TenantId tenant, AuditFilter filter) {
        this.transaction = transaction;
        this.tenant = tenant;
        this.filter = filter;
        this.outer = ") e WHERE true" + conditions(filter) + " ORDER BY e.seq" + direction() + " LIMIT ?";
    }

    private static String count(String place) {
        return " (SELECT count(*) FROM (SELECT FROM assize.ledger_entry i WHERE i.tenant_id = ?" + place
                + " LIMIT ?) n)";
    }

    private String direction() {
        return filter.ascending() ? "" : " DESC";
    }

    /** Those between two positions of a month, both included. */
    List<EntryRow> between(Month month, long low, long high, int limit) throws SQLException {
        return transaction.read(
                FIND + INNER + " AND i.seq BETWEEN ? AND ? ORDER BY i.seq" + direction() + " OFFSET 0" + outer,
                parameters -> {
                    place(parameters, month, month);
                    parameters.longNumber(low);
                    parameters.longNumber(high);
                    fill(parameters, limit);
                },
                EntryReads::row);
    }

    /** Those at some positions of a month. */
    List<EntryRow> at(Month month, List<Long> positions, int limit) throws SQLException {
        return transaction.read(
                FIND + INNER + " AND i.seq = ANY (?::bigint[]) OFFSET 0" + outer,
                parameters -> {
                    place(parameters, month, month);
                    parameters.longs(positions, seq -> seq);
                    fill(parameters, limit);
                },
                EntryReads::row);
    }

    /**
     * How many a resource has, and what lies under it, whatever else is asked; it counts no further than a little beyond some
     * number.
     */
    long countAt(ResourcePath resource, int most) throws SQLException {
        return transaction
                .find(
                        COUNT,
                        parameters -> {
                            parameters.text(tenant.value());
                            parameters.text(resource.value());
                            parameters.number(most + 1);
                            parameters.text(tenant.value());
                            parameters.text(resource.value());
                            parameters.text(resource.value());
                            parameters.number(most + 1);
                        },
                        row -> row.getLong(1))
                .orElse(0L);
    }

    /**
     * Those of a resource between two positions, both included. All that it has in the months is looked at in the index, which
     * has positions, actors and actions too, and what fits there is read.
     */
    List<EntryRow> at(ResourcePath resource, Month earliest, Month latest, long low, long high, int limit)
            throws SQLException {
        String within = " AND -i.seq BETWEEN ? AND ?" + (filter.actor() == null ? "" : " AND i.actor = ?")
                + (filter.action() == null ? "" : " AND i.action = ?");
        return transaction.read(
                FIND + "(" + INNER + AT_RESOURCE + within + " OFFSET 0) UNION ALL (" + INNER + UNDER_RESOURCE + within
                        + " OFFSET 0)" + outer,
                parameters -> {
                    place(parameters, earliest, latest);
                    parameters.text(resource.value());
                    within(parameters, low, high);
                    place(parameters, earliest, latest);
                    parameters.text(resource.value());
                    parameters.text(resource.value());
                    within(parameters, low, high);
                    fill(parameters, limit);
                },
                EntryReads::row);
    }

    private void place(StatementArrays parameters, Month earliest, Month latest) throws SQLException {
        parameters.text(tenant.value());
        parameters.time(earliest.begins());
        parameters.time(latest.ends());
    }

    private void within(StatementArrays parameters, long low, long high) throws SQLException {
        parameters.longNumber(-high);
        parameters.longNumber(-low);
        textIfThere(parameters, filter.actor());
        textIfThere(parameters, filter.action());
    }

    private static EntryRow row(ResultSet row) throws SQLException {
        return new EntryRow(row.getLong(1), row.getBytes(2), row.getBytes(3));
    }

    /** All that is asked of an entry but its position. */
    private static String conditions(AuditFilter filter) {
        List<String> all = new ArrayList<>();
        add(all, "e.recorded_at >= ?", filter.from());
        add(all, "e.recorded_at < ?", filter.to());
        add(all, "e.actor = ?", filter.actor());
        add(all, "e.action = ?", filter.action());
        add(all, "e.type = ?", filter.type());
        add(all, "e.run_id = ?", filter.runId());
        add(all, "e.outcome = ?", filter.outcome());
        add(all, "(e.resource = ? OR e.resource >= ? || '/' AND e.resource < ? || '0')", filter.resource());
        if (!filter.envs().isEmpty()) {
            all.add("e.env = ANY (?::text[])");
        }
        return all.isEmpty() ? "" : " AND " + String.join(" AND ", all);
    }

    private static void add(List<String> all, String condition, @Nullable Object value) {
        if (value != null) {
            all.add(condition);
        }
    }

    private void fill(StatementArrays parameters, int limit) throws SQLException {
        if (filter.from() != null) {
            parameters.time(filter.from());
        }
        if (filter.to() != null) {
            parameters.time(filter.to());
        }
        textIfThere(parameters, filter.actor());
        textIfThere(parameters, filter.action());
        textIfThere(parameters, filter.type());
        textIfThere(parameters, filter.runId());
        Outcome outcome = filter.outcome();
        if (outcome != null) {
            parameters.number(outcome.number());
        }
        ResourcePath resource = filter.resource();
        if (resource != null) {
            parameters.text(resource.value());
            parameters.text(resource.value());
            parameters.text(resource.value());
        }
        if (!filter.envs().isEmpty()) {
            parameters.texts(List.copyOf(filter.envs()), Environment::value);
        }
        parameters.number(limit);
    }

    private static void textIfThere(StatementArrays parameters, @Nullable String value) throws SQLException {
        if (value != null) {
            parameters.text(value);
        }
    }
}
