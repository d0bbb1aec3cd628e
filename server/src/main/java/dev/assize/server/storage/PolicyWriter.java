package dev.assize.server.storage;

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
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

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

    /** What records a revision, what its policy adds up to, and that it is the present one: where it follows its base. */
    private static final String MOVE = "WITH inserted AS (INSERT INTO assize.policy_revision"
            + " (scope_key, revision, committed_at, actor, actor_tenant, reason, change_count, change_digest,"
            + " policy_digest, seq) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING revision),"
            + " summed AS (INSERT INTO assize.policy_sum (scope_key, revision, lanes) VALUES (?, ?, ?)"
            + " ON CONFLICT (scope_key) DO UPDATE SET revision = excluded.revision, lanes = excluded.lanes"
            + " RETURNING revision)"
            + " UPDATE assize.policy_scope SET revision = ?, committed_at = ? WHERE scope_key = ? AND revision = ?";

    private static final String INSERT_ANSWER = "INSERT INTO assize.policy_answer"
            + " (scope_key, recorded_by_tenant, recorded_by, key, content_hash, name, revision, changed)"
            + " VALUES (?, ?, ?, ?, ?, ?, ?, ?)";

    private PolicyWriter() {}

    static void write(TenantTransaction transaction, ScopePlan plan, Revision base, Instant committedAt, long seq)
            throws SQLException {
        if (!plan.revision().equals(base.next())) {
            throw new IllegalStateException("Planned " + plan.revision() + " of " + plan.scope() + " behind " + base);
        }
        transaction.actFor(plan.scope().key());
        endVersions(transaction, plan);
        insertVersions(transaction, plan);
        int updated = transaction.write(MOVE, parameters -> {
            revision(parameters, plan, committedAt, seq);
            parameters.text(plan.scope().key());
            parameters.longNumber(plan.revision().value());
            parameters.bytes(plan.sum().bytes());
            parameters.longNumber(plan.revision().value());
            parameters.time(committedAt);
            parameters.text(plan.scope().key());
            parameters.longNumber(base.value());
        });
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
            boolean changed)
            throws SQLException {
        int _ = transaction.write(INSERT_ANSWER, parameters -> {
            parameters.text(scope.key());
            parameters.text(recorder.home().value());
            parameters.text(recorder.caller().toString());
            parameters.text(once.key());
            parameters.bytes(once.content().bytes());
            parameters.text(once.name());
            parameters.longNumber(revision.value());
            parameters.truth(changed);
        });
    }

    private static void endVersions(TenantTransaction transaction, ScopePlan plan) throws SQLException {
        List<DocumentKey> ended = Stream.concat(plan.puts().stream().map(Document::key), plan.deletes().stream())
                .toList();
        for (int from = 0; from < ended.size(); from += ROWS) {
            List<DocumentKey> some = ended.subList(from, Math.min(ended.size(), from + ROWS));
            int _ = transaction.write(END, parameters -> {
                parameters.longNumber(plan.revision().value());
                parameters.texts(some, key -> key.kind().text());
                parameters.texts(some, DocumentKey::name);
                parameters.text(plan.scope().key());
            });
        }
    }

    private static void insertVersions(TenantTransaction transaction, ScopePlan plan) throws SQLException {
        List<Document> puts = plan.puts();
        for (int from = 0; from < puts.size(); from += ROWS) {
            List<Document> some = puts.subList(from, Math.min(puts.size(), from + ROWS));
            int _ = transaction.write(INSERT, parameters -> {
                parameters.text(plan.scope().key());
                parameters.longNumber(plan.revision().value());
                parameters.texts(some, document -> document.kind().text());
                parameters.texts(some, Document::name);
                parameters.texts(some, DocumentText::write);
                parameters.texts(some, document -> document.place().file());
                parameters.texts(some, PolicyWriter::lines);
                parameters.texts(some, document -> document.metadata().manager());
            });
        }
    }

    /** As PostgreSQL writes an array, which is no element of another unless it is as long. */
    private static String lines(Document document) {
        return DocumentText.lines(document).stream().map(String::valueOf).collect(Collectors.joining(",", "{", "}"));
    }

    private static void revision(StatementArrays parameters, ScopePlan plan, Instant committedAt, long seq)
            throws SQLException {
        RevisionRecord record = plan.record();
        parameters.text(plan.scope().key());
        parameters.longNumber(plan.revision().value());
        parameters.time(committedAt);
        parameters.text(record.actor().caller().toString());
        parameters.text(record.actor().home().value());
        parameters.textOrNull(record.reason().orElse(null));
        parameters.number(record.changeCount());
        parameters.bytes(record.changeDigest().bytes());
        parameters.bytes(record.policyDigest().bytes());
        parameters.longNumber(seq);
    }
}
