package dev.assize.server.administration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.administration.ChangeResult.Accepted;
import dev.assize.server.administration.ChangeResult.Compared;
import dev.assize.server.administration.ChangeResult.Invalid;
import dev.assize.server.administration.ChangeResult.TenantCreationRefused;
import dev.assize.server.administration.ChangeResult.TermsRefused;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Who makes tenants says what they may have, and they have no more. */
class TenantTermsTest extends AdministrationFixture {

    @Test
    void hasNoMoreDocumentsThanItsTenantMayHave() {
        String limited = TENANT.replace("spec: {", "spec: {limits: {documents: 3}, ");
        put(limited + "---\n" + role("a"));
        put(role("b"));
        assertThat(administration.apply(
                        new ChangeSet(read(role("c")), List.of(), List.of(), false, false, null), ALICE, _ -> true))
                .isInstanceOfSatisfying(
                        Invalid.class,
                        invalid -> assertThat(invalid.problems().getFirst().toString())
                                .contains("Tenant/acme: spec.limits.documents", "`3`", "there are 4"));
        // A freeze is never one too many, and what makes it no more is never refused.
        put("{apiVersion: assize.dev/v1, kind: Freeze, metadata: {tenant: acme, name: f},"
                + " spec: {tenant: true, reason: r}}");
        put(limited.replace("documents: 3", "documents: 1"));
        put(role("a").replace("[read]", "[read, write]"));
        assertThat(administration.apply(
                        new ChangeSet(read(role("c")), List.of(), List.of(), true, false, null), ALICE, _ -> true))
                .isInstanceOfSatisfying(
                        Compared.class,
                        compared -> assertThat(compared.problems()).hasSize(1));
        put(TENANT);
        put(role("c"));
    }

    @Test
    void onlyWhoMakesTenantsSaysWhatTheyMayHave() {
        put(TENANT);
        for (String terms : List.of("plan: team", "limits: {documents: 5}", "limits: {keys: 5}")) {
            ChangeSet change = new ChangeSet(
                    read(TENANT.replace("spec: {", "spec: {" + terms + ", ")),
                    List.of(),
                    List.of(),
                    false,
                    false,
                    null);
            assertThat(administration.apply(change, ALICE, _ -> false)).isEqualTo(new TermsRefused(ACME_ID));
            accepted(administration.apply(change, ALICE, _ -> true));
            assertThat(administration.apply(change, ALICE, _ -> false))
                    .as("they stay")
                    .isInstanceOf(Accepted.class);
            ChangeSet without = new ChangeSet(read(TENANT), List.of(), List.of(), true, false, null);
            assertThat(administration.apply(without, ALICE, _ -> false)).isEqualTo(new TermsRefused(ACME_ID));
        }
    }

    @Test
    void refusesANewTenantToWhoMayNotMakeIt() {
        ChangeSet change = new ChangeSet(read(TENANT), List.of(), List.of(), false, false, null);

        assertThat(administration.apply(change, ALICE, tenant -> false)).isEqualTo(new TenantCreationRefused(ACME_ID));
        put(TENANT);
        assertThat(administration.apply(change, ALICE, tenant -> false))
                .as("it is not new any more")
                .isInstanceOf(Accepted.class);
    }
}
