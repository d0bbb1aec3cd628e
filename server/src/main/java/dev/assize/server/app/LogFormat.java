package dev.assize.server.app;

/** What the lines of the log are. */
enum LogFormat {
    /** Words for people. */
    TEXT,
    /** An object of JSON each, for machines. */
    JSON
}
