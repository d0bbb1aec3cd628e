package dev.assize.client;

import com.google.protobuf.UnsafeByteOperations;
import dev.assize.proto.v1.ApplyPolicyHeader;
import dev.assize.proto.v1.ApplyPolicyRequest;
import dev.assize.proto.v1.ApplyPolicyResponse;
import dev.assize.proto.v1.ChangeType;
import dev.assize.proto.v1.DocumentKey;
import dev.assize.proto.v1.PolicySource;
import dev.assize.proto.v1.ProposeChangeHeader;
import dev.assize.proto.v1.ProposeChangeRequest;
import dev.assize.proto.v1.RevisionPrecondition;
import dev.assize.proto.v1.ScopeChange;
import java.time.Duration;
import java.util.Iterator;
import java.util.Map;
import java.util.OptionalLong;
import java.util.function.Function;

/** Changes of policy as the wire has them. */
final class ChangeWire {

    private ChangeWire() {}

    /** The header, then one message a part, made while iterating. */
    static Iterable<ApplyPolicyRequest> messages(PolicyChange change, String idempotencyKey) {
        ApplyPolicyHeader.Builder header = ApplyPolicyHeader.newBuilder()
                .setReason(change.reason())
                .setForce(change.force())
                .setPruneManager(change.pruneManager())
                .setIdempotencyKey(idempotencyKey);
        change.expected().entrySet().stream()
                .sorted(Map.Entry.comparingByKey())
                .forEach(one -> header.addPreconditions(RevisionPrecondition.newBuilder()
                        .setTenant(one.getKey())
                        .setRevision(one.getValue())));
        return behind(ApplyPolicyRequest.newBuilder().setHeader(header).build(), change.parts(), ChangeWire::message);
    }

    /** The same of a proposal. */
    static Iterable<ProposeChangeRequest> proposal(
            PolicyChange change, String tenant, Duration ttl, String idempotencyKey) {
        if (!change.expected().isEmpty()) {
            throw new IllegalArgumentException("A proposal is for whatever revision it is accepted at");
        }
        ProposeChangeHeader.Builder header = ProposeChangeHeader.newBuilder()
                .setTenant(tenant)
                .setReason(change.reason())
                .setForce(change.force())
                .setPruneManager(change.pruneManager())
                .setTtl(com.google.protobuf.Duration.newBuilder()
                        .setSeconds(ttl.toSeconds())
                        .setNanos(ttl.toNanosPart()))
                .setIdempotencyKey(idempotencyKey);
        return behind(ProposeChangeRequest.newBuilder().setHeader(header).build(), change.parts(), part -> {
            ApplyPolicyRequest applied = message(part);
            return applied.hasPut()
                    ? ProposeChangeRequest.newBuilder().setPut(applied.getPut()).build()
                    : ProposeChangeRequest.newBuilder()
                            .setDelete(applied.getDelete())
                            .build();
        });
    }

    private static <Q> Iterable<Q> behind(
            Q first, Iterable<PolicyChange.Part> all, Function<PolicyChange.Part, Q> message) {
        return () -> new Iterator<>() {
            private final Iterator<PolicyChange.Part> parts = all.iterator();
            private boolean begun;

            @Override
            public boolean hasNext() {
                return !begun || parts.hasNext();
            }

            @Override
            public Q next() {
                if (begun) {
                    return message.apply(parts.next());
                }
                begun = true;
                return first;
            }
        };
    }

    private static ApplyPolicyRequest message(PolicyChange.Part part) {
        return switch (part) {
            case PolicyChange.Put put ->
                ApplyPolicyRequest.newBuilder()
                        .setPut(PolicySource.newBuilder()
                                .setFile(put.file())
                                .setLine(put.line())
                                .setYaml(UnsafeByteOperations.unsafeWrap(put.yaml())))
                        .build();
            case PolicyChange.Delete delete ->
                ApplyPolicyRequest.newBuilder()
                        .setDelete(DocumentKey.newBuilder()
                                .setTenant(delete.tenant())
                                .setKind(delete.kind())
                                .setName(delete.name()))
                        .build();
        };
    }

    static AppliedChange applied(ApplyPolicyResponse response, String idempotencyKey) {
        return new AppliedChange(
                response.getChangesList().stream().map(ChangeWire::scope).toList(),
                response.getReplayed(),
                idempotencyKey);
    }

    private static AppliedChange.Scope scope(ScopeChange change) {
        return new AppliedChange.Scope(
                change.getTenant(),
                change.getBaseRevision(),
                change.getRevision(),
                (int) change.getDocumentsList().stream()
                        .filter(document -> document.getType() != ChangeType.CHANGE_TYPE_UNCHANGED)
                        .count(),
                change.hasSeq() ? OptionalLong.of(change.getSeq()) : OptionalLong.empty());
    }
}
