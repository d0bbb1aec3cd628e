package dev.assize.server.decision.evaluate;

/** What roles say to one action on one type of resource in one environment. Equal cells of a graph are one object. */
public record Cell(RoleRules allows, RoleRules denies) {

    /** An estimate of its heap, for the cache. */
    public long weightBytes() {
        return 24 + allows.weightBytes() + denies.weightBytes();
    }
}
