package dev.assize.server.audit;

import dev.assize.server.ledger.ErasableValue;
import dev.assize.server.model.Digest;
import dev.assize.server.model.TenantId;
import java.util.List;

/** Reads any number of entries, a few at a time. Blocks for as long as its reader takes. */
public interface AuditExport {

    /**
     * Hands out the entries that fit, oldest first, all as they stand at one moment.
     *
     * @param filter its order and limit say nothing here
     * @param toSeq last position, included
     */
    void read(TenantId tenant, AuditFilter filter, long toSeq, Reader reader);

    /** Takes what is exported. What it throws ends the export. */
    interface Reader {

        /** Hears first how many entries the whole ledger has. */
        void begin(long ledgerSize);

        /** Takes the next entry as it is stored, and what is kept beside it: nothing of it has been verified. */
        void accept(long seq, byte[] frame, Digest entryHash, List<ErasableValue> beside);

        /** All entries up to here were looked at; refuses where nobody listens any more. */
        default void passed(long seq) {}
    }
}
