package dev.assize.server.storage;

import static dev.assize.server.storage.generated.Tables.POLICY_DOCUMENT;
import static dev.assize.server.storage.generated.Tables.POLICY_REVISION;
import static dev.assize.server.storage.generated.Tables.POLICY_SCOPE;
import static dev.assize.server.storage.generated.Tables.POLICY_SUM;

import dev.assize.server.administration.PolicyRepository.RevisionRecord;
import dev.assize.server.administration.PolicyRepository.ScopePlan;
import dev.assize.server.model.Revision;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.DocumentText;
import dev.assize.server.storage.generated.tables.records.PolicyDocumentRecord;
import dev.assize.server.storage.generated.tables.records.PolicyRevisionRecord;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.stream.Stream;

/** Writes what was planned for a scope whose row is locked. */
final class PolicyWriter {

    /** Rows of one insert, far below what a statement can bind. */
    private static final int ROWS_PER_INSERT = 500;

    private PolicyWriter() {}

    static void write(TenantTransaction transaction, ScopePlan plan, Revision base, Instant committedAt, long seq)
            throws SQLException {
        if (!plan.revision().equals(base.next())) {
            throw new IllegalStateException("Planned " + plan.revision() + " of " + plan.scope() + " behind " + base);
        }
        transaction.actFor(plan.scope().key());
        endVersions(transaction, plan);
        insertVersions(transaction, plan);
        transaction
                .sql()
                .insertInto(POLICY_REVISION)
                .set(row(plan, committedAt, seq))
                .execute();
        int updated = transaction
                .sql()
                .update(POLICY_SCOPE)
                .set(POLICY_SCOPE.REVISION, plan.revision().value())
                .set(POLICY_SCOPE.COMMITTED_AT, committedAt)
                .where(POLICY_SCOPE.SCOPE_KEY.eq(plan.scope().key()))
                .and(POLICY_SCOPE.REVISION.eq(base.value()))
                .execute();
        if (updated != 1) {
            throw new IllegalStateException("The revision of " + plan.scope() + " moved under its lock");
        }
        writeSum(transaction, plan);
    }

    private static void writeSum(TenantTransaction transaction, ScopePlan plan) {
        transaction
                .sql()
                .insertInto(POLICY_SUM, POLICY_SUM.SCOPE_KEY, POLICY_SUM.REVISION, POLICY_SUM.LANES)
                .values(plan.scope().key(), plan.revision().value(), plan.sum().bytes())
                .onConflict(POLICY_SUM.SCOPE_KEY)
                .doUpdate()
                .set(POLICY_SUM.REVISION, plan.revision().value())
                .set(POLICY_SUM.LANES, plan.sum().bytes())
                .execute();
    }

    private static void endVersions(TenantTransaction transaction, ScopePlan plan) {
        List<DocumentKey> ended = Stream.concat(plan.puts().stream().map(Document::key), plan.deletes().stream())
                .toList();
        if (ended.isEmpty()) {
            return;
        }
        String[] kinds = ended.stream().map(key -> key.kind().text()).toArray(String[]::new);
        String[] names = ended.stream().map(DocumentKey::name).toArray(String[]::new);
        transaction
                .sql()
                .execute(
                        "UPDATE assize.policy_document d SET to_revision = ? FROM unnest(?::text[], ?::text[])"
                                + " AS ended (kind, name) WHERE d.scope_key = ? AND d.to_revision IS NULL"
                                + " AND d.kind = ended.kind AND d.name = ended.name",
                        plan.revision().value(),
                        kinds,
                        names,
                        plan.scope().key());
    }

    private static void insertVersions(TenantTransaction transaction, ScopePlan plan) {
        List<PolicyDocumentRecord> rows = plan.puts().stream()
                .map(document -> row(document, plan.revision()))
                .toList();
        for (int from = 0; from < rows.size(); from += ROWS_PER_INSERT) {
            transaction
                    .sql()
                    .insertInto(POLICY_DOCUMENT)
                    .set(rows.subList(from, Math.min(rows.size(), from + ROWS_PER_INSERT)))
                    .execute();
        }
    }

    private static PolicyDocumentRecord row(Document document, Revision revision) {
        PolicyDocumentRecord row = new PolicyDocumentRecord();
        row.setScopeKey(document.scope().key());
        row.setKind(document.kind().text());
        row.setName(document.name());
        row.setFromRevision(revision.value());
        row.setYaml(DocumentText.write(document));
        row.setSourceFile(document.place().file());
        row.setSourceLines(DocumentText.lines(document).toArray(Integer[]::new));
        row.setManager(document.metadata().manager());
        return row;
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
