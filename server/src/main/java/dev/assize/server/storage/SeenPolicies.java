package dev.assize.server.storage;

import dev.assize.server.administration.ChangeOrigin.Once;
import dev.assize.server.administration.ChangeResult.ChangeType;
import dev.assize.server.administration.PolicyRepository.Answered;
import dev.assize.server.administration.PolicyRepository.Present;
import dev.assize.server.administration.PolicyRepository.RevisionRecord;
import dev.assize.server.model.Digest;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.Revision;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.Kind;
import dev.assize.server.policy.PolicySet;
import dev.assize.server.policy.PolicySum;
import dev.assize.server.storage.ScopeHeads.Head;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What a transaction sees of policy at one moment: in a snapshot, or while nobody else can change it. Under lock nobody
 * commits, so what is known of a scope is then never later than what is there; beside a snapshot it may be, and is not used.
 */
final class SeenPolicies implements Present {

    private static final String ANSWERED = "SELECT a.content_hash, a.name, a.changed, "
            + PostgresPolicyRepository.REVISION_COLUMNS + " FROM assize.policy_answer a"
            + " LEFT JOIN assize.policy_revision r ON r.scope_key = a.scope_key AND r.revision = a.revision"
            + " WHERE a.scope_key = ? AND a.recorded_by_tenant = ? AND a.recorded_by = ? AND a.key = ?";

    private static final String VERSIONS = "SELECT kind, name FROM assize.policy_document WHERE scope_key = ? AND ";
    private static final String BEGUN = VERSIONS + "from_revision = ?";
    private static final String ENDED = VERSIONS + "to_revision = ?";

    private static final String SUM = "SELECT lanes FROM assize.policy_sum WHERE scope_key = ? AND revision = ?";

    private final TenantTransaction transaction;
    private final SortedMap<PolicyScope, Head> heads;
    private final KnownPolicies known;
    private final Map<PolicyScope, PolicySet> named = new HashMap<>();
    private final Map<Question, Optional<Answered>> answers = new HashMap<>();

    SeenPolicies(TenantTransaction transaction, SortedMap<PolicyScope, Head> heads, KnownPolicies known) {
        this.transaction = transaction;
        this.heads = heads;
        this.known = known;
    }

    @Override
    public PolicySet documents(PolicyScope scope) {
        PolicySet set = named.get(scope);
        if (set == null) {
            set = readNamed(scope);
            named.put(scope, set);
        }
        return set;
    }

    @Override
    public PolicySum sum(PolicyScope scope) {
        byte[] lanes = storedSum(scope);
        // A database from before sums were kept has none, and an older node moves on without it.
        return lanes == null ? PolicySum.of(documents(scope).documents()) : PolicySum.ofBytes(lanes);
    }

    @Override
    public Iterable<PolicySet> tenants() {
        List<PolicyScope> tenants = heads.keySet().stream()
                .filter(scope -> !scope.isPlatform() && !head(scope).equals(Revision.NONE))
                .toList();
        // Nothing is kept: a set that is known is started from, and one that is not is read and forgotten.
        return () -> tenants.stream().map(this::readOneOfAll).iterator();
    }

    /** Whether something was asked for before. */
    record Question(PolicyScope scope, Recorder recorder, String key) {

        Optional<Answered> ask(Present present) {
            return present.answered(scope, recorder, key);
        }
    }

    /** What was said when that was asked. */
    Map<Question, Optional<Answered>> answers() {
        return Map.copyOf(answers);
    }

    @Override
    public Optional<Answered> answered(PolicyScope scope, Recorder recorder, String key) {
        Optional<Answered> answer = find(scope, recorder, key);
        answers.put(new Question(scope, recorder, key), answer);
        return answer;
    }

    private Optional<Answered> find(PolicyScope scope, Recorder recorder, String key) {
        try {
            transaction.actFor(scope.key());
            return transaction.find(
                    ANSWERED,
                    parameters -> {
                        parameters.text(scope.key());
                        parameters.text(recorder.home().value());
                        parameters.text(recorder.caller().toString());
                        parameters.text(key);
                    },
                    row -> new Answered(
                            new Once(key, Digest.of(row.getBytes(1)), row.getString(2)), row.getBoolean(3), at(row)));
        } catch (SQLException e) {
            throw Database.failure(e);
        }
    }

    /** An outer join without a match is a row of nothing. */
    private static @Nullable RevisionRecord at(ResultSet row) throws SQLException {
        return row.getString(4) == null ? null : PostgresPolicyRepository.record(row, 4);
    }

    @Override
    public SortedMap<DocumentKey, ChangeType> changedBy(PolicyScope scope, Revision revision) {
        try {
            transaction.actFor(scope.key());
            SortedMap<DocumentKey, ChangeType> changes = new TreeMap<>();
            versions(scope, BEGUN, revision).forEach(key -> changes.put(key, ChangeType.CREATED));
            versions(scope, ENDED, revision)
                    .forEach(key -> changes.merge(key, ChangeType.DELETED, (_, _) -> ChangeType.REPLACED));
            return changes;
        } catch (SQLException e) {
            throw Database.failure(e);
        }
    }

    /** The names of the versions that began, or ended, with a revision. */
    private List<DocumentKey> versions(PolicyScope scope, String query, Revision revision) throws SQLException {
        return transaction.read(
                query,
                parameters -> {
                    parameters.text(scope.key());
                    parameters.longNumber(revision.value());
                },
                row -> new DocumentKey(scope, Kind.ofText(row.getString(1)).orElseThrow(), row.getString(2)));
    }

    private PolicySet readNamed(PolicyScope scope) {
        try {
            transaction.actFor(scope.key());
            PolicySet start = known.confirmed(transaction, known.find(scope));
            PolicySet set = PolicyVersions.current(transaction, scope, start, head(scope));
            known.learn(transaction, set);
            return set;
        } catch (SQLException e) {
            throw Database.failure(e);
        }
    }

    /** One of all: to ask for each one's digest would hold the lock for long, and when it was committed is known. */
    private PolicySet readOneOfAll(PolicyScope scope) {
        PolicySet set = named.get(scope);
        if (set != null) {
            return set;
        }
        PolicySet start = known.find(scope);
        Head head = heads.get(scope);
        Instant committedAt = head == null ? null : head.committedAt();
        try {
            if (start != null && committedAt != null && start.revision().equals(head(scope))) {
                PolicySet confirmed = known.confirmedAt(committedAt, start);
                if (confirmed != null) {
                    return confirmed;
                }
                start = null;
            }
            transaction.actFor(scope.key());
            return PolicyVersions.current(transaction, scope, known.confirmed(transaction, start), head(scope));
        } catch (SQLException e) {
            throw Database.failure(e);
        }
    }

    private byte @Nullable [] storedSum(PolicyScope scope) {
        try {
            transaction.actFor(scope.key());
            return transaction
                    .find(
                            SUM,
                            parameters -> {
                                parameters.text(scope.key());
                                parameters.longNumber(head(scope).value());
                            },
                            row -> row.getBytes(1))
                    .orElse(null);
        } catch (SQLException e) {
            throw Database.failure(e);
        }
    }

    private Revision head(PolicyScope scope) {
        Head head = heads.get(scope);
        if (head == null) {
            throw new IllegalArgumentException(scope + " was not named by the change");
        }
        return head.revision();
    }
}
