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
 * stays, some seconds at most, and while the engine answers from the very graph that it was given by: the same revisions may
 * be another policy where the database was put back.
 */
final class EngineAccessControl implements AccessControl {

    private static final Action ACT_AS = new Action(Permission.ACT_AS_ACTION);
    private static final int REMEMBERED = 10_000;

    /** Places of what is found without a search; a power of two. */
    private static final int RECENT = 1_024;

    /** At most. */
    private static final Duration STANDS_FOR = Duration.ofSeconds(10);

    private final DecisionService decisions;
    private final PolicyStates states;
    private final InstantSource clock;
    private final AccessMetrics metrics;
    private final Cache<Asked, Permit> permits = Caffeine.newBuilder()
            .maximumSize(REMEMBERED)
            .executor(Runnable::run)
            .build();

    /**
     * What calls were permitted lately, before anybody searches. Written and read without a guard: an entry never changes,
     * and of two that meet in a place either will do.
     */
    private final @Nullable Recent[] recent = new Recent[RECENT];

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
        int place = Recent.place(caller, tenant, permission);
        Recent lately = recent[place];
        if (lately != null
                && lately.isAbout(caller, tenant, permission)
                && lately.stands(states.graphIfReady(TenantId.ASSIZE), clock.millis())) {
            return true;
        }
        Asked asked =
                new Asked(caller.subject(), caller.home(), tenant, permission.resourceType(), permission.action());
        boolean granted = caller.mayActIn(tenant)
                && isGranted(asked, () -> {
                    String path = "tenant:" + tenant + "/" + permission.resourceType();
                    return asked.query(
                            new ResourcePath(path, permission.resourceType(), true), new Action(permission.action()));
                });
        Permit permit = granted ? permits.getIfPresent(asked) : null;
        if (permit != null && permit.granted) {
            recent[place] = Recent.of(caller, tenant, permission, permit);
        }
        return granted;
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
            State state = states.state(TenantId.ASSIZE);
            Instant now = clock.instant();
            Permit known = permits.getIfPresent(asked);
            if (known != null && known.stands(state, now)) {
                return known.granted;
            }
            Answer answer = decisions.evaluateOwn(query.get());
            // Nobody here knows an obligation, not even how to use an approval up; who does not know one denies.
            boolean granted = answer.reason().isAllow() && answer.obligations().isEmpty();
            remember(asked, granted, answer, state, now);
            return granted;
        } catch (PolicyStaleException | PolicyUnavailableException | WouldWaitException broken) {
            // Nobody may do anything meanwhile; the caller is told to come back, not that it lacks a permission.
            throw broken;
        } catch (RuntimeException brokenEngine) {
            metrics.failedClosed();
            return false;
        }
    }

    /**
     * Keeps what was answered where it is known by which graph, the one that was answered from before and after, and of
     * which moment, one between two readings of a clock that nobody has set back meanwhile.
     */
    private void remember(Asked asked, boolean granted, Answer answer, @Nullable State before, Instant begun) {
        Instant ended = clock.instant();
        State after = states.state(TenantId.ASSIZE);
        Instant until = answer.validUntil();
        if (before != null
                && after != null
                && before.graph() == after.graph()
                && until != null
                && !ended.isBefore(begun)) {
            permits.put(asked, new Permit(granted, after.graph(), ended, until));
        }
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
     * @param graph that it was given by
     * @param from no sooner than the moment that it was answered for
     * @param until from when on it may be another
     */
    private record Permit(boolean granted, long graph, Instant from, Instant until) {

        /** A clock may be set back. */
        boolean stands(@Nullable State state, Instant now) {
            return state != null
                    && state.graph() == graph
                    && !now.isBefore(from)
                    && now.isBefore(from.plus(STANDS_FOR))
                    && now.isBefore(until);
        }
    }

    /**
     * That a caller was permitted something.
     *
     * @param caller the very one: what else its credential says has not changed
     * @param graph that it was answered by
     * @param fromMillis included, no sooner than the permit
     * @param untilMillis excluded, no later than the permit
     */
    private record Recent(
            Caller caller, TenantId tenant, Permission permission, long graph, long fromMillis, long untilMillis) {

        static Recent of(Caller caller, TenantId tenant, Permission permission, Permit permit) {
            Instant end = permit.from.plus(STANDS_FOR);
            return new Recent(
                    caller,
                    tenant,
                    permission,
                    permit.graph,
                    permit.from.toEpochMilli() + 1,
                    (end.isBefore(permit.until) ? end : permit.until).toEpochMilli());
        }

        static int place(Caller caller, TenantId tenant, Permission permission) {
            int hash = (caller.keyId().hashCode() * 31 + tenant.value().hashCode()) * 31 + permission.hashCode();
            return (hash ^ hash >>> 16) & RECENT - 1;
        }

        // The very caller, not one like it: what else its credential says is the same then.
        @SuppressWarnings("ReferenceEquality")
        boolean isAbout(Caller asks, TenantId where, Permission what) {
            return caller == asks && permission == what && tenant.equals(where);
        }

        boolean stands(long answersNow, long nowMillis) {
            return graph == answersNow && nowMillis >= fromMillis && nowMillis < untilMillis;
        }
    }
}
