package dev.assize.server.app;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;

/** Commands against the one server of {@link ServedCommandsTest}, which runs them: to start one costs more than they do. */
abstract class ServedCommands {

    /** What stands there from the beginning. */
    static final String POLICY = """
        apiVersion: assize.dev/v1
        kind: Tenant
        metadata: {name: acme}
        spec: {environments: [staging, production]}
        ---
        apiVersion: assize.dev/v1
        kind: Role
        metadata: {tenant: acme, name: operator}
        spec:
          permissions:
            - {resources: [replay], actions: [execute]}
        ---
        apiVersion: assize.dev/v1
        kind: RoleBinding
        metadata: {tenant: acme, name: noc}
        spec:
          subjects: ["user:alice"]
          role: operator
          scope: {environments: [staging]}
        """;

    /** A server, its home directory, and a console there. */
    record Served(Path home, Console console, AssizeServer server) {

        String get(String path) throws IOException, InterruptedException {
            try (HttpClient client = HttpClient.newHttpClient()) {
                return client.send(
                                HttpRequest.newBuilder(URI.create("http://" + server.operationsAddress() + path))
                                        .build(),
                                HttpResponse.BodyHandlers.ofString())
                        .body();
            }
        }
    }

    final Path home;
    final Console console;
    final AssizeServer server;
    private final Served all;

    ServedCommands(Served served) {
        home = served.home();
        console = served.console();
        server = served.server();
        all = served;
    }

    /** From the HTTP port. */
    final String get(String path) throws IOException, InterruptedException {
        return all.get(path);
    }
}
