package dev.assize.benchmarks.world;

import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Revision;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.DocumentReader;
import dev.assize.server.policy.PolicySet;
import dev.assize.server.policy.PolicyValidator;
import dev.assize.server.policy.Problem;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;

/** A world's policy as text: what people wrote, and then the documents that are generated. */
final class WorldText {

    private final TenantId tenant;
    private final StringBuilder yaml;

    WorldText(String name) {
        this.tenant = new TenantId(name);
        this.yaml = new StringBuilder(resource(name + ".yaml"));
    }

    /** Members and subjects are written as in a policy: `user:u1`, `group:t2`. */
    void group(String name, List<String> members) {
        document("Group", name, "{members: " + quoted(members) + "}");
    }

    void bind(String name, String role, List<String> subjects, String scope) {
        document(
                "RoleBinding",
                name,
                "{subjects: %s, role: %s, scope: {resources: [\"%s\"]}}".formatted(quoted(subjects), role, scope));
    }

    void bindEverywhere(String name, String role, String subject) {
        document("RoleBinding", name, "{subjects: [\"%s\"], role: %s}".formatted(subject, role));
    }

    void attribute(String path, String name, String value) {
        document("Resource", path, "{attributes: {%s: \"%s\"}}".formatted(name, value));
    }

    CheckQuery query(String user, String action, String path) {
        return new CheckQuery(
                new Subject("user", user),
                ResourcePath.parse(path),
                new Action(action),
                tenant,
                Environment.DEFAULT,
                tenant);
    }

    /** As the server would take it: what it would refuse fails here, too. */
    PolicySet policy() {
        DocumentReader.ReadResult read =
                DocumentReader.read(tenant.value(), 1, yaml.toString().getBytes(StandardCharsets.UTF_8));
        List<Problem> problems = new ArrayList<>(read.problems());
        PolicySet policy = PolicySet.of(PolicyScope.of(tenant), new Revision(1), read.documents());
        problems.addAll(PolicyValidator.validate(policy, PolicySet.empty(PolicyScope.PLATFORM)));
        if (!problems.isEmpty()) {
            throw new IllegalStateException(problems.toString());
        }
        return policy;
    }

    /** What lies beside this class among the worlds. */
    static String resource(String file) {
        try (InputStream stream =
                Objects.requireNonNull(WorldText.class.getResourceAsStream("/worlds/" + file), file)) {
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void document(String kind, String name, String spec) {
        yaml.append("""
                ---
                apiVersion: assize.dev/v1
                kind: %s
                metadata: {tenant: %s, name: "%s"}
                spec: %s
                """.formatted(kind, tenant.value(), name, spec));
    }

    private static String quoted(List<String> names) {
        return names.stream().map(name -> '"' + name + '"').collect(Collectors.joining(", ", "[", "]"));
    }
}
