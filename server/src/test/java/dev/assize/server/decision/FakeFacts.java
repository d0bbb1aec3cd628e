package dev.assize.server.decision;

import dev.assize.server.decision.approval.ApprovalRequest;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** History and approvals in memory, which can be broken. */
final class FakeFacts implements HistorySource, ApprovalSource {

    private record Entry(Subject actor, ResourcePath resource, Performed performed) {}

    private final List<Entry> entries = new CopyOnWriteArrayList<>();
    private final List<ApprovalRequest> requests = new CopyOnWriteArrayList<>();
    private final AtomicInteger reads = new AtomicInteger();
    private volatile @Nullable RuntimeException failure;

    void did(Subject actor, Action action, ResourcePath resource, Instant recordedAt) {
        entries.add(new Entry(actor, resource, new Performed(action, entries.size(), recordedAt)));
    }

    void request(ApprovalRequest request) {
        requests.add(request);
    }

    void clear() {
        requests.clear();
    }

    void setBroken(boolean isBroken) {
        failure = isBroken ? new IllegalStateException("the fake facts are broken") : null;
    }

    void failWith(RuntimeException thrown) {
        failure = thrown;
    }

    /** How often anything was asked. */
    int reads() {
        return reads.get();
    }

    @Override
    public Optional<Performed> firstPerformed(
            TenantId tenant, Subject actor, ResourcePath resource, Set<Action> actions, Instant until) {
        asked();
        return entries.stream()
                .filter(entry -> entry.actor.equals(actor) && entry.resource.equals(resource))
                .map(Entry::performed)
                .filter(performed -> actions.contains(performed.action())
                        && !performed.recordedAt().isAfter(until))
                .findFirst();
    }

    @Override
    public List<ApprovalRequest> find(
            TenantId tenant,
            Subject subject,
            TenantId subjectHome,
            Action action,
            ResourcePath resource,
            Environment env,
            Instant until) {
        asked();
        return requests.stream()
                .filter(request -> request.tenant().equals(tenant)
                        && request.subject().equals(subject)
                        && request.subjectHome().equals(subjectHome)
                        && request.action().equals(action)
                        && request.resource().equals(resource)
                        && request.env().equals(env)
                        && !request.requestedAt().isAfter(until))
                .sorted(Comparator.comparing(ApprovalRequest::requestedAt))
                .toList();
    }

    private void asked() {
        reads.incrementAndGet();
        RuntimeException thrown = failure;
        if (thrown != null) {
            throw thrown;
        }
    }
}
