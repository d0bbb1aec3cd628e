package dev.assize.benchmarks.peer;

import io.sapl.pdp.BlockingPolicyDecisionPoint;

/** Brings SAPL to the other engines. */
public final class SaplProvider implements PeerProvider {

    @Override
    public String name() {
        return "sapl";
    }

    @Override
    public Class<?> engine() {
        return BlockingPolicyDecisionPoint.class;
    }

    @Override
    public Peer open(RoleModel model) {
        return new SaplPeer(model);
    }
}
