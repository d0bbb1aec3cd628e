package dev.assize.client;

import dev.assize.proto.v1.DecisionServiceGrpc;
import dev.assize.proto.v1.SearchActionsRequest;
import dev.assize.proto.v1.SearchResourcesRequest;
import dev.assize.proto.v1.SearchSubjectsRequest;
import java.time.Duration;
import java.util.Iterator;
import java.util.function.Function;

/** Asks for whom, on what and what a check would allow. */
final class Searches {

    private static final int PAGE = 500;

    private final DecisionServiceGrpc.DecisionServiceBlockingStub decisions;
    private final String tenant;
    private final String env;
    private final Duration deadline;

    Searches(DecisionServiceGrpc.DecisionServiceBlockingStub decisions, String tenant, String env, Duration deadline) {
        this.decisions = decisions;
        this.tenant = tenant;
        this.env = env;
        this.deadline = deadline;
    }

    SearchResults subjects(Question question, String type, int limit, String cursor) {
        SearchSubjectsRequest request = SearchSubjectsRequest.newBuilder()
                .setCheck(Wire.question(question, tenant, env))
                .setSubjectType(type)
                .setPageSize(PAGE)
                .setLimit(limit)
                .setCursor(cursor)
                .build();
        return new SearchResults(
                deadline, left -> mapped(decisions.withDeadlineAfter(left).searchSubjects(request), Wire::page));
    }

    SearchResults resources(Question question, String type, int limit, String cursor) {
        SearchResourcesRequest request = SearchResourcesRequest.newBuilder()
                .setCheck(Wire.question(question, tenant, env))
                .setResourceType(type)
                .setPageSize(PAGE)
                .setLimit(limit)
                .setCursor(cursor)
                .build();
        return new SearchResults(
                deadline, left -> mapped(decisions.withDeadlineAfter(left).searchResources(request), Wire::page));
    }

    SearchResults actions(Question question, int limit, String cursor) {
        SearchActionsRequest request = SearchActionsRequest.newBuilder()
                .setCheck(Wire.question(question, tenant, env))
                .setPageSize(PAGE)
                .setLimit(limit)
                .setCursor(cursor)
                .build();
        return new SearchResults(
                deadline, left -> mapped(decisions.withDeadlineAfter(left).searchActions(request), Wire::page));
    }

    private static <R> Iterator<SearchResults.Page> mapped(
            Iterator<R> responses, Function<R, SearchResults.Page> page) {
        return new Iterator<>() {
            @Override
            public boolean hasNext() {
                return responses.hasNext();
            }

            @Override
            public SearchResults.Page next() {
                return page.apply(responses.next());
            }
        };
    }
}
