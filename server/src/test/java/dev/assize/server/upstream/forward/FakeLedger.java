package dev.assize.server.upstream.forward;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.rpc.ErrorInfo;
import dev.assize.proto.v1.AppendSpooledRequest;
import dev.assize.proto.v1.AppendSpooledResponse;
import dev.assize.proto.v1.AuditEvent;
import dev.assize.proto.v1.SpooledRecord;
import dev.assize.server.model.Digest;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A ledger that takes what continues it, behind a link that fails when it is told to. */
final class FakeLedger extends LedgerLink {

    /** What becomes of a call. */
    enum Fault {
        NONE,
        REQUEST_LOST,
        ANSWER_LOST
    }

    private final Deque<Fault> faults = new ArrayDeque<>();
    private final List<String> entries = new ArrayList<>();
    private final List<Long> numbers = new ArrayList<>();
    private ByteString lastHash = ByteString.EMPTY;
    private long next = 1;
    private boolean known;
    private boolean cut;
    private @Nullable Supplier<RuntimeException> bug;
    private Predicate<String> refused = any -> false;
    private StatusRuntimeException refusal = Status.PERMISSION_DENIED.asRuntimeException();
    private boolean full;
    private int calls;

    FakeLedger() {
        super(new Unused());
    }

    private static final class Unused extends Channel {

        @Override
        public <Q, A> ClientCall<Q, A> newCall(MethodDescriptor<Q, A> method, CallOptions options) {
            throw new AssertionError("Nobody is called");
        }

        @Override
        public String authority() {
            return "nobody";
        }
    }

    void fail(Fault... coming) {
        faults.addAll(List.of(coming));
    }

    void mend() {
        faults.clear();
    }

    /** Throws what no link throws, or what it throws itself; null for none. */
    void breakWith(@Nullable Supplier<RuntimeException> thrower) {
        bug = thrower;
    }

    void cut(boolean isCut) {
        cut = isCut;
    }

    /** Refuses batches that have such an event. */
    void refuse(Status status, Predicate<String> texts) {
        refusal = status.asRuntimeException();
        refused = texts;
    }

    /** Whether it takes no spool that it does not know. */
    void full(boolean isFull) {
        full = isFull;
    }

    private static StatusRuntimeException spoolsFull() {
        return StatusProto.toStatusRuntimeException(com.google.rpc.Status.newBuilder()
                .setCode(Status.Code.RESOURCE_EXHAUSTED.value())
                .setMessage("give this one another key")
                .addDetails(Any.pack(
                        ErrorInfo.newBuilder().setReason(LedgerLink.FULL).build()))
                .build());
    }

    /** As it was when it had so many entries, one to a record. */
    void restore(int size) {
        entries.subList(size, entries.size()).clear();
        numbers.subList(size, numbers.size()).clear();
        next = numbers.isEmpty() ? 1 : numbers.getLast() + 1;
        // A copy of the database has the hash of then; here the one that would have been is not kept, so any will do.
        lastHash = ByteString.EMPTY;
        known = size > 0;
    }

    void declareLost(long through) {
        next = through + 1;
        lastHash = ByteString.EMPTY;
    }

    List<String> entries() {
        return entries;
    }

    int calls() {
        return calls;
    }

    @Override
    synchronized AppendSpooledResponse send(AppendSpooledRequest request) {
        calls++;
        if (bug != null) {
            throw bug.get();
        }
        Fault fault = faults.isEmpty() ? Fault.NONE : faults.remove();
        if (cut || fault == Fault.REQUEST_LOST) {
            throw new StatusRuntimeException(Status.UNAVAILABLE.withDescription("connection refused"));
        }
        if (full && !known && request.getHighestNumber() > 0) {
            throw spoolsFull();
        }
        AppendSpooledResponse answer = take(request);
        if (fault == Fault.ANSWER_LOST) {
            throw new StatusRuntimeException(Status.UNAVAILABLE.withDescription("connection reset"));
        }
        return answer;
    }

    private AppendSpooledResponse take(AppendSpooledRequest request) {
        if (!known) {
            lastHash = ByteString.copyFrom(
                    Digest.sha256(("assize spool " + request.getSpoolId()).getBytes(StandardCharsets.UTF_8))
                            .bytes());
        }
        if (request.getRecordsList().stream()
                .flatMap(record -> record.getEventsList().stream())
                .map(AuditEvent::getReason)
                .anyMatch(refused)) {
            throw refusal;
        }
        boolean fits = request.getRecordsCount() > 0
                && request.getRecords(0).getNumber() == next
                && (lastHash.isEmpty() || lastHash.equals(request.getPreviousHash()));
        if (fits) {
            known = true;
            for (SpooledRecord record : request.getRecordsList()) {
                record.getEventsList().forEach(event -> {
                    entries.add(event.getReason());
                    numbers.add(record.getNumber());
                });
                next = record.getNumber() + 1;
            }
            lastHash = request.getLastHash();
        }
        return AppendSpooledResponse.newBuilder()
                .setNextNumber(next)
                .setLastHash(lastHash)
                .setAppended(fits)
                .build();
    }
}
