package dev.assize.benchmarks.peer;

/** Brings an engine whose artefacts not every build can have; found by {@link java.util.ServiceLoader}. */
public interface PeerProvider {

    String name();

    /** One of its own, whose jar names its version. */
    Class<?> engine();

    Peer open(RoleModel model) throws Exception;
}
