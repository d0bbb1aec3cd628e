package dev.assize.server.administration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.Document.ResourceTypeDocument;
import dev.assize.server.policy.PolicySet;
import java.util.List;
import org.junit.jupiter.api.Test;

class BootstrapTest extends AdministrationFixture {

    private static final PolicyScope ASSIZE = PolicyScope.of(TenantId.ASSIZE);

    @Test
    void tellsWhichActionsAPolicyFromBeforeDoesNotDeclare() {
        new Bootstrap(administration).run();
        PolicySet first = administration.export(ASSIZE);
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

    @Test
    void seedsAnEmptyDatabaseOnce() {
        Bootstrap bootstrap = new Bootstrap(administration);
        bootstrap.run();
        bootstrap.run();

        assertThat(administration.export(ASSIZE).revision()).isEqualTo(new Revision(1));
        assertThat(administration.export(ASSIZE).documents())
                .extracting(document -> document.key().toString())
                .contains("Tenant/assize", "ResourceType/policy", "Role/service", "RoleBinding/first-administrator");
        assertThat(events(TenantId.ASSIZE).getFirst().actor()).hasToString("service:assize");
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
