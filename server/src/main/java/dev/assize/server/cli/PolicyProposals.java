package dev.assize.server.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.ByteString;
import dev.assize.proto.v1.AcceptProposalRequest;
import dev.assize.proto.v1.ApplyPolicyResponse;
import dev.assize.proto.v1.CommentProposalRequest;
import dev.assize.proto.v1.DocumentKey;
import dev.assize.proto.v1.GetProposalRequest;
import dev.assize.proto.v1.GetProposalResponse;
import dev.assize.proto.v1.ListProposalsRequest;
import dev.assize.proto.v1.ListProposalsResponse;
import dev.assize.proto.v1.PolicySource;
import dev.assize.proto.v1.Proposal;
import dev.assize.proto.v1.ProposalAcceptance;
import dev.assize.proto.v1.ProposalComment;
import dev.assize.proto.v1.ProposalOutlook;
import dev.assize.proto.v1.ProposalState;
import dev.assize.proto.v1.ProposeChangeHeader;
import dev.assize.proto.v1.ProposeChangeRequest;
import dev.assize.proto.v1.ProposeChangeResponse;
import dev.assize.proto.v1.ProposedDocument;
import dev.assize.proto.v1.RejectProposalRequest;
import dev.assize.proto.v1.WithdrawProposalRequest;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Has changes of policy accepted by others before they are applied. */
final class PolicyProposals {

    private static final String STATE_PREFIX = "PROPOSAL_STATE_";
    private static final int PAGE_SIZE = 500;

    private PolicyProposals() {}

    /** Proposes a change. */
    @Command(
            name = "propose",
            description = {
                "Proposes policy files as one change of --tenant (without one, of the platform), for others to accept.",
                "Prints the proposal, whose ID they need."
            })
    static final class Propose extends ClientCommand {

        @Parameters(arity = "0..*", paramLabel = "DIR|FILE", description = "Policy files, or directories of them.")
        private List<Path> paths = new ArrayList<>();

        @Option(
                names = "--dir",
                paramLabel = "DIR",
                description = "A directory of policy files, as DIR by itself; may be repeated.")
        private List<Path> directories = new ArrayList<>();

        @Option(
                names = "--delete",
                paramLabel = "KIND/NAME",
                description = "Delete a document of --tenant (or, without one, of the platform); may be repeated.")
        private List<String> deletes = new ArrayList<>();

        @Option(names = "--reason", paramLabel = "TEXT", description = "Why, for those who accept it.")
        private String reason = "";

        @Option(
                names = "--force",
                description = "Accept subjects that already hold what a new separation of duty keeps apart.")
        private boolean force;

        @Mixin
        private PruneOptions pruning = new PruneOptions();

        @Option(
                names = "--ttl",
                paramLabel = "DURATION",
                description = "How long it waits, as 12h or 3d; default: 7d, at most 30d.")
        private @Nullable Duration ttl;

        @Option(
                names = "--proposer",
                paramLabel = "SUBJECT",
                description = "Who proposes it; default: the caller. Another needs the permission act-as.")
        private String proposer = "";

        @Option(
                names = "--idempotency-key",
                paramLabel = "KEY",
                description = "Proposes once however often it is run with the same key.")
        private String idempotencyKey = "";

        Propose(Surroundings surroundings) {
            super(surroundings);
        }

        @Override
        int run(Connection connection) throws Exception {
            List<Path> all = new ArrayList<>(paths);
            all.addAll(directories);
            pruning.require(this);
            if (all.isEmpty() && deletes.isEmpty() && !pruning.prunes()) {
                throw usage("Nothing to propose: expected DIR|FILE, --delete, or --prune --manager NAME");
            }
            List<DocumentKey> keys =
                    deletes.stream().map(text -> PolicyFiles.key(text, this)).toList();
            List<PolicyFiles.Piece> pieces = PolicyFiles.read(all);
            Upload<ProposeChangeRequest, ProposeChangeResponse> answer = new Upload<>();
            connection.policyStreaming(pieces.size() + keys.size()).proposeChange(answer);
            answer.send(
                    ProposeChangeRequest.newBuilder().setHeader(header(pieces)).build());
            for (PolicyFiles.Piece piece : pieces) {
                answer.send(ProposeChangeRequest.newBuilder()
                        .setPut(PolicySource.newBuilder()
                                .setFile(piece.file())
                                .setLine(piece.line())
                                .setYaml(ByteString.copyFrom(piece.yaml())))
                        .build());
            }
            for (DocumentKey key : keys) {
                answer.send(ProposeChangeRequest.newBuilder().setDelete(key).build());
            }
            show(this, answer.await().getProposal());
            return ExitCodes.DONE;
        }

        private ProposeChangeHeader header(List<PolicyFiles.Piece> pieces) {
            ProposeChangeHeader.Builder header = ProposeChangeHeader.newBuilder()
                    .setTenant(tenantOrEmpty())
                    .setReason(reason)
                    .setForce(force)
                    .setPruneManager(pruning.manager(pieces, this))
                    .setProposer(proposer)
                    .setIdempotencyKey(idempotencyKey);
            if (ttl != null) {
                header.setTtl(com.google.protobuf.Duration.newBuilder()
                        .setSeconds(ttl.toSeconds())
                        .setNanos(ttl.toNanosPart()));
            }
            return header.build();
        }
    }

    /** Lists proposals, or shows one. */
    @Command(
            name = "proposals",
            description =
                    "Lists the proposals of --tenant (without one, of the platform), newest first; with an ID shows"
                            + " that one, what it would change and whose answers would be others.")
    static final class Proposals extends ClientCommand {

        /** Where a proposal stands. */
        enum State {
            PENDING,
            APPLIED,
            REJECTED,
            WITHDRAWN,
            EXPIRED
        }

        @Parameters(arity = "0..1", paramLabel = "ID", description = "The proposal to show.")
        private String id = "";

        @Option(
                names = "--state",
                paramLabel = "STATE",
                description = "Only those in this state: ${COMPLETION-CANDIDATES}.")
        private @Nullable State state;

        Proposals(Surroundings surroundings) {
            super(surroundings);
        }

        @Override
        int run(Connection connection) {
            if (!id.isEmpty()) {
                showWhole(this, connection, id);
                return ExitCodes.DONE;
            }
            ArrayNode json = object().putArray("proposals");
            Table table = new Table("ID", "STATE", "PROPOSER", "PROPOSED", "ACCEPTED", "REASON");
            String token = "";
            do {
                ListProposalsResponse page = connection
                        .policy()
                        .listProposals(ListProposalsRequest.newBuilder()
                                .setTenant(tenantOrEmpty())
                                .setState(
                                        state == null
                                                ? ProposalState.PROPOSAL_STATE_UNSPECIFIED
                                                : ProposalState.valueOf(STATE_PREFIX + state.name()))
                                .setPageSize(PAGE_SIZE)
                                .setPageToken(token)
                                .build());
                for (Proposal proposal : page.getProposalsList()) {
                    json.add(json(proposal));
                    table.row(
                            proposal.getId(),
                            state(proposal),
                            proposal.getProposer(),
                            Answers.time(proposal.getProposedAt()),
                            accepted(proposal),
                            proposal.getReason());
                }
                token = page.getNextPageToken();
            } while (!token.isEmpty());
            if (wantsJson()) {
                print(json);
            } else {
                table.print(out());
            }
            return ExitCodes.DONE;
        }
    }

    /** Accepts a proposal, as it was seen. */
    @Command(
            name = "accept",
            description = {
                "Shows a proposal and, with the --digest that was shown before, accepts it: exactly what was seen, or"
                        + " nothing.",
                "Never one's own. With the last acceptance that it needs it is applied."
            })
    static final class Accept extends ClientCommand {

        @Parameters(paramLabel = "ID", description = "The proposal.")
        private String id = "";

        @Option(
                names = "--digest",
                paramLabel = "HEX",
                description = "What was seen: `digest` of `policy proposals ID`. Without it nothing is accepted.")
        private String digest = "";

        @Option(names = "--comment", paramLabel = "TEXT", description = "What to say to it.")
        private String comment = "";

        Accept(Surroundings surroundings) {
            super(surroundings);
        }

        @Override
        int run(Connection connection) {
            if (digest.isEmpty()) {
                Proposal shown = showWhole(this, connection, id);
                if (shown.getState() == ProposalState.PROPOSAL_STATE_PENDING) {
                    err().println("nothing is accepted yet; to accept exactly this: assize policy accept " + id
                            + (tenantOrEmpty().isEmpty() ? "" : " --tenant " + tenantOrEmpty()) + " --digest "
                            + PolicyChange.hex(shown.getDigest()));
                }
                return ExitCodes.ERROR;
            }
            Proposal present = outlook(parts(this, connection, id)).getProposal();
            show(
                    this,
                    connection
                            .policy()
                            .acceptProposal(AcceptProposalRequest.newBuilder()
                                    .setTenant(tenantOrEmpty())
                                    .setId(id)
                                    .setDigest(ByteString.copyFrom(bytes()))
                                    .setBaseRevision(present.getBaseRevision())
                                    .setComment(comment)
                                    .build())
                            .getProposal());
            return ExitCodes.DONE;
        }

        private byte[] bytes() {
            try {
                return HexFormat.of().parseHex(digest);
            } catch (IllegalArgumentException malformed) {
                throw usage("--digest `" + digest
                        + "`: expected 64 hexadecimal digits, as `policy proposals ID` shows them");
            }
        }
    }

    /** Says something to a proposal. */
    @Command(name = "comment", description = "Says something to a pending proposal, and decides nothing.")
    static final class Say extends ClientCommand {

        @Parameters(index = "0", paramLabel = "ID", description = "The proposal.")
        private String id = "";

        @Parameters(index = "1", paramLabel = "TEXT", description = "What to say: 1 to 1,024 bytes.")
        private String comment = "";

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
                            .policy()
                            .commentProposal(CommentProposalRequest.newBuilder()
                                    .setTenant(tenantOrEmpty())
                                    .setId(id)
                                    .setComment(comment)
                                    .setIdempotencyKey(idempotencyKey)
                                    .build())
                            .getProposal());
            return ExitCodes.DONE;
        }
    }

    /** Ends a proposal. */
    abstract static class Ending extends ClientCommand {

        @Parameters(paramLabel = "ID", description = "The proposal.")
        private String id = "";

        @Option(names = "--comment", paramLabel = "TEXT", description = "Why.")
        private String comment = "";

        Ending(Surroundings surroundings) {
            super(surroundings);
        }

        @Override
        final int run(Connection connection) {
            show(this, end(connection, id, comment));
            return ExitCodes.DONE;
        }

        abstract Proposal end(Connection connection, String proposal, String why);
    }

    /** Says no to a proposal. */
    @Command(name = "reject", description = "Rejects a proposal: one rejection ends it. Never one's own.")
    static final class Reject extends Ending {

        Reject(Surroundings surroundings) {
            super(surroundings);
        }

        @Override
        Proposal end(Connection connection, String proposal, String why) {
            return connection
                    .policy()
                    .rejectProposal(RejectProposalRequest.newBuilder()
                            .setTenant(tenantOrEmpty())
                            .setId(proposal)
                            .setComment(why)
                            .build())
                    .getProposal();
        }
    }

    /** Takes a proposal back. */
    @Command(name = "withdraw", description = "Takes a proposal back; whoever proposed it only.")
    static final class Withdraw extends Ending {

        Withdraw(Surroundings surroundings) {
            super(surroundings);
        }

        @Override
        Proposal end(Connection connection, String proposal, String why) {
            return connection
                    .policy()
                    .withdrawProposal(WithdrawProposalRequest.newBuilder()
                            .setTenant(tenantOrEmpty())
                            .setId(proposal)
                            .setComment(why)
                            .build())
                    .getProposal();
        }
    }

    private static Iterator<GetProposalResponse> parts(ClientCommand command, Connection connection, String id) {
        return connection
                .policy()
                .getProposal(GetProposalRequest.newBuilder()
                        .setTenant(command.tenantOrEmpty())
                        .setId(id)
                        .build());
    }

    private static ProposalOutlook outlook(Iterator<GetProposalResponse> parts) {
        if (!parts.hasNext()) {
            throw new CommandException("the server ended the call without an answer");
        }
        return parts.next().getOutlook();
    }

    /** With its documents, line by line, and whose answers would be others. */
    private static Proposal showWhole(ClientCommand command, Connection connection, String id) {
        Iterator<GetProposalResponse> parts = parts(command, connection, id);
        ProposalOutlook outlook = outlook(parts);
        if (command.wantsJson()) {
            ObjectNode json = json(outlook.getProposal());
            if (outlook.hasOutcome()) {
                json.set("outcome", PolicyChange.json(outlook.getOutcome()));
            }
            ArrayNode documents = json.putArray("documents");
            parts.forEachRemaining(part -> add(documents, part.getDocument()));
            command.print(json);
            return outlook.getProposal();
        }
        show(command, outlook.getProposal());
        parts.forEachRemaining(part -> show(command, part.getDocument()));
        if (outlook.hasOutcome()) {
            show(command, outlook.getOutcome());
        }
        return outlook.getProposal();
    }

    /** The documents are shown already. */
    private static void show(ClientCommand command, ApplyPolicyResponse outcome) {
        PolicyChange.print(
                outcome.toBuilder().clearChanges().clearSelfEscalations().build(), command);
        outcome.getSelfEscalationsList()
                .forEach(it -> command.err()
                        .println(Printable.text("you cannot accept this: nobody accepts what gives them something: "
                                + it.getMessage())));
    }

    private static void show(ClientCommand command, ProposedDocument document) {
        command.out()
                .println(Printable.text("  " + PolicyChange.sign(document.getType()) + " " + document.getKind() + "/"
                        + document.getName()));
        LineDiff.of(document.getBefore().toStringUtf8(), document.getAfter().toStringUtf8())
                .forEach(line -> command.out().println(Printable.text("      " + line)));
    }

    private static void show(ClientCommand command, Proposal proposal) {
        if (command.wantsJson()) {
            command.print(json(proposal));
            return;
        }
        Table table = new Table()
                .row("proposal", proposal.getId())
                .row("of", proposal.getTenant().isEmpty() ? "the platform" : "tenant " + proposal.getTenant())
                .row("state", state(proposal))
                .row("proposer", proposal.getProposer())
                .row("written by", proposal.getRecordedBy())
                .row("reason", proposal.getReason())
                .row("expires", Answers.time(proposal.getExpiresAt()))
                .row(
                        "judged at",
                        "revision " + proposal.getBaseRevision() + ", platform " + proposal.getBasePlatformRevision())
                .row("digest", PolicyChange.hex(proposal.getDigest()))
                .row("accepted", accepted(proposal));
        for (ProposalAcceptance acceptance : proposal.getAcceptancesList()) {
            table.row("accepted by", describe(acceptance));
        }
        for (ProposalComment comment : proposal.getCommentsList()) {
            table.row(
                    "comment",
                    comment.getAuthor() + " at " + Answers.time(comment.getSaidAt()) + ": " + comment.getComment());
        }
        if (proposal.hasEndedAt()) {
            table.row(
                    state(proposal) + " by",
                    proposal.getEndedBy() + " at " + Answers.time(proposal.getEndedAt())
                            + (proposal.getComment().isEmpty() ? "" : ": " + proposal.getComment()));
        }
        if (proposal.getState() == ProposalState.PROPOSAL_STATE_APPLIED) {
            table.row("revision", Long.toString(proposal.getRevision()));
        }
        table.print(command.out());
    }

    private static String state(Proposal proposal) {
        return Answers.bare(proposal.getState().name(), STATE_PREFIX).toLowerCase(Locale.ROOT);
    }

    private static String accepted(Proposal proposal) {
        return proposal.getAcceptancesCount()
                + (proposal.getAcceptancesNeeded() > 0 ? " of " + proposal.getAcceptancesNeeded() : "")
                + (proposal.getAcceptancesVoid() > 0
                        ? ", " + proposal.getAcceptancesVoid() + " void since policy moved"
                        : "");
    }

    private static String describe(ProposalAcceptance acceptance) {
        return acceptance.getAcceptor() + " at " + Answers.time(acceptance.getAcceptedAt())
                + (acceptance.getComment().isEmpty() ? "" : ": " + acceptance.getComment());
    }

    private static ObjectNode json(Proposal proposal) {
        ObjectNode json = ClientCommand.object()
                .put("id", proposal.getId())
                .put("tenant", proposal.getTenant())
                .put("state", state(proposal))
                .put("proposer", proposal.getProposer())
                .put("proposerTenant", proposal.getProposerTenant())
                .put("recordedBy", proposal.getRecordedBy())
                .put("reason", proposal.getReason())
                .put("proposedAt", Answers.time(proposal.getProposedAt()))
                .put("expiresAt", Answers.time(proposal.getExpiresAt()))
                .put("documentCount", proposal.getDocumentCount())
                .put("digest", PolicyChange.hex(proposal.getDigest()))
                .put("baseRevision", proposal.getBaseRevision())
                .put("basePlatformRevision", proposal.getBasePlatformRevision())
                .put("acceptancesNeeded", proposal.getAcceptancesNeeded())
                .put("acceptancesVoid", proposal.getAcceptancesVoid());
        ArrayNode acceptances = json.putArray("acceptances");
        for (ProposalAcceptance acceptance : proposal.getAcceptancesList()) {
            acceptances
                    .addObject()
                    .put("acceptor", acceptance.getAcceptor())
                    .put("acceptorTenant", acceptance.getAcceptorTenant())
                    .put("acceptedAt", Answers.time(acceptance.getAcceptedAt()))
                    .put("comment", acceptance.getComment());
        }
        ArrayNode comments = json.putArray("comments");
        for (ProposalComment comment : proposal.getCommentsList()) {
            comments.addObject()
                    .put("author", comment.getAuthor())
                    .put("authorTenant", comment.getAuthorTenant())
                    .put("saidAt", Answers.time(comment.getSaidAt()))
                    .put("comment", comment.getComment());
        }
        if (proposal.hasEndedAt()) {
            json.put("endedBy", proposal.getEndedBy())
                    .put("endedByTenant", proposal.getEndedByTenant())
                    .put("endedAt", Answers.time(proposal.getEndedAt()))
                    .put("comment", proposal.getComment());
        }
        if (proposal.getState() == ProposalState.PROPOSAL_STATE_APPLIED) {
            json.put("revision", proposal.getRevision());
        }
        return json;
    }

    private static void add(ArrayNode documents, ProposedDocument document) {
        documents
                .addObject()
                .put("kind", document.getKind())
                .put("name", document.getName())
                .put("change", Answers.bare(document.getType().name(), "CHANGE_TYPE_"))
                .put("before", document.getBefore().toStringUtf8())
                .put("after", document.getAfter().toStringUtf8());
    }
}
