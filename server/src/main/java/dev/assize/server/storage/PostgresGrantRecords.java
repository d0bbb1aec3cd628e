package dev.assize.server.storage;

import com.google.inject.Inject;
import dev.assize.server.administration.review.GrantRecords;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.decision.check.Answer.DecidedBy;
import dev.assize.server.ledger.MalformedFrameException;
import dev.assize.server.model.Digest;
import dev.assize.server.model.Environment;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.Revision;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.Kind;
import dev.assize.server.recording.DecisionFilter;
import dev.assize.server.recording.DecisionRecord;
import dev.assize.server.recording.RecordedDecision;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** What the tables say about grants: one query each for a page of them. */
final class PostgresGrantRecords implements GrantRecords {

    private static final String WRITTEN = "SELECT d.kind, d.name, r.revision, r.committed_at, r.actor, r.actor_tenant,"
            + " r.reason, r.seq FROM unnest(?::text[], ?::text[]) AS k (kind, name) JOIN assize.policy_document d"
            + " ON d.scope_key = ? AND d.kind = k.kind AND d.name = k.name AND d.to_revision IS NULL"
            + " JOIN assize.policy_revision r ON r.scope_key = d.scope_key AND r.revision = d.from_revision";

    private static final String MANIFESTS = "SELECT e.seq, e.frame, e.entry_hash FROM assize.ledger_entry e"
            + " WHERE e.tenant_id = ? AND e.seq = ANY (?::bigint[]) AND e.type = 'assize.policy.manifest'";

    private static final String OF_ENV = " AND (?::text[] IS NULL OR env = ANY (?::text[]))";

    /**
     * An entry says with which role something was done; whether it came off does not matter, if it was not denied. Somebody
     * stands in entries under a name, and under a pseudonym, of which the transaction sees its own tenant's only.
     */
    private static final String ENTRIES = "SELECT s.subject, e.role, max(e.recorded_at), max(e.seq) FROM"
            + " unnest(?::text[]) AS s (subject) CROSS JOIN LATERAL (SELECT s.subject UNION ALL SELECT p.pseudonym FROM"
            + " assize.ledger_pseudonym p WHERE p.subject = s.subject) AS who (actor)"
            + " CROSS JOIN LATERAL (SELECT e.seq, e.recorded_at, e.role, e.outcome FROM assize.ledger_term t"
            + " CROSS JOIN LATERAL generate_series(t.block * 64, t.block * 64 + 63) AS p (seq)"
            + " JOIN assize.ledger_entry e ON e.tenant_id = t.tenant_id AND e.seq = p.seq"
            + " WHERE t.tenant_id = ? AND t.kind = 1 AND t.value = who.actor"
            + " AND (t.bits >> (p.seq & 63)::integer) & 1 = 1 AND e.actor = who.actor" + OF_ENV
            + " ORDER BY t.block DESC, p.seq DESC LIMIT " + LATEST
            + ") AS e WHERE e.role IS NOT NULL AND e.outcome <> 3 GROUP BY s.subject, e.role";

    private final Database database;
    private final AuditCodec codec;

    @Inject
    PostgresGrantRecords(Database database, AuditCodec codec) {
        this.database = database;
        this.codec = codec;
    }

    @Override
    public Map<DocumentKey, Written> written(PolicyScope scope, Collection<DocumentKey> documents) {
        List<DocumentKey> keys = List.copyOf(documents);
        return database.inSnapshot(scope.key(), transaction -> {
            Map<DocumentKey, Written> written = new HashMap<>();
            try (PreparedStatement statement = transaction.connection().prepareStatement(WRITTEN)) {
                StatementArrays arrays = new StatementArrays(statement);
                arrays.texts(keys, key -> key.kind().text());
                arrays.texts(keys, DocumentKey::name);
                arrays.text(scope.key());
                try (ResultSet row = statement.executeQuery()) {
                    while (row.next()) {
                        written.put(key(scope, row), written(row));
                    }
                }
            }
            Map<Long, String> manifests = manifests(transaction, scope.ledgerTenant(), written.values());
            written.replaceAll((key, change) -> change.withManifest(manifests.get(change.seq())));
            return written;
        });
    }

    private static DocumentKey key(PolicyScope scope, ResultSet row) throws SQLException {
        return new DocumentKey(scope, Kind.ofText(row.getString(1)).orElseThrow(), row.getString(2));
    }

    private static Written written(ResultSet row) throws SQLException {
        return new Written(
                new Revision(row.getLong(3)),
                Times.read(row, 4),
                new Recorder(Subject.parse(row.getString(5)), new TenantId(row.getString(6))),
                Optional.ofNullable(row.getString(7)),
                row.getLong(8),
                null);
    }

    private Map<Long, String> manifests(TenantTransaction transaction, TenantId ledger, Collection<Written> changes)
            throws SQLException {
        Map<Long, String> manifests = new HashMap<>();
        List<Long> seqs = changes.stream().map(Written::seq).distinct().toList();
        try (PreparedStatement statement = transaction.connection().prepareStatement(MANIFESTS)) {
            StatementArrays arrays = new StatementArrays(statement);
            arrays.text(ledger.value());
            arrays.longs(seqs, seq -> seq);
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    String payload = payload(row.getBytes(2), row.getBytes(3));
                    if (payload != null) {
                        manifests.put(row.getLong(1), payload);
                    }
                }
            }
        }
        return manifests;
    }

    /** Null where the frame was altered: to find that is for whoever verifies the ledger. */
    private @Nullable String payload(byte[] frame, byte[] entryHash) {
        try {
            return codec.decode(frame, Digest.of(entryHash)).event().payload();
        } catch (MalformedFrameException altered) {
            return null;
        }
    }

    @Override
    public Map<Held, Use> lastUses(TenantId tenant, Collection<Held> grants, Set<Environment> envs) {
        if (grants.isEmpty()) {
            return Map.of();
        }
        Set<Held> asked = new HashSet<>(grants);
        List<String> subjects =
                asked.stream().map(held -> held.subject().toString()).distinct().toList();
        List<String> inEnvs = envs.stream().map(Environment::value).toList();
        return database.inSnapshot(tenant.value(), transaction -> {
            Map<Held, Use> uses = new HashMap<>();
            for (String subject : subjects) {
                DecisionSearch.findReadable(transaction, tenant, allowsOf(subject, envs))
                        .forEach(decision -> add(decision, asked, uses));
            }
            Map<String, List<Held>> byRole = asked.stream()
                    .filter(held -> held.home().equals(tenant))
                    .collect(Collectors.groupingBy(held -> ofRole(held.subject().toString(), held.role())));
            try (PreparedStatement statement = prepare(transaction, ENTRIES, subjects, tenant, inEnvs);
                    ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    addEntry(row, byRole, uses);
                }
            }
            return uses;
        });
    }

    private static PreparedStatement prepare(
            TenantTransaction transaction, String sql, List<String> subjects, TenantId tenant, List<String> envs)
            throws SQLException {
        PreparedStatement statement = transaction.connection().prepareStatement(sql);
        StatementArrays arrays = new StatementArrays(statement);
        arrays.texts(subjects, subject -> subject);
        arrays.text(tenant.value());
        arrays.textsOrNull(envs);
        arrays.textsOrNull(envs);
        return statement;
    }

    private static DecisionFilter allowsOf(String subject, Set<Environment> envs) {
        return new DecisionFilter(null, null, subject, null, null, true, null, null, envs, false, null, LATEST);
    }

    private static void add(RecordedDecision recorded, Set<Held> asked, Map<Held, Use> uses) {
        DecisionRecord decision = recorded.content();
        if (decision.decidedBy() instanceof DecidedBy.Grant grant) {
            Held held = new Held(
                    Subject.parse(decision.subject()),
                    new TenantId(decision.subjectTenant()),
                    grant.binding(),
                    grant.role());
            if (asked.contains(held)) {
                uses.merge(held, new Use(decision.decidedAt(), recorded.seq()), PostgresGrantRecords::later);
            }
        }
    }

    /** Whichever bindings give the role: an entry does not say by which of them. */
    private static void addEntry(ResultSet row, Map<String, List<Held>> byRole, Map<Held, Use> uses)
            throws SQLException {
        Use use = new Use(Times.read(row, 3), row.getLong(4));
        byRole.getOrDefault(ofRole(row.getString(1), row.getString(2)), List.of())
                .forEach(held -> uses.merge(held, use, PostgresGrantRecords::later));
    }

    /** No name has a line feed in it. */
    private static String ofRole(String subject, String role) {
        return subject + "\n" + role;
    }

    private static Use later(Use one, Use other) {
        return one.at().isBefore(other.at()) ? other : one;
    }
}
