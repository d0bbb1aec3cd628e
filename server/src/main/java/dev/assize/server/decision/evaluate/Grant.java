package dev.assize.server.decision.evaluate;

import dev.assize.server.decision.check.Explanation.BindingState;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.policy.Document.RoleBindingDocument;
import java.time.Instant;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A binding, compiled. Its index is its place among the graph's bindings by name, so that the lesser one decides. */
public final class Grant {

    private final int index;
    private final RoleBindingDocument binding;
    private final int role;
    private final @Nullable GrantScope scope;
    private final boolean timed;
    private final Instant notBefore;
    private final Instant notAfter;

    /**
     * A grant of a graph.
     *
     * @param role index among the bound roles
     * @param scope null where it covers everything
     */
    public Grant(int index, RoleBindingDocument binding, int role, @Nullable GrantScope scope) {
        this.index = index;
        this.binding = binding;
        this.role = role;
        this.scope = scope;
        this.timed = binding.notBefore() != null || binding.notAfter() != null;
        this.notBefore = Objects.requireNonNullElse(binding.notBefore(), Instant.MIN);
        this.notAfter = Objects.requireNonNullElse(binding.notAfter(), Instant.MAX);
    }

    public int index() {
        return index;
    }

    RoleBindingDocument binding() {
        return binding;
    }

    int role() {
        return role;
    }

    /** What becomes of this grant: first its scope is judged, then its time. */
    BindingState state(int environment, int type, ResourcePath resource, Instant now) {
        if (scope != null && !scope.covers(environment, type, resource)) {
            return BindingState.OUT_OF_SCOPE;
        }
        if (timed && now.compareTo(notAfter) >= 0) {
            return BindingState.EXPIRED;
        }
        return timed && now.compareTo(notBefore) < 0 ? BindingState.NOT_YET_VALID : BindingState.HOLDS;
    }

    /** The earlier of a moment and the next one at which this grant begins or ends. */
    Instant boundary(Instant now, Instant earliest) {
        if (!timed) {
            return earliest;
        }
        Instant boundary = earliest;
        if (now.isBefore(notBefore) && notBefore.isBefore(boundary)) {
            boundary = notBefore;
        }
        if (now.isBefore(notAfter) && notAfter.isBefore(boundary)) {
            boundary = notAfter;
        }
        return boundary;
    }

    /** An estimate of its heap, for the cache. */
    public long weightBytes() {
        return 56 + (scope == null ? 0 : scope.weightBytes());
    }
}
