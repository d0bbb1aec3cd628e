package dev.assize.server.endpoint.call;

import com.google.inject.Inject;
import com.google.protobuf.Message;
import dev.assize.proto.v1.DecisionServiceGrpc;
import dev.assize.proto.v1.SearchActionsRequest;
import dev.assize.proto.v1.SearchActionsResponse;
import dev.assize.proto.v1.SearchResourcesRequest;
import dev.assize.proto.v1.SearchResourcesResponse;
import dev.assize.proto.v1.SearchSubjectsRequest;
import dev.assize.proto.v1.SearchSubjectsResponse;
import dev.assize.server.decision.search.Search;
import dev.assize.server.upstream.Centre;
import io.grpc.MethodDescriptor;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Searches of a door that speaks another protocol, done at the centre of the sidecar that this node is. */
public final class CentreSearches {

    /** How long is sought; what was found by then is the page. */
    private static final Duration LONGEST = Duration.ofSeconds(5);

    private final Centre centre;
    private final Elsewhere elsewhere;

    @Inject
    public CentreSearches(Centre centre, Elsewhere elsewhere) {
        this.centre = centre;
        this.elsewhere = elsewhere;
    }

    /**
     * A page of what is found. Blocks.
     *
     * @param limit of its names, from 1; fewer are found where the time is up
     * @param cursor of the page before; null for the first
     */
    public Page page(Search search, int limit, @Nullable String cursor) {
        String after = Objects.requireNonNullElse(cursor, "");
        return switch (search) {
            case Search.Subjects subjects ->
                ask(
                        search,
                        DecisionServiceGrpc.getSearchSubjectsMethod(),
                        SearchSubjectsRequest.newBuilder()
                                .setCheck(CheckMessages.around(search.surroundings())
                                        .setResource(subjects.resource().value())
                                        .setAction(subjects.action().value()))
                                .setSubjectType(Objects.requireNonNullElse(subjects.subjectType(), ""))
                                .setPageSize(limit)
                                .setLimit(limit)
                                .setCursor(after)
                                .build(),
                        CentreSearches::page);
            case Search.Resources resources ->
                ask(
                        search,
                        DecisionServiceGrpc.getSearchResourcesMethod(),
                        SearchResourcesRequest.newBuilder()
                                .setCheck(CheckMessages.around(search.surroundings())
                                        .setSubject(resources.subject().toString())
                                        .setAction(resources.action().value()))
                                .setResourceType(resources.resourceType())
                                .setPageSize(limit)
                                .setLimit(limit)
                                .setCursor(after)
                                .build(),
                        CentreSearches::page);
            case Search.Actions actions ->
                ask(
                        search,
                        DecisionServiceGrpc.getSearchActionsMethod(),
                        SearchActionsRequest.newBuilder()
                                .setCheck(CheckMessages.around(search.surroundings())
                                        .setSubject(actions.subject().toString())
                                        .setResource(actions.resource().value()))
                                .setPageSize(limit)
                                .setLimit(limit)
                                .setCursor(after)
                                .build(),
                        CentreSearches::page);
        };
    }

    /** A page as large as all that is wanted is the only message there is. */
    @SuppressWarnings("unchecked") // What is sent instead of a request is of its type.
    private <Q extends Message, R> Page ask(
            Search search, MethodDescriptor<Q, R> method, Q request, Function<R, Page> page) {
        Q sent = (Q) elsewhere.toSend(request, search.surroundings().tenant());
        return page.apply(CentreWords.of(() -> centre.only(method, sent, Deadlines.left(LONGEST))));
    }

    private static Page page(SearchSubjectsResponse response) {
        return Page.of(
                response.getSubjectsList(), response.getWildcardsList(), response.getTruncated(), response.getCursor());
    }

    private static Page page(SearchResourcesResponse response) {
        return Page.of(response.getResourcesList(), List.of(), response.getTruncated(), response.getCursor());
    }

    private static Page page(SearchActionsResponse response) {
        return Page.of(response.getActionsList(), List.of(), response.getTruncated(), response.getCursor());
    }

    /**
     * What was found.
     *
     * @param isWhole whether there is nothing behind it
     * @param cursor of the next page; null where that is the first page still
     */
    public record Page(
            List<String> names,
            List<String> wildcards,
            boolean isWhole,
            @Nullable String cursor) {

        public Page {
            names = List.copyOf(names);
            wildcards = List.copyOf(wildcards);
        }

        private static Page of(List<String> names, List<String> wildcards, boolean truncated, String cursor) {
            return new Page(names, wildcards, !truncated && cursor.isEmpty(), cursor.isEmpty() ? null : cursor);
        }
    }
}
