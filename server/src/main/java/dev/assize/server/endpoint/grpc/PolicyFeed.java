package dev.assize.server.endpoint.grpc;

import com.github.benmanes.caffeine.cache.Ticker;
import com.google.protobuf.Duration;
import dev.assize.proto.v1.Authority;
import dev.assize.proto.v1.WatchPolicyResponse;
import dev.assize.server.access.Permission;
import dev.assize.server.decision.PolicySource.PolicySnapshot;
import dev.assize.server.decision.PolicyStates;
import dev.assize.server.decision.PolicyStates.Held;
import dev.assize.server.decision.PolicyStates.State;
import dev.assize.server.endpoint.call.CallContext;
import dev.assize.server.endpoint.call.ErrorReason;
import dev.assize.server.endpoint.call.Fields;
import dev.assize.server.endpoint.call.Gate;
import dev.assize.server.endpoint.call.RefusedException;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The states of one tenant with their documents, for somebody who decides by them: what the credential may do, and then
 * each state behind what makes it of the one before. A state is sent whole before the next is looked at.
 */
final class PolicyFeed implements WatchStream.Look<WatchPolicyResponse> {

    private static final long NANOS_A_SECOND = 1_000_000_000;

    /** After which the authority is looked at again where no policy has changed that it rests on: time passes. */
    private static final long AUTHORITY_NANOS = 30 * NANOS_A_SECOND;

    /**
     * The same of what it takes to spool: what a sidecar takes in the name of somebody for whom it may not speak any more would
     * stop its spool. All permissions of some hundred sidecars, asked about so often, would displace those that are remembered
     * for calls.
     */
    private static final long SPOOLING_NANOS = NANOS_A_SECOND;

    private final TenantId tenant;
    private final List<String> actAs;
    private final PolicyStates states;
    private final PolicyParts parts;
    private final Gate gate;
    private final Ticker ticker;

    /** Not before the request came in, so that what is told to have been confirmed after it was not before. */
    private final long startNanos;

    /** What the listener knows by name. */
    private Revision known;

    private Revision knownOfPlatform;

    /** What was sent last, or stood where nothing had to be sent; null before. */
    private @Nullable PolicySnapshot sent;

    /** By which graph that is answered from. */
    private long graph;

    /** Whether the listener has the documents of what it knows. */
    private boolean hasDocuments;

    private @Nullable Authority authority;

    /** When the authority was looked at, and what it rested on. */
    private long authorityAtNanos;

    private long spoolingAtNanos;

    private @Nullable Guarding authorityBy;

    /** Whether that it stands is to be said as soon as it can be. */
    private boolean owed;

    /** What is left to send of a state, and the state; null where that is done. */
    private Iterator<WatchPolicyResponse> left = Collections.emptyIterator();

    private @Nullable Held telling;

    /** Before what is told was looked at. */
    private long lookedAtNanos;

    PolicyFeed(
            TenantId tenant,
            List<String> actAs,
            Revision known,
            Revision knownOfPlatform,
            boolean hasDocuments,
            PolicyStates states,
            PolicyParts parts,
            Gate gate,
            Ticker ticker) {
        this.tenant = tenant;
        this.actAs = List.copyOf(actAs);
        this.known = known;
        this.knownOfPlatform = knownOfPlatform;
        this.hasDocuments = hasDocuments;
        this.states = states;
        this.parts = parts;
        this.gate = gate;
        this.ticker = ticker;
        this.startNanos = ticker.read();
        this.lookedAtNanos = startNanos;
    }

    @Override
    public @Nullable WatchPolicyResponse next(boolean due) {
        gate.require(tenant, Permission.WATCH_POLICY);
        gate.require(tenant, Permission.READ_POLICY);
        if (left.hasNext()) {
            return left.next();
        }
        if (telling != null) {
            return told(telling);
        }
        owed |= due;
        Authority changed = changedAuthority();
        return changed == null
                ? look()
                : WatchPolicyResponse.newBuilder().setAuthority(changed).build();
    }

    private @Nullable Authority changedAuthority() {
        long nanos = ticker.read();
        Guarding guarding = Guarding.of(states.state(TenantId.ASSIZE));
        Authority said = authority;
        if (said != null
                && guarding.equals(authorityBy)
                && nanos - authorityAtNanos < AUTHORITY_NANOS
                && spoolsAsBefore(said, nanos)) {
            return null;
        }
        authorityBy = guarding;
        authorityAtNanos = nanos;
        spoolingAtNanos = nanos;
        Authority now = authority();
        if (now.equals(authority)) {
            return null;
        }
        authority = now;
        return now;
    }

    private boolean spoolsAsBefore(Authority said, long nanos) {
        if (nanos - spoolingAtNanos < SPOOLING_NANOS) {
            return true;
        }
        spoolingAtNanos = nanos;
        return said.getPermissionsList().contains(text(Permission.APPEND_AUDIT))
                        == gate.permits(tenant, Permission.APPEND_AUDIT)
                && said.getActAsList().equals(actAs());
    }

    @Override
    public boolean hasMore() {
        return telling != null || sent == null || owed;
    }

    @Override
    public Watches.Purpose purpose() {
        return Watches.Purpose.DECIDING;
    }

    /** Freshness rests on it, so that it is said as often as it is looked at. */
    @Override
    public int silentTicks() {
        return 1;
    }

    private @Nullable WatchPolicyResponse look() {
        lookedAtNanos = ticker.read();
        Held held = states.held(tenant);
        if (held == null) {
            throw RefusedException.notFound(ErrorReason.TENANT_NOT_FOUND, "tenant", tenant.value());
        }
        State state = held.state();
        if (state.revision().compareTo(known) < 0 || state.platformRevision().compareTo(knownOfPlatform) < 0) {
            // Behind what the listener knows: it hears nothing until that has been seen here, too.
            return null;
        }
        if (stands(state)) {
            sent = held.policy();
            graph = state.graph();
            return owed ? confirmed(held) : null;
        }
        left = parts(held);
        telling = held;
        return left.hasNext() ? left.next() : told(held);
    }

    /** Where a database was put back the same revisions may be another policy: that is told, and is for the listener to judge. */
    private boolean stands(State state) {
        return hasDocuments
                && state.revision().equals(known)
                && state.platformRevision().equals(knownOfPlatform)
                && (sent == null || state.graph() == graph);
    }

    private Iterator<WatchPolicyResponse> parts(Held held) {
        PolicySnapshot before = sent;
        if (!hasDocuments) {
            return parts.whole(held.policy());
        }
        return before == null ? parts.since(known, knownOfPlatform, held) : parts.next(before, held);
    }

    private WatchPolicyResponse told(Held held) {
        telling = null;
        owed = false;
        hasDocuments = true;
        sent = held.policy();
        graph = held.state().graph();
        known = held.state().revision();
        knownOfPlatform = held.state().platformRevision();
        return WatchPolicyResponse.newBuilder()
                .setState(parts.name(tenant, held.state()).toBuilder()
                        .setConfirmedAt(Fields.timestamp(held.state().confirmedAt())))
                .setConfirmedAfter(confirmedAfter(held))
                .build();
    }

    private WatchPolicyResponse confirmed(Held held) {
        owed = false;
        return WatchPolicyResponse.newBuilder()
                .setConfirmedAt(Fields.timestamp(held.state().confirmedAt()))
                .setConfirmedAfter(confirmedAfter(held))
                .build();
    }

    /** Of a state that took long to send it is as of when it was looked at. */
    private Duration confirmedAfter(Held held) {
        long nanos = lookedAtNanos - startNanos - held.age().toNanos();
        return Duration.newBuilder()
                .setSeconds(nanos / NANOS_A_SECOND)
                .setNanos((int) (nanos % NANOS_A_SECOND))
                .build();
    }

    private Authority authority() {
        CallContext call = CallContext.current();
        return Authority.newBuilder()
                .setSubject(call.caller().subject().toString())
                .setSubjectTenant(call.caller().home().value())
                .addAllPermissions(Stream.of(Permission.values())
                        .filter(permission -> gate.permits(tenant, permission))
                        .map(PolicyFeed::text)
                        .toList())
                .addAllActAs(actAs())
                .build();
    }

    private static String text(Permission permission) {
        return permission.resourceType() + "/" + permission.action();
    }

    private List<String> actAs() {
        return actAs.stream().filter(type -> gate.mayActAs(tenant, type)).toList();
    }

    /** The policy by which callers are judged, by name. */
    private record Guarding(Revision revision, Revision platformRevision) {

        static Guarding of(@Nullable State state) {
            return state == null
                    ? new Guarding(Revision.NONE, Revision.NONE)
                    : new Guarding(state.revision(), state.platformRevision());
        }
    }
}
