package dev.assize.server.endpoint.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.access.Permission;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.compile.GraphCompiler;
import dev.assize.server.decision.evaluate.DecisionGraph;
import dev.assize.server.decision.evaluate.Evaluator;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Revision;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.DocumentReader;
import dev.assize.server.policy.DocumentReader.ReadResult;
import dev.assize.server.policy.PolicySet;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;

/** What the roles of a new database permit, as the engine says. */
final class ShippedRoles {

    private static final Instant NOW = Instant.parse("2026-03-01T12:00:00Z");
    private static final Subject SOMEBODY = Subject.parse("user:somebody");

    private ShippedRoles() {}

    /** All that somebody may do in tenant acme who holds a role and no other. */
    static Set<Permission> permissions(String role) {
        List<Document> documents = new ArrayList<>(shipped());
        documents.addAll(
                read(("{apiVersion: assize.dev/v1, kind: RoleBinding, metadata: {tenant: assize, name: somebody},"
                                + " spec: {subjects: ['" + SOMEBODY + "'], role: " + role + "}}")
                        .getBytes(StandardCharsets.UTF_8)));
        DecisionGraph graph = GraphCompiler.compile(
                PolicySet.of(PolicyScope.of(TenantId.ASSIZE), new Revision(1), documents),
                PolicySet.empty(PolicyScope.PLATFORM));
        return Arrays.stream(Permission.values())
                .filter(permission -> Evaluator.evaluate(graph, question(permission), NOW)
                        .answer()
                        .reason()
                        .isAllow())
                .collect(Collectors.toSet());
    }

    private static CheckQuery question(Permission permission) {
        return new CheckQuery(
                SOMEBODY,
                ResourcePath.parse("tenant:acme/" + permission.resourceType()),
                new Action(permission.action()),
                TenantId.ASSIZE,
                Environment.DEFAULT,
                TenantId.ASSIZE);
    }

    private static List<Document> shipped() {
        try (InputStream yaml =
                Objects.requireNonNull(ShippedRoles.class.getResourceAsStream("/bootstrap/assize.yaml"))) {
            return read(yaml.readAllBytes());
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }

    private static List<Document> read(byte[] yaml) {
        ReadResult result = DocumentReader.read("test.yaml", 1, yaml);
        assertThat(result.problems()).isEmpty();
        return result.documents();
    }
}
