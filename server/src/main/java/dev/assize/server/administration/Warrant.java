package dev.assize.server.administration;

import dev.assize.server.model.Recorder;
import dev.assize.server.model.TenantId;
import java.util.List;
import java.util.function.Predicate;

/**
 * By what right a change is made.
 *
 * @param recorder who makes it
 * @param ungiven to whom it must give nothing
 * @param isAccepted whether as many others accepted it as the tenant asks for, or nobody need to
 * @param mayLift whether freezes of a tenant may be lifted by it; asked within a transaction, so it must not block
 * @param maySetTerms whether what a tenant may have may be said anew by it; likewise
 */
record Warrant(
        Recorder recorder,
        List<Recorder> ungiven,
        boolean isAccepted,
        Predicate<TenantId> mayLift,
        Predicate<TenantId> maySetTerms) {

    Warrant {
        ungiven = List.copyOf(ungiven);
    }

    /** Of what lifts no freeze, and sets no terms, but by permissions that were asked for already. */
    Warrant(Recorder recorder, List<Recorder> ungiven, boolean isAccepted) {
        this(recorder, ungiven, isAccepted, tenant -> true, tenant -> true);
    }

    Warrant lifting(Predicate<TenantId> lifting) {
        return new Warrant(recorder, ungiven, isAccepted, lifting, maySetTerms);
    }

    Warrant settingTerms(Predicate<TenantId> setting) {
        return new Warrant(recorder, ungiven, isAccepted, mayLift, setting);
    }

    /** Of somebody who changes policy alone, for itself or on somebody's behalf. */
    static Warrant of(Recorder recorder, ChangeOrigin origin) {
        if (origin.text().equals(ChangeOrigin.BREAK_GLASS)) {
            return new Warrant(recorder, List.of(), true);
        }
        Recorder actor = origin.actor();
        return new Warrant(
                recorder,
                actor == null || actor.equals(recorder) ? List.of(recorder) : List.of(recorder, actor),
                origin.isImmediate());
    }

    /** Of the first policy of a database: nobody is there who could be asked. */
    static Warrant ofFirst() {
        return new Warrant(Recorder.ASSIZE, List.of(), true);
    }

    /** Of what others accepted: it is they who must not gain, for the proposer does not decide. */
    static Warrant ofAcceptors(Recorder last, List<Recorder> acceptors) {
        return new Warrant(last, acceptors, true);
    }
}
