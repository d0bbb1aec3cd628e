package dev.assize.server.audit;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.inject.Inject;
import dev.assize.server.audit.SpoolRepository.Reception;
import dev.assize.server.audit.SpoolRepository.Sender;
import dev.assize.server.audit.SpoolRepository.Standing;
import dev.assize.server.audit.SpoolRepository.Verdict;
import dev.assize.server.audit.SpooledBatch.SpooledEvents;
import dev.assize.server.ledger.EntryDraft;
import dev.assize.server.model.Digest;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.TenantId;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Appends what spools send, each record once. The ledger keeps, for each spool, the number that it expects next and the hash
 * up to there, and moves both in the transaction that appends: what is sent twice no longer fits, and neither does what
 * follows something that is missing, nor what comes from a copy of a spool that went on by itself. Nothing of that is ever
 * forgotten, so a record may be sent again after any time.
 */
public final class SpooledLog {

    private static final Logger LOG = LoggerFactory.getLogger(SpooledLog.class);

    private final SpoolRepository spools;
    private final AuditCodec codec;
    private final AuditSettings settings;
    private final Pseudonyms pseudonyms;
    private final SpoolMetrics metrics;

    @Inject
    SpooledLog(
            SpoolRepository spools,
            AuditCodec codec,
            AuditSettings settings,
            Pseudonyms pseudonyms,
            SpoolMetrics metrics) {
        this.spools = spools;
        this.codec = codec;
        this.settings = settings;
        this.pseudonyms = pseudonyms;
        this.metrics = metrics;
    }

    /** Appends a batch of events that were judged, or says why not. Blocks. */
    public Reception append(TenantId tenant, Sender sender, SpooledBatch batch) {
        Recorder recorder = sender.recorder();
        Reception reception =
                spools.append(tenant, sender, batch, begins(batch.spoolId()), drafts(tenant, recorder, batch));
        metrics.received(reception.verdict(), batch.records().size());
        if (reception.verdict() == Verdict.MISSING) {
            LOG.warn(
                    "spool {} of {} sends record {} to the ledger of {}, which expects {}: those between are missing",
                    batch.spoolId(),
                    recorder.caller(),
                    batch.firstNumber(),
                    tenant,
                    reception.nextNumber());
        }
        if (reception.verdict() == Verdict.FORKED) {
            LOG.warn(
                    "spool {} of {} does not continue what the ledger of {} has of it up to record {}: it was changed, or"
                            + " copied",
                    batch.spoolId(),
                    recorder.caller(),
                    tenant,
                    reception.nextNumber() - 1);
        }
        if (reception.verdict() == Verdict.FULL || reception.verdict() == Verdict.UNNOTED) {
            LOG.warn(
                    "key {} of {} of {} has begun too many spools in the ledger of {}: spool {} is {}",
                    sender.keyId(),
                    recorder.caller(),
                    recorder.home(),
                    tenant,
                    batch.spoolId(),
                    reception.verdict() == Verdict.FULL ? "refused" : "not noted");
        }
        if (reception.begun() >= SpoolRepository.CROWDED) {
            metrics.crowded();
            LOG.warn(
                    "key {} of {} of {} has begun {} spools in the ledger of {}, of {} that it may: have spools outlive their"
                            + " sidecars, and give these another key",
                    sender.keyId(),
                    recorder.caller(),
                    recorder.home(),
                    reception.begun(),
                    tenant,
                    SpoolRepository.MOST_OF_KEY);
        }
        if (reception.verdict() == Verdict.OF_ANOTHER_RECORDER) {
            LOG.warn(
                    "{} of {} sends spool {} to the ledger of {}, which has it of another recorder: nothing was appended",
                    recorder.caller(),
                    recorder.home(),
                    batch.spoolId(),
                    tenant);
        }
        for (Standing left : reception.left()) {
            metrics.left();
            LOG.warn(
                    "{} has a new spool in tenant {}, and {} records of its spool {} are not in the ledger",
                    recorder.caller(),
                    tenant,
                    left.missing(),
                    left.spoolId());
        }
        return reception;
    }

    /** The hash before the first record of a spool, as the spool itself computes it. */
    public static Digest begins(String spoolId) {
        return Digest.sha256(("assize spool " + spoolId).getBytes(UTF_8));
    }

    private List<EntryDraft> drafts(TenantId tenant, Recorder recorder, SpooledBatch batch) {
        if (batch.records().isEmpty()) {
            return List.of();
        }
        Masking masking = new Masking(settings.piiPatterns(tenant));
        Pseudonymity named = Pseudonymity.of(tenant, settings, pseudonyms);
        List<EntryDraft> drafts = new ArrayList<>();
        for (SpooledEvents record : batch.records()) {
            String key = SpooledBatch.key(batch.spoolId(), record.number());
            for (AuditEvent event : record.events()) {
                drafts.add(codec.encode(masking.apply(named.apply(event)), recorder, tenant, key));
            }
        }
        return drafts;
    }
}
