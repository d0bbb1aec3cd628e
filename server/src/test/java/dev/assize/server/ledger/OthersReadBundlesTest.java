package dev.assize.server.ledger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.assize.server.testing.SignedLedger;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Bundles before code that was not written for Assize: Tessera, as `client-sdk/conformance/tlog/run-tests` builds it.
 * Skipped where that did not run.
 */
class OthersReadBundlesTest {

    private static final Path TLOG = Path.of("..", "client-sdk", "conformance", "tlog", "target", "tlog");

    @TempDir
    private Path directory;

    @BeforeEach
    void isBuilt() {
        assumeTrue(Files.isExecutable(TLOG), TLOG + " is not there: run client-sdk/conformance/tlog/run-tests");
    }

    @Test
    void refusesAnEntryThatWasChanged() throws Exception {
        byte[] bundle = SignedLedger.golden().append(300).bundle();
        byte[] frame = SignedLedger.golden().append(300).frames().get(271);
        int at =
                new String(bundle, StandardCharsets.ISO_8859_1).indexOf(new String(frame, StandardCharsets.ISO_8859_1));
        assertThat(at).isPositive();
        bundle[at + 12] ^= 1;
        assertThat(read(bundle)).isEqualTo("exit 3");
    }

    @Test
    void readsBundlesWithFullTilesAndPartialOnes() throws Exception {
        for (int entries : new int[] {1, 255, 256, 257, 600}) {
            assertThat(read(SignedLedger.golden().append(entries).bundle())).isEqualTo(entries + " entries");
        }
    }

    private String read(byte[] bundle) throws Exception {
        Path file = directory.resolve("bundle.tar");
        Files.write(file, bundle);
        String key = SignedLedger.golden().verifierKey().toString();
        Process process = new ProcessBuilder(TLOG.toString(), key, file.toString())
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        String said = said(process);
        int code = process.waitFor();
        return code == 0 ? said : "exit " + code;
    }

    private static String said(Process process) throws IOException {
        return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
    }
}
