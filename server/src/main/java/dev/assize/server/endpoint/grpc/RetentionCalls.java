package dev.assize.server.endpoint.grpc;

import com.google.inject.Inject;
import com.google.protobuf.ByteString;
import dev.assize.proto.v1.AppendedEntry;
import dev.assize.proto.v1.EraseAuditRequest;
import dev.assize.proto.v1.EraseAuditResponse;
import dev.assize.proto.v1.ListHoldsRequest;
import dev.assize.proto.v1.ListHoldsResponse;
import dev.assize.proto.v1.PlaceHoldRequest;
import dev.assize.proto.v1.PlaceHoldResponse;
import dev.assize.proto.v1.ReleaseHoldRequest;
import dev.assize.proto.v1.ReleaseHoldResponse;
import dev.assize.server.anchor.Prefixes;
import dev.assize.server.audit.AuditEvents;
import dev.assize.server.audit.Erasable;
import dev.assize.server.endpoint.call.CallContext;
import dev.assize.server.endpoint.call.ErrorReason;
import dev.assize.server.endpoint.call.Fields;
import dev.assize.server.endpoint.call.Gate;
import dev.assize.server.endpoint.call.PageTokens;
import dev.assize.server.endpoint.call.RefusedException;
import dev.assize.server.ledger.Receipt;
import dev.assize.server.model.Names;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.retention.Erasure;
import dev.assize.server.retention.Erasures;
import dev.assize.server.retention.Hold;
import dev.assize.server.retention.Hold.Act;
import dev.assize.server.retention.Hold.ReleaseResult;
import dev.assize.server.retention.HoldScope;
import dev.assize.server.retention.RetentionRepository;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The calls of `LedgerService` that erase, and that keep from being erased. */
final class RetentionCalls {

    private static final String ID_EXPECTED = "the id of a hold, as PlaceHold gave it";

    private final Erasures erasures;
    private final RetentionRepository holds;
    private final Prefixes prefixes;
    private final Gate gate;
    private final LedgerDirectory ledgers;
    private final PageTokens tokens;

    @Inject
    RetentionCalls(
            Erasures erasures,
            RetentionRepository holds,
            Prefixes prefixes,
            Gate gate,
            LedgerDirectory ledgers,
            PageTokens tokens) {
        this.erasures = erasures;
        this.holds = holds;
        this.prefixes = prefixes;
        this.gate = gate;
        this.ledgers = ledgers;
        this.tokens = tokens;
    }

    EraseAuditResponse erase(EraseAuditRequest request) {
        TenantId tenant = gate.admit(request.getTenant());
        Fields.requireKnown("request", request);
        CallContext call = CallContext.current();
        Erasure erasure = new Erasure(
                tenant,
                call.recorder(),
                call.caller().envs(),
                seqs(request.getSeqsList()),
                AuditTranslator.erasable("fields", request.getFieldsList()),
                text("basis", request.getBasis()));
        ledgers.requireExists(tenant);
        return switch (erasures.erase(erasure)) {
            case Erasure.Result.Done done -> response(done);
            case Erasure.Result.NoSuchEntry none -> {
                prefixes.requireHere(tenant, none.seq());
                throw RefusedException.notFound(ErrorReason.ENTRY_NOT_FOUND, "entry", Long.toString(none.seq()));
            }
            case Erasure.Result.NotErasable not ->
                throw RefusedException.precondition(
                        ErrorReason.ENTRY_NOT_ERASABLE,
                        "entry " + not.seq(),
                        "of entry " + not.seq() + " can be erased: " + names(not.erasable())
                                + "; what else it says is part of what was hashed");
            case Erasure.Result.Held held ->
                throw RefusedException.precondition(
                        ErrorReason.LEGAL_HOLD,
                        "entry " + held.seq(),
                        "entry " + held.seq() + " is under legal hold " + String.join(", ", held.holds())
                                + "; nothing was erased");
            case Erasure.Result.Lost lost ->
                throw RefusedException.of(
                        ErrorReason.LEDGER_UNREADABLE,
                        "values of entry " + lost.seq() + " are gone, and no entry says that they were erased: verify"
                                + " the ledger; nothing was erased",
                        Map.of());
        };
    }

    private static String names(Set<Erasable> parts) {
        return parts.isEmpty()
                ? "nothing"
                : String.join(", ", parts.stream().map(Erasable::text).toList());
    }

    private static List<Long> seqs(List<Long> seqs) {
        if (seqs.isEmpty() || seqs.size() > Erasure.MAX_ENTRIES) {
            throw RefusedException.invalid(
                    "seqs", seqs.size() + " positions", "1 to " + Erasure.MAX_ENTRIES + " positions");
        }
        Set<Long> seen = new HashSet<>();
        for (long seq : seqs) {
            if (seq < 0 || !seen.add(seq)) {
                throw RefusedException.invalid("seqs", Long.toString(seq), "positions, 0 or more, each once");
            }
        }
        return List.copyOf(seqs);
    }

    private static EraseAuditResponse response(Erasure.Result.Done done) {
        EraseAuditResponse.Builder response = EraseAuditResponse.newBuilder();
        done.entries()
                .forEach(entry -> response.addErasures(dev.assize.proto.v1.Erasure.newBuilder()
                        .setSeq(entry.seq())
                        .addAllFields(entry.parts().stream().map(Erasable::text).toList())
                        .setEntry(entry(entry.recorded()))));
        return response.build();
    }

    static AppendedEntry entry(Receipt receipt) {
        return AppendedEntry.newBuilder()
                .setSeq(receipt.seq())
                .setEntryHash(ByteString.copyFrom(receipt.entryHash().bytes()))
                .setRecordedAt(Fields.timestamp(receipt.recordedAt()))
                .build();
    }

    PlaceHoldResponse place(PlaceHoldRequest request) {
        TenantId tenant = gate.admit(request.getTenant());
        Fields.requireKnown("request", request);
        Fields.requireKnown("scope", request.getScope());
        HoldScope scope = scope(request.getScope());
        String reason = text("reason", request.getReason());
        ledgers.requireExists(tenant);
        Hold hold = holds.place(new Hold.Placing(tenant, CallContext.current().recorder(), scope, reason));
        return PlaceHoldResponse.newBuilder().setHold(wire(hold)).build();
    }

    /** Times of entries have whole microseconds: a bound between two of them is moved so that the hold is on no less. */
    private static HoldScope scope(dev.assize.proto.v1.HoldScope wire) {
        Instant from =
                wire.hasFrom() ? Fields.instant("scope.from", wire.getFrom()).truncatedTo(ChronoUnit.MICROS) : null;
        Instant to = wire.hasTo() ? Fields.instant("scope.to", wire.getTo()) : null;
        if (to != null && !to.truncatedTo(ChronoUnit.MICROS).equals(to)) {
            to = to.truncatedTo(ChronoUnit.MICROS).plus(1, ChronoUnit.MICROS);
        }
        if (from != null && to != null && !from.isBefore(to)) {
            throw RefusedException.invalid("scope.to", to.toString(), "a time after `scope.from`");
        }
        return new HoldScope(
                Fields.readOptional("scope.actor", wire.getActor(), Subject::parseOfRequest),
                Fields.readOptional("scope.resource", wire.getResource(), ResourcePath::parse),
                from,
                to);
    }

    ReleaseHoldResponse release(ReleaseHoldRequest request) {
        TenantId tenant = gate.admit(request.getTenant());
        Fields.requireKnown("request", request);
        String id = request.getHoldId();
        if (!id.matches("h[0-9]{1,19}")) {
            throw RefusedException.invalid("hold_id", id, ID_EXPECTED);
        }
        String reason = text("reason", request.getReason());
        ledgers.requireExists(tenant);
        Hold.Release release = new Hold.Release(tenant, CallContext.current().recorder(), id, reason);
        return switch (holds.release(release)) {
            case ReleaseResult.Released released ->
                ReleaseHoldResponse.newBuilder().setHold(wire(released.hold())).build();
            case ReleaseResult.NoSuchHold _ -> throw RefusedException.notFound(ErrorReason.HOLD_NOT_FOUND, "hold", id);
            case ReleaseResult.Own own ->
                throw RefusedException.of(
                        ErrorReason.HOLD_OWN,
                        "hold " + id + " was placed by `"
                                + own.hold().placed().by().caller() + "`: somebody else must release it",
                        Map.of());
        };
    }

    ListHoldsResponse list(ListHoldsRequest request) {
        TenantId tenant = gate.admit(request.getTenant());
        int size = Fields.pageSize(request.getPageSize());
        byte[] conditions = request.toBuilder()
                .clearPageSize()
                .clearPageToken()
                .build()
                .toByteString()
                .concat(ByteString.copyFromUtf8("ListHolds"))
                .toByteArray();
        Optional<Long> behind = Optional.ofNullable(tokens.position(request.getPageToken(), conditions))
                .map(Long::valueOf);
        List<Hold> found = holds.list(tenant, new Hold.Page(request.getIncludeReleased(), behind, size));
        if (found.isEmpty()) {
            ledgers.requireExists(tenant);
        }
        ListHoldsResponse.Builder response = ListHoldsResponse.newBuilder();
        found.forEach(hold -> response.addHolds(wire(hold)));
        if (found.size() == size) {
            response.setNextPageToken(
                    tokens.of(Long.toString(found.getLast().placed().seq()), conditions));
        }
        return response.build();
    }

    private static dev.assize.proto.v1.Hold wire(Hold hold) {
        dev.assize.proto.v1.Hold.Builder wire = dev.assize.proto.v1.Hold.newBuilder()
                .setHoldId(hold.id())
                .setScope(wire(hold.scope()))
                .setReason(hold.reason())
                .setPlacedBy(hold.placed().by().caller().toString())
                .setPlacedByTenant(hold.placed().by().home().value())
                .setPlacedAt(Fields.timestamp(hold.placed().at()))
                .setPlacedSeq(hold.placed().seq());
        Act released = hold.released();
        if (released != null) {
            wire.setReleasedBy(released.by().caller().toString())
                    .setReleasedByTenant(released.by().home().value())
                    .setReleasedAt(Fields.timestamp(released.at()))
                    .setReleasedSeq(released.seq());
        }
        return wire.build();
    }

    private static dev.assize.proto.v1.HoldScope wire(HoldScope scope) {
        dev.assize.proto.v1.HoldScope.Builder wire = dev.assize.proto.v1.HoldScope.newBuilder()
                .setActor(nullToEmpty(scope.actor()))
                .setResource(nullToEmpty(scope.resource()));
        if (scope.from() != null) {
            wire.setFrom(Fields.timestamp(scope.from()));
        }
        if (scope.to() != null) {
            wire.setTo(Fields.timestamp(scope.to()));
        }
        return wire.build();
    }

    static String text(String field, String text) {
        if (text.isBlank() || !Names.isClean(text) || Names.utf8Length(text) > AuditEvents.REASON_BYTES) {
            throw RefusedException.invalid(
                    field, text, "1 to " + AuditEvents.REASON_BYTES + " bytes without control characters");
        }
        return text;
    }

    private static String nullToEmpty(@Nullable Object value) {
        return value == null ? "" : value.toString();
    }
}
