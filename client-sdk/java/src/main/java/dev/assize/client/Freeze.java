package dev.assize.client;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * What to stop: whatever matches every field that is not empty. See {@link #of}.
 *
 * @param name of the freeze; empty for one that the server makes up
 * @param subject {@code type:id}, or {@code group:name} for its members
 * @param role nothing is allowed through it
 * @param resource a path, with what lies under it
 * @param all everything in the tenant; then no other field is named
 * @param until excluded; null until it is lifted
 */
public record Freeze(
        String name,
        String subject,
        String role,
        String action,
        String resource,
        String resourceType,
        String env,
        String run,
        boolean all,
        String reason,
        @Nullable Instant from,
        @Nullable Instant until) {

    /** Stops a subject altogether. */
    public static Freeze of(String subject, String reason) {
        return new Freeze("", subject, "", "", "", "", "", "", false, reason, null, null);
    }

    /** Stops a run, whoever takes part in it. */
    public static Freeze ofRun(String run, String reason) {
        return new Freeze("", "", "", "", "", "", "", run, false, reason, null, null);
    }

    /** Stops everything. */
    public static Freeze ofAll(String reason) {
        return new Freeze("", "", "", "", "", "", "", "", true, reason, null, null);
    }

    /** The same for an action only. */
    public Freeze doing(String onlyAction) {
        return new Freeze(name, subject, role, onlyAction, resource, resourceType, env, run, all, reason, from, until);
    }

    /** The same on a resource, and what lies under it, only. */
    public Freeze on(String onlyResource) {
        return new Freeze(name, subject, role, action, onlyResource, resourceType, env, run, all, reason, from, until);
    }

    /** The same until a moment. */
    public Freeze until(Instant end) {
        return new Freeze(name, subject, role, action, resource, resourceType, env, run, all, reason, from, end);
    }
}
