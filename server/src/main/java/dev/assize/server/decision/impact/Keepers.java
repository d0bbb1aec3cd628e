package dev.assize.server.decision.impact;

import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.compile.GraphCompiler;
import dev.assize.server.decision.evaluate.DecisionGraph;
import dev.assize.server.decision.evaluate.Openness;
import dev.assize.server.decision.evaluate.Prospect;
import dev.assize.server.decision.evaluate.Prospects;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document.FreezeDocument;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.Document.TenantDocument;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.PolicySet;
import dev.assize.server.policy.Reach;
import dev.assize.server.policy.SubjectPattern;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Whether somebody is left who can undo what is done to the policy by which Assize guards itself: who may lift its freezes,
 * and who may apply policy there once they are lifted. Only those count whom a binding reaches and who need nothing for it
 * that comes with a request, no approval and no obligation.
 */
public final class Keepers {

    private static final String OWN = "tenant:" + TenantId.ASSIZE + "/";

    private Keepers() {}

    /**
     * What nobody could do any more, though somebody could before; null where all can be undone.
     *
     * @param before policy of tenant `assize`
     * @param now from when on it matters
     */
    public static @Nullable String lost(PolicyState before, PolicyState after, Instant now) {
        if (!moments(after, now).stream().allMatch(moment -> mayLift(after, moment)) && mayLift(before, now)) {
            return "lift a freeze of tenant `assize`";
        }
        PolicyState thawed = thawed(after);
        return !mayApply(thawed, now) && mayApply(thawed(before), now) ? "apply policy of tenant `assize`" : null;
    }

    private static boolean mayLift(PolicyState state, Instant moment) {
        return isAnybodyAllowed(state, "freeze", "lift", moment);
    }

    private static boolean mayApply(PolicyState state, Instant moment) {
        return isAnybodyAllowed(state, "policy", "apply", moment);
    }

    /** Now, and whenever a freeze begins. */
    private static Set<Instant> moments(PolicyState state, Instant now) {
        Set<Instant> moments = new TreeSet<>(Set.of(now));
        state.tenant().ofKind(FreezeDocument.class).stream()
                .flatMap(freeze -> Stream.ofNullable(freeze.from()))
                .filter(now::isBefore)
                .forEach(moments::add);
        return moments;
    }

    private static PolicyState thawed(PolicyState state) {
        PolicySet tenant = state.tenant();
        List<DocumentKey> freezes = tenant.ofKind(FreezeDocument.class).stream()
                .map(FreezeDocument::key)
                .toList();
        return freezes.isEmpty()
                ? state
                : new PolicyState(tenant.with(tenant.revision(), List.of(), freezes), state.platform());
    }

    private static boolean isAnybodyAllowed(PolicyState state, String type, String action, Instant moment) {
        if (state.tenant().ofKind(TenantDocument.class).isEmpty()) {
            return false;
        }
        DecisionGraph graph = GraphCompiler.compile(state.tenant(), state.platform());
        Reach reach = new Reach(state.tenant());
        return state.tenant().ofKind(RoleBindingDocument.class).stream()
                .anyMatch(binding -> candidates(reach, binding)
                        .anyMatch(subject -> isAllowed(
                                graph,
                                new CheckQuery(
                                        subject,
                                        new ResourcePath(OWN + type, type, true),
                                        new Action(action),
                                        TenantId.ASSIZE,
                                        Environment.DEFAULT,
                                        reach.homeOf(binding)),
                                moment)));
    }

    /** Those whom it names, by themselves or in a group; a pattern names nobody who must be there. */
    private static Stream<Subject> candidates(Reach reach, RoleBindingDocument binding) {
        List<Subject> found = new ArrayList<>();
        for (SubjectPattern pattern : binding.subjects()) {
            if (pattern instanceof SubjectPattern.Named(Subject subject)) {
                if (subject.isGroup()) {
                    found.addAll(reach.members(subject));
                } else {
                    found.add(subject);
                }
            }
        }
        return found.stream();
    }

    private static boolean isAllowed(DecisionGraph graph, CheckQuery query, Instant moment) {
        Openness named = new Openness(false, false, false, false, false);
        Prospect prospect = Prospects.of(graph, query, named, moment, true);
        return prospect.effect() == Prospect.Effect.ALLOW
                && prospect.approvals().isEmpty()
                && prospect.histories().isEmpty();
    }
}
