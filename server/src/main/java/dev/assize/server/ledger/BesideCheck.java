package dev.assize.server.ledger;

import dev.assize.server.model.TenantId;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/** Verifies what is kept beside entries and vouched for by them. */
public interface BesideCheck {

    /** Whether something is kept beside an entry. */
    boolean isVouching(StoredEntry entry);

    /** What is wrong with what is kept beside a sound entry that vouches for it, as the end of a sentence; null where nothing is. */
    @Nullable
    String fault(TenantId tenant, StoredEntry entry);

    /**
     * How far a verification comes with so much work, by at least one entry. An entry is the unit; what is kept beside some of them
     * counts by what it costs to verify.
     *
     * @param fromSeq the first position, which is there
     * @param toSeq the last position, included, where nothing is kept beside any
     */
    Stretch stretch(TenantId tenant, long fromSeq, long toSeq, int work);

    /**
     * A part of a verification.
     *
     * @param toSeq its last position, included
     * @param work that it is
     */
    record Stretch(long toSeq, long work) {}

    /** The first position of a range, its end included, beside which something stands that no entry vouches for. */
    OptionalLong orphan(TenantId tenant, long fromSeq, long toSeq);
}
