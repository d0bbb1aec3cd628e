package dev.assize.server.app;

import dev.assize.server.cli.CommandException;
import dev.assize.server.cli.Surroundings;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How a server is configured from the command line. */
final class StartOptions {

    @Option(
            names = "--config",
            paramLabel = "FILE",
            description = "The configuration; default: assize.yaml in the home directory, if it is there.")
    @Nullable
    Path file;

    ServerConfig read(Surroundings surroundings) {
        Path home = surroundings.home();
        Path chosen = file == null ? home.resolve("assize.yaml") : file;
        try {
            return ServerConfig.of(home, Settings.read(chosen, file != null, surroundings.environment()));
        } catch (ConfigurationException wrong) {
            throw new CommandException(String.valueOf(wrong.getMessage()), wrong);
        }
    }
}
