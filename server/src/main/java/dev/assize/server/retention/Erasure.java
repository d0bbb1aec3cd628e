package dev.assize.server.retention;

import dev.assize.server.audit.Erasable;
import dev.assize.server.ledger.Receipt;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.TenantId;
import java.util.List;
import java.util.Set;

/**
 * Values to be erased, all or none.
 *
 * @param envs those whose entries the caller may touch; empty for all
 * @param seqs positions of entries, each once
 * @param parts which of their values; empty for all of each
 * @param basis on what basis, for the record
 */
public record Erasure(
        TenantId tenant, Recorder by, Set<Environment> envs, List<Long> seqs, Set<Erasable> parts, String basis) {

    /** Entries of one request. */
    public static final int MAX_ENTRIES = 500;

    /** How it ended. */
    public sealed interface Result {

        /** Gone, and recorded; one for each position, in their order. */
        record Done(List<Erased> entries) implements Result {}

        /** There is no such entry, or none that the caller may touch. */
        record NoSuchEntry(long seq) implements Result {}

        /** Not all that was asked for can be erased of an entry: what is in its frame stays there. */
        record NotErasable(long seq, Set<Erasable> erasable) implements Result {}

        /** Holds are on an entry. */
        record Held(long seq, List<String> holds) implements Result {}

        /** A value is gone, and no entry says that it was erased: somebody else did that. */
        record Lost(long seq) implements Result {}
    }

    /**
     * What was erased of an entry.
     *
     * @param parts empty where all had been erased before
     * @param recorded the entry that says so
     */
    public record Erased(long seq, Set<Erasable> parts, Receipt recorded) {}
}
