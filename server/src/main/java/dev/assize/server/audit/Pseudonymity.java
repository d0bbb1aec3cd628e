package dev.assize.server.audit;

import dev.assize.server.model.Recorder;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import java.util.Set;
import java.util.function.UnaryOperator;

/**
 * Puts pseudonyms in the place of subjects, where the tenant wants that for their types: of who acted, for whom, and who
 * recorded it. The server's own entries are not touched: what they say of policy, keys and approvals names people anyway.
 */
final class Pseudonymity {

    private final Set<String> types;
    private final UnaryOperator<Subject> pseudonym;

    private Pseudonymity(Set<String> types, UnaryOperator<Subject> pseudonym) {
        this.types = types;
        this.pseudonym = pseudonym;
    }

    static Pseudonymity of(TenantId tenant, AuditSettings settings, Pseudonyms pseudonyms) {
        return new Pseudonymity(settings.pseudonyms(tenant), subject -> pseudonyms.of(tenant, subject));
    }

    AuditEvent apply(AuditEvent event) {
        if (isOwn(event)) {
            return event;
        }
        Subject onBehalfOf = event.onBehalfOf();
        // One that can be erased by itself is not in the frame.
        if (onBehalfOf != null && !event.erasable().contains(Erasable.ON_BEHALF_OF)) {
            onBehalfOf = named(onBehalfOf);
        }
        return event.withSubjects(named(event.actor()), onBehalfOf);
    }

    /** Who recorded an event, as its entry is to say. */
    Recorder apply(Recorder recorder, AuditEvent event) {
        return isOwn(event) ? recorder : new Recorder(named(recorder.caller()), recorder.home());
    }

    private boolean isOwn(AuditEvent event) {
        return types.isEmpty() || event.type().startsWith(AuditEvent.OWN_TYPES);
    }

    private Subject named(Subject subject) {
        return types.contains(subject.type()) ? pseudonym.apply(subject) : subject;
    }
}
