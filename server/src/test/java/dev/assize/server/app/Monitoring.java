package dev.assize.server.app;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

/** The files that come for monitoring, held against what a running process measures. */
final class Monitoring {

    static final Path FILES = Path.of("..", "docs", "monitoring");

    /** The group of rules that is about sidecars. */
    static final String SIDECAR = "assize-sidecar";

    /** A name of a meter, with what selects among its series. */
    private static final Pattern METER = Pattern.compile("\\b((?:assize|jvm|process|system)_[a-z0-9_]+)(\\{[^}]*})?");

    private static final Pattern SELECTOR = Pattern.compile("([a-z_]+)(?:=~|!~|!=|=)\"([^\"]*)\"");
    private static final Pattern GROUPS = Pattern.compile("\\bby \\(([^)]*)\\)");

    /** Labels that Prometheus or Grafana adds. */
    private static final Set<String> ADDED = Set.of("instance");

    private Monitoring() {}

    /** Rules of the groups with such names. */
    static List<Map<?, ?>> rules(Predicate<String> groups) throws IOException {
        Map<?, ?> file = (Map<?, ?>)
                new Load(LoadSettings.builder().build()).loadFromString(Files.readString(FILES.resolve("alerts.yaml")));
        return objects(file, "groups")
                .filter(group -> groups.test(text(group, "name")))
                .<Map<?, ?>>flatMap(group -> objects(group, "rules"))
                .toList();
    }

    static List<String> alerts(Predicate<String> groups) throws IOException {
        return rules(groups).stream().map(rule -> text(rule, "expr")).toList();
    }

    private static Stream<Map<?, ?>> objects(Map<?, ?> object, String member) {
        return ((List<?>) requireNonNull(object.get(member))).stream().map(it -> (Map<?, ?>) it);
    }

    static String text(Map<?, ?> object, String member) {
        return requireNonNull(object.get(member)).toString();
    }

    /** Names of the series at an address, each with its labels. */
    static Map<String, Set<String>> series(HttpClient http, String address) throws IOException, InterruptedException {
        Map<String, Set<String>> series = new TreeMap<>();
        http.send(
                        HttpRequest.newBuilder(URI.create("http://" + address + "/metrics"))
                                .header("Accept", "text/plain")
                                .build(),
                        HttpResponse.BodyHandlers.ofString())
                .body()
                .lines()
                .filter(line -> !line.startsWith("#"))
                .forEach(line -> {
                    int brace = line.indexOf('{');
                    String name = line.substring(0, brace < 0 ? line.indexOf(' ') : brace);
                    Set<String> labels = series.computeIfAbsent(name, any -> new HashSet<>());
                    if (brace >= 0) {
                        Matcher matcher = SELECTOR.matcher(line.substring(brace));
                        while (matcher.find()) {
                            labels.add(matcher.group(1));
                        }
                    }
                });
        return series;
    }

    /** That every meter in an expression is there, with the labels that it is selected and grouped by. */
    static void assertMeasured(String expression, Map<String, Set<String>> series) {
        Set<String> labels = new HashSet<>(ADDED);
        Matcher meters = METER.matcher(expression);
        boolean found = false;
        while (meters.find()) {
            found = true;
            assertThat(series).as(expression).containsKey(meters.group(1));
            Set<String> own = requireNonNull(series.get(meters.group(1)));
            labels.addAll(own);
            if (meters.group(2) != null) {
                Matcher selectors = SELECTOR.matcher(meters.group(2));
                while (selectors.find()) {
                    assertThat(own.contains(selectors.group(1)) || ADDED.contains(selectors.group(1)))
                            .as("%s has no label %s: %s", meters.group(1), selectors.group(1), expression)
                            .isTrue();
                }
            }
        }
        assertThat(found).as(expression).isTrue();
        Matcher groups = GROUPS.matcher(expression);
        while (groups.find()) {
            assertThat(labels).as(expression).contains(groups.group(1).split(",\\s*", -1));
        }
    }
}
