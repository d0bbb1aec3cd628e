package dev.assize.benchmarks.peer;

/** What a question is before it is timed, to who decides by strings. */
enum Form {
    /** Of the request's message, as they come. */
    BYTES,

    /** Made of it before. */
    STRINGS
}
