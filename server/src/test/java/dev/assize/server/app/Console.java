package dev.assize.server.app;

import dev.assize.server.cli.Surroundings;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.Map;

/** Runs commands as a person would, in a home directory of their own, on fresh ports. */
final class Console {

    private final Surroundings surroundings;
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    Console(Path home, Map<String, String> more) {
        Map<String, String> environment = new HashMap<>(Map.of(
                "ASSIZE_HOME",
                home.toString(),
                "ASSIZE_GRPC_PORT",
                "0",
                "ASSIZE_HTTP_PORT",
                "0",
                "ASSIZE_GRPC_WARM_UP",
                "0s"));
        environment.putAll(more);
        surroundings = new Surroundings(environment, false, InstantSource.system());
    }

    int run(String... args) {
        out.getBuffer().setLength(0);
        err.getBuffer().setLength(0);
        return Main.commandLine(surroundings, args)
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .execute(args);
    }

    String out() {
        return out.toString();
    }

    String err() {
        return err.toString();
    }

    ServerConfig config() {
        return new StartOptions().read(surroundings);
    }
}
