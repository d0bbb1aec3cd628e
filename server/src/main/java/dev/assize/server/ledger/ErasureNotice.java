package dev.assize.server.ledger;

import java.util.SortedSet;

/** What an entry says was erased: fields of an earlier entry, by their numbers. */
public record ErasureNotice(long seq, SortedSet<Integer> fields) {}
