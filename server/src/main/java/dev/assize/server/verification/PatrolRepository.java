package dev.assize.server.verification;

import dev.assize.server.model.TenantId;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Where nodes leave for each other how far they are. Nothing in it is believed that is not signed. Blocks. */
public interface PatrolRepository {

    /** Ledgers of which the database has a head. */
    Set<TenantId> ledgers();

    /** What was kept of each ledger last. */
    Map<TenantId, String> kept();

    /** Keeps other nodes from a ledger for a while; what was kept of it, or nothing where another node has it. */
    Optional<String> lease(TenantId ledger, Duration length);

    /** Keeps a note, and the lease for a while longer; with no length others may take it. */
    void keep(TenantId ledger, String note, Duration length);
}
