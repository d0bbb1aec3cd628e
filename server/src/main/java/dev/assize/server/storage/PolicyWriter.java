package dev.assize.server.storage;

import static dev.assize.server.storage.generated.Tables.POLICY_ANSWER;
import static dev.assize.server.storage.generated.Tables.POLICY_REVISION;
import static dev.assize.server.storage.generated.Tables.POLICY_SCOPE;
import static dev.assize.server.storage.generated.Tables.POLICY_SUM;
import static org.jooq.impl.DSL.insertInto;

import dev.assize.server.administration.ChangeOrigin.Once;
import dev.assize.server.administration.PolicyRepository.RevisionRecord;
import dev.assize.server.administration.PolicyRepository.ScopePlan;
import dev.assize.server.administration.PolicyRepository.Unchanged;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.Revision;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.DocumentText;
import dev.assize.server.storage.generated.tables.records.PolicyRevisionRecord;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Writes what was planned for a scope whose row is locked. */
final class PolicyWriter {

    /** Rows of one statement, so that none takes long. */
    private static final int ROWS = 5_000;

    private static final String END = "UPDATE assize.policy_document d SET to_revision = ?"
            + " FROM unnest(?::text[], ?::text[]) AS ended (kind, name) WHERE d.scope_key = ?"
            + " AND d.to_revision IS NULL AND d.kind = ended.kind AND d.name = ended.name";

    private static final String INSERT = "INSERT INTO assize.policy_document"
            + " (scope_key, from_revision, kind, name, yaml, source_file, source_lines, manager)"
            + " SELECT ?, ?, n.kind, n.name, n.yaml, n.source_file, n.source_lines::integer[], n.manager"
            + " FROM unnest(?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[])"
            + " AS n (kind, name, yaml, source_file, source_lines, manager)";

    private PolicyWriter() {}

    static void write(TenantTransaction transaction, ScopePlan plan, Revision base, Instant committedAt, long seq)
            throws SQLException {
        if (!plan.revision().equals(base.next())) {
            throw new IllegalStateException("Planned " + plan.revision() + " of " + plan.scope() + " behind " + base);
        }
        transaction.actFor(plan.scope().key());
        endVersions(transaction, plan);
        insertVersions(transaction, plan);
        int updated = transaction
                .sql()
                .with("inserted")
                .as(insertInto(POLICY_REVISION).set(row(plan, committedAt, seq)).returning(POLICY_REVISION.REVISION))
                .with("summed")
                .as(insertInto(POLICY_SUM, POLICY_SUM.SCOPE_KEY, POLICY_SUM.REVISION, POLICY_SUM.LANES)
                        .values(
                                plan.scope().key(),
                                plan.revision().value(),
                                plan.sum().bytes())
                        .onConflict(POLICY_SUM.SCOPE_KEY)
                        .doUpdate()
                        .set(POLICY_SUM.REVISION, plan.revision().value())
                        .set(POLICY_SUM.LANES, plan.sum().bytes())
                        .returning(POLICY_SUM.REVISION))
                .update(POLICY_SCOPE)
                .set(POLICY_SCOPE.REVISION, plan.revision().value())
                .set(POLICY_SCOPE.COMMITTED_AT, committedAt)
                .where(POLICY_SCOPE.SCOPE_KEY.eq(plan.scope().key()))
                .and(POLICY_SCOPE.REVISION.eq(base.value()))
                .execute();
        if (updated != 1) {
            throw new IllegalStateException("The revision of " + plan.scope() + " moved under its lock");
        }
        if (plan.once() != null) {
            insertAnswer(transaction, plan.scope(), plan.record().actor(), plan.once(), plan.revision(), true);
        }
    }

    /** That a request with a key left a scope as it was. */
    static void answer(TenantTransaction transaction, Unchanged unchanged) throws SQLException {
        transaction.actFor(unchanged.scope().key());
        insertAnswer(
                transaction, unchanged.scope(), unchanged.recorder(), unchanged.once(), unchanged.revision(), false);
    }

    private static void insertAnswer(
            TenantTransaction transaction,
            PolicyScope scope,
            Recorder recorder,
            Once once,
            Revision revision,
            boolean changed) {
        transaction
                .sql()
                .insertInto(POLICY_ANSWER)
                .set(POLICY_ANSWER.SCOPE_KEY, scope.key())
                .set(POLICY_ANSWER.RECORDED_BY_TENANT, recorder.home().value())
                .set(POLICY_ANSWER.RECORDED_BY, recorder.caller().toString())
                .set(POLICY_ANSWER.KEY, once.key())
                .set(POLICY_ANSWER.CONTENT_HASH, once.content().bytes())
                .set(POLICY_ANSWER.NAME, once.name())
                .set(POLICY_ANSWER.REVISION, revision.value())
                .set(POLICY_ANSWER.CHANGED, changed)
                .execute();
    }

    private static void endVersions(TenantTransaction transaction, ScopePlan plan) {
        List<DocumentKey> ended = Stream.concat(plan.puts().stream().map(Document::key), plan.deletes().stream())
                .toList();
        for (int from = 0; from < ended.size(); from += ROWS) {
            List<DocumentKey> some = ended.subList(from, Math.min(ended.size(), from + ROWS));
            transaction
                    .sql()
                    .execute(
                            END,
                            plan.revision().value(),
                            texts(some, key -> key.kind().text()),
                            texts(some, DocumentKey::name),
                            plan.scope().key());
        }
    }

    private static void insertVersions(TenantTransaction transaction, ScopePlan plan) {
        List<Document> puts = plan.puts();
        for (int from = 0; from < puts.size(); from += ROWS) {
            List<Document> some = puts.subList(from, Math.min(puts.size(), from + ROWS));
            transaction
                    .sql()
                    .execute(
                            INSERT,
                            plan.scope().key(),
                            plan.revision().value(),
                            texts(some, document -> document.kind().text()),
                            texts(some, Document::name),
                            texts(some, DocumentText::write),
                            texts(some, document -> document.place().file()),
                            texts(some, PolicyWriter::lines),
                            texts(some, document -> document.metadata().manager()));
        }
    }

    /** As PostgreSQL writes an array, which is no element of another unless it is as long. */
    private static String lines(Document document) {
        return DocumentText.lines(document).stream().map(String::valueOf).collect(Collectors.joining(",", "{", "}"));
    }

    private static <R> @Nullable String[] texts(List<R> rows, Function<R, @Nullable String> column) {
        return rows.stream().map(column).toArray(String[]::new);
    }

    private static PolicyRevisionRecord row(ScopePlan plan, Instant committedAt, long seq) {
        RevisionRecord record = plan.record();
        PolicyRevisionRecord row = new PolicyRevisionRecord();
        row.setScopeKey(plan.scope().key());
        row.setRevision(plan.revision().value());
        row.setCommittedAt(committedAt);
        row.setActor(record.actor().caller().toString());
        row.setActorTenant(record.actor().home().value());
        row.setReason(record.reason().orElse(null));
        row.setChangeCount(record.changeCount());
        row.setChangeDigest(record.changeDigest().bytes());
        row.setPolicyDigest(record.policyDigest().bytes());
        row.setSeq(seq);
        return row;
    }
}
