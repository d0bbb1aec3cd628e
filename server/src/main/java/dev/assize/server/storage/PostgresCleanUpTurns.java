package dev.assize.server.storage;

import com.google.inject.Inject;
import dev.assize.server.administration.CleanUpTurns;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.TenantId;
import java.time.Duration;
import java.util.List;

/** Turns to clean up, by the database's time. */
final class PostgresCleanUpTurns implements CleanUpTurns {

    private static final String TAKE =
            "UPDATE assize.clean_up SET next_at = now() + ? * interval '1 millisecond'" + " WHERE next_at <= now()";

    private static final String DONE = "UPDATE assize.clean_up SET next_at = now() + ? * interval '1 millisecond'";

    private static final String TENANTS =
            "SELECT scope_key FROM assize.policy_scope WHERE scope_key <> ? AND revision > 0 ORDER BY scope_key";

    /** The platform sees every scope. */
    private static final String PLATFORM = PolicyScope.PLATFORM.key();

    private final Database database;

    @Inject
    PostgresCleanUpTurns(Database database) {
        this.database = database;
    }

    @Override
    public boolean take(Duration meanwhile) {
        return database.inTransaction(
                PLATFORM,
                transaction -> transaction.write(TAKE, parameters -> parameters.longNumber(meanwhile.toMillis())) == 1);
    }

    @Override
    public void done(Duration later) {
        int _ = database.inTransaction(
                PLATFORM,
                transaction -> transaction.write(DONE, parameters -> parameters.longNumber(later.toMillis())));
    }

    @Override
    public List<TenantId> tenants() {
        return database.inSnapshot(
                PLATFORM,
                transaction -> transaction.read(
                        TENANTS, parameters -> parameters.text(PLATFORM), row -> new TenantId(row.getString(1))));
    }
}
