package dev.assize.server.storage;

import static dev.assize.server.storage.generated.Tables.POLICY_ANSWER;
import static dev.assize.server.storage.generated.Tables.POLICY_DOCUMENT;
import static dev.assize.server.storage.generated.Tables.POLICY_REVISION;
import static dev.assize.server.storage.generated.Tables.POLICY_SUM;

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
import dev.assize.server.storage.generated.tables.records.PolicyRevisionRecord;
import java.sql.SQLException;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jooq.Field;
import org.jooq.exception.DataAccessException;
import org.jspecify.annotations.Nullable;

/**
 * What a transaction sees of policy at one moment: in a snapshot, or while nobody else can change it. Under lock nobody
 * commits, so what is known of a scope is then never later than what is there; beside a snapshot it may be, and is not used.
 */
final class SeenPolicies implements Present {

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
            return transaction
                    .sql()
                    .select(POLICY_ANSWER.CONTENT_HASH, POLICY_ANSWER.NAME, POLICY_ANSWER.CHANGED, POLICY_REVISION)
                    .from(POLICY_ANSWER)
                    .leftJoin(POLICY_REVISION)
                    .on(POLICY_REVISION.SCOPE_KEY.eq(POLICY_ANSWER.SCOPE_KEY))
                    .and(POLICY_REVISION.REVISION.eq(POLICY_ANSWER.REVISION))
                    .where(POLICY_ANSWER.SCOPE_KEY.eq(scope.key()))
                    .and(POLICY_ANSWER.RECORDED_BY_TENANT.eq(recorder.home().value()))
                    .and(POLICY_ANSWER.RECORDED_BY.eq(recorder.caller().toString()))
                    .and(POLICY_ANSWER.KEY.eq(key))
                    .fetchOptional(row -> new Answered(
                            new Once(key, Digest.of(row.value1()), row.value2()), row.value3(), at(row.value4())));
        } catch (SQLException e) {
            throw new DataAccessException("cannot read what was answered in " + scope, e);
        }
    }

    /** An outer join without a match is a record of nothing. */
    private static @Nullable RevisionRecord at(@Nullable PolicyRevisionRecord row) {
        return row == null || row.getScopeKey() == null ? null : PostgresPolicyRepository.record(row);
    }

    @Override
    public SortedMap<DocumentKey, ChangeType> changedBy(PolicyScope scope, Revision revision) {
        try {
            transaction.actFor(scope.key());
            SortedMap<DocumentKey, ChangeType> changes = new TreeMap<>();
            versions(scope, POLICY_DOCUMENT.FROM_REVISION, revision)
                    .forEach(key -> changes.put(key, ChangeType.CREATED));
            versions(scope, POLICY_DOCUMENT.TO_REVISION, revision)
                    .forEach(key -> changes.merge(key, ChangeType.DELETED, (_, _) -> ChangeType.REPLACED));
            return changes;
        } catch (SQLException e) {
            throw new DataAccessException("cannot read revision " + revision + " of " + scope, e);
        }
    }

    /** The names of the versions that began, or ended, with a revision. */
    private List<DocumentKey> versions(PolicyScope scope, Field<Long> column, Revision revision) {
        return transaction
                .sql()
                .select(POLICY_DOCUMENT.KIND, POLICY_DOCUMENT.NAME)
                .from(POLICY_DOCUMENT)
                .where(POLICY_DOCUMENT.SCOPE_KEY.eq(scope.key()))
                .and(column.eq(revision.value()))
                .fetch(row -> new DocumentKey(scope, Kind.ofText(row.value1()).orElseThrow(), row.value2()));
    }

    private PolicySet readNamed(PolicyScope scope) {
        try {
            transaction.actFor(scope.key());
            PolicySet start = known.confirmed(transaction, known.find(scope));
            PolicySet set = PolicyVersions.current(transaction, scope, start, head(scope));
            known.learn(transaction, set);
            return set;
        } catch (SQLException e) {
            throw new DataAccessException("cannot read the policy of " + scope, e);
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
            throw new DataAccessException("cannot read the policy of " + scope, e);
        }
    }

    private byte @Nullable [] storedSum(PolicyScope scope) {
        try {
            transaction.actFor(scope.key());
            return transaction
                    .sql()
                    .select(POLICY_SUM.LANES)
                    .from(POLICY_SUM)
                    .where(POLICY_SUM.SCOPE_KEY.eq(scope.key()))
                    .and(POLICY_SUM.REVISION.eq(head(scope).value()))
                    .fetchOne(POLICY_SUM.LANES);
        } catch (SQLException e) {
            throw new DataAccessException("cannot read what the policy of " + scope + " adds up to", e);
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
