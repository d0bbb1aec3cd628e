package dev.assize.server.app;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;

/**
 * What the file and the environment say, the environment last. A key or variable that nobody knows stops the start: a
 * typo must not become a default.
 */
final class Settings {

    private static final String PREFIX = "ASSIZE_";

    /** Variables that are not keys: the launcher's and the command line's. */
    private static final Set<String> OTHER_VARIABLES = Set.of(
            "ASSIZE_HOME",
            "ASSIZE_JAVA_OPTS",
            "ASSIZE_SERVER",
            "ASSIZE_TLS",
            "ASSIZE_CA",
            "ASSIZE_SERVER_NAME",
            "ASSIZE_KEY",
            "ASSIZE_TENANT",
            "ASSIZE_ENV");

    private static final Pattern DURATION = Pattern.compile("(\\d{1,9})(ms|s|m|h|d)");

    private final Map<ConfigKey, String> values = new EnumMap<>(ConfigKey.class);
    private final Map<ConfigKey, String> places = new EnumMap<>(ConfigKey.class);

    private Settings() {}

    /**
     * Reads what there is.
     *
     * @param required whether the file must be there
     */
    static Settings read(Path file, boolean required, Map<String, String> environment) {
        Settings settings = new Settings();
        settings.readFile(file, required);
        settings.readEnvironment(environment);
        return settings;
    }

    private void readFile(Path file, boolean required) {
        Object content;
        try {
            content = new Load(LoadSettings.builder()
                            .setLabel(file.toString())
                            .setAllowDuplicateKeys(false)
                            .build())
                    .loadFromString(Files.readString(file));
        } catch (NoSuchFileException absent) {
            if (required) {
                throw new ConfigurationException(file + ": no such file", absent);
            }
            return;
        } catch (IOException unreadable) {
            throw new ConfigurationException("cannot read " + file + ": " + unreadable.getMessage(), unreadable);
        } catch (YamlEngineException malformed) {
            String reason =
                    String.valueOf(malformed.getMessage()).lines().findFirst().orElse("");
            throw new ConfigurationException(file + ": not YAML: " + reason, malformed);
        }
        if (content != null) {
            addAll(file, "", content);
        }
    }

    /** Keys may be nested or dotted. */
    private void addAll(Path file, String prefix, Object content) {
        if (!(content instanceof Map<?, ?> map)) {
            throw new ConfigurationException(file + ": expected keys with values, for example `grpc.port: 7443`");
        }
        for (Map.Entry<?, ?> entry : map.entrySet()) {
            String name = prefix + entry.getKey();
            Object value = entry.getValue();
            if (value instanceof Map<?, ?> inner && ConfigKey.ofText(name).isEmpty() && isPrefix(name)) {
                addAll(file, name + ".", inner);
            } else {
                add(file, name, value);
            }
        }
    }

    private static boolean isPrefix(String name) {
        return Arrays.stream(ConfigKey.values()).anyMatch(key -> key.text().startsWith(name + "."));
    }

    private void add(Path file, String name, @Nullable Object value) {
        ConfigKey key = ConfigKey.ofText(name)
                .orElseThrow(() -> new ConfigurationException(file + ": unknown key `" + name + "`"
                        + nearest(name, Arrays.stream(ConfigKey.values()).map(ConfigKey::text))));
        if (value == null || value instanceof Map || value instanceof List) {
            throw new ConfigurationException(file + ": " + name + ": expected one value");
        }
        if (values.put(key, value.toString()) != null) {
            throw new ConfigurationException(file + ": " + name + " stands there twice");
        }
        places.put(key, file + ": " + name);
    }

    private void readEnvironment(Map<String, String> environment) {
        environment.forEach((name, value) -> {
            if (!name.startsWith(PREFIX) || OTHER_VARIABLES.contains(name)) {
                return;
            }
            ConfigKey key = ConfigKey.ofVariable(name)
                    .orElseThrow(() -> new ConfigurationException("unknown variable " + name
                            + nearest(
                                    name,
                                    Stream.concat(
                                            Arrays.stream(ConfigKey.values()).map(ConfigKey::variable),
                                            OTHER_VARIABLES.stream()))));
            values.put(key, value);
            places.put(key, name);
        });
    }

    /** The key's text, empty where neither a value nor a default is given. */
    String text(ConfigKey key) {
        return values.getOrDefault(key, key.defaultValue());
    }

    /** Whether somebody says otherwise than the default. */
    boolean isSet(ConfigKey key) {
        return places.containsKey(key);
    }

    Optional<String> given(ConfigKey key) {
        return Optional.of(text(key)).filter(text -> !text.isEmpty());
    }

    int number(ConfigKey key, int min, int max) {
        return (int) number(key, (long) min, (long) max);
    }

    long number(ConfigKey key, long min, long max) {
        String text = text(key);
        try {
            long number = Long.parseLong(text);
            if (number >= min && number <= max) {
                return number;
            }
        } catch (NumberFormatException notANumber) {
            throw bad(key, "a whole number from " + min + " to " + max);
        }
        throw bad(key, "a whole number from " + min + " to " + max);
    }

    double fraction(ConfigKey key) {
        try {
            double fraction = Double.parseDouble(text(key));
            if (fraction >= 0 && fraction <= 1) {
                return fraction;
            }
        } catch (NumberFormatException notANumber) {
            throw bad(key, "a number from 0 to 1");
        }
        throw bad(key, "a number from 0 to 1");
    }

    Duration duration(ConfigKey key) {
        Matcher matcher = DURATION.matcher(text(key));
        if (!matcher.matches()) {
            throw bad(key, "a duration, for example 250ms, 10s or 15m");
        }
        long amount = Long.parseLong(matcher.group(1));
        return switch (matcher.group(2)) {
            case "ms" -> Duration.ofMillis(amount);
            case "s" -> Duration.ofSeconds(amount);
            case "m" -> Duration.ofMinutes(amount);
            case "h" -> Duration.ofHours(amount);
            default -> Duration.ofDays(amount);
        };
    }

    boolean flag(ConfigKey key) {
        return switch (text(key)) {
            case "true" -> true;
            case "false" -> false;
            default -> throw bad(key, "true or false");
        };
    }

    <E extends Enum<E>> E oneOf(ConfigKey key, Class<E> type) {
        return Arrays.stream(type.getEnumConstants())
                .filter(it -> it.name().equals(text(key).toUpperCase(Locale.ROOT)))
                .findFirst()
                .orElseThrow(() -> bad(
                        key,
                        "one of "
                                + String.join(
                                        ", ",
                                        Arrays.stream(type.getEnumConstants())
                                                .map(it -> it.name().toLowerCase(Locale.ROOT))
                                                .toList())));
    }

    /** What is wrong with a value, and where it stands. Values of passwords are never shown. */
    ConfigurationException bad(ConfigKey key, String expected) {
        String shown = key.text().endsWith("assword") ? "(not shown)" : "`" + text(key) + "`";
        return new ConfigurationException(
                places.getOrDefault(key, key.text()) + ": " + shown + ": expected " + expected);
    }

    private static String nearest(String name, Stream<String> known) {
        return known.min(Comparator.comparingInt((String it) -> distance(name, it))
                        .thenComparing(Comparator.naturalOrder()))
                .map(it -> "; did you mean `" + it + "`?")
                .orElse("");
    }

    /** Levenshtein's distance, ignoring case. */
    private static int distance(String one, String other) {
        String a = one.toLowerCase(Locale.ROOT);
        String b = other.toLowerCase(Locale.ROOT);
        int[] row = new int[b.length() + 1];
        Arrays.setAll(row, i -> i);
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int cost = a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1;
                int next = Math.min(Math.min(row[j], row[j - 1]) + 1, diagonal + cost);
                diagonal = row[j];
                row[j] = next;
            }
        }
        return row[b.length()];
    }
}
