package dev.assize.server.model;

/** The name of an environment of a tenant, for example `production`. */
public record Environment(String value) implements Comparable<Environment> {

    /** What an empty environment means. */
    public static final Environment DEFAULT = new Environment("default");

    /** What an environment's name looks like. */
    public static final String EXPECTED = "an environment name, `[A-Za-z0-9][A-Za-z0-9._-]{0,62}`";

    public Environment {
        if (!TenantId.FORM.matcher(value).matches()) {
            throw new MalformedException(value, EXPECTED);
        }
    }

    /** The environment a request names, {@link #DEFAULT} where it names none. */
    public static Environment ofRequest(String value) {
        return value.isEmpty() ? DEFAULT : new Environment(value);
    }

    @Override
    public int compareTo(Environment other) {
        return value.compareTo(other.value);
    }

    @Override
    public String toString() {
        return value;
    }
}
