package dev.assize.server.policy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.model.Digest;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

class PolicyDigestTest {

    private static final PolicyScope ACME = PolicyScope.of(new TenantId("acme"));
    private static final String TENANT = """
            apiVersion: assize.dev/v1
            kind: Tenant
            metadata:
              name: acme
            spec:
              environments:
              - production
            """;
    private static final String GROUP = """
            apiVersion: assize.dev/v1
            kind: Group
            metadata:
              tenant: acme
              name: noc
            spec:
              members:
              - user:olga
            """;

    @Test
    void isWhatAStrangerComputesFromTheReference() throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        DataOutputStream out = new DataOutputStream(bytes);
        out.write("assize/v1/policy\0".getBytes(StandardCharsets.US_ASCII));
        string(out, "acme");
        out.writeLong(2);
        string(out, "Group");
        string(out, "noc");
        string(out, GROUP);
        string(out, "Tenant");
        string(out, "acme");
        string(out, TENANT);

        assertThat(PolicyDigest.ofPolicy(PolicySet.of(ACME, new Revision(3), read(TENANT + "---\n" + GROUP))))
                .isEqualTo(Digest.sha256(bytes.toByteArray()));
    }

    @Test
    void ofAChangeCoversPutsAndDeletes() throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        DataOutputStream out = new DataOutputStream(bytes);
        out.write("assize/v1/policy-change\0".getBytes(StandardCharsets.US_ASCII));
        string(out, "acme");
        out.writeLong(2);
        out.write(1);
        string(out, "Group");
        string(out, "noc");
        string(out, GROUP);
        out.write(2);
        string(out, "Role");
        string(out, "viewer");

        assertThat(PolicyDigest.ofChange(ACME, read(GROUP), List.of(new DocumentKey(ACME, Kind.ROLE, "viewer"))))
                .isEqualTo(Digest.sha256(bytes.toByteArray()));
    }

    @Test
    void doesNotDependOnHowADocumentWasWrittenNorOnTheRevision() {
        List<Document> flow = read("{metadata: {name: noc, tenant: acme}, spec: {members: ['user:olga']},"
                + " kind: Group, apiVersion: assize.dev/v1}");

        assertThat(PolicyDigest.ofPolicy(PolicySet.of(ACME, new Revision(1), flow)))
                .isEqualTo(PolicyDigest.ofPolicy(PolicySet.of(ACME, new Revision(2), read(GROUP))));
    }

    @Test
    void tellsEmptyPoliciesOfScopesApart() {
        assertThat(PolicyDigest.ofPolicy(PolicySet.empty(ACME)))
                .isNotEqualTo(PolicyDigest.ofPolicy(PolicySet.empty(PolicyScope.PLATFORM)))
                .isNotEqualTo(PolicyDigest.ofChange(ACME, List.of(), List.of()));
    }

    private static void string(DataOutputStream out, String text) throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        out.writeInt(bytes.length);
        out.write(bytes);
    }

    private static List<Document> read(String yaml) {
        return DocumentReader.read("", 1, yaml.getBytes(StandardCharsets.UTF_8)).documents();
    }
}
