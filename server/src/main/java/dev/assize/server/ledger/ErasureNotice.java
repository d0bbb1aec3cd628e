package dev.assize.server.ledger;

import java.util.SortedSet;

/**
 * What an entry says was erased.
 *
 * @param seq of the earlier entry beside which it stood
 * @param fields of that entry, by their numbers; one at least
 */
public record ErasureNotice(long seq, SortedSet<Integer> fields) {}
