package dev.assize.server.administration;

import static java.util.Objects.requireNonNull;

import dev.assize.server.administration.ChangeOrigin.Once;
import dev.assize.server.administration.ChangeResult.Accepted;
import dev.assize.server.administration.PolicyRepository.Answered;
import dev.assize.server.administration.PolicyRepository.Planner;
import dev.assize.server.administration.PolicyRepository.Present;
import dev.assize.server.administration.PolicyRepository.RevisionRecord;
import dev.assize.server.administration.PolicyRepository.ScopePlan;
import dev.assize.server.administration.ShorthandResult.Done;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.Document.TenantDocument;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.Kind;
import dev.assize.server.policy.PolicySet;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Makes a change set of what is there while nobody else can change it, and has it planned like any other: what a
 * shorthand names is looked up under the same lock under which it is changed.
 */
final class ShorthandPlanner implements Planner {

    private final TenantId tenant;
    private final ChangeOrigin origin;
    private final @Nullable String reason;
    private final Recorder recorder;
    private final InstantSource clock;
    private final Function<PolicySet, Draft> step;
    private @Nullable ShorthandResult result;
    private @Nullable ChangePlanner planner;

    ShorthandPlanner(
            TenantId tenant,
            ChangeOrigin origin,
            @Nullable String reason,
            Recorder recorder,
            InstantSource clock,
            Function<PolicySet, Draft> step) {
        this.tenant = tenant;
        this.origin = origin;
        this.reason = reason;
        this.recorder = recorder;
        this.clock = clock;
        this.step = step;
    }

    /** What a shorthand comes to. */
    sealed interface Draft {

        /** A change to make. */
        record Change(List<Document> puts, List<DocumentKey> deletes) implements Draft {}

        /** Nothing to change. */
        record None(ShorthandResult why) implements Draft {}
    }

    @Override
    public List<ScopePlan> plan(Present present) {
        PolicyScope scope = PolicyScope.of(tenant);
        planner = null;
        result = answered(present, scope);
        if (result != null) {
            return List.of();
        }
        PolicySet documents = present.documents(scope);
        if (documents.ofKind(TenantDocument.class).isEmpty()) {
            result = new ShorthandResult.NotThere(new DocumentKey(scope, Kind.TENANT, tenant.value()));
            return List.of();
        }
        return switch (step.apply(documents)) {
            case Draft.None(ShorthandResult why) -> {
                result = why;
                yield List.of();
            }
            case Draft.Change(List<Document> puts, List<DocumentKey> deletes) -> {
                planner = new ChangePlanner(
                        new ChangeSet(puts, deletes, List.of(), false, false, reason, origin),
                        Warrant.of(recorder, origin),
                        any -> false,
                        clock);
                yield planner.plan(present);
            }
        };
    }

    /** What ended it without a change; null where one was planned. */
    @Nullable
    ShorthandResult result() {
        if (result != null) {
            return result;
        }
        if (planner == null) {
            throw new IllegalStateException("The store never asked for a plan");
        }
        return planner.result() instanceof Accepted ? null : new ShorthandResult.Refused(planner.result());
    }

    /** What was planned. */
    Accepted accepted() {
        if (planner != null && planner.result() instanceof Accepted accepted) {
            return accepted;
        }
        throw new IllegalStateException("Nothing was planned");
    }

    private @Nullable ShorthandResult answered(Present present, PolicyScope scope) {
        Once once = origin.once();
        if (once == null) {
            return null;
        }
        Optional<Answered> answered = present.answered(scope, recorder, once.key());
        return answered.map(first -> first.once().content().equals(once.content())
                        ? done(first.once().name(), requireNonNull(first.at()))
                        : new ShorthandResult.KeyReused(once.key()))
                .orElse(null);
    }

    /** A shorthand always changes something, or was refused. */
    private static ShorthandResult done(String name, RevisionRecord made) {
        return new Done(name, made.revision(), made.seq(), made.committedAt(), true);
    }
}
