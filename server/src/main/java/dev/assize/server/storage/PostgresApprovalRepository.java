package dev.assize.server.storage;

import static dev.assize.server.storage.generated.Tables.APPROVAL_COMMENT;
import static dev.assize.server.storage.generated.Tables.APPROVAL_REQUEST;
import static dev.assize.server.storage.generated.Tables.APPROVAL_VOTE;

import com.google.inject.Inject;
import dev.assize.server.administration.ApprovalRepository;
import dev.assize.server.administration.Comment;
import dev.assize.server.administration.FiledApproval;
import dev.assize.server.administration.FiledApproval.Call;
import dev.assize.server.administration.FiledApproval.Change;
import dev.assize.server.administration.FiledApproval.KeyedVote;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.decision.ApprovalSource;
import dev.assize.server.decision.approval.ApprovalRequest;
import dev.assize.server.decision.approval.ApprovalRequest.PinnedRule;
import dev.assize.server.decision.approval.ApprovalRequest.Vote;
import dev.assize.server.ledger.AppendCommand;
import dev.assize.server.model.Action;
import dev.assize.server.model.Calendar;
import dev.assize.server.model.Digest;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.storage.generated.tables.records.ApprovalCommentRecord;
import dev.assize.server.storage.generated.tables.records.ApprovalRequestRecord;
import dev.assize.server.storage.generated.tables.records.ApprovalVoteRecord;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
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
 * Requests for approval in PostgreSQL, each transition beside its ledger entry.
 *
 * <p>Locks are taken in one order by everybody: what makes requests of a tenant follow one another, or one request's
 * row, then the ledger's head.
 */
final class PostgresApprovalRepository implements ApprovalRepository, ApprovalSource {

    private static final String REJECTED = "rejected";
    private static final String CANCELLED = "cancelled";
    private static final String USED = "used";
    private static final String EXPIRED = "expired";

    private final Database database;
    private final LedgerWriter ledger;
    private final AuditCodec codec;
    private final InstantSource clock;

    @Inject
    PostgresApprovalRepository(Database database, LedgerWriter ledger, AuditCodec codec, InstantSource clock) {
        this.database = database;
        this.ledger = ledger;
        this.codec = codec;
        this.clock = clock;
    }

    @Override
    public FilingResult file(Filing filing, int openLimit) {
        TenantId tenant = filing.approval().request().tenant();
        return database.inTransaction(tenant.value(), transaction -> {
            // Keys and the number of open requests are then seen as they are, by one request after the other.
            transaction
                    .sql()
                    .execute(
                            "SELECT pg_advisory_xact_lock(hashtextextended(?, 0))",
                            "assize.approval_request/" + tenant);
            String key = filing.idempotencyKey();
            Optional<ApprovalRequestRecord> first =
                    key == null ? Optional.empty() : findByKey(transaction, tenant, filing.caller(), key);
            if (first.isPresent()) {
                transaction.abandon();
                return Digest.of(first.get().getContentHash()).equals(filing.contentHash())
                        ? new FilingResult.Replayed(read(transaction, first.get()))
                        : new FilingResult.KeyReused();
            }
            if (isFull(transaction, tenant, filing.approval().request().requestedAt(), openLimit)) {
                transaction.abandon();
                return new FilingResult.Full();
            }
            transaction.sql().insertInto(APPROVAL_REQUEST).set(write(filing)).execute();
            record(transaction, tenant, filing.caller(), filing.event());
            return new FilingResult.Filed();
        });
    }

    @Override
    public Optional<Keyed> findByKey(TenantId tenant, Recorder caller, String idempotencyKey) {
        return database.inSnapshot(
                tenant.value(),
                transaction -> findByKey(transaction, tenant, caller, idempotencyKey)
                        .map(row -> new Keyed(read(transaction, row), Digest.of(row.getContentHash()))));
    }

    @Override
    public Optional<FiledApproval> find(TenantId tenant, String id) {
        return database.inSnapshot(
                tenant.value(),
                transaction -> transaction
                        .sql()
                        .selectFrom(APPROVAL_REQUEST)
                        .where(isRequest(tenant, id))
                        .fetchOptional()
                        .map(row -> read(transaction, row)));
    }

    @Override
    public <R> Optional<R> change(TenantId tenant, String id, Recorder caller, Function<FiledApproval, Step<R>> step) {
        return database.inTransaction(tenant.value(), transaction -> {
            Optional<ApprovalRequestRecord> locked = transaction
                    .sql()
                    .selectFrom(APPROVAL_REQUEST)
                    .where(isRequest(tenant, id))
                    .forUpdate()
                    .fetchOptional();
            if (locked.isEmpty()) {
                transaction.abandon();
                return Optional.empty();
            }
            // Votes come with the lock on their request, so those there are stand still.
            FiledApproval present = read(transaction, locked.get());
            Step<R> decided = step.apply(present);
            Write write = decided.write();
            if (write == null) {
                transaction.abandon();
            } else {
                write(transaction, present, write);
                record(transaction, tenant, caller, write.event());
            }
            return Optional.of(decided.answer());
        });
    }

    @Override
    public List<FiledApproval> list(TenantId tenant, Filter filter) {
        Subject subject = filter.subject();
        Position before = filter.before();
        Condition condition = APPROVAL_REQUEST
                .TENANT_ID
                .eq(tenant.value())
                .and(ended(filter.ended()))
                .and(subject == null ? DSL.noCondition() : APPROVAL_REQUEST.SUBJECT.eq(subject.toString()))
                .and(
                        filter.envs().isEmpty()
                                ? DSL.noCondition()
                                : APPROVAL_REQUEST.ENV.in(filter.envs().stream()
                                        .map(Environment::value)
                                        .toList()))
                .and(
                        before == null
                                ? DSL.noCondition()
                                : DSL.row(APPROVAL_REQUEST.REQUESTED_AT, APPROVAL_REQUEST.APPROVAL_ID)
                                        .lt(before.requestedAt(), before.id()));
        return database.inSnapshot(
                tenant.value(),
                transaction -> read(
                        transaction,
                        transaction
                                .sql()
                                .selectFrom(APPROVAL_REQUEST)
                                .where(condition)
                                .orderBy(APPROVAL_REQUEST.REQUESTED_AT.desc(), APPROVAL_REQUEST.APPROVAL_ID.desc())
                                .limit(filter.limit())
                                .fetch()));
    }

    @Override
    public List<ApprovalRequest> find(
            TenantId tenant,
            Subject subject,
            TenantId subjectHome,
            Action action,
            ResourcePath resource,
            Environment env,
            Instant until) {
        // Who asks about the present names a moment far ahead, by which every request has run out.
        Instant now = clock.instant();
        Instant judged = until.isBefore(now) ? until : now;
        Condition condition = APPROVAL_REQUEST
                .TENANT_ID
                .eq(tenant.value())
                .and(APPROVAL_REQUEST.SUBJECT.eq(subject.toString()))
                .and(APPROVAL_REQUEST.SUBJECT_TENANT.eq(subjectHome.value()))
                .and(APPROVAL_REQUEST.ACTION.eq(action.value()))
                .and(APPROVAL_REQUEST.RESOURCE.eq(resource.value()))
                .and(APPROVAL_REQUEST.ENV.eq(env.value()))
                .and(APPROVAL_REQUEST.USABLE_UNTIL.gt(judged))
                .and(APPROVAL_REQUEST.REQUESTED_AT.le(until))
                .and(APPROVAL_REQUEST.ENDED.isNull().or(APPROVAL_REQUEST.ENDED_AT.gt(until)));
        return database
                .inSnapshot(
                        tenant.value(),
                        transaction -> requests(
                                transaction,
                                transaction
                                        .sql()
                                        .selectFrom(APPROVAL_REQUEST)
                                        .where(condition)
                                        .orderBy(APPROVAL_REQUEST.REQUESTED_AT, APPROVAL_REQUEST.APPROVAL_ID)
                                        .fetch()))
                .stream()
                .map(request -> request.asOf(until))
                .toList();
    }

    private static Condition isRequest(TenantId tenant, String id) {
        return APPROVAL_REQUEST.TENANT_ID.eq(tenant.value()).and(APPROVAL_REQUEST.APPROVAL_ID.eq(id));
    }

    private static Condition ended(Ended ended) {
        return switch (ended) {
            case ANY -> DSL.noCondition();
            case NOT -> APPROVAL_REQUEST.ENDED.isNull();
            case NOT_OR_EXPIRED -> APPROVAL_REQUEST.ENDED.isNull().or(APPROVAL_REQUEST.ENDED.eq(EXPIRED));
            case REJECTED -> APPROVAL_REQUEST.ENDED.eq(REJECTED);
            case CANCELLED -> APPROVAL_REQUEST.ENDED.eq(CANCELLED);
            case USED -> APPROVAL_REQUEST.ENDED.eq(USED);
        };
    }

    private static Optional<ApprovalRequestRecord> findByKey(
            TenantTransaction transaction, TenantId tenant, Recorder caller, String key) {
        return transaction
                .sql()
                .selectFrom(APPROVAL_REQUEST)
                .where(APPROVAL_REQUEST.TENANT_ID.eq(tenant.value()))
                .and(APPROVAL_REQUEST.REQUESTED_BY_TENANT.eq(caller.home().value()))
                .and(APPROVAL_REQUEST.REQUESTED_BY.eq(caller.caller().toString()))
                .and(APPROVAL_REQUEST.IDEMPOTENCY_KEY.eq(key))
                .fetchOptional();
    }

    private static boolean isFull(TenantTransaction transaction, TenantId tenant, Instant now, int openLimit) {
        return transaction
                        .sql()
                        .selectCount()
                        .from(APPROVAL_REQUEST)
                        .where(APPROVAL_REQUEST.TENANT_ID.eq(tenant.value()))
                        .and(APPROVAL_REQUEST.ENDED.isNull())
                        .and(APPROVAL_REQUEST.OPEN_UNTIL.gt(now))
                        .fetchSingle()
                        .value1()
                >= openLimit;
    }

    private static void write(TenantTransaction transaction, FiledApproval present, Write write) {
        ApprovalRequest request = present.request();
        ApprovalRequestRecord row = new ApprovalRequestRecord();
        row.setOpenUntil(write.openUntil() == null ? write.change().at() : write.openUntil());
        switch (write.change()) {
            case Change.Voted(Vote vote, Call call) -> {
                transaction
                        .sql()
                        .insertInto(APPROVAL_VOTE)
                        .set(write(request, vote, call))
                        .execute();
                if (!vote.approves()) {
                    end(row, REJECTED, vote.at());
                }
            }
            case Change.Commented(Comment comment) ->
                transaction
                        .sql()
                        .insertInto(APPROVAL_COMMENT)
                        .set(write(present, comment))
                        .execute();
            case Change.Cancelled(Instant at) -> end(row, CANCELLED, at);
            case Change.Expired(Instant at) -> end(row, EXPIRED, at);
            case Change.Used(Instant at, Call use) -> {
                end(row, USED, at);
                row.setUsedBy(use.caller().caller().toString());
                row.setUsedByTenant(use.caller().home().value());
                row.setUseKey(use.idempotencyKey());
            }
        }
        int updated = transaction
                .sql()
                .update(APPROVAL_REQUEST)
                .set(row)
                .where(isRequest(request.tenant(), request.id()))
                .and(APPROVAL_REQUEST.ENDED.isNull())
                .execute();
        if (updated != 1) {
            throw new IllegalStateException("Request " + request.id() + " was over, and changed nevertheless");
        }
    }

    private static void end(ApprovalRequestRecord row, String how, Instant at) {
        row.setEnded(how);
        row.setEndedAt(at);
    }

    private void record(TenantTransaction transaction, TenantId tenant, Recorder caller, AuditEvent event)
            throws SQLException {
        ledger.append(
                transaction,
                tenant,
                List.of(new AppendCommand(
                        caller, OwnDrafts.of(transaction, codec, List.of(event), caller, tenant), null)));
    }

    private static ApprovalRequestRecord write(Filing filing) {
        FiledApproval approval = filing.approval();
        ApprovalRequest request = approval.request();
        ApprovalRequestRecord row = new ApprovalRequestRecord();
        row.setTenantId(request.tenant().value());
        row.setApprovalId(request.id());
        row.setRequester(request.requester().toString());
        row.setRequesterTenant(request.requesterHome().value());
        row.setRequestedBy(filing.caller().caller().toString());
        row.setRequestedByTenant(filing.caller().home().value());
        row.setIdempotencyKey(filing.idempotencyKey());
        row.setContentHash(filing.contentHash().bytes());
        row.setSubject(request.subject().toString());
        row.setSubjectTenant(request.subjectHome().value());
        row.setAction(request.action().value());
        row.setResource(request.resource().value());
        row.setEnv(request.env().value());
        row.setReason(approval.reason());
        row.setRules(PinnedRulesText.write(request.rules()));
        row.setRequestedAt(request.requestedAt());
        row.setOpenUntil(filing.openUntil());
        row.setUsableUntil(usableUntil(request));
        return row;
    }

    /** No rule lets its request wait longer than `pendingTtl`, nor hold longer than `ttl` from then. */
    private static Instant usableUntil(ApprovalRequest request) {
        Instant latest = request.requestedAt();
        for (PinnedRule rule : request.rules()) {
            Instant end = plus(plus(request.requestedAt(), rule.pendingTtl()), rule.ttl());
            latest = end.isAfter(latest) ? end : latest;
        }
        return latest;
    }

    private static Instant plus(Instant from, Duration duration) {
        return Duration.between(from, Calendar.LAST).compareTo(duration) <= 0
                ? Calendar.LAST
                : from.plus(duration).truncatedTo(ChronoUnit.MICROS);
    }

    private static ApprovalVoteRecord write(ApprovalRequest request, Vote vote, @Nullable Call call) {
        ApprovalVoteRecord row = new ApprovalVoteRecord();
        row.setTenantId(request.tenant().value());
        row.setApprovalId(request.id());
        row.setApprover(vote.approver().toString());
        row.setApproverTenant(vote.approverHome().value());
        row.setPosition(request.votes().size());
        row.setApproves(vote.approves());
        row.setRules(vote.rules().toArray(String[]::new));
        row.setComment(vote.comment());
        row.setVotedAt(vote.at());
        if (call != null) {
            row.setSaidBy(call.caller().caller().toString());
            row.setSaidByTenant(call.caller().home().value());
            row.setIdempotencyKey(call.idempotencyKey());
        }
        return row;
    }

    private static ApprovalCommentRecord write(FiledApproval present, Comment comment) {
        ApprovalCommentRecord row = new ApprovalCommentRecord();
        row.setTenantId(present.request().tenant().value());
        row.setApprovalId(present.request().id());
        row.setPosition(present.comments().size());
        row.setAuthor(comment.author().caller().toString());
        row.setAuthorTenant(comment.author().home().value());
        row.setSaidBy(comment.saidBy().caller().toString());
        row.setSaidByTenant(comment.saidBy().home().value());
        row.setIdempotencyKey(comment.idempotencyKey());
        row.setComment(comment.text());
        row.setSaidAt(comment.at());
        return row;
    }

    private static FiledApproval read(TenantTransaction transaction, ApprovalRequestRecord row) {
        return read(transaction, List.of(row)).getFirst();
    }

    private static List<FiledApproval> read(TenantTransaction transaction, List<ApprovalRequestRecord> rows) {
        if (rows.isEmpty()) {
            return List.of();
        }
        Map<String, ? extends List<ApprovalVoteRecord>> votes = votes(transaction, rows);
        Map<String, ? extends List<ApprovalCommentRecord>> comments = transaction
                .sql()
                .selectFrom(APPROVAL_COMMENT)
                .where(APPROVAL_COMMENT.TENANT_ID.eq(rows.getFirst().getTenantId()))
                .and(APPROVAL_COMMENT.APPROVAL_ID.in(ids(rows)))
                .orderBy(APPROVAL_COMMENT.APPROVAL_ID, APPROVAL_COMMENT.POSITION)
                .fetchGroups(APPROVAL_COMMENT.APPROVAL_ID);
        List<FiledApproval> filed = new ArrayList<>();
        for (ApprovalRequestRecord row : rows) {
            List<ApprovalVoteRecord> said =
                    Objects.requireNonNullElse(votes.get(row.getApprovalId()), List.<ApprovalVoteRecord>of());
            filed.add(new FiledApproval(
                    request(row, said),
                    row.getReason(),
                    endedAt(row, EXPIRED),
                    use(row),
                    keyed(said),
                    Objects.requireNonNullElse(comments.get(row.getApprovalId()), List.<ApprovalCommentRecord>of())
                            .stream()
                            .map(PostgresApprovalRepository::read)
                            .toList()));
        }
        return filed;
    }

    /** What a decision asks of them: nothing that was only said. */
    private static List<ApprovalRequest> requests(TenantTransaction transaction, List<ApprovalRequestRecord> rows) {
        if (rows.isEmpty()) {
            return List.of();
        }
        Map<String, ? extends List<ApprovalVoteRecord>> votes = votes(transaction, rows);
        return rows.stream()
                .map(row -> request(
                        row, Objects.requireNonNullElse(votes.get(row.getApprovalId()), List.<ApprovalVoteRecord>of())))
                .toList();
    }

    private static Map<String, ? extends List<ApprovalVoteRecord>> votes(
            TenantTransaction transaction, List<ApprovalRequestRecord> rows) {
        return transaction
                .sql()
                .selectFrom(APPROVAL_VOTE)
                .where(APPROVAL_VOTE.TENANT_ID.eq(rows.getFirst().getTenantId()))
                .and(APPROVAL_VOTE.APPROVAL_ID.in(ids(rows)))
                .orderBy(APPROVAL_VOTE.APPROVAL_ID, APPROVAL_VOTE.POSITION)
                .fetchGroups(APPROVAL_VOTE.APPROVAL_ID);
    }

    private static Set<String> ids(List<ApprovalRequestRecord> rows) {
        return rows.stream().map(ApprovalRequestRecord::getApprovalId).collect(Collectors.toSet());
    }

    private static ApprovalRequest request(ApprovalRequestRecord row, List<ApprovalVoteRecord> votes) {
        return new ApprovalRequest(
                row.getApprovalId(),
                new TenantId(row.getTenantId()),
                Subject.parse(row.getRequester()),
                new TenantId(row.getRequesterTenant()),
                Subject.parse(row.getSubject()),
                new TenantId(row.getSubjectTenant()),
                new Action(row.getAction()),
                ResourcePath.parse(row.getResource()),
                new Environment(row.getEnv()),
                PinnedRulesText.read(row.getRules()),
                votes.stream().map(PostgresApprovalRepository::read).toList(),
                row.getRequestedAt(),
                endedAt(row, CANCELLED),
                endedAt(row, USED));
    }

    private static Comment read(ApprovalCommentRecord row) {
        return new Comment(
                new Recorder(Subject.parse(row.getAuthor()), new TenantId(row.getAuthorTenant())),
                new Recorder(Subject.parse(row.getSaidBy()), new TenantId(row.getSaidByTenant())),
                row.getComment(),
                row.getSaidAt(),
                row.getIdempotencyKey());
    }

    private static @Nullable Instant endedAt(ApprovalRequestRecord row, String how) {
        return how.equals(row.getEnded()) ? row.getEndedAt() : null;
    }

    private static @Nullable Call use(ApprovalRequestRecord row) {
        return row.getUsedBy() == null || row.getUsedByTenant() == null || row.getUseKey() == null
                ? null
                : new Call(
                        new Recorder(Subject.parse(row.getUsedBy()), new TenantId(row.getUsedByTenant())),
                        row.getUseKey());
    }

    private static List<KeyedVote> keyed(List<ApprovalVoteRecord> votes) {
        List<KeyedVote> keyed = new ArrayList<>();
        for (ApprovalVoteRecord row : votes) {
            if (row.getSaidBy() != null && row.getSaidByTenant() != null && row.getIdempotencyKey() != null) {
                Recorder caller = new Recorder(Subject.parse(row.getSaidBy()), new TenantId(row.getSaidByTenant()));
                keyed.add(new KeyedVote(new Call(caller, row.getIdempotencyKey()), read(row)));
            }
        }
        return keyed;
    }

    private static Vote read(ApprovalVoteRecord row) {
        return new Vote(
                Subject.parse(row.getApprover()),
                new TenantId(row.getApproverTenant()),
                row.getApproves(),
                List.of(row.getRules()),
                row.getComment(),
                row.getVotedAt());
    }
}
