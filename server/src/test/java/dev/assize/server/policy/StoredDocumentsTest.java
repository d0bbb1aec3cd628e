package dev.assize.server.policy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.policy.Document.RoleBindingDocument;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class StoredDocumentsTest {

    @Test
    void readsWhatEachByItselfWouldBe() {
        StoredDocuments stored = new StoredDocuments();
        long start = new SplittableRandom().nextLong();
        for (long seed = start; seed < start + 2_000; seed++) {
            Document document = new RandomDocuments(seed).next();

            assertThat(stored.read(
                            document.scope(),
                            DocumentText.write(document),
                            document.place().file(),
                            DocumentText.lines(document)))
                    .as("seed %d", seed)
                    .isEqualTo(document);
        }
    }

    @Test
    void takesAPlainBindingForWhatTheReaderOfAllYamlTakesItFor() {
        int plain = 0;
        long start = new SplittableRandom().nextLong();
        for (long seed = start; seed < start + 2_000; seed++) {
            String yaml = DocumentText.write(new RandomDocuments(seed).next());
            Optional<YamlNode> node = CanonicalYaml.read(yaml);
            if (node.isPresent()) {
                plain++;
                assertThat(shape(node.get()))
                        .as("seed %d%n%s", seed, yaml)
                        .isEqualTo(shape(YamlSource.readUnbounded(yaml.getBytes(StandardCharsets.UTF_8), new Problems())
                                .getFirst()
                                .node()));
            }
        }
        assertThat(plain).isGreaterThan(200);
    }

    @Test
    void letsEqualPartsBeOne() {
        StoredDocuments stored = new StoredDocuments();
        String yaml = """
            apiVersion: assize.dev/v1
            kind: RoleBinding
            metadata:
              tenant: acme
              name: a
            spec:
              subjects:
              - user:alice
              role: viewer
            """;
        RoleBindingDocument one = (RoleBindingDocument) stored.read(RandomChanges.ACME, yaml, "p.yaml", List.of(1));
        RoleBindingDocument other = (RoleBindingDocument)
                stored.read(RandomChanges.ACME, yaml.replace("name: a", "name: b"), "p.yaml", List.of(1));

        assertThat(other.role()).isSameAs(one.role());
        assertThat(other.subjects()).isSameAs(one.subjects());
        assertThat(other.place()).isSameAs(one.place());
        assertThat(other.metadata().scope()).isSameAs(one.metadata().scope());
    }

    private static String shape(YamlNode node) {
        return switch (node) {
            case YamlNode.Scalar scalar -> scalar.type() + " " + scalar.text();
            case YamlNode.Sequence list ->
                list.items().stream().map(StoredDocumentsTest::shape).toList().toString();
            case YamlNode.Mapping map ->
                map.entries().stream()
                        .map(entry -> entry.key() + "=" + shape(entry.value()))
                        .toList()
                        .toString();
            case YamlNode.Refused _ -> "refused";
        };
    }
}
