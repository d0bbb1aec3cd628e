package dev.assize.server.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.assize.proto.v1.Approval;
import dev.assize.proto.v1.ApprovalComment;
import dev.assize.proto.v1.ApprovalState;
import dev.assize.proto.v1.ApprovalVote;
import dev.assize.proto.v1.CancelApprovalRequest;
import dev.assize.proto.v1.CommentApprovalRequest;
import dev.assize.proto.v1.ListApprovalsRequest;
import dev.assize.proto.v1.ListApprovalsResponse;
import dev.assize.proto.v1.PinnedApprovalRule;
import dev.assize.proto.v1.RequestApprovalRequest;
import dev.assize.proto.v1.ResolveApprovalRequest;
import dev.assize.proto.v1.UseApprovalRequest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Has actions approved by others: ask, list, show, comment, approve, reject, take back, use up. */
@Command(
        name = "approval",
        mixinStandardHelpOptions = true,
        description = "Has actions approved by others: ask, list, show, comment, approve, reject, take back, use up.",
        subcommands = {
            ApprovalCommand.Request.class,
            ApprovalCommand.ListApprovals.class,
            ApprovalCommand.Show.class,
            ApprovalCommand.Say.class,
            ApprovalCommand.Approve.class,
            ApprovalCommand.Reject.class,
            ApprovalCommand.Cancel.class,
            ApprovalCommand.Use.class
        })
public final class ApprovalCommand {

    private static final String STATE_PREFIX = "APPROVAL_STATE_";

    /** Asks for an approval. */
    @Command(
            name = "request",
            description = "Asks that an action be approved, under the rules that cover it now. Prints the request.")
    static final class Request extends ClientCommand {

        @Option(
                names = "--subject",
                paramLabel = "SUBJECT",
                description = "Who would do it, for example agent:replay; default: the caller.")
        private String subject = "";

        @Option(
                names = "--subject-tenant",
                paramLabel = "TENANT",
                description = "Its home, where that is another than --tenant.")
        private String subjectTenant = "";

        @Option(names = "--action", required = true, paramLabel = "ACTION", description = "What is to be done.")
        private String action = "";

        @Option(names = "--resource", required = true, paramLabel = "RESOURCE", description = "On what.")
        private String resource = "";

        @Option(names = "--reason", paramLabel = "TEXT", description = "Why, for those who approve.")
        private String reason = "";

        @Option(
                names = "--requester",
                paramLabel = "SUBJECT",
                description = "Who asks; default: the caller. Another needs the permission act-as.")
        private String requester = "";

        @Option(
                names = "--idempotency-key",
                paramLabel = "KEY",
                description = "Asks once however often it is run with the same key.")
        private String idempotencyKey = "";

        Request(Surroundings surroundings) {
            super(surroundings);
        }

        @Override
        int run(Connection connection) {
            show(
                    this,
                    connection
                            .approvals()
                            .requestApproval(RequestApprovalRequest.newBuilder()
                                    .setTenant(tenant())
                                    .setSubject(subject)
                                    .setSubjectTenant(subjectTenant)
                                    .setAction(action)
                                    .setResource(resource)
                                    .setEnv(env())
                                    .setReason(reason)
                                    .setRequester(requester)
                                    .setIdempotencyKey(idempotencyKey)
                                    .build())
                            .getApproval());
            return ExitCodes.DONE;
        }
    }

    /** Lists requests. */
    @Command(name = "list", description = "Lists requests of --tenant, newest first.")
    static final class ListApprovals extends ClientCommand {

        @Option(
                names = "--state",
                paramLabel = "STATE",
                description = "pending, approved, rejected, expired, used or cancelled; default: all.")
        private @Nullable State state;

        @Option(names = "--subject", paramLabel = "SUBJECT", description = "Who would do it; default: anybody.")
        private String subject = "";

        @Option(
                names = "--limit",
                paramLabel = "N",
                converter = Count.class,
                description = "At most so many; default: ${DEFAULT-VALUE}.")
        private int limit = 100;

        ListApprovals(Surroundings surroundings) {
            super(surroundings);
        }

        @Override
        int run(Connection connection) {
            List<Approval> approvals = fetch(connection);
            if (wantsJson()) {
                ObjectNode json = object();
                ArrayNode array = json.putArray("approvals");
                approvals.forEach(it -> array.add(json(it)));
                print(json);
            } else {
                Table table = new Table(
                        "ID", "STATE", "SUBJECT", "ACTION", "RESOURCE", "ENV", "REQUESTER", "REQUESTED", "EXPIRES");
                approvals.forEach(it -> table.row(
                        it.getApprovalId(),
                        state(it),
                        it.getSubject(),
                        it.getAction(),
                        it.getResource(),
                        it.getEnv(),
                        it.getRequester(),
                        Answers.time(it.getRequestedAt()),
                        it.hasExpiresAt() ? Answers.time(it.getExpiresAt()) : ""));
                table.print(out());
            }
            return ExitCodes.DONE;
        }

        private List<Approval> fetch(Connection connection) {
            ListApprovalsRequest.Builder request =
                    ListApprovalsRequest.newBuilder().setTenant(tenant()).setSubject(subject);
            if (state != null) {
                request.setState(ApprovalState.valueOf(STATE_PREFIX + state.name()));
            }
            List<Approval> approvals = new ArrayList<>();
            do {
                ListApprovalsResponse response = connection
                        .approvals()
                        .listApprovals(request.setPageSize(Math.clamp(limit - approvals.size(), 1, 1000))
                                .build());
                approvals.addAll(response.getApprovalsList());
                request.setPageToken(response.getNextPageToken());
            } while (!request.getPageToken().isEmpty() && approvals.size() < limit);
            return approvals;
        }
    }

    /** Shows one request, with what was said to it. */
    @Command(name = "show", description = "Shows a request, and what was said to it.")
    static final class Show extends ClientCommand {

        @Parameters(paramLabel = "ID", description = "The request, as `approval list` shows it.")
        private String id = "";

        Show(Surroundings surroundings) {
            super(surroundings);
        }

        @Override
        int run(Connection connection) {
            connection
                    .approvals()
                    .listApprovals(ListApprovalsRequest.newBuilder()
                            .setTenant(tenant())
                            .setApprovalId(id)
                            .build())
                    .getApprovalsList()
                    .forEach(approval -> show(this, approval));
            return ExitCodes.DONE;
        }
    }

    /** Says something to a request. */
    @Command(
            name = "comment",
            description = "Says something to a request that is pending or approved, and decides nothing.")
    static final class Say extends ClientCommand {

        @Parameters(index = "0", paramLabel = "ID", description = "The request, as `approval list` shows it.")
        private String id = "";

        @Parameters(index = "1", paramLabel = "TEXT", description = "What to say: 1 to 1,024 bytes.")
        private String comment = "";

        @Option(
                names = "--author",
                paramLabel = "SUBJECT",
                description = "Who says it; default: the caller. Another needs the permission act-as.")
        private String author = "";

        @Option(
                names = "--idempotency-key",
                paramLabel = "KEY",
                description = "Says it once however often it is run with the same key.")
        private String idempotencyKey = "";

        Say(Surroundings surroundings) {
            super(surroundings);
        }

        @Override
        int run(Connection connection) {
            show(
                    this,
                    connection
                            .approvals()
                            .commentApproval(CommentApprovalRequest.newBuilder()
                                    .setTenant(tenant())
                                    .setApprovalId(id)
                                    .setComment(comment)
                                    .setAuthor(author)
                                    .setIdempotencyKey(idempotencyKey)
                                    .build())
                            .getApproval());
            return ExitCodes.DONE;
        }
    }

    /** Where a request can stand, as it is written on a command line. */
    enum State {
        PENDING,
        APPROVED,
        REJECTED,
        EXPIRED,
        USED,
        CANCELLED;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** Approves. */
    @Command(name = "approve", description = "Approves a request. Neither who asked nor who benefits may.")
    static final class Approve extends Resolve {

        Approve(Surroundings surroundings) {
            super(surroundings);
        }

        @Override
        boolean approves() {
            return true;
        }
    }

    /** Rejects. */
    @Command(name = "reject", description = "Rejects a request, which ends it.")
    static final class Reject extends Resolve {

        Reject(Surroundings surroundings) {
            super(surroundings);
        }

        @Override
        boolean approves() {
            return false;
        }
    }

    /** What approving and rejecting share. */
    abstract static class Resolve extends ClientCommand {

        @Parameters(paramLabel = "ID", description = "The request, as `approval list` shows it.")
        private String id = "";

        @Option(names = "--comment", paramLabel = "TEXT", description = "For the record.")
        private String comment = "";

        @Option(
                names = "--approver",
                paramLabel = "SUBJECT",
                description = "Who says so; default: the caller. Another needs the permission act-as.")
        private String approver = "";

        @Option(
                names = "--idempotency-key",
                paramLabel = "KEY",
                description = "Run again with the same key, the command is answered as at first.")
        private String idempotencyKey = "";

        Resolve(Surroundings surroundings) {
            super(surroundings);
        }

        abstract boolean approves();

        @Override
        int run(Connection connection) {
            show(
                    this,
                    connection
                            .approvals()
                            .resolveApproval(ResolveApprovalRequest.newBuilder()
                                    .setTenant(tenant())
                                    .setApprovalId(id)
                                    .setApprove(approves())
                                    .setComment(comment)
                                    .setApprover(approver)
                                    .setIdempotencyKey(idempotencyKey)
                                    .build())
                            .getApproval());
            return ExitCodes.DONE;
        }
    }

    /** Takes a request back. */
    @Command(name = "cancel", description = "Takes a request back, also one that is approved; its requester only.")
    static final class Cancel extends ClientCommand {

        @Parameters(paramLabel = "ID", description = "The request, as `approval list` shows it.")
        private String id = "";

        @Option(names = "--comment", paramLabel = "TEXT", description = "For the record.")
        private String comment = "";

        @Option(
                names = "--requester",
                paramLabel = "SUBJECT",
                description = "Who asked; default: the caller. Another needs the permission act-as.")
        private String requester = "";

        Cancel(Surroundings surroundings) {
            super(surroundings);
        }

        @Override
        int run(Connection connection) {
            show(
                    this,
                    connection
                            .approvals()
                            .cancelApproval(CancelApprovalRequest.newBuilder()
                                    .setTenant(tenant())
                                    .setApprovalId(id)
                                    .setComment(comment)
                                    .setRequester(requester)
                                    .build())
                            .getApproval());
            return ExitCodes.DONE;
        }
    }

    /** Uses up an approval for a single use. */
    @Command(
            name = "use",
            description = "Uses up an approval for a single use; the subject it is for only. Of several that try with"
                    + " different keys one wins. A check uses nothing up.")
    static final class Use extends ClientCommand {

        @Parameters(paramLabel = "ID", description = "The request, as `check` shows it in `approval`.")
        private String id = "";

        @Option(
                names = "--idempotency-key",
                required = true,
                paramLabel = "KEY",
                description = "Names the deed: the winner may run the command again with the same key.")
        private String idempotencyKey = "";

        @Option(
                names = "--subject",
                paramLabel = "SUBJECT",
                description = "Who uses it; default: the caller. Another needs the permission act-as.")
        private String subject = "";

        Use(Surroundings surroundings) {
            super(surroundings);
        }

        @Override
        int run(Connection connection) {
            show(
                    this,
                    connection
                            .approvals()
                            .useApproval(UseApprovalRequest.newBuilder()
                                    .setTenant(tenant())
                                    .setApprovalId(id)
                                    .setIdempotencyKey(idempotencyKey)
                                    .setSubject(subject)
                                    .build())
                            .getApproval());
            return ExitCodes.DONE;
        }
    }

    private static void show(ClientCommand command, Approval approval) {
        if (command.wantsJson()) {
            command.print(json(approval));
            return;
        }
        Table table = new Table()
                .row("approval", approval.getApprovalId())
                .row("state", state(approval))
                .row("subject", approval.getSubject())
                .row("action", approval.getAction())
                .row("resource", approval.getResource())
                .row("env", approval.getEnv())
                .row("requester", approval.getRequester())
                .row("reason", approval.getReason());
        if (approval.hasExpiresAt()) {
            table.row("expires", Answers.time(approval.getExpiresAt()));
        }
        for (PinnedApprovalRule rule : approval.getRulesList()) {
            table.row("rule", describe(rule));
        }
        for (ApprovalVote vote : approval.getVotesList()) {
            table.row(vote.getApprove() ? "approved by" : "rejected by", describe(vote));
        }
        for (ApprovalComment comment : approval.getCommentsList()) {
            table.row(
                    "comment",
                    comment.getAuthor() + " at " + Answers.time(comment.getAt()) + ": " + comment.getComment());
        }
        table.print(command.out());
    }

    private static String state(Approval approval) {
        return Answers.bare(approval.getState().name(), STATE_PREFIX).toLowerCase(Locale.ROOT);
    }

    private static String describe(PinnedApprovalRule rule) {
        return rule.getName() + ": " + rule.getApprovals() + " of role " + rule.getApproverRole() + ", type "
                + String.join(" or ", rule.getApproverTypesList())
                + (rule.getSingleUse() ? ", for a single use" : "");
    }

    private static String describe(ApprovalVote vote) {
        return vote.getApprover() + " at " + Answers.time(vote.getAt())
                + (vote.getComment().isEmpty() ? "" : ": " + vote.getComment());
    }

    private static ObjectNode json(Approval approval) {
        ObjectNode json = ClientCommand.object()
                .put("approvalId", approval.getApprovalId())
                .put("tenant", approval.getTenant())
                .put("state", state(approval))
                .put("requester", approval.getRequester())
                .put("requesterTenant", approval.getRequesterTenant())
                .put("subject", approval.getSubject())
                .put("subjectTenant", approval.getSubjectTenant())
                .put("action", approval.getAction())
                .put("resource", approval.getResource())
                .put("env", approval.getEnv())
                .put("reason", approval.getReason())
                .put("requestedAt", Answers.time(approval.getRequestedAt()))
                .put("expiresAt", approval.hasExpiresAt() ? Answers.time(approval.getExpiresAt()) : "");
        ArrayNode rules = json.putArray("rules");
        approval.getRulesList().forEach(rule -> add(rules, rule));
        ArrayNode votes = json.putArray("votes");
        approval.getVotesList().forEach(vote -> add(votes, vote));
        ArrayNode comments = json.putArray("comments");
        approval.getCommentsList()
                .forEach(comment -> comments.addObject()
                        .put("author", comment.getAuthor())
                        .put("authorTenant", comment.getAuthorTenant())
                        .put("comment", comment.getComment())
                        .put("at", Answers.time(comment.getAt())));
        return json;
    }

    private static void add(ArrayNode rules, PinnedApprovalRule rule) {
        ObjectNode node = rules.addObject()
                .put("name", rule.getName())
                .put("approvals", rule.getApprovals())
                .put("approverRole", rule.getApproverRole());
        ArrayNode types = node.putArray("approverTypes");
        rule.getApproverTypesList().forEach(types::add);
        node.put("pendingTtl", text(rule.getPendingTtl()))
                .put("ttl", text(rule.getTtl()))
                .put("singleUse", rule.getSingleUse());
    }

    private static void add(ArrayNode votes, ApprovalVote vote) {
        ObjectNode node = votes.addObject()
                .put("approver", vote.getApprover())
                .put("approverTenant", vote.getApproverTenant())
                .put("approve", vote.getApprove())
                .put("comment", vote.getComment())
                .put("at", Answers.time(vote.getAt()));
        ArrayNode rules = node.putArray("rules");
        vote.getRulesList().forEach(rules::add);
    }

    private static String text(com.google.protobuf.Duration duration) {
        return Duration.ofSeconds(duration.getSeconds(), duration.getNanos()).toString();
    }
}
