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
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.Stream;
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
    void isWhatAStrangerComputesFromTheReference() {
        // Computed by a program of another language, from docs/policy-reference.md.
        assertThat(PolicyDigest.ofPolicy(PolicySet.of(ACME, new Revision(3), read(TENANT + "---\n" + GROUP))))
                .hasToString("029f7725a967fb0dbb63f392b8dd87be0b6c49e5685d92c8c6634aff07693f55");
    }

    @Test
    void followsChangesAsIfComputedFromScratch() {
        long seed = ThreadLocalRandom.current().nextLong();
        SplittableRandom random = new SplittableRandom(seed);
        PolicySet set = PolicySet.empty(ACME);
        PolicySum sum = PolicySum.ZERO;
        for (int change = 0; change < 200; change++) {
            Map<DocumentKey, Document> puts = new TreeMap<>();
            Set<DocumentKey> deletes = new TreeSet<>();
            for (int i = random.nextInt(5); i >= 0; i--) {
                Document document = group(random.nextInt(30), random.nextInt(10));
                if (random.nextInt(3) > 0) {
                    puts.put(document.key(), document);
                } else {
                    deletes.add(document.key());
                }
            }
            deletes.removeAll(puts.keySet());
            PolicySet before = set;
            List<Document> removed = Stream.concat(puts.keySet().stream(), deletes.stream())
                    .flatMap(key -> before.find(key).stream())
                    .toList();
            set = set.with(set.revision().next(), puts.values(), deletes);
            sum = PolicySum.ofBytes(sum.with(removed, puts.values()).bytes());
            assertThat(PolicyDigest.ofPolicy(ACME, set.size(), sum))
                    .as("seed %d, change %d", seed, change)
                    .isEqualTo(PolicyDigest.ofPolicy(set));
        }
    }

    @Test
    void isAnotherForEachDocumentAndItsText() {
        Set<Digest> digests = new HashSet<>();
        for (int name = 0; name < 20; name++) {
            for (int member = 0; member < 20; member++) {
                digests.add(PolicyDigest.ofPolicy(PolicySet.of(ACME, new Revision(1), List.of(group(name, member)))));
            }
        }
        assertThat(digests).hasSize(400);
    }

    private static Document group(int name, int member) {
        return read(GROUP.replace("noc", "g" + name).replace("olga", "user" + member))
                .getFirst();
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
