package dev.assize.server.decision.impact;

import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;

/**
 * A subject of a home, or somebody who stands for all whom policy does not name.
 *
 * @param subject for those who are not named, a name that nobody has
 */
record Person(Subject subject, TenantId home, Kind kind) implements Comparable<Person> {

    /** Whom it stands for. */
    enum Kind {
        NAMED,
        /** Those of a type who are not named. */
        OF_TYPE,
        /** Those of types that no binding names as a whole, who are not named. */
        ANYBODY
    }

    /** As people read it. */
    String shown() {
        return switch (kind) {
            case NAMED -> subject.toString();
            case OF_TYPE -> subject.type() + ":*";
            case ANYBODY -> "*";
        };
    }

    @Override
    public int compareTo(Person other) {
        int byHome = home.value().compareTo(other.home.value());
        int byKind = byHome != 0 ? byHome : other.kind.compareTo(kind);
        return byKind != 0 ? byKind : subject.toString().compareTo(other.subject.toString());
    }
}
