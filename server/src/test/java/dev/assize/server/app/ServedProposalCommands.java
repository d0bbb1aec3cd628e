package dev.assize.server.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Changes of policy that others accept, from the command line. */
abstract class ServedProposalCommands extends ServedCommands {

    ServedProposalCommands(Served served) {
        super(served);
    }

    @Test
    void proposesShowsAndAccepts() throws IOException {
        Path first = Files.writeString(home.resolve("bank.yaml"), """
            {apiVersion: assize.dev/v1, kind: Tenant, metadata: {name: bank},
              spec: {environments: [default], changeApprovals: 1}}
            """);
        assertThat(console.run("policy", "apply", first.toString(), "--idempotency-key", "bank-1"))
                .as(console.err())
                .isZero();
        assertThat(console.run("policy", "apply", first.toString(), "--idempotency-key", "bank-1"))
                .isZero();
        assertThat(console.out()).contains("applied before under this key", "revision 0 -> 1");
        Path change = Files.writeString(home.resolve("payer.yaml"), """
            {apiVersion: assize.dev/v1, kind: Role, metadata: {tenant: bank, name: payer},
              spec: {permissions: [{resources: [invoice], actions: [pay]}]}}
            ---
            {apiVersion: assize.dev/v1, kind: RoleBinding, metadata: {tenant: bank, name: payers},
              spec: {subjects: ["user:paula"], role: payer}}
            """);
        assertThat(console.run("policy", "apply", change.toString())).isEqualTo(1);
        assertThat(console.err()).contains("1 other accepts", "assize policy propose");
        assertThat(console.run("policy", "diff", change.toString())).isEqualTo(1);
        assertThat(console.err()).contains("needs 1 other to accept it");
        assertThat(console.run("policy", "propose", "--tenant", "bank")).isEqualTo(2);
        assertThat(console.run("policy", "propose", change.toString(), "--tenant", "bank", "--prune"))
                .isEqualTo(2);
        assertThat(console.err()).contains("metadata.manager");
        assertThat(console.run("policy", "propose", change.toString(), "--tenant", "bank", "--ttl", "31d"))
                .isEqualTo(2);

        assertThat(console.run(
                        "policy",
                        "propose",
                        change.toString(),
                        "--tenant",
                        "bank",
                        "--reason",
                        "pay",
                        "--output",
                        "json"))
                .as(console.err())
                .isZero();
        String id = new ObjectMapper().readTree(console.out()).get("id").asText();
        assertThat(console.run("policy", "proposals", "--tenant", "bank", "--state", "pending"))
                .isZero();
        assertThat(console.out()).contains(id, "pending", "user:admin", "0 of 1", "pay");
        assertThat(console.run("policy", "proposals", id, "--tenant", "bank")).isZero();
        assertThat(console.out())
                .contains("+ Role/payer", "+ RoleBinding/payers", "user:paula", "ALLOW", "1 answer changes");
        assertThat(console.run("policy", "accept", id, "--tenant", "bank")).isEqualTo(1);
        String digest = console.err().replaceAll("(?s).*--digest ([0-9a-f]{64}).*", "$1");
        assertThat(console.run("policy", "accept", id, "--tenant", "bank", "--digest", digest))
                .isEqualTo(1);
        assertThat(console.err()).contains("PROPOSAL_OWN").hasLineCount(1);
        assertThat(console.run("policy", "accept", id, "--tenant", "bank", "--digest", "no"))
                .isEqualTo(2);

        assertThat(console.run("key", "create", "--tenant", "assize", "--subject", "user:olga", "--tenants", "bank"))
                .isZero();
        Console olga = new Console(
                home,
                Map.of("ASSIZE_TENANT", "bank", "ASSIZE_KEY", console.out().strip()));
        assertThat(olga.run("policy", "accept", id, "--digest", digest)).isEqualTo(1);
        Path acceptor = Files.writeString(home.resolve("acceptor.yaml"), """
            {apiVersion: assize.dev/v1, kind: RoleBinding, metadata: {tenant: assize, name: acceptors},
              spec: {subjects: ["user:olga"], role: policy-acceptor}}
            """);
        assertThat(console.run("policy", "apply", acceptor.toString()))
                .as(console.err())
                .isZero();
        assertThat(olga.run("policy", "comment", id, "which invoices?"))
                .as(olga.err())
                .isZero();
        assertThat(console.run("policy", "comment", id, "all of March", "--tenant", "bank"))
                .as(console.err())
                .isZero();
        assertThat(console.run("policy", "proposals", id, "--tenant", "bank")).isZero();
        assertThat(console.out()).containsSubsequence("user:olga", "which invoices?", "user:admin", "all of March");
        assertThat(olga.run("policy", "comment", id)).isEqualTo(2);
        assertThat(console.run("audit", "list", "--tenant", "bank", "--type", "assize.proposal.commented"))
                .isZero();
        assertThat(console.out()).contains("user:olga", "user:admin");
        assertThat(olga.run("policy", "accept", id, "--digest", digest, "--comment", "fine"))
                .as(olga.err())
                .isZero();
        assertThat(olga.out()).contains("applied", "user:olga", "fine");
        assertThat(console.run("check", "user:paula", "invoice:1", "pay", "--tenant", "bank"))
                .isZero();
        assertThat(console.run("policy", "withdraw", id, "--tenant", "bank")).isEqualTo(1);
        assertThat(olga.run("policy", "reject", id)).isEqualTo(1);
        proposesADirectoryThatPrunes(olga);
    }

    /** The manager is the one that all its documents name. */
    private void proposesADirectoryThatPrunes(Console acceptor) throws IOException {
        String role = """
            {apiVersion: assize.dev/v1, kind: Role, metadata: {tenant: bank, name: %s, manager: ci},
              spec: {permissions: [{resources: [invoice], actions: [read]}]}}
            """;
        Path directory = Files.createDirectories(home.resolve("bank-policies"));
        Files.writeString(directory.resolve("kept.yaml"), role.formatted("kept"));
        Path gone = Files.writeString(directory.resolve("gone.yaml"), role.formatted("gone"));
        accepted(acceptor, directory);
        Files.delete(gone);
        accepted(acceptor, directory);

        assertThat(console.run("policy", "export", "--tenant", "bank")).isZero();
        assertThat(console.out()).contains("name: kept").doesNotContain("name: gone");
    }

    private void accepted(Console acceptor, Path directory) {
        assertThat(console.run("policy", "propose", "--dir", directory.toString(), "--tenant", "bank", "--prune"))
                .as(console.err())
                .isZero();
        String id = console.out().replaceAll("(?s).*proposal +(\\w{32}).*", "$1");
        assertThat(acceptor.run("policy", "accept", id)).isEqualTo(1);
        String digest = acceptor.err().replaceAll("(?s).*--digest ([0-9a-f]{64}).*", "$1");
        assertThat(acceptor.run("policy", "accept", id, "--digest", digest))
                .as(acceptor.err())
                .isZero();
    }
}
