package dev.assize.server.decision;

import com.google.inject.Inject;
import dev.assize.server.decision.DecisionMetrics.SearchKind;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.check.PointInTime;
import dev.assize.server.decision.evaluate.DecisionGraph;
import dev.assize.server.decision.evaluate.DecisionGraph.Origin;
import dev.assize.server.decision.search.Search;
import dev.assize.server.decision.search.SearchPage;
import dev.assize.server.model.Action;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.AnyOf;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.Document.ResourceTypeDocument;
import dev.assize.server.policy.Document.RoleDocument;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Searches by asking: walks the names that the policy knows, in their order, and puts each to the whole decision. So a
 * search says yes exactly where a check would allow, whatever a check takes into account.
 */
final class PolicySearch implements SearchService {

    private static final Subject ANYBODY = new Subject("user", "anybody");
    private static final Action ANYTHING = new Action("anything");

    private final Moments moments;
    private final Decisions decisions;
    private final InstantSource clock;
    private final DecisionMetrics metrics;

    @Inject
    PolicySearch(Moments moments, Decisions decisions, InstantSource clock, DecisionMetrics metrics) {
        this.moments = moments;
        this.decisions = decisions;
        this.clock = clock;
        this.metrics = metrics;
    }

    @Override
    public SearchPage search(Search search, PointInTime at, @Nullable String after, int limit, Duration timeout) {
        if (limit < 1) {
            throw new IllegalArgumentException("A page of " + limit + " names");
        }
        long start = metrics.start();
        Walk walk = new Walk(limit, timeout);
        Moment moment = moments.find(search.surroundings().tenant(), at);
        SearchPage page =
                moment == null ? new SearchPage(List.of(), List.of(), null) : walk.over(moment, search, after);
        metrics.searched(kind(search), walk.candidates, start);
        return page;
    }

    private static SearchKind kind(Search search) {
        return switch (search) {
            case Search.Subjects _ -> SearchKind.SUBJECTS;
            case Search.Resources _ -> SearchKind.RESOURCES;
            case Search.Actions _ -> SearchKind.ACTIONS;
        };
    }

    /** One page. At least one name is looked at, so that whoever goes on where it ends gets on. */
    private final class Walk {

        private final Decisions remembering = decisions.remembering();
        private final int limit;
        private final Instant deadline;
        private final List<String> found = new ArrayList<>();
        private int candidates;

        Walk(int limit, Duration timeout) {
            this.limit = limit;
            this.deadline = clock.instant().plus(timeout);
        }

        SearchPage over(Moment moment, Search search, @Nullable String after) {
            DecisionGraph graph = moment.graph();
            graph.requireAttributes(withAnyName(search));
            TenantId home = search.surroundings().subjectTenant();
            return switch (search) {
                case Search.Subjects subjects ->
                    page(
                            moment,
                            graph.knownSubjects(home, subjects.subjectType(), after),
                            Subject::toString,
                            subjects::about,
                            graph.wildcards(home, subjects.subjectType()));
                case Search.Resources resources ->
                    page(
                            moment,
                            graph.knownResources(resources.resourceType(), after),
                            ResourcePath::value,
                            resources::about,
                            List.of());
                case Search.Actions actions ->
                    page(
                            moment,
                            following(known(graph, actions.resource().type()), after),
                            Action::value,
                            actions::about,
                            List.of());
            };
        }

        private <T> SearchPage page(
                Moment moment,
                Iterator<T> names,
                Function<T, String> text,
                Function<T, CheckQuery> question,
                List<String> wildcards) {
            String last = null;
            while (names.hasNext() && (last == null || goesOn())) {
                T name = names.next();
                last = text.apply(name);
                candidates++;
                if (remembering.decide(moment, question.apply(name)).reason().isAllow()) {
                    found.add(last);
                }
            }
            return new SearchPage(found, wildcards, names.hasNext() ? last : null);
        }

        private boolean goesOn() {
            return found.size() < limit && clock.instant().isBefore(deadline);
        }
    }

    /** What is malformed is so whatever the open part is, and where nothing is found to fill it. */
    private static CheckQuery withAnyName(Search search) {
        return switch (search) {
            case Search.Subjects subjects -> subjects.about(ANYBODY);
            case Search.Resources resources -> resources.about(ResourcePath.parse(resources.resourceType()));
            case Search.Actions actions -> actions.about(ANYTHING);
        };
    }

    /** The actions that the type declares; where no type is declared, those that permissions name for it. */
    private static List<Action> known(DecisionGraph graph, String type) {
        Origin origin = graph.origin();
        boolean declared = of(origin, ResourceTypeDocument.class).findAny().isPresent();
        return declared
                ? graph.knownActions(type)
                : of(origin, RoleDocument.class)
                        .flatMap(role -> role.permissions().stream())
                        .filter(permission -> permission.resources().contains(type))
                        .flatMap(permission -> switch (permission.actions()) {
                            case AnyOf.All<Action>() -> Stream.empty();
                            case AnyOf.Listed<Action>(List<Action> listed) -> listed.stream();
                        })
                        .distinct()
                        .sorted(Comparator.comparing(Action::value))
                        .toList();
    }

    private static <D extends Document> Stream<D> of(Origin origin, Class<D> kind) {
        return Stream.of(origin.tenant(), origin.platform()).flatMap(documents -> documents.ofKind(kind).stream());
    }

    private static Iterator<Action> following(List<Action> actions, @Nullable String after) {
        Stream<Action> all = actions.stream();
        return (after == null ? all : all.filter(action -> action.value().compareTo(after) > 0)).iterator();
    }
}
