package dev.assize.server.decision;

import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.CheckBytes;
import dev.assize.server.model.Reason;
import dev.assize.server.model.Revision;
import dev.assize.server.policy.DecisionLog;
import dev.assize.server.policy.Document.Obligation;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A place at the front desk, for one thread: decides from what this node holds by the bytes of a question's names, waits
 * for nothing, reads nothing from outside and makes nothing on its way. Opened for a tenant, asked as often as wanted, all
 * against one revision, and closed. What it cannot decide is to be asked as a {@link
 * dev.assize.server.decision.check.CheckQuery}, {@linkplain DecisionService#evaluateIfReady without waiting} first.
 */
public interface Desk extends AutoCloseable {

    /** Opens for the tenant that the names have; not where its policy is not held, or is not known to be fresh. */
    boolean open(CheckBytes names);

    /**
     * Decides in the tenant that it is open for; what the names say of the tenant is not looked at again.
     *
     * @return false where it cannot: a name that is not plain, history, approvals, or a condition on the moment
     * @throws EvaluationFailedException for a bug
     */
    boolean decide(CheckBytes names);

    // What was decided last: until the next decision, and until it is closed.

    Reason reason();

    /** The binding that decided; null where none did. */
    @Nullable
    String binding();

    /** The role that carries the permission that decided; null where no binding decided. */
    @Nullable
    String role();

    /** The permission's place in that role, from 0; negative where no binding decided. */
    int position();

    Revision revision();

    Revision platformRevision();

    Instant validUntil();

    /** Duties on allow, advice on deny; by id, then type. */
    List<Obligation> obligations();

    /** Which decisions of the tenant go on record, by the policy that the answer rests on. */
    DecisionLog decisionLog();

    /** A copy of all that the answer says, also of the freeze or separation of duty that decided. */
    Answer answer();

    /** Forgets what was decided since it was opened, for it is going to be asked another way; it is not counted here. */
    void abandon();

    /** Counts what was decided since it was opened, one as a check and more as a batch, and lets go of the policy. */
    @Override
    void close();
}
