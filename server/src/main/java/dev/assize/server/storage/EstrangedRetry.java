package dev.assize.server.storage;

import static java.nio.charset.StandardCharsets.US_ASCII;

import dev.assize.server.audit.ActorEvents;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.ledger.EntryDraft;
import dev.assize.server.ledger.FrameFields;
import dev.assize.server.ledger.MalformedFrameException;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import java.nio.ByteBuffer;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SortedSet;

/**
 * Recognises what is sent again after a name in it was erased. Its subject stands under another pseudonym now, and nobody can
 * tell any more who stood under the one before; whatever else was sent must be what is in the entries. Who stood in entries
 * under the other pseudonym before the erasure, when the subject still had the one, is somebody else.
 */
final class EstrangedRetry {

    /** Each pair of names of which it says that the one was erased, and the other one not there before. */
    private static final String ERASED = "SELECT count(*) FROM unnest(?::text[], ?::text[]) AS n (resource, name),"
            + " LATERAL (SELECT max(e.seq) AS seq FROM assize.ledger_entry e WHERE e.tenant_id = ?"
            + " AND e.resource = n.resource AND e.type = '" + ActorEvents.ERASED + "') AS gone"
            + " WHERE gone.seq IS NOT NULL AND NOT EXISTS (" + before("actor") + ") AND NOT EXISTS ("
            + before("recorded_by") + ")";

    private static final byte[] PSEUDONYM = (Subject.PSEUDONYM_TYPE + ":").getBytes(US_ASCII);

    /** What is another's in each retry. */
    private static final Set<Integer> NOT_SENT = Set.of(FrameFields.COMMITMENTS, FrameFields.TRACE_CONTEXT);

    private EstrangedRetry() {}

    /** Said as the index over pseudonyms says it. */
    private static String before(String column) {
        return "SELECT FROM assize.ledger_entry o WHERE o.tenant_id = ? AND o." + column + " = n.name AND o." + column
                + " >= 'pseudonym:' AND o." + column + " < 'pseudonym;' AND o.seq < gone.seq";
    }

    /** Whether the entries are what is sent, but for names of which the ledger says that they were erased. */
    static boolean isOf(TenantTransaction transaction, TenantId tenant, List<byte[]> frames, List<EntryDraft> drafts)
            throws SQLException {
        if (frames.size() != drafts.size()) {
            return false;
        }
        Set<Renaming> gone = new HashSet<>();
        for (int i = 0; i < drafts.size(); i++) {
            if (!isOf(frames.get(i), drafts.get(i), gone)) {
                return false;
            }
        }
        return !gone.isEmpty() && areErased(transaction, tenant, gone);
    }

    private static boolean isOf(byte[] frame, EntryDraft draft, Set<Renaming> gone) {
        try {
            FrameFields kept = FrameFields.read(frame);
            FrameFields sent = FrameFields.read(ByteBuffer.allocate(1 + draft.body().length)
                    .put(frame[0])
                    .put(draft.body())
                    .array());
            return draft.type().equals(kept.text(FrameFields.TYPE)) && isOf(kept, sent, gone);
        } catch (MalformedFrameException | MalformedException altered) {
            return false;
        }
    }

    private static boolean isOf(FrameFields kept, FrameFields sent, Set<Renaming> gone) {
        SortedSet<Integer> numbers = kept.bodyNumbers();
        numbers.removeAll(NOT_SENT);
        SortedSet<Integer> others = sent.bodyNumbers();
        others.removeAll(NOT_SENT);
        return numbers.equals(others) && numbers.stream().allMatch(number -> isSame(kept, sent, number, gone));
    }

    /** A caller's own text may begin as a pseudonym does. */
    private static boolean isSame(FrameFields kept, FrameFields sent, int number, Set<Renaming> gone) {
        byte[] value = kept.bytes(number);
        byte[] other = sent.bytes(number);
        if (Arrays.equals(value, other)) {
            return true;
        }
        if (!AuditCodec.SUBJECTS.contains(number)
                || !kept.startsWith(number, PSEUDONYM)
                || !sent.startsWith(number, PSEUDONYM)) {
            return false;
        }
        gone.add(new Renaming(Subject.parse(kept.requiredText(number)), Subject.parse(sent.requiredText(number))));
        return true;
    }

    private static boolean areErased(TenantTransaction transaction, TenantId tenant, Set<Renaming> names)
            throws SQLException {
        List<Renaming> all = List.copyOf(names);
        return transaction
                .find(
                        ERASED,
                        parameters -> {
                            parameters.texts(
                                    all,
                                    name -> ActorEvents.resource(tenant, name.gone)
                                            .value());
                            parameters.texts(all, name -> name.now.toString());
                            parameters.text(tenant.value());
                            parameters.text(tenant.value());
                            parameters.text(tenant.value());
                        },
                        row -> row.getInt(1) == all.size())
                .orElse(false);
    }

    /** What was a subject's pseudonym, and what may be now. */
    private record Renaming(Subject gone, Subject now) {}
}
