package dev.assize.server.endpoint.grpc;

import com.google.inject.Inject;
import com.google.protobuf.ByteString;
import dev.assize.proto.v1.GetLineageRequest;
import dev.assize.proto.v1.GetLineageResponse;
import dev.assize.proto.v1.LineageAccess;
import dev.assize.proto.v1.LineageCut;
import dev.assize.proto.v1.LineageDirection;
import dev.assize.server.anchor.Prefixes;
import dev.assize.server.audit.AuditEvents;
import dev.assize.server.endpoint.call.CallContext;
import dev.assize.server.endpoint.call.Fields;
import dev.assize.server.endpoint.call.Gate;
import dev.assize.server.endpoint.call.PageTokens;
import dev.assize.server.endpoint.call.RefusedException;
import dev.assize.server.lineage.LineageIndex;
import dev.assize.server.lineage.LineageIndex.Access;
import dev.assize.server.lineage.LineageIndex.Scope;
import dev.assize.server.lineage.LineageNode;
import dev.assize.server.lineage.LineageTracer;
import dev.assize.server.lineage.LineageTracer.Direction;
import dev.assize.server.model.Limits;
import dev.assize.server.model.TenantId;
import java.time.Instant;
import java.util.List;

/** Answers who read and wrote a record, and what it is derived from. */
final class LineageCalls {

    static final int MAX_DEPTH = 16;
    static final int DEFAULT_DEPTH = 4;
    static final int DEFAULT_RECORDS = 200;

    private final LineageIndex index;
    private final LineageTracer tracer;
    private final Gate gate;
    private final LedgerDirectory ledgers;
    private final PageTokens tokens;
    private final Prefixes prefixes;

    @Inject
    LineageCalls(
            LineageIndex index,
            LineageTracer tracer,
            Gate gate,
            LedgerDirectory ledgers,
            PageTokens tokens,
            Prefixes prefixes) {
        this.index = index;
        this.tracer = tracer;
        this.gate = gate;
        this.ledgers = ledgers;
        this.tokens = tokens;
        this.prefixes = prefixes;
    }

    GetLineageResponse lineage(GetLineageRequest request) {
        TenantId tenant = gate.admit(request.getTenant());
        String uri = Fields.text("uri", request.getUri(), AuditEvents.URI_BYTES);
        if (uri == null) {
            throw RefusedException.invalid("uri", "", "the URI of a record");
        }
        int depth = bounded("depth", request.getDepth(), MAX_DEPTH, DEFAULT_DEPTH);
        int records = bounded("max_records", request.getMaxRecords(), Limits.PAGE_ITEMS, DEFAULT_RECORDS);
        int size = Fields.pageSize(request.getPageSize());
        LineageDirection direction = direction(request);
        Instant asOf = request.hasAsOf() ? Fields.instant("as_of", request.getAsOf()) : null;
        byte[] conditions = conditions(request);
        String page = tokens.position(request.getPageToken(), conditions);
        Scope scope = new Scope(
                tenant,
                CallContext.current().caller().envs(),
                index.lastSeq(tenant, asOf).orElse(-1L));
        Scope shown = page == null
                ? scope
                : new Scope(tenant, scope.envs(), Math.min(scope.toSeq(), Long.parseLong(page) - 1));

        List<Access> accesses = index.accesses(shown, uri, size);
        if (accesses.isEmpty()) {
            ledgers.requireExists(tenant);
        }
        GetLineageResponse.Builder response = GetLineageResponse.newBuilder().setFirstSeq(prefixes.base(tenant));
        accesses.forEach(access -> response.addAccesses(wire(access)));
        if (accesses.size() == size) {
            response.setNextPageToken(tokens.of(Long.toString(accesses.getLast().seq()), conditions));
        }
        if (page == null) {
            addTrees(response, scope, uri, direction, depth, records);
        }
        return response.build();
    }

    private void addTrees(
            GetLineageResponse.Builder response,
            Scope scope,
            String uri,
            LineageDirection direction,
            int depth,
            int records) {
        if (direction != LineageDirection.LINEAGE_DIRECTION_DOWNSTREAM) {
            LineageNode upstream = tracer.trace(scope, uri, Direction.UPSTREAM, depth, records);
            response.setUpstream(wire(upstream));
            response.setTruncated(upstream.isTruncated());
        }
        if (direction != LineageDirection.LINEAGE_DIRECTION_UPSTREAM) {
            LineageNode downstream = tracer.trace(scope, uri, Direction.DOWNSTREAM, depth, records);
            response.setDownstream(wire(downstream));
            response.setTruncated(response.getTruncated() || downstream.isTruncated());
        }
    }

    private static LineageDirection direction(GetLineageRequest request) {
        if (request.getDirection() == LineageDirection.UNRECOGNIZED) {
            throw RefusedException.invalid(
                    "direction",
                    Integer.toString(request.getDirectionValue()),
                    "LINEAGE_DIRECTION_UPSTREAM, LINEAGE_DIRECTION_DOWNSTREAM, or none for both");
        }
        return request.getDirection();
    }

    private static int bounded(String field, int value, int max, int otherwise) {
        if (value < 0 || value > max) {
            throw RefusedException.invalid(field, Integer.toString(value), "1 to " + max + ", or 0 for " + otherwise);
        }
        return value == 0 ? otherwise : value;
    }

    /** What the list of accesses is a list of, whatever the page. */
    private static byte[] conditions(GetLineageRequest request) {
        GetLineageRequest.Builder conditions =
                GetLineageRequest.newBuilder().setTenant(request.getTenant()).setUri(request.getUri());
        if (request.hasAsOf()) {
            conditions.setAsOf(request.getAsOf());
        }
        return conditions
                .build()
                .toByteString()
                .concat(ByteString.copyFromUtf8("GetLineage"))
                .toByteArray();
    }

    private static LineageAccess wire(Access access) {
        return LineageAccess.newBuilder()
                .setSeq(access.seq())
                .setRecordedAt(Fields.timestamp(access.recordedAt()))
                .setRead(access.read())
                .setWritten(access.written())
                .setType(access.type())
                .setActor(access.actor())
                .setAction(access.action())
                .setResource(access.resource())
                .setEnv(access.env())
                .setOutcome(AuditTranslator.outcome(access.outcome()))
                .setRunId(access.runId() == null ? "" : access.runId())
                .build();
    }

    private static dev.assize.proto.v1.LineageNode wire(LineageNode node) {
        dev.assize.proto.v1.LineageNode.Builder wire = dev.assize.proto.v1.LineageNode.newBuilder()
                .setUri(node.uri())
                .setCut(cut(node.cut()))
                .setTruncated(node.truncated());
        LineageNode.Link link = node.link();
        if (link != null) {
            wire.setReadSeq(link.readSeq())
                    .setWriteSeq(link.writeSeq())
                    .setRunId(link.runId() == null ? "" : link.runId());
        }
        node.derived().forEach(child -> wire.addDerived(wire(child)));
        return wire.build();
    }

    private static LineageCut cut(LineageNode.Cut cut) {
        return switch (cut) {
            case NONE -> LineageCut.LINEAGE_CUT_UNSPECIFIED;
            case CYCLE -> LineageCut.LINEAGE_CUT_CYCLE;
            case REPEATED -> LineageCut.LINEAGE_CUT_REPEATED;
            case DEPTH -> LineageCut.LINEAGE_CUT_DEPTH;
        };
    }
}
