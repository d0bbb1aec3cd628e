package dev.assize.server.ledger;

import dev.assize.server.ledger.Verification.Fault;
import dev.assize.server.model.TenantId;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Knows whether what entries mention is kept beside the ledger. */
public interface MentionCheck {

    /** What is wrong with one of the mentions; null where nothing is. */
    @Nullable
    Fault fault(TenantId tenant, Map<String, Mention> mentions);

    /** The first and the last of some positions that mention the same. */
    record Mention(long firstSeq, long lastSeq) {

        Mention until(Mention later) {
            return new Mention(firstSeq, later.lastSeq);
        }
    }
}
