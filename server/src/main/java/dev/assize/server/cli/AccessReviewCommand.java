package dev.assize.server.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.assize.proto.v1.AccessChange;
import dev.assize.proto.v1.AccessGrant;
import dev.assize.proto.v1.AccessUse;
import dev.assize.proto.v1.ReviewAccessRequest;
import dev.assize.proto.v1.ReviewAccessResponse;
import dev.assize.server.model.CsvLine;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** The tenant's active grants. */
@Command(
        name = "review",
        description = {
            "Lists what the bindings of --tenant give now: to whom, which role, by which binding, through which groups and"
                    + " roles, who wrote it and who approved that, until when, and when it was last used.",
            "Needs the permission `review` on `policy`. When a grant was last used stands on record only where the"
                    + " tenant's audit.decisionLog is `all`, or where entries name their actor's role."
        })
public final class AccessReviewCommand extends ClientCommand {

    private static final int PAGE_SIZE = 500;

    private static final List<String> COLUMNS = List.of(
            "subject",
            "subject_tenant",
            "role",
            "binding",
            "groups",
            "inherited_through",
            "environments",
            "resource_types",
            "resources",
            "condition",
            "not_before",
            "not_after",
            "reason",
            "given_by",
            "given_by_tenant",
            "given_at",
            "given_revision",
            "given_seq",
            "given_origin",
            "given_reason",
            "approved_by",
            "joined_by",
            "joined_at",
            "joined_revision",
            "last_use",
            "last_used_at",
            "last_used_seq");

    @Option(
            names = "--subject",
            paramLabel = "SUBJECT",
            description = "Only what this subject has, also by `*` and `type:*`.")
    private String subject = "";

    @Option(
            names = "--subject-tenant",
            paramLabel = "TENANT",
            description = "The home of --subject; default: --tenant itself.")
    private String subjectTenant = "";

    @Option(names = "--role", paramLabel = "ROLE", description = "Only this role, however it is come by.")
    private String role = "";

    @Option(
            names = "--limit",
            paramLabel = "N",
            description = "At most so many rows, 0 for all; default: 10000, and all of them with --csv.")
    private @Nullable Long limit;

    @Option(names = "--cursor", paramLabel = "CURSOR", description = "Where to go on, as a truncated review said.")
    private String cursor = "";

    @Option(
            names = "--csv",
            description = "Print comma-separated values (RFC 4180), as rows arrive; nothing in them is taken for a"
                    + " formula.")
    private boolean csv;

    AccessReviewCommand(Surroundings surroundings) {
        super(surroundings);
    }

    @Override
    int run(Connection connection) {
        if (csv && wantsJson()) {
            throw usage("--csv and --output json: expected one of them");
        }
        if (csv) {
            out().print(CsvLine.of(COLUMNS));
            ReviewAccessResponse end = read(connection, limit == null ? 0 : limit, grant -> out().print(line(grant)));
            out().flush();
            if (end.getTruncated()) {
                err().println("assize: TRUNCATED: there may be more. Go on with --cursor " + end.getCursor());
            }
            return ExitCodes.DONE;
        }
        List<AccessGrant> grants = new ArrayList<>();
        ReviewAccessResponse end = read(connection, limit == null ? 10_000 : limit, grants::add);
        if (wantsJson()) {
            printJson(grants, end);
        } else {
            printTable(grants, end);
        }
        return ExitCodes.DONE;
    }

    /** Reads until the limit or the end, asking again where the server's time is up. */
    private ReviewAccessResponse read(Connection connection, long rows, Consumer<AccessGrant> to) {
        ReviewAccessRequest.Builder request = ReviewAccessRequest.newBuilder()
                .setTenant(tenant())
                .setSubject(subject)
                .setSubjectTenant(subjectTenant)
                .setRole(role)
                .setPageSize(PAGE_SIZE)
                .setCursor(cursor);
        ReviewAccessResponse last = ReviewAccessResponse.getDefaultInstance();
        long revision = 0;
        long read = 0;
        do {
            Iterator<ReviewAccessResponse> messages = connection
                    .access()
                    .reviewAccess(request.setLimit(rows == 0 ? 0 : rows - read).build());
            while (messages.hasNext()) {
                last = messages.next();
                last.getGrantsList().forEach(to);
                read += last.getGrantsCount();
            }
            if (revision != 0 && revision != last.getRevision()) {
                err().println("assize: the policy changed from revision " + revision + " to " + last.getRevision()
                        + " while it was read");
            }
            revision = last.getRevision();
            request.setCursor(last.getCursor());
        } while (last.getTruncated() && (rows == 0 || read < rows));
        return last;
    }

    private void printTable(List<AccessGrant> grants, ReviewAccessResponse end) {
        Table table = new Table(
                "SUBJECT",
                "ROLE",
                "BINDING",
                "THROUGH",
                "SCOPE",
                "UNTIL",
                "GIVEN BY",
                "AT",
                "APPROVED BY",
                "LAST USED");
        for (AccessGrant it : grants) {
            table.row(
                    it.getSubjectTenant().equals(tenant())
                            ? it.getSubject()
                            : it.getSubject() + " of " + it.getSubjectTenant(),
                    it.getRole(),
                    it.getBinding(),
                    through(it),
                    scope(it),
                    it.hasNotAfter() ? Answers.time(it.getNotAfter()) : "for ever",
                    it.getGiven().getBy(),
                    it.hasGiven() ? Answers.time(it.getGiven().getAt()) : "",
                    String.join(",", it.getGiven().getApproversList()),
                    lastUsed(it.getLastUse()));
        }
        table.print(out());
        out().println(grants.size() + (grants.size() == 1 ? " grant" : " grants") + " at revision " + end.getRevision()
                + ", reviewed " + Answers.time(end.getReviewedAt()));
        if (end.getTruncated()) {
            out().println(Printable.text("TRUNCATED: there may be more. Go on with --cursor " + end.getCursor()));
        }
    }

    private static String through(AccessGrant it) {
        return String.join(
                " ",
                Stream.of(
                                it.getGroupsCount() == 0 ? "" : "group " + String.join(" > ", it.getGroupsList()),
                                it.getInheritedThroughCount() == 0
                                        ? ""
                                        : "role " + String.join(" > ", it.getInheritedThroughList()))
                        .filter(text -> !text.isEmpty())
                        .toList());
    }

    private static String scope(AccessGrant it) {
        return String.join(
                " ",
                Stream.of(
                                limited("env", it.getEnvironmentsList()),
                                limited("type", it.getResourceTypesList()),
                                limited("on", it.getResourcesList()),
                                it.getCondition().isEmpty() ? "" : "conditional")
                        .filter(text -> !text.isEmpty())
                        .toList());
    }

    private static String limited(String what, List<String> names) {
        return names.isEmpty() ? "" : what + " " + String.join(",", names);
    }

    private static String lastUsed(AccessUse use) {
        return switch (use.getState()) {
            case ACCESS_USE_STATE_ON_RECORD -> Answers.time(use.getAt());
            case ACCESS_USE_STATE_NONE_FOUND -> "none found";
            case ACCESS_USE_STATE_NOT_RECORDED, ACCESS_USE_STATE_UNSPECIFIED, UNRECOGNIZED -> "not recorded";
        };
    }

    private static String line(AccessGrant it) {
        AccessChange given = it.getGiven();
        AccessChange joined = it.getJoined();
        AccessUse use = it.getLastUse();
        return CsvLine.of(List.of(
                it.getSubject(),
                it.getSubjectTenant(),
                it.getRole(),
                it.getBinding(),
                it.getGroupsList(),
                it.getInheritedThroughList(),
                it.getEnvironmentsList(),
                it.getResourceTypesList(),
                it.getResourcesList(),
                it.getCondition(),
                it.hasNotBefore() ? Answers.time(it.getNotBefore()) : "",
                it.hasNotAfter() ? Answers.time(it.getNotAfter()) : "",
                it.getReason(),
                given.getBy(),
                given.getByTenant(),
                it.hasGiven() ? Answers.time(given.getAt()) : "",
                it.hasGiven() ? given.getRevision() : "",
                it.hasGiven() ? given.getSeq() : "",
                given.getOrigin(),
                given.getReason(),
                given.getApproversList(),
                joined.getBy(),
                it.hasJoined() ? Answers.time(joined.getAt()) : "",
                it.hasJoined() ? joined.getRevision() : "",
                state(use),
                use.hasAt() ? Answers.time(use.getAt()) : "",
                use.hasAt() ? use.getSeq() : ""));
    }

    private static String state(AccessUse use) {
        return switch (use.getState()) {
            case ACCESS_USE_STATE_ON_RECORD -> "on record";
            case ACCESS_USE_STATE_NONE_FOUND -> "none found";
            case ACCESS_USE_STATE_NOT_RECORDED, ACCESS_USE_STATE_UNSPECIFIED, UNRECOGNIZED -> "not recorded";
        };
    }

    private void printJson(List<AccessGrant> grants, ReviewAccessResponse end) {
        ObjectNode json = object();
        ArrayNode array = json.putArray("grants");
        grants.forEach(grant -> array.add(json(grant)));
        print(json.put("revision", end.getRevision())
                .put("platformRevision", end.getPlatformRevision())
                .put("reviewedAt", Answers.time(end.getReviewedAt()))
                .put("truncated", end.getTruncated())
                .put("cursor", end.getCursor()));
    }

    private static ObjectNode json(AccessGrant it) {
        ObjectNode json = object().put("subject", it.getSubject())
                .put("subjectTenant", it.getSubjectTenant())
                .put("role", it.getRole())
                .put("binding", it.getBinding());
        it.getGroupsList().forEach(json.putArray("groups")::add);
        it.getInheritedThroughList().forEach(json.putArray("inheritedThrough")::add);
        it.getEnvironmentsList().forEach(json.putArray("environments")::add);
        it.getResourceTypesList().forEach(json.putArray("resourceTypes")::add);
        it.getResourcesList().forEach(json.putArray("resources")::add);
        json.put("condition", it.getCondition())
                .put("notBefore", it.hasNotBefore() ? Answers.time(it.getNotBefore()) : "")
                .put("notAfter", it.hasNotAfter() ? Answers.time(it.getNotAfter()) : "")
                .put("reason", it.getReason());
        if (it.hasGiven()) {
            json.set("given", json(it.getGiven()));
        }
        if (it.hasJoined()) {
            json.set("joined", json(it.getJoined()));
        }
        ObjectNode use = json.putObject("lastUse").put("state", state(it.getLastUse()));
        if (it.getLastUse().hasAt()) {
            use.put("at", Answers.time(it.getLastUse().getAt()))
                    .put("seq", it.getLastUse().getSeq());
        }
        return json;
    }

    private static ObjectNode json(AccessChange change) {
        ObjectNode json = object().put("revision", change.getRevision())
                .put("at", Answers.time(change.getAt()))
                .put("by", change.getBy())
                .put("byTenant", change.getByTenant())
                .put("reason", change.getReason())
                .put("seq", change.getSeq())
                .put("origin", change.getOrigin())
                .put("proposal", change.getProposal());
        change.getApproversList().forEach(json.putArray("approvers")::add);
        return json;
    }
}
