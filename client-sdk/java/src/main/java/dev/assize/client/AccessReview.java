package dev.assize.client;

import dev.assize.client.HeldGrant.Change;
import dev.assize.client.HeldGrant.LastUse;
import dev.assize.proto.v1.AccessChange;
import dev.assize.proto.v1.AccessGrant;
import dev.assize.proto.v1.AccessUse;
import dev.assize.proto.v1.ReviewAccessResponse;
import io.grpc.Context;
import io.grpc.StatusRuntimeException;
import java.time.Instant;
import java.util.Collections;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What a tenant's bindings give, row by row, by binding, subject and role. Asks on where one answer of the server ends
 * before all rows are read. Close it where you do not read to the end; the server stops, too. Not for two threads.
 */
public final class AccessReview implements Iterator<HeldGrant>, AutoCloseable {

    private final Context.CancellableContext call;
    private final Function<String, Iterator<ReviewAccessResponse>> asking;
    private Iterator<ReviewAccessResponse> messages = Collections.emptyIterator();
    private Iterator<AccessGrant> grants = Collections.emptyIterator();
    private @Nullable ReviewAccessResponse last;
    private boolean ended;

    AccessReview(Function<String, Iterator<ReviewAccessResponse>> asking) {
        this.call = Context.current().withCancellation();
        this.asking = asking;
        ask("");
    }

    /** @throws AssizeException when the next rows cannot be had */
    @Override
    public boolean hasNext() {
        try {
            while (!grants.hasNext() && !ended) {
                if (messages.hasNext()) {
                    last = messages.next();
                    grants = last.getGrantsList().iterator();
                } else if (last != null && last.getTruncated()) {
                    ask(last.getCursor());
                } else {
                    ended = true;
                    close();
                }
            }
        } catch (StatusRuntimeException failure) {
            close();
            throw AssizeException.of(failure);
        }
        return grants.hasNext();
    }

    @Override
    public HeldGrant next() {
        if (!hasNext()) {
            throw new NoSuchElementException();
        }
        return grant(grants.next());
    }

    /** The revision of the policy that the row last read is of; 0 before the first. It may rise from row to row. */
    public long revision() {
        return last == null ? 0 : last.getRevision();
    }

    /** Ends the review where it is not at its end. */
    @Override
    public void close() {
        call.cancel(null);
    }

    private void ask(String cursor) {
        Context before = call.attach();
        try {
            messages = asking.apply(cursor);
        } finally {
            call.detach(before);
        }
    }

    private static HeldGrant grant(AccessGrant wire) {
        return new HeldGrant(
                wire.getSubject(),
                wire.getSubjectTenant(),
                wire.getRole(),
                wire.getBinding(),
                wire.getGroupsList(),
                wire.getInheritedThroughList(),
                wire.getEnvironmentsList(),
                wire.getResourceTypesList(),
                wire.getResourcesList(),
                wire.getCondition(),
                wire.hasNotBefore() ? Wire.instant(wire.getNotBefore()) : null,
                wire.hasNotAfter() ? Wire.instant(wire.getNotAfter()) : null,
                wire.getReason(),
                wire.hasGiven() ? change(wire.getGiven()) : null,
                wire.hasJoined() ? change(wire.getJoined()) : null,
                lastUse(wire.getLastUse()));
    }

    private static Change change(AccessChange wire) {
        Instant at = Wire.instant(wire.getAt());
        return new Change(
                wire.getRevision(),
                at,
                wire.getBy(),
                wire.getByTenant(),
                wire.getReason(),
                wire.getSeq(),
                wire.getOrigin(),
                wire.getProposal(),
                wire.getApproversList());
    }

    /** What this client does not know says nothing. */
    private static LastUse lastUse(AccessUse wire) {
        return switch (wire.getState()) {
            case ACCESS_USE_STATE_ON_RECORD -> new LastUse.OnRecord(Wire.instant(wire.getAt()), wire.getSeq());
            case ACCESS_USE_STATE_NONE_FOUND -> new LastUse.NoneFound();
            case ACCESS_USE_STATE_NOT_RECORDED, ACCESS_USE_STATE_UNSPECIFIED, UNRECOGNIZED -> new LastUse.NotRecorded();
        };
    }
}
