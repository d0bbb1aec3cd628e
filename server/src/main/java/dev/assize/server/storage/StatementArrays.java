package dev.assize.server.storage;

import java.sql.Array;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Types;
import java.time.Instant;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Fills a statement's parameters from the left. */
final class StatementArrays {

    private final PreparedStatement statement;
    private int next = 1;

    StatementArrays(PreparedStatement statement) {
        this.statement = statement;
    }

    void text(String value) throws SQLException {
        statement.setString(next++, value);
    }

    void textOrNull(@Nullable String value) throws SQLException {
        statement.setString(next++, value);
    }

    void truth(boolean value) throws SQLException {
        statement.setBoolean(next++, value);
    }

    void number(int value) throws SQLException {
        statement.setInt(next++, value);
    }

    void longNumber(long value) throws SQLException {
        statement.setLong(next++, value);
    }

    void bytes(byte[] value) throws SQLException {
        statement.setBytes(next++, value);
    }

    void time(Instant value) throws SQLException {
        Times.write(statement, next++, value);
    }

    void timeOrNull(@Nullable Instant value) throws SQLException {
        if (value == null) {
            statement.setNull(next++, Types.TIMESTAMP_WITH_TIMEZONE);
        } else {
            time(value);
        }
    }

    <R> void texts(List<R> rows, Function<R, @Nullable String> column) throws SQLException {
        set("text", rows.stream().map(column).toArray(String[]::new));
    }

    /** An array; null where there is nothing in it. */
    void textsOrNull(List<String> values) throws SQLException {
        if (values.isEmpty()) {
            statement.setNull(next++, Types.ARRAY);
        } else {
            texts(values, value -> value);
        }
    }

    <R> void longs(List<R> rows, Function<R, @Nullable Long> column) throws SQLException {
        set("int8", rows.stream().map(column).toArray(Long[]::new));
    }

    /** Numbers that come as texts. */
    <R> void numbers(String type, List<R> rows, Function<R, @Nullable String> column) throws SQLException {
        set(type, rows.stream().map(column).map(StatementArrays::number).toArray(Long[]::new));
    }

    <R> void times(List<R> rows, Function<R, Instant> column) throws SQLException {
        set("timestamptz", rows.stream().map(column).map(Instant::toString).toArray(String[]::new));
    }

    <R> void bytes(List<R> rows, Function<R, byte[]> column) throws SQLException {
        set("bytea", rows.stream().map(column).toArray(byte[][]::new));
    }

    <R> void truths(List<R> rows, Function<R, Boolean> column) throws SQLException {
        set("bool", rows.stream().map(column).toArray(Boolean[]::new));
    }

    /** Rows of a composite type; the writer writes as many columns of each as the type has. */
    <R> void rows(String type, int columns, List<R> rows, BiConsumer<R, RowArray> writer) throws SQLException {
        statement.setArray(next++, RowArray.of(statement.getConnection(), type, columns, rows, writer));
    }

    void array(Array value) throws SQLException {
        statement.setArray(next++, value);
    }

    private void set(String type, Object[] values) throws SQLException {
        Array array = statement.getConnection().createArrayOf(type, values);
        statement.setArray(next++, array);
    }

    private static @Nullable Long number(@Nullable String text) {
        return text == null ? null : Long.valueOf(text);
    }
}
