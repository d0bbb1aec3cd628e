package dev.assize.server.model;

import java.util.regex.Pattern;

/** The name of a tenant. */
public record TenantId(String value) implements Comparable<TenantId> {

    /** What a tenant's name looks like. */
    public static final String EXPECTED = "a tenant name, `[A-Za-z0-9][A-Za-z0-9._-]{0,62}`";

    // Stands before the constant that it checks: statics are made in this order.
    static final Pattern FORM = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,62}");

    /** The tenant whose policy guards Assize itself. */
    public static final TenantId ASSIZE = new TenantId("assize");

    public TenantId {
        if (!FORM.matcher(value).matches()) {
            throw new MalformedException(value, EXPECTED);
        }
    }

    @Override
    public int compareTo(TenantId other) {
        return value.compareTo(other.value);
    }

    @Override
    public String toString() {
        return value;
    }
}
