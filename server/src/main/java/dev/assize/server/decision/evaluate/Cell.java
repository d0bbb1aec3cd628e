package dev.assize.server.decision.evaluate;

/**
 * What roles say to one action on one type of resource in one environment. Equal cells of a graph are one object, which
 * says of the first roles itself whether they have a rule: in most tenants there are no others.
 */
public final class Cell {

    private final long firstAllows;
    private final long firstDenies;
    private final RoleRules allows;
    private final RoleRules denies;

    public Cell(RoleRules allows, RoleRules denies) {
        this.firstAllows = allows.first();
        this.firstDenies = denies.first();
        this.allows = allows;
        this.denies = denies;
    }

    RoleRules allows() {
        return allows;
    }

    RoleRules denies() {
        return denies;
    }

    /** Whether the role has an allow here. */
    boolean allows(int role) {
        return role < Long.SIZE ? (firstAllows & 1L << role) != 0 : allows.has(role);
    }

    /** Whether the role has a deny here. */
    boolean denies(int role) {
        return role < Long.SIZE ? (firstDenies & 1L << role) != 0 : denies.has(role);
    }

    /** Whether no role has a rule here. */
    boolean isSilent() {
        return (firstAllows | firstDenies) == 0 && allows.areNone() && denies.areNone();
    }

    /** An estimate of its heap, for the cache. */
    public long weightBytes() {
        return 40 + allows.weightBytes() + denies.weightBytes();
    }
}
