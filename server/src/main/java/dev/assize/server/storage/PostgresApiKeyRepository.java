package dev.assize.server.storage;

import static dev.assize.server.storage.generated.Tables.API_KEY;

import com.google.inject.Inject;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.authentication.ApiKey;
import dev.assize.server.authentication.ApiKeyRepository;
import dev.assize.server.authentication.Caller;
import dev.assize.server.authentication.TenantGoneException;
import dev.assize.server.ledger.AppendCommand;
import dev.assize.server.model.Digest;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.storage.generated.tables.records.ApiKeyRecord;
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
import org.jooq.impl.DSL;
import org.jspecify.annotations.Nullable;

/** Credentials in PostgreSQL, each change beside its ledger entry. */
final class PostgresApiKeyRepository implements ApiKeyRepository {

    /** A row where a tenant had policy, and is no more. */
    private static final String DELETED = "SELECT 1 FROM assize.policy_scope WHERE scope_key = ? AND revision > 0"
            + " AND NOT EXISTS (SELECT 1 FROM assize.policy_document WHERE scope_key = ? AND kind = 'Tenant'"
            + " AND to_revision IS NULL)";

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
        String[] ids = keyIds.toArray(String[]::new);
        return database.inSnapshot("", transaction -> {
            transaction
                    .sql()
                    .select(DSL.function(
                            "set_config",
                            String.class,
                            DSL.inline("assize.key"),
                            DSL.val(String.join(",", ids)),
                            DSL.inline(true)))
                    .fetch();
            return transaction
                    .sql()
                    .selectFrom(API_KEY)
                    .where(API_KEY.KEY_ID.eq(DSL.any(ids)))
                    .fetchMap(API_KEY.KEY_ID, PostgresApiKeyRepository::read);
        });
    }

    @Override
    public void insert(ApiKey key, AuditEvent event) {
        TenantId home = key.caller().home();
        database.inTransaction(home.value(), transaction -> {
            transaction.sql().insertInto(API_KEY).set(write(key)).execute();
            record(transaction, home, key.createdBy(), List.of(event));
            // Behind the ledger's lock, which whoever deletes the tenant takes, too: one of the two sees the other.
            if (isDeleted(transaction, home)) {
                throw new TenantGoneException(home);
            }
            return true;
        });
    }

    private static boolean isDeleted(TenantTransaction transaction, TenantId home) {
        return transaction.sql().fetch(DELETED, home.value(), home.value()).isNotEmpty();
    }

    @Override
    public Optional<ApiKey> revoke(
            TenantId home, String keyId, Instant revokedAt, Recorder revokedBy, AuditEvent event) {
        return database.inTransaction(home.value(), transaction -> {
            Optional<ApiKeyRecord> present = transaction
                    .sql()
                    .selectFrom(API_KEY)
                    .where(API_KEY.KEY_ID.eq(keyId))
                    .and(API_KEY.HOME_TENANT.eq(home.value()))
                    .forUpdate()
                    .fetchOptional();
            if (present.isEmpty() || present.get().getRevokedAt() != null) {
                return present.map(PostgresApiKeyRepository::read);
            }
            transaction
                    .sql()
                    .update(API_KEY)
                    .set(API_KEY.REVOKED_AT, revokedAt.truncatedTo(ChronoUnit.MICROS))
                    .where(API_KEY.KEY_ID.eq(keyId))
                    .execute();
            record(transaction, home, revokedBy, List.of(event));
            present.get().setRevokedAt(revokedAt.truncatedTo(ChronoUnit.MICROS));
            return present.map(PostgresApiKeyRepository::read);
        });
    }

    @Override
    public Optional<ApiKey> seal(ApiKey key, Function<@Nullable ApiKey, List<AuditEvent>> entries) {
        TenantId home = key.caller().home();
        return database.inTransaction(home.value(), transaction -> {
            // Of two at the same time one waits, and then finds what the other sealed.
            transaction.sql().execute("SELECT pg_advisory_xact_lock(hashtextextended('assize.break_glass', 0))");
            Optional<ApiKey> before = transaction
                    .sql()
                    .selectFrom(API_KEY)
                    .where(API_KEY.HOME_TENANT.eq(home.value()))
                    .and(API_KEY.BREAK_GLASS)
                    .and(API_KEY.REVOKED_AT.isNull())
                    .forUpdate()
                    .fetchOptional(PostgresApiKeyRepository::read);
            if (before.isPresent()) {
                transaction
                        .sql()
                        .update(API_KEY)
                        .set(API_KEY.REVOKED_AT, key.createdAt())
                        .where(API_KEY.KEY_ID.eq(before.get().caller().keyId()))
                        .execute();
            }
            transaction.sql().insertInto(API_KEY).set(write(key)).execute();
            record(transaction, home, key.createdBy(), entries.apply(before.orElse(null)));
            return before;
        });
    }

    @Override
    public Optional<ApiKey> use(String keyId, Instant now, Function<ApiKey, AuditEvent> entry) {
        return database.inTransaction(TenantId.ASSIZE.value(), transaction -> {
            Optional<ApiKey> present = transaction
                    .sql()
                    .selectFrom(API_KEY)
                    .where(API_KEY.KEY_ID.eq(keyId))
                    .and(API_KEY.BREAK_GLASS)
                    .forUpdate()
                    .fetchOptional(PostgresApiKeyRepository::read)
                    .filter(key -> key.isValidAt(now));
            if (present.isEmpty()) {
                transaction.abandon();
                return Optional.empty();
            }
            ApiKey used = present.get().usedAt(now);
            transaction
                    .sql()
                    .update(API_KEY)
                    .set(API_KEY.FIRST_USED_AT, used.firstUsedAt())
                    .where(API_KEY.KEY_ID.eq(keyId))
                    .execute();
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
                transaction -> transaction
                        .sql()
                        .selectFrom(API_KEY)
                        .where(API_KEY.HOME_TENANT.eq(TenantId.ASSIZE.value()))
                        .and(API_KEY.BREAK_GLASS)
                        .orderBy(
                                API_KEY.CREATED_AT.desc(),
                                API_KEY.REVOKED_AT.desc().nullsFirst())
                        .limit(1)
                        .fetchOptional(PostgresApiKeyRepository::read));
    }

    @Override
    public List<ApiKey> list(TenantId home, @Nullable String afterId, int limit) {
        return database.inSnapshot(
                home.value(),
                transaction -> transaction
                        .sql()
                        .selectFrom(API_KEY)
                        .where(API_KEY.HOME_TENANT.eq(home.value()))
                        .and(afterId == null ? DSL.noCondition() : API_KEY.KEY_ID.gt(afterId))
                        .orderBy(API_KEY.KEY_ID)
                        .limit(limit)
                        .fetch(PostgresApiKeyRepository::read));
    }

    private void record(TenantTransaction transaction, TenantId home, Recorder recorder, List<AuditEvent> events)
            throws SQLException {
        ledger.append(
                transaction,
                home,
                List.of(new AppendCommand(recorder, OwnDrafts.of(transaction, codec, events, recorder, home), null)));
    }

    private static ApiKeyRecord write(ApiKey key) {
        Caller caller = key.caller();
        ApiKeyRecord row = new ApiKeyRecord();
        row.setKeyId(caller.keyId());
        row.setHomeTenant(caller.home().value());
        row.setSubject(caller.subject().toString());
        row.setAllTenants(caller.allTenants());
        row.setTenants(texts(caller.tenants(), TenantId::value));
        row.setEnvs(texts(caller.envs(), Environment::value));
        row.setRpcs(texts(caller.rpcs(), Function.identity()));
        row.setSecretHash(key.secretHash().bytes());
        row.setDescription(key.description());
        row.setCreatedBy(key.createdBy().caller().toString());
        row.setCreatedByTenant(key.createdBy().home().value());
        row.setCreatedAt(key.createdAt());
        row.setExpiresAt(key.expiresAt());
        row.setRevokedAt(key.revokedAt());
        row.setBreakGlass(caller.breakGlass());
        row.setFirstUsedAt(key.firstUsedAt());
        return row;
    }

    private static ApiKey read(ApiKeyRecord row) {
        return new ApiKey(
                new Caller(
                        row.getKeyId(),
                        Subject.parse(row.getSubject()),
                        new TenantId(row.getHomeTenant()),
                        row.getAllTenants(),
                        values(row.getTenants(), TenantId::new),
                        values(row.getEnvs(), Environment::new),
                        values(row.getRpcs(), Function.identity()),
                        row.getBreakGlass()),
                Digest.of(row.getSecretHash()),
                row.getDescription(),
                new Recorder(Subject.parse(row.getCreatedBy()), new TenantId(row.getCreatedByTenant())),
                row.getCreatedAt(),
                row.getExpiresAt(),
                row.getRevokedAt(),
                row.getFirstUsedAt());
    }

    private static <T> String[] texts(Collection<T> values, Function<T, String> text) {
        return values.stream().map(text).sorted().toArray(String[]::new);
    }

    private static <T> Set<T> values(String[] texts, Function<String, T> value) {
        return Arrays.stream(texts).map(value).collect(Collectors.toCollection(LinkedHashSet::new));
    }
}
