package dev.assize.server.retention;

import dev.assize.server.audit.Pseudonym;
import dev.assize.server.ledger.Receipt;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Tells who stands behind pseudonyms, and forgets it. Each call is one transaction that records what it did. */
public interface PseudonymRepository {

    /** Actors of one request. */
    int MAX_ACTORS = 500;

    /**
     * Those who are known of some pseudonyms or subjects, in the order in which they were asked about.
     *
     * @param reason why, for the record
     */
    Identified identify(TenantId tenant, Recorder by, List<Subject> actors, String reason);

    /**
     * Forgets who stands behind a pseudonym; what is forgotten already, on record, stays so.
     *
     * @param actor the pseudonym, or the subject
     * @param basis on what basis, for the record
     */
    Forgotten forget(TenantId tenant, Recorder by, Subject actor, String basis);

    /**
     * Who was found.
     *
     * @param recorded the entry that says so; null where nobody was
     */
    record Identified(List<Pseudonym> actors, @Nullable Receipt recorded) {}

    /** How forgetting ended. */
    sealed interface Forgotten {

        /** Nobody knows any more, as an entry says. */
        record Done(Subject pseudonym, Receipt recorded) implements Forgotten {}

        /** There is no such pseudonym, and no such subject has one. */
        record NoSuchActor() implements Forgotten {}

        /** A hold is in force that may be on an entry of the pseudonym. */
        record Held(Subject pseudonym, List<String> holds) implements Forgotten {}
    }
}
