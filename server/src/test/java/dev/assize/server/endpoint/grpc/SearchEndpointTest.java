package dev.assize.server.endpoint.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Timestamp;
import dev.assize.proto.v1.AttributeValue;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.DecisionServiceGrpc;
import dev.assize.proto.v1.Detail;
import dev.assize.proto.v1.SearchActionsRequest;
import dev.assize.proto.v1.SearchResourcesRequest;
import dev.assize.proto.v1.SearchResourcesResponse;
import dev.assize.proto.v1.SearchSubjectsRequest;
import dev.assize.proto.v1.SearchSubjectsResponse;
import dev.assize.server.decision.PolicyStaleException;
import dev.assize.server.decision.search.Search;
import dev.assize.server.endpoint.call.ErrorReason;
import dev.assize.server.endpoint.call.Fields;
import dev.assize.server.model.Limits;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SearchEndpointTest {

    @TempDir
    Path directory;

    private GrpcFixture door;

    @BeforeEach
    void open() {
        door = new GrpcFixture(directory);
        door.decisions.grant("service:replay", "search", "tenant:acme/policy");
    }

    @AfterEach
    void close() {
        door.close();
    }

    @Test
    void refusesMalformedSearchesByTheirField() {
        refuses(subjects().setCheck(check().setSubject("user:alice")), "check.subject");
        refuses(subjects().setCheck(check().clearAction()), "check.action");
        refuses(subjects().setCheck(check().setResource("no resource")), "check.resource");
        refuses(subjects().setCheck(check().setExplain(true)), "check.explain");
        refuses(subjects().setCheck(check().setDetail(Detail.DETAIL_FULL)), "check.detail");
        refuses(subjects().setCheck(check().addActiveRoles("no role")), "check.active_roles[0]");
        refuses(subjects().setSubjectType("Human"), "subject_type");
        refuses(subjects().setSubjectType("group"), "subject_type");
        refuses(subjects().setPageSize(-1), "page_size");
        refuses(subjects().setPageSize(Limits.PAGE_ITEMS + 1), "page_size");
        refuses(subjects().setLimit(-1), "limit");
        refuses(subjects().setCheck(check().setTenant("no tenant")), "tenant");
        Refusal.of(() -> resources(SearchResourcesRequest.newBuilder()
                        .setCheck(check().setSubject("user:alice"))
                        .setResourceType("replay")))
                .is(ErrorReason.REQUEST_INVALID)
                .naming("check.resource");
        Refusal.of(() -> resources(SearchResourcesRequest.newBuilder()
                        .setCheck(check().clearResource().setSubject("user:alice"))))
                .is(ErrorReason.REQUEST_INVALID)
                .naming("resource_type");
        Refusal.of(() -> door.decisions(door.replay)
                        .searchActions(SearchActionsRequest.newBuilder()
                                .setCheck(check().setSubject("user:alice"))
                                .build())
                        .forEachRemaining(page -> {}))
                .is(ErrorReason.REQUEST_INVALID)
                .naming("check.action");
    }

    @Test
    void refusesThePastWithoutThePermissionToReadHistory() {
        Refusal.of(() -> search(subjects().setCheck(check().setAsOf(Timestamp.newBuilder()))))
                .is(ErrorReason.PERMISSION_MISSING);
    }

    @Test
    void refusesAnEnvironmentTheCredentialIsNotFor() {
        String limited = door.key("service:replay", "acme", false, Set.of("staging"), Set.of(), "acme");
        Refusal.of(() -> door.decisions(limited)
                        .searchSubjects(subjects().build())
                        .forEachRemaining(page -> {}))
                .is(ErrorReason.ENVIRONMENT_NOT_ALLOWED);
    }

    @Test
    void refusesTheCursorOfAnotherQuestion() {
        door.searches.names(10);
        String cursor = search(subjects().setLimit(3)).getLast().getCursor();

        assertThat(names(search(subjects().setCursor(cursor).setPageSize(2))))
                .as("pages and limits may change")
                .hasSize(7)
                .startsWith("user:u000003");
        refusesCursor(subjects().setCursor("x" + cursor));
        refusesCursor(subjects().setCursor("x".repeat(10_000)));
        refusesCursor(subjects().setSubjectType("user").setCursor(cursor));
        refusesCursor(subjects().setCheck(check().setAction("read")).setCursor(cursor));
        refusesCursor(subjects().setCheck(check().putContext("a", text("b"))).setCursor(cursor));
        Refusal.of(() -> door.decisions(door.replay)
                        .searchActions(SearchActionsRequest.newBuilder()
                                .setCheck(check().clearAction().setSubject("user:alice"))
                                .setCursor(cursor)
                                .build())
                        .forEachRemaining(page -> {}))
                .is(ErrorReason.PAGE_TOKEN_INVALID);
    }

    @Test
    void takesACursorWhateverTheOrderOfAttributes() {
        door.searches.names(10);
        SearchSubjectsRequest.Builder request = subjects().setLimit(3);
        for (int i = 0; i < 20; i++) {
            request.getCheckBuilder().putContext("a" + i, text("x"));
        }
        String cursor = search(request).getLast().getCursor();

        SearchSubjectsRequest.Builder other = subjects().setCursor(cursor);
        for (int i = 19; i >= 0; i--) {
            other.getCheckBuilder().putContext("a" + i, text("x"));
        }
        assertThat(names(search(other))).hasSize(7);
    }

    @Test
    void takesACursorBehindTheLongestNameThereIs() {
        String segment = "doc:" + "d".repeat(122) + "/";
        String longest = segment.repeat(8) + "d".repeat(8);
        String name = longest.substring(0, Limits.PATH_BYTES);
        door.searches.names(List.of(name, name + "z"));
        SearchResourcesRequest.Builder request = SearchResourcesRequest.newBuilder()
                .setCheck(check().clearResource().setSubject("user:alice"))
                .setResourceType("doc")
                .setLimit(1);
        String cursor = resources(request).getLast().getCursor();

        assertThat(resources(request.setCursor(cursor)).getLast().getResourcesList())
                .containsExactly(name + "z");
    }

    @Test
    void streamsFullPagesAndSaysThatTheyAreAll() {
        door.searches.names(250);
        door.searches.step(7);

        List<SearchSubjectsResponse> pages = search(subjects());

        assertThat(pages).extracting(SearchSubjectsResponse::getSubjectsCount).containsExactly(100, 100, 50);
        assertThat(names(pages)).isSorted().doesNotHaveDuplicates().hasSize(250);
        assertThat(pages).noneMatch(SearchSubjectsResponse::getTruncated);
        assertThat(pages.getLast().getCursor()).isEmpty();
        assertThat(pages.getFirst().getCursor()).isNotEmpty();
        assertThat(pages.getFirst().getWildcardsList()).containsExactly("user:*");
    }

    @Test
    void saysThatNobodyIsFound() {
        assertThat(search(subjects())).singleElement().satisfies(page -> {
            assertThat(page.getSubjectsList()).isEmpty();
            assertThat(page.getTruncated()).isFalse();
        });
    }

    @Test
    void saysWhereTheLimitCutItOffAndOnlyThere() {
        door.searches.names(10);

        List<SearchSubjectsResponse> cut = search(subjects().setLimit(4).setPageSize(3));
        assertThat(cut).extracting(SearchSubjectsResponse::getSubjectsCount).containsExactly(3, 1);
        assertThat(cut).extracting(SearchSubjectsResponse::getTruncated).containsExactly(false, true);

        List<SearchSubjectsResponse> whole = search(subjects().setLimit(10));
        assertThat(whole.getLast().getTruncated()).isFalse();
        assertThat(whole.getLast().getCursor()).isEmpty();
    }

    @Test
    void saysWhereTheDeadlineCutItOffAndHowToGoOn() {
        door.searches.names(List.of("no:a", "user:z"));
        door.searches.step(0);

        assertThat(pagesInTime())
                .singleElement()
                .satisfies(page -> assertThat(page.getTruncated()).isTrue());
        assertThat(door.searches.calls.get()).isGreaterThan(1);
    }

    /** The last page is sent just before the deadline; asked again where it came too late to be heard. */
    private List<SearchSubjectsResponse> pagesInTime() {
        for (int attempts = 1; ; attempts++) {
            List<SearchSubjectsResponse> pages = new ArrayList<>();
            try {
                door.decisions(door.replay)
                        .withDeadlineAfter(Duration.ofMillis(500))
                        .searchSubjects(subjects().build())
                        .forEachRemaining(pages::add);
                return pages;
            } catch (StatusRuntimeException late) {
                if (late.getStatus().getCode() != Status.Code.DEADLINE_EXCEEDED || attempts == 60) {
                    throw late;
                }
            }
        }
    }

    @Test
    void asksAboutThePastAsItWas() {
        door.decisions.grant("service:replay", "read-history", "tenant:acme/policy");
        door.searches.names(3);
        assertThat(names(search(subjects().setCheck(check().setAsOf(Fields.timestamp(Instant.EPOCH))))))
                .hasSize(3);
        refuses(
                subjects()
                        .setCheck(check().setAsOf(
                                        Fields.timestamp(door.clock.instant().plusSeconds(1)))),
                "check.as_of");
    }

    @Test
    void handsOnWhatIsSought() {
        resources(SearchResourcesRequest.newBuilder()
                .setCheck(check().clearResource().setSubject("user:alice").setRunId("run-1"))
                .setResourceType("doc"));
        assertThat(door.searches.last()).isInstanceOfSatisfying(Search.Resources.class, sought -> {
            assertThat(sought.resourceType()).isEqualTo("doc");
            assertThat(sought.subject()).hasToString("user:alice");
            assertThat(sought.surroundings().runId()).isEqualTo("run-1");
        });
    }

    @Test
    void answersBrokenSurroundingsWithAStatus() {
        door.searches.fail(new PolicyStaleException(Duration.ofSeconds(70), Duration.ofSeconds(60)));
        Refusal.of(() -> search(subjects())).is(ErrorReason.POLICY_STALE);
    }

    @Test
    void waitsForASlowReaderAndStopsForOneThatLeft() throws Exception {
        door.searches.names(1_000_000);
        AtomicReference<ClientCallStreamObserver<SearchSubjectsRequest>> call = new AtomicReference<>();
        CompletableFuture<Throwable> end = new CompletableFuture<>();
        List<SearchSubjectsResponse> pages = new ArrayList<>();
        door.with(DecisionServiceGrpc.newStub(door.channel), door.replay)
                .searchSubjects(
                        subjects().setPageSize(1_000).build(),
                        new ClientResponseObserver<SearchSubjectsRequest, SearchSubjectsResponse>() {
                            @Override
                            public void beforeStart(ClientCallStreamObserver<SearchSubjectsRequest> stream) {
                                stream.disableAutoRequestWithInitial(1);
                                call.set(stream);
                            }

                            @Override
                            public void onNext(SearchSubjectsResponse page) {
                                pages.add(page);
                            }

                            @Override
                            public void onError(Throwable failure) {
                                end.complete(failure);
                            }

                            @Override
                            public void onCompleted() {
                                end.completeExceptionally(new AssertionError("nobody read it all"));
                            }
                        });

        await(() -> pages.size() == 1);
        assertThat(settled()).as("pages made for one that was read").isLessThan(10);
        call.get().cancel("enough", null);
        end.get(10, TimeUnit.SECONDS);
        assertThat(settled()).as("of a thousand, where nobody reads").isLessThan(10);
    }

    /** The number of calls when it no longer grows. */
    private int settled() {
        int before = -1;
        while (before != door.searches.calls.get()) {
            before = door.searches.calls.get();
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(100));
        }
        return before;
    }

    private static void await(BooleanSupplier condition) {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).as("in time").isLessThan(end);
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
        }
    }

    private void refuses(SearchSubjectsRequest.Builder request, String field) {
        Refusal.of(() -> search(request)).is(ErrorReason.REQUEST_INVALID).naming(field);
    }

    private void refusesCursor(SearchSubjectsRequest.Builder request) {
        Refusal.of(() -> search(request)).is(ErrorReason.PAGE_TOKEN_INVALID).naming("cursor");
    }

    private List<SearchSubjectsResponse> search(SearchSubjectsRequest.Builder request) {
        List<SearchSubjectsResponse> pages = new ArrayList<>();
        door.decisions(door.replay).searchSubjects(request.build()).forEachRemaining(pages::add);
        return pages;
    }

    private List<SearchResourcesResponse> resources(SearchResourcesRequest.Builder request) {
        List<SearchResourcesResponse> pages = new ArrayList<>();
        door.decisions(door.replay).searchResources(request.build()).forEachRemaining(pages::add);
        return pages;
    }

    private static List<String> names(List<SearchSubjectsResponse> pages) {
        return pages.stream().flatMap(page -> page.getSubjectsList().stream()).toList();
    }

    private static SearchSubjectsRequest.Builder subjects() {
        return SearchSubjectsRequest.newBuilder().setCheck(check());
    }

    private static CheckRequest.Builder check() {
        return CheckRequest.newBuilder()
                .setTenant("acme")
                .setResource("replay:922")
                .setAction("execute");
    }

    private static AttributeValue text(String text) {
        return AttributeValue.newBuilder().setStringValue(text).build();
    }
}
