package dev.assize.server.audit;

import dev.assize.server.ledger.ErasableValue;
import dev.assize.server.model.Subject;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;

/**
 * A name that stands in a ledger for a subject: a salted commitment to it. With salt and subject anybody can compute it; once
 * both are gone nothing tells whose it was, and what is hashed stays what it is.
 *
 * @param salt of {@link ErasableValue#SALT_BYTES} random bytes, one for each subject of a ledger
 */
public record Pseudonym(Subject subject, byte[] salt) {

    private static final SecureRandom RANDOM = new SecureRandom();

    /** A new one. */
    public static Pseudonym make(Subject subject) {
        byte[] salt = new byte[ErasableValue.SALT_BYTES];
        RANDOM.nextBytes(salt);
        return new Pseudonym(subject, salt);
    }

    /** As it stands in entries. */
    public Subject name() {
        byte[] text = subject.toString().getBytes(StandardCharsets.UTF_8);
        return new Subject(
                Subject.PSEUDONYM_TYPE,
                new ErasableValue(AuditField.ACTOR, salt, text).commitment().toString());
    }
}
