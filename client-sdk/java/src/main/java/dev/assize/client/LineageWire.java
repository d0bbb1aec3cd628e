package dev.assize.client;

import dev.assize.client.Lineage.Access;
import dev.assize.client.Lineage.Cut;
import dev.assize.client.Lineage.Link;
import dev.assize.client.Lineage.Node;
import dev.assize.proto.v1.GetLineageRequest;
import dev.assize.proto.v1.LineageAccess;
import dev.assize.proto.v1.LineageDirection;
import dev.assize.proto.v1.LineageNode;

/** Lineage to and from the wire. */
final class LineageWire {

    private static final int PAGE = 1_000;

    private LineageWire() {}

    static GetLineageRequest request(LineageQuery query, String tenant) {
        GetLineageRequest.Builder request = GetLineageRequest.newBuilder()
                .setTenant(query.tenant().isEmpty() ? tenant : query.tenant())
                .setUri(query.uri())
                .setDirection(
                        switch (query.direction()) {
                            case BOTH -> LineageDirection.LINEAGE_DIRECTION_UNSPECIFIED;
                            case UPSTREAM -> LineageDirection.LINEAGE_DIRECTION_UPSTREAM;
                            case DOWNSTREAM -> LineageDirection.LINEAGE_DIRECTION_DOWNSTREAM;
                        })
                .setDepth(query.depth())
                .setMaxRecords(query.maxRecords())
                .setPageSize(PAGE);
        if (query.asOf() != null) {
            request.setAsOf(Wire.timestamp(query.asOf()));
        }
        return request.build();
    }

    static Access access(LineageAccess access) {
        return new Access(
                access.getSeq(),
                Wire.instant(access.getRecordedAt()),
                access.getRead(),
                access.getWritten(),
                access.getType(),
                access.getActor(),
                access.getAction(),
                access.getResource(),
                access.getEnv(),
                Wire.outcome(access.getOutcome()),
                access.getRunId());
    }

    static Node node(LineageNode node) {
        Link link = node.hasReadSeq() ? new Link(node.getReadSeq(), node.getWriteSeq(), node.getRunId()) : null;
        return new Node(
                node.getUri(),
                link,
                switch (node.getCut()) {
                    case LINEAGE_CUT_UNSPECIFIED -> Cut.NONE;
                    case LINEAGE_CUT_CYCLE -> Cut.CYCLE;
                    case LINEAGE_CUT_REPEATED -> Cut.REPEATED;
                    case LINEAGE_CUT_DEPTH -> Cut.DEPTH;
                    case UNRECOGNIZED -> Cut.OTHER;
                },
                node.getTruncated(),
                node.getDerivedList().stream().map(LineageWire::node).toList());
    }
}
