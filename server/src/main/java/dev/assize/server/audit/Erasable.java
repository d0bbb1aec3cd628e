package dev.assize.server.audit;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/**
 * What of an event may be kept beside its frame, so that it can be erased. Nothing else can: who did what to which
 * resource is the record, and what queries find must not depend on what may go.
 */
public enum Erasable {
    ON_BEHALF_OF(AuditField.ON_BEHALF_OF),
    REASON(AuditField.REASON),
    PAYLOAD(AuditField.PAYLOAD);

    private final int field;

    Erasable(int field) {
        this.field = field;
    }

    /** Its number in the frame. */
    public int field() {
        return field;
    }

    /** As requests and the format page name it. */
    public String text() {
        return name().toLowerCase(Locale.ROOT);
    }

    public static Optional<Erasable> ofText(String text) {
        return Arrays.stream(values()).filter(it -> it.text().equals(text)).findFirst();
    }

    static Optional<Erasable> ofField(int field) {
        return Arrays.stream(values()).filter(it -> it.field == field).findFirst();
    }
}
