package dev.assize.server.app;

import dev.assize.server.cli.CommandException;
import dev.assize.server.cli.Surroundings;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Function;
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
        return read(surroundings, Map.of(), settings -> ServerConfig.of(surroundings.home(), settings));
    }

    /**
     * What becomes of the settings.
     *
     * @param said variables that take the place of those of the environment
     */
    <C extends @Nullable Object> C read(
            Surroundings surroundings, Map<String, String> said, Function<Settings, C> config) {
        Path home = surroundings.home();
        Path chosen = file == null ? home.resolve("assize.yaml") : file;
        Map<String, String> environment = new HashMap<>(surroundings.environment());
        environment.putAll(said);
        try {
            return config.apply(Settings.read(chosen, file != null, environment));
        } catch (ConfigurationException wrong) {
            throw new CommandException(String.valueOf(wrong.getMessage()), wrong);
        }
    }
}
