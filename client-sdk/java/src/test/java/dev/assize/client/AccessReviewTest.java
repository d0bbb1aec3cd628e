package dev.assize.client;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.client.HeldGrant.LastUse;
import dev.assize.proto.v1.AccessChange;
import dev.assize.proto.v1.AccessGrant;
import dev.assize.proto.v1.AccessUse;
import dev.assize.proto.v1.AccessUseState;
import dev.assize.proto.v1.ReviewAccessRequest;
import dev.assize.proto.v1.ReviewAccessResponse;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.NoSuchElementException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class AccessReviewTest {

    private static final Instant NOON = Instant.parse("2026-03-01T12:00:00Z");

    private final FakeAssize server = new FakeAssize();
    private final AssizeClient client = server.client(AssizeClient.builder().tenant("acme"));

    @AfterEach
    void close() {
        client.close();
        server.close();
    }

    @Test
    void throwsWhatGoesWrong() {
        try (AccessReview review = client.access().review()) {
            assertThatThrownBy(review::hasNext).isInstanceOf(AssizeException.class);
        }
    }

    @Test
    void asksOnWhereAnAnswerEndsBeforeAllIsRead() {
        server.answers.add(List.of(
                ReviewAccessResponse.newBuilder().addGrants(grant("a")).build(),
                ReviewAccessResponse.newBuilder()
                        .addGrants(grant("b"))
                        .setRevision(4)
                        .setTruncated(true)
                        .setCursor("behind b")
                        .build()));
        server.answers.add(List.of(ReviewAccessResponse.newBuilder()
                .addGrants(grant("c"))
                .setRevision(5)
                .build()));
        List<String> bindings = new ArrayList<>();
        try (AccessReview review = client.access().inTenant("globex").review("user:alice", "operator")) {
            review.forEachRemaining(grant -> bindings.add(grant.binding()));
            assertThat(review.revision()).isEqualTo(5);
            assertThatThrownBy(review::next).isInstanceOf(NoSuchElementException.class);
        }
        assertThat(bindings).containsExactly("a", "b", "c");
        assertThat(server.reviews).extracting(ReviewAccessRequest::getCursor).containsExactly("", "behind b");
        assertThat(server.reviews)
                .allMatch(request -> request.getTenant().equals("globex")
                        && request.getSubject().equals("user:alice")
                        && request.getRole().equals("operator"));
    }

    @Test
    void suspendsATenantOnceHoweverOftenItHasToAsk() {
        PolicyChangeReceipt receipt = client.access().inTenant("globex").suspendTenant("unpaid");

        assertThat(receipt.revision()).isEqualTo(4);
        assertThat(receipt.replayed()).isTrue();
        assertThat(receipt.nodes().complete()).isTrue();
        assertThat(server.suspensions)
                .hasSize(2)
                .allMatch(request -> request.getTenant().equals("globex")
                        && request.getReason().equals("unpaid"))
                .extracting(request -> request.getIdempotencyKey())
                .doesNotContain("")
                .containsOnly(server.suspensions.getFirst().getIdempotencyKey());
    }

    @Test
    void tellsWhoGaveItAndWhenItWasUsed() {
        AccessUse used = AccessUse.newBuilder()
                .setState(AccessUseState.ACCESS_USE_STATE_ON_RECORD)
                .setAt(Wire.timestamp(NOON))
                .setSeq(12)
                .build();
        AccessChange change = AccessChange.newBuilder()
                .setRevision(3)
                .setAt(Wire.timestamp(NOON))
                .setBy("user:olivia")
                .addApprovers("user:otto")
                .build();
        server.answers.add(List.of(ReviewAccessResponse.newBuilder()
                .addGrants(grant("a").toBuilder().setLastUse(used).setGiven(change))
                .addGrants(
                        grant("b").toBuilder().setLastUse(AccessUse.newBuilder().setStateValue(99)))
                .build()));
        try (AccessReview review = client.access().review()) {
            HeldGrant grant = review.next();
            assertThat(grant.lastUse()).isEqualTo(new LastUse.OnRecord(NOON, 12));
            HeldGrant.Change given = requireNonNull(grant.given());
            assertThat(given.by()).isEqualTo("user:olivia");
            assertThat(given.approvers()).containsExactly("user:otto");
            assertThat(grant.joined()).isNull();
            assertThat(review.next().lastUse()).isEqualTo(new LastUse.NotRecorded());
            assertThat(review.hasNext()).isFalse();
        }
    }

    private static AccessGrant grant(String binding) {
        return AccessGrant.newBuilder()
                .setSubject("user:alice")
                .setRole("operator")
                .setBinding(binding)
                .build();
    }
}
