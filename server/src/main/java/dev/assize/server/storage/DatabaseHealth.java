package dev.assize.server.storage;

import com.google.inject.Inject;
import dev.assize.server.model.StoreUnavailableException;
import java.util.List;
import java.util.Optional;

/** Whether the database answers. */
public final class DatabaseHealth {

    private final Database database;

    @Inject
    public DatabaseHealth(Database database) {
        this.database = database;
    }

    /** Why it does not, as one line; empty where it does. Blocks for as long as a request would. */
    public Optional<String> complaint() {
        try {
            return database.inSnapshot("", transaction -> {
                List<Integer> _ = transaction.read("SELECT 1", parameters -> {}, row -> row.getInt(1));
                return Optional.<String>empty();
            });
        } catch (StorageException | StoreUnavailableException e) {
            return Optional.of(Reasons.of(e));
        }
    }
}
