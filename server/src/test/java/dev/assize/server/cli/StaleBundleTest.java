package dev.assize.server.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.assize.server.testing.forge.ForgedBundle;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** A bundle that is shown for ever is sound for ever: it is by the time of a witness that it is found to be old. */
class StaleBundleTest {

    /** When the witness has signed. */
    private static final Instant SEEN = Instant.parse("2026-03-01T12:00:05Z");

    @TempDir
    Path directory;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();
    private Instant now = SEEN;

    @Test
    void staleHeadIsFoundByTheTimeOfAWitness() throws Exception {
        ForgedBundle bundle = forged("[\"log\",\"witness\"]");
        String[] options = {"--witness", key(bundle, "witness"), "--max-age", "24h"};
        now = SEEN.plusSeconds(86_401);
        assertThat(verify(bundle, options)).isEqualTo(3);
        assertThat(out.toString()).contains("NOT AS RECORDED", "has signed it last at " + SEEN);
        assertThat(verify(bundle, "--witness", key(bundle, "witness"))).isZero();

        now = SEEN.plusSeconds(86_400);
        assertThat(verify(bundle, options)).as(out::toString).isZero();
    }

    @Test
    void whatNoWitnessHasSignedIsOfNoAge() throws Exception {
        ForgedBundle bundle = forged("[\"log\"]");
        assertThat(verify(bundle, "--witness", key(bundle, "witness"), "--max-age", "24h"))
                .isEqualTo(3);
        assertThat(out.toString()).contains("nobody says how old it is");
        assertThat(verify(bundle)).isZero();
    }

    @Test
    void aFalseSignatureOfAWitnessIsRefused() throws Exception {
        ForgedBundle bundle = forged("[\"log\",\"false-witness\"]");
        assertThat(verify(bundle, "--witness", key(bundle, "witness"))).isEqualTo(3);
        assertThat(out.toString()).contains("the signature of `witness.example.com` is false");
    }

    @Test
    void aWitnessIsNamedByAKeyOfItsOwnKind() throws Exception {
        ForgedBundle bundle = forged("[\"log\"]");
        assertThat(verify(bundle, "--max-age", "24h")).isEqualTo(2);
        assertThat(verify(bundle, "--witness", "nobody")).isEqualTo(2);
        assertThat(verify(bundle, "--witness", key(bundle, "log"))).isEqualTo(2);
        assertThat(run("--max-age", "24h", "--witness", key(bundle, "witness"))).isEqualTo(2);
    }

    private static ForgedBundle forged(String signatures) throws Exception {
        return new ForgedBundle(new ObjectMapper()
                .readTree("{\"ledger\":[{\"count\":3}],\"heads\":{\"signatures\":" + signatures + "}}"));
    }

    private static String key(ForgedBundle bundle, String name) {
        return String.valueOf(bundle.verifierKeys().get(name));
    }

    private int verify(ForgedBundle bundle, String... options) throws Exception {
        Path file = Files.write(directory.resolve("acme.tar"), bundle.tar());
        return run(Stream.concat(Stream.of(file.toString(), "--vkey", key(bundle, "log")), Stream.of(options))
                .toArray(String[]::new));
    }

    private int run(String... options) {
        out.getBuffer().setLength(0);
        InstantSource clock = () -> now;
        Map<String, String> environment =
                Map.of("ASSIZE_HOME", directory.resolve("nobody").toString());
        Surroundings surroundings = new Surroundings(environment, false, clock);
        return CommandErrors.install(new CommandLine(new AuditCommand(), new CommandFactory(surroundings)))
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .execute(Stream.concat(Stream.of("verify"), Stream.of(options)).toArray(String[]::new));
    }
}
