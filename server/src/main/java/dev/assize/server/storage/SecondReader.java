package dev.assize.server.storage;

import java.sql.SQLException;
import java.util.concurrent.Semaphore;

/**
 * A second transaction that sees the moment that another one sees, and the leave to have it.
 *
 * @param leave given back at the end
 */
record SecondReader(TenantTransaction transaction, Semaphore leave) implements AutoCloseable {

    @Override
    public void close() throws SQLException {
        try {
            transaction.close();
        } finally {
            leave.release();
        }
    }
}
