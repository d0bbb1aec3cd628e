package dev.assize.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.proto.v1.SearchSubjectsResponse;
import io.grpc.Status;
import java.util.ArrayList;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class SearchTest {

    private final FakeAssize server = new FakeAssize();
    private final AssizeClient client = server.client(AssizeClient.builder().tenant("acme"));

    @AfterEach
    void close() {
        client.close();
        server.close();
    }

    @Test
    void throwsWhatGoesWrongAndNeverEndsSilently() {
        server.subjects = List.of(page("user:alice").build());
        server.searchFailure = Status.UNAVAILABLE.asRuntimeException();
        SearchResults found = search();

        assertThat(found.next()).isEqualTo("user:alice");
        assertThatThrownBy(found::hasNext).isInstanceOf(AssizeException.class);
        assertThatThrownBy(found::truncated).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void aSearchThatEndsBeforeItsLastPageIsNoResult() {
        server.subjects = List.of(page("user:alice").setCursor("next").build());
        SearchResults found = search();

        assertThat(found.next()).isEqualTo("user:alice");
        assertMalformed(found);
        assertMalformed(found);
        assertThatThrownBy(found::truncated).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void aSearchWithoutAPageIsNoResult() {
        assertMalformed(search());
    }

    @Test
    void aPageBehindTheLastIsNoResult() {
        server.subjects = List.of(page("user:alice").build(), page("user:bob").build());
        SearchResults found = search();

        assertThat(found.next()).isEqualTo("user:alice");
        assertMalformed(found);
    }

    private static void assertMalformed(SearchResults found) {
        assertThatThrownBy(found::hasNext)
                .isInstanceOfSatisfying(
                        AssizeException.class, it -> assertThat(it.code()).isEqualTo("MALFORMED_ANSWER"));
    }

    @Test
    void isBegunAnewWhereNobodyHasAnsweredAndNeverBehindAName() {
        server.subjects = List.of(page("user:alice").build());
        server.searchesUnanswered = 2;
        assertThat(search().next()).isEqualTo("user:alice");
        assertThat(server.searches).hasValue(3);

        server.searchFailure = Status.UNAVAILABLE.asRuntimeException();
        SearchResults found = search();
        found.next();
        assertThatThrownBy(found::hasNext).isInstanceOf(AssizeException.class);
        assertThat(server.searches).hasValue(4);
    }

    @Test
    void isBegunThreeTimesAtMost() {
        server.searchesUnanswered = 9;
        assertThatThrownBy(search()::hasNext)
                .isInstanceOfSatisfying(
                        AssizeException.class, it -> assertThat(it.code()).isEqualTo("UNAVAILABLE"));
        assertThat(server.searches).hasValue(3);
    }

    @Test
    void doesNotSayWhetherItIsAllBeforeItsEnd() {
        server.subjects = List.of(page("user:alice").build());
        try (SearchResults found = search()) {
            assertThatThrownBy(found::truncated).isInstanceOf(IllegalStateException.class);
            found.next();
            assertThatThrownBy(found::cursor).isInstanceOf(IllegalStateException.class);
            assertThat(found.hasNext()).isFalse();
            assertThat(found.truncated()).isFalse();
            assertThatThrownBy(found::next).isInstanceOf(NoSuchElementException.class);
        }
    }

    @Test
    void readsPageAfterPageAndSaysThatThereIsMore() {
        server.subjects = List.of(
                page("user:alice", "user:bob")
                        .addWildcards("user:*")
                        .setCursor("bob")
                        .build(),
                page().setCursor("bob").build(),
                page("user:carol").setCursor("next").setTruncated(true).build());
        List<String> names = new ArrayList<>();
        try (SearchResults found = search()) {
            found.forEachRemaining(names::add);
            assertThat(found.truncated()).isTrue();
            assertThat(found.cursor()).isEqualTo("next");
            assertThat(found.wildcards()).containsExactly("user:*");
        }
        assertThat(names).containsExactly("user:alice", "user:bob", "user:carol");
    }

    @Test
    void stopsTheServerWhereItIsClosed() throws InterruptedException {
        server.subjects = List.of(page("user:alice").build());
        server.endless = true;
        try (SearchResults found = search()) {
            found.next();
        }
        assertThat(server.searchCancelled.await(10, TimeUnit.SECONDS)).isTrue();
    }

    private SearchResults search() {
        return client.searchSubjects(Question.whoMay("execute", "replay:922"), "user");
    }

    private static SearchSubjectsResponse.Builder page(String... names) {
        return SearchSubjectsResponse.newBuilder().addAllSubjects(List.of(names));
    }
}
