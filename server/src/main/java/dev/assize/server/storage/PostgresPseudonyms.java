package dev.assize.server.storage;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.google.inject.Inject;
import dev.assize.server.audit.ActorEvents;
import dev.assize.server.audit.Pseudonym;
import dev.assize.server.audit.Pseudonyms;
import dev.assize.server.ledger.Receipt;
import dev.assize.server.model.Digest;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.retention.PseudonymRepository;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Pseudonyms in PostgreSQL. Each is remembered for a minute; where its name is erased meanwhile, what is appended in that
 * minute still has it. What forgets a name locks the ledger's head first, as whoever
 * places a hold does.
 */
final class PostgresPseudonyms implements Pseudonyms, PseudonymRepository {

    private static final int REMEMBERED = 100_000;
    private static final Duration REMEMBERED_FOR = Duration.ofMinutes(1);

    private static final String FIND = "SELECT subject, salt FROM assize.ledger_pseudonym WHERE tenant_id = ?";
    private static final String OF_SUBJECT = FIND + " AND subject = ?";
    private static final String OF_NAME = FIND + " AND pseudonym = ?";

    private static final String MAKE = "INSERT INTO assize.ledger_pseudonym (tenant_id, pseudonym, subject, salt)"
            + " VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING";

    private static final String HOLDS = "SELECT assize.ledger_holds_on_actor(?, ?)";
    private static final String ERASE = "SELECT assize.erase_ledger_pseudonym(?, ?)";

    private static final String ERASED = "SELECT seq, entry_hash, recorded_at FROM assize.ledger_entry"
            + " WHERE tenant_id = ? AND resource = ? AND type = '" + ActorEvents.ERASED + "' ORDER BY seq DESC LIMIT 1";

    private final Database database;
    private final OwnEntries entries;
    private final Cache<Known, Subject> known = Caffeine.newBuilder()
            .maximumSize(REMEMBERED)
            .expireAfterWrite(REMEMBERED_FOR)
            .build();

    @Inject
    PostgresPseudonyms(Database database, OwnEntries entries) {
        this.database = database;
        this.entries = entries;
    }

    private record Known(TenantId tenant, Subject subject) {}

    @Override
    public Subject of(TenantId tenant, Subject subject) {
        Known key = new Known(tenant, subject);
        Subject name = known.getIfPresent(key);
        if (name == null) {
            name = findOrMake(tenant, subject);
            known.put(key, name);
        }
        return name;
    }

    private Subject findOrMake(TenantId tenant, Subject subject) {
        Optional<Pseudonym> found =
                database.inSnapshot(tenant.value(), transaction -> find(transaction, OF_SUBJECT, tenant, subject));
        return found.or(() -> database.inTransaction(tenant.value(), transaction -> {
                    Pseudonym made = Pseudonym.make(subject);
                    try (PreparedStatement statement = transaction.connection().prepareStatement(MAKE)) {
                        statement.setString(1, tenant.value());
                        statement.setString(2, made.name().toString());
                        statement.setString(3, subject.toString());
                        statement.setBytes(4, made.salt());
                        statement.executeUpdate();
                    }
                    // Another node may have been faster.
                    return find(transaction, OF_SUBJECT, tenant, subject);
                }))
                .orElseThrow()
                .name();
    }

    private static Optional<Pseudonym> find(TenantTransaction transaction, String query, TenantId tenant, Subject named)
            throws SQLException {
        try (PreparedStatement statement = transaction.connection().prepareStatement(query)) {
            statement.setString(1, tenant.value());
            statement.setString(2, named.toString());
            try (ResultSet row = statement.executeQuery()) {
                return row.next()
                        ? Optional.of(new Pseudonym(Subject.parse(row.getString(1)), row.getBytes(2)))
                        : Optional.empty();
            }
        }
    }

    private static Optional<Pseudonym> find(TenantTransaction transaction, TenantId tenant, Subject actor)
            throws SQLException {
        return find(transaction, actor.isPseudonym() ? OF_NAME : OF_SUBJECT, tenant, actor);
    }

    @Override
    public Identified identify(TenantId tenant, Recorder by, List<Subject> actors, String reason) {
        return database.inTransaction(tenant.value(), transaction -> {
            List<Pseudonym> found = new ArrayList<>();
            for (Subject actor : actors) {
                find(transaction, tenant, actor).ifPresent(found::add);
            }
            if (found.isEmpty()) {
                transaction.abandon();
                return new Identified(found, null);
            }
            List<Subject> names = found.stream().map(Pseudonym::name).toList();
            Receipt entry = entries.append(
                            transaction, tenant, by, List.of(ActorEvents.identified(tenant, by, names, reason)))
                    .getFirst();
            return new Identified(found, entry);
        });
    }

    @Override
    public Forgotten forget(TenantId tenant, Recorder by, Subject actor, String basis) {
        Forgotten forgotten = database.inTransaction(tenant.value(), transaction -> {
            long _ = OwnEntries.lockHead(transaction, tenant);
            Optional<Pseudonym> found = find(transaction, tenant, actor);
            if (found.isEmpty()) {
                return actor.isPseudonym() ? before(transaction, tenant, actor) : new Forgotten.NoSuchActor();
            }
            Subject name = found.get().name();
            List<String> holds = holds(transaction, tenant, name);
            if (!holds.isEmpty()) {
                transaction.abandon();
                return new Forgotten.Held(name, holds);
            }
            return forget(transaction, tenant, by, name, basis);
        });
        known.invalidateAll();
        return forgotten;
    }

    private Forgotten forget(TenantTransaction transaction, TenantId tenant, Recorder by, Subject name, String basis)
            throws SQLException {
        Receipt entry = entries.append(transaction, tenant, by, List.of(ActorEvents.erased(tenant, by, name, basis)))
                .getFirst();
        try (PreparedStatement statement = transaction.connection().prepareStatement(ERASE)) {
            statement.setString(1, tenant.value());
            statement.setString(2, name.toString());
            try (ResultSet row = statement.executeQuery()) {
                if (!row.next() || row.getInt(1) != 1) {
                    throw new IllegalStateException("The name behind " + name + " changed under the head's lock");
                }
            }
        }
        return new Forgotten.Done(name, entry);
    }

    private static Forgotten before(TenantTransaction transaction, TenantId tenant, Subject name) throws SQLException {
        try (PreparedStatement statement = transaction.connection().prepareStatement(ERASED)) {
            statement.setString(1, tenant.value());
            statement.setString(2, ActorEvents.resource(tenant, name).value());
            try (ResultSet row = statement.executeQuery()) {
                return row.next()
                        ? new Forgotten.Done(
                                name, new Receipt(row.getLong(1), Digest.of(row.getBytes(2)), Times.read(row, 3)))
                        : new Forgotten.NoSuchActor();
            }
        }
    }

    private static List<String> holds(TenantTransaction transaction, TenantId tenant, Subject name)
            throws SQLException {
        List<String> holds = new ArrayList<>();
        try (PreparedStatement statement = transaction.connection().prepareStatement(HOLDS)) {
            statement.setString(1, tenant.value());
            statement.setString(2, name.toString());
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    holds.add(row.getString(1));
                }
            }
        }
        return holds;
    }
}
