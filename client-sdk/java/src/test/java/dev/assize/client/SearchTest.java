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
                page("user:alice", "user:bob").addWildcards("user:*").build(),
                page().build(),
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
