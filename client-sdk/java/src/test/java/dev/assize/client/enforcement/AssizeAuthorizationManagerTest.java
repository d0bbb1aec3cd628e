package dev.assize.client.enforcement;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.assize.client.AssizeClient;
import dev.assize.client.Question;
import dev.assize.client.testing.FakeAssize;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.springframework.security.authentication.AnonymousAuthenticationToken;
import org.springframework.security.authentication.InsufficientAuthenticationException;
import org.springframework.security.authentication.TestingAuthenticationToken;
import org.springframework.security.authorization.AuthorizationDecision;
import org.springframework.security.authorization.AuthorizationDeniedException;
import org.springframework.security.authorization.AuthorizationResult;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.authority.AuthorityUtils;

class AssizeAuthorizationManagerTest {

    private final FakeAssize assize = new FakeAssize().allow("user:alice", "doc:1", "read");
    private final AssizeAuthorizationManager<String> manager = new AssizeAuthorizationManager<>(
            Enforcer.of(assize.client(AssizeClient.builder().tenant("acme"))), (who, path) -> switch (path) {
                case "unmapped" -> Optional.empty();
                case "broken" -> throw new IllegalStateException("no path");
                default -> Optional.of(Question.of("user:" + who.getName(), path, "read"));
            });

    @Test
    void deniesWhoeverIsNotAuthenticatedWithoutAsking() {
        TestingAuthenticationToken alice = new TestingAuthenticationToken("alice", "x");
        alice.setAuthenticated(false);
        assertThat(authorize(alice, "doc:1").isGranted()).isFalse();
        assertThat(authorize(null, "doc:1").isGranted()).isFalse();
        assertThat(assize.asked()).isEmpty();
    }

    @Test
    void deniesWhoeverIsAnonymousWithoutAskingAlsoWhatEverybodyMay() {
        assize.allow("user:anonymousUser", "doc:1", "read");
        Authentication anonymous = new AnonymousAuthenticationToken(
                "key", "anonymousUser", AuthorityUtils.createAuthorityList("ROLE_ANONYMOUS"));
        assertThat(authorize(anonymous, "doc:1").isGranted()).isFalse();
        assertThat(assize.asked()).isEmpty();
    }

    @Test
    void deniesWhatIsNotMappedOrCannotBe() {
        assertThat(authorize(authenticated("alice"), "unmapped").isGranted()).isFalse();
        assertThat(authorize(authenticated("alice"), "broken").isGranted()).isFalse();
        assertThat(assize.asked()).isEmpty();
    }

    @Test
    void deniesWhatIsNotAllowedAndWhereNoAnswerIsHad() {
        assertThat(authorize(authenticated("bob"), "doc:1").isGranted()).isFalse();
        assertThatThrownBy(() -> manager.verify(() -> authenticated("bob"), "doc:1"))
                .isInstanceOf(AuthorizationDeniedException.class);
        assize.reachable(false);
        assertThat(authorize(authenticated("alice"), "doc:1").isGranted()).isFalse();
    }

    @Test
    void saysToWhoeverAnswersWhyItWasRefused() {
        assertThat(refusal(authenticated("bob"), "doc:1")).contains(Refusal.FORBIDDEN);
        assertThat(refusal(null, "doc:1")).contains(Refusal.UNAUTHENTICATED);
        assize.reachable(false);
        assertThat(refusal(authenticated("alice"), "doc:1")).contains(Refusal.UNAVAILABLE);
        assertThat(AssizeAuthorizationManager.verdictOf(
                        new AuthorizationDeniedException("others'", new AuthorizationDecision(false))))
                .isEmpty();
        assertThat(AssizeAuthorizationManager.verdictOf(new IllegalStateException()))
                .isEmpty();
    }

    /** As an entry point is told it, too: with the refusal as the cause. */
    private Optional<Refusal> refusal(@Nullable Authentication who, String path) {
        AuthorizationDeniedException denied =
                catchThrowableOfType(AuthorizationDeniedException.class, () -> manager.verify(() -> who, path));
        return AssizeAuthorizationManager.verdictOf(new InsufficientAuthenticationException("sign in", denied))
                .flatMap(Verdict::refusal);
    }

    @Test
    void allowsWhatIsAllowedAndHandsOnTheAnswer() {
        AuthorizationResult result = authorize(authenticated("alice"), "doc:1");
        assertThat(result.isGranted()).isTrue();
        assertThat(((AssizeAuthorizationManager.Result) result).verdict().result())
                .isPresent();
    }

    private AuthorizationResult authorize(@Nullable Authentication who, String path) {
        return manager.authorize(() -> who, path);
    }

    private static Authentication authenticated(String name) {
        return new TestingAuthenticationToken(name, "x", "ROLE_USER");
    }
}
