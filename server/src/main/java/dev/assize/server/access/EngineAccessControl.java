package dev.assize.server.access;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.google.inject.Inject;
import dev.assize.server.authentication.Caller;
import dev.assize.server.decision.DecisionService;
import dev.assize.server.decision.PolicyStaleException;
import dev.assize.server.decision.PolicyStates;
import dev.assize.server.decision.PolicyStates.State;
import dev.assize.server.decision.PolicyUnavailableException;
import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Revision;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.prompt.WouldWaitException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Asks the engine itself, in tenant `assize`: a caller is a subject with a home tenant like any other, and what it
 * asks for is a resource `tenant:T/TYPE`. What was answered is remembered for as long as the answer itself says that it
 * stays, some seconds at most, and for the policy that it was given by, as the engine answers from at that moment.
 */
final class EngineAccessControl implements AccessControl {

    private static final Action ACT_AS = new Action(Permission.ACT_AS_ACTION);
    private static final int REMEMBERED = 10_000;

    /** At most: a database that was put back may come to the same revision by another way. */
    private static final Duration STANDS_FOR = Duration.ofSeconds(10);

    private final DecisionService decisions;
    private final PolicyStates states;
    private final InstantSource clock;
    private final AccessMetrics metrics;
    private final Cache<Asked, Permit> permits = Caffeine.newBuilder()
            .maximumSize(REMEMBERED)
            .executor(Runnable::run)
            .build();

    @Inject
    EngineAccessControl(DecisionService decisions, PolicyStates states, InstantSource clock, AccessMetrics metrics) {
        this.decisions = decisions;
        this.states = states;
        this.clock = clock;
        this.metrics = metrics;
    }

    @Override
    public boolean permits(Caller caller, TenantId tenant, Permission permission) {
        if (caller.breakGlass()) {
            return Permission.BREAK_GLASS.contains(permission);
        }
        Asked asked =
                new Asked(caller.subject(), caller.home(), tenant, permission.resourceType(), permission.action());
        return caller.mayActIn(tenant)
                && isGranted(asked, () -> {
                    String path = "tenant:" + tenant + "/" + permission.resourceType();
                    return asked.query(
                            new ResourcePath(path, permission.resourceType(), true), new Action(permission.action()));
                });
    }

    @Override
    public boolean mayActAs(Caller caller, TenantId tenant, String subjectType) {
        if (caller.breakGlass()) {
            return false;
        }
        String resource = Permission.ACT_AS_RESOURCE_TYPE + ":" + subjectType;
        Asked asked = new Asked(caller.subject(), caller.home(), tenant, resource, Permission.ACT_AS_ACTION);
        return caller.mayActIn(tenant)
                && isGranted(asked, () -> asked.query(ResourcePath.parse("tenant:" + tenant + "/" + resource), ACT_AS));
    }

    private boolean isGranted(Asked asked, Supplier<CheckQuery> query) {
        try {
            Permit known = permits.getIfPresent(asked);
            if (known != null && known.stands(states.state(TenantId.ASSIZE), clock.instant())) {
                return known.granted;
            }
            Permit permit = permit(query.get());
            permits.put(asked, permit);
            return permit.granted;
        } catch (PolicyStaleException | PolicyUnavailableException | WouldWaitException broken) {
            // Nobody may do anything meanwhile; the caller is told to come back, not that it lacks a permission.
            throw broken;
        } catch (RuntimeException brokenEngine) {
            metrics.failedClosed();
            return false;
        }
    }

    private Permit permit(CheckQuery query) {
        Answer answer = decisions.evaluateOwn(query);
        // Nobody here knows an obligation, not even how to use an approval up; who does not know one denies.
        boolean granted = answer.reason().isAllow() && answer.obligations().isEmpty();
        return new Permit(granted, answer.revision(), answer.platformRevision(), clock.instant(), answer.validUntil());
    }

    /** A question about a caller. */
    private record Asked(Subject subject, TenantId home, TenantId tenant, String resource, String action) {

        CheckQuery query(ResourcePath path, Action named) {
            return new CheckQuery(subject, path, named, TenantId.ASSIZE, Environment.DEFAULT, home);
        }
    }

    /**
     * What was answered.
     *
     * @param from no sooner than the moment that it was answered for: a clock may be set back
     * @param until from when on it may be another
     */
    private record Permit(
            boolean granted,
            Revision revision,
            Revision platformRevision,
            Instant from,
            @Nullable Instant until) {

        boolean stands(@Nullable State state, Instant now) {
            return state != null
                    && state.revision().equals(revision)
                    && state.platformRevision().equals(platformRevision)
                    && until != null
                    && !now.isBefore(from)
                    && now.isBefore(from.plus(STANDS_FOR))
                    && now.isBefore(until);
        }
    }
}
