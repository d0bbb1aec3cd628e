package dev.assize.server.storage;

import dev.assize.server.model.TenantId;
import dev.assize.server.storage.TenantTransaction.Mode;
import dev.assize.server.storage.TenantTransaction.Work;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Has PostgreSQL say how it carries out each query of a transaction, and what each reads: every prepared query is carried out
 * twice, the first time behind EXPLAIN with the same parameters.
 */
final class ExplainedReads {

    private static final String EXPLAIN = "EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, SUMMARY OFF) ";

    private static final String SEQ_AT = "SELECT assize.ledger_seq_at(?, now() - interval '4 years', false)";

    /** The first of a plan is of all of it. */
    private static final Pattern BUFFERS = Pattern.compile("Buffers: shared(?: hit=(\\d+))?(?: read=(\\d+))?");

    private final List<String> plans = new ArrayList<>();

    /** Runs reads of a tenant in a transaction on a connection that stays open. */
    static <T> ExplainedReads of(Connection real, TenantId tenant, Work<T> work) throws SQLException {
        ExplainedReads reads = new ExplainedReads();
        try (TenantTransaction transaction = TenantTransaction.begin(
                reads.explaining(real), Mode.SNAPSHOT, tenant.value(), Duration.ofMinutes(1), Duration.ofMinutes(1))) {
            // What functions ask is planned once for each connection, and that is no part of what is read.
            var _ = transaction.find(SEQ_AT, parameters -> parameters.text(tenant.value()), row -> row.getLong(1));
            reads.plans.clear();
            var _ = work.run(transaction);
        }
        return reads;
    }

    /** In the order in which they were asked. */
    List<String> plans() {
        return List.copyOf(plans);
    }

    /** Pages of the database that were looked at, in memory or on disk, each as often as it was. */
    long buffers() {
        long sum = 0;
        for (String plan : plans) {
            Matcher buffers = BUFFERS.matcher(plan);
            if (buffers.find()) {
                sum += number(buffers.group(1)) + number(buffers.group(2));
            }
        }
        return sum;
    }

    private static long number(@Nullable String digits) {
        return digits == null ? 0 : Long.parseLong(digits);
    }

    private Connection explaining(Connection real) {
        return proxy(Connection.class, (method, arguments) -> {
            if (method.getName().equals("close")) {
                return null;
            }
            Object made = method.invoke(real, arguments);
            return method.getName().equals("prepareStatement") && arguments[0] instanceof String sql
                    ? explaining(real, sql, (PreparedStatement) made)
                    : made;
        });
    }

    private PreparedStatement explaining(Connection connection, String sql, PreparedStatement real) {
        List<Call> parameters = new ArrayList<>();
        return proxy(PreparedStatement.class, (method, arguments) -> {
            if (method.getName().startsWith("set") && arguments.length > 1) {
                parameters.add(new Call(method, arguments));
            } else if (method.getName().equals("executeQuery") && !sql.contains("set_config")) {
                explain(connection, sql, parameters);
            }
            return method.invoke(real, arguments);
        });
    }

    private void explain(Connection connection, String sql, List<Call> parameters)
            throws SQLException, ReflectiveOperationException {
        try (PreparedStatement explain = connection.prepareStatement(EXPLAIN + sql)) {
            for (Call parameter : parameters) {
                var _ = parameter.method.invoke(explain, parameter.arguments);
            }
            StringBuilder plan = new StringBuilder(sql).append('\n');
            try (ResultSet row = explain.executeQuery()) {
                while (row.next()) {
                    plan.append(row.getString(1)).append('\n');
                }
            }
            plans.add(plan.toString());
        }
    }

    private static <T> T proxy(Class<T> type, Answer answer) {
        return type.cast(Proxy.newProxyInstance(
                type.getClassLoader(), new Class<?>[] {type}, (_, method, arguments) -> {
                    try {
                        return answer.to(method, arguments == null ? new Object[0] : arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                }));
    }

    private record Call(Method method, Object[] arguments) {}

    private interface Answer {
        @Nullable
        Object to(Method method, Object[] arguments) throws ReflectiveOperationException, SQLException;
    }
}
