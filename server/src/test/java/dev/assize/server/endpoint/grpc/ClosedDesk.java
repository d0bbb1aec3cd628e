package dev.assize.server.endpoint.grpc;

import dev.assize.server.decision.Desk;
import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.CheckBytes;
import dev.assize.server.model.Reason;
import dev.assize.server.model.Revision;
import dev.assize.server.policy.DecisionLog;
import dev.assize.server.policy.Document.Obligation;
import java.time.Instant;
import java.util.List;

/** A desk that opens for nobody. */
final class ClosedDesk implements Desk {

    @Override
    public boolean open(CheckBytes names) {
        return false;
    }

    @Override
    public boolean decide(CheckBytes names) {
        throw closed();
    }

    @Override
    public Reason reason() {
        throw closed();
    }

    @Override
    public String binding() {
        throw closed();
    }

    @Override
    public String role() {
        throw closed();
    }

    @Override
    public int position() {
        throw closed();
    }

    @Override
    public Revision revision() {
        throw closed();
    }

    @Override
    public Revision platformRevision() {
        throw closed();
    }

    @Override
    public Instant validUntil() {
        throw closed();
    }

    @Override
    public List<Obligation> obligations() {
        throw closed();
    }

    @Override
    public DecisionLog decisionLog() {
        throw closed();
    }

    @Override
    public Answer answer() {
        throw closed();
    }

    @Override
    public void close() {}

    private static AssertionError closed() {
        return new AssertionError("It was not opened");
    }
}
