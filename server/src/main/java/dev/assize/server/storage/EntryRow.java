package dev.assize.server.storage;

/** An entry as it is stored; nothing of it has been verified. */
record EntryRow(long seq, byte[] frame, byte[] entryHash) {}
