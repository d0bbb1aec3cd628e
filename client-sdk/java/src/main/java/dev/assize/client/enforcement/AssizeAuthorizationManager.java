package dev.assize.client.enforcement;

import static java.util.Objects.requireNonNull;

import dev.assize.client.Question;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.springframework.security.authentication.AuthenticationTrustResolver;
import org.springframework.security.authentication.AuthenticationTrustResolverImpl;
import org.springframework.security.authorization.AuthorizationDeniedException;
import org.springframework.security.authorization.AuthorizationManager;
import org.springframework.security.authorization.AuthorizationResult;
import org.springframework.security.core.Authentication;

/**
 * Has Spring Security ask Assize: for requests, methods or messages, by a function of who is authenticated and of what is to
 * be done. Nobody who is not authenticated is asked about, nor whoever is anonymous, and what the function has no question
 * for is denied.
 *
 * <pre>{@code
 * http.authorizeHttpRequests(requests -> requests.anyRequest().access(new AssizeAuthorizationManager<>(
 *         enforcer,
 *         (who, request) -> Optional.of(Question.of("user:" + who.getName(), …, request.getRequest().getMethod())))));
 * }</pre>
 *
 * @param <T> what is to be done, as {@code RequestAuthorizationContext} or {@code MethodInvocation}
 */
public final class AssizeAuthorizationManager<T> implements AuthorizationManager<T> {

    private static final AuthenticationTrustResolver TRUST = new AuthenticationTrustResolverImpl();

    private final Enforcer enforcer;
    private final BiFunction<Authentication, T, Optional<Question>> mapping;

    public AssizeAuthorizationManager(Enforcer enforcer, BiFunction<Authentication, T, Optional<Question>> mapping) {
        this.enforcer = enforcer;
        this.mapping = mapping;
    }

    @Override
    public AuthorizationResult authorize(Supplier<? extends @Nullable Authentication> authentication, T object) {
        Authentication who = authentication.get();
        // To Spring, an anonymous authentication is authenticated.
        if (who == null || !who.isAuthenticated() || TRUST.isAnonymous(who)) {
            return new Result(Verdict.refused(Refusal.UNAUTHENTICATED, "Denied, because nobody is authenticated"));
        }
        Optional<Question> question;
        try {
            question = requireNonNull(mapping.apply(who, object));
        } catch (RuntimeException failure) {
            return new Result(Verdict.refused(Refusal.FORBIDDEN, "Denied, because the mapping failed: " + failure));
        }
        return new Result(enforcer.enforce(question));
    }

    /**
     * What became of the question behind a refusal, for an {@code AuthenticationEntryPoint} or an {@code AccessDeniedHandler}: how it is
     * to be answered, and by which decision. Empty where it was not Assize that refused.
     */
    public static Optional<Verdict> verdictOf(Throwable refused) {
        for (Throwable cause = refused; cause != null; cause = cause.getCause()) {
            if (cause instanceof AuthorizationDeniedException denied
                    && denied.getAuthorizationResult() instanceof Result(Verdict verdict)) {
                return Optional.of(verdict);
            }
        }
        return Optional.empty();
    }

    /** What Spring is told, and hands on in its events. */
    public record Result(Verdict verdict) implements AuthorizationResult {

        @Override
        public boolean isGranted() {
            return verdict.allowed();
        }
    }
}
