package dev.assize.server.decision;

import dev.assize.server.decision.check.CheckBytes;
import dev.assize.server.decision.evaluate.NameBytes;
import dev.assize.server.model.TenantId;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * A tenant's name as UTF-8, to find what is held by the bytes of a message. What is kept under one is kept under one that
 * {@link #of} made, which is never changed; a probe belongs to one thread, which points it at one name after the other.
 */
final class TenantKey {

    private static final byte[] NONE = {};

    private final byte[] name;

    /** What a probe is pointed at; null for what is kept. */
    private @Nullable CheckBytes names;

    private int hash;

    private TenantKey(byte[] name) {
        this.name = name;
        this.hash = NameBytes.hash(name, 0, name.length);
    }

    static TenantKey of(TenantId tenant) {
        return new TenantKey(tenant.value().getBytes(StandardCharsets.UTF_8));
    }

    static TenantKey probe() {
        return new TenantKey(NONE);
    }

    /** Points a probe at the tenant that a question names. */
    // Whether these very names are known already: they say another one's each time.
    @SuppressWarnings("ReferenceEquality")
    TenantKey at(CheckBytes question) {
        if (names != question) {
            names = question;
        }
        hash = NameBytes.hash(question.bytes(), question.tenantOffset(), question.tenantLength());
        return this;
    }

    /** Whether it is the tenant that a question names. */
    boolean isOf(CheckBytes question) {
        return NameBytes.isSame(question.bytes(), question.tenantOffset(), question.tenantLength(), name);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof TenantKey key
                && hash == key.hash
                && length() == key.length()
                && NameBytes.isSame(bytes(), offset(), key.bytes(), key.offset(), length());
    }

    @Override
    public int hashCode() {
        return hash;
    }

    @Override
    public String toString() {
        return new String(bytes(), offset(), length(), StandardCharsets.UTF_8);
    }

    private byte[] bytes() {
        return names == null ? name : names.bytes();
    }

    private int offset() {
        return names == null ? 0 : names.tenantOffset();
    }

    private int length() {
        return names == null ? name.length : names.tenantLength();
    }
}
