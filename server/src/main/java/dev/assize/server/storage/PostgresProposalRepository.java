package dev.assize.server.storage;

import static dev.assize.server.storage.generated.Tables.POLICY_PROPOSAL;
import static dev.assize.server.storage.generated.Tables.POLICY_PROPOSAL_ACCEPTANCE;
import static dev.assize.server.storage.generated.Tables.POLICY_PROPOSAL_COMMENT;
import static dev.assize.server.storage.generated.Tables.POLICY_PROPOSAL_DOCUMENT;
import static java.util.Objects.requireNonNull;

import com.google.inject.Inject;
import dev.assize.server.administration.Comment;
import dev.assize.server.administration.FiledProposal;
import dev.assize.server.administration.FiledProposal.Acceptance;
import dev.assize.server.administration.FiledProposal.Base;
import dev.assize.server.administration.FiledProposal.End;
import dev.assize.server.administration.FiledProposal.How;
import dev.assize.server.administration.FiledProposal.State;
import dev.assize.server.administration.PolicyRepository.Present;
import dev.assize.server.administration.ProposalRepository;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.ledger.AppendCommand;
import dev.assize.server.model.Digest;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.Revision;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.DocumentText;
import dev.assize.server.policy.Kind;
import dev.assize.server.storage.PostgresPolicyRepository.Ahead;
import dev.assize.server.storage.PostgresPolicyRepository.Locked;
import dev.assize.server.storage.generated.tables.records.PolicyProposalAcceptanceRecord;
import dev.assize.server.storage.generated.tables.records.PolicyProposalCommentRecord;
import dev.assize.server.storage.generated.tables.records.PolicyProposalRecord;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jooq.Condition;
import org.jooq.impl.DSL;
import org.jspecify.annotations.Nullable;

/**
 * Proposals in PostgreSQL, each transition beside its ledger entry, and beside the change of policy where it is applied.
 *
 * <p>A step is decided before anything is locked, for that may take long, and written behind the locks where nothing has
 * moved. Locks are taken in one order by everybody: scopes as a change takes them, then the proposal's row, then the
 * ledger's head.
 */
final class PostgresProposalRepository implements ProposalRepository {

    /** Rows of one statement, so that none takes long. */
    private static final int ROWS = 5_000;

    /** So often a step is decided before anything is locked. */
    private static final int ROUNDS_AHEAD = 3;

    private static final String INSERT = "INSERT INTO assize.policy_proposal_document"
            + " (scope_key, proposal_id, position, kind, name, yaml, source_file, source_lines)"
            + " SELECT ?, ?, n.position, n.kind, n.name, n.yaml, n.source_file, n.source_lines::integer[]"
            + " FROM unnest(?::integer[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[])"
            + " AS n (position, kind, name, yaml, source_file, source_lines)";

    private final Database database;
    private final PostgresPolicyRepository policies;
    private final LedgerWriter ledger;
    private final AuditCodec codec;

    @Inject
    PostgresProposalRepository(
            Database database, PostgresPolicyRepository policies, LedgerWriter ledger, AuditCodec codec) {
        this.database = database;
        this.policies = policies;
        this.ledger = ledger;
        this.codec = codec;
    }

    @Override
    public FilingResult file(Filing filing, int openLimit) {
        FiledProposal proposal = filing.proposal();
        PolicyScope scope = proposal.scope();
        return database.inTransaction(scope.key(), transaction -> {
            // Keys and the number of those that wait are then seen as they are, by one request after the other.
            transaction
                    .sql()
                    .execute(
                            "SELECT pg_advisory_xact_lock(hashtextextended(?, 0))",
                            "assize.policy_proposal/" + scope.key());
            String key = filing.idempotencyKey();
            Optional<Keyed> first =
                    key == null ? Optional.empty() : findByKey(transaction, scope, proposal.recordedBy(), key);
            if (first.isPresent()) {
                transaction.abandon();
                return new FilingResult.Replayed(first.get());
            }
            if (isFull(transaction, scope, proposal.proposedAt(), openLimit)) {
                transaction.abandon();
                return new FilingResult.Full();
            }
            transaction.sql().insertInto(POLICY_PROPOSAL).set(write(filing)).execute();
            insert(transaction, proposal, filing.content());
            record(transaction, scope, proposal.recordedBy(), List.of(filing.event()));
            return new FilingResult.Filed();
        });
    }

    @Override
    public Optional<Keyed> findByKey(PolicyScope scope, Recorder caller, String idempotencyKey) {
        return database.inSnapshot(scope.key(), transaction -> findByKey(transaction, scope, caller, idempotencyKey));
    }

    @Override
    public Optional<FiledProposal> find(PolicyScope scope, String id) {
        return database.inSnapshot(scope.key(), transaction -> proposal(transaction, scope, id, false));
    }

    @Override
    public Content content(PolicyScope scope, String id) {
        return database.inLongSnapshot(scope.key(), transaction -> {
            List<Document> puts = new ArrayList<>();
            List<DocumentKey> deletes = new ArrayList<>();
            transaction
                    .sql()
                    .selectFrom(POLICY_PROPOSAL_DOCUMENT)
                    .where(POLICY_PROPOSAL_DOCUMENT.SCOPE_KEY.eq(scope.key()))
                    .and(POLICY_PROPOSAL_DOCUMENT.PROPOSAL_ID.eq(id))
                    .orderBy(POLICY_PROPOSAL_DOCUMENT.POSITION)
                    .fetchSize(ROWS)
                    .forEach(row -> {
                        if (row.getYaml() == null) {
                            deletes.add(new DocumentKey(
                                    scope, Kind.ofText(row.getKind()).orElseThrow(), row.getName()));
                        } else {
                            puts.add(DocumentText.readStored(
                                    scope, row.getYaml(), row.getSourceFile(), Arrays.asList(row.getSourceLines())));
                        }
                    });
            return new Content(puts, deletes);
        });
    }

    @Override
    public List<FiledProposal> list(PolicyScope scope, Filter filter) {
        // Names sort as proposals were made.
        String before = filter.before();
        Condition condition = POLICY_PROPOSAL
                .SCOPE_KEY
                .eq(scope.key())
                .and(state(filter.state(), filter.now()))
                .and(before == null ? DSL.noCondition() : POLICY_PROPOSAL.PROPOSAL_ID.lt(before));
        return database.inSnapshot(
                scope.key(),
                transaction -> read(
                        transaction,
                        transaction
                                .sql()
                                .selectFrom(POLICY_PROPOSAL)
                                .where(condition)
                                .orderBy(POLICY_PROPOSAL.PROPOSAL_ID.desc())
                                .limit(filter.limit())
                                .fetch()));
    }

    @Override
    public <R> Optional<R> change(PolicyScope scope, String id, Step<R> step) {
        for (int round = 0; round < ROUNDS_AHEAD; round++) {
            Ahead<Optional<Decided<R>>> ahead = policies.ahead(
                    Set.of(scope), (transaction, present) -> decide(transaction, present, scope, id, step));
            Decided<R> decided = ahead.found().orElse(null);
            if (decided == null) {
                return Optional.empty();
            }
            if (decided.outcome.write() == null) {
                return Optional.of(decided.outcome.answer());
            }
            Optional<R> written = policies.ifStands(Set.of(scope), ahead, locked -> carryOut(locked, scope, decided));
            if (written.isPresent()) {
                return written;
            }
        }
        return underLock(scope, id, step);
    }

    @Override
    public <R> Optional<R> say(PolicyScope scope, String id, Function<FiledProposal, Saying<R>> step) {
        return database.inTransaction(scope.key(), transaction -> {
            FiledProposal there = proposal(transaction, scope, id, true).orElse(null);
            if (there == null) {
                transaction.abandon();
                return Optional.empty();
            }
            Saying<R> saying = step.apply(there);
            Said said = saying.comment();
            if (said == null) {
                transaction.abandon();
            } else {
                transaction
                        .sql()
                        .insertInto(POLICY_PROPOSAL_COMMENT)
                        .set(write(there, said.comment()))
                        .execute();
                record(transaction, scope, said.comment().saidBy(), List.of(said.entry()));
            }
            return Optional.of(saying.answer());
        });
    }

    /** What a step decided, of a proposal as it was then. */
    private record Decided<R>(FiledProposal proposal, Outcome<R> outcome) {}

    private static <R> Optional<Decided<R>> decide(
            TenantTransaction transaction, Present present, PolicyScope scope, String id, Step<R> step)
            throws SQLException {
        return proposal(transaction, scope, id, false)
                .map(proposal -> new Decided<>(proposal, step.on(proposal, present)));
    }

    /** Empty where the proposal is another one by now. */
    private <R> Optional<R> carryOut(Locked locked, PolicyScope scope, Decided<R> decided) throws SQLException {
        FiledProposal there = proposal(locked.transaction(), scope, decided.proposal.id(), true)
                .filter(decided.proposal::equals)
                .orElse(null);
        if (there == null) {
            return Optional.empty();
        }
        write(locked, there, requireNonNull(decided.outcome.write()));
        return Optional.of(decided.outcome.answer());
    }

    /** Where policy or the proposal moves each time. */
    private <R> Optional<R> underLock(PolicyScope scope, String id, Step<R> step) {
        return policies.underLock(Set.of(scope), locked -> {
            FiledProposal there =
                    proposal(locked.transaction(), scope, id, true).orElse(null);
            if (there == null) {
                locked.transaction().abandon();
                return Optional.empty();
            }
            Outcome<R> outcome = step.on(there, locked.present());
            Write write = outcome.write();
            if (write == null) {
                locked.transaction().abandon();
            } else {
                write(locked, there, write);
            }
            return Optional.of(outcome.answer());
        });
    }

    private void write(Locked locked, FiledProposal present, Write write) throws SQLException {
        TenantTransaction transaction = locked.transaction();
        PolicyScope scope = present.scope();
        if (write.plans().isEmpty()) {
            record(transaction, scope, write.caller(), write.entries());
        } else {
            // What is recorded of a proposal stands behind what it changes.
            locked.write(List.of(write.plans().getFirst().with(write.entries())));
        }
        transaction.actFor(scope.key());
        write(transaction, present, write);
    }

    /** As it is; locked, nobody else changes it any more. */
    private static Optional<FiledProposal> proposal(
            TenantTransaction transaction, PolicyScope scope, String id, boolean isLocked) throws SQLException {
        transaction.actFor(scope.key());
        var row = transaction.sql().selectFrom(POLICY_PROPOSAL).where(isProposal(scope, id));
        return (isLocked ? row.forUpdate() : row)
                .fetchOptional()
                .map(found -> read(transaction, List.of(found)).getFirst());
    }

    private static Condition isProposal(PolicyScope scope, String id) {
        return POLICY_PROPOSAL.SCOPE_KEY.eq(scope.key()).and(POLICY_PROPOSAL.PROPOSAL_ID.eq(id));
    }

    private static Condition state(@Nullable State state, Instant now) {
        return switch (state) {
            case null -> DSL.noCondition();
            case PENDING -> POLICY_PROPOSAL.ENDED.isNull().and(POLICY_PROPOSAL.EXPIRES_AT.gt(now));
            case EXPIRED ->
                POLICY_PROPOSAL
                        .ENDED
                        .eq(text(How.EXPIRED))
                        .or(POLICY_PROPOSAL.ENDED.isNull().and(POLICY_PROPOSAL.EXPIRES_AT.le(now)));
            case APPLIED -> POLICY_PROPOSAL.ENDED.eq(text(How.APPLIED));
            case REJECTED -> POLICY_PROPOSAL.ENDED.eq(text(How.REJECTED));
            case WITHDRAWN -> POLICY_PROPOSAL.ENDED.eq(text(How.WITHDRAWN));
        };
    }

    private static String text(How how) {
        return how.name().toLowerCase(Locale.ROOT);
    }

    private static Optional<Keyed> findByKey(
            TenantTransaction transaction, PolicyScope scope, Recorder caller, String key) {
        return transaction
                .sql()
                .selectFrom(POLICY_PROPOSAL)
                .where(POLICY_PROPOSAL.SCOPE_KEY.eq(scope.key()))
                .and(POLICY_PROPOSAL.RECORDED_BY_TENANT.eq(caller.home().value()))
                .and(POLICY_PROPOSAL.RECORDED_BY.eq(caller.caller().toString()))
                .and(POLICY_PROPOSAL.IDEMPOTENCY_KEY.eq(key))
                .fetchOptional()
                .map(row -> new Keyed(read(transaction, List.of(row)).getFirst(), Digest.of(row.getRequestHash())));
    }

    private static boolean isFull(TenantTransaction transaction, PolicyScope scope, Instant now, int openLimit) {
        return transaction
                        .sql()
                        .selectCount()
                        .from(POLICY_PROPOSAL)
                        .where(POLICY_PROPOSAL.SCOPE_KEY.eq(scope.key()))
                        .and(state(State.PENDING, now))
                        .fetchSingle()
                        .value1()
                >= openLimit;
    }

    private static PolicyProposalRecord write(Filing filing) {
        FiledProposal proposal = filing.proposal();
        PolicyProposalRecord row = new PolicyProposalRecord();
        row.setScopeKey(proposal.scope().key());
        row.setProposalId(proposal.id());
        row.setProposer(proposal.proposer().caller().toString());
        row.setProposerTenant(proposal.proposer().home().value());
        row.setRecordedBy(proposal.recordedBy().caller().toString());
        row.setRecordedByTenant(proposal.recordedBy().home().value());
        row.setIdempotencyKey(filing.idempotencyKey());
        row.setRequestHash(filing.request().bytes());
        row.setContentHash(proposal.content().bytes());
        row.setReason(proposal.reason());
        row.setForce(proposal.force());
        row.setPruneManager(proposal.prunedManager());
        row.setDocumentCount(proposal.documentCount());
        row.setProposedAt(proposal.proposedAt());
        row.setExpiresAt(proposal.expiresAt());
        row.setBaseRevision(proposal.base().revision().value());
        row.setBasePlatformRevision(proposal.base().platform().value());
        return row;
    }

    private static void insert(TenantTransaction transaction, FiledProposal proposal, Content content) {
        List<Row> rows = new ArrayList<>();
        content.puts().forEach(document -> rows.add(Row.of(rows.size(), document)));
        content.deletes()
                .forEach(key -> rows.add(new Row(rows.size(), key.kind().text(), key.name(), null, "", "{}")));
        for (int from = 0; from < rows.size(); from += ROWS) {
            List<Row> some = rows.subList(from, Math.min(rows.size(), from + ROWS));
            transaction
                    .sql()
                    .execute(
                            INSERT,
                            proposal.scope().key(),
                            proposal.id(),
                            some.stream().map(Row::position).toArray(Integer[]::new),
                            some.stream().map(Row::kind).toArray(String[]::new),
                            some.stream().map(Row::name).toArray(String[]::new),
                            some.stream().map(Row::yaml).toArray(String[]::new),
                            some.stream().map(Row::file).toArray(String[]::new),
                            some.stream().map(Row::lines).toArray(String[]::new));
        }
    }

    /**
     * A document of a proposal.
     *
     * @param yaml null where it is to be deleted
     * @param lines as PostgreSQL writes an array
     */
    private record Row(
            int position,
            String kind,
            String name,
            @Nullable String yaml,
            String file,
            String lines) {

        static Row of(int position, Document document) {
            return new Row(
                    position,
                    document.kind().text(),
                    document.name(),
                    DocumentText.write(document),
                    document.place().file(),
                    DocumentText.lines(document).stream()
                            .map(String::valueOf)
                            .collect(Collectors.joining(",", "{", "}")));
        }
    }

    private static void write(TenantTransaction transaction, FiledProposal present, Write write) {
        Acceptance acceptance = write.acceptance();
        if (acceptance != null) {
            transaction
                    .sql()
                    .insertInto(POLICY_PROPOSAL_ACCEPTANCE)
                    .set(write(present, acceptance))
                    .execute();
        }
        PolicyProposalRecord row = new PolicyProposalRecord();
        row.setBaseRevision(write.base().revision().value());
        row.setBasePlatformRevision(write.base().platform().value());
        End end = write.end();
        if (end != null) {
            row.setEnded(text(end.how()));
            row.setEndedAt(end.at());
            row.setEndedBy(end.by().caller().toString());
            row.setEndedByTenant(end.by().home().value());
            row.setComment(end.comment());
            row.setRevision(end.revision() == null ? null : end.revision().value());
        }
        int updated = transaction
                .sql()
                .update(POLICY_PROPOSAL)
                .set(row)
                .where(isProposal(present.scope(), present.id()))
                .and(POLICY_PROPOSAL.ENDED.isNull())
                .execute();
        if (updated != 1) {
            throw new IllegalStateException("Proposal " + present.id() + " was over, and changed nevertheless");
        }
    }

    private static PolicyProposalAcceptanceRecord write(FiledProposal proposal, Acceptance acceptance) {
        PolicyProposalAcceptanceRecord row = new PolicyProposalAcceptanceRecord();
        row.setScopeKey(proposal.scope().key());
        row.setProposalId(proposal.id());
        row.setBaseRevision(acceptance.base().revision().value());
        row.setBasePlatformRevision(acceptance.base().platform().value());
        row.setAcceptor(acceptance.acceptor().caller().toString());
        row.setAcceptorTenant(acceptance.acceptor().home().value());
        row.setPosition(proposal.acceptances().size());
        row.setComment(acceptance.comment());
        row.setAcceptedAt(acceptance.at());
        return row;
    }

    private static PolicyProposalCommentRecord write(FiledProposal proposal, Comment comment) {
        PolicyProposalCommentRecord row = new PolicyProposalCommentRecord();
        row.setScopeKey(proposal.scope().key());
        row.setProposalId(proposal.id());
        row.setPosition(proposal.comments().size());
        row.setAuthor(comment.author().caller().toString());
        row.setAuthorTenant(comment.author().home().value());
        row.setIdempotencyKey(comment.idempotencyKey());
        row.setComment(comment.text());
        row.setSaidAt(comment.at());
        return row;
    }

    private void record(TenantTransaction transaction, PolicyScope scope, Recorder caller, List<AuditEvent> events)
            throws SQLException {
        TenantId tenant = scope.ledgerTenant();
        transaction.actFor(tenant.value());
        ledger.append(
                transaction,
                tenant,
                List.of(new AppendCommand(caller, OwnDrafts.of(transaction, codec, events, caller, tenant), null)));
    }

    private static List<FiledProposal> read(TenantTransaction transaction, List<PolicyProposalRecord> rows) {
        if (rows.isEmpty()) {
            return List.of();
        }
        Set<String> ids = rows.stream().map(PolicyProposalRecord::getProposalId).collect(Collectors.toSet());
        Map<String, ? extends List<PolicyProposalAcceptanceRecord>> acceptances = transaction
                .sql()
                .selectFrom(POLICY_PROPOSAL_ACCEPTANCE)
                .where(POLICY_PROPOSAL_ACCEPTANCE.SCOPE_KEY.eq(rows.getFirst().getScopeKey()))
                .and(POLICY_PROPOSAL_ACCEPTANCE.PROPOSAL_ID.in(ids))
                .orderBy(POLICY_PROPOSAL_ACCEPTANCE.PROPOSAL_ID, POLICY_PROPOSAL_ACCEPTANCE.POSITION)
                .fetchGroups(POLICY_PROPOSAL_ACCEPTANCE.PROPOSAL_ID);
        Map<String, ? extends List<PolicyProposalCommentRecord>> comments = transaction
                .sql()
                .selectFrom(POLICY_PROPOSAL_COMMENT)
                .where(POLICY_PROPOSAL_COMMENT.SCOPE_KEY.eq(rows.getFirst().getScopeKey()))
                .and(POLICY_PROPOSAL_COMMENT.PROPOSAL_ID.in(ids))
                .orderBy(POLICY_PROPOSAL_COMMENT.PROPOSAL_ID, POLICY_PROPOSAL_COMMENT.POSITION)
                .fetchGroups(POLICY_PROPOSAL_COMMENT.PROPOSAL_ID);
        return rows.stream()
                .map(row -> read(
                        row,
                        Objects.requireNonNullElse(
                                acceptances.get(row.getProposalId()), List.<PolicyProposalAcceptanceRecord>of()),
                        Objects.requireNonNullElse(
                                comments.get(row.getProposalId()), List.<PolicyProposalCommentRecord>of())))
                .toList();
    }

    private static Comment read(PolicyProposalCommentRecord row) {
        Recorder author = recorder(row.getAuthor(), row.getAuthorTenant());
        return new Comment(author, author, row.getComment(), row.getSaidAt(), row.getIdempotencyKey());
    }

    private static FiledProposal read(
            PolicyProposalRecord row,
            List<PolicyProposalAcceptanceRecord> acceptances,
            List<PolicyProposalCommentRecord> comments) {
        return new FiledProposal(
                row.getProposalId(),
                PolicyScope.ofKey(row.getScopeKey()),
                recorder(row.getProposer(), row.getProposerTenant()),
                recorder(row.getRecordedBy(), row.getRecordedByTenant()),
                Digest.of(row.getContentHash()),
                row.getReason(),
                row.getForce(),
                row.getPruneManager(),
                row.getDocumentCount(),
                row.getProposedAt(),
                row.getExpiresAt(),
                base(row.getBaseRevision(), row.getBasePlatformRevision()),
                acceptances.stream()
                        .map(one -> new Acceptance(
                                recorder(one.getAcceptor(), one.getAcceptorTenant()),
                                base(one.getBaseRevision(), one.getBasePlatformRevision()),
                                one.getComment(),
                                one.getAcceptedAt()))
                        .toList(),
                end(row),
                comments.stream().map(PostgresProposalRepository::read).toList());
    }

    private static @Nullable End end(PolicyProposalRecord row) {
        if (row.getEnded() == null
                || row.getEndedBy() == null
                || row.getEndedByTenant() == null
                || row.getEndedAt() == null) {
            return null;
        }
        return new End(
                How.valueOf(row.getEnded().toUpperCase(Locale.ROOT)),
                recorder(row.getEndedBy(), row.getEndedByTenant()),
                row.getEndedAt(),
                row.getComment(),
                row.getRevision() == null ? null : new Revision(row.getRevision()));
    }

    private static Recorder recorder(String subject, String home) {
        return new Recorder(Subject.parse(subject), new TenantId(home));
    }

    private static Base base(long revision, long platform) {
        return new Base(new Revision(revision), new Revision(platform));
    }
}
