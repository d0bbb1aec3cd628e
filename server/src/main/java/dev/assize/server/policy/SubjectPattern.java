package dev.assize.server.policy;

import dev.assize.server.model.Subject;

/** Whom a binding names. */
public sealed interface SubjectPattern {

    /** Everybody: `*`. */
    record Anyone() implements SubjectPattern {
        @Override
        public String toString() {
            return "*";
        }
    }

    /** Everybody of a type: `user:*`. */
    record AnyOfType(String type) implements SubjectPattern {
        @Override
        public String toString() {
            return type + ":*";
        }
    }

    /** One subject, or a group's members: `user:alice`, `group:noc`. */
    record Named(Subject subject) implements SubjectPattern {
        @Override
        public String toString() {
            return subject.toString();
        }
    }
}
