package dev.assize.server.endpoint.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.access.Permission;
import dev.assize.server.access.RpcPermissions;
import dev.assize.server.endpoint.call.ErrorReason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;

/** The reference page says what the code does. */
class ReferencePageTest {

    private static final Path PAGE = Path.of("..", "docs", "reference.md");

    @Test
    void givesEachRpcItsPermission() throws IOException {
        List<String> expected = RpcPermissions.rpcs().stream()
                .map(rpc -> {
                    Permission permission = RpcPermissions.of(rpc).orElseThrow();
                    return "| `" + rpc + "` | `" + permission.action() + "` | `tenant:T/" + permission.resourceType()
                            + "` |";
                })
                .toList();

        assertThat(lines("Service/")).containsExactlyInAnyOrderElementsOf(expected);
    }

    @Test
    void listsEachErrorWithItsStatusAndWhoMustAct() throws IOException {
        List<String> expected = Arrays.stream(ErrorReason.values())
                .map(reason -> "| `" + reason + "` | `" + reason.code() + "` | "
                        + reason.fault().name().toLowerCase(Locale.ROOT) + " | ")
                .toList();

        List<String> found = lines("_").stream()
                .filter(line -> line.matches("\\| `[A-Z_]+` \\| `[A-Z_]+` \\|.*"))
                .toList();
        assertThat(found).hasSameSizeAs(expected);
        for (int i = 0; i < expected.size(); i++) {
            assertThat(found.get(i)).startsWith(expected.get(i));
        }
    }

    private static List<String> lines(String containing) throws IOException {
        return Files.readAllLines(PAGE).stream()
                .filter(line -> line.startsWith("| `") && line.contains(containing))
                .toList();
    }
}
