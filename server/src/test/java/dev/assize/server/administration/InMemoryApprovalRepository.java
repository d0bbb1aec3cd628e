package dev.assize.server.administration;

import dev.assize.server.audit.AuditCodec;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.decision.ApprovalSource;
import dev.assize.server.decision.approval.ApprovalRequest;
import dev.assize.server.ledger.AppendCommand;
import dev.assize.server.ledger.LedgerStore;
import dev.assize.server.model.Action;
import dev.assize.server.model.Digest;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import java.time.Instant;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Requests for approval in memory, for tests; records into the given ledger. */
public final class InMemoryApprovalRepository implements ApprovalRepository, ApprovalSource {

    private static final Comparator<FiledApproval> OLDEST_FIRST = Comparator.comparing(
                    (FiledApproval filed) -> filed.request().requestedAt())
            .thenComparing(filed -> filed.request().id());

    private final LedgerStore ledger;
    private final AuditCodec codec = new AuditCodec();
    private final Map<String, FiledApproval> byId = new HashMap<>();
    private final Map<String, Instant> openUntil = new HashMap<>();
    private final Map<Key, Filing> byKey = new HashMap<>();

    /** Most requests that were listed at a time. */
    int mostListed;

    public InMemoryApprovalRepository(LedgerStore ledger) {
        this.ledger = ledger;
    }

    @Override
    public synchronized FilingResult file(Filing filing, int openLimit) {
        FiledApproval approval = filing.approval();
        TenantId tenant = approval.request().tenant();
        if (filing.idempotencyKey() != null) {
            Key key = new Key(tenant, filing.caller(), filing.idempotencyKey());
            Filing first = byKey.get(key);
            if (first != null) {
                Digest content = first.contentHash();
                return content.equals(filing.contentHash())
                        ? new FilingResult.Replayed(
                                find(tenant, first.approval().request().id()).orElseThrow())
                        : new FilingResult.KeyReused();
            }
            byKey.put(key, filing);
        }
        long open = openUntil.values().stream()
                .filter(approval.request().requestedAt()::isBefore)
                .count();
        if (open >= openLimit) {
            return new FilingResult.Full();
        }
        keep(approval, filing.openUntil());
        append(tenant, filing.caller(), filing.event());
        return new FilingResult.Filed();
    }

    @Override
    public synchronized Optional<Keyed> findByKey(TenantId tenant, Recorder caller, String idempotencyKey) {
        return Optional.ofNullable(byKey.get(new Key(tenant, caller, idempotencyKey)))
                .map(filing ->
                        new Keyed(find(tenant, filing.approval().request().id()).orElseThrow(), filing.contentHash()));
    }

    @Override
    public synchronized Optional<FiledApproval> find(TenantId tenant, String id) {
        return Optional.ofNullable(byId.get(id))
                .filter(filed -> filed.request().tenant().equals(tenant));
    }

    @Override
    public synchronized <R> Optional<R> change(
            TenantId tenant, String id, Recorder caller, Function<FiledApproval, Step<R>> step) {
        return find(tenant, id).map(present -> {
            Step<R> decided = step.apply(present);
            Write write = decided.write();
            if (write != null) {
                keep(present.after(write.change()), write.openUntil());
                append(tenant, caller, write.event());
            }
            return decided.answer();
        });
    }

    @Override
    public synchronized List<FiledApproval> list(TenantId tenant, Filter filter) {
        List<FiledApproval> listed = byId.values().stream()
                .filter(filed -> filed.request().tenant().equals(tenant))
                .filter(filed -> filter.subject() == null
                        || filter.subject().equals(filed.request().subject()))
                .filter(filed -> filter.envs().isEmpty()
                        || filter.envs().contains(filed.request().env()))
                .filter(filed -> filter.ended() == Ended.ANY || fits(filter.ended(), filed))
                .sorted(OLDEST_FIRST.reversed())
                .filter(filed -> isBehind(filed, filter.before()))
                .limit(filter.limit())
                .toList();
        mostListed = Math.max(mostListed, listed.size());
        return listed;
    }

    @Override
    public synchronized List<ApprovalRequest> find(
            TenantId tenant,
            Subject subject,
            TenantId subjectHome,
            Action action,
            ResourcePath resource,
            Environment env,
            Instant until) {
        return byId.values().stream()
                .sorted(OLDEST_FIRST)
                .map(FiledApproval::request)
                .filter(request -> request.tenant().equals(tenant)
                        && request.subject().equals(subject)
                        && request.subjectHome().equals(subjectHome)
                        && request.action().equals(action)
                        && request.resource().equals(resource)
                        && request.env().equals(env)
                        && !request.requestedAt().isAfter(until))
                .toList();
    }

    private void keep(FiledApproval approval, @Nullable Instant until) {
        String id = approval.request().id();
        byId.put(id, approval);
        if (until == null) {
            openUntil.remove(id);
        } else {
            openUntil.put(id, until);
        }
    }

    private static boolean fits(Ended ended, FiledApproval filed) {
        ApprovalRequest request = filed.request();
        boolean rejected = request.votes().stream().anyMatch(vote -> !vote.approves());
        boolean over = rejected || request.cancelledAt() != null || request.usedAt() != null;
        return switch (ended) {
            case ANY -> true;
            case NOT -> !over && filed.expiredAt() == null;
            case NOT_OR_EXPIRED -> !over;
            case REJECTED -> rejected;
            case CANCELLED -> request.cancelledAt() != null;
            case USED -> request.usedAt() != null;
        };
    }

    private static boolean isBehind(FiledApproval filed, @Nullable Position before) {
        if (before == null) {
            return true;
        }
        int byTime = filed.request().requestedAt().compareTo(before.requestedAt());
        return byTime < 0 || (byTime == 0 && filed.request().id().compareTo(before.id()) < 0);
    }

    private void append(TenantId tenant, Recorder caller, AuditEvent event) {
        ledger.append(tenant, List.of(new AppendCommand(caller, List.of(codec.encode(event, caller, tenant)), null)));
    }

    private record Key(TenantId tenant, Recorder caller, String key) {}
}
