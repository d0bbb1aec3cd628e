package dev.assize.server.endpoint.grpc;

import com.google.inject.Inject;
import com.google.protobuf.ByteString;
import dev.assize.proto.v1.AppendAuditRequest;
import dev.assize.proto.v1.AppendAuditResponse;
import dev.assize.proto.v1.AppendedEntry;
import dev.assize.proto.v1.SpoolPosition;
import dev.assize.server.audit.Acknowledgement;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.audit.AuditEvents;
import dev.assize.server.audit.AuditIntake;
import dev.assize.server.audit.AuditIntake.Taken;
import dev.assize.server.audit.SpooledBatch;
import dev.assize.server.endpoint.call.CallContext;
import dev.assize.server.endpoint.call.Fields;
import dev.assize.server.endpoint.call.Gate;
import dev.assize.server.endpoint.call.RefusedException;
import dev.assize.server.ledger.AppendResult;
import dev.assize.server.ledger.AppendResult.Appended;
import dev.assize.server.ledger.AppendResult.KeyReused;
import dev.assize.server.ledger.AppendResult.Replayed;
import dev.assize.server.ledger.Receipt;
import dev.assize.server.model.Limits;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The call of `LedgerService` that appends what was done. */
final class AppendCalls {

    private final AuditIntake intake;
    private final Gate gate;

    @Inject
    AppendCalls(AuditIntake intake, Gate gate) {
        this.intake = intake;
        this.gate = gate;
    }

    /**
     * Takes what the caller may append.
     *
     * @param requireExists refuses a tenant that does not exist; asked last
     */
    CompletableFuture<AppendAuditResponse> append(AppendAuditRequest request, Consumer<TenantId> requireExists) {
        TenantId tenant = gate.admit(request.getTenant());
        CallContext call = CallContext.current();
        String key = request.getIdempotencyKey().isEmpty() ? null : request.getIdempotencyKey();
        Acknowledgement acknowledgement = acknowledgement(request.getAcknowledgementValue());
        List<AuditEvent> events = events(
                        "", request.getEventsList(), call.caller().subject())
                .stream()
                .map(event -> event.inTrace(call.traceContext()))
                .toList();
        requireActors(tenant, events);
        LedgerEndpoint.requireSound(AuditEvents.problems(events, key));
        if (acknowledgement == Acknowledgement.SPOOLED) {
            // What is taken must fit when it is forwarded.
            LedgerEndpoint.requireSound(AuditEvents.problems(events, SpooledBatch.widestKey()));
        }
        requireExists.accept(tenant);
        return intake.take(tenant, call.recorder(), events, key, acknowledgement)
                .thenApply(AppendCalls::response);
    }

    /** Events as they are sent. */
    static List<AuditEvent> events(String prefix, List<dev.assize.proto.v1.AuditEvent> sent, Subject caller) {
        List<AuditEvent> events = new ArrayList<>();
        // One more than is right is enough to be refused.
        for (int i = 0; i < Math.min(sent.size(), Limits.AUDIT_EVENTS + 1); i++) {
            events.add(AuditTranslator.event(prefix + "events[" + i + "].", sent.get(i), caller));
        }
        return events;
    }

    private static Acknowledgement acknowledgement(int number) {
        return switch (dev.assize.proto.v1.Acknowledgement.forNumber(number)) {
            case ACKNOWLEDGEMENT_UNSPECIFIED, ACKNOWLEDGEMENT_IN_LEDGER -> Acknowledgement.IN_LEDGER;
            case ACKNOWLEDGEMENT_SPOOLED -> Acknowledgement.SPOOLED;
            case UNRECOGNIZED -> throw noAcknowledgement(number);
            case null -> throw noAcknowledgement(number);
        };
    }

    private static RefusedException noAcknowledgement(int number) {
        return RefusedException.invalid(
                "acknowledgement",
                Integer.toString(number),
                "ACKNOWLEDGEMENT_IN_LEDGER, ACKNOWLEDGEMENT_SPOOLED or none");
    }

    /** Each actor once: a batch usually has one. */
    void requireActors(TenantId tenant, List<AuditEvent> events) {
        Set<Actor> admitted = new HashSet<>();
        for (AuditEvent event : events) {
            gate.requireEnvironment(event.env());
            TenantId home = event.actorTenant();
            if (!admitted.add(new Actor(event.actor(), home))) {
                continue;
            }
            if (home == null) {
                gate.requireActAs(tenant, event.actor());
            } else {
                gate.requireActAs(tenant, event.actor(), home);
            }
        }
    }

    private record Actor(Subject subject, @Nullable TenantId home) {}

    private static AppendAuditResponse response(Taken taken) {
        return switch (taken) {
            case Taken.InLedger(AppendResult result) -> response(result);
            case Taken.Spooled spooled ->
                AppendAuditResponse.newBuilder()
                        .setAcknowledgement(dev.assize.proto.v1.Acknowledgement.ACKNOWLEDGEMENT_SPOOLED)
                        .setSpooled(SpoolPosition.newBuilder()
                                .setSpoolId(spooled.spoolId())
                                .setNumber(spooled.number()))
                        .setReplayed(spooled.known())
                        .build();
        };
    }

    private static AppendAuditResponse response(AppendResult result) {
        return switch (result) {
            case Appended appended -> response(appended.receipts(), false);
            case Replayed replayed -> response(replayed.receipts(), true);
            case KeyReused reused -> throw LedgerEndpoint.keyReused(reused.key());
            case AppendResult.Refused refused -> throw new IllegalStateException("Without a condition: " + refused);
        };
    }

    private static AppendAuditResponse response(List<Receipt> receipts, boolean replayed) {
        AppendAuditResponse.Builder response = AppendAuditResponse.newBuilder()
                .setReplayed(replayed)
                .setAcknowledgement(dev.assize.proto.v1.Acknowledgement.ACKNOWLEDGEMENT_IN_LEDGER);
        receipts.forEach(receipt -> response.addEntries(entry(receipt)));
        return response.build();
    }

    static AppendedEntry entry(Receipt receipt) {
        return AppendedEntry.newBuilder()
                .setSeq(receipt.seq())
                .setEntryHash(ByteString.copyFrom(receipt.entryHash().bytes()))
                .setRecordedAt(Fields.timestamp(receipt.recordedAt()))
                .build();
    }
}
