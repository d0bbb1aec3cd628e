package dev.assize.server.administration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.administration.ChangeResult.ChangeType;
import dev.assize.server.administration.ChangeResult.Compared;
import dev.assize.server.administration.ChangeResult.DocumentChange;
import dev.assize.server.administration.ChangeResult.Invalid;
import dev.assize.server.administration.ChangeResult.RevisionMoved;
import dev.assize.server.administration.ChangeResult.ScopeChange;
import dev.assize.server.administration.ChangeSet.Precondition;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.Kind;
import dev.assize.server.policy.PolicyDigest;
import java.util.List;
import org.junit.jupiter.api.Test;

class PolicyAdministrationTest extends AdministrationFixture {

    @Test
    void refusesWhatDoesNotHoldTogetherAndChangesNothing() {
        ChangeResult result = put(TENANT + binding("b", "nowhere"));

        assertThat(result)
                .isInstanceOfSatisfying(
                        Invalid.class,
                        invalid -> assertThat(invalid.problems().getFirst().field())
                                .isEqualTo("RoleBinding/b: spec.role"));
        assertThat(administration.export(ACME).revision()).isEqualTo(Revision.NONE);
        assertThat(ledger.rows(ACME_ID)).isEmpty();
        assertThat(decisions.forgotten).isEmpty();
    }

    @Test
    void refusesDocumentsOfATenantThatIsNotThere() {
        assertThat(put(role("r"))).isInstanceOf(Invalid.class);
    }

    @Test
    void refusesToDeleteWhatIsNotThereTwiceOrBesideAPut() {
        put(TENANT + role("r"));
        DocumentKey known = new DocumentKey(ACME, Kind.ROLE, "r");
        DocumentKey unknown = new DocumentKey(ACME, Kind.ROLE, "x");

        assertThat(change(role("r"), List.of(known), false)).isInstanceOf(Invalid.class);
        assertThat(change("", List.of(known, known), false)).isInstanceOf(Invalid.class);
        assertThat(change("", List.of(unknown), false))
                .isInstanceOfSatisfying(
                        Invalid.class,
                        invalid -> assertThat(invalid.problems().getFirst().message())
                                .contains("Role/x", "`x`", "tenant `acme`"));
    }

    @Test
    void refusesToDeleteWhatIsStillReferenced() {
        put(TENANT + role("r") + "---\n" + binding("b", "r"));

        assertThat(change("", List.of(new DocumentKey(ACME, Kind.ROLE, "r")), false))
                .isInstanceOf(Invalid.class);
    }

    @Test
    void refusesOneNameTwiceInAChange() {
        assertThat(put(TENANT + role("r") + "---\n" + role("r"))).isInstanceOf(Invalid.class);
    }

    @Test
    void refusesAChangeMadeForAnotherRevision() {
        put(TENANT);
        ChangeSet change = new ChangeSet(
                read(role("r")), List.of(), List.of(new Precondition(ACME, new Revision(5))), false, false, null);

        assertThat(administration.apply(change, ALICE, tenant -> true))
                .isEqualTo(new RevisionMoved(ACME, new Revision(5), new Revision(1)));
    }

    @Test
    void refusesAPlatformDocumentWhoseNameATenantHas() {
        put(TENANT + role("r"));

        assertThat(put(role("r").replace("tenant: acme, ", ""))).isInstanceOf(Invalid.class);
    }

    @Test
    void refusesToDeleteThePlatformsRoleATenantBinds() {
        put(TENANT + role("r").replace("tenant: acme, ", "") + "---\n" + binding("b", "r"));

        assertThat(change("", List.of(new DocumentKey(PolicyScope.PLATFORM, Kind.ROLE, "r")), false))
                .isInstanceOf(Invalid.class);
    }

    @Test
    void comparesInADryRunAndChangesNothing() {
        ChangeResult result = change(TENANT + binding("b", "nowhere"), List.of(), true);

        assertThat(result).isInstanceOfSatisfying(Compared.class, compared -> {
            assertThat(compared.problems()).hasSize(1);
            assertThat(compared.changes().getFirst().revision()).isEqualTo(new Revision(1));
            assertThat(compared.changes().getFirst().seq()).isNull();
        });
        assertThat(administration.export(ACME).revision()).isEqualTo(Revision.NONE);
    }

    @Test
    void makesNoRevisionWhereNothingChanges() {
        put(TENANT + role("r"));

        ScopeChange change = accepted(put(TENANT + role("r"))).getFirst();

        assertThat(change.revision()).isEqualTo(new Revision(1));
        assertThat(change.seq()).isNull();
        assertThat(change.documents()).extracting(DocumentChange::type).containsOnly(ChangeType.UNCHANGED);
        assertThat(administration.revisions(ACME, null, 10)).hasSize(1);
        assertThat(decisions.forgotten).containsExactly(ACME);
    }

    @Test
    void tellsWhatWasCreatedReplacedAndDeleted() {
        put(TENANT + role("a") + "---\n" + role("b") + "---\n" + role("c"));

        ScopeChange change = accepted(change(
                        role("a").replace("read", "write") + "---\n" + role("b") + "---\n" + role("d"),
                        List.of(new DocumentKey(ACME, Kind.ROLE, "c")),
                        false))
                .getFirst();

        assertThat(change.documents())
                .extracting(document -> document.key().name() + " " + document.type())
                .containsExactly("a REPLACED", "b UNCHANGED", "c DELETED", "d CREATED");
        assertThat(change.policyDigest()).isEqualTo(PolicyDigest.ofPolicy(administration.export(ACME)));
        assertThat(administration.revisions(ACME, null, 10).getFirst().changeCount())
                .isEqualTo(3);
    }

    @Test
    void changesSeveralScopesAtOnceThePlatformFirst() {
        List<ScopeChange> changes =
                accepted(put(role("p").replace("tenant: acme, ", "") + "---\n" + TENANT + binding("b", "p")));

        assertThat(changes).extracting(ScopeChange::scope).containsExactly(PolicyScope.PLATFORM, ACME);
        assertThat(decisions.forgotten).containsExactly(PolicyScope.PLATFORM, ACME);
        assertThat(events(TenantId.ASSIZE))
                .extracting(AuditEvent::type)
                .containsExactlyInAnyOrder(PolicyEvents.MANIFEST, PolicyEvents.DIFF, "assize.tenant.create");
    }
}
