package dev.assize.client;

import java.util.List;
import java.util.OptionalLong;

/**
 * What a change of policy did.
 *
 * @param scopes what became of each tenant it names, the platform first
 * @param replayed whether an earlier call with the same key did it
 * @param idempotencyKey to try again with
 */
public record AppliedChange(List<Scope> scopes, boolean replayed, String idempotencyKey) {

    public AppliedChange {
        scopes = List.copyOf(scopes);
    }

    /**
     * What became of a tenant, or of the platform.
     *
     * @param tenant empty for the platform
     * @param revision the new one; equal to the base where nothing changed
     * @param changed documents created, replaced and deleted
     * @param seq of its entry in the ledger; empty where nothing changed
     */
    public record Scope(String tenant, long baseRevision, long revision, int changed, OptionalLong seq) {}
}
