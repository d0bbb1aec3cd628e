package dev.assize.server.endpoint.grpc;

import com.google.inject.Inject;
import com.google.protobuf.ByteString;
import dev.assize.proto.v1.AppendSpooledRequest;
import dev.assize.proto.v1.AppendSpooledResponse;
import dev.assize.proto.v1.DeclareSpoolLossRequest;
import dev.assize.proto.v1.DeclareSpoolLossResponse;
import dev.assize.proto.v1.ListSpoolsRequest;
import dev.assize.proto.v1.ListSpoolsResponse;
import dev.assize.proto.v1.SpoolStanding;
import dev.assize.proto.v1.SpooledRecord;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.audit.AuditEvents;
import dev.assize.server.audit.EventProblem;
import dev.assize.server.audit.SpoolRepository;
import dev.assize.server.audit.SpoolRepository.Loss;
import dev.assize.server.audit.SpoolRepository.LossResult;
import dev.assize.server.audit.SpoolRepository.Reception;
import dev.assize.server.audit.SpoolRepository.Sender;
import dev.assize.server.audit.SpoolRepository.Standing;
import dev.assize.server.audit.SpoolRepository.Verdict;
import dev.assize.server.audit.SpooledBatch;
import dev.assize.server.audit.SpooledBatch.SpooledEvents;
import dev.assize.server.audit.SpooledLog;
import dev.assize.server.endpoint.call.Admission;
import dev.assize.server.endpoint.call.CallContext;
import dev.assize.server.endpoint.call.ErrorReason;
import dev.assize.server.endpoint.call.Fields;
import dev.assize.server.endpoint.call.Gate;
import dev.assize.server.endpoint.call.RefusedException;
import dev.assize.server.endpoint.call.TenantDirectory;
import dev.assize.server.model.Digest;
import dev.assize.server.model.Limits;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/** The calls of `LedgerService` about spools, which sidecars keep. */
final class SpoolCalls {

    private static final Pattern ID = Pattern.compile("[0-9a-f]{32}");

    /** Somebody has to act first. */
    private static final Duration LATER = Duration.ofSeconds(30);

    private final SpooledLog log;
    private final SpoolRepository spools;
    private final AppendCalls appends;
    private final Gate gate;
    private final TenantDirectory tenants;
    private final LedgerDirectory ledgers;

    @Inject
    SpoolCalls(
            SpooledLog log,
            SpoolRepository spools,
            AppendCalls appends,
            Gate gate,
            TenantDirectory tenants,
            LedgerDirectory ledgers) {
        this.log = log;
        this.spools = spools;
        this.appends = appends;
        this.gate = gate;
        this.tenants = tenants;
        this.ledgers = ledgers;
    }

    AppendSpooledResponse append(AppendSpooledRequest request) {
        TenantId tenant = gate.admit(request.getTenant());
        Fields.requireKnown("request", request);
        CallContext call = CallContext.current();
        SpooledBatch batch = batch(request, call.caller().subject());
        for (SpooledEvents record : batch.records()) {
            appends.requireActors(tenant, record.events());
        }
        tenants.requireExists(tenant);
        Sender sender = new Sender(call.recorder(), call.caller().keyId());
        Reception reception = log.append(tenant, sender, batch);
        if (reception.verdict() == Verdict.OF_ANOTHER_RECORDER) {
            throw RefusedException.precondition(
                    ErrorReason.SPOOL_OF_ANOTHER_RECORDER,
                    "spool " + batch.spoolId(),
                    "the ledger has this spool of another recorder than "
                            + call.recorder().caller() + " of tenant "
                            + call.recorder().home() + ": use that one's key, or begin a new spool");
        }
        if (reception.verdict() == Verdict.FULL) {
            throw RefusedException.retry(
                    ErrorReason.SPOOLS_FULL,
                    "key " + sender.keyId() + " of " + call.recorder().caller() + " of tenant "
                            + call.recorder().home() + " has begun " + SpoolRepository.MOST_OF_KEY
                            + " spools in the ledger of " + tenant
                            + ", and no more are taken: have spools outlive their sidecars, and give this one another key",
                    LATER);
        }
        Digest lastHash = reception.lastHash();
        return AppendSpooledResponse.newBuilder()
                .setNextNumber(reception.nextNumber())
                .setLastHash(lastHash == null ? ByteString.EMPTY : ByteString.copyFrom(lastHash.bytes()))
                .setAppended(reception.verdict() == Verdict.APPENDED)
                .build();
    }

    private static SpooledBatch batch(AppendSpooledRequest request, Subject caller) {
        String id = spoolId(request.getSpoolId());
        requireCount(request);
        List<SpooledEvents> records = new ArrayList<>();
        for (int i = 0; i < request.getRecordsCount(); i++) {
            records.add(record(i, request, caller));
        }
        long last = records.isEmpty() ? 0 : records.getLast().number();
        if (request.getHighestNumber() < last) {
            throw RefusedException.invalid(
                    "highest_number", Long.toString(request.getHighestNumber()), "the last record's number, or more");
        }
        boolean asks = records.isEmpty();
        return new SpooledBatch(
                id,
                records,
                asks ? SpooledLog.begins(id) : hash("previous_hash", request.getPreviousHash()),
                asks ? SpooledLog.begins(id) : hash("last_hash", request.getLastHash()),
                request.getHighestNumber());
    }

    private static void requireCount(AppendSpooledRequest request) {
        long events = request.getRecordsList().stream()
                .mapToLong(SpooledRecord::getEventsCount)
                .sum();
        if (events > Limits.AUDIT_EVENTS || request.getRecordsCount() > Limits.AUDIT_EVENTS) {
            throw RefusedException.invalid(
                    "records",
                    request.getRecordsCount() + " records with " + events + " events",
                    "at most " + Limits.AUDIT_EVENTS + " events in all");
        }
    }

    private static SpooledEvents record(int index, AppendSpooledRequest request, Subject caller) {
        String field = "records[" + index + "].";
        SpooledRecord record = request.getRecords(index);
        long expected = request.getRecords(0).getNumber() + index;
        if (record.getNumber() < 1 || record.getNumber() != expected) {
            throw RefusedException.invalid(
                    field + "number",
                    Long.toString(record.getNumber()),
                    index == 0 ? "a number, 1 or more" : expected + ", one more than the record before");
        }
        String trace = record.getTraceContext();
        if (!trace.isEmpty() && !Admission.isTraceContext(trace)) {
            throw RefusedException.invalid(field + "trace_context", trace, "a W3C `traceparent`, or none");
        }
        List<AuditEvent> events = AppendCalls.events(field, record.getEventsList(), caller).stream()
                .map(event -> trace.isEmpty() ? event : event.inTrace(trace))
                .toList();
        LedgerEndpoint.requireSound(AuditEvents.problemsOfSpooled(events, request.getSpoolId(), expected).stream()
                .map(problem -> new EventProblem(field + problem.field(), problem.value(), problem.expected()))
                .toList());
        return new SpooledEvents(expected, events);
    }

    private static String spoolId(String text) {
        if (!ID.matcher(text).matches()) {
            throw RefusedException.invalid("spool_id", text, "32 hexadecimal digits, lower case");
        }
        return text;
    }

    private static Digest hash(String field, ByteString bytes) {
        if (bytes.size() != Digest.LENGTH) {
            throw RefusedException.invalid(field, bytes.size() + " bytes", Digest.LENGTH + " bytes");
        }
        return Digest.of(bytes.toByteArray());
    }

    ListSpoolsResponse list(ListSpoolsRequest request) {
        TenantId tenant = gate.admit(request.getTenant());
        Fields.requireKnown("request", request);
        List<Standing> standings = spools.list(tenant);
        if (standings.isEmpty()) {
            ledgers.requireExists(tenant);
        }
        ListSpoolsResponse.Builder response = ListSpoolsResponse.newBuilder();
        standings.forEach(standing -> response.addSpools(SpoolStanding.newBuilder()
                .setRecordedBy(standing.recorder().caller().toString())
                .setRecordedByTenant(standing.recorder().home().value())
                .setSpoolId(standing.spoolId())
                .setNextNumber(standing.nextNumber())
                .setHighestNumber(standing.highestNumber())
                .setMissing(standing.missing())
                .setHeardAt(Fields.timestamp(standing.heardAt()))));
        return response.build();
    }

    DeclareSpoolLossResponse declareLost(DeclareSpoolLossRequest request) {
        TenantId tenant = gate.admit(request.getTenant());
        Fields.requireKnown("request", request);
        Loss loss = loss(tenant, request);
        ledgers.requireExists(tenant);
        return switch (spools.declareLost(loss)) {
            case LossResult.Declared declared ->
                DeclareSpoolLossResponse.newBuilder()
                        .setEntry(AppendCalls.entry(declared.entry()))
                        .setFromNumber(declared.fromNumber())
                        .setThroughNumber(declared.throughNumber())
                        .build();
            case LossResult.NoSuchSpool() ->
                throw RefusedException.notFound(ErrorReason.SPOOL_NOT_FOUND, "spool", loss.spoolId());
            case LossResult.NotMissing(Standing standing) ->
                throw RefusedException.precondition(
                        ErrorReason.SPOOL_NOT_MISSING,
                        "spool " + loss.spoolId(),
                        standing.missing() == 0
                                ? "the ledger has all that the spool has told of, through record "
                                        + standing.highestNumber()
                                : "records " + standing.nextNumber() + " to " + standing.highestNumber()
                                        + " are missing, and not " + loss.throughNumber());
        };
    }

    private static Loss loss(TenantId tenant, DeclareSpoolLossRequest request) {
        String reason = Fields.text("reason", request.getReason(), AuditEvents.REASON_BYTES);
        if (reason == null) {
            throw RefusedException.invalid("reason", "", "why they will not come");
        }
        TenantId home = Fields.readOptional("recorded_by_tenant", request.getRecordedByTenant(), TenantId::new);
        return new Loss(
                tenant,
                CallContext.current().recorder(),
                new Recorder(
                        Fields.read("recorded_by", request.getRecordedBy(), Subject::parse),
                        home == null ? tenant : home),
                spoolId(request.getSpoolId()),
                request.getThroughNumber(),
                reason);
    }
}
