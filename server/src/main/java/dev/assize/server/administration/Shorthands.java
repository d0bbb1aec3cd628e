package dev.assize.server.administration;

import com.google.inject.Inject;
import dev.assize.server.administration.PolicyRepository.RevisionRecord;
import dev.assize.server.administration.ShorthandPlanner.Draft;
import dev.assize.server.administration.ShorthandResult.AlreadyThere;
import dev.assize.server.administration.ShorthandResult.Done;
import dev.assize.server.administration.ShorthandResult.NotThere;
import dev.assize.server.administration.ShorthandResult.SubjectNotThere;
import dev.assize.server.decision.DecisionService;
import dev.assize.server.decision.NodeConfirmations;
import dev.assize.server.decision.NodeConfirmations.Confirmations;
import dev.assize.server.model.Digest;
import dev.assize.server.model.Environment;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.Document.FreezeDocument;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.FreezeReach;
import dev.assize.server.policy.Kind;
import dev.assize.server.policy.PolicySet;
import dev.assize.server.policy.SubjectPattern;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The short ways to change policy: each makes, changes or deletes one document, on the one path that every change takes.
 * Blocks.
 */
public final class Shorthands {

    private final PolicyRepository repository;
    private final DecisionService decisions;
    private final NodeConfirmations confirmations;
    private final InstantSource clock;
    private final ApprovalIds ids = new ApprovalIds();

    @Inject
    public Shorthands(
            PolicyRepository repository,
            DecisionService decisions,
            NodeConfirmations confirmations,
            InstantSource clock) {
        this.repository = repository;
        this.decisions = decisions;
        this.confirmations = confirmations;
        this.clock = clock;
    }

    /**
     * Who asks, and why.
     *
     * @param key the caller's, for retries; null where it gave none
     * @param content of the request
     * @param breakGlass whether the caller asks with the key for emergencies
     * @param envs the environments that its credential is for; empty for all
     */
    public record Order(
            Recorder recorder,
            @Nullable String reason,
            @Nullable String key,
            Digest content,
            boolean breakGlass,
            Set<Environment> envs) {

        public Order {
            envs = Set.copyOf(envs);
        }

        /** Of a credential for all environments. */
        public Order(
                Recorder recorder, @Nullable String reason, @Nullable String key, Digest content, boolean breakGlass) {
            this(recorder, reason, key, content, breakGlass, Set.of());
        }

        ChangeOrigin origin(String text, String name) {
            return new ChangeOrigin(
                    breakGlass ? ChangeOrigin.BREAK_GLASS : text,
                    key == null ? null : new ChangeOrigin.Once(key, content, name),
                    null,
                    null,
                    envs);
        }
    }

    /** A name for a document that was given none: such names sort as they were made. */
    public String nextName(String prefix) {
        return prefix + ids.next(clock.instant());
    }

    /** Makes a binding; one of its name must not be there. */
    public ShorthandResult grant(TenantId tenant, RoleBindingDocument binding, Order order) {
        return change(tenant, order.origin("grant", binding.name()), order, present -> create(present, binding));
    }

    /**
     * Deletes a binding, or takes one subject out of it.
     *
     * @param subject as it stands there; null for the whole binding
     */
    public ShorthandResult revoke(TenantId tenant, String name, @Nullable String subject, Order order) {
        DocumentKey key = new DocumentKey(PolicyScope.of(tenant), Kind.ROLE_BINDING, name);
        return change(
                tenant,
                order.origin("revoke", name),
                order,
                present -> present.find(key)
                        .map(RoleBindingDocument.class::cast)
                        .map(binding -> subject == null ? deletion(key) : without(binding, subject))
                        .orElseGet(() -> new Draft.None(new NotThere(key))));
    }

    /** Makes a freeze; one of its name must not be there. */
    public ShorthandResult freeze(TenantId tenant, FreezeDocument freeze, Order order) {
        return freeze(tenant, freeze, "freeze", order);
    }

    ShorthandResult freeze(TenantId tenant, FreezeDocument freeze, String origin, Order order) {
        return change(tenant, order.origin(origin, freeze.name()), order, present -> create(present, freeze));
    }

    /** Deletes a freeze. */
    public ShorthandResult unfreeze(TenantId tenant, String name, Order order) {
        return unfreeze(tenant, name, "unfreeze", order);
    }

    ShorthandResult unfreeze(TenantId tenant, String name, String origin, Order order) {
        DocumentKey key = new DocumentKey(PolicyScope.of(tenant), Kind.FREEZE, name);
        return change(
                tenant,
                order.origin(origin, name),
                order,
                present -> present.find(key).isPresent() ? deletion(key) : new Draft.None(new NotThere(key)));
    }

    /**
     * Deletes everything that a tenant has, itself included.
     *
     * @param obstacle what stands against it; null for nothing
     */
    ShorthandResult deleteAll(
            TenantId tenant, String origin, Order order, Function<PolicySet, @Nullable ShorthandResult> obstacle) {
        return change(tenant, order.origin(origin, tenant.value()), order, present -> {
            ShorthandResult against = obstacle.apply(present);
            return against == null
                    ? new Draft.Change(
                            List.of(),
                            present.documents().stream().map(Document::key).toList())
                    : new Draft.None(against);
        });
    }

    /** Waits until the nodes act on a change; see {@link NodeConfirmations#await}. */
    public Confirmations confirmations(TenantId tenant, Revision revision, Duration patience) {
        return confirmations.await(tenant, revision, patience);
    }

    /** What a freeze stops, as policy is now. */
    public FreezeReach reach(TenantId tenant, FreezeDocument freeze) {
        return FreezeReach.of(
                freeze.target(),
                repository.current(PolicyScope.of(tenant)),
                repository.current(PolicyScope.PLATFORM),
                clock.instant());
    }

    private static Draft create(PolicySet present, Document document) {
        return present.find(document.key()).isPresent()
                ? new Draft.None(new AlreadyThere(document.key()))
                : new Draft.Change(List.of(document), List.of());
    }

    private static Draft deletion(DocumentKey key) {
        return new Draft.Change(List.of(), List.of(key));
    }

    private static Draft without(RoleBindingDocument binding, String subject) {
        List<SubjectPattern> left = binding.subjects().stream()
                .filter(pattern -> !pattern.toString().equals(subject))
                .toList();
        if (left.size() == binding.subjects().size()) {
            return new Draft.None(new SubjectNotThere(binding.key(), subject));
        }
        return left.isEmpty()
                ? deletion(binding.key())
                : new Draft.Change(
                        List.of(new RoleBindingDocument(
                                binding.metadata(),
                                binding.place(),
                                left,
                                binding.role(),
                                binding.scopeOfGrant(),
                                binding.fromTenant(),
                                binding.notBefore(),
                                binding.notAfter(),
                                binding.when(),
                                binding.reason())),
                        List.of());
    }

    private ShorthandResult change(TenantId tenant, ChangeOrigin origin, Order order, Function<PolicySet, Draft> step) {
        PolicyScope scope = PolicyScope.of(tenant);
        ShorthandPlanner planner = new ShorthandPlanner(tenant, origin, order.reason(), order.recorder(), clock, step);
        List<Long> manifests = repository.change(Set.of(scope), planner);
        ShorthandResult other = planner.result();
        if (other != null) {
            return other;
        }
        decisions.refresh(scope);
        Revision revision = planner.accepted().changes().getFirst().revision();
        RevisionRecord record = repository.revisions(scope, revision.next(), 1).getFirst();
        return new Done(nameOf(planner), revision, manifests.getFirst(), record.committedAt(), false);
    }

    private static String nameOf(ShorthandPlanner planner) {
        return planner.accepted()
                .changes()
                .getFirst()
                .documents()
                .getFirst()
                .key()
                .name();
    }
}
