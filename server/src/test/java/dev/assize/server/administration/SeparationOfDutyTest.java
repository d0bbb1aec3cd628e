package dev.assize.server.administration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.administration.ChangeResult.Accepted;
import dev.assize.server.administration.ChangeResult.Compared;
import dev.assize.server.administration.ChangeResult.Invalid;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.Kind;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Roles that are kept apart are given to nobody together, whatever change would do it. */
class SeparationOfDutyTest extends AdministrationFixture {

    private static final String DUTY = """
        apiVersion: assize.dev/v1
        kind: SeparationOfDuty
        metadata: {tenant: acme, name: payments}
        spec: {type: assigned-roles, roles: [pays, approves], limit: 1}
        ---
        """;

    @Test
    void refusesToGiveSomebodyRolesThatAreKeptApart() {
        put(TENANT + role("pays") + "---\n" + role("approves") + "---\n" + DUTY + binding("b1", "pays"));

        assertThat(put(binding("b2", "approves")))
                .isInstanceOfSatisfying(
                        Invalid.class,
                        invalid -> assertThat(invalid.problems().getFirst().message())
                                .contains("user:alice", "approves", "pays", "payments"));
        assertThat(force(binding("b2", "approves"), false))
                .as("force accepts who holds too much, and nobody new")
                .isInstanceOf(Invalid.class);
    }

    @Test
    void namesOnceWhatGivesSomebodyTooMuch() {
        put(TENANT + role("pays") + "---\n" + role("approves") + "---\n" + role("manages") + "---\n" + DUTY
                + binding("b1", "pays") + "---\n" + binding("b3", "manages") + "---\n" + group("user:bob") + "---\n"
                + binding("b4", "approves").replace("user:alice", "group:all"));

        assertThat(problem(binding("b2", "approves")))
                .endsWith("RoleBinding/b2: `user:alice of tenant acme with roles approves, pays`: expected at most 1 of"
                        + " them (separation of duty `payments`)");
        assertThat(problem(binding("a-first", "manages") + "---\n" + binding("b2", "approves")))
                .as("the binding that gives the role, not another of the subject")
                .contains("RoleBinding/b2: ");
        assertThat(problem(group("user:alice"))).contains("Group/all: `user:alice of tenant acme");
        assertThat(problem(role("manages").replace("spec: {", "spec: {inherits: [approves], ")))
                .contains("Role/manages: `user:alice of tenant acme");
    }

    @Test
    void acceptsWhoViolatesANewRuleByForceOnlyAndTellsThem() {
        put(TENANT + role("pays") + "---\n" + role("approves") + "---\n" + binding("b1", "pays") + "---\n"
                + binding("b2", "approves"));

        assertThat(put(DUTY)).isInstanceOf(Invalid.class);
        assertThat(force(DUTY, true)).isInstanceOfSatisfying(Compared.class, compared -> {
            assertThat(compared.problems()).isEmpty();
            assertThat(compared.violations()).hasSize(1);
        });
        assertThat(force(DUTY, false))
                .isInstanceOfSatisfying(
                        Accepted.class,
                        accepted -> assertThat(accepted.violations())
                                .singleElement()
                                .satisfies(found -> {
                                    assertThat(found.tenant()).isEqualTo(ACME_ID);
                                    assertThat(found.violation().subject()).hasToString("user:alice");
                                    assertThat(found.violation().roles()).containsExactly("approves", "pays");
                                    assertThat(found.violation().existing()).isTrue();
                                }));
        assertThat(put(role("unrelated")))
                .as("what was accepted does not stand in the way of other changes")
                .isInstanceOf(Accepted.class);
    }

    @Test
    void judgesARuleOfThePlatformInEveryTenant() {
        put(TENANT + role("pays") + "---\n" + role("approves") + "---\n" + binding("b1", "pays") + "---\n"
                + binding("b2", "approves"));
        String roles = role("pays").replace("tenant: acme, ", "") + "---\n"
                + role("approves").replace("tenant: acme, ", "") + "---\n";
        DocumentKey pays = new DocumentKey(ACME, Kind.ROLE, "pays");
        DocumentKey approves = new DocumentKey(ACME, Kind.ROLE, "approves");
        accepted(change(roles, List.of(pays, approves), false));

        assertThat(put(DUTY.replace("tenant: acme, ", ""))).isInstanceOf(Invalid.class);
        assertThat(force(DUTY.replace("tenant: acme, ", ""), false)).isInstanceOf(Accepted.class);
    }

    private String problem(String yaml) {
        ChangeResult result = put(yaml);
        assertThat(result).isInstanceOf(Invalid.class);
        assertThat(((Invalid) result).problems()).hasSize(1);
        return ((Invalid) result).problems().getFirst().message();
    }

    private static String group(String member) {
        return """
            apiVersion: assize.dev/v1
            kind: Group
            metadata: {tenant: acme, name: all}
            spec: {members: ["%s"]}
            """.formatted(member);
    }

    private ChangeResult force(String yaml, boolean dryRun) {
        return administration.apply(
                new ChangeSet(read(yaml), List.of(), List.of(), dryRun, true, "forced"), ALICE, tenant -> true);
    }
}
