package dev.assize.server.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The life of tenants, from the command line. */
abstract class ServedTenantCommands extends ServedCommands {

    ServedTenantCommands(Served served) {
        super(served);
    }

    @Test
    void makesShowsSuspendsAndResumesTenants() {
        assertThat(console.run("tenant", "create", "newco", "--envs", "test,live", "--reason", "first"))
                .as(console.err())
                .isZero();
        assertThat(console.out()).startsWith("CREATED newco  recorded as entry 0");
        assertThat(console.run("tenant", "create", "newco")).isEqualTo(1);
        assertThat(console.run("tenant", "suspend", "newco")).isEqualTo(2);
        assertThat(console.run("tenant", "suspend", "newco", "--reason", "unpaid"))
                .isZero();
        assertThat(console.out()).startsWith("SUSPENDED newco  revision 2").contains("Confirmed by 1 node.");
        assertThat(console.run("tenant", "show", "newco")).isZero();
        assertThat(console.out()).contains("suspended", "user:admin", "unpaid", "test, live");
        assertThat(console.run("tenant", "resume", "newco", "--reason", "paid")).isZero();
        assertThat(console.out()).startsWith("RESUMED newco  revision 3");
        assertThat(console.run("tenant", "list")).isZero();
        assertThat(console.out()).contains("acme", "assize", "newco").contains("active");
        assertThat(console.run("tenant", "show", "nowhere")).isEqualTo(1);
        assertThat(console.err()).contains("nowhere").hasLineCount(1);
    }

    @Test
    void showsHowMuchOfWhatATenantMayHaveIsUsed() throws IOException {
        assertThat(console.run(
                        "tenant", "create", "small", "--plan", "team", "--max-documents", "9", "--max-keys", "2"))
                .as(console.err())
                .isZero();
        assertThat(console.run("key", "create", "--tenant", "small", "--subject", "user:admin"))
                .as(console.err())
                .isZero();
        assertThat(console.run("tenant", "show", "small")).isZero();
        assertThat(console.out())
                .containsPattern("documents +1 of at most 9\n")
                .containsPattern("keys +1 of at most 2\n");
        assertThat(console.run("tenant", "show", "small", "--output", "json")).isZero();
        assertThat(new ObjectMapper().readTree(console.out()).get("used")).hasToString("{\"documents\":1,\"keys\":1}");
    }

    @Test
    void exportsATenantWholeAndDeletesItButForItsLedger(@TempDir Path directory) throws Exception {
        assertThat(console.run("tenant", "create", "oldco", "--reason", "first"))
                .isZero();
        assertThat(console.run("key", "create", "--tenant", "oldco", "--subject", "user:admin"))
                .as(console.err())
                .isZero();
        Path whole = directory.resolve("oldco");
        assertThat(console.run("tenant", "export", "oldco")).isEqualTo(2);
        assertThat(console.run("tenant", "export", "nowhere", "--dir", whole.toString()))
                .isEqualTo(1);
        assertThat(directory).isEmptyDirectory();
        assertThat(console.run("tenant", "export", "oldco", "--dir", whole.toString()))
                .as(console.err())
                .isZero();
        assertThat(console.out()).contains("EXPORTED  oldco to ", "1 document at revision 1, 3 entries, 1 key");
        assertThat(console.run("tenant", "export", "oldco", "--dir", whole.toString()))
                .isEqualTo(1);
        assertThat(whole.resolve("policy.yaml")).content().contains("kind: Tenant", "name: oldco");
        assertThat(whole.resolve("history.json")).content().contains("\"revision\" : 1", "first");
        assertThat(whole.resolve("keys.json")).content().contains("user:admin").doesNotContain("asz_");
        String ledger = whole.resolve("ledger.tar").toString();
        String verifiers = whole.resolve("verifiers").toString();
        assertThat(console.run("audit", "verify", ledger, "--vkeys", verifiers, "--tenant", "oldco"))
                .as(console.out() + console.err())
                .isZero();
        assertThat(console.run("policy", "replay", "--from", ledger, "--vkeys", verifiers, "--tenant", "oldco"))
                .isZero();
        assertThat(console.out()).startsWith("REBUILT  revision 1, 1 document");

        assertThat(console.run("tenant", "delete", "oldco", "--reason", "moved away"))
                .isEqualTo(1);
        assertThat(console.err()).contains("is not suspended", "TENANT_NOT_SUSPENDED");
        assertThat(console.run("tenant", "suspend", "oldco", "--reason", "unpaid"))
                .isZero();
        assertThat(console.run("tenant", "delete", "oldco", "--reason", "moved away"))
                .as(console.err())
                .isZero();
        assertThat(console.out()).contains("DELETED oldco  revision 3", "1 key ended", "in tenant assize as entry ");
        assertThat(console.run("tenant", "show", "oldco")).isZero();
        assertThat(console.out()).contains("removed");
        assertThat(console.run("tenant", "create", "oldco")).isEqualTo(1);
        Path rest = directory.resolve("rest");
        assertThat(console.run("tenant", "export", "oldco", "--dir", rest.toString()))
                .as(console.err())
                .isZero();
        assertThat(rest.resolve("policy.yaml")).isEmptyFile();
        assertThat(console.run("audit", "verify", "--tenant", "oldco")).isZero();
        staysInTheLogOfHeads("oldco", rest);
    }

    /** Its last head, which has its deletion, is proven to be in the log of all heads; by the server, and without it. */
    private void staysInTheLogOfHeads(String tenant, Path exported) {
        assertThat(console.run("audit", "checkpoint", "--tenant", tenant, "--meta"))
                .as(console.err())
                .isZero();
        assertThat(console.out()).contains("/~meta/1\n");
        assertThat(console.run(
                        "audit",
                        "verify",
                        exported.resolve("ledger.tar").toString(),
                        "--vkeys",
                        exported.resolve("verifiers").toString(),
                        "--tenant",
                        tenant))
                .as(console.out() + console.err())
                .isZero();
        assertThat(console.out()).contains("VALID");
    }
}
