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
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SortedSet;

/**
 * Recognises what is sent again after a name in it was erased. Its subject stands under another pseudonym now, and nobody can
 * tell any more who stood under the one before; whatever else was sent must be what is in the entries.
 */
final class EstrangedRetry {

    private static final String ERASED = "SELECT count(DISTINCT e.resource) FROM assize.ledger_entry e"
            + " WHERE e.tenant_id = ? AND e.resource = ANY (?) AND e.type = '" + ActorEvents.ERASED + "'";

    private static final byte[] PSEUDONYM = (Subject.PSEUDONYM_TYPE + ":").getBytes(US_ASCII);

    /** What is another's in each retry. */
    private static final Set<Integer> NOT_SENT = Set.of(FrameFields.COMMITMENTS, FrameFields.TRACE_CONTEXT);

    private EstrangedRetry() {}

    /** Whether the entries are what is sent, but for names of which the ledger says that they were erased. */
    static boolean isOf(TenantTransaction transaction, TenantId tenant, List<byte[]> frames, List<EntryDraft> drafts)
            throws SQLException {
        if (frames.size() != drafts.size()) {
            return false;
        }
        Set<Subject> gone = new HashSet<>();
        for (int i = 0; i < drafts.size(); i++) {
            if (!isOf(frames.get(i), drafts.get(i), gone)) {
                return false;
            }
        }
        return !gone.isEmpty() && areErased(transaction, tenant, gone);
    }

    private static boolean isOf(byte[] frame, EntryDraft draft, Set<Subject> gone) {
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

    private static boolean isOf(FrameFields kept, FrameFields sent, Set<Subject> gone) {
        SortedSet<Integer> numbers = kept.bodyNumbers();
        numbers.removeAll(NOT_SENT);
        SortedSet<Integer> others = sent.bodyNumbers();
        others.removeAll(NOT_SENT);
        return numbers.equals(others) && numbers.stream().allMatch(number -> isSame(kept, sent, number, gone));
    }

    /** A caller's own text may begin as a pseudonym does. */
    private static boolean isSame(FrameFields kept, FrameFields sent, int number, Set<Subject> gone) {
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
        gone.add(Subject.parse(kept.requiredText(number)));
        return true;
    }

    private static boolean areErased(TenantTransaction transaction, TenantId tenant, Set<Subject> names)
            throws SQLException {
        try (PreparedStatement statement = transaction.connection().prepareStatement(ERASED)) {
            StatementArrays values = new StatementArrays(statement);
            values.text(tenant.value());
            values.texts(
                    List.copyOf(names),
                    name -> ActorEvents.resource(tenant, name).value());
            try (ResultSet row = statement.executeQuery()) {
                return row.next() && row.getInt(1) == names.size();
            }
        }
    }
}
