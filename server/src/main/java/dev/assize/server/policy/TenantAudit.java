package dev.assize.server.policy;

import dev.assize.server.model.PiiPattern;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How a tenant's ledger is kept.
 *
 * @param retention how long entries are kept at the least; null means for ever
 * @param piiPatterns what is masked in payloads and reasons before they are written
 * @param pseudonyms types of subjects that stand there under pseudonyms
 * @param decisionLog which decisions go on record
 */
public record TenantAudit(
        @Nullable Duration retention, List<PiiPattern> piiPatterns, List<String> pseudonyms, DecisionLog decisionLog) {

    /** Types of subjects that a tenant may name. */
    public static final int MAX_PSEUDONYMS = 32;

    /** Of a tenant that says nothing about it. */
    public static final TenantAudit NONE = new TenantAudit(null, List.of(), List.of(), DecisionLog.NONE);

    public TenantAudit {
        piiPatterns = List.copyOf(piiPatterns);
        pseudonyms = List.copyOf(pseudonyms);
    }
}
