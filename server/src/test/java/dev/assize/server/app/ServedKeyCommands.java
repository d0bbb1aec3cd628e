package dev.assize.server.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Keys from the command line, and the drill with the one that is sealed. */
abstract class ServedKeyCommands extends ServedCommands {

    ServedKeyCommands(Served served) {
        super(served);
    }

    @Test
    void makesListsAndRevokesKeys() {
        assertThat(console.run(
                        "key", "create", "--tenant", "assize", "--subject", "service:replay", "--tenants", "acme"))
                .as(console.err())
                .isZero();
        String key = console.out().strip();
        String id = key.split("_", 3)[1];
        assertThat(console.run("key", "list", "--tenant", "assize")).isZero();
        assertThat(console.out()).contains(id, "service:replay").doesNotContain(key);
        assertThat(console.run("key", "revoke", id, "--tenant", "assize")).isZero();
        Console asService = new Console(home, Map.of("ASSIZE_TENANT", "acme", "ASSIZE_KEY", key));
        assertThat(asService.run("check", "service:replay", "replay:1", "execute", "--env", "staging"))
                .isEqualTo(1);
        assertThat(asService.err()).contains("not authenticated").hasLineCount(1);
    }

    /** The drill, as docs/operations.md leads through it. */
    @Test
    void sealsBreaksAndSealsAnew() throws Exception {
        assertThat(console.run("key", "seal", "--description", "safe 3"))
                .as(console.err())
                .isZero();
        String first = console.out().strip();
        assertThat(console.err()).contains("only time its secret is shown");
        assertThat(console.run("key", "list", "--tenant", "assize")).isZero();
        assertThat(console.out())
                .contains("user:break-glass", "sealed", "safe 3")
                .doesNotContain(first);
        assertThat(get("/readyz")).doesNotContain("break-glass: ATTENTION");

        Console broken = new Console(home, Map.of("ASSIZE_TENANT", "acme", "ASSIZE_KEY", first));
        assertThat(broken.run("policy", "history")).as(broken.err()).isZero();
        assertThat(broken.run("check", "user:alice", "replay:1", "execute", "--env", "staging"))
                .isEqualTo(1);
        assertThat(get("/readyz")).contains("break-glass: ATTENTION");
        assertThat(get("/metrics")).contains("assize_break_glass_uses_total 2.0", "assize_break_glass_broken 1.0");
        for (String tenant : List.of("assize", "acme")) {
            assertThat(console.run("audit", "list", "--tenant", tenant, "--type", "assize.break-glass.used"))
                    .isZero();
            assertThat(console.out()).contains("user:break-glass");
        }

        assertThat(console.run("key", "seal")).isZero();
        assertThat(console.err()).contains(first.split("_", 3)[1] + " is void");
        assertThat(broken.run("policy", "history")).isEqualTo(1);
        assertThat(broken.err()).contains("not authenticated");
        assertThat(get("/readyz")).doesNotContain("break-glass: ATTENTION");
    }
}
