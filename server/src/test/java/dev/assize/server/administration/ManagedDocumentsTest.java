package dev.assize.server.administration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.administration.ChangeResult.Invalid;
import dev.assize.server.administration.ChangeSet.Precondition;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Who keeps a directory of documents has those deleted that it no longer has, and no others. */
class ManagedDocumentsTest extends AdministrationFixture {

    @Test
    void prunesOnlyWhatItsManagerWroteInTheScopesNamed() {
        String other = TENANT.replace("acme", "globex");
        put(TENANT + managed("kept", "ci") + "---\n" + managed("gone", "ci") + "---\n" + managed("theirs", "people")
                + "---\n" + role("nobodys") + "---\n"
                + "{apiVersion: assize.dev/v1, kind: Freeze, metadata: {tenant: acme, name: f, manager: ci}, spec:"
                + " {tenant: true, reason: r}}\n---\n" + other
                + managed("gone", "ci").replace("acme", "globex"));

        ChangeResult refused = prune("ci", role("kept"));
        assertThat(refused)
                .isInstanceOfSatisfying(
                        Invalid.class,
                        invalid -> assertThat(invalid.problems().getFirst().field())
                                .isEqualTo("Role/kept: metadata.manager"));
        accepted(prune("ci", managed("kept", "ci")));

        assertThat(administration.export(ACME).documents())
                .extracting(document -> document.kind().text() + "/" + document.name())
                .containsExactlyInAnyOrder("Tenant/acme", "Role/kept", "Role/nobodys", "Role/theirs", "Freeze/f");
        assertThat(administration.export(PolicyScope.of(new TenantId("globex"))).documents())
                .extracting(Document::name)
                .contains("gone");
    }

    @Test
    void prunesWhereNothingIsPutAndOnlyTheRevisionIsSaid() {
        put(TENANT + managed("gone", "ci") + "---\n" + managed("theirs", "people"));
        Precondition present =
                new Precondition(ACME, administration.export(ACME).revision());

        accepted(administration.apply(
                new ChangeSet(List.of(), List.of(), List.of(present), false, false, null, ChangeOrigin.APPLY, "ci"),
                ALICE,
                tenant -> true));

        assertThat(administration.export(ACME).documents())
                .extracting(Document::name)
                .containsExactlyInAnyOrder("acme", "theirs");
    }

    @Test
    void doesNotPruneWhatIsStillReferenced() {
        put(TENANT + managed("used", "ci") + "---\n" + managed("kept", "ci") + "---\n" + binding("b", "used"));

        assertThat(prune("ci", managed("kept", "ci"))).isInstanceOf(Invalid.class);
    }

    private ChangeResult prune(String manager, String yaml) {
        ChangeSet change =
                new ChangeSet(read(yaml), List.of(), List.of(), false, false, null, ChangeOrigin.APPLY, manager);
        return administration.apply(change, ALICE, tenant -> true);
    }

    private static String managed(String name, String manager) {
        return role(name).replace("name: " + name, "name: " + name + ", manager: " + manager);
    }
}
