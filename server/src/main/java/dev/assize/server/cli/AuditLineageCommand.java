package dev.assize.server.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.assize.proto.v1.GetLineageRequest;
import dev.assize.proto.v1.GetLineageResponse;
import dev.assize.proto.v1.LineageAccess;
import dev.assize.proto.v1.LineageCut;
import dev.assize.proto.v1.LineageDirection;
import dev.assize.proto.v1.LineageNode;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Who read and wrote a record, and what it is derived from. */
@Command(
        name = "lineage",
        description = {
            "Says of a record of --tenant who read and wrote it, what it was derived from, and what was derived from it.",
            "A record is derived from another if an entry that succeeded read that one and wrote this one, or two entries of"
                    + " one run did, the one that read first."
        })
public final class AuditLineageCommand extends ClientCommand {

    private static final int PAGE = 1_000;

    @Parameters(paramLabel = "URI", description = "The record, as `reads` and `writes` of events name it.")
    private String uri = "";

    @Option(names = "--upstream", description = "Only what it was derived from.")
    private boolean upstream;

    @Option(names = "--downstream", description = "Only what was derived from it.")
    private boolean downstream;

    @Option(names = "--depth", paramLabel = "N", description = "Steps from the record, 1 to 16; default: 4.")
    private int depth;

    @Option(
            names = "--max-records",
            paramLabel = "N",
            description = "Records in each tree, 1 to 1000; default: 200. What is left out is marked.")
    private int maxRecords;

    @Option(names = "--as-of", paramLabel = "TIME", description = "As it was then, as 2026-02-22T14:02:00Z.")
    private @Nullable Instant asOf;

    @Option(
            names = "--limit",
            paramLabel = "N",
            description = "Entries that read or wrote the record, at most so many; default: ${DEFAULT-VALUE}.")
    private int limit = 100;

    AuditLineageCommand(Surroundings surroundings) {
        super(surroundings);
    }

    @Override
    int run(Connection connection) {
        if (upstream && downstream) {
            throw usage("--upstream and --downstream: expected one of them, or none for both");
        }
        GetLineageRequest.Builder request = GetLineageRequest.newBuilder()
                .setTenant(tenant())
                .setUri(uri)
                .setDirection(direction())
                .setDepth(depth)
                .setMaxRecords(maxRecords)
                .setPageSize(Math.clamp(limit, 1, PAGE));
        if (asOf != null) {
            request.setAsOf(Times.timestamp(asOf));
        }
        GetLineageResponse first = connection.ledger().getLineage(request.build());
        List<LineageAccess> accesses = new ArrayList<>(first.getAccessesList());
        String next = first.getNextPageToken();
        while (!next.isEmpty() && accesses.size() < limit) {
            GetLineageResponse page = connection
                    .ledger()
                    .getLineage(request.setPageToken(next)
                            .setPageSize(Math.clamp(limit - accesses.size(), 1, PAGE))
                            .build());
            accesses.addAll(page.getAccessesList());
            next = page.getNextPageToken();
        }
        if (wantsJson()) {
            print(json(first, accesses, !next.isEmpty()));
        } else {
            print(first, accesses, !next.isEmpty());
        }
        return ExitCodes.DONE;
    }

    private LineageDirection direction() {
        if (upstream) {
            return LineageDirection.LINEAGE_DIRECTION_UPSTREAM;
        }
        return downstream
                ? LineageDirection.LINEAGE_DIRECTION_DOWNSTREAM
                : LineageDirection.LINEAGE_DIRECTION_UNSPECIFIED;
    }

    private void print(GetLineageResponse lineage, List<LineageAccess> accesses, boolean more) {
        Table table = new Table("SEQ", "RECORDED", "HOW", "ACTOR", "ACTION", "RESOURCE", "ENV", "OUTCOME", "RUN");
        for (LineageAccess access : accesses) {
            table.row(
                    access.getSeq(),
                    Answers.time(access.getRecordedAt()),
                    how(access),
                    access.getActor(),
                    access.getAction(),
                    access.getResource(),
                    access.getEnv(),
                    Answers.bare(access.getOutcome().name(), "OUTCOME_"),
                    access.getRunId());
        }
        table.print(out());
        if (more) {
            out().println("There are more entries: --limit");
        }
        if (lineage.hasUpstream()) {
            out().println();
            tree("derived from", lineage.getUpstream())
                    .print(out(), surroundings().boxes());
        }
        if (lineage.hasDownstream()) {
            out().println();
            tree("derived into", lineage.getDownstream())
                    .print(out(), surroundings().boxes());
        }
        if (lineage.getTruncated()) {
            out().println();
            out().println("Not everything is shown: see where it says so, or ask for more with --max-records");
        }
    }

    private static Tree tree(String title, LineageNode root) {
        Tree tree = new Tree(root.getUri() + "  " + title + (root.getDerivedCount() == 0 ? ": nothing known" : ""));
        fill(tree, root);
        return tree;
    }

    private static void fill(Tree tree, LineageNode node) {
        for (LineageNode child : node.getDerivedList()) {
            fill(tree.branch(child.getUri() + "  (" + link(child) + ")" + mark(child.getCut())), child);
        }
        if (node.getTruncated()) {
            tree.branch("[more, left out]");
        }
    }

    private static String link(LineageNode node) {
        if (node.getReadSeq() == node.getWriteSeq()) {
            return "entry " + node.getReadSeq() + ofRun(node);
        }
        return "read " + node.getReadSeq() + ", written " + node.getWriteSeq() + ofRun(node);
    }

    private static String ofRun(LineageNode node) {
        return node.getRunId().isEmpty() ? "" : ", run " + node.getRunId();
    }

    private static String mark(LineageCut cut) {
        return switch (cut) {
            case LINEAGE_CUT_UNSPECIFIED -> "";
            case LINEAGE_CUT_CYCLE -> "  [cycle]";
            case LINEAGE_CUT_REPEATED -> "  [shown before]";
            case LINEAGE_CUT_DEPTH -> "  [deeper: --depth]";
            case UNRECOGNIZED -> "  [cut]";
        };
    }

    private static String how(LineageAccess access) {
        return access.getRead() && access.getWritten() ? "read, written" : access.getRead() ? "read" : "written";
    }

    private static ObjectNode json(GetLineageResponse lineage, List<LineageAccess> accesses, boolean more) {
        ObjectNode json = object();
        ArrayNode array = json.putArray("accesses");
        for (LineageAccess access : accesses) {
            array.addObject()
                    .put("seq", access.getSeq())
                    .put("recordedAt", Answers.time(access.getRecordedAt()))
                    .put("read", access.getRead())
                    .put("written", access.getWritten())
                    .put("type", access.getType())
                    .put("actor", access.getActor())
                    .put("action", access.getAction())
                    .put("resource", access.getResource())
                    .put("env", access.getEnv())
                    .put("outcome", Answers.bare(access.getOutcome().name(), "OUTCOME_"))
                    .put("runId", access.getRunId());
        }
        json.put("moreAccesses", more);
        if (lineage.hasUpstream()) {
            json.set("upstream", json(lineage.getUpstream()));
        }
        if (lineage.hasDownstream()) {
            json.set("downstream", json(lineage.getDownstream()));
        }
        return json.put("truncated", lineage.getTruncated());
    }

    private static ObjectNode json(LineageNode node) {
        ObjectNode json = object().put("uri", node.getUri());
        if (node.hasReadSeq()) {
            json.put("readSeq", node.getReadSeq())
                    .put("writeSeq", node.getWriteSeq())
                    .put("runId", node.getRunId());
        }
        json.put(
                        "cut",
                        node.getCut() == LineageCut.LINEAGE_CUT_UNSPECIFIED
                                ? ""
                                : Answers.bare(node.getCut().name(), "LINEAGE_CUT_"))
                .put("truncated", node.getTruncated());
        ArrayNode derived = json.putArray("derived");
        node.getDerivedList().forEach(child -> derived.add(json(child)));
        return json;
    }
}
