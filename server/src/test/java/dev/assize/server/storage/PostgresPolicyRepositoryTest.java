package dev.assize.server.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.administration.PolicyRepository.RevisionRecord;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.ledger.LedgerHead;
import dev.assize.server.model.Digest;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.DocumentText;
import dev.assize.server.policy.PolicySet;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What is written of policy, and read. */
class PostgresPolicyRepositoryTest extends PolicyRepositoryFixture {

    @Test
    void knowsNothingOfATenantThatWasNeverWritten() {
        assertThat(repository.load(tenant)).isEmpty();
        assertThat(repository.current(scope).revision()).isEqualTo(Revision.NONE);
        assertThat(repository.revisions(Set.of(scope))).isEmpty();
        assertThat(repository.revisions(scope, null, 10)).isEmpty();
    }

    @Test
    void writesNothingWhenThePlannerThrows() {
        assertThatThrownBy(() -> repository.change(Set.of(scope), present -> {
                    throw new IllegalArgumentException("refused");
                }))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("refused");
        assertThat(repository.load(tenant)).isEmpty();
        assertThat(ledger.head(tenant)).isEmpty();
    }

    @Test
    void writesNothingWithoutPlans() {
        assertThat(repository.change(Set.of(scope), present -> List.of())).isEmpty();
        assertThat(repository.load(tenant)).isEmpty();
    }

    @Test
    void writesNothingWhenTheEntryCannotBeWritten() {
        assertThatThrownBy(() -> repository.change(
                        Set.of(scope),
                        present -> List.of(
                                plan(present, scope, List.of(role(scope, "a")), List.of(), "x".repeat(70_000)))))
                .hasMessageContaining("frame");
        assertThat(repository.load(tenant)).isEmpty();
        assertThat(ledger.head(tenant)).isEmpty();
    }

    @Test
    void commitsDocumentsRevisionAndEntryTogether() {
        List<Long> positions = put("a", "b");
        assertThat(positions).containsExactly(0L);
        PolicySet written = repository.current(scope);
        assertThat(written.revision()).isEqualTo(new Revision(1));
        assertThat(names(written)).containsExactly("a", "b");
        assertThat(ledger.head(tenant).map(LedgerHead::size)).contains(1L);
        assertThat(repository.revisions(Set.of(scope))).isEqualTo(Map.of(scope, new Revision(1)));
        RevisionRecord record = repository.revisions(scope, null, 10).getFirst();
        assertThat(record.committedAt())
                .as("not before its entry, and after the platform that it was judged beside")
                .isBetween(NOON, NOON.plusMillis(1));
        assertThat(record)
                .isEqualTo(new RevisionRecord(
                        new Revision(1),
                        record.committedAt(),
                        ALICE,
                        Optional.of("because"),
                        2,
                        Digest.sha256(),
                        Digest.sha256(new byte[1]),
                        0));
    }

    @Test
    void readsBackWhatWasWritten() {
        Document written = role(scope, "a");
        repository.change(Set.of(scope), present -> List.of(plan(present, scope, List.of(written), List.of(), "r")));
        Document read = repository.current(scope).find(written.key()).orElseThrow();
        assertThat(DocumentText.write(read)).isEqualTo(DocumentText.write(written));
        assertThat(DocumentText.lines(read)).isEqualTo(DocumentText.lines(written));
        assertThat(read.place().file()).isEqualTo("roles.yaml");
    }

    @Test
    void aLoadMayRestLongerThanAnotherTransaction() {
        StorageConfig config = testDatabase.config();
        List<Document> many =
                IntStream.range(0, 5_000).mapToObj(i -> role(scope, "r" + i)).toList();
        repository.change(Set.of(scope), present -> List.of(plan(present, scope, many, List.of(), "r")));
        try (Database impatient = new Database(
                new StorageConfig(
                        config.location(),
                        config.ledgerName(),
                        config.poolSize(),
                        config.connectTimeout(),
                        config.statementTimeout(),
                        Duration.ofMillis(1)),
                InstantSource.system())) {
            impatient.start();
            AuditCodec codec = new AuditCodec();
            PostgresPolicyRepository node = new PostgresPolicyRepository(
                    impatient, new LedgerWriter(impatient, codec, (_, _) -> {}, InstantSource.system()), codec);
            assertThat(node.current(scope).size()).isEqualTo(5_000);
        }
    }

    @Test
    void readsAheadOfTheLock() {
        repository.change(
                Set.of(scope), present -> List.of(plan(present, scope, List.of(role(scope, "a")), List.of(), "r")));
        AuditCodec codec = new AuditCodec();
        PostgresPolicyRepository other = new PostgresPolicyRepository(
                database, new LedgerWriter(database, codec, (_, _) -> {}, () -> NOON), codec);
        PolicySet ahead = other.current(scope);
        other.change(Set.of(scope), present -> {
            assertThat(present.documents(scope)).as("what was read before").isSameAs(ahead);
            return List.of();
        });
    }

    @Test
    void replacesAndDeletes() {
        put("a", "b");
        DocumentKey a = role(scope, "a").key();
        repository.change(
                Set.of(scope),
                present -> List.of(plan(present, scope, List.of(role(scope, "b"), role(scope, "c")), List.of(a), "r")));
        assertThat(names(repository.current(scope))).containsExactly("b", "c");
        put("a");
        assertThat(names(repository.current(scope))).containsExactly("a", "b", "c");
        assertThat(repository.revisions(scope, null, 2))
                .extracting(record -> record.revision().value())
                .containsExactly(3L, 2L);
        assertThat(repository.revisions(scope, new Revision(2), 10))
                .extracting(record -> record.revision().value())
                .containsExactly(1L);
    }

    @Test
    void showsThePlannerEveryTenantWhenThePlatformChanges() {
        put("a");
        repository.change(Set.of(PolicyScope.PLATFORM), present -> {
            assertThat(present.tenants())
                    .filteredOn(set -> set.scope().equals(scope))
                    .singleElement()
                    .satisfies(set -> assertThat(names(set)).containsExactly("a"));
            PolicySet platform = present.documents(PolicyScope.PLATFORM);
            return List.of(plan(
                    present,
                    PolicyScope.PLATFORM,
                    List.of(role(PolicyScope.PLATFORM, "p" + platform.revision().value())),
                    List.of(),
                    "r"));
        });
        assertThat(names(repository.current(PolicyScope.PLATFORM))).contains("p0");
        assertThat(ledger.head(TenantId.ASSIZE)).isPresent();
    }

    @Test
    void showsThePlannerThePlatformAndItsScopesOnly() {
        put("a");
        PolicyScope other = PolicyScope.of(new TenantId(tenant + ".other"));
        repository.change(Set.of(other), present -> {
            assertThat(present.documents(PolicyScope.PLATFORM).scope()).isEqualTo(PolicyScope.PLATFORM);
            assertThat(present.documents(other).revision()).isEqualTo(Revision.NONE);
            assertThatThrownBy(() -> present.documents(scope)).hasMessageContaining("not named");
            return List.of();
        });
    }

    @Test
    void changesSeveralScopesAtOnce() {
        PolicyScope other = PolicyScope.of(new TenantId(tenant + ".other"));
        List<Long> positions = repository.change(
                Set.of(scope, other),
                present -> List.of(
                        plan(present, other, List.of(role(other, "o")), List.of(), "r"),
                        plan(present, scope, List.of(role(scope, "s")), List.of(), "r")));
        assertThat(positions).containsExactly(0L, 0L);
        assertThat(names(repository.current(other))).containsExactly("o");
        assertThat(names(repository.current(scope))).containsExactly("s");
    }
}
