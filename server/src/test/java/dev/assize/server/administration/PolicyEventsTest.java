package dev.assize.server.administration;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.assize.server.administration.ChangeResult.ScopeChange;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.DocumentText;
import dev.assize.server.policy.Kind;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What a change leaves in the ledger. */
class PolicyEventsTest extends AdministrationFixture {

    @Test
    void recordsAManifestThenWhatWasAndIs() throws JsonProcessingException {
        put(TENANT + role("r"));
        ScopeChange change = accepted(put(role("r").replace("read", "write"))).getFirst();

        List<AuditEvent> events = events(ACME_ID).subList((int) seqOf(change), 5);
        assertThat(events).extracting(AuditEvent::type).containsExactly(PolicyEvents.MANIFEST, PolicyEvents.DIFF);
        JsonNode manifest = json(events.get(0));
        assertThat(manifest.get("base").asLong()).isEqualTo(1);
        assertThat(manifest.get("revision").asLong()).isEqualTo(2);
        assertThat(manifest.get("count").asInt()).isOne();
        assertThat(manifest.get("change_digest").asText())
                .isEqualTo(change.changeDigest().toString());
        assertThat(manifest.get("policy_digest").asText())
                .isEqualTo(change.policyDigest().toString());
        assertThat(manifest.get("actor").asText()).isEqualTo("user:alice");
        assertThat(manifest.get("reason").asText()).isEqualTo("for the test");
        JsonNode diff = json(events.get(1));
        assertThat(diff.get("before").asText()).contains("read");
        assertThat(diff.get("after").asText()).contains("write");
        assertThat(diff.get("change").asText()).isEqualTo("replaced");
    }

    @Test
    void tellsTheLedgerOfTenantAssizeOfEachTenantThatIsMadeChangedOrDeleted() throws JsonProcessingException {
        put(TENANT + role("r"));
        put(role("r").replace("read", "write"));
        ScopeChange changed =
                accepted(put(TENANT.replace("[default]", "[default, other]"))).getFirst();
        change("", List.of(new DocumentKey(ACME, Kind.TENANT, "acme"), new DocumentKey(ACME, Kind.ROLE, "r")), false);

        List<AuditEvent> events = events(TenantId.ASSIZE);
        assertThat(events)
                .extracting(AuditEvent::type)
                .containsExactly("assize.tenant.create", "assize.tenant.change", "assize.tenant.delete");
        assertThat(events).allSatisfy(event -> {
            assertThat(event.actor()).isEqualTo(ALICE.caller());
            assertThat(event.resource().value()).isEqualTo("tenant:acme");
            assertThat(event.reason()).isEqualTo("for the test");
        });
        JsonNode told = json(events.get(1));
        assertThat(told.get("tenant").asText()).isEqualTo("acme");
        assertThat(told.get("revision").asLong()).isEqualTo(changed.revision().value());
        assertThat(told.get("policy_digest").asText())
                .isEqualTo(changed.policyDigest().toString());
        assertThat(told.get("origin").asText()).isEqualTo("apply");
    }

    @Test
    void splitsADocumentThatNoFrameHolds() throws JsonProcessingException {
        StringBuilder members = new StringBuilder();
        for (int i = 0; i < 900; i++) {
            members.append("    - \"user:ü\\\"")
                    .append("x".repeat(200))
                    .append(i)
                    .append("\"\n");
        }
        String group = """
            apiVersion: assize.dev/v1
            kind: Group
            metadata: {tenant: acme, name: big}
            spec:
              members:
            """ + members;
        put(TENANT);
        put(group);
        String after = DocumentText.write(administration
                .export(ACME)
                .find(new DocumentKey(ACME, Kind.GROUP, "big"))
                .orElseThrow());
        assertThat(after.length()).isGreaterThan(3 * EntryRoom.BYTES);

        StringBuilder rebuilt = new StringBuilder();
        List<AuditEvent> events = events(ACME_ID);
        List<AuditEvent> parts = events.subList(3, events.size());
        for (int i = 0; i < parts.size(); i++) {
            JsonNode part = json(parts.get(i));
            assertThat(part.get("part").asInt()).isEqualTo(i + 1);
            assertThat(part.get("parts").asInt()).isEqualTo(parts.size());
            rebuilt.append(part.path("after").asText());
        }
        assertThat(parts.size()).isGreaterThan(3);
        assertThat(rebuilt).hasToString(after);
    }

    private static long seqOf(ScopeChange change) {
        Long seq = change.seq();
        assertThat(seq).isNotNull();
        return seq == null ? -1 : seq;
    }

    private static JsonNode json(AuditEvent event) throws JsonProcessingException {
        String payload = event.payload();
        return new ObjectMapper().readTree(payload == null ? "null" : payload);
    }
}
