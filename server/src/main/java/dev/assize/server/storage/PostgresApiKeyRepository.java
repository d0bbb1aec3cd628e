package dev.assize.server.storage;

import com.google.inject.Inject;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.authentication.ApiKey;
import dev.assize.server.authentication.ApiKeyRepository;
import dev.assize.server.authentication.Caller;
import dev.assize.server.authentication.KeysFullException;
import dev.assize.server.authentication.TenantGoneException;
import dev.assize.server.ledger.AppendCommand;
import dev.assize.server.model.Digest;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Credentials in PostgreSQL, each change beside its ledger entry. */
final class PostgresApiKeyRepository implements ApiKeyRepository {

    /** A row where a tenant had policy, and is no more. */
    private static final String DELETED = "SELECT 1 FROM assize.policy_scope WHERE scope_key = ? AND revision > 0"
            + " AND NOT EXISTS (SELECT 1 FROM assize.policy_document WHERE scope_key = ? AND kind = 'Tenant'"
            + " AND to_revision IS NULL)";

    private static final String COLUMNS = "key_id, home_tenant, subject, all_tenants, tenants, envs, rpcs, secret_hash,"
            + " description, created_by, created_by_tenant, created_at, expires_at, revoked_at, break_glass,"
            + " first_used_at";

    private static final String KEYS = "SELECT " + COLUMNS + " FROM assize.api_key WHERE ";

    /** Whose rows a transaction sees that names no tenant. */
    private static final String NAME = "SELECT set_config('assize.key', ?, true)";

    private static final String NAMED = KEYS + "key_id = ANY (?::text[])";

    private static final String LOCK = KEYS + "key_id = ? AND home_tenant = ? FOR UPDATE";

    private static final String LOCK_BREAK_GLASS = KEYS + "key_id = ? AND break_glass FOR UPDATE";

    private static final String LOCK_SEALED =
            KEYS + "home_tenant = ? AND break_glass AND revoked_at IS NULL FOR UPDATE";

    private static final String LAST_SEALED =
            KEYS + "home_tenant = ? AND break_glass" + " ORDER BY created_at DESC, revoked_at DESC NULLS FIRST LIMIT 1";

    private static final String PAGE = KEYS + "home_tenant = ? AND key_id > ? ORDER BY key_id LIMIT ?";

    private static final String INSERT = "INSERT INTO assize.api_key (" + COLUMNS
            + ") VALUES (?, ?, ?, ?, ?::text[], ?::text[], ?::text[], ?, ?, ?, ?, ?, ?, ?, ?, ?)";

    private static final String REVOKE = "UPDATE assize.api_key SET revoked_at = ? WHERE key_id = ?";

    private static final String USE = "UPDATE assize.api_key SET first_used_at = ? WHERE key_id = ?";

    private static final String COUNT_VALID = "SELECT count(*) FROM assize.api_key"
            + " WHERE home_tenant = ? AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?)";

    /** Of two at the same time one waits, and then finds what the other sealed. */
    private static final String TAKE_TURNS = "SELECT pg_advisory_xact_lock(hashtextextended('assize.break_glass', 0))";

    private final Database database;
    private final LedgerWriter ledger;
    private final AuditCodec codec;

    @Inject
    PostgresApiKeyRepository(Database database, LedgerWriter ledger, AuditCodec codec) {
        this.database = database;
        this.ledger = ledger;
        this.codec = codec;
    }

    @Override
    public Optional<ApiKey> find(String keyId) {
        return Optional.ofNullable(findAll(Set.of(keyId)).get(keyId));
    }

    /** Their callers' tenants are not known yet: the transaction names no tenant, but these keys. */
    @Override
    public Map<String, ApiKey> findAll(Set<String> keyIds) {
        List<String> ids = List.copyOf(keyIds);
        return database.inSnapshot("", transaction -> {
            List<String> _ = transaction.read(
                    NAME, parameters -> parameters.text(String.join(",", ids)), row -> row.getString(1));
            return transaction
                    .read(NAMED, parameters -> parameters.texts(ids, id -> id), PostgresApiKeyRepository::read)
                    .stream()
                    .collect(Collectors.toMap(key -> key.caller().keyId(), Function.identity()));
        });
    }

    @Override
    public void insert(ApiKey key, AuditEvent event, int most) {
        TenantId home = key.caller().home();
        database.inTransaction(home.value(), transaction -> {
            insert(transaction, key);
            record(transaction, home, key.createdBy(), List.of(event));
            // Behind the ledger's lock, which whoever deletes the tenant takes, too: one of the two sees the other.
            if (isDeleted(transaction, home)) {
                throw new TenantGoneException(home);
            }
            if (most < Integer.MAX_VALUE && valid(transaction, home, key.createdAt()) > most) {
                throw new KeysFullException(most);
            }
            return true;
        });
    }

    /** How many valid keys a tenant has; behind the ledger's lock, as one call after the other finds it. */
    static int valid(TenantTransaction transaction, TenantId home, Instant at) throws SQLException {
        return transaction
                .find(
                        COUNT_VALID,
                        parameters -> {
                            parameters.text(home.value());
                            parameters.time(at);
                        },
                        row -> row.getInt(1))
                .orElseThrow();
    }

    private static boolean isDeleted(TenantTransaction transaction, TenantId home) throws SQLException {
        return transaction
                .find(
                        DELETED,
                        parameters -> {
                            parameters.text(home.value());
                            parameters.text(home.value());
                        },
                        row -> row.getInt(1))
                .isPresent();
    }

    @Override
    public Optional<ApiKey> revoke(
            TenantId home, String keyId, Instant revokedAt, Recorder revokedBy, AuditEvent event) {
        return database.inTransaction(home.value(), transaction -> {
            Optional<ApiKey> present = transaction.find(
                    LOCK,
                    parameters -> {
                        parameters.text(keyId);
                        parameters.text(home.value());
                    },
                    PostgresApiKeyRepository::read);
            if (present.isEmpty() || present.get().revokedAt() != null) {
                return present;
            }
            Instant at = revokedAt.truncatedTo(ChronoUnit.MICROS);
            mark(transaction, REVOKE, keyId, at);
            record(transaction, home, revokedBy, List.of(event));
            return present.map(key -> revokedAt(key, at));
        });
    }

    @Override
    public Optional<ApiKey> seal(ApiKey key, Function<@Nullable ApiKey, List<AuditEvent>> entries) {
        TenantId home = key.caller().home();
        return database.inTransaction(home.value(), transaction -> {
            List<Boolean> _ = transaction.read(TAKE_TURNS, parameters -> {}, row -> true);
            Optional<ApiKey> before = transaction.find(
                    LOCK_SEALED, parameters -> parameters.text(home.value()), PostgresApiKeyRepository::read);
            if (before.isPresent()) {
                mark(transaction, REVOKE, before.get().caller().keyId(), key.createdAt());
            }
            insert(transaction, key);
            record(transaction, home, key.createdBy(), entries.apply(before.orElse(null)));
            return before;
        });
    }

    @Override
    public Optional<ApiKey> use(String keyId, Instant now, Function<ApiKey, AuditEvent> entry) {
        return database.inTransaction(TenantId.ASSIZE.value(), transaction -> {
            Optional<ApiKey> present = transaction
                    .find(LOCK_BREAK_GLASS, parameters -> parameters.text(keyId), PostgresApiKeyRepository::read)
                    .filter(key -> key.isValidAt(now));
            if (present.isEmpty()) {
                transaction.abandon();
                return Optional.empty();
            }
            ApiKey used = present.get().usedAt(now);
            mark(transaction, USE, keyId, used.firstUsedAt());
            Recorder recorder =
                    new Recorder(used.caller().subject(), used.caller().home());
            record(transaction, TenantId.ASSIZE, recorder, List.of(entry.apply(used)));
            return Optional.of(used);
        });
    }

    @Override
    public void record(TenantId tenant, Recorder recorder, AuditEvent entry) {
        database.inTransaction(tenant.value(), transaction -> {
            record(transaction, tenant, recorder, List.of(entry));
            return true;
        });
    }

    @Override
    public Optional<ApiKey> lastSealed() {
        return database.inSnapshot(
                TenantId.ASSIZE.value(),
                transaction -> transaction.find(
                        LAST_SEALED,
                        parameters -> parameters.text(TenantId.ASSIZE.value()),
                        PostgresApiKeyRepository::read));
    }

    @Override
    public List<ApiKey> list(TenantId home, @Nullable String afterId, int limit) {
        return database.inSnapshot(
                home.value(),
                transaction -> transaction.read(
                        PAGE,
                        parameters -> {
                            parameters.text(home.value());
                            parameters.text(afterId == null ? "" : afterId);
                            parameters.number(limit);
                        },
                        PostgresApiKeyRepository::read));
    }

    private void record(TenantTransaction transaction, TenantId home, Recorder recorder, List<AuditEvent> events)
            throws SQLException {
        ledger.append(
                transaction,
                home,
                List.of(new AppendCommand(recorder, OwnDrafts.of(transaction, codec, events, recorder, home), null)));
    }

    private static void insert(TenantTransaction transaction, ApiKey key) throws SQLException {
        Caller caller = key.caller();
        int _ = transaction.write(INSERT, parameters -> {
            parameters.text(caller.keyId());
            parameters.text(caller.home().value());
            parameters.text(caller.subject().toString());
            parameters.truth(caller.allTenants());
            parameters.texts(sorted(caller.tenants(), TenantId::value), text -> text);
            parameters.texts(sorted(caller.envs(), Environment::value), text -> text);
            parameters.texts(sorted(caller.rpcs(), Function.identity()), text -> text);
            parameters.bytes(key.secretHash().bytes());
            parameters.text(key.description());
            parameters.text(key.createdBy().caller().toString());
            parameters.text(key.createdBy().home().value());
            parameters.time(key.createdAt());
            parameters.timeOrNull(key.expiresAt());
            parameters.timeOrNull(key.revokedAt());
            parameters.truth(caller.breakGlass());
            parameters.timeOrNull(key.firstUsedAt());
        });
    }

    /** Notes of a key when something became of it. */
    private static void mark(TenantTransaction transaction, String update, String keyId, @Nullable Instant at)
            throws SQLException {
        int _ = transaction.write(update, parameters -> {
            parameters.timeOrNull(at);
            parameters.text(keyId);
        });
    }

    private static ApiKey revokedAt(ApiKey key, Instant at) {
        return new ApiKey(
                key.caller(),
                key.secretHash(),
                key.description(),
                key.createdBy(),
                key.createdAt(),
                key.expiresAt(),
                at,
                key.firstUsedAt());
    }

    /** Of {@link #COLUMNS}. */
    private static ApiKey read(ResultSet row) throws SQLException {
        return new ApiKey(
                new Caller(
                        row.getString(1),
                        Subject.parse(row.getString(3)),
                        new TenantId(row.getString(2)),
                        row.getBoolean(4),
                        values(row, 5, TenantId::new),
                        values(row, 6, Environment::new),
                        values(row, 7, Function.identity()),
                        row.getBoolean(15)),
                Digest.of(row.getBytes(8)),
                row.getString(9),
                new Recorder(Subject.parse(row.getString(10)), new TenantId(row.getString(11))),
                Times.read(row, 12),
                Times.readIfThere(row, 13),
                Times.readIfThere(row, 14),
                Times.readIfThere(row, 16));
    }

    private static <T> List<String> sorted(Collection<T> values, Function<T, String> text) {
        return values.stream().map(text).sorted().toList();
    }

    private static <T> Set<T> values(ResultSet row, int column, Function<String, T> value) throws SQLException {
        String[] texts = (String[]) row.getArray(column).getArray();
        return Arrays.stream(texts).map(value).collect(Collectors.toCollection(LinkedHashSet::new));
    }
}
