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

    private byte[] bytes;
    private int offset;
    private int length;
    private int hash;

    private TenantKey(byte[] name) {
        this.bytes = name;
        this.length = name.length;
        this.hash = NameBytes.hash(name, 0, name.length);
    }

    static TenantKey of(TenantId tenant) {
        return new TenantKey(tenant.value().getBytes(StandardCharsets.UTF_8));
    }

    static TenantKey probe() {
        return new TenantKey(NONE);
    }

    /** Points a probe at the tenant that a question names. */
    TenantKey at(CheckBytes names) {
        bytes = names.bytes();
        offset = names.tenantOffset();
        length = names.tenantLength();
        hash = NameBytes.hash(bytes, offset, length);
        return this;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof TenantKey key
                && hash == key.hash
                && length == key.length
                && NameBytes.isSame(bytes, offset, key.bytes, key.offset, length);
    }

    @Override
    public int hashCode() {
        return hash;
    }

    @Override
    public String toString() {
        return new String(bytes, offset, length, StandardCharsets.UTF_8);
    }
}
