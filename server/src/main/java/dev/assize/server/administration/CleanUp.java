package dev.assize.server.administration;

import com.google.inject.Inject;
import dev.assize.server.administration.ShorthandPlanner.Draft;
import dev.assize.server.administration.ShorthandResult.NotThere;
import dev.assize.server.decision.DecisionService;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.Document.TenantDocument;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.Kind;
import dev.assize.server.policy.PolicySet;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Set;

/**
 * Deletes bindings that ended long ago, by the path of every change: one revision with its entries, judged as others are,
 * also by what a tenant demands of a change. What a manager keeps is left to the manager, who would only write it again.
 * Blocks.
 */
public final class CleanUp {

    /** Bindings of one change. */
    public static final int MOST = 1_000;

    private final PolicyRepository repository;
    private final DecisionService decisions;
    private final InstantSource clock;

    @Inject
    CleanUp(PolicyRepository repository, DecisionService decisions, InstantSource clock) {
        this.repository = repository;
        this.decisions = decisions;
        this.clock = clock;
    }

    /** What was done. */
    public sealed interface Result {

        /** There are none to delete, or it was only asked. */
        record Found(List<RoleBindingDocument> ended, boolean more) implements Result {}

        /** Deleted, in the change of that revision, whose manifest stands at that position. */
        record Deleted(List<RoleBindingDocument> ended, boolean more, Revision revision, long seq) implements Result {}

        /** There is no such tenant. */
        record NoSuchTenant() implements Result {}

        /** The change was refused, as it would be of anybody. */
        record Refused(ChangeResult why) implements Result {}
    }

    /** What is to be deleted, at most {@link #MOST}, by name. */
    public Result find(TenantId tenant, Duration endedFor) {
        PolicySet present = repository.current(PolicyScope.of(tenant));
        return present.ofKind(TenantDocument.class).isEmpty()
                ? new Result.NoSuchTenant()
                : found(ended(present, before(endedFor)));
    }

    /** Deletes it, in one change. */
    public Result run(TenantId tenant, Duration endedFor, Recorder recorder) {
        Instant before = before(endedFor);
        Result there = find(tenant, endedFor);
        if (!(there instanceof Result.Found(List<RoleBindingDocument> some, boolean _)) || some.isEmpty()) {
            return there;
        }
        PolicyScope scope = PolicyScope.of(tenant);
        Step step = new Step(scope, before);
        ShorthandPlanner planner = new ShorthandPlanner(
                tenant,
                new ChangeOrigin("clean-up", null),
                "ended more than " + endedFor.toDays() + " days ago",
                recorder,
                clock,
                step::draft);
        List<Long> manifests = repository.changeAhead(Set.of(scope), planner);
        return switch (planner.result()) {
            case null -> {
                decisions.refresh(scope);
                yield new Result.Deleted(
                        step.ended.subList(0, Math.min(MOST, step.ended.size())),
                        step.ended.size() > MOST,
                        planner.accepted().changes().getFirst().revision(),
                        manifests.getFirst());
            }
            case ShorthandResult.Refused(ChangeResult why) -> new Result.Refused(why);
            case NotThere(DocumentKey key) when key.kind() == Kind.TENANT -> new Result.NoSuchTenant();
            case ShorthandResult _ -> found(List.of());
        };
    }

    private Instant before(Duration endedFor) {
        return clock.instant().minus(endedFor);
    }

    private static Result.Found found(List<RoleBindingDocument> ended) {
        return new Result.Found(ended.subList(0, Math.min(MOST, ended.size())), ended.size() > MOST);
    }

    /** One more than may go, so that it is known whether there are more. */
    private static List<RoleBindingDocument> ended(PolicySet present, Instant before) {
        return present.ofKind(RoleBindingDocument.class).stream()
                .filter(binding -> binding.metadata().manager() == null)
                .filter(binding -> {
                    Instant end = binding.notAfter();
                    return end != null && !end.isAfter(before);
                })
                .limit(MOST + 1L)
                .toList();
    }

    /** Looks again while nobody else can change anything. */
    private static final class Step {

        private final PolicyScope scope;
        private final Instant before;
        private List<RoleBindingDocument> ended = List.of();

        Step(PolicyScope scope, Instant before) {
            this.scope = scope;
            this.before = before;
        }

        Draft draft(PolicySet present) {
            ended = ended(present, before);
            return ended.isEmpty()
                    ? new Draft.None(new NotThere(new DocumentKey(scope, Kind.ROLE_BINDING, "")))
                    : new Draft.Change(
                            List.of(),
                            ended.stream().limit(MOST).map(Document::key).toList());
        }
    }
}
