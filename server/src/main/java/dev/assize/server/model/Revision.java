package dev.assize.server.model;

/** A policy state of a tenant or of the platform; 0 is the empty one, and each accepted change adds one. */
public record Revision(long value) implements Comparable<Revision> {

    public static final Revision NONE = new Revision(0);

    public Revision {
        if (value < 0) {
            throw new MalformedException(Long.toString(value), "a revision, 0 or more");
        }
    }

    public Revision next() {
        return new Revision(value + 1);
    }

    @Override
    public int compareTo(Revision other) {
        return Long.compare(value, other.value);
    }

    @Override
    public String toString() {
        return Long.toString(value);
    }
}
