package dev.assize.server.policy;

import org.jspecify.annotations.Nullable;

/**
 * What a tenant may have, as whoever makes tenants says. What is there already stays, and what makes it less is never
 * refused.
 *
 * @param plan what that is called, for people; null where it has no name
 * @param documents at most so many, freezes not counted; null without a bound
 * @param keys at most so many that are valid; null without a bound
 */
public record TenantTerms(
        @Nullable String plan,
        @Nullable Integer documents,
        @Nullable Integer keys) {

    /** The largest bound that can be named. */
    public static final int MOST = 1_000_000_000;

    public static final TenantTerms NONE = new TenantTerms(null, null, null);

    boolean isLimited() {
        return documents != null || keys != null;
    }
}
