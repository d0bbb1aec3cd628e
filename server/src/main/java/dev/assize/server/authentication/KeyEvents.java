package dev.assize.server.authentication;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.audit.Outcome;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.TenantId;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What the ledger is told of keys: who may do what from when on, never the secret nor its hash. */
final class KeyEvents {

    private static final String CATEGORY = "access";
    private static final ObjectMapper JSON = new ObjectMapper();

    private KeyEvents() {}

    static AuditEvent created(ApiKey key) {
        Caller caller = key.caller();
        Map<String, Object> payload = new LinkedHashMap<>();
        payload.put("key_id", caller.keyId());
        payload.put("subject", caller.subject().toString());
        payload.put("home_tenant", caller.home().toString());
        payload.put("tenants", caller.allTenants() ? List.of("*") : sorted(caller.tenants()));
        payload.put("envs", sorted(caller.envs()));
        payload.put("rpcs", sorted(caller.rpcs()));
        payload.put("description", key.description());
        if (key.expiresAt() != null) {
            payload.put("expires_at", key.expiresAt().toString());
        }
        return event("assize.key.created", "create", key.createdBy(), caller.home(), caller.keyId(), payload);
    }

    static AuditEvent revoked(TenantId home, String keyId, Recorder revokedBy) {
        return event("assize.key.revoked", "revoke", revokedBy, home, keyId, Map.of("key_id", keyId));
    }

    static AuditEvent sealed(ApiKey key) {
        return event(
                "assize.break-glass.sealed",
                "seal",
                key.createdBy(),
                key.caller().home(),
                key.caller().keyId(),
                Map.of("key_id", key.caller().keyId(), "description", key.description()));
    }

    /** In tenant `assize` of a call that came in, in another tenant of what it was let in for. */
    static AuditEvent used(ApiKey key, TenantId tenant, String rpc) {
        Map<String, Object> payload = new LinkedHashMap<>();
        payload.put("key_id", key.caller().keyId());
        payload.put("rpc", rpc);
        payload.put("first_used_at", String.valueOf(key.firstUsedAt()));
        payload.put("usable_until", String.valueOf(key.usableUntil()));
        Recorder caller = new Recorder(key.caller().subject(), key.caller().home());
        return event(
                "assize.break-glass.used", "use", caller, tenant, key.caller().keyId(), payload);
    }

    private static AuditEvent event(
            String type, String action, Recorder by, TenantId home, String keyId, Map<String, Object> payload) {
        return new AuditEvent(
                type,
                CATEGORY,
                by.caller(),
                null,
                new Action(action),
                ResourcePath.parse("tenant:" + home + "/key:" + keyId),
                Environment.DEFAULT,
                Outcome.SUCCESS,
                null,
                null,
                null,
                null,
                false,
                json(payload),
                List.of(),
                List.of(),
                null,
                null);
    }

    private static List<String> sorted(Iterable<?> values) {
        List<String> texts = new ArrayList<>();
        values.forEach(value -> texts.add(value.toString()));
        return texts.stream().sorted().toList();
    }

    private static String json(Map<String, Object> payload) {
        try {
            return JSON.writeValueAsString(payload);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("Strings and lists are always JSON", e);
        }
    }
}
