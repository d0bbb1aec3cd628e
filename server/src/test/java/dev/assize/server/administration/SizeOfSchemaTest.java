package dev.assize.server.administration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.DocumentReader;
import dev.assize.server.policy.DocumentReader.ReadResult;
import dev.assize.server.policy.Kind;
import dev.assize.server.policy.PolicySet;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SizeOfSchemaTest {

    private static final PolicyScope ACME = PolicyScope.of(new TenantId("acme"));
    private static final PolicySet PLATFORM = PolicySet.empty(PolicyScope.PLATFORM);
    private static final String TENANT = "{apiVersion: assize.dev/v1, kind: Tenant, metadata: {name: acme},"
            + " spec: {environments: [default]}}\n---\n";
    private static final String TYPE = "{apiVersion: assize.dev/v1, kind: ResourceType, metadata: {tenant: acme,"
            + " name: vault}, spec: {actions: [read]}}\n---\n";
    private static final String BINDING = "{apiVersion: assize.dev/v1, kind: RoleBinding, metadata: {tenant: acme,"
            + " name: b}, spec: {subjects: ['user:a'], role: r, scope: {resourceTypes: [vault]}}}\n---\n";

    @Test
    void refusesARoleThatCouldNotBeBound() {
        String types = IntStream.range(0, 2_000).mapToObj(i -> "t" + i).collect(Collectors.joining(", "));
        String actions = IntStream.range(0, 2_000).mapToObj(i -> "a" + i).collect(Collectors.joining(", "));

        assertThat(size(set(TENANT + role(types, actions))).excess()).isNotNull();
    }

    @Test
    void fitsWhereTheSchemaIsSmall() {
        assertThat(size(set(TENANT + TYPE + role("vault", "read") + BINDING)).excess())
                .isNull();
        assertThat(size(set(TENANT)).excess()).isNull();
        assertThat(size(PolicySet.empty(ACME)).excess()).isNull();
    }

    @Test
    void dependsOnTheSchemaAndOnTypesThatOnlyBindingsName() {
        SizeOfSchema declared = size(set(TENANT + TYPE + role("vault", "read") + BINDING));
        SizeOfSchema undeclared = size(set(TENANT + role("vault", "read") + BINDING));

        assertThat(declared.dependsOn(Set.of(key(Kind.ROLE, "r")))).isTrue();
        assertThat(declared.dependsOn(Set.of(key(Kind.ROLE_BINDING, "b")))).isFalse();
        assertThat(undeclared.dependsOn(Set.of(key(Kind.ROLE_BINDING, "b")))).isTrue();
        SizeOfSchema known = new SizeOfSchema(
                set(TENANT + BINDING.replace("name: b", "name: other")),
                set(TENANT + role("vault", "read") + BINDING),
                PLATFORM);
        assertThat(known.dependsOn(Set.of(key(Kind.ROLE_BINDING, "b")))).isFalse();
        assertThat(undeclared.excess()).isNull();
    }

    private static SizeOfSchema size(PolicySet tenant) {
        return new SizeOfSchema(PolicySet.empty(ACME), tenant, PLATFORM);
    }

    private static DocumentKey key(Kind kind, String name) {
        return new DocumentKey(ACME, kind, name);
    }

    private static String role(String types, String actions) {
        return "{apiVersion: assize.dev/v1, kind: Role, metadata: {tenant: acme, name: r}, spec: {permissions:"
                + " [{resources: [" + types + "], actions: [" + actions + "]}]}}\n---\n";
    }

    private static PolicySet set(String yaml) {
        ReadResult result = DocumentReader.read("test.yaml", 1, yaml.getBytes(StandardCharsets.UTF_8));
        assertThat(result.problems()).isEmpty();
        List<Document> documents = result.documents();
        return PolicySet.of(ACME, new Revision(1), documents);
    }
}
