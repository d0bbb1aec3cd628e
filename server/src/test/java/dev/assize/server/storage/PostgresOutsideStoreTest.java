package dev.assize.server.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.anchor.OutsideStore;
import dev.assize.server.anchor.OutsideStoreContract;
import dev.assize.server.anchor.OutsideUnavailableException;
import dev.assize.server.testing.TestDatabase;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class PostgresOutsideStoreTest extends OutsideStoreContract {

    private final TestDatabase database = TestDatabase.migrated();
    private final ConcurrentLinkedQueue<PostgresOutsideStore> opened = new ConcurrentLinkedQueue<>();

    @Override
    protected OutsideStore open() {
        PostgresOutsideStore store = new PostgresOutsideStore(database.owner(), Duration.ofSeconds(5));
        opened.add(store);
        return store;
    }

    @AfterEach
    void drop() {
        opened.forEach(PostgresOutsideStore::close);
        database.close();
    }

    @Test
    void worksAgainAfterAConnectionWasLost() throws SQLException {
        OutsideStore store = open();
        store.put("all/1", new byte[] {1});
        try (Connection superuser = DriverManager.getConnection(
                        database.superuser().url(),
                        database.superuser().user(),
                        database.superuser().password());
                Statement statement = superuser.createStatement()) {
            statement.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    + " WHERE application_name = 'assize-anchor' AND datname = current_database()");
        }
        assertThatThrownBy(() -> store.read("all/1"))
                .isInstanceOf(OutsideUnavailableException.class)
                .hasMessageContaining("cannot read all/1");
        assertThat(store.read("all/1")).isPresent();
    }
}
