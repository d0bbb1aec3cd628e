package dev.assize.server.endpoint.grpc;

import com.google.inject.Inject;
import com.google.protobuf.ByteString;
import dev.assize.proto.v1.AppendedEntry;
import dev.assize.proto.v1.PruneLedgerRequest;
import dev.assize.proto.v1.PruneLedgerResponse;
import dev.assize.proto.v1.PrunedPart;
import dev.assize.server.audit.AuditEvents;
import dev.assize.server.endpoint.call.CallContext;
import dev.assize.server.endpoint.call.ErrorReason;
import dev.assize.server.endpoint.call.Fields;
import dev.assize.server.endpoint.call.Gate;
import dev.assize.server.endpoint.call.RefusedException;
import dev.assize.server.endpoint.call.TenantDirectory;
import dev.assize.server.ledger.Receipt;
import dev.assize.server.model.Names;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.TenantId;
import dev.assize.server.retention.Pruner;
import dev.assize.server.retention.Pruning;
import dev.assize.server.retention.Pruning.Limit;
import dev.assize.server.retention.Pruning.Part;
import dev.assize.server.retention.Pruning.Plan;
import dev.assize.server.retention.Pruning.ProposalResult;
import dev.assize.server.retention.Pruning.Result;
import dev.assize.server.retention.Pruning.Wish;
import java.time.Instant;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** `LedgerService/PruneLedger`. */
final class PruneCalls {

    private final Pruner pruner;
    private final Gate gate;
    private final TenantDirectory tenants;

    /** What is pruned is verified first, a slice at a time: that bounds it as it does verifications. */
    private final VerificationSlots slots = new VerificationSlots();

    @Inject
    PruneCalls(Pruner pruner, Gate gate, TenantDirectory tenants) {
        this.pruner = pruner;
        this.gate = gate;
        this.tenants = tenants;
    }

    PruneLedgerResponse prune(PruneLedgerRequest request) {
        TenantId tenant = gate.admit(request.getTenant());
        Fields.requireKnown("request", request);
        if (!CallContext.current().caller().envs().isEmpty()) {
            throw RefusedException.of(
                    ErrorReason.ENVIRONMENT_NOT_ALLOWED,
                    "this key sees some environments only, and what is pruned goes in all of them",
                    Map.of());
        }
        if (!request.getPruningId().isEmpty()) {
            return agree(tenant, request);
        }
        Wish wish = wish(tenant, request);
        if (request.getDryRun()) {
            requireAbsent("reason", request.getReason());
            tenants.requireExists(tenant);
            return response("", pruner.plan(wish)).build();
        }
        String reason = reason(request.getReason());
        tenants.requireExists(tenant);
        return propose(wish, reason);
    }

    private static Wish wish(TenantId tenant, PruneLedgerRequest request) {
        if (!request.hasToSeq() && !request.hasBefore()) {
            throw RefusedException.invalid("to_seq", "nothing", "a position, unless `before` or `pruning_id` is given");
        }
        if (request.hasToSeq() && request.getToSeq() < 1) {
            throw RefusedException.invalid("to_seq", Long.toString(request.getToSeq()), "a position, 1 or more");
        }
        Instant before = request.hasBefore() ? Fields.instant("before", request.getBefore()) : null;
        return new Wish(tenant, request.hasToSeq() ? request.getToSeq() : null, before);
    }

    private static void requireAbsent(String field, String value) {
        if (!value.isEmpty()) {
            throw RefusedException.invalid(field, value, "nothing: only a proposal has one");
        }
    }

    private static String reason(String text) {
        if (text.isBlank() || !Names.isClean(text) || Names.utf8Length(text) > AuditEvents.REASON_BYTES) {
            throw RefusedException.invalid(
                    "reason", text, "1 to " + AuditEvents.REASON_BYTES + " bytes without control characters");
        }
        return text;
    }

    private PruneLedgerResponse.Builder response(String id, Plan plan) {
        return response(id, plan.fromSeq(), plan.toSeq(), plan.limit())
                .setRemaining(Math.max(0, plan.toSeq() - plan.fromSeq()));
    }

    private PruneLedgerResponse.Builder response(String id, long from, long to, @Nullable Limit limit) {
        return PruneLedgerResponse.newBuilder()
                .setPruningId(id)
                .setFromSeq(from)
                .setToSeq(to)
                .setLimit(limit == null ? "" : limit.message())
                .setArchive(pruner.destination());
    }

    private PruneLedgerResponse propose(Wish wish, String reason) {
        Recorder by = CallContext.current().recorder();
        return switch (pruner.propose(wish, by, reason)) {
            case ProposalResult.Proposed(Pruning pruning, Limit limit, Receipt entry) ->
                response(pruning.id(), pruning.fromSeq(), pruning.toSeq(), limit)
                        .setRemaining(pruning.toSeq() - pruning.fromSeq())
                        .setProposed(entry(entry))
                        .build();
            case ProposalResult.Nothing(Plan plan) -> throw limited(plan);
        };
    }

    private static RefusedException limited(Plan plan) {
        Limit limit = plan.limit();
        return limit == null
                ? RefusedException.precondition(
                        ErrorReason.PRUNING_LIMITED,
                        "ledger",
                        "nothing is pruned: entries go in whole tiles of " + Pruning.TILE + ", and from entry "
                                + plan.fromSeq() + " on there is none in what is asked for")
                : refused(limit);
    }

    private static RefusedException refused(Limit limit) {
        ErrorReason reason = switch (limit.kind()) {
            case HOLD -> ErrorReason.LEGAL_HOLD;
            case NO_RETENTION, YOUNG, UNSIGNED -> ErrorReason.PRUNING_LIMITED;
        };
        return RefusedException.precondition(reason, "entry " + limit.seq(), "nothing is pruned: " + limit.message());
    }

    private PruneLedgerResponse agree(TenantId tenant, PruneLedgerRequest request) {
        String id = request.getPruningId();
        if (!id.matches("p[0-9]{1,19}")) {
            throw RefusedException.invalid("pruning_id", id, "the id of a proposal, as PruneLedger gave it");
        }
        requireAbsent("reason", request.getReason());
        if (request.getDryRun() || request.hasToSeq() || request.hasBefore()) {
            throw RefusedException.invalid("pruning_id", id, "nothing beside it: the proposal says what goes");
        }
        tenants.requireExists(tenant);
        Recorder by = CallContext.current().recorder();
        return switch (slots.run(() -> pruner.agree(tenant, by, id))) {
            case Result.Pruned(Pruning pruning, Part part, long remaining) -> {
                PruneLedgerResponse.Builder response =
                        response(id, pruning.fromSeq(), pruning.toSeq(), null).setRemaining(remaining);
                if (part != null) {
                    response.setPruned(part(part));
                }
                yield response.build();
            }
            case Result.NoSuchPruning _ ->
                throw RefusedException.notFound(ErrorReason.PRUNING_NOT_FOUND, "proposal to prune", id);
            case Result.Own(Pruning pruning) ->
                throw RefusedException.of(
                        ErrorReason.PRUNING_OWN,
                        "proposal " + id + " is by `" + pruning.by().caller() + "`: somebody else must agree",
                        Map.of());
            case Result.Expired(Pruning pruning) ->
                throw RefusedException.precondition(
                        ErrorReason.PRUNING_EXPIRED,
                        "proposal " + id,
                        "proposal " + id + " is of " + pruning.at() + ", more than " + Pruning.OPEN_FOR.toDays()
                                + " days ago: propose it anew");
            case Result.Refused(Limit limit) -> throw refused(limit);
            case Result.Unsound(var fault) ->
                throw RefusedException.of(
                        ErrorReason.LEDGER_UNREADABLE,
                        "nothing is pruned: " + fault.message() + ". Verify the ledger",
                        Map.of());
        };
    }

    private static PrunedPart part(Part part) {
        return PrunedPart.newBuilder()
                .setFromSeq(part.fromSeq())
                .setToSeq(part.toSeq())
                .setRootHash(ByteString.copyFrom(part.root().bytes()))
                .setArchiveObject(part.object())
                .setArchiveDigest(ByteString.copyFrom(part.digest().bytes()))
                .setEntry(entry(part.entry()))
                .build();
    }

    private static AppendedEntry entry(Receipt receipt) {
        return AppendedEntry.newBuilder()
                .setSeq(receipt.seq())
                .setEntryHash(ByteString.copyFrom(receipt.entryHash().bytes()))
                .setRecordedAt(Fields.timestamp(receipt.recordedAt()))
                .build();
    }
}
