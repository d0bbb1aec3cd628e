package dev.assize.client.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.client.Acknowledgement;
import dev.assize.client.AppendReceipt;
import dev.assize.client.AssizeClient;
import dev.assize.client.AssizeException;
import dev.assize.client.AuditEvent;
import dev.assize.client.CheckResult;
import dev.assize.client.Failure;
import dev.assize.client.Obligation;
import dev.assize.client.Question;
import dev.assize.client.SearchResults;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class FakeAssizeTest {

    private final FakeAssize assize = new FakeAssize();
    private final AssizeClient client = assize.client(AssizeClient.builder()
            .tenant("acme")
            .env("staging")
            .knowsObligation("notify")
            .appendDeadline(Duration.ofMillis(200)));

    @AfterEach
    void close() {
        client.close();
    }

    @Test
    void deniesWhatNobodyAllowed() {
        CheckResult result = client.check("user:alice", "replay:1", "execute");
        assertThat(result.allowed()).isFalse();
        assertThat(result.reason()).isEqualTo("NO_GRANT");
        assertThat(assize.asked())
                .containsExactly(new FakeAssize.Asked("acme", "staging", "user:alice", "replay:1", "execute"));
    }

    @Test
    void aDenyOutweighsEveryAllow() {
        assize.deny("user:bob", FakeAssize.ANY, FakeAssize.ANY).allow(FakeAssize.ANY, "replay:1", "execute");
        assertThat(client.check("user:alice", "replay:1", "execute").allowed()).isTrue();
        assertThat(client.check("user:alice", "replay:2", "execute").allowed()).isFalse();
        assertThat(client.check("user:bob", "replay:1", "execute").reason()).isEqualTo("EXPLICIT_DENY");
    }

    @Test
    void theClientDoesAllThatItAlwaysDoes() {
        assize.allow("user:alice", "a:1", "do", new Obligation("o", "notify", Map.of("to", "noc")))
                .allow("user:alice", "b:1", "do", new Obligation("o", "shred", Map.of()));
        assertThat(client.check("user:alice", "a:1", "do").allowed()).isTrue();
        assertThat(client.check("user:alice", "b:1", "do").failure()).contains(Failure.UNKNOWN_OBLIGATION);
        assertThat(client.check(Question.of("user:alice", "a:1", "do").atRevision(1))
                        .failure())
                .contains(Failure.HISTORICAL);
        assertThat(client.checkBatch(
                        List.of(Question.of("user:alice", "a:1", "do"), Question.of("user:bob", "a:1", "do"))))
                .extracting(CheckResult::allowed)
                .containsExactly(true, false);
        assertThat(client.checkAsync(Question.of("user:alice", "a:1", "do"))
                        .join()
                        .allowed())
                .isTrue();
    }

    @Test
    void deniesAndAppendsNothingWhereItIsOutOfReach() {
        assize.allow("user:alice", "a:1", "do").reachable(false);
        assertThat(client.check("user:alice", "a:1", "do").failure()).contains(Failure.UNAVAILABLE);
        assertThatThrownBy(() -> client.appendAudit(
                        AuditEvent.ofType("a.done").action("do").resource("a:1").build()))
                .isInstanceOf(AssizeException.class);
        assertThat(assize.appended()).isEmpty();
    }

    @Test
    void keepsWhatIsAppendedOnceForEachKey() {
        AuditEvent event =
                AuditEvent.ofType("a.done").action("do").resource("a:1").build();
        AppendReceipt first = client.appendAudit("acme", List.of(event), "k");
        AppendReceipt again = client.appendAudit("acme", List.of(event), "k");
        assertThat(again.replayed()).isTrue();
        assertThat(again.entries()).isEqualTo(first.entries());
        assertThat(assize.appended()).extracting(FakeAssize.Appended::type).containsExactly("a.done");
    }

    @Test
    void aKeyIsOfOneContentInOneTenant() {
        AuditEvent event =
                AuditEvent.ofType("a.done").action("do").resource("a:1").build();
        AuditEvent other =
                AuditEvent.ofType("b.done").action("do").resource("a:1").build();
        client.appendAudit("acme", List.of(event), "k");
        client.appendAudit("globex", List.of(other), "k");
        assertThatThrownBy(() -> client.appendAudit("acme", List.of(other), "k"))
                .hasMessageContaining("ALREADY_EXISTS");
        assertThat(assize.appended()).hasSize(2);
    }

    @Test
    void findsWhomItsRulesNameAndWouldAllow() {
        assize.allow("user:carol", "a:1", "do")
                .allow("user:alice", FakeAssize.ANY, "do")
                .allow("agent:feed", "a:1", "do")
                .allow("user:bob", "a:1", "do")
                .deny("user:bob", FakeAssize.ANY, FakeAssize.ANY);
        assertThat(names(client.searchSubjects(Question.whoMay("do", "a:1"), "user")))
                .containsExactly("user:alice", "user:carol");
        assertThat(names(client.searchResources(Question.onWhatMay("user:alice", "do"), "a")))
                .containsExactly("a:1");
        assertThat(names(client.searchActions(Question.whatMay("user:alice", "a:1"))))
                .containsExactly("do");

        SearchResults part = client.searchSubjects(Question.whoMay("do", "a:1"), "user", 1, "");
        assertThat(names(part)).containsExactly("user:alice");
        assertThat(part.truncated()).isTrue();
        assertThat(names(client.searchSubjects(Question.whoMay("do", "a:1"), "user", 1, part.cursor())))
                .containsExactly("user:carol");
    }

    private static List<String> names(SearchResults found) {
        List<String> names = new ArrayList<>();
        found.forEachRemaining(names::add);
        return names;
    }

    @Test
    void spoolsLikeASidecarForWhoIsContentWithThat() {
        AuditEvent event =
                AuditEvent.ofType("a.done").action("do").resource("a:1").build();
        assertThat(client.appendAudit(event, Acknowledgement.SPOOLED).acknowledgement())
                .isEqualTo(Acknowledgement.IN_LEDGER);
        assize.spooling(true);
        assertThat(client.appendAudit(event, Acknowledgement.SPOOLED).spooled()).isPresent();
        assertThat(client.appendAudit(event).acknowledgement()).isEqualTo(Acknowledgement.IN_LEDGER);
        assertThat(assize.appended()).hasSize(3);
    }

    @Test
    void whatItDoesNotDoSaysSo() {
        assertThatThrownBy(() -> client.policy().freezes().iterator().hasNext()).hasMessageContaining("UNIMPLEMENTED");
    }
}
