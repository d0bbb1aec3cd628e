package dev.assize.server.spool;

/** What became of what a queue was given. */
public sealed interface SpoolAnswer {

    /** It is on disk, under the number. */
    record Taken(long number) implements SpoolAnswer {}

    /** The same was given before under the same key, and is on disk under the number. */
    record Known(long number) implements SpoolAnswer {}

    /** Something else was given before under the same key; nothing was written. */
    record OtherContent() implements SpoolAnswer {}
}
