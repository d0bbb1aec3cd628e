package dev.assize.server.model;

import java.time.Instant;

/** The years 1 to 9999: the moments that documents, messages and the database can all say. */
public final class Calendar {

    public static final Instant FIRST = Instant.parse("0001-01-01T00:00:00Z");

    /** The last whole second: a part of it could be rounded up, out of the calendar. */
    public static final Instant LAST = Instant.parse("9999-12-31T23:59:59Z");

    private Calendar() {}

    public static boolean holds(Instant moment) {
        return holds(moment.getEpochSecond());
    }

    public static boolean holds(long epochSecond) {
        return epochSecond >= FIRST.getEpochSecond() && epochSecond <= LAST.getEpochSecond();
    }

    /** The moment, or the last there is where it comes after that. */
    public static Instant atMostLast(Instant moment) {
        return moment.isAfter(LAST) ? LAST : moment;
    }
}
