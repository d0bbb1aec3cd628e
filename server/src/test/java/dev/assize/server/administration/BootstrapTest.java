package dev.assize.server.administration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.audit.AuditCodec;
import dev.assize.server.ledger.InMemoryLedgerStore;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.Document.ResourceTypeDocument;
import dev.assize.server.policy.PolicySet;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import org.junit.jupiter.api.Test;

class BootstrapTest {

    private static final PolicyScope ASSIZE = PolicyScope.of(TenantId.ASSIZE);
    private static final InstantSource CLOCK = InstantSource.fixed(Instant.parse("2026-03-01T12:00:00Z"));

    @Test
    void tellsWhichActionsAPolicyFromBeforeDoesNotDeclare() {
        PolicySet first = first();
        assertThat(Bootstrap.missingActions(first)).isEmpty();

        List<Document> older = first.documents().stream()
                .filter(document -> !document.name().equals("freeze"))
                .map(document -> document instanceof ResourceTypeDocument type
                                && type.name().equals("policy")
                        ? without("watch", type)
                        : document)
                .toList();
        assertThat(Bootstrap.missingActions(PolicySet.of(ASSIZE, new Revision(2), older)))
                .containsExactly("freeze/create", "freeze/lift", "freeze/read", "policy/watch");
    }

    private static PolicySet first() {
        InMemoryPolicyRepository repository =
                new InMemoryPolicyRepository(new InMemoryLedgerStore(CLOCK, new AuditCodec()));
        new Bootstrap(new PolicyAdministration(repository, new PolicyAdministrationTest.ForgetfulDecisions(), CLOCK))
                .run();
        return repository.current(ASSIZE);
    }

    private static Document without(String action, ResourceTypeDocument type) {
        return new ResourceTypeDocument(
                type.metadata(),
                type.place(),
                type.actions().stream().filter(it -> !it.value().equals(action)).toList(),
                type.implies(),
                type.attributes());
    }
}
